//! Command line: each command, with and without a running server.

mod agreement;
mod broken_pipe;
mod check;
mod concurrent_commands;
mod concurrent_starts;
pub mod program;
mod serve;
mod unreachable_database;

use annograph::graphql::sdl;
use each_database::each_database;

use self::program::Program;
use crate::support::TestApp;

#[test]
fn the_schema_is_printed_without_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::in_folder(folder.path());
    assert_eq!(program.run(&["schema"]).ok(), sdl::published());
    assert_eq!(
        program.run(&["schema", "--federation"]).ok(),
        sdl::federation()
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "it left something behind"
    );
}

#[test]
fn a_first_command_makes_the_default_database() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::in_folder(folder.path());
    assert_eq!(program.run(&["user", "add", "ann"]).ok(), "user 1 (ann)\n");
    assert!(folder.path().join("annograph.db").is_file());
}

#[each_database]
async fn users_are_added_and_listed(app: TestApp) {
    let program = Program::on(&app.url);
    let added = program.run(&[
        "user",
        "add",
        "ann",
        "--display-name",
        "Ann Lee",
        "--email",
        "Ann@Example.com",
    ]);
    assert_eq!(added.ok(), "user 2 (ann)\n");
    assert_eq!(
        program
            .run(&["user", "add", "root", "--role", "admin"])
            .ok(),
        "user 3 (root)\n"
    );
    let list = program.run(&["user", "list"]).ok();
    let lines: Vec<Vec<&str>> = list
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    assert_eq!(
        lines[0],
        [
            "ID", "USERNAME", "NAME", "E-MAIL", "ROLE", "SIGNS IN", "CREATED"
        ]
    );
    assert_eq!(
        lines[2][..6],
        ["2", "ann", "Ann Lee", "ann@example.com", "member", "yes"]
    );
    assert_eq!(lines[3][..3], ["3", "root", "admin"]);
    let before = app.dump().await;
    for (arguments, message) in [
        (
            &["user", "add", "ann"][..],
            "annograph: username: a user with this username exists already\n",
        ),
        (
            &["user", "add", "other", "--email", "ANN@example.com"],
            "annograph: email: a user with this e-mail address exists already\n",
        ),
        (
            &["user", "add", "a@b"],
            "annograph: username: a username has 1 to 150 characters, no `@` and no space at its ends\n",
        ),
        (
            &["user", "add", "", "--email", "x"],
            "annograph: the input has 2 problems\n",
        ),
        (
            &["token", "create", "--user", "nobody"],
            "annograph: can't make a token for nobody: no such user\n",
        ),
        (&["token", "revoke", "99"], "annograph: no such token\n"),
        (
            &["token", "list", "--user", "nobody"],
            "annograph: no such user\n",
        ),
        (
            &["member", "add", "--project", "1", "--user", "ann"],
            "annograph: no such project\n",
        ),
        (
            &["member", "remove", "--project", "1", "--user", "ann"],
            "annograph: no such member of this project\n",
        ),
    ] {
        assert_eq!(program.run(arguments).refused(), message, "{arguments:?}");
    }
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn migrations_wait_until_they_are_brought_in(app: TestApp) {
    use migration::{Migrator, MigratorTrait};
    let program = Program::on(&app.url);
    let count = Migrator::migrations().len();
    let applied = program.run(&["migrate", "status"]);
    let text = applied.ok();
    assert_eq!(text.matches("applied").count(), count, "{text}");

    Migrator::down(app.app.db.writer(), Some(1)).await.unwrap();
    let waiting = program.run(&["migrate", "status"]);
    assert_eq!(waiting.code, Some(1));
    assert_eq!(
        (
            waiting.out.matches("waits").count(),
            waiting.out.matches("applied").count()
        ),
        (1, count - 1),
        "{}",
        waiting.out
    );

    Migrator::down(app.app.db.writer(), None).await.unwrap();
    let before = program.run(&["migrate", "status"]);
    assert_eq!(
        (before.code, before.out.matches("waits").count()),
        (Some(1), count)
    );

    assert_eq!(
        program.run(&["migrate", "up"]).ok(),
        "the database is up to date\n"
    );
    assert_eq!(
        program.run(&["migrate", "up"]).ok(),
        "the database is up to date\n"
    );
    assert_eq!(program.run(&["migrate", "status"]).code, Some(0));
}

#[test]
fn what_can_not_be_done_is_said_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::in_folder(folder.path());
    for url in [
        "mysql://x",
        "annograph.db",
        "",
        "sqlite::memory:",
        "sqlite:",
        "sqlite://?mode=memory",
        "sqlite:missing/folder/x.db",
        "postgres://127.0.0.1:1/x",
        "postgres://nobody:secret@127.0.0.1:1/x",
    ] {
        let answer = program.run(&["--database-url", url, "user", "list"]);
        let message = answer.refused();
        assert_eq!(message.lines().count(), 1, "{url}: {message}");
        assert!(
            message.starts_with("annograph: ") && !message.contains("secret"),
            "{url}: {message}"
        );
    }
    for arguments in [
        &["--nonsense"][..],
        &["nonsense"],
        &[],
        &["serve", "--listen", "nonsense"],
        &["serve", "--listen", "127.0.0.1"],
        &["serve", "--max-body", "-1"],
        &["serve", "--timeout", "soon"],
        &["user", "add"],
        &["user", "add", "x", "--role", "king"],
        &["token", "revoke", "x"],
        &["--log-format", "xml", "schema"],
    ] {
        let answer = program.run(arguments);
        assert_eq!(answer.code, Some(2), "{arguments:?}: {}", answer.err);
        assert!(!answer.err.contains("panicked"), "{}", answer.err);
    }
    let log = program.run(&["--log", "a=b=c", "user", "list"]);
    assert_eq!(log.refused().lines().count(), 1, "{}", log.err);
}

#[test]
fn help_names_every_variable() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::in_folder(folder.path());
    let help = program.run(&["serve", "--help"]).ok();
    for variable in [
        "ANNOGRAPH_LISTEN",
        "ANNOGRAPH_DATABASE_URL",
        "ANNOGRAPH_ADMIN_TOKEN",
        "ANNOGRAPH_MAX_BODY",
        "ANNOGRAPH_TIMEOUT",
        "ANNOGRAPH_GRACE",
        "ANNOGRAPH_LOG",
        "ANNOGRAPH_LOG_FORMAT",
    ] {
        assert!(help.contains(variable), "{variable}");
    }
    assert!(program.run(&["--version"]).ok().starts_with("annograph "));
}
