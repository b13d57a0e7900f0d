//! Permissions to read: members see a project, strangers do not.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::{Value, json};

use super::World;
use crate::{
    graphql::{draft, update},
    support::{Client, TestApp},
};

/// Everything that can be asked about one project, by id, in lists, and as entities.
async fn everything(by: &Client, world: &World, annotation: &str, prediction: &str) -> Value {
    let answer = by
        .run_with(
            "query($project: ID!, $task: ID!, $annotation: ID!, $prediction: ID!, $all: [_Any!]!) {
               annotation(id: $annotation) { id }
               task(id: $task) { id }
               project(id: $project) { id }
               prediction(id: $prediction) { id }
               annotations { totalCount nodes { id } }
               tasks { totalCount nodes { id } }
               projects { totalCount nodes { id } }
               filtered: annotations(filter: { id: { eq: $annotation } }) { totalCount nodes { id } }
               _entities(representations: $all) { __typename }
             }",
            json!({
                "project": world.boats, "task": world.boat, "annotation": annotation,
                "prediction": prediction,
                "all": [
                    { "__typename": "Annotation", "id": annotation },
                    { "__typename": "Task", "id": world.boat },
                    { "__typename": "Project", "id": world.boats },
                    { "__typename": "Prediction", "id": prediction },
                ],
            }),
        )
        .await;
    answer.data().clone()
}

#[each_database]
async fn strangers_see_nothing(app: TestApp) {
    let world = World::new(&app).await;
    let id = app.annotation(&app.admin, &world.boat, json!({})).await;
    let none = json!({ "totalCount": 0, "nodes": [] });
    let nothing = json!({
        "annotation": null, "task": null, "project": null, "prediction": null,
        "annotations": none, "tasks": none, "projects": none, "filtered": none,
        "_entities": [null, null, null, null],
    });
    let seen = everything(&world.sue, &world, &id, &world.boat_prediction).await;
    assert_eq!(seen, nothing);
    // A member of other projects is a stranger to this one.
    let seen = everything(&world.max, &world, &id, &world.boat_prediction).await;
    for (field, value) in seen.as_object().unwrap() {
        if !["tasks", "projects"].contains(&field.as_str()) {
            assert_eq!(value, &nothing[field], "{field}");
        }
    }
    assert_eq!(seen["tasks"]["totalCount"], 3);
    assert_eq!(seen["projects"]["totalCount"], 2);
}

#[each_database]
async fn every_member_and_admin_sees_the_whole_project(app: TestApp) {
    let world = World::new(&app).await;
    let id = app.annotation(&app.admin, &world.boat, json!({})).await;
    let one = |id: &str| json!({ "totalCount": 1, "nodes": [{ "id": id }] });
    let all = json!({
        "annotation": { "id": id }, "task": { "id": world.boat },
        "project": { "id": world.boats }, "prediction": { "id": world.boat_prediction },
        "annotations": one(&id), "tasks": one(&world.boat), "projects": one(&world.boats),
        "filtered": one(&id),
        "_entities": [
            { "__typename": "Annotation" }, { "__typename": "Task" }, { "__typename": "Project" },
            { "__typename": "Prediction" },
        ],
    });
    for role in [Role::Viewer, Role::Annotator, Role::Reviewer, Role::Manager] {
        let name = format!("{role:?}").to_lowercase();
        let member = app.member(&world.boats, &name, role).await;
        let seen = everything(&member, &world, &id, &world.boat_prediction).await;
        assert_eq!(seen, all, "{role:?}");
    }
    let seen = everything(&app.admin, &world, &id, &world.boat_prediction).await;
    assert_eq!(seen["annotation"], all["annotation"]);
    assert_eq!(seen["_entities"], all["_entities"]);
    assert_eq!(seen["tasks"]["totalCount"], 4);
}

#[each_database]
async fn membership_ends_at_once(app: TestApp) {
    let world = World::new(&app).await;
    let id = app.annotation(&world.ann, &world.car, json!({})).await;
    let query = json!({ "id": id });
    let see = async || -> Value {
        let document = "query($id: ID!) { annotation(id: $id) { id } }";
        world.ann.run_with(document, query.clone()).await.data()["annotation"].clone()
    };
    assert_eq!(see().await, json!({ "id": id }));
    app.admin
        .run_with(
            "mutation($project: ID!, $user: ID!) {
               removeProjectMember(projectId: $project, userId: $user) { role }
             }",
            json!({ "project": world.cars, "user": world.ann.user_id }),
        )
        .await
        .ok();
    assert_eq!(see().await, Value::Null);
    let before = app.dump().await;
    assert_eq!(update(&world.ann, &id, json!({})).await.code(), "NOT_FOUND");
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn what_hangs_on_a_visible_annotation_may_be_out_of_sight(app: TestApp) {
    let world = World::new(&app).await;
    let parent = app.annotation(&app.admin, &world.car, json!({})).await;
    let child = app
        .annotation(
            &world.ann,
            &world.car,
            json!({ "parentAnnotationId": parent }),
        )
        .await;
    update(&app.admin, &parent, json!({ "taskId": world.boat }))
        .await
        .ok();
    let by_sue = app
        .annotation(
            &app.admin,
            &world.car,
            json!({ "completedById": world.sue.user_id }),
        )
        .await;
    let query = "query($child: ID!, $bySue: ID!) {
        child: annotation(id: $child) { parentAnnotation { id } }
        bySue: annotation(id: $bySue) {
          completedBy { id } createdUsername history { nodes { actor { id } } }
        }
    }";
    let variables = json!({ "child": child, "bySue": by_sue });
    let seen = world.ann.run_with(query, variables.clone()).await;
    // The name is on what they made, even where they themselves are out of sight.
    assert_eq!(
        seen.data(),
        &json!({
            "child": { "parentAnnotation": null },
            "bySue": {
                "completedBy": null, "createdUsername": "sue",
                "history": { "nodes": [{ "actor": { "id": "1" } }] },
            },
        })
    );
    let seen = app.admin.run_with(query, variables).await;
    assert_eq!(seen.data()["child"]["parentAnnotation"]["id"], parent);
    assert_eq!(seen.data()["bySue"]["completedBy"]["id"], world.sue.user_id);
}

#[each_database]
async fn drafts_are_their_authors_and_the_managers(app: TestApp) {
    let world = World::new(&app).await;
    let id = app.annotation(&world.ann, &world.car, json!({})).await;
    let anns = draft(&app, &world.ann, &world.car, Some(&id)).await;
    let ritas = draft(&app, &world.rita, &world.car, Some(&id)).await;
    let ritas_new = draft(&app, &world.rita, &world.car, None).await;
    let sues = draft(&app, &world.sue, &world.car, None).await;
    let query = "query($annotation: ID!, $task: ID!) {
        annotation(id: $annotation) { drafts { id } } task(id: $task) { drafts { id } }
    }";
    let ids = |ids: &[&String]| ids.iter().map(|id| json!({ "id": id })).collect::<Value>();
    for (who, of_annotation, of_task) in [
        (&world.vic, ids(&[]), ids(&[])),
        (&world.ann, ids(&[&anns]), ids(&[&anns])),
        (&world.rita, ids(&[&ritas]), ids(&[&ritas, &ritas_new])),
        (
            &world.max,
            ids(&[&anns, &ritas]),
            ids(&[&anns, &ritas, &ritas_new, &sues]),
        ),
        (
            &app.admin,
            ids(&[&anns, &ritas]),
            ids(&[&anns, &ritas, &ritas_new, &sues]),
        ),
    ] {
        let seen = who
            .run_with(query, json!({ "annotation": id, "task": world.car }))
            .await;
        assert_eq!(
            seen.data(),
            &json!({ "annotation": { "drafts": of_annotation }, "task": { "drafts": of_task } }),
            "user {}",
            who.user_id
        );
    }
    // Sue's own draft, in a project that she does not belong to.
    let seen = world
        .sue
        .run_with(query, json!({ "annotation": id, "task": world.car }))
        .await;
    assert_eq!(seen.data(), &json!({ "annotation": null, "task": null }));
}

#[each_database]
async fn everybody_is_told_their_role_and_what_they_may_change(app: TestApp) {
    let world = World::new(&app).await;
    let anns = app.annotation(&world.ann, &world.car, json!({})).await;
    let ottos = app.annotation(&world.otto, &world.car, json!({})).await;
    let query = "query($project: ID!, $anns: ID!, $ottos: ID!) {
        project(id: $project) { viewerRole }
        anns: annotation(id: $anns) { viewerCanUpdate }
        ottos: annotation(id: $ottos) { viewerCanUpdate }
    }";
    for (who, role, own, other) in [
        (&world.vic, "VIEWER", false, false),
        (&world.ann, "ANNOTATOR", true, false),
        (&world.rita, "REVIEWER", true, true),
        (&world.max, "MANAGER", true, true),
        (&app.admin, "MANAGER", true, true),
    ] {
        let variables = json!({ "project": world.cars, "anns": anns, "ottos": ottos });
        let seen = who.run_with(query, variables).await;
        assert_eq!(
            seen.data(),
            &json!({
                "project": { "viewerRole": role }, "anns": { "viewerCanUpdate": own },
                "ottos": { "viewerCanUpdate": other },
            })
        );
    }
}
