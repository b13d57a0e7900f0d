//! Moving an annotation to another task.

use each_database::each_database;
use entity::{annotation_draft, project_member::Role};
use sea_orm::EntityTrait;
use serde_json::json;

use super::super::{counters, draft, read, task_with_overlap, update};
use crate::support::TestApp;

async fn second_project(app: &TestApp) -> String {
    let answer = app
        .admin
        .run(r#"mutation { createProject(input: { title: "Boats" }) { id } }"#)
        .await;
    answer.data()["createProject"]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[each_database]
async fn the_project_comes_along_and_both_tasks_are_counted(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let boats = second_project(&app).await;
    let boat = task_with_overlap(&app, &boats, 2).await;
    let mut ids = vec![];
    for cancelled in [false, false, true] {
        ids.push(
            app.annotation(&app.admin, &task, json!({ "wasCancelled": cancelled }))
                .await,
        );
    }
    assert_eq!(counters(&app.admin, &task).await, json!([true, 2, 1]));
    let answer = update(&app.admin, &ids[0], json!({ "taskId": boat })).await;
    let moved = &answer.data()["updateAnnotation"];
    assert_eq!(moved["task"]["id"], boat);
    assert_eq!(moved["project"]["id"], boats);
    assert_eq!(
        moved["history"]["nodes"][1]["changedFields"],
        json!(["project", "task"])
    );
    assert_eq!(counters(&app.admin, &task).await, json!([true, 1, 1]));
    assert_eq!(counters(&app.admin, &boat).await, json!([false, 1, 0]));
    update(
        &app.admin,
        &ids[2],
        json!({ "taskId": boat, "projectId": boats }),
    )
    .await
    .ok();
    assert_eq!(counters(&app.admin, &task).await, json!([true, 1, 0]));
    assert_eq!(counters(&app.admin, &boat).await, json!([false, 1, 1]));
    // The skip ends on the way.
    update(
        &app.admin,
        &ids[2],
        json!({ "taskId": task, "wasCancelled": false }),
    )
    .await
    .ok();
    update(&app.admin, &ids[1], json!({ "taskId": boat }))
        .await
        .ok();
    assert_eq!(counters(&app.admin, &task).await, json!([true, 1, 0]));
    assert_eq!(counters(&app.admin, &boat).await, json!([false, 2, 0]));

    let answer = app
        .admin
        .run_with(
            "query($id: ID!) { project(id: $id) { annotationCount annotations { nodes { id } } } }",
            json!({ "id": boats }),
        )
        .await;
    let nodes = json!([{ "id": ids[0] }, { "id": ids[1] }]);
    assert_eq!(
        answer.data(),
        &json!({ "project": { "annotationCount": 2, "annotations": { "nodes": nodes } } })
    );
}

#[each_database]
async fn its_drafts_move_too_and_no_others(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let other = app.task(&project).await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let neighbour = app.annotation(&app.admin, &task, json!({})).await;
    let ben = app.member(&project, "ben", Role::Annotator).await;
    // The mover's own is settled by the change.
    draft(&app, &app.admin, &task, Some(&id)).await;
    let bens = draft(&app, &ben, &task, Some(&id)).await;
    let anns = draft(&app, &ann, &task, Some(&id)).await;
    draft(&app, &ann, &task, Some(&neighbour)).await;
    draft(&app, &ann, &task, None).await;
    update(&app.admin, &id, json!({ "taskId": other }))
        .await
        .ok();
    let drafts = annotation_draft::Entity::find()
        .all(app.app.db.writer())
        .await
        .unwrap();
    let moved: Vec<String> = drafts
        .iter()
        .filter(|draft| draft.task_id.to_string() == other)
        .map(|draft| draft.id.to_string())
        .collect();
    assert_eq!(drafts.len(), 4);
    assert_eq!(moved, [bens, anns]);
}

#[each_database]
async fn another_project_than_the_tasks_is_refused(app: TestApp) {
    let (cars, car) = app.project_with_task().await;
    let boats = second_project(&app).await;
    let boat = app.task(&boats).await;
    let id = app.annotation(&app.admin, &car, json!({})).await;
    let before = app.dump().await;
    for (input, problems) in [
        (
            json!({ "projectId": boats }),
            vec!["input.projectId PROJECT_MISMATCH"],
        ),
        (
            json!({ "projectId": boats, "taskId": car }),
            vec!["input.projectId PROJECT_MISMATCH"],
        ),
        (
            json!({ "projectId": cars, "taskId": boat }),
            vec!["input.projectId PROJECT_MISMATCH"],
        ),
        (
            json!({ "projectId": "99" }),
            vec!["input.projectId UNKNOWN_ID"],
        ),
        // Of a task that isn't there nobody knows the project.
        (
            json!({ "projectId": boats, "taskId": "99" }),
            vec!["input.taskId UNKNOWN_ID"],
        ),
        (
            json!({ "projectId": "98", "taskId": "99", "completedById": "97", "updatedById": "96" }),
            vec![
                "input.taskId UNKNOWN_ID",
                "input.projectId UNKNOWN_ID",
                "input.completedById UNKNOWN_ID",
                "input.updatedById UNKNOWN_ID",
            ],
        ),
    ] {
        let answer = update(&app.admin, &id, input.clone()).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{input}");
        assert_eq!(answer.problems(), problems, "{input}");
        assert_eq!(app.dump().await, before, "{input}");
    }
    update(&app.admin, &id, json!({ "projectId": cars }))
        .await
        .ok();
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn a_ground_truth_that_arrives_takes_the_place_of_the_one_that_was(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let other = app.task(&project).await;
    let here = app
        .annotation(&app.admin, &other, json!({ "groundTruth": true }))
        .await;
    let moving = app
        .annotation(&app.admin, &task, json!({ "groundTruth": true }))
        .await;
    update(&app.admin, &moving, json!({ "taskId": other }))
        .await
        .ok();
    assert_eq!(read(&app.admin, &moving).await["groundTruth"], true);
    let lost = read(&app.admin, &here).await;
    assert_eq!(lost["groundTruth"], false);
    assert_eq!(lost["version"], 2);
    assert_eq!(
        lost["history"]["nodes"][1]["changedFields"],
        json!(["groundTruth"])
    );

    // An annotation that moves without the flag leaves the target's ground truth alone.
    let plain = json!({ "taskId": task });
    update(&app.admin, &here, plain).await.ok();
    update(&app.admin, &here, json!({ "taskId": other }))
        .await
        .ok();
    assert_eq!(read(&app.admin, &moving).await["version"], 2);
}
