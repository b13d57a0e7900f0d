//! Unreachable databases: every command reports the cause once, without delay.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use each_database::each_database;
use migration::{Migrator, MigratorTrait};
use sea_orm::ConnectionTrait;

use super::{broken_pipe::COMMANDS, program::Program};
use crate::support::TestApp;

/// A server that answers every client as PostgreSQL does when it refuses one.
fn refusing(code: &'static str, message: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut head = [0; 1024];
            // Asked for encryption, it has none, and is asked once more.
            loop {
                let read = connection.read(&mut head).unwrap_or(0);
                if read != 8 {
                    break;
                }
                connection.write_all(b"N").unwrap();
            }
            let mut fields = Vec::new();
            for (kind, text) in [
                (b'S', "FATAL"),
                (b'V', "FATAL"),
                (b'C', code),
                (b'M', message),
            ] {
                fields.push(kind);
                fields.extend_from_slice(text.as_bytes());
                fields.push(0);
            }
            fields.push(0);
            let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
            let answer = [b"E", &length[..], &fields].concat();
            // The client may have left.
            let _ = connection.write_all(&answer);
        }
    });
    format!("postgres://ann:secret@{address}/cars")
}

#[test]
fn the_cause_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    std::fs::write(folder.path().join("text.db"), "a file of something else").unwrap();
    std::fs::write(folder.path().join("short.db"), "x").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (url, cause) in [
        (
            format!("postgres://ann:secret@{closed}/cars"),
            "the connection was refused",
        ),
        (
            refusing("28P01", "password authentication failed for user \"ann\""),
            "password authentication failed for user \"ann\"",
        ),
        (
            refusing("3D000", "database \"cars\" does not exist"),
            "database \"cars\" does not exist",
        ),
        (
            refusing("53300", "sorry, too many clients already"),
            "sorry, too many clients already",
        ),
        (
            refusing("57P03", "the database system is starting up"),
            "the database system is starting up",
        ),
        (at("missing/a.db"), "there is no folder"),
        (at("text.db"), "the file is no SQLite database"),
        (at("short.db"), "the file is no SQLite database"),
        (at(""), "can't open the SQLite database"),
    ] {
        let program = Program::on(&url);
        let message = program.run(&["user", "list"]).refused();
        assert_eq!(message.matches(cause).count(), 1, "{url}: {message}");
        assert_eq!(message.lines().count(), 1, "{url}: {message}");
        assert!(
            !message.contains("secret") && !message.contains("timed out"),
            "{message}"
        );
    }
}

#[test]
fn every_command_that_needs_the_database_tells_why_it_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.json");
    std::fs::write(&file, "[]").unwrap();
    let (file, folder) = (
        file.display().to_string(),
        folder.path().display().to_string(),
    );
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let needs = |name: &str| !matches!(name, "schema" | "check" | "agreement");
    let serve: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
    for arguments in COMMANDS.iter().filter(|it| needs(it[0])).chain([&serve]) {
        let filled = |text: &&str| text.replace("FILE", &file).replace("FOLDER", &folder);
        let arguments: Vec<String> = arguments.iter().map(filled).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        for (url, cause) in [
            (
                format!("postgres://{closed}/cars"),
                "the connection was refused",
            ),
            (
                format!("sqlite:{folder}/missing/a.db"),
                "there is no folder",
            ),
        ] {
            let message = Program::on(&url).run(&arguments).refused();
            assert_eq!(
                message.matches(cause).count(),
                1,
                "{arguments:?}: {message}"
            );
        }
    }
}

#[each_database]
async fn a_database_of_a_newer_release_is_refused_by_every_command(app: TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.json");
    std::fs::write(&file, "[]").unwrap();
    let (file, folder) = (
        file.display().to_string(),
        folder.path().display().to_string(),
    );
    let applied =
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29991231_000001_newer', 1)";
    let db = app.app.db.writer();
    // A pending migration beside an unknown newer one: commands refuse the database and migrate nothing.
    Migrator::down(db, Some(1)).await.unwrap();
    db.execute_unprepared(applied).await.unwrap();
    let program = Program::on(&app.url);
    let needs = |name: &str| !matches!(name, "schema" | "check" | "agreement");
    let serve: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
    for arguments in COMMANDS.iter().filter(|it| needs(it[0])).chain([&serve]) {
        let filled = |text: &&str| text.replace("FILE", &file).replace("FOLDER", &folder);
        let arguments: Vec<String> = arguments.iter().map(filled).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let message = program.run(&arguments).refused();
        assert!(
            message.contains("is of a newer release of annograph")
                && message.contains("m29991231_000001_newer"),
            "{arguments:?}: {message}"
        );
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    let waiting = Migrator::get_migration_models(db).await.unwrap();
    assert_eq!(
        waiting.len(),
        Migrator::migrations().len(),
        "nothing was applied"
    );
}
