//! `expectedVersion` of drafts: two tabs do not overwrite each other.

use each_database::each_database;
use serde_json::{Value, json};

use super::{all, discard, save, saved, submit};
use crate::support::{Client, TestApp};

/// Saves in a place and answers with the version, or the code and what there is.
async fn saved_at(by: &Client, place: &Value, result: Value, expected: Value) -> Value {
    let mut input = place.clone();
    input["result"] = result;
    for (field, value) in expected.as_object().unwrap() {
        input[field] = value.clone();
    }
    let query = "mutation($input: SaveDraftInput!) { saveDraft(input: $input) { version } }";
    let answer = by.run_with(query, json!({ "input": input })).await;
    if answer.json.get("errors").is_none() {
        return answer.data()["saveDraft"]["version"].clone();
    }
    let extensions = &answer.error()["extensions"];
    let current = &extensions["current"];
    json!([
        answer.code(),
        answer.error()["message"],
        extensions["currentVersion"],
        current["result"]
    ])
}

#[each_database]
async fn of_two_tabs_the_late_one_is_told_what_the_other_saved(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let annotation = app.annotation(&app.admin, &task, json!({})).await;
    for place in [
        json!({ "taskId": task }),
        json!({ "annotationId": annotation }),
    ] {
        let save = async |result: Value, expected: Value| {
            saved_at(&app.admin, &place, result, expected).await
        };
        let (ab, c) = (
            json!([{ "id": "a" }, { "id": "b" }]),
            json!([{ "id": "c" }]),
        );
        assert_eq!(save(ab.clone(), json!({ "expectedVersion": 0 })).await, 1);
        let before = app.dump().await;
        let there_is = |message: &str, version: i32, result: &Value| {
            json!(["CONFLICT", message, version, result])
        };
        assert_eq!(
            save(c.clone(), json!({ "expectedVersion": 0 })).await,
            there_is("the draft is at version 1, not 0", 1, &ab)
        );
        assert_eq!(
            save(c.clone(), json!({ "expectedVersion": 2 })).await,
            there_is("the draft is at version 1, not 2", 1, &ab)
        );
        assert_eq!(app.dump().await, before);
        assert_eq!(save(c.clone(), json!({ "expectedVersion": 1 })).await, 2);
        // The last save wins when nobody says what they saw, and the same once more raises nothing.
        assert_eq!(save(ab.clone(), json!({})).await, 3);
        assert_eq!(save(ab.clone(), json!({ "expectedVersion": 3 })).await, 3);
        assert_eq!(save(ab.clone(), json!({ "leadTime": 2 })).await, 4);
        assert_eq!(save(ab.clone(), json!({})).await, 4);
    }
}

#[each_database]
async fn a_save_to_a_draft_that_is_gone_begins_no_other_one(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let place = json!({ "taskId": task });
    let save = async |expected: Value| {
        saved_at(&app.admin, &place, json!([{ "id": "late" }]), expected).await
    };
    for is_submitted in [true, false] {
        let id = saved(
            &app.admin,
            json!({ "taskId": task, "result": [{ "id": "a" }] }),
        )
        .await;
        match is_submitted {
            true => submit(&app.admin, &id, json!({})).await.ok(),
            false => discard(&app.admin, &id).await.ok(),
        };
        let gone = json!(["CONFLICT", "the draft is not there any more", 0, null]);
        for expected in [
            json!({ "expectedVersion": 1 }),
            json!({ "expectedDraftId": id }),
            json!({ "expectedVersion": 1, "expectedDraftId": id }),
        ] {
            assert_eq!(save(expected).await, gone);
        }
        assert_eq!(all(&app).await, []);
        // Another draft began meanwhile, and is at the same version.
        let other = saved(&app.admin, json!({ "taskId": task, "result": [] })).await;
        let is_other = json!(["CONFLICT", "the draft is another one than expected", 1, []]);
        assert_eq!(
            save(json!({ "expectedVersion": 1, "expectedDraftId": id })).await,
            is_other
        );
        assert_eq!(
            save(json!({ "expectedVersion": 1, "expectedDraftId": other })).await,
            2
        );
        discard(&app.admin, &other).await.ok();
    }
    assert_eq!(save(json!({ "expectedVersion": 0 })).await, 1);
}

#[each_database]
async fn a_conflict_tells_the_draft_as_it_is_stored(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let stored = r#"{ "query": "mutation { saveDraft(input: { taskId: 1, leadTime: 2, result: [{ z: 1.0, a: 18446744073709551615 }] }) { id } }" }"#;
    app.admin.post(stored).await.ok();
    let late = json!({ "taskId": task, "result": [], "expectedVersion": 7 });
    let answer = save(&app.admin, late).await;
    insta::allow_duplicates! { insta::assert_json_snapshot!(
            answer.error()["extensions"],
            { ".current.updatedAt" => "[time]" },
            @r#"
    {
      "clashingFields": [
        "result"
      ],
      "clashingRegions": [],
      "code": "CONFLICT",
      "current": {
        "id": "1",
        "version": 1,
        "taskId": "1",
        "annotationId": null,
        "annotationVersion": null,
        "result": [
          {
            "z": 1.0,
            "a": 18446744073709551615
          }
        ],
        "leadTime": 2.0,
        "updatedAt": "[time]"
      },
      "currentVersion": 1
    }
    "#) }
    let null = save(&app.admin, json!({ "result": [], "expectedVersion": null })).await;
    assert_eq!(
        null.problems(),
        [
            "input.expectedVersion NULL_NOT_ALLOWED",
            "input.taskId REQUIRED"
        ]
    );
}
