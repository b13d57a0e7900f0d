//! Failures of the database: the reported reason and outcome, and recovery. Faults that need a whole process or a
//! machine's disk are in `tests/e2e/faults`.

mod imports;

use annograph::{domain::token, error::Error};
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use each_database::{each_database, postgres_only, sqlite_only};
use futures_util::FutureExt;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait};
use serde_json::json;

use crate::support::{Answer, TestApp, send};

/// Writes an annotation of some size.
async fn annotate(app: &TestApp, task: &str, bytes: usize) -> Answer {
    let result = json!([{ "id": "r", "value": { "text": "x".repeat(bytes) } }]);
    let query = "mutation($task: ID!, $result: [JSONObject!]!) {
        createAnnotation(taskId: $task, input: { result: $result }) { id }
    }";
    let variables = json!({ "task": task, "result": result });
    app.admin.run_with(query, variables).await
}

/// The reason and the outcome of a failure that is the service's.
#[track_caller]
fn failure(answer: &Answer) -> (&str, &str) {
    assert_eq!(answer.code(), "SERVICE_UNAVAILABLE", "{}", answer.text);
    let extensions = &answer.error()["extensions"];
    let word = |name: &str| extensions[name].as_str().unwrap();
    (word("reason"), word("outcome"))
}

async fn readiness(app: &TestApp) -> (StatusCode, String) {
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    let answer = send(&app.router, request).await;
    (answer.status, answer.text)
}

async fn execute(app: &TestApp, sql: &str) {
    app.app.db.writer().execute_unprepared(sql).await.unwrap();
}

/// Makes a database take no writes, or take them again.
async fn set_read_only(app: &TestApp, is_read_only: bool) {
    let word = if is_read_only { "on" } else { "off" };
    match app.app.db.backend() {
        DbBackend::Sqlite => execute(app, &format!("PRAGMA query_only = {word}")).await,
        _ => {
            let name = app.url.rsplit_once('/').unwrap().1;
            let beside = app.beside().await;
            // The setting itself keeps a usual transaction from changing it back.
            let set = format!(
                "BEGIN READ WRITE;
                 ALTER DATABASE {name} SET default_transaction_read_only = {word};
                 COMMIT"
            );
            beside.db.writer().execute_unprepared(&set).await.unwrap();
            drop_connections(app).await;
        }
    }
}

/// Ends all sessions of this database, as a restart of the server does.
async fn drop_connections(app: &TestApp) {
    let beside = app.beside().await;
    let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    beside.db.writer().execute_unprepared(end).await.unwrap();
}

#[each_database]
async fn a_database_that_takes_no_writes_is_told_and_works_again(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    assert_eq!(readiness(&app).await, (StatusCode::OK, "ok".to_owned()));
    let before = app.dump().await;
    set_read_only(&app, true).await;
    for _ in 0..3 {
        let answer = annotate(&app, &task, 10).await;
        assert_eq!(failure(&answer), ("READ_ONLY", "NOT_DONE"));
        let message = answer.error()["message"].as_str().unwrap();
        assert_eq!(message, "the database takes no writes at the moment");
    }
    let (status, text) = readiness(&app).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        text,
        "READ_ONLY: the database takes no writes at the moment"
    );
    app.admin.run("{ viewer { id } }").await.ok();
    assert_eq!(app.dump().await, before);

    set_read_only(&app, false).await;
    annotate(&app, &task, 10).await.ok();
}

#[sqlite_only]
async fn a_full_database_is_told_and_works_again(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let before = app.dump().await;
    execute(&app, "PRAGMA max_page_count = 1").await;
    let answer = annotate(&app, &task, 1 << 20).await;
    assert_eq!(failure(&answer), ("DISK_FULL", "NOT_DONE"));
    assert_eq!(app.dump().await, before);
    let (status, _) = readiness(&app).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    execute(&app, "PRAGMA max_page_count = 1000000").await;
    annotate(&app, &task, 1 << 20).await.ok();
}

#[postgres_only]
async fn lost_connections_are_replaced_without_a_word(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app
        .annotation(&app.admin, &task, serde_json::json!({}))
        .await;
    for number in 0..3 {
        drop_connections(&app).await;
        let reads = (0..12).map(|_| app.admin.run("{ projects { totalCount } }"));
        for answer in futures_util::future::join_all(reads).await {
            assert_eq!(answer.data()["projects"]["totalCount"], 1);
        }
        drop_connections(&app).await;
        annotate(&app, &task, 10).await.ok();
        drop_connections(&app).await;
        let input = serde_json::json!({ "leadTime": number });
        crate::graphql::update(&app.admin, &id, input).await.ok();
        assert_eq!(readiness(&app).await.0, StatusCode::OK);
    }
}

#[sqlite_only]
async fn nothing_is_acknowledged_into_files_that_are_gone(app: TestApp) {
    let file = app.url.strip_prefix("sqlite:").unwrap();
    let (_, task) = app.project_with_task().await;
    let before = app.dump().await;
    for name in [file.to_owned(), format!("{file}-wal")] {
        let aside = format!("{name}.aside");
        std::fs::rename(&name, &aside).unwrap();
        let answer = annotate(&app, &task, 10).await;
        assert_eq!(failure(&answer), ("DATABASE_FILE_MISSING", "NOT_DONE"));
        let user = entity::user::Entity::find_by_id(1);
        let user = user.one(app.app.db.writer()).await.unwrap().unwrap();
        let token = token::create(&app.app, &user, "t", None).await;
        assert!(matches!(token, Err(Error::Unavailable(_))), "{token:?}");
        // A copy under the same name is another file than the open one.
        std::fs::copy(&aside, &name).unwrap();
        let answer = annotate(&app, &task, 10).await;
        assert_eq!(failure(&answer), ("DATABASE_FILE_MISSING", "NOT_DONE"));
        let (status, text) = readiness(&app).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.starts_with("DATABASE_FILE_MISSING"), "{text}");
        std::fs::rename(&aside, &name).unwrap();
        assert_eq!(app.dump().await, before);
    }
    annotate(&app, &task, 10).await.ok();
}

#[each_database]
async fn a_probe_leaves_nothing_behind(app: TestApp) {
    app.project_with_task().await;
    let before = app.dump().await;
    let beside = app.client_beside().await;
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    assert_eq!(send(&beside.router, request).await.text, "ok");
    assert_eq!(app.dump().await, before);
}

/// Has commits of new annotations wait for an advisory lock, on PostgreSQL.
async fn hold_commits(app: &TestApp) -> annograph::db::WriteTxn {
    let function = "CREATE FUNCTION wait_at_commit() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$";
    let trigger = "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON annotation
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_at_commit()";
    for sql in [function, trigger] {
        execute(app, sql).await;
    }
    locked(app).await
}

/// A transaction that has the lock once those who waited for it before have ended.
async fn locked(app: &TestApp) -> annograph::db::WriteTxn {
    let holder = app.app.db.begin().await.unwrap();
    let lock = "SELECT pg_advisory_xact_lock(4711)";
    holder.execute_unprepared(lock).await.unwrap();
    holder
}

async fn annotations(app: &TestApp) -> u64 {
    let all = entity::annotation::Entity::find();
    all.count(app.app.db.reader()).await.unwrap()
}

#[postgres_only]
async fn a_commit_that_outlives_its_request_has_an_unknown_outcome(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let held = hold_commits(&app).await;
    let hasty = app.serving(&["--timeout", "1"]).unwrap();
    let create = format!(
        "mutation {{ createAnnotation(taskId: {task}, input: {{ result: [] }}) {{ id }} }}"
    );
    let answer = hasty.run(&create).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(failure(&answer), ("TIMEOUT", "UNKNOWN"));
    assert_eq!(annotations(&app).await, 0);
    held.rollback().await.unwrap();
    locked(&app).await.rollback().await.unwrap();
    assert_eq!(annotations(&app).await, 1);
}

#[postgres_only]
async fn a_connection_that_is_lost_at_the_commit_leaves_the_outcome_open(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let _held = hold_commits(&app).await;
    let end = async {
        let beside = app.beside().await;
        let waiting = "SELECT pg_terminate_backend(pid) FROM pg_locks
            WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        loop {
            let ended = beside
                .db
                .writer()
                .execute_unprepared(waiting)
                .await
                .unwrap();
            if ended.rows_affected() > 0 {
                return;
            }
        }
    };
    let (answer, ()) = tokio::join!(annotate(&app, &task, 10), end);
    assert_eq!(failure(&answer), ("UNREACHABLE", "UNKNOWN"));
}

#[postgres_only]
async fn a_write_that_is_given_up_at_its_beginning_leaves_no_transaction_open(app: TestApp) {
    app.project_with_task().await;
    for _ in 0..8 {
        assert!(app.app.db.begin().now_or_never().is_none());
    }
    let reads = (0..16).map(|_| app.admin.run("{ viewer { id } }"));
    for answer in futures_util::future::join_all(reads).await {
        answer.ok();
    }
    let beside = app.beside().await;
    let open = "SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    for _ in 0..1_000 {
        let left = beside.db.writer().execute_unprepared(open).await.unwrap();
        if left.rows_affected() == 0 {
            return;
        }
    }
    panic!("a transaction stays open");
}
