//! `annograph serve`: first start, settings and shutdown.

use std::io::{Read, Write};

use axum::http::StatusCode;
use each_database::each_database;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Value, json};

use super::program::{Program, app_on};
use crate::support::TestApp;

const VIEWER: &str = "{ viewer { username role } }";

/// A database as the first start meets it.
async fn emptied(url: &str) {
    let app = app_on(url).await;
    Migrator::down(app.db.writer(), None).await.unwrap();
    app.db.close().await.unwrap();
}

#[each_database]
async fn the_first_start_prints_a_link_that_signs_the_admin_in(app: TestApp) {
    emptied(&app.url).await;
    let program = Program::on(&app.url);
    let server = program.serve(&[]);
    let base = server.base.clone();
    // The rest of the greeting is read at the end, so the token comes from the database of a second reader.
    let printed = {
        let (status, _) = server.get("healthz").await;
        assert_eq!(status, StatusCode::OK);
        server.stop().await
    };
    let lines: Vec<&str> = printed.lines().collect();
    let token = lines[1].trim().strip_prefix("token  ").unwrap();
    assert_eq!(lines[0].trim(), format!("open   {base}#token={token}"));
    assert_eq!(lines.len(), 3, "{printed}");

    let server = program.serve(&[]);
    let (status, answer) = server.run(token, VIEWER).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer["data"]["viewer"],
        json!({ "username": "admin", "role": "ADMIN" })
    );
    assert_eq!(server.stop().await, "", "a second start prints no token");

    // Once no admin can sign in any more, the next start helps again.
    program.run(&["token", "revoke", "1"]).ok();
    let again = program.serve(&[]).stop().await;
    assert!(
        again.contains("#token=") && !again.contains(token),
        "{again}"
    );
}

#[each_database]
async fn a_member_who_is_named_admin_is_not_made_one(app: TestApp) {
    emptied(&app.url).await;
    let program = Program::on(&app.url);
    program.run(&["user", "add", "admin"]).ok();
    let refused = program.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(
        refused
            .refused()
            .contains("annograph user add NAME --role admin"),
        "{}",
        refused.err
    );
    program
        .run(&["user", "add", "root", "--role", "admin"])
        .ok();
    let token = "a-secret-of-the-deployment";
    let server = program.with("ANNOGRAPH_ADMIN_TOKEN", token).serve(&[]);
    let (_, answer) = server.run(token, VIEWER).await;
    assert_eq!(
        answer["data"]["viewer"],
        json!({ "username": "root", "role": "ADMIN" })
    );
    server.stop().await;
}

#[each_database]
async fn a_given_admin_token_works_at_every_start(app: TestApp) {
    emptied(&app.url).await;
    let token = "a-secret-of-the-deployment";
    let program = Program::on(&app.url);
    let given = program.clone().with("ANNOGRAPH_ADMIN_TOKEN", token);
    let server = given.serve(&[]);
    let (_, answer) = server.run(token, VIEWER).await;
    assert_eq!(answer["data"]["viewer"]["role"], "ADMIN");
    program.run(&["token", "revoke", "1"]).ok();
    assert_eq!(server.run(token, VIEWER).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(server.stop().await, "", "a given token is not printed");

    let server = given.serve(&[]);
    assert_eq!(server.run(token, VIEWER).await.0, StatusCode::OK);
    server.stop().await;
    let list = program.run(&["token", "list"]).ok();
    assert!(!list.contains(token), "{list}");
    let short = program
        .clone()
        .with("ANNOGRAPH_ADMIN_TOKEN", "short")
        .run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(
        short.refused(),
        "annograph: token: a token has at least 16 characters\n"
    );
}

#[each_database]
async fn a_server_brings_its_database_up_to_date(app: TestApp) {
    emptied(&app.url).await;
    let program = Program::on(&app.url);
    assert_eq!(program.run(&["migrate", "status"]).code, Some(1));
    program.serve(&[]).stop().await;
    assert_eq!(program.run(&["migrate", "status"]).code, Some(0));
}

#[each_database]
async fn settings_come_from_the_environment_and_flags_win(app: TestApp) {
    let program = Program::on(&app.url)
        .with("ANNOGRAPH_LISTEN", "nonsense")
        .with("ANNOGRAPH_MAX_BODY", "200")
        .with("ANNOGRAPH_LOG", "off");
    let server = program.serve(&[]);
    let (status, answer) = server
        .run(&app.admin.token, &"{ viewer { id } } # ".repeat(20))
        .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
    server.stop().await;
    let server = program.serve(&["--max-body", "2000"]);
    let (status, _) = server
        .run(&app.admin.token, &"# { viewer { id } }".repeat(20))
        .await;
    assert_eq!(status, StatusCode::OK);
    server.stop().await;
    let refused = program.run(&["serve"]);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
}

#[each_database]
async fn an_address_in_use_is_said_in_a_line(app: TestApp) {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = Program::on(&app.url)
        .with("ANNOGRAPH_LOG", "off")
        .run(&["serve", "--listen", &address]);
    assert!(
        refused
            .refused()
            .starts_with(&format!("annograph: can't listen on {address}: ")),
        "{}",
        refused.err
    );
}

#[each_database]
async fn a_request_under_way_is_answered_before_the_end(app: TestApp) {
    let server = Program::on(&app.url).serve(&[]);
    let address = server
        .base
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let body =
        json!({ "query": r#"mutation { createProject(input: { title: "last" }) { title } }"# })
            .to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        app.admin.token,
        body.len()
    );
    let mut connection = std::net::TcpStream::connect(&address).unwrap();
    connection.write_all(head.as_bytes()).unwrap();
    // The server asks for the body only once it knows the caller: the request is under way.
    let mut first = [0; 25];
    connection.read_exact(&mut first).unwrap();
    assert!(
        first.starts_with(b"HTTP/1.1 100 Continue"),
        "{}",
        String::from_utf8_lossy(&first)
    );

    server.terminate();
    // No more connections are taken once it stops.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while std::net::TcpStream::connect(&address).is_ok() {
        assert!(std::time::Instant::now() < deadline, "it still listens");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    connection.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(
        answer.contains(r#"{"createProject":{"title":"last"}}"#),
        "{answer}"
    );
    let (code, _) = server.ended().await;
    assert_eq!(code, Some(0));
    let projects = entity::project::Entity::find()
        .all(app.app.db.writer())
        .await
        .unwrap();
    assert_eq!(projects.len(), 1);
}

#[each_database]
async fn a_request_without_end_is_given_up_after_the_grace_period(app: TestApp) {
    let server = Program::on(&app.url).serve(&["--grace", "0"]);
    let address = server
        .base
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
        app.admin.token,
    );
    let mut connection = std::net::TcpStream::connect(&address).unwrap();
    connection.write_all(head.as_bytes()).unwrap();
    connection.read_exact(&mut [0; 25]).unwrap();
    server.terminate();
    assert_eq!(server.ended().await.0, Some(0));
    // The database took no harm.
    app.app
        .db
        .writer()
        .execute_unprepared("SELECT 1")
        .await
        .unwrap();
}

#[each_database]
async fn each_untrusted_document_is_logged_once(app: TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("manifest.json");
    let trusted = "query Trusted { viewer { id } }";
    std::fs::write(&manifest, json!({ "t": trusted }).to_string()).unwrap();
    let log = folder.path().join("log");
    let flags = [
        "--log-format",
        "json",
        "--trusted-documents",
        manifest.to_str().unwrap(),
        "--trusted-documents-mode",
        "log",
    ];
    let program = Program::on(&app.url);
    let server = program.serve_with_log(&flags, std::fs::File::create(&log).unwrap());
    for query in [
        trusted,
        "query One { viewer { id } }",
        "{ viewer { username } }",
    ] {
        for _ in 0..3 {
            let (status, _) = server.run(&app.admin.token, query).await;
            assert_eq!(status, StatusCode::OK);
        }
    }
    // What does not run is not logged.
    server.run(&app.admin.token, "query Two { nonsense }").await;
    server.stop().await;
    let log = std::fs::read_to_string(log).unwrap();
    assert!(!log.contains("viewer"), "{log}");
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let told = lines.filter(|line: &Value| line.to_string().contains("an untrusted document runs"));
    let told: Vec<Value> = told.collect();
    let hashes = told
        .iter()
        .map(|line| line["sha256"].as_str().unwrap().len());
    assert_eq!(hashes.collect::<Vec<_>>(), [64, 64], "{log}");
    let names = told.iter().map(|line| &line["operation"]);
    assert_eq!(names.collect::<Vec<_>>(), ["One", ""], "{log}");
}
