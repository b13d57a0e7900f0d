//! Import of Label Studio's files.

mod chunks;
mod command;
mod crash_recovery;
mod import_tasks;
mod json_lines;
mod nonconforming;
mod old_versions;
mod people;
mod rejected_files;
mod streaming;

use std::io::Cursor;

use annograph::{
    app::App,
    db::{Database, Options},
    domain::{
        export,
        import::{self, Failure, Misfits, Summary, Target, Unmapped},
        project,
    },
    error::dotted,
};
use each_database::each_database;
use entity::{annotation, annotation_draft, annotation_revision, task};
use migration::{Migrator, MigratorTrait};
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::TestApp;

/// Into a new project, users as they come.
pub fn into_new_project() -> import::Options {
    import::Options {
        target: Target::New {
            project: project::New {
                title: "Imported".to_owned(),
                ..Default::default()
            },
            created_by_id: None,
        },
        user_map: Default::default(),
        unmapped: Unmapped::Create,
        misfits: Misfits::Note,
    }
}

pub async fn import_text(app: &App, file: impl Into<Vec<u8>>) -> Result<Summary, Failure> {
    let source = Cursor::new(file.into());
    import::run(app, source, &into_new_project(), |_| {}).await
}

pub async fn export_text(app: &App, project_id: i64) -> String {
    let mut out = Vec::new();
    export::run(app, project_id, &mut out, |_| {})
        .await
        .unwrap();
    String::from_utf8(out).unwrap()
}

/// What an import noted, each as `0.annotations.1.parent_annotation: sentence`.
pub fn notes(summary: &Summary) -> Vec<String> {
    let line = |note: &import::Note| format!("{}: {}", dotted(&note.path), note.message);
    summary.notes.told.iter().map(line).collect()
}

/// An empty database beside the test's own.
pub async fn another() -> (App, TempDir) {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("another.db").display());
    let db = Database::connect(&Options::new(url)).await.unwrap();
    Migrator::up(db.writer(), None).await.unwrap();
    (App::new(db), folder)
}

/// A task with annotations.
fn with(annotations: &Value) -> String {
    json!([{ "data": { "text": "a" }, "annotations": annotations }]).to_string()
}

async fn annotations(app: &App) -> Vec<annotation::Model> {
    let rows = annotation::Entity::find().order_by_asc(annotation::Column::Id);
    rows.all(app.db.writer()).await.unwrap()
}

async fn tasks(app: &App) -> Vec<task::Model> {
    let rows = task::Entity::find().order_by_asc(task::Column::Id);
    rows.all(app.db.writer()).await.unwrap()
}

#[each_database]
async fn an_imported_annotation_is_read_like_any_other(test: TestApp) {
    let file = with(&json!([{
        "id": 70, "completed_by": 3, "result": [{ "id": "a", "value": { "x": 1.50 } }],
        "created_at": "2024-05-06T07:08:09.123456789+02:00", "lead_time": 4,
        "unique_id": "35bb51ab-cbda-428f-9a6d-3a050411e790", "bulk_created": false,
    }]));
    let summary = import_text(&test.app, file).await.unwrap();
    let answer = test
        .admin
        .run(
            "{ annotations { nodes { importId uniqueId result regionCount createdAt updatedAt
               createdUsername leadTime lastAction wasCancelled groundTruth version
               project { id } task { isLabeled totalAnnotations data }
               history { nodes { version action changedFields } } } } }",
        )
        .await;
    let project = summary.project_id.to_string();
    let expected = json!({
        "importId": "70", "uniqueId": "35bb51ab-cbda-428f-9a6d-3a050411e790",
        "result": [{ "id": "a", "value": { "x": 1.5 } }], "regionCount": 1,
        "createdAt": "2024-05-06T05:08:09.123456Z", "updatedAt": "2024-05-06T05:08:09.123456Z",
        "createdUsername": "imported-3", "leadTime": 4.0, "lastAction": "IMPORTED",
        "wasCancelled": false, "groundTruth": false, "version": 1,
        "project": { "id": project },
        "task": { "isLabeled": true, "totalAnnotations": 1, "data": { "text": "a" } },
        "history": { "nodes": [{
            "version": 1, "action": "IMPORTED",
            "changedFields": ["completedBy", "groundTruth", "leadTime", "project", "result",
                              "task", "wasCancelled"],
        }] },
    });
    assert_eq!(answer.data()["annotations"]["nodes"], json!([expected]));
}

#[each_database]
async fn every_annotation_begins_its_history(test: TestApp) {
    let file = include_str!("../fixtures/label-studio/export.json");
    let summary = import_text(&test.app, file).await.unwrap();
    let db = test.app.db.writer();
    let revisions = annotation_revision::Entity::find().all(db).await.unwrap();
    assert_eq!(revisions.len(), summary.counts.annotations);
    for row in annotations(&test.app).await {
        let mut of_row = revisions
            .iter()
            .filter(|revision| revision.annotation_id == row.id);
        let revision = of_row.next().unwrap();
        assert_eq!(revision.version, 1);
        assert_eq!(revision.result.as_ref(), Some(&row.result));
        assert_eq!(revision.actor_id, row.completed_by_id);
        assert_eq!(revision.updated_by_id, row.updated_by_id);
        assert_eq!(revision.created_at, row.created_at);
        assert!(file.contains(&row.result), "the text is the file's own");
    }
}

#[each_database]
async fn counters_are_counted_not_believed(test: TestApp) {
    let file = json!([
        { "data": {}, "overlap": 2, "total_annotations": 9, "is_labeled": true, "annotations": [
            { "result": [], "completed_by": 1 }, { "result": [], "completed_by": 1 },
            { "result": [], "completed_by": 2, "was_cancelled": true },
        ] },
        { "data": {}, "overlap": 2, "annotations": [
            { "result": [], "completed_by": 1 }, { "result": null, "completed_by": null },
        ], "predictions": [{ "result": [], "score": 0.5 }, 7] },
    ]);
    import_text(&test.app, file.to_string()).await.unwrap();
    let counters: Vec<_> = tasks(&test.app)
        .await
        .iter()
        .map(|task| {
            let counts = (task.total_annotations, task.cancelled_annotations);
            (counts, task.total_predictions, task.is_labeled)
        })
        .collect();
    assert_eq!(counters, [((2, 1), 0, false), ((2, 0), 1, true)]);
}

#[each_database]
async fn parents_are_found_anywhere_in_the_file(test: TestApp) {
    let file = json!([
        { "data": {}, "annotations": [
            { "id": 10, "result": [], "parent_annotation": 30, "parent_prediction": 5 },
            { "id": 20, "result": [], "parent_annotation": 10, "parent_prediction": 99 },
        ] },
        { "data": {}, "predictions": [{ "id": 5, "result": [] }], "annotations": [
            { "id": 30, "import_id": 3, "result": [], "parent_annotation": 88 },
            { "id": 30, "result": [], "parent_prediction": 5 },
        ] },
    ]);
    let summary = import_text(&test.app, file.to_string()).await.unwrap();
    let rows = annotations(&test.app).await;
    let place = |id: Option<i64>| id.and_then(|id| rows.iter().position(|row| row.id == id));
    let parents: Vec<_> = rows
        .iter()
        .map(|row| place(row.parent_annotation_id))
        .collect();
    assert_eq!(parents, [Some(2), Some(0), None, None]);
    let predictions = rows.iter().map(|row| row.parent_prediction_id.is_some());
    assert_eq!(predictions.collect::<Vec<_>>(), [true, false, false, true]);
    assert_eq!(rows[2].import_id, Some(3));
    assert_eq!(rows[3].import_id, Some(30));
    assert_eq!(
        notes(&summary),
        [
            "0.annotations.1.parent_prediction: the file has no prediction 99: now null",
            "1.annotations.0.parent_annotation: the file has no annotation 88: now null",
        ]
    );
}

#[each_database]
async fn a_task_keeps_its_last_ground_truth_and_taken_unique_ids_are_replaced(test: TestApp) {
    let id = "35bb51ab-cbda-428f-9a6d-3a050411e790";
    let file = with(&json!([
        { "result": [], "ground_truth": true, "unique_id": id },
        { "result": [], "last_action": "accepted" },
        { "result": [], "ground_truth": true, "unique_id": id, "last_action": null },
    ]));
    let summary = import_text(&test.app, file.clone()).await.unwrap();
    let rows = annotations(&test.app).await;
    let truths: Vec<_> = rows.iter().map(|row| row.ground_truth).collect();
    assert_eq!(truths, [false, false, true]);
    assert_eq!(rows[1].last_action, Some(annotation::Action::Accepted));
    assert_eq!(rows[2].last_action, Some(annotation::Action::Imported));
    assert_eq!(rows[0].unique_id.to_string(), id);
    assert_ne!(rows[2].unique_id.to_string(), id);
    assert_eq!(
        notes(&summary),
        [
            "0.annotations.0.ground_truth: a later annotation of the task is its ground truth: \
             now false",
            &format!("0.annotations.2.unique_id: {id} is taken: now another"),
        ]
    );
    let again = import_text(&test.app, file).await.unwrap();
    assert_eq!(notes(&again).len(), 3);
}

#[each_database]
async fn drafts_belong_to_a_user_and_perhaps_to_an_annotation_of_their_task(test: TestApp) {
    let draft = |annotation: i64| json!({ "user": 4, "result": [], "annotation": annotation });
    let file = json!([
        { "data": {}, "annotations": [{ "id": 6, "result": [] }], "drafts": [draft(6), 17] },
        { "data": {}, "drafts": [draft(6)] },
    ]);
    let summary = import_text(&test.app, file.to_string()).await.unwrap();
    let db = test.app.db.writer();
    let drafts = annotation_draft::Entity::find().all(db).await.unwrap();
    assert_eq!(
        drafts[0].annotation_id,
        Some(annotations(&test.app).await[0].id)
    );
    assert_eq!(drafts[1].annotation_id, None);
    let expected = ["1.drafts.0.annotation: the task has no annotation 6: now null"];
    assert_eq!(notes(&summary), expected);
    let exported = export_text(&test.app, summary.project_id).await;
    assert!(exported.contains(",17],\"predictions\""), "{exported}");
}

#[each_database]
async fn one_task_or_bare_data_will_do(test: TestApp) {
    let summary = import_text(&test.app, "{\"data\": {\"text\": \"a\"}, \"id\": 3}").await;
    assert_eq!(summary.unwrap().counts.tasks, 1);
    let summary = import_text(&test.app, "[{ \"id\": \"x\", \"text\":\"b\" }]").await;
    assert_eq!(summary.unwrap().counts.tasks, 1);
    let rows = tasks(&test.app).await;
    assert_eq!(rows[0].data, "{\"text\": \"a\"}");
    assert_eq!(rows[0].import_id, Some(3));
    assert_eq!(rows[1].data, "{ \"id\": \"x\", \"text\":\"b\" }");
    assert_eq!(import_text(&test.app, "[]").await.unwrap().counts.tasks, 0);
}
