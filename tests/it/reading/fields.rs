//! Objects by id, and derived fields.

use each_database::each_database;
use entity::{annotation, annotation_draft, prediction, project_member::Role, user};
use insta::assert_json_snapshot;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    EntityTrait,
};
use serde_json::{Value, json};

use super::{instant, set};
use crate::support::TestApp;

/// A prediction of a task, which no mutation makes.
pub async fn predict(app: &TestApp, task: &str, result: &str) -> String {
    let task = entity::task::Entity::find_by_id(task.parse::<i64>().unwrap());
    let task = task.one(app.app.db.writer()).await.unwrap().unwrap();
    let row = prediction::ActiveModel {
        task_id: Set(task.id),
        project_id: Set(task.project_id),
        result: Set(result.to_owned()),
        score: Set(Some(0.5)),
        model_version: Set(Some("m1".to_owned())),
        created_at: Set(instant("2024-01-01T00:00:00Z")),
        updated_at: Set(instant("2024-01-01T00:00:00Z")),
        ..Default::default()
    };
    row.insert(app.app.db.writer())
        .await
        .unwrap()
        .id
        .to_string()
}

/// A draft, which no mutation makes yet.
pub async fn draft(app: &TestApp, task: &str, annotation: Option<&str>, user: &str) {
    let row = annotation_draft::ActiveModel {
        task_id: Set(task.parse().unwrap()),
        annotation_id: Set(annotation.map(|id| id.parse().unwrap())),
        user_id: Set(user.parse().unwrap()),
        result: Set("[]".to_owned()),
        created_at: Set(instant("2024-01-01T00:00:00Z")),
        updated_at: Set(instant("2024-01-01T00:00:00Z")),
        ..Default::default()
    };
    row.insert(app.app.db.writer()).await.unwrap();
}

#[each_database]
async fn everything_of_an_annotation_is_there(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let prediction = predict(&app, &task, r#"[{"id":"p"}]"#).await;
    let input = json!({
        "result": [{ "id": "r1", "b": 1.0, "a": [-0.0, 9007199254740993_i64] }, {}],
        "uniqueId": "0B4E1A3A-6C0B-4E6E-9C43-111111111111",
        "parentPredictionId": prediction, "leadTime": 2.5,
    });
    let id = app.annotation(&app.admin, &task, input).await;
    draft(&app, &task, Some(&id), "1").await;
    let times = Set(instant("2024-05-06T07:08:09.120Z"));
    let columns = annotation::ActiveModel {
        created_at: times.clone(),
        updated_at: times,
        import_id: Set(Some(77)),
        ..Default::default()
    };
    set(&app, &id, columns).await;
    let fields = "id uniqueId task { id } project { id title } result regionCount completedBy { username email }
        createdUsername createdAgo(now: \"2024-05-07T07:08:09.2+00:00\") createdAt updatedAt updatedAgo(now: \"2024-05-06T07:13:10Z\")
        draftCreatedAt updatedBy { id } lastCreatedBy { id } lastAction wasCancelled groundTruth leadTime importId
        parentPrediction { id result score modelVersion } parentAnnotation { id } version drafts { id result annotation { id } user { id } }
        viewerCanUpdate history { totalCount nodes { version action actor { id } changedFields } pageInfo { hasNextPage hasPreviousPage } }";
    let answer = app
        .admin
        .run(&format!("{{ annotation(id: {id}) {{ {fields} }} }}"))
        .await;
    insta::allow_duplicates! { assert_json_snapshot!(answer.data()["annotation"], @r#"
    {
      "id": "1",
      "uniqueId": "0b4e1a3a-6c0b-4e6e-9c43-111111111111",
      "task": {
        "id": "1"
      },
      "project": {
        "id": "1",
        "title": "Cars"
      },
      "result": [
        {
          "id": "r1",
          "b": 1.0,
          "a": [
            -0.0,
            9007199254740993
          ]
        },
        {}
      ],
      "regionCount": 2,
      "completedBy": {
        "username": "admin",
        "email": "admin@example.com"
      },
      "createdUsername": "admin",
      "createdAgo": "1 day",
      "createdAt": "2024-05-06T07:08:09.120000Z",
      "updatedAt": "2024-05-06T07:08:09.120000Z",
      "updatedAgo": "5 minutes",
      "draftCreatedAt": null,
      "updatedBy": {
        "id": "1"
      },
      "lastCreatedBy": {
        "id": "1"
      },
      "lastAction": "PREDICTION",
      "wasCancelled": false,
      "groundTruth": false,
      "leadTime": 2.5,
      "importId": "77",
      "parentPrediction": {
        "id": "1",
        "result": [
          {
            "id": "p"
          }
        ],
        "score": 0.5,
        "modelVersion": "m1"
      },
      "parentAnnotation": null,
      "version": 1,
      "drafts": [
        {
          "id": "1",
          "result": [],
          "annotation": {
            "id": "1"
          },
          "user": {
            "id": "1"
          }
        }
      ],
      "viewerCanUpdate": true,
      "history": {
        "totalCount": 1,
        "nodes": [
          {
            "version": 1,
            "action": "PREDICTION",
            "actor": {
              "id": "1"
            },
            "changedFields": [
              "completedBy",
              "groundTruth",
              "leadTime",
              "project",
              "result",
              "task",
              "wasCancelled"
            ]
          }
        ],
        "pageInfo": {
          "hasNextPage": false,
          "hasPreviousPage": false
        }
      }
    }
    "#); }
    // Value-faithful: what a JSON value of ours could not tell apart is in the text.
    assert!(
        answer
            .text
            .contains(r#""result":[{"id":"r1","b":1.0,"a":[-0.0,9007199254740993]},{}]"#),
        "{}",
        answer.text
    );
}

#[each_database]
async fn ids_that_lead_nowhere_are_null_without_an_error(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    app.annotation(&app.admin, &task, json!({})).await;
    predict(&app, &task, "[]").await;
    for id in [
        "0",
        "99",
        "-1",
        "01",
        "+1",
        " 1",
        "1 ",
        "",
        "abc",
        "1e0",
        "9223372036854775808",
        "\u{0}",
        "1; DROP TABLE user",
        "①",
    ] {
        let query = "query($id: ID!) { annotation(id: $id) { id } task(id: $id) { id } project(id: $id) { id } prediction(id: $id) { id } user(id: $id) { id } }";
        let answer = app.admin.run_with(query, json!({ "id": id })).await;
        let nothing = json!({ "annotation": null, "task": null, "project": null, "prediction": null, "user": null });
        assert_eq!(answer.data(), &nothing, "{id:?}");
    }
    let query = r#"{ annotation(id: 1) { id } task(id: "1") { id } project(id: 1) { id } prediction(id: 1) { id } user(id: 1) { id } viewer { id } }"#;
    let answer = app.admin.run(query).await;
    for (name, value) in answer.data().as_object().unwrap() {
        assert_eq!(value, &json!({ "id": "1" }), "{name}");
    }
}

#[each_database]
async fn the_name_of_the_author_is_never_an_address(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let id = app.annotation(&ann, &task, json!({})).await;
    let query = format!(
        "{{ annotation(id: {id}) {{ createdUsername completedBy {{ username displayName }} }} }}"
    );
    let name = async || app.admin.run(&query).await.data()["annotation"]["createdUsername"].clone();
    assert_eq!(name().await, "ann");
    let renamed = user::ActiveModel {
        id: Unchanged(ann.user_id.parse().unwrap()),
        display_name: Set("Ann Lee".to_owned()),
        ..Default::default()
    };
    renamed.update(app.app.db.writer()).await.unwrap();
    assert_eq!(name().await, "Ann Lee");
    set(
        &app,
        &id,
        annotation::ActiveModel {
            completed_by_id: Set(None),
            ..Default::default()
        },
    )
    .await;
    let answer = app.admin.run(&query).await;
    assert_eq!(
        answer.data()["annotation"],
        json!({ "createdUsername": "", "completedBy": null })
    );
}

#[each_database]
async fn somebody_out_of_sight_leaves_a_name_and_nothing_else(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let bob = app.member(&project, "bob", Role::Viewer).await;
    let id = app.annotation(&ann, &task, json!({})).await;
    let query = format!(
        "{{ annotation(id: {id}) {{ createdUsername completedBy {{ id email }} updatedBy {{ id }} lastCreatedBy {{ id }} history {{ nodes {{ actor {{ id }} }} }} }} user(id: {}) {{ id }} }}",
        ann.user_id
    );
    let seen = bob.run(&query).await;
    assert_eq!(
        seen.data()["annotation"]["completedBy"],
        json!({ "id": ann.user_id, "email": null })
    );
    let remove = format!(
        "mutation {{ removeProjectMember(projectId: {project}, userId: {}) {{ role }} }}",
        ann.user_id
    );
    app.admin.run(&remove).await.ok();
    let hidden = bob.run(&query).await;
    let nobody = json!({
        "annotation": { "createdUsername": "ann", "completedBy": null, "updatedBy": null, "lastCreatedBy": null,
            "history": { "nodes": [{ "actor": null }] } },
        "user": null,
    });
    assert_eq!(hidden.data(), &nobody);
}

#[each_database]
async fn addresses_are_for_their_owner_and_admins(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Manager).await;
    let bob = app.member(&project, "bob", Role::Viewer).await;
    let query = "{ users { nodes { username email } } }";
    let mails = async |client: &crate::support::Client| -> Value {
        let answer = client.run(query).await;
        answer.data()["users"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["email"].clone())
            .collect()
    };
    assert_eq!(
        mails(&app.admin).await,
        json!(["admin@example.com", "ann@example.com", "bob@example.com"])
    );
    assert_eq!(mails(&ann).await, json!([null, "ann@example.com", null]));
    assert_eq!(mails(&bob).await, json!([null, null, "bob@example.com"]));
}

#[each_database]
async fn instants_are_printed_in_utc_and_without_a_fraction_of_zero(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    for (stored, printed) in [
        ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
        ("2024-02-29T23:59:59.000001Z", "2024-02-29T23:59:59.000001Z"),
        ("2024-02-29T23:59:59.500Z", "2024-02-29T23:59:59.500000Z"),
        ("2024-03-01T01:29:59.5+01:30", "2024-02-29T23:59:59.500000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("1969-12-31T23:59:59.9Z", "1969-12-31T23:59:59.900000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ] {
        let at: chrono::DateTime<chrono::FixedOffset> = stored.parse().unwrap();
        let columns = annotation::ActiveModel {
            created_at: Set(at.to_utc()),
            ..Default::default()
        };
        set(&app, &id, columns).await;
        let answer = app
            .admin
            .run(&format!("{{ annotation(id: {id}) {{ createdAt }} }}"))
            .await;
        assert_eq!(answer.data()["annotation"]["createdAt"], printed);
    }
}

#[each_database]
async fn history_tells_what_changed_and_who_did_it(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let id = app.annotation(&ann, &task, json!({})).await;
    for input in [
        "leadTime: 3, wasCancelled: true",
        "wasCancelled: false",
        "leadTime: 3",
        "groundTruth: true, result: []",
    ] {
        let update = format!(
            "mutation {{ updateAnnotation(id: {id}, input: {{ {input} }}) {{ version }} }}"
        );
        app.admin.run(&update).await.ok();
    }
    let query = format!(
        "{{ annotation(id: {id}) {{ history {{ totalCount nodes {{ version action actor {{ username }} changedFields }} }} }} }}"
    );
    let answer = app.admin.run(&query).await;
    let history = json!({ "totalCount": 4, "nodes": [
            { "version": 1, "action": "SUBMITTED", "actor": { "username": "ann" },
              "changedFields": ["completedBy", "groundTruth", "leadTime", "project", "result", "task", "wasCancelled"] },
            { "version": 2, "action": "SKIPPED", "actor": { "username": "admin" }, "changedFields": ["leadTime", "wasCancelled"] },
            { "version": 3, "action": "UPDATED", "actor": { "username": "admin" }, "changedFields": ["wasCancelled"] },
            { "version": 4, "action": "UPDATED", "actor": { "username": "admin" }, "changedFields": ["groundTruth", "result"] },
        ] });
    assert_eq!(answer.data()["annotation"]["history"], history);
}

#[each_database]
async fn a_task_and_a_project_tell_all_of_themselves(app: TestApp) {
    let project = app.admin.run(r#"mutation { createProject(input: { title: "Cars", description: "d", labelConfig: "<View></View>", checkMode: OFF }) { id } }"#).await;
    assert_eq!(project.data()["createProject"]["id"], "1");
    let tasks = app.admin.run(r#"mutation { createTasks(projectId: 1, tasks: [{ data: { b: 1.0, a: "x" }, meta: { k: null }, overlap: 2 }]) { id meta } }"#).await;
    assert_eq!(tasks.data()["createTasks"][0]["meta"], json!({ "k": null }));
    let id = app
        .annotation(&app.admin, "1", json!({ "groundTruth": true }))
        .await;
    app.annotation(&app.admin, "1", json!({ "wasCancelled": true }))
        .await;
    let answer = app.admin.run("{ task(id: 1) { project { id } data meta isLabeled overlap totalAnnotations cancelledAnnotations totalPredictions
        groundTruth { id } updatedBy { username } importId predictions { id } drafts { id } annotations { totalCount } }
      project(id: 1) { title description labelConfig taskCount annotationCount viewerRole createdBy { username }
        members { user { username } role project { id } } tasks { totalCount nodes { id } } annotations { nodes { id } } } }").await;
    let expected = json!({
        "task": { "project": { "id": "1" }, "data": { "b": 1.0, "a": "x" }, "meta": { "k": null }, "isLabeled": false, "overlap": 2,
            "totalAnnotations": 1, "cancelledAnnotations": 1, "totalPredictions": 0, "groundTruth": { "id": id },
            "updatedBy": { "username": "admin" }, "importId": null, "predictions": [], "drafts": [], "annotations": { "totalCount": 2 } },
        "project": { "title": "Cars", "description": "d", "labelConfig": "<View></View>", "taskCount": 1, "annotationCount": 2,
            "viewerRole": "MANAGER", "createdBy": { "username": "admin" },
            "members": [{ "user": { "username": "admin" }, "role": "MANAGER", "project": { "id": "1" } }],
            "tasks": { "totalCount": 1, "nodes": [{ "id": "1" }] }, "annotations": { "nodes": [{ "id": "1" }, { "id": "2" }] } },
    });
    assert_eq!(answer.data(), &expected);
}
