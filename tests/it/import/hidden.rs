//! An import shows once all of it is written.

use std::{io::Cursor, sync::mpsc::channel};

use annograph::domain::import::{self, Phase};
use each_database::each_database;
use entity::{annotation, annotation_draft, prediction, task};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::{
    crash_recovery::{Withheld, file},
    export_text, into_new_project,
};
use crate::support::TestApp;

/// What an admin reads of tasks and all that hangs on them.
async fn read(test: &TestApp, ids: &Value) -> Value {
    let query = "query($task: ID!, $annotation: ID!, $prediction: ID!, $draft: ID!) {
      task(id: $task) { id } annotation(id: $annotation) { id history { totalCount } } prediction(id: $prediction) { id } draft(id: $draft) { id }
      annotationAt(id: $annotation, version: 1) { version }
      tasks { totalCount nodes { id totalAnnotations annotations { totalCount nodes { id } } predictions { id } } }
      annotations(orderBy: { field: CREATED_AT, direction: DESC }) { totalCount nodes { id } }
      projects { totalCount nodes { taskCount annotationCount tasks { nodes { id } } annotations { nodes { id } } } }
    }";
    test.admin.run_with(query, ids.clone()).await.data().clone()
}

/// Ids of a task that an import wrote, and of what hangs on it.
async fn newest(test: &TestApp) -> Value {
    let db = test.app.db.writer();
    let task = task::Entity::find().order_by_desc(task::Column::Id);
    let task = task.one(db).await.unwrap().unwrap().id;
    let of_task = annotation::Column::TaskId.eq(task);
    let annotation = annotation::Entity::find().filter(of_task);
    let of_task = prediction::Column::TaskId.eq(task);
    let prediction = prediction::Entity::find().filter(of_task);
    let of_task = annotation_draft::Column::TaskId.eq(task);
    let draft = annotation_draft::Entity::find().filter(of_task);
    let id = |id: i64| id.to_string();
    json!({
        "task": id(task),
        "annotation": id(annotation.one(db).await.unwrap().unwrap().id),
        "prediction": id(prediction.one(db).await.unwrap().unwrap().id),
        "draft": id(draft.one(db).await.unwrap().unwrap().id),
    })
}

#[each_database]
async fn nothing_of_an_import_shows_before_all_of_it_is_written(test: TestApp) {
    let (project, kept) = test.project_with_task().await;
    test.annotation(&test.admin, &kept, json!({})).await;
    let nobody = json!({ "task": "0", "annotation": "0", "prediction": "0", "draft": "0" });
    for into_existing in [true, false] {
        let before = read(&test, &nobody).await;
        let exported = export_text(&test.app, project.parse().unwrap()).await;
        let (release, held) = channel();
        let source = Withheld {
            file: Cursor::new(file()),
            readings: 0,
            release: held,
        };
        let mut options = into_new_project();
        if into_existing {
            options.target = import::Target::Project(project.parse().unwrap());
        }
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let app = test.app.clone();
        let importing = tokio::spawn(async move {
            import::run(&app, source, &options, |progress| {
                tell.send(progress.phase).unwrap();
            })
            .await
        });
        while told.recv().await.unwrap() != Phase::Write {}

        let ids = newest(&test).await;
        assert_eq!(read(&test, &ids).await, before);
        let now = export_text(&test.app, project.parse().unwrap()).await;
        assert_eq!(now, exported);
        let annotate =
            "mutation($id: ID!) { createAnnotation(taskId: $id, input: { result: [] }) { id } }";
        let refused = test.admin.run_with(annotate, json!({ "id": ids["task"] }));
        assert_eq!(refused.await.code(), "NOT_FOUND");

        drop(release);
        importing.await.unwrap().unwrap();
        let after = read(&test, &ids).await;
        for field in ["task", "annotation", "prediction", "draft"] {
            assert_eq!(after[field]["id"], ids[field], "{field}");
        }
        assert_eq!(after["annotationAt"]["version"], 1);
        for list in ["tasks", "annotations"] {
            let counts = [&after, &before].map(|read| read[list]["totalCount"].as_i64());
            assert_eq!(counts[0], counts[1].map(|count| count + 900), "{list}");
        }
        let projects = [&after, &before].map(|read| read["projects"]["totalCount"].as_i64());
        let made = i64::from(!into_existing);
        assert_eq!(projects[0], projects[1].map(|count| count + made));
    }
}
