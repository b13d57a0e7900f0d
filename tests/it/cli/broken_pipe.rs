//! Closed pipes: every command ends quietly.

use std::{collections::BTreeSet, process::Stdio};

use annograph::cli::Cli;
use clap::CommandFactory;
use each_database::each_database;

use super::program::Program;
use crate::support::TestApp;

/// Every command of the program but `serve`, with arguments under which it prints something. FILE and FOLDER are
/// replaced.
pub const COMMANDS: [&[&str]; 18] = [
    &["schema"],
    &["schema", "--federation"],
    &["user", "add", "bob"],
    &["user", "list"],
    &["token", "create", "--user", "admin"],
    &["token", "list"],
    &["token", "revoke", "1"],
    &["member", "add", "--project", "1", "--user", "admin"],
    &["member", "list", "--project", "1"],
    &["member", "remove", "--project", "1", "--user", "admin"],
    &["import", "FILE", "--title", "Cars"],
    &["check", "FILE"],
    &["agreement", "FILE"],
    &["export", "--project", "1"],
    &[
        "export",
        "--project",
        "1",
        "--json",
        "--output",
        "FOLDER/out.json",
    ],
    &["events", "renew"],
    &["migrate", "up"],
    &["migrate", "status"],
];

/// The commands that print JSON or help, and those that are refused.
const OTHERS: [&[&str]; 9] = [
    &["import", "FILE", "--title", "Cars", "--json"],
    &["check", "FILE", "--json"],
    &["agreement", "FILE", "--json"],
    &["--help"],
    &["help", "serve"],
    &["--version"],
    &["nonsense"],
    &["user", "add", "a@b"],
    &["check", "FOLDER/missing.json"],
];

#[test]
fn every_command_is_in_the_table() {
    fn leaves(command: &clap::Command, path: &str, found: &mut BTreeSet<String>) {
        let mut children = command
            .get_subcommands()
            .filter(|it| it.get_name() != "help");
        let mut is_leaf = true;
        for child in children.by_ref() {
            is_leaf = false;
            leaves(child, &format!("{path} {}", child.get_name()), found);
        }
        if is_leaf {
            found.insert(path.trim_start().to_owned());
        }
    }
    let mut known = BTreeSet::new();
    leaves(&Cli::command(), "", &mut known);
    known.remove("serve");
    let named = |name: &String| {
        COMMANDS
            .iter()
            .any(|arguments| format!("{} ", arguments.join(" ")).starts_with(&format!("{name} ")))
    };
    let missing: Vec<&String> = known.iter().filter(|name| !named(name)).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[each_database]
async fn every_command_ends_quietly_when_its_reader_goes_away(app: TestApp) {
    app.project_with_task().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.json");
    let task = r#"{"data":{"text":"a"},"annotations":[{"result":[]},{"result":[]}]}"#;
    std::fs::write(&file, format!("[{}]", vec![task; 200].join(","))).unwrap();
    let (file, folder) = (
        file.display().to_string(),
        folder.path().display().to_string(),
    );
    let program = Program::on(&app.url);
    for arguments in COMMANDS.iter().chain(&OTHERS) {
        let filled = |text: &&str| text.replace("FILE", &file).replace("FOLDER", &folder);
        let arguments: Vec<String> = arguments.iter().map(filled).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        for without_errors in [false, true] {
            let mut command = program.command(&arguments);
            command.stdout(closed());
            if without_errors {
                command.stderr(closed());
            }
            let output = command.output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(!told.contains("panicked"), "{arguments:?}: {told}");
            assert!(!told.contains("pipe"), "{arguments:?}: {told}");
            let code = output.status.code();
            match code {
                Some(0) => {}
                // Done before, or wrong in itself.
                Some(1 | 2) => assert!(is_refused(&arguments), "{arguments:?}: {told}"),
                _ => panic!("{arguments:?} ends with {code:?}"),
            }
        }
    }
}

#[each_database]
async fn a_server_outlives_the_readers_of_its_greeting_and_log(app: TestApp) {
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let program = Program::on(&app.url);
    let arguments = ["--log", "debug", "serve", "--listen", &address.to_string()];
    let mut command = program.command(&arguments);
    command.stdout(closed()).stderr(closed());
    let mut server = command.spawn().unwrap();
    let url = format!("http://{address}/healthz");
    // Each request is logged.
    let mut answered = 0;
    while answered < 5 {
        assert_eq!(server.try_wait().unwrap(), None, "the server has ended");
        match reqwest::get(&url).await {
            Ok(answer) => {
                assert_eq!(answer.status(), 200);
                answered += 1;
            }
            Err(_) => tokio::task::yield_now().await,
        }
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

/// Commands that are refused, at least when they run once more.
fn is_refused(arguments: &[&str]) -> bool {
    let head = &arguments[..arguments.len().min(2)];
    matches!(head, ["user", "add"] | ["member", "remove"] | ["nonsense"])
        || arguments
            .last()
            .is_some_and(|last| last.ends_with("missing.json"))
}

/// A pipe whose reader has gone away.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}
