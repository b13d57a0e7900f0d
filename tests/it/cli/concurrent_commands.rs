//! Commands beside a running server, which sees each change at once.

use axum::http::StatusCode;
use each_database::each_database;
use serde_json::json;

use super::program::Program;
use crate::support::TestApp;

const VIEWER: &str = "{ viewer { username role } projects { nodes { id } } }";

#[each_database]
async fn a_token_works_from_its_making_to_its_end(app: TestApp) {
    let program = Program::on(&app.url);
    let server = program.serve(&[]);
    program.run(&["user", "add", "ann"]).ok();
    let token = program
        .run(&["token", "create", "--user", "ann", "--name", "laptop"])
        .ok();
    let token = token.trim_end();
    assert!(token.starts_with("ann_") && token.len() > 30, "{token}");

    let (status, answer) = server.run(token, VIEWER).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer["data"],
        json!({ "viewer": { "username": "ann", "role": "MEMBER" }, "projects": { "nodes": [] } })
    );

    let list = program.run(&["token", "list", "--user", "ann"]).ok();
    assert!(list.contains("laptop") && !list.contains(token), "{list}");
    assert!(list.contains(&token[..12]), "{list}");
    let id = list
        .lines()
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    assert_eq!(program.run(&["token", "list"]).ok().lines().count(), 3);

    program.run(&["token", "revoke", id]).ok();
    let (status, answer) = server.run(token, VIEWER).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    // Once more changes nothing.
    let before = app.dump().await;
    program.run(&["token", "revoke", id]).ok();
    assert_eq!(app.dump().await, before);
    server.stop().await;
}

#[each_database]
async fn a_token_ends_when_it_was_told_to(app: TestApp) {
    let program = Program::on(&app.url);
    let server = program.serve(&[]);
    let create = |days| {
        program
            .run(&[
                "token",
                "create",
                "--user",
                "admin",
                "--expires-in-days",
                days,
            ])
            .ok()
    };
    let (lasting, ended) = (create("1"), create("0"));
    assert_eq!(
        server.run(lasting.trim_end(), VIEWER).await.0,
        StatusCode::OK
    );
    assert_eq!(
        server.run(ended.trim_end(), VIEWER).await.0,
        StatusCode::UNAUTHORIZED
    );
    let far = program.run(&[
        "token",
        "create",
        "--user",
        "admin",
        "--expires-in-days",
        "4294967295",
    ]);
    assert_eq!(far.code, Some(2), "{far:?}");
    assert!(far.err.contains("36500"), "{}", far.err);
    server.stop().await;
}

#[each_database]
async fn a_member_sees_the_project_until_the_membership_ends(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let ann = app.stranger("ann").await;
    let program = Program::on(&app.url);
    let server = program.serve(&[]);
    let projects =
        async || server.run(&ann.token, VIEWER).await.1["data"]["projects"]["nodes"].clone();
    assert_eq!(projects().await, json!([]));

    let added = program
        .run(&["member", "add", "--project", &project, "--user", "ann"])
        .ok();
    assert_eq!(added, "ann is now annotator of project 1\n");
    assert_eq!(projects().await, json!([{ "id": project }]));
    program
        .run(&[
            "member",
            "add",
            "--project",
            &project,
            "--user",
            "ann@example.com",
            "--role",
            "manager",
        ])
        .ok();
    let create = r#"mutation { createTasks(projectId: 1, tasks: [{ data: {} }]) { id } }"#;
    assert_eq!(
        server.run(&ann.token, create).await.1["data"]["createTasks"],
        json!([{ "id": "2" }])
    );
    let list = program.run(&["member", "list", "--project", &project]).ok();
    let cells: Vec<Vec<&str>> = list
        .lines()
        .map(|line| line.split_whitespace().take(3).collect())
        .collect();
    assert_eq!(
        cells,
        [
            ["USER", "ID", "USERNAME"],
            ["1", "admin", "manager"],
            [&ann.user_id, "ann", "manager"]
        ]
    );

    program
        .run(&[
            "member",
            "remove",
            "--project",
            &project,
            "--user",
            &ann.user_id,
        ])
        .ok();
    assert_eq!(projects().await, json!([]));
    let refused = program
        .run(&["member", "remove", "--project", &project, "--user", "ann"])
        .refused();
    assert_eq!(refused, "annograph: no such member of this project\n");
    server.stop().await;
}

#[each_database]
async fn two_servers_share_a_database(app: TestApp) {
    let program = Program::on(&app.url);
    let (one, other) = (program.serve(&[]), program.serve(&[]));
    let create = r#"mutation { createProject(input: { title: "Cars" }) { id } }"#;
    one.run(&app.admin.token, create).await;
    let (_, answer) = other
        .run(&app.admin.token, "{ projects { nodes { title } } }")
        .await;
    assert_eq!(
        answer["data"]["projects"]["nodes"],
        json!([{ "title": "Cars" }])
    );
    one.stop().await;
    other.stop().await;
}
