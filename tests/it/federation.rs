//! Federation: entities by type and id, as a gateway requests them.

use each_database::each_database;
use entity::project_member::Role;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

const ENTITIES: &str =
    "query($representations: [_Any!]!) { _entities(representations: $representations) {
  __typename
  ... on Annotation { id version task { id } }
  ... on Task { id totalAnnotations }
  ... on Project { id title }
  ... on User { id username }
  ... on Prediction { id modelVersion }
} }";

async fn entities(client: &Client, representations: Value) -> Answer {
    client
        .run_with(ENTITIES, json!({ "representations": representations }))
        .await
}

#[each_database]
async fn all_five_types_resolve_in_one_mixed_request(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    crate::reading::predict(&app, &task, "[]").await;
    app.annotation(&app.admin, &task, json!({})).await;
    let representations = json!([
        { "__typename": "Prediction", "id": "1" },
        { "__typename": "User", "id": "1", "username": "forged" },
        { "__typename": "Annotation", "id": 1 },
        { "id": "1", "__typename": "Project" },
        { "__typename": "Task", "id": "1" },
        { "__typename": "Annotation", "id": "1" },
    ]);
    let answer = entities(&app.admin, representations).await;
    let annotation =
        json!({ "__typename": "Annotation", "id": "1", "version": 1, "task": { "id": "1" } });
    assert_eq!(
        answer.data()["_entities"],
        json!([
            { "__typename": "Prediction", "id": "1", "modelVersion": "m1" },
            { "__typename": "User", "id": "1", "username": "admin" },
            annotation,
            { "__typename": "Project", "id": "1", "title": "Cars" },
            { "__typename": "Task", "id": "1", "totalAnnotations": 1 },
            annotation,
        ])
    );
}

#[each_database]
async fn an_unknown_or_hidden_id_nulls_only_itself(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Viewer).await;
    let (_, hidden_task) = app.project_with_task().await;
    app.annotation(&app.admin, &task, json!({})).await;
    let hidden = app.annotation(&app.admin, &hidden_task, json!({})).await;
    crate::reading::predict(&app, &hidden_task, "[]").await;
    app.stranger("stranger").await;
    let names = ["Annotation", "Task", "Project", "User", "Prediction"];
    let hidden_ids = [hidden.as_str(), hidden_task.as_str(), "2", "3", "1"];
    let mut representations = vec![json!({ "__typename": "Annotation", "id": "1" })];
    for (name, hidden) in names.into_iter().zip(hidden_ids) {
        for id in [
            hidden,
            "99",
            "0",
            "abc",
            "",
            "-1",
            "9223372036854775808",
            "01",
        ] {
            representations.push(json!({ "__typename": name, "id": id }));
        }
    }
    representations.push(json!({ "__typename": "Project", "id": 1 }));
    let answer = entities(&ann, json!(representations)).await;
    let found = answer.data()["_entities"].as_array().unwrap();
    assert_eq!(found.len(), representations.len());
    assert_eq!(found[0]["version"], 1);
    assert_eq!(found[found.len() - 1]["title"], "Cars");
    for (asked, found) in representations
        .iter()
        .zip(found)
        .skip(1)
        .take(found.len() - 2)
    {
        assert_eq!(found, &Value::Null, "{asked}");
    }
    // The same ids are no secret to the admin.
    let all: Vec<Value> = names
        .into_iter()
        .zip(hidden_ids)
        .map(|(name, id)| json!({ "__typename": name, "id": id }))
        .collect();
    let answer = entities(&app.admin, json!(all)).await;
    assert!(
        answer.data()["_entities"]
            .as_array()
            .unwrap()
            .iter()
            .all(|found| !found.is_null()),
        "{}",
        answer.text
    );
}

#[each_database]
async fn failures_are_errors_at_their_entities(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    crate::reading::predict(&app, &task, "[]").await;
    let representations = json!([
        { "__typename": "Prediction", "id": "1" },
        { "__typename": "Task", "id": "1" },
        { "__typename": "Prediction", "id": "1" },
        { "__typename": "Task", "id": "99" },
    ]);
    let rename = "ALTER TABLE prediction RENAME TO elsewhere";
    app.app
        .db
        .writer()
        .execute_unprepared(rename)
        .await
        .unwrap();
    let answer = entities(&app.admin, representations.clone()).await;
    let task = json!({ "__typename": "Task", "id": "1", "totalAnnotations": 0 });
    assert_eq!(
        answer.json["data"]["_entities"],
        json!([null, task, null, null])
    );
    let told = |answer: &Answer| -> Vec<(Value, Value)> {
        let errors = answer.json["errors"].as_array().unwrap().iter();
        errors
            .map(|it| (it["path"].clone(), it["extensions"]["code"].clone()))
            .collect()
    };
    let code = json!("INTERNAL_SERVER_ERROR");
    assert_eq!(
        told(&answer),
        [
            (json!(["_entities", 0]), code.clone()),
            (json!(["_entities", 2]), code.clone()),
        ]
    );
    crate::http::assert_no_internals(&answer.text);
    // What fails within an entity has the index in its path, too.
    let query =
        "query($representations: [_Any!]!) { both: _entities(representations: $representations) {
      ... on _Entity { ... on Task { id predictions { id } } }
    } }";
    let tasks = json!([
        { "__typename": "Task", "id": "99" },
        { "__typename": "Task", "id": "1" },
    ]);
    let answer = app
        .admin
        .run_with(query, json!({ "representations": tasks }))
        .await;
    assert_eq!(answer.json["data"]["both"], json!([null, null]));
    assert_eq!(told(&answer), [(json!(["both", 1, "predictions"]), code)]);
}

#[each_database]
async fn entities_are_asked_for_as_any_other_field(app: TestApp) {
    app.project_with_task().await;
    let query = r#"query {
      _entities(representations: [{ __typename: "Task", id: 1 }]) { __typename }
      ...more
      none: _entities(representations: []) { __typename }
      skipped: _entities(representations: []) @skip(if: true) { __typename }
      __typename
    }
    fragment more on Query {
      _entities(representations: [{ __typename: "Task", id: 1 }]) @include(if: true) { ... on Task { id } }
    }"#;
    let answer = app.admin.run(query).await;
    assert_eq!(
        answer.data(),
        &json!({
            "_entities": [{ "__typename": "Task", "id": "1" }],
            "none": [],
            "__typename": "Query",
        })
    );
    let answer = app.admin.run("{ _entitiesByIndex { __typename } }").await;
    assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED");
}

#[each_database]
async fn what_is_no_representation_is_refused_with_its_path(app: TestApp) {
    let representations = json!([
        { "__typename": "Annotation", "id": "1" },
        {},
        { "__typename": "Comment", "id": "1" },
        { "__typename": "PageInfo", "id": "1" },
        { "__typename": "Task" },
        { "__typename": "Task", "id": null },
        { "__typename": "Task", "id": { "a": 1 } },
        { "__typename": "Task", "id": [1] },
        { "__typename": "Task", "id": 1.5 },
        { "__typename": "Task", "id": true },
        { "__typename": 1, "id": "1" },
        "Task",
        7,
        [],
        null,
    ]);
    let answer = entities(&app.admin, representations).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT");
    assert_eq!(answer.json.get("data"), None);
    assert_eq!(
        answer.problems(),
        [
            "representations.1.__typename WRONG_TYPE",
            "representations.1.id REQUIRED",
            "representations.2.__typename WRONG_TYPE",
            "representations.3.__typename WRONG_TYPE",
            "representations.4.id REQUIRED",
            "representations.5.id WRONG_TYPE",
            "representations.6.id WRONG_TYPE",
            "representations.7.id WRONG_TYPE",
            "representations.8.id WRONG_TYPE",
            "representations.9.id WRONG_TYPE",
            "representations.10.__typename WRONG_TYPE",
            "representations.11 WRONG_TYPE",
            "representations.12 WRONG_TYPE",
            "representations.13 WRONG_TYPE",
            "representations.14 NULL_NOT_ALLOWED",
        ]
    );
    let literal = r#"{ _entities(representations: [{ __typename: "Task", id: {} }, { __typename: TASK, id: 1 }]) { __typename } }"#;
    let answer = app.admin.run(literal).await;
    assert_eq!(
        answer.problems(),
        [
            "representations.0.id WRONG_TYPE",
            "representations.1.__typename WRONG_TYPE"
        ]
    );
}

#[each_database]
async fn two_hundred_entities_cost_as_much_as_one_of_each_type(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    crate::reading::predict(&app, &task, "[]").await;
    for _ in 0..40 {
        app.annotation(&ann, &task, json!({})).await;
    }
    let names = ["Annotation", "Task", "Project", "User", "Prediction"];
    let of = |count: usize| -> Value {
        let mut all = Vec::new();
        for name in names {
            all.extend((1..=count).map(|id| json!({ "__typename": name, "id": id.to_string() })));
        }
        json!(all)
    };
    for client in [&ann, &app.admin] {
        let (one, answer) = app.statements(entities(client, of(1))).await;
        assert_eq!(answer.data()["_entities"].as_array().unwrap().len(), 5);
        let (many, answer) = app.statements(entities(client, of(40))).await;
        let found = answer.data()["_entities"].as_array().unwrap();
        assert_eq!(found.len(), 200);
        assert_eq!(
            found
                .iter()
                .filter(|entity| entity["__typename"] == "Annotation")
                .count(),
            40
        );
        // Whether others are visible is asked of the database only when there are others.
        assert!(
            many <= one + 1 && many <= 6,
            "{one} statements for 5, {many} for 200"
        );
    }
}

#[each_database]
async fn a_request_resolves_ten_thousand_representations_and_no_more(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    app.annotation(&app.admin, &task, json!({})).await;
    let of = |count: usize| -> Value {
        (1..=count)
            .map(|id| json!({ "__typename": "Annotation", "id": id.to_string() }))
            .collect()
    };
    let (statements, answer) = app.statements(entities(&app.admin, of(10_000))).await;
    assert!(statements <= 2, "{statements}");
    assert_eq!(
        answer.json["data"]["_entities"].as_array().unwrap().len(),
        10_000
    );
    let (statements, answer) = app.statements(entities(&app.admin, of(10_001))).await;
    assert_eq!(statements, 0);
    assert_eq!(answer.problems(), ["representations TOO_LONG"]);
    let literal = |count: usize| {
        let all = r#"{__typename:"Task",id:1}"#.repeat(count);
        format!("{{ _entities(representations: [{all}]) {{ __typename }} }}")
    };
    let client = app.serving(&["--max-tokens", "1000000"]).unwrap();
    let answer = client.run(&literal(10_001)).await;
    assert_eq!(answer.problems(), ["representations TOO_LONG"]);
}

#[each_database]
async fn strangers_get_no_entities(app: TestApp) {
    let stranger = Client {
        token: "ann_nobody".to_owned(),
        ..app.admin.clone()
    };
    let answer = entities(&stranger, json!([{ "__typename": "User", "id": "1" }])).await;
    assert_eq!(answer.code(), "UNAUTHENTICATED");
    let answer = stranger.run("{ _service { sdl } }").await;
    assert_eq!(answer.code(), "UNAUTHENTICATED");
}
