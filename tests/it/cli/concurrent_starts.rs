//! Concurrent starts of servers on one database.

use std::{
    io::{BufRead, BufReader},
    process::Child,
};

use each_database::each_database;
use migration::{Migrator, MigratorTrait};

use super::program::{Program, app_on};
use crate::support::TestApp;

/// Servers under way, which end with the test.
struct Servers(Vec<Child>);

impl Drop for Servers {
    fn drop(&mut self) {
        for server in &mut self.0 {
            // It may have ended by itself.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// Starts servers at once on an empty database; answers with the line by which each says where it is, and with
/// the tokens that were printed.
async fn start(program: &Program, url: &str, count: usize) -> (Vec<String>, usize) {
    let app = app_on(url).await;
    Migrator::down(app.db.writer(), None).await.unwrap();
    app.db.close().await.unwrap();
    let mut servers = Servers(Vec::new());
    for _ in 0..count {
        let mut command = program.command(&["serve", "--listen", "127.0.0.1:0"]);
        servers.0.push(
            command
                .stderr(std::process::Stdio::inherit())
                .spawn()
                .unwrap(),
        );
    }
    let mut first = Vec::new();
    let mut outputs = Vec::new();
    for server in &mut servers.0 {
        let mut out = BufReader::new(server.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        first.push(line);
        outputs.push(out);
    }
    drop(servers);
    let lines = outputs
        .into_iter()
        .flat_map(BufRead::lines)
        .map(Result::unwrap);
    (
        first,
        lines.filter(|line| line.starts_with("  token ")).count(),
    )
}

#[each_database]
async fn all_of_several_servers_start_on_an_empty_database(app: TestApp) {
    let program = Program::on(&app.url);
    for (program, tokens) in [
        (program.clone(), 1),
        (
            program.with("ANNOGRAPH_ADMIN_TOKEN", "a-secret-of-the-deployment"),
            0,
        ),
    ] {
        let (greetings, printed) = start(&program, &app.url, 6).await;
        for greeting in greetings {
            assert!(
                greeting.starts_with("Annograph is at http://"),
                "{greeting:?}"
            );
        }
        assert_eq!(printed, tokens);
        let beside = app_on(&app.url).await;
        let users = annograph::domain::user::all(&beside).await.unwrap();
        assert_eq!(users.len(), 1);
        let tokens = annograph::domain::token::all(&beside, None).await.unwrap();
        assert_eq!(tokens.len(), 1);
    }
}
