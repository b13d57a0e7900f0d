//! `saveDraft`: the last save wins.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::{Value, json};

use super::{all, save, saved};
use crate::{graphql::draft, support::TestApp};

#[each_database]
async fn the_second_save_takes_the_place_of_the_first(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let annotation = app.annotation(&app.admin, &task, json!({})).await;
    let mut ids = Vec::new();
    for (of, annotation) in [
        (json!({ "taskId": task }), Value::Null),
        (
            json!({ "annotationId": annotation }),
            json!({ "id": annotation }),
        ),
    ] {
        let with = |rest: Value| {
            let mut input = of.clone();
            input
                .as_object_mut()
                .unwrap()
                .extend(rest.as_object().unwrap().clone());
            input
        };
        let first = save(
            &app.admin,
            with(json!({ "result": [{ "id": "a" }], "leadTime": 1.5 })),
        )
        .await;
        let first = first.data()["saveDraft"].clone();
        assert_eq!(first["task"]["id"], task);
        assert_eq!(first["annotation"], annotation);
        assert_eq!(first["user"]["id"], app.admin.user_id);
        assert_eq!(first["result"], json!([{ "id": "a" }]));
        assert_eq!(first["createdAt"], first["updatedAt"]);
        let second = save(&app.admin, with(json!({ "result": [] }))).await;
        let second = &second.data()["saveDraft"];
        assert_eq!(
            (&second["id"], &second["result"]),
            (&first["id"], &json!([]))
        );
        // What is left out stays.
        assert_eq!(second["leadTime"], 1.5);
        assert_eq!(second["createdAt"], first["createdAt"]);
        assert_ne!(second["updatedAt"], first["updatedAt"]);
        let third = save(&app.admin, with(json!({ "result": [], "leadTime": null }))).await;
        assert_eq!(third.data()["saveDraft"]["leadTime"], Value::Null);
        ids.push(first["id"].clone());
    }
    let rows = all(&app).await;
    let found: Vec<Value> = rows.iter().map(|row| row.id.to_string().into()).collect();
    assert_eq!(found, ids);
}

#[each_database]
async fn nobody_saves_over_another_or_over_what_was_imported(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let imported = [
        draft(&app, &ann, &task, None).await,
        draft(&app, &ann, &task, None).await,
    ];
    let before = all(&app).await;
    let own = saved(&ann, json!({ "taskId": task, "result": [{ "id": "a" }] })).await;
    assert!(!imported.contains(&own));
    let other = saved(&app.admin, json!({ "taskId": task, "result": [] })).await;
    assert_ne!(own, other);
    let again = saved(&ann, json!({ "taskId": task, "result": [] })).await;
    assert_eq!(again, own);
    let rows = all(&app).await;
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[..2], before);
}

#[each_database]
async fn what_is_unfinished_need_not_fit_the_config(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    configure(&app, &project).await;
    let result = json!([{ "id": "a", "from_name": "nothing", "type": "choices", "value": {} }]);
    saved(&app.admin, json!({ "taskId": task, "result": result })).await;
}

#[each_database]
async fn every_problem_of_the_input_is_told_at_once(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let annotation = app.annotation(&app.admin, &task, json!({})).await;
    let before = app.dump().await;
    for (input, problems) in [
        (
            json!({ "taskId": task, "annotationId": annotation, "leadTime": -1,
                        "result": [{ "id": 1 }] }),
            vec![
                "input.result.0.id WRONG_TYPE",
                "input.leadTime OUT_OF_BOUNDS",
                "input.annotationId NOT_TOGETHER",
            ],
        ),
        (json!({ "result": [] }), vec!["input.taskId REQUIRED"]),
        (
            json!({ "taskId": null, "annotationId": null, "result": [] }),
            vec!["input.taskId REQUIRED"],
        ),
    ] {
        assert_eq!(save(&app.admin, input).await.problems(), problems);
    }
    let huge = app
        .admin
        .run("mutation { saveDraft(input: { taskId: 1, result: [{ x: 1e999 }] }) { id } }")
        .await;
    assert_eq!(huge.problems(), ["input.result.0.x NUMBER_OUT_OF_RANGE"]);
    for of in ["taskId", "annotationId"] {
        let unknown = save(&app.admin, json!({ of: "99", "result": [] })).await;
        assert_eq!(unknown.code(), "NOT_FOUND");
    }
    assert_eq!(app.dump().await, before);
}

/// Gives a project a config with one choice.
pub async fn configure(app: &TestApp, project: &str) {
    let config = "<View><Text name='text' value='$text'/><Choices name='kind' toName='text'>\
        <Choice value='good'/></Choices></View>";
    let query = "mutation($id: ID!, $config: String!) {
        updateProject(id: $id, input: { labelConfig: $config }, force: true) { id } }";
    let variables = json!({ "id": project, "config": config });
    app.admin.run_with(query, variables).await.ok();
}
