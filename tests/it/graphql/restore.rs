//! `restoreAnnotation`: an earlier version returns as a new version.

use each_database::each_database;
use entity::{annotation_revision::Event, annotation_tombstone, project_member::Role};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{counters, create, delete, draft, prediction, read, restore, revisions, row, update};
use crate::{
    events::Follower,
    support::{self, TestApp},
};

#[each_database]
async fn an_older_version_becomes_the_newest(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let other = app.task(&project).await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let first = json!({ "result": [{ "id": "a", "x": 1.0 }], "leadTime": 2.5 });
    let id = app.annotation(&ann, &task, first).await;
    let truth = app
        .annotation(&app.admin, &task, json!({ "groundTruth": true }))
        .await;
    let change = json!({
        "result": [], "leadTime": null, "groundTruth": true, "wasCancelled": true,
        "completedById": app.admin.user_id, "taskId": other,
    });
    update(&app.admin, &id, change).await.ok();
    assert_eq!(counters(&app.admin, &other).await, json!([false, 0, 1]));
    let answer = restore(&app.admin, &id, 1, Some(2)).await;
    let restored = &answer.data()["restoreAnnotation"];
    assert_eq!(restored["result"], json!([{ "id": "a", "x": 1.0 }]));
    assert_eq!(restored["leadTime"], 2.5);
    assert_eq!(restored["regionCount"], 1);
    assert_eq!(restored["wasCancelled"], false);
    assert_eq!(restored["groundTruth"], false);
    assert_eq!(restored["completedBy"]["id"], ann.user_id);
    assert_eq!(restored["updatedBy"]["id"], app.admin.user_id);
    // A move is not undone.
    assert_eq!(restored["task"]["id"], other);
    assert_eq!(restored["version"], 3);
    assert_eq!(restored["lastAction"], "UPDATED");
    assert_eq!(
        restored["history"]["nodes"][2],
        json!({
            "version": 3, "action": "UPDATED", "actor": { "id": app.admin.user_id },
            "changedFields": ["completedBy", "groundTruth", "leadTime", "result", "wasCancelled"],
        })
    );
    assert_eq!(counters(&app.admin, &other).await, json!([true, 1, 0]));
    assert_eq!(revisions(&app, &id).await[2].event, Event::Updated);
    assert_eq!(row(&app, &truth).await.version, 1);
    // Back again, where another one is the ground truth by now.
    let rival = app
        .annotation(&app.admin, &other, json!({ "groundTruth": true }))
        .await;
    let answer = restore(&app.admin, &id, 2, None).await;
    let restored = &answer.data()["restoreAnnotation"];
    assert_eq!(
        (&restored["groundTruth"], &restored["lastAction"]),
        (&json!(true), &json!("SKIPPED"))
    );
    assert_eq!(read(&app.admin, &rival).await["groundTruth"], false);
    assert_eq!(row(&app, &rival).await.version, 2);
}

#[each_database]
async fn what_is_so_already_is_no_change(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    update(&app.admin, &id, json!({ "leadTime": 1 })).await.ok();
    update(&app.admin, &id, json!({ "leadTime": null }))
        .await
        .ok();
    let before = app.dump().await;
    for version in [1, 3] {
        let answer = restore(&app.admin, &id, version, Some(3)).await;
        assert_eq!(answer.data()["restoreAnnotation"]["version"], 3);
    }
    for version in [i32::MIN, 0, 4] {
        let answer = restore(&app.admin, &id, version, None).await;
        assert_eq!(answer.problems(), ["version UNKNOWN_VERSION"]);
    }
    let late = restore(&app.admin, &id, 2, Some(2)).await;
    assert_eq!(late.code(), "CONFLICT");
    assert_eq!(late.error()["extensions"]["currentVersion"], 3);
    assert_eq!(restore(&app.admin, "99", 1, None).await.code(), "NOT_FOUND");
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn a_deleted_annotation_comes_back_whole(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let parent = prediction(&app, &project, &task).await;
    let unique_id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let input = json!({
        "result": [{ "id": "a" }], "leadTime": 3, "groundTruth": true, "uniqueId": unique_id,
        "parentPredictionId": parent,
    });
    let id = create(&app.admin, &task, input).await.data()["createAnnotation"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let child = app
        .annotation(&app.admin, &task, json!({ "parentAnnotationId": id }))
        .await;
    update(&app.admin, &id, json!({ "result": [], "leadTime": 4 }))
        .await
        .ok();
    draft(&app, &app.admin, &task, Some(&id)).await;
    let was = row(&app, &id).await;
    delete(&app.admin, &id).await.ok();
    // Meanwhile another one is the ground truth.
    update(&app.admin, &child, json!({ "groundTruth": true }))
        .await
        .ok();

    let engine = support::engine(&app.app);
    let mut follower = Follower::new(&app.app, &engine, &app.admin, "").await;
    let late = restore(&app.admin, &id, 2, Some(2)).await;
    assert_eq!(late.code(), "CONFLICT");
    assert_eq!(late.error()["extensions"]["currentVersion"], 3);
    let answer = restore(&app.admin, &id, 2, Some(3)).await;
    let restored = &answer.data()["restoreAnnotation"];
    assert_eq!(restored["uniqueId"], unique_id);
    assert_eq!(restored["parentPrediction"]["id"], parent);
    assert_eq!(restored["history"]["nodes"][3]["changedFields"], json!([]));
    let is = row(&app, &id).await;
    assert!(is.updated_at > was.updated_at);
    let expected = entity::annotation::Model {
        version: 4,
        updated_at: is.updated_at,
        ..was
    };
    assert_eq!(is, expected);
    assert_eq!(counters(&app.admin, &task).await, json!([true, 2, 0]));
    let child = read(&app.admin, &child).await;
    assert_eq!(
        (&child["groundTruth"], &child["parentAnnotation"]),
        (&json!(false), &Value::Null)
    );
    let drafts = entity::annotation_draft::Entity::find();
    assert_eq!(drafts.all(app.app.db.writer()).await.unwrap(), []);
    let tombstones = annotation_tombstone::Entity::find();
    assert_eq!(tombstones.all(app.app.db.writer()).await.unwrap(), []);
    let child = child["id"].as_str().unwrap();
    assert_eq!(follower.short().await, format!("UPDATED {child} v3"));
    assert_eq!(follower.short().await, format!("RESTORED {id} v4"));
    // And nothing more of it.
    update(&app.admin, &id, json!({ "leadTime": 9 })).await.ok();
    assert_eq!(follower.short().await, format!("UPDATED {id} v5"));
    // Once more, and to what it was at first.
    delete(&app.admin, &id).await.ok();
    let answer = restore(&app.admin, &id, 1, None).await;
    let restored = &answer.data()["restoreAnnotation"];
    assert_eq!(restored["leadTime"], 3.0);
    assert_eq!(restored["result"], json!([{ "id": "a" }]));
    assert_eq!(restored["version"], 7);
    assert_eq!(
        restored["history"]["nodes"][6]["changedFields"],
        json!(["leadTime", "result"])
    );
    // What a deletion ended is a version, too.
    delete(&app.admin, &id).await.ok();
    let answer = restore(&app.admin, &id, 8, Some(8)).await;
    assert_eq!(answer.data()["restoreAnnotation"]["leadTime"], 3.0);
}

#[each_database]
async fn what_can_not_come_back_stays_away(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let unique_id = row(&app, &id).await.unique_id.to_string();
    delete(&app.admin, &id).await.ok();
    let heir = app
        .annotation(&app.admin, &task, json!({ "uniqueId": unique_id }))
        .await;
    let before = app.dump().await;
    let taken = restore(&app.admin, &id, 1, None).await;
    assert_eq!(taken.problems(), ["id ALREADY_TAKEN"]);
    let unknown = restore(&app.admin, &id, 3, None).await;
    assert_eq!(unknown.problems(), ["version UNKNOWN_VERSION"]);
    assert_eq!(app.dump().await, before);
    delete(&app.admin, &heir).await.ok();
    // Both are dead: one of them may have the unique id.
    restore(&app.admin, &id, 1, None).await.ok();
    assert_eq!(
        restore(&app.admin, &heir, 1, None).await.problems(),
        ["id ALREADY_TAKEN"]
    );

    // Deleted before tombstones were kept.
    delete(&app.admin, &id).await.ok();
    let tombstones = annotation_tombstone::Entity::delete_many();
    tombstones.exec(app.app.db.writer()).await.unwrap();
    let before = app.dump().await;
    let answer = restore(&app.admin, &id, 1, None).await;
    assert_eq!(answer.problems(), ["id NOT_RESTORABLE"]);
    assert_eq!(app.dump().await, before);
    // Without a task there is no place for it.
    let lost = app.annotation(&app.admin, &task, json!({})).await;
    delete(&app.admin, &lost).await.ok();
    let tasks = entity::task::Entity::delete_many();
    tasks.exec(app.app.db.writer()).await.unwrap();
    let before = app.dump().await;
    let answer = restore(&app.admin, &lost, 1, None).await;
    assert_eq!(answer.problems(), ["id NOT_RESTORABLE"]);
    assert_eq!(app.dump().await, before);
    let query = format!("{{ annotationAt(id: {lost}, version: 2) {{ version task {{ id }} }} }}");
    let answer = app.admin.run(&query).await;
    assert_eq!(
        answer.data()["annotationAt"],
        json!({ "version": 2, "task": null })
    );
}

#[each_database]
async fn what_does_not_fit_the_config_stays_in_the_past(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let result = json!([{ "id": "a", "from_name": "box", "to_name": "image", "type": "rectanglelabels",
            "value": { "x": 1, "y": 1, "width": 1, "height": 1, "rectanglelabels": ["Car"] } }]);
    let input = json!({ "result": result });
    let id = app.annotation(&app.admin, &task, input.clone()).await;
    let gone = app.annotation(&app.admin, &task, input).await;
    update(&app.admin, &id, json!({ "result": [] })).await.ok();
    delete(&app.admin, &gone).await.ok();
    let config = "<View><Image name='image' value='$image'/><RectangleLabels name='box' toName='image'><Label value='Boat'/></RectangleLabels></View>";
    let query = "mutation($id: ID!, $config: String!) {
        updateProject(id: $id, input: { labelConfig: $config }, force: true) { id } }";
    let variables = json!({ "id": project, "config": config });
    app.admin.run_with(query, variables).await.ok();
    let before = app.dump().await;
    for id in [&id, &gone] {
        let answer = restore(&app.admin, id, 1, None).await;
        assert_eq!(answer.problems(), ["version UNFIT_RESULT"]);
    }
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn restoring_is_for_those_who_may_change_it(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let vic = app.member(&project, "vic", Role::Viewer).await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let ben = app.member(&project, "ben", Role::Annotator).await;
    let rae = app.member(&project, "rae", Role::Reviewer).await;
    let max = app.member(&project, "max", Role::Manager).await;
    let eve = app.stranger("eve").await;
    let id = app.annotation(&ann, &task, json!({})).await;
    for (input, by) in [
        (json!({ "leadTime": 1 }), &ann),
        (json!({ "groundTruth": true }), &rae),
        (json!({ "groundTruth": false, "leadTime": 2 }), &rae),
        (json!({ "completedById": ben.user_id }), &max),
        (json!({ "completedById": ann.user_id }), &max),
    ] {
        update(by, &id, input).await.ok();
    }
    let before = app.dump().await;
    for (by, version, code) in [
        (&eve, 1, "NOT_FOUND"),
        (&vic, 1, "FORBIDDEN"),
        (&ben, 1, "FORBIDDEN"),
        (&ann, 3, "FORBIDDEN"),
        (&ann, 5, "FORBIDDEN"),
        (&rae, 5, "FORBIDDEN"),
        (&ben, 99, "FORBIDDEN"),
    ] {
        assert_eq!(restore(by, &id, version, None).await.code(), code);
        assert_eq!(app.dump().await, before);
    }
    for (by, version) in [(&ann, 1), (&rae, 3), (&ann, 3), (&max, 5), (&max, 4)] {
        restore(by, &id, version, None).await.ok();
    }
    assert_eq!(row(&app, &id).await.version, 10);

    delete(&ann, &id).await.ok();
    let before = app.dump().await;
    for (by, version, code) in [
        (&eve, 1, "NOT_FOUND"),
        (&vic, 1, "FORBIDDEN"),
        (&ben, 1, "FORBIDDEN"),
        (&rae, 1, "FORBIDDEN"),
        (&ann, 3, "FORBIDDEN"),
        (&ann, 5, "FORBIDDEN"),
    ] {
        assert_eq!(restore(by, &id, version, None).await.code(), code);
        assert_eq!(app.dump().await, before);
    }
    restore(&ann, &id, 1, None).await.ok();
    delete(&ann, &id).await.ok();
    let answer = restore(&max, &id, 5, None).await;
    let restored = &answer.data()["restoreAnnotation"];
    assert_eq!(restored["completedBy"]["id"], ben.user_id);
}

#[each_database]
async fn an_author_who_is_gone_does_not_come_back(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let ben = app.member(&project, "ben", Role::Annotator).await;
    let id = app.annotation(&ann, &task, json!({ "leadTime": 1 })).await;
    let own = app.annotation(&ann, &task, json!({})).await;
    let change = json!({ "completedById": ben.user_id, "leadTime": 2 });
    update(&app.admin, &id, change).await.ok();
    delete(&app.admin, &own).await.ok();
    let user = entity::user::Entity::delete_by_id(ann.user_id.parse::<i64>().unwrap());
    user.exec(app.app.db.writer()).await.unwrap();
    let answer = restore(&app.admin, &id, 1, None).await;
    let restored = &answer.data()["restoreAnnotation"];
    assert_eq!(restored["completedBy"]["id"], ben.user_id);
    assert_eq!(restored["leadTime"], 1.0);
    let answer = restore(&app.admin, &own, 1, None).await;
    let restored = &answer.data()["restoreAnnotation"];
    assert_eq!(restored["completedBy"], Value::Null);
    let changed = &restored["history"]["nodes"][2]["changedFields"];
    assert_eq!(changed, &json!(["completedBy"]));
}
