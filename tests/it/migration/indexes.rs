//! Indexes that updates of annotations write, and the deletion of users without them.

use each_database::{each_database, postgres_only};
use entity::{annotation, annotation_revision, project_member::Role, task};
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DbBackend, DbErr, EntityTrait,
    IntoActiveModel, QueryOrder, RuntimeErr, Statement,
};
use serde_json::json;

use super::tables;
use crate::{graphql::update, support::TestApp};

const STEP: &str = "m20261128_000060_drop_indexes_of_updates";

/// Columns that every change of an annotation writes, of the annotation and of its task.
const WRITTEN: &[&str] = &[
    "result",
    "lead_time",
    "last_action",
    "updated_by_id",
    "last_created_by_id",
    "updated_at",
    "version",
];

/// Number of steps from the newest schema down to the schema before the migration.
fn steps() -> u32 {
    let all = Migrator::migrations();
    let before = all.iter().position(|step| step.name() == STEP).unwrap();
    u32::try_from(all.len() - before).unwrap()
}

#[each_database]
async fn every_change_writes_to_a_single_index_of_its_rows(app: TestApp) {
    let mut found = Vec::new();
    for table in tables::all(&app.app).await {
        if !["annotation", "task"].contains(&&*table.name) {
            continue;
        }
        for index in table.indexes {
            if index.iter().any(|column| WRITTEN.contains(&&**column)) {
                found.push(format!("{} {}", table.name, index.join(" ")));
            }
        }
    }
    assert_eq!(
        found,
        [
            "annotation project_id updated_at id updated_by_id last_created_by_id",
            "task project_id updated_at id updated_by_id",
        ]
    );
    // Columns of expressions have no name in either database.
    let expressions = match app.app.db.backend() {
        DbBackend::Sqlite => {
            "SELECT count(*) AS n FROM sqlite_master WHERE type = 'index' AND sql LIKE '%COALESCE%' \
             AND tbl_name IN ('annotation', 'task')"
        }
        _ => {
            "SELECT count(*) AS n FROM pg_index WHERE indexprs IS NOT NULL \
             AND indrelid IN ('annotation'::regclass, 'task'::regclass)"
        }
    };
    assert_eq!(number(&app, expressions).await, 0);
}

#[postgres_only]
async fn pages_keep_room_for_the_next_version(app: TestApp) {
    let filled = "SELECT count(*) AS n FROM pg_class \
                  WHERE relname IN ('annotation', 'task') AND reloptions = '{fillfactor=80}'";
    assert_eq!(number(&app, filled).await, 2);
    Migrator::down(app.app.db.writer(), Some(steps()))
        .await
        .unwrap();
    assert_eq!(number(&app, filled).await, 0);
}

#[each_database]
async fn the_way_down_leads_to_the_tables_of_before(app: TestApp) {
    let db = app.app.db.writer();
    Migrator::down(db, Some(steps())).await.unwrap();
    let after = tables::all(&app.app).await;
    Migrator::down(db, None).await.unwrap();
    let before = Migrator::migrations().len() - usize::try_from(steps()).unwrap();
    let before = u32::try_from(before).unwrap();
    Migrator::up(db, Some(before)).await.unwrap();
    assert_eq!(after, tables::all(&app.app).await);
}

#[each_database]
async fn rows_of_before_stay_and_forget_deleted_users(app: TestApp) {
    let db = app.app.db.writer();
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let bob = app.member(&project, "bob", Role::Manager).await;
    for (author, last) in [(&ann, &ann), (&ann, &bob), (&bob, &bob)] {
        let id = app.annotation(author, &task, json!({})).await;
        update(last, &id, json!({ "leadTime": 5 })).await.ok();
    }
    let before = app.dump().await;
    Migrator::down(db, Some(steps())).await.unwrap();
    assert_eq!(app.dump().await, before);
    Migrator::up(db, None).await.unwrap();
    assert_eq!(app.dump().await, before);

    let gone: i64 = ann.user_id.parse().unwrap();
    let (rows, revisions) = rows(&app).await;
    let delete = format!("mutation {{ deleteUser(id: {gone}) {{ id }} }}");
    app.admin.run(&delete).await.ok();
    let without = |id: Option<i64>| id.filter(|id| *id != gone);
    let expected: Vec<_> = rows
        .iter()
        .cloned()
        .map(|row| annotation::Model {
            completed_by_id: without(row.completed_by_id),
            updated_by_id: without(row.updated_by_id),
            last_created_by_id: without(row.last_created_by_id),
            ..row
        })
        .collect();
    assert_ne!(rows, expected);
    let expected_revisions: Vec<_> = revisions
        .iter()
        .cloned()
        .map(|row| annotation_revision::Model {
            actor_id: without(row.actor_id),
            updated_by_id: without(row.updated_by_id),
            ..row
        })
        .collect();
    assert_ne!(revisions, expected_revisions);
    assert_eq!(self::rows(&app).await, (expected, expected_revisions));
}

#[each_database]
async fn a_task_forgets_who_changed_it(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    app.annotation(&ann, &task, json!({})).await;
    let changed_by = || async {
        let row = task::Entity::find_by_id(1).one(app.app.db.writer()).await;
        row.unwrap().unwrap().updated_by_id
    };
    assert_eq!(changed_by().await, ann.user_id.parse().ok());
    let delete = format!("mutation {{ deleteUser(id: {}) {{ id }} }}", ann.user_id);
    app.admin.run(&delete).await.ok();
    assert_eq!(changed_by().await, None);
}

#[each_database]
async fn no_row_refers_to_a_user_who_is_not_there(app: TestApp) {
    let db = app.app.db.writer();
    let (_, task) = app.project_with_task().await;
    app.annotation(&app.admin, &task, json!({})).await;
    let before = app.dump().await;
    let (mut rows, mut revisions) = rows(&app).await;
    let (row, revision) = (rows.remove(0), revisions.remove(0));
    let mut changed = row.clone().into_active_model();
    changed.updated_by_id = Set(Some(99));
    refused(changed.update(db).await);
    let mut changed = row.into_active_model();
    changed.last_created_by_id = Set(Some(99));
    refused(changed.update(db).await);
    let changed = annotation_revision::ActiveModel {
        version: Set(2),
        actor_id: Set(Some(99)),
        id: Set(revision.id + 1),
        ..revision.into_active_model().reset_all()
    };
    refused(changed.insert(db).await);
    let task = task::Entity::find_by_id(1).one(db).await.unwrap().unwrap();
    let mut changed = task.into_active_model();
    changed.updated_by_id = Set(Some(99));
    refused(changed.update(db).await);
    assert_eq!(app.dump().await, before);
}

/// The database itself refuses the write, with the message of a foreign key.
fn refused<T: std::fmt::Debug>(outcome: Result<T, DbErr>) {
    let error = outcome.unwrap_err();
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) =
        &error
    else {
        panic!("{error:?}");
    };
    let cause = cause.to_string().to_lowercase();
    assert!(cause.contains("foreign key constraint"), "{cause}");
}

async fn rows(app: &TestApp) -> (Vec<annotation::Model>, Vec<annotation_revision::Model>) {
    let db = app.app.db.writer();
    let rows = annotation::Entity::find().order_by_asc(annotation::Column::Id);
    let revisions =
        annotation_revision::Entity::find().order_by_asc(annotation_revision::Column::Id);
    (
        rows.all(db).await.unwrap(),
        revisions.all(db).await.unwrap(),
    )
}

async fn number(app: &TestApp, sql: &str) -> i64 {
    let statement = Statement::from_string(app.app.db.backend(), sql);
    let row = app.app.db.writer().query_one_raw(statement).await;
    row.unwrap().unwrap().try_get("", "n").unwrap()
}
