//! Replaced contents of drafts: kept for a day, at most one per minute and 20 per draft.

use annograph::domain::draft::sweep_replaced;
use chrono::{TimeDelta, Utc};
use each_database::each_database;
use entity::{project_member::Role, replaced_draft};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    EntityTrait, PaginatorTrait,
};
use serde_json::{Value, json};

use super::{discard, saved, submit};
use crate::support::{Client, TestApp};

/// Makes all that was replaced older.
async fn age(app: &TestApp, by: TimeDelta) {
    let db = app.app.db.writer();
    for row in replaced_draft::Entity::find().all(db).await.unwrap() {
        let older = replaced_draft::ActiveModel {
            id: Unchanged(row.id),
            replaced_at: Set(row.replaced_at - by),
            ..Default::default()
        };
        older.update_without_returning(db).await.unwrap();
    }
}

async fn kept(app: &TestApp) -> u64 {
    let all = replaced_draft::Entity::find();
    all.count(app.app.db.writer()).await.unwrap()
}

/// What was replaced in a draft, newest first, as the results.
async fn replaced(by: &Client, id: &str) -> Vec<Value> {
    let query = format!("{{ draft(id: {id}) {{ replaced {{ result savedAt }} }} }}");
    let answer = by.run(&query).await;
    let all = answer.data()["draft"]["replaced"]
        .as_array()
        .unwrap()
        .clone();
    all.iter().map(|one| one["result"].clone()).collect()
}

/// Saves these regions, each by its id, to the draft of a task.
async fn save(by: &Client, task: &str, regions: &[&str]) -> String {
    let result: Vec<Value> = regions.iter().map(|id| json!({ "id": id })).collect();
    saved(by, json!({ "taskId": task, "result": result })).await
}

#[each_database]
async fn what_drops_or_changes_regions_is_kept_and_what_adds_is_not(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = save(&app.admin, &task, &["a"]).await;
    save(&app.admin, &task, &["b", "a"]).await;
    assert_eq!(
        replaced(&app.admin, &id).await,
        [] as [Value; 0],
        "nothing was lost"
    );
    let before = app
        .admin
        .run(&format!("{{ draft(id: {id}) {{ updatedAt }} }}"))
        .await;
    save(&app.admin, &task, &["c"]).await;
    let first = json!([{ "id": "b" }, { "id": "a" }]);
    assert_eq!(
        replaced(&app.admin, &id).await,
        std::slice::from_ref(&first)
    );
    let query = format!("{{ draft(id: {id}) {{ replaced {{ savedAt }} }} }}");
    let told = app.admin.run(&query).await;
    assert_eq!(
        told.data()["draft"]["replaced"][0]["savedAt"],
        before.data()["draft"]["updatedAt"]
    );

    save(&app.admin, &task, &["d"]).await;
    assert_eq!(
        replaced(&app.admin, &id).await,
        std::slice::from_ref(&first),
        "one a minute"
    );
    age(&app, TimeDelta::seconds(61)).await;
    let changed = json!({ "taskId": task, "result": [{ "id": "d", "value": { "x": 1 } }] });
    saved(&app.admin, changed).await;
    assert_eq!(
        replaced(&app.admin, &id).await,
        [json!([{ "id": "d" }]), first]
    );
}

#[each_database]
async fn twenty_of_a_draft_are_kept_for_a_day(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let other = app.task(&project).await;
    let id = save(&app.admin, &task, &["r0"]).await;
    save(&app.admin, &other, &["other"]).await;
    save(&app.admin, &other, &[]).await;
    for number in 1..=23 {
        age(&app, TimeDelta::minutes(2)).await;
        save(&app.admin, &task, &[&format!("r{number}")]).await;
    }
    let all = replaced(&app.admin, &id).await;
    assert_eq!(all.len(), 20);
    assert_eq!(
        (&all[0], &all[19]),
        (&json!([{ "id": "r22" }]), &json!([{ "id": "r3" }]))
    );
    assert_eq!(kept(&app).await, 21, "another draft keeps its own");

    // Those of the last day are told, and the sweep removes the others.
    let half = TimeDelta::hours(24) - TimeDelta::minutes(21);
    age(&app, half).await;
    assert_eq!(replaced(&app.admin, &id).await.len(), 11);
    assert_eq!(
        sweep_replaced(&app.app, Utc::now() - TimeDelta::hours(1))
            .await
            .unwrap(),
        0
    );
    assert_eq!(sweep_replaced(&app.app, Utc::now()).await.unwrap(), 10);
    assert_eq!(kept(&app).await, 11);
}

#[each_database]
async fn whoever_sees_a_draft_sees_what_it_replaced(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let max = app.member(&project, "max", Role::Manager).await;
    let ben = app.member(&project, "ben", Role::Annotator).await;
    let id = save(&ann, &task, &["a"]).await;
    save(&ann, &task, &[]).await;
    for by in [&ann, &max, &app.admin] {
        assert_eq!(replaced(by, &id).await, [json!([{ "id": "a" }])]);
    }
    let answer = ben
        .run(&format!(
            "{{ draft(id: {id}) {{ replaced {{ result }} }} }}"
        ))
        .await;
    assert_eq!(answer.data()["draft"], Value::Null);
}

#[each_database]
async fn it_goes_with_the_draft(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let annotation = app.annotation(&app.admin, &task, json!({})).await;
    let lose = async || {
        let id = save(&app.admin, &task, &["a"]).await;
        save(&app.admin, &task, &["b"]).await;
        assert!(kept(&app).await > 0);
        id
    };
    discard(&app.admin, &lose().await).await.ok();
    assert_eq!(kept(&app).await, 0);
    submit(&app.admin, &lose().await, json!({})).await.ok();
    assert_eq!(kept(&app).await, 0);
    for result in [json!([{ "id": "a" }]), json!([])] {
        saved(
            &app.admin,
            json!({ "annotationId": annotation, "result": result }),
        )
        .await;
    }
    assert_eq!(kept(&app).await, 1);
    let delete = format!("mutation {{ deleteAnnotation(id: {annotation}) {{ id }} }}");
    app.admin.run(&delete).await.ok();
    assert_eq!(kept(&app).await, 0);
    for delete in [
        format!("deleteTask(id: {task})"),
        format!("deleteProject(id: {project})"),
    ] {
        if delete.starts_with("deleteTask") {
            lose().await;
        }
        app.admin
            .run(&format!("mutation {{ {delete} {{ id }} }}"))
            .await
            .ok();
        assert_eq!(kept(&app).await, 0);
    }
}

#[each_database]
async fn many_drafts_cost_as_much_as_one(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let query = "{ drafts { nodes { id replaced { result } } } }";
    save(&app.admin, &task, &["a"]).await;
    save(&app.admin, &task, &[]).await;
    let (one, answer) = app.statements(app.admin.run(query)).await;
    assert_eq!(
        answer.data()["drafts"]["nodes"][0]["replaced"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    for _ in 0..10 {
        let task = app.task(&project).await;
        save(&app.admin, &task, &["a"]).await;
        save(&app.admin, &task, &[]).await;
    }
    let (many, answer) = app.statements(app.admin.run(query)).await;
    assert_eq!(
        answer.data()["drafts"]["nodes"].as_array().unwrap().len(),
        11
    );
    assert_eq!(many, one);
}
