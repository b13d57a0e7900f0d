//! Migrations: up and down on both databases, to the tables of the entities.

mod indexes;
mod landed;
pub mod tables;

use std::collections::BTreeSet;

use each_database::each_database;
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ColumnTrait, ColumnType, DbBackend, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn,
    PrimaryKeyTrait, QueryOrder, RelationDef, RelationTrait, sea_query,
};

use self::tables::{ForeignKey, Kind, Table};
use crate::{
    graphql::{draft, drafts, update},
    support::TestApp,
};

/// Unique keys beside the primary ones, with their condition where they have one. Those of one column
/// stand in the entities too.
const UNIQUE: &[(&str, &[&str])] = &[
    ("annotation", &["task_id where ground_truth"]),
    ("annotation", &["unique_id"]),
    (
        "annotation_draft",
        &["annotation_id", "user_id where is_autosave"],
    ),
    (
        "annotation_draft",
        &[
            "task_id",
            "user_id where is_autosave and annotation_id is null",
        ],
    ),
    ("annotation_review", &["annotation_id", "reviewer_id"]),
    ("annotation_revision", &["annotation_id", "version"]),
    ("api_token", &["hash"]),
    ("event", &["revision_id"]),
    ("idempotency_key", &["user_id", "key_hash"]),
    ("project_member", &["project_id", "user_id"]),
    ("user", &["email"]),
    ("user", &["import_id"]),
    ("user", &["username"]),
];

/// Foreign keys to users in columns that every change writes. No index begins with such a column, since each change
/// would write an entry; an index that holds the column is read from end to end. On SQLite triggers replace these keys.
const WITHOUT_INDEX: &[(&str, &str)] = &[
    ("annotation", "last_created_by_id"),
    ("annotation", "updated_by_id"),
    ("annotation_revision", "actor_id"),
    ("annotation_revision", "updated_by_id"),
    ("task", "updated_by_id"),
];

#[each_database]
async fn migrations_go_up_and_down_and_up(app: TestApp) {
    let db = app.app.db.writer();
    let (project, task) = app.project_with_task().await;
    app.annotation(&app.admin, &task, serde_json::json!({}))
        .await;
    assert_eq!((project.as_str(), task.as_str()), ("1", "1"));
    let before = tables::all(&app.app).await;
    assert_eq!(
        Migrator::get_pending_migrations_read_only(db)
            .await
            .unwrap()
            .len(),
        0
    );

    // One at a time, so that each one's way down is its own.
    let steps = Migrator::migrations().len();
    for _ in 0..steps {
        Migrator::down(db, Some(1)).await.unwrap();
    }
    assert_eq!(tables::all(&app.app).await, [], "something is left");
    assert_eq!(
        Migrator::get_pending_migrations_read_only(db)
            .await
            .unwrap()
            .len(),
        steps
    );

    Migrator::up(db, None).await.unwrap();
    assert_eq!(tables::all(&app.app).await, before);
    // Once more changes nothing.
    Migrator::up(db, None).await.unwrap();
    assert_eq!(tables::all(&app.app).await, before);
}

#[each_database]
async fn the_history_of_old_becomes_events(app: TestApp) {
    let db = app.app.db.writer();
    let (_, task) = app.project_with_task().await;
    let (_, other) = app.project_with_task().await;
    let id = app
        .annotation(&app.admin, &task, serde_json::json!({}))
        .await;
    let change = serde_json::json!({ "taskId": other });
    update(&app.admin, &id, change).await.ok();
    app.annotation(&app.admin, &task, serde_json::json!({}))
        .await;
    let all = Migrator::migrations();
    let before = all
        .iter()
        .position(|step| step.name() == "m20261123_000008_create_event")
        .unwrap();
    let steps = u32::try_from(all.len() - before).unwrap();
    Migrator::down(db, Some(steps)).await.unwrap();
    Migrator::up(db, None).await.unwrap();
    let events = entity::event::Entity::find()
        .order_by_asc(entity::event::Column::Seq)
        .all(db)
        .await
        .unwrap();
    let events: Vec<(i64, i64)> = events
        .iter()
        .map(|event| (event.seq, event.revision_id))
        .collect();
    assert_eq!(events, [(1, 1), (2, 2), (3, 3)]);
    let revisions = entity::annotation_revision::Entity::find()
        .order_by_asc(entity::annotation_revision::Column::Id)
        .all(db)
        .await
        .unwrap();
    let from: Vec<_> = revisions
        .iter()
        .map(|row| row.from_task_id.zip(row.from_project_id))
        .collect();
    assert_eq!(from, [None, Some((1, 1)), None]);
}

#[each_database]
async fn drafts_of_old_are_all_kept_and_written_over_by_nobody(app: TestApp) {
    let db = app.app.db.writer();
    let (_, task) = app.project_with_task().await;
    let annotation = app
        .annotation(&app.admin, &task, serde_json::json!({}))
        .await;
    for annotation in [None, Some(annotation.as_str())] {
        draft(&app, &app.admin, &task, annotation).await;
        draft(&app, &app.admin, &task, annotation).await;
    }
    let before = drafts::all(&app).await;
    let all = Migrator::migrations();
    let step = all
        .iter()
        .position(|step| step.name() == "m20261124_000011_save_drafts")
        .unwrap();
    let steps = u32::try_from(all.len() - step).unwrap();
    Migrator::down(db, Some(steps)).await.unwrap();
    Migrator::up(db, None).await.unwrap();
    assert_eq!(drafts::all(&app).await, before);
    for of in ["taskId", "annotationId"] {
        let input = serde_json::json!({ of: 1, "result": [{ "id": "new" }] });
        drafts::saved(&app.admin, input).await;
    }
    let after = drafts::all(&app).await;
    assert_eq!((after.len(), &after[..4]), (6, before.as_slice()));
}

#[each_database]
async fn tables_and_entities_describe_the_same(app: TestApp) {
    let tables = tables::all(&app.app).await;
    let backend = app.app.db.backend();
    let mut described = BTreeSet::new();
    macro_rules! compare {
            ($($entity:ident),* $(,)?) => {$(
                let name = entity::$entity::Entity.as_str();
                let table = tables.iter().find(|table| table.name == name);
                compare::<entity::$entity::Entity, entity::$entity::Relation>(
                    name,
                    table.unwrap_or_else(|| panic!("no table {name}")),
                    backend,
                );
                described.insert(name.to_owned());
            )*};
        }
    compare!(
        access_loss,
        annotation,
        annotation_answer,
        annotation_draft,
        annotation_review,
        annotation_revision,
        annotation_term,
        annotation_term_fill,
        annotation_tombstone,
        api_token,
        event_log,
        idempotency_key,
        identity_version,
        import_job,
        prediction,
        project,
        project_member,
        replaced_draft,
        task,
        user,
    );
    // SQLite, where the order of ids is that of commits, has a view instead.
    if backend == DbBackend::Postgres {
        compare!(event, outbox);
    }
    let found: BTreeSet<String> = tables.into_iter().map(|table| table.name).collect();
    assert_eq!(found, described);
}

#[each_database]
async fn unique_keys_are_these(app: TestApp) {
    let found: Vec<(String, Vec<String>)> = tables::all(&app.app)
        .await
        .into_iter()
        .flat_map(|table| {
            table
                .unique
                .into_iter()
                .map(move |key| (table.name.clone(), key))
        })
        .collect();
    let backend = app.app.db.backend();
    let expected: Vec<(String, Vec<String>)> = UNIQUE
        .iter()
        .filter(|(table, _)| *table != "event" || backend == DbBackend::Postgres)
        .map(|(table, key)| {
            (
                (*table).to_owned(),
                key.iter().map(|column| (*column).to_owned()).collect(),
            )
        })
        .collect();
    assert_eq!(found, expected);
}

#[each_database]
async fn every_foreign_key_has_an_index(app: TestApp) {
    let mut bare = Vec::new();
    for table in tables::all(&app.app).await {
        for key in &table.foreign_keys {
            if WITHOUT_INDEX.contains(&(&*table.name, &*key.column)) {
                let held = table
                    .indexes
                    .iter()
                    .any(|index| index.contains(&key.column));
                assert!(held, "no index of {} holds {}", table.name, key.column);
                continue;
            }
            // A partial index serves too, when it leaves out nothing but nulls.
            let nulls_apart = format!("{} where {} is not null", key.column, key.column);
            let serves = |index: &Vec<String>| index[0] == key.column || index[0] == nulls_apart;
            if !table.indexes.iter().any(serves) {
                bare.push(format!("{}.{}", table.name, key.column));
            }
        }
    }
    assert!(bare.is_empty(), "{bare:?}");
}

#[each_database]
async fn ids_are_never_given_twice(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let first = app
        .annotation(&app.admin, &task, serde_json::json!({}))
        .await;
    let delete = format!("mutation {{ deleteAnnotation(id: {first}) {{ id }} }}");
    app.admin.run(&delete).await.ok();
    let second = app
        .annotation(&app.admin, &task, serde_json::json!({}))
        .await;
    assert_ne!(first, second);
}

fn compare<E, R>(name: &str, table: &Table, backend: DbBackend)
where
    E: EntityTrait,
    R: RelationTrait + Iterable,
{
    let mut columns: Vec<(String, Kind, bool)> = E::Column::iter()
        .map(|column| {
            let definition = column.def();
            let kind = match kind(definition.get_column_type()) {
                Kind::Integer if backend == DbBackend::Sqlite => Kind::Big,
                kind => kind,
            };
            (column.as_str().to_owned(), kind, definition.is_null())
        })
        .collect();
    columns.sort();
    assert_eq!(table.columns, columns, "columns of {name}");

    let primary: Vec<String> = E::PrimaryKey::iter()
        .map(|key| key.into_column().as_str().to_owned())
        .collect();
    assert_eq!(table.primary_key, primary, "primary key of {name}");
    assert_eq!(
        table.generates_ids,
        E::PrimaryKey::auto_increment(),
        "ids of {name}"
    );

    let mut unique: Vec<Vec<String>> = E::Column::iter()
        .filter(|column| column.def().is_unique())
        .map(|column| vec![column.as_str().to_owned()])
        .collect();
    unique.sort();
    let single = |key: &&Vec<String>| key.len() == 1 && !key[0].contains(' ');
    let found: Vec<Vec<String>> = table.unique.iter().filter(single).cloned().collect();
    assert_eq!(found, unique, "unique keys of {name}");

    let mut foreign_keys: Vec<ForeignKey> = R::iter()
        .map(|relation| relation.def())
        .filter(|relation| !relation.is_owner)
        .map(foreign_key)
        .filter(|key| {
            backend == DbBackend::Postgres || !WITHOUT_INDEX.contains(&(name, &*key.column))
        })
        .collect();
    foreign_keys.sort();
    assert_eq!(table.foreign_keys, foreign_keys, "foreign keys of {name}");
}

fn kind(ty: &ColumnType) -> Kind {
    match ty {
        ColumnType::BigInteger => Kind::Big,
        ColumnType::Integer => Kind::Integer,
        ColumnType::Text | ColumnType::String(_) => Kind::Text,
        ColumnType::Boolean => Kind::Boolean,
        ColumnType::Double => Kind::Double,
        ColumnType::TimestampWithTimeZone => Kind::Instant,
        ColumnType::Uuid => Kind::Uuid,
        other => panic!("a column of a new kind: {other:?}"),
    }
}

fn foreign_key(relation: RelationDef) -> ForeignKey {
    let name = |table: &sea_query::TableRef| table.sea_orm_table().to_string();
    let on_delete = match relation.on_delete {
        Some(sea_query::ForeignKeyAction::Cascade) => "CASCADE",
        Some(sea_query::ForeignKeyAction::SetNull) => "SET NULL",
        other => panic!("{other:?} on delete of {}", name(&relation.from_tbl)),
    };
    let column = |identity: sea_orm::Identity| {
        let mut columns = identity.into_iter().map(|column| column.to_string());
        let only = columns.next().unwrap();
        assert_eq!(columns.next(), None);
        only
    };
    ForeignKey {
        table: name(&relation.to_tbl),
        column: column(relation.from_col),
        target: column(relation.to_col),
        on_delete: on_delete.to_owned(),
    }
}
