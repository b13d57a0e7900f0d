//! Lists of regions, for every source of a result, and their costs.

use each_database::each_database;
use entity::annotation_draft;
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use serde_json::{Value, json};

use super::{annotated, regions};
use crate::{
    reading::fields::{draft, predict},
    support::TestApp,
};

fn numbered(count: usize) -> Value {
    let entry = |index| json!({ "id": format!("r{index}"), "type": "number", "value": { "number": index } });
    (0..count).map(entry).collect()
}

#[each_database]
async fn each_list_that_is_given_has_to_have_a_match(app: TestApp) {
    let rectangle = |id: &str, labels: Value| {
        json!({ "id": id, "type": "rectanglelabels",
            "value": { "x": 1, "y": 1, "width": 1, "height": 1, "rectanglelabels": labels } })
    };
    let id = annotated(&app, &json!([
            rectangle("a", json!(["Car", "Red"])),
            rectangle("b", json!(["Car"])),
            { "id": "a", "type": "choices", "value": { "choices": ["Car"] } },
            { "type": "relation", "from_id": "a", "to_id": "b", "direction": "left", "labels": ["Red"] },
        ])).await;
    let all = [
        json!(["a", "RECTANGLE"]),
        json!(["b", "RECTANGLE"]),
        json!(["a", "CHOICES"]),
        json!([null, "RELATION"]),
    ];
    for (arguments, variables, expected) in [
        ("", json!({}), &[0, 1, 2, 3][..]),
        (
            "(ids: null, labels: null, types: null)",
            json!({}),
            &[0, 1, 2, 3],
        ),
        (r#"(ids: ["a"])"#, json!({}), &[0, 2]),
        (r#"(ids: "a")"#, json!({}), &[0, 2]),
        (r#"(ids: ["b", "unknown"])"#, json!({}), &[1]),
        (r#"(labels: ["Red"])"#, json!({}), &[0, 3]),
        (r#"(labels: ["Red", "Car"])"#, json!({}), &[0, 1, 3]),
        (r#"(labels: ["red"])"#, json!({}), &[]),
        ("(types: [CHOICES, RELATION])", json!({}), &[2, 3]),
        ("(types: RECTANGLE)", json!({}), &[0, 1]),
        (r#"(types: [RECTANGLE], labels: ["Red"])"#, json!({}), &[0]),
        (
            r#"(types: [RECTANGLE], labels: ["Car"], ids: ["b"])"#,
            json!({}),
            &[1],
        ),
        ("(ids: [])", json!({}), &[]),
        ("(labels: [])", json!({}), &[]),
        (r#"(types: [], ids: ["a"])"#, json!({}), &[]),
        (
            "(ids: $ids, types: $types)",
            json!({ "ids": ["a"], "types": ["CHOICES"] }),
            &[2],
        ),
        (
            "(ids: $ids, types: $types)",
            json!({ "ids": null }),
            &[0, 1, 2, 3],
        ),
        ("(ids: $ids, types: $types)", json!({ "ids": [] }), &[]),
    ] {
        let query = format!("query($ids: [ID!], $types: [RegionType!]) {{
          annotation(id: {id}) {{ regions{arguments} {{ regionId type }} other: regions(ids: $ids, types: $types) {{ regionId }} }} }}");
        let answer = app.admin.run_with(&query, variables).await;
        let found = answer.data()["annotation"]["regions"]
            .as_array()
            .unwrap()
            .iter();
        let found: Vec<Value> = found
            .map(|region| json!([region["regionId"], region["type"]]))
            .collect();
        let expected: Vec<Value> = expected
            .iter()
            .map(|index: &usize| all[*index].clone())
            .collect();
        assert_eq!(found, expected, "{arguments}");
    }
}

#[each_database]
async fn predictions_and_drafts_have_regions_too(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let result = json!([{ "id": "p", "score": 0.5, "type": "rating", "value": { "rating": 4 } }, { "type": "number" }]);
    predict(&app, &task, &result.to_string()).await;
    let annotation = app
        .annotation(&app.admin, &task, json!({ "result": result }))
        .await;
    draft(&app, &task, Some(&annotation), &app.admin.user_id).await;
    let row = annotation_draft::ActiveModel {
        id: Set(1),
        result: Set(result.to_string()),
        ..Default::default()
    };
    row.update(app.app.db.writer()).await.unwrap();
    let fields = "regions(ids: [\"p\"], types: [RATING, OTHER]) { __typename regionId score ... on RatingRegion { rating } }";
    let query = format!(
        "{{ task(id: {task}) {{ predictions {{ {fields} }} drafts {{ {fields} }} annotations {{ nodes {{ {fields} }} }} }} }}"
    );
    let answer = app.admin.run(&query).await;
    let one = json!({ "regions": [{ "__typename": "RatingRegion", "regionId": "p", "score": 0.5, "rating": 4 }] });
    let expected =
        json!({ "predictions": [one], "drafts": [one], "annotations": { "nodes": [one] } });
    assert_eq!(answer.data()["task"], expected);
}

#[each_database]
async fn federated_entities_have_regions(app: TestApp) {
    let id = annotated(&app, &numbered(1)).await;
    let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Annotation { regions { __typename regionId ... on NumberRegion { number } } } } }";
    let answer = app
        .admin
        .run_with(
            query,
            json!({ "r": [{ "__typename": "Annotation", "id": id }] }),
        )
        .await;
    let expected =
        json!([{ "regions": [{ "__typename": "NumberRegion", "regionId": "r0", "number": 0.0 }] }]);
    assert_eq!(answer.data()["_entities"], expected);
}

#[each_database]
async fn documents_over_regions_are_validated(app: TestApp) {
    let id = annotated(&app, &numbered(1)).await;
    for fields in [
        "x",
        "id",
        "... on Task { id }",
        "... on NumberRegion { x }",
        "raw { x }",
        "... on RectangleRegion { v: x } ... on ChoicesRegion { v: choices }",
        "... on TextSpanRegion { v: start } ... on AudioRegion { v: startSeconds }",
        "v: regionId ... on NumberRegion { v: type }",
    ] {
        let query = format!("{{ annotation(id: {id}) {{ regions {{ {fields} }} }} }}");
        let answer = app.admin.run(&query).await;
        assert_eq!(
            answer.json["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
            "{fields}"
        );
        assert_eq!(answer.json.get("data"), None);
    }
    for arguments in [
        "types: [SPHERE]",
        "types: [\"NUMBER\"]",
        "ids: [null]",
        "labels: [1]",
    ] {
        let query = format!("{{ annotation(id: {id}) {{ regions({arguments}) {{ regionId }} }} }}");
        assert!(
            app.admin.run(&query).await.json.get("data").is_none(),
            "{arguments}"
        );
    }
    let conflict = format!(
        "{{ annotation(id: {id}) {{ regions(ids: [\"a\"]) {{ regionId }} regions(ids: [\"a\", \"b\"]) {{ regionId }} }} }}"
    );
    assert_eq!(
        app.admin.run(&conflict).await.code(),
        "GRAPHQL_VALIDATION_FAILED"
    );
    let answer = app
        .admin
        .run("{ __type(name: \"Region\") { kind possibleTypes { name } } }")
        .await;
    assert_eq!(answer.data()["__type"]["kind"], "INTERFACE");
    assert_eq!(
        answer.data()["__type"]["possibleTypes"]
            .as_array()
            .unwrap()
            .len(),
        24
    );
}

#[each_database]
async fn lists_with_regions_take_one_statement_more_than_with_results(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    for _ in 0..50 {
        app.annotation(&app.admin, &task, json!({ "result": numbered(3) }))
            .await;
    }
    for list in [
        "{ annotations(first: 50) { nodes { WHAT } } }",
        "{ annotations(first: 50) { edges { node { WHAT } } } }",
        "{ tasks { nodes { annotations(first: 50) { nodes { WHAT } } } } }",
        "query($no: Boolean = false) { annotations(first: 50) { nodes { id WHAT result @include(if: $no) } } }",
    ] {
        let ask = async |what: &str| {
            let (statements, answer) = app
                .statements(app.admin.run(&list.replace("WHAT", what)))
                .await;
            answer.ok();
            statements
        };
        let with_results = ask("result").await;
        // The versions of the labelling configs.
        assert_eq!(
            ask("regions { regionId }").await,
            with_results + 1,
            "{list}"
        );
        let in_fragments = "... on Annotation { r: regions { ... on NumberRegion { number } } }";
        assert_eq!(ask(in_fragments).await, with_results + 1, "{list}");
    }
}

#[each_database]
async fn regions_cost_ten_objects_a_result_and_what_is_in_them(app: TestApp) {
    let inner = "... on RelationRegion { from { regionId } } ... on PolygonRegion { points { x } }";
    for (document, cost) in [
        (
            "{ annotation(id: 1) { regions { regionId labels raw } } }".to_owned(),
            12,
        ),
        (
            "{ annotation(id: 1) { regions(ids: [\"a\"], types: [NUMBER]) { regionId } } }"
                .to_owned(),
            12,
        ),
        (
            "{ annotations(first: 100) { nodes { regions { regionId } } } }".to_owned(),
            1 + 100 * 12,
        ),
        (
            format!("{{ annotation(id: 1) {{ regions {{ {inner} }} }} }}"),
            1 + 1 + 10 * (1 + 1 + 11),
        ),
    ] {
        let body = json!({ "query": document, "extensions": { "cost": true } });
        let answer = app.admin.post(body.to_string()).await.ok();
        assert_eq!(
            answer.json["extensions"]["cost"]["requested"],
            json!(cost),
            "{document}"
        );
    }
}

#[each_database]
async fn results_of_thousands_of_regions_are_answered_whole(app: TestApp) {
    let mut entries = numbered(10_000);
    for index in 0..10_000 {
        let (from, to) = (format!("r{index}"), format!("r{}", 9_999 - index));
        let relation =
            json!({ "type": "relation", "from_id": from, "to_id": to, "direction": "left" });
        entries.as_array_mut().unwrap().push(relation);
    }
    let id = annotated(&app, &entries).await;
    let fields = "... on NumberRegion { number } ... on RelationRegion { to { ... on NumberRegion { number } } }";
    let answer = regions(&app, &id, "", fields).await;
    assert_eq!(answer.as_array().unwrap().len(), 20_000);
    assert_eq!(answer[9_999], json!({ "number": 9_999.0 }));
    assert_eq!(answer[10_000], json!({ "to": { "number": 9_999.0 } }));
    let only = regions(&app, &id, "(ids: [\"r77\", \"r9999\"])", "regionId").await;
    assert_eq!(
        only,
        json!([{ "regionId": "r77" }, { "regionId": "r9999" }])
    );
}
