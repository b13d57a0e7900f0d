//! Fair shares of the connections to the database.

use annograph::db::{Database, Reader};
use each_database::each_database;
use entity::project_member::Role;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::task::JoinHandle;

use crate::support::TestApp;

const VIEWER: &str = "{ viewer { id } }";
/// A user with many statements.
const BUSY: i64 = 1_000;
/// More statements than there are connections.
const MANY: usize = 40;

/// Blocks [`slow`] statements on PostgreSQL until its rollback.
async fn gate(app: &TestApp) -> annograph::db::WriteTxn {
    let write = app.app.db.begin().await.unwrap();
    if app.app.db.backend() == DbBackend::Postgres {
        let lock = "SELECT pg_advisory_xact_lock(7)";
        write.execute_unprepared(lock).await.unwrap();
    }
    write
}

/// A statement that takes far longer than a small request. Computes on SQLite, where no lock blocks a reader.
fn slow(backend: DbBackend) -> Statement {
    let sql = match backend {
        DbBackend::Postgres => "SELECT 1 FROM pg_advisory_xact_lock_shared(7)",
        _ => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000000)
             SELECT count(*) FROM n"
        }
    };
    Statement::from_string(backend, sql)
}

/// Starts slow statements of the busy user.
async fn occupy(db: &Database, reader: fn(&Database) -> &Reader) -> Vec<JoinHandle<()>> {
    let running = (0..MANY).map(|_| {
        let db = db.on_behalf_of(BUSY);
        let run = async move {
            let read = reader(&db).query_one_raw(slow(db.backend())).await;
            assert!(read.is_ok());
        };
        tokio::spawn(run)
    });
    let running = running.collect();
    // Lets all statements start or queue.
    for _ in 0..MANY {
        tokio::task::yield_now().await;
    }
    running
}

fn assert_under_way(running: &[JoinHandle<()>]) {
    assert!(running.iter().any(|running| !running.is_finished()));
}

#[each_database]
async fn a_user_with_many_reads_leaves_connections_to_others(app: TestApp) {
    let gate = gate(&app).await;
    let running = occupy(&app.app.db, Database::reader).await;
    for _ in 0..10 {
        app.admin
            .run("{ viewer { id } projects { nodes { id } } }")
            .await
            .ok();
    }
    assert_under_way(&running);
    gate.rollback().await.unwrap();
    for running in running {
        running.abort();
    }
}

#[each_database]
async fn counts_leave_connections_to_the_reads_of_their_user(app: TestApp) {
    let gate = gate(&app).await;
    let running = occupy(&app.app.db, Database::counter).await;
    let read = Statement::from_string(app.app.db.backend(), "SELECT 1");
    for _ in 0..10 {
        let db = app.app.db.on_behalf_of(BUSY);
        let read = db.reader().query_one_raw(read.clone());
        assert!(read.await.unwrap().is_some());
    }
    assert_under_way(&running);
    gate.rollback().await.unwrap();
    for running in running {
        running.abort();
    }
}

#[each_database]
async fn statements_of_callers_who_left_keep_their_permits(app: TestApp) {
    let gate = gate(&app).await;
    for _ in 0..5 {
        for left in occupy(&app.app.db, Database::reader).await {
            left.abort();
            let _ = left.await;
        }
    }
    for _ in 0..10 {
        app.admin
            .run("{ viewer { id } projects { nodes { id } } }")
            .await
            .ok();
    }
    gate.rollback().await.unwrap();
    // The permits are released at the end of the statements.
    let read = Statement::from_string(app.app.db.backend(), "SELECT 1");
    let db = app.app.db.on_behalf_of(BUSY);
    let read = db.reader().query_one_raw(read);
    assert!(read.await.unwrap().is_some());
}

#[each_database]
async fn a_user_with_many_writes_leaves_connections_to_others(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Manager).await;
    let held = app.app.db.begin().await.unwrap();
    let update = "UPDATE project SET title = title WHERE id = 1";
    held.execute_unprepared(update).await.unwrap();
    let running: Vec<_> = (0..MANY)
        .map(|_| {
            let ann = ann.clone();
            let rename = r#"mutation { updateProject(id: 1, input: { title: "y" }) { id } }"#;
            tokio::spawn(async move {
                ann.run(rename).await.ok();
            })
        })
        .collect();
    for _ in 0..10 {
        app.admin.run(VIEWER).await.ok();
        ann.run("{ projects { nodes { id } } }").await.ok();
    }
    assert_under_way(&running);
    held.rollback().await.unwrap();
    for running in running {
        running.await.unwrap();
    }
}
