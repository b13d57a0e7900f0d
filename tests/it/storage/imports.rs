//! Failed imports whose rows can't be removed at once.

use annograph::domain::import::{self, Failure};
use each_database::each_database;
use entity::{import_job, task};
use sea_orm::{DbBackend, EntityTrait, PaginatorTrait};
use serde_json::json;

use super::execute;
use crate::{import::import_text, support::TestApp};

/// Has the database refuse tasks of one text, and the deletion of any task.
async fn refuse(app: &TestApp) {
    let statements: &[&str] = match app.app.db.backend() {
        DbBackend::Sqlite => &[
            "CREATE TRIGGER no_more BEFORE INSERT ON task WHEN NEW.data LIKE '%last%'
             BEGIN SELECT RAISE(ABORT, 'no more'); END",
            "CREATE TRIGGER no_less BEFORE DELETE ON task
             BEGIN SELECT RAISE(ABORT, 'no less'); END",
        ],
        _ => &[
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '53100'; END $$",
            "CREATE TRIGGER no_more BEFORE INSERT ON task FOR EACH ROW
             WHEN (NEW.data::text LIKE '%last%') EXECUTE FUNCTION refuse()",
            "CREATE TRIGGER no_less BEFORE DELETE ON task FOR EACH ROW EXECUTE FUNCTION refuse()",
        ],
    };
    for sql in statements {
        execute(app, sql).await;
    }
}

async fn allow(app: &TestApp) {
    let on = match app.app.db.backend() {
        DbBackend::Sqlite => "",
        _ => " ON task",
    };
    for trigger in ["no_more", "no_less"] {
        execute(app, &format!("DROP TRIGGER {trigger}{on}")).await;
    }
}

#[each_database]
async fn what_a_failed_import_leaves_is_told_and_taken_back_later(app: TestApp) {
    let before = app.dump().await;
    refuse(&app).await;
    let mut tasks: Vec<_> = (0..1_500).map(|_| json!({ "data": {} })).collect();
    tasks.push(json!({ "data": { "text": "last" } }));
    let failed = import_text(&app.app, json!(tasks).to_string()).await;
    let Err(Failure::Left {
        tasks, is_whole, ..
    }) = failed
    else {
        panic!("{failed:?}");
    };
    assert!(!is_whole);
    let db = app.app.db.reader();
    let left = task::Entity::find().count(db).await.unwrap();
    assert_eq!(tasks as u64, left);
    assert!(left > 0);

    // As long as it can't be taken back, it stays recorded.
    import::recover(&app.app).await.unwrap_err();
    assert_eq!(import_job::Entity::find().count(db).await.unwrap(), 1);
    allow(&app).await;
    let recovered = import::recover(&app.app).await.unwrap();
    assert_eq!(recovered.len(), 1);
    assert!(!recovered[0].is_complete);
    let after = app.dump().await;
    assert_eq!(task::Entity::find().count(db).await.unwrap(), 0);
    assert_eq!(after, before);
}
