//! `reviewAnnotation`: verdicts and their effects.

use each_database::each_database;
use entity::{annotation_revision::Event, project_member::Role};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{
    ANNOTATION, delete, draft, drafts, drafts::save::configure, restore, revisions, row, update,
};
use crate::{
    events::Follower,
    support::{self, Answer, Client, TestApp},
};

const REVIEWS: &str = "reviews { reviewer { id } verdict comment version createdAt }
    latestReview { verdict version } history { nodes { comment } }";

pub async fn review(by: &Client, id: &str, input: Value) -> Answer {
    let query = format!(
        "mutation($id: ID!, $input: ReviewAnnotationInput!) {{
           reviewAnnotation(id: $id, input: $input) {{ {ANNOTATION} updatedAt {REVIEWS} }}
         }}"
    );
    by.run_with(&query, json!({ "id": id, "input": input }))
        .await
}

/// The reviews of an annotation, without their instants.
async fn reviews(by: &Client, id: &str) -> Value {
    let query = format!("query($id: ID!) {{ annotation(id: $id) {{ {REVIEWS} }} }}");
    let answer = by.run_with(&query, json!({ "id": id })).await;
    let mut reviews = answer.data()["annotation"]["reviews"].clone();
    for review in reviews.as_array_mut().unwrap() {
        review.as_object_mut().unwrap().remove("createdAt");
    }
    reviews
}

#[each_database]
async fn each_review_is_a_change_and_the_latest_of_each_reviewer_stands(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let rae = app.member(&project, "rae", Role::Reviewer).await;
    let id = app.annotation(&ann, &task, json!({})).await;
    let engine = support::engine(&app.app);
    let mut follower = Follower::new(&app.app, &engine, &app.admin, "").await;
    let before = row(&app, &id).await;
    let input = json!({ "action": "REJECT", "comment": "too small", "expectedVersion": 1 });
    let answer = review(&rae, &id, input).await;
    let rejected = &answer.data()["reviewAnnotation"];
    assert_eq!(rejected["lastAction"], "REJECTED");
    assert_eq!(rejected["version"], 2);
    assert_eq!(rejected["updatedBy"]["id"], rae.user_id);
    assert_eq!(rejected["completedBy"]["id"], ann.user_id);
    assert_eq!(
        rejected["reviews"],
        json!([{ "reviewer": { "id": rae.user_id }, "verdict": "REJECTED",
                "comment": "too small", "version": 2, "createdAt": rejected["updatedAt"] }])
    );
    let after = row(&app, &id).await;
    assert_eq!(
        (after.result, after.lead_time),
        (before.result, before.lead_time)
    );
    assert_eq!(follower.short().await, format!("UPDATED {id} v2"));

    review(&app.admin, &id, json!({ "action": "ACCEPT" }))
        .await
        .ok();
    let fix =
        json!({ "action": "FIX_AND_ACCEPT", "comment": "done", "result": [{ "id": "fixed" }] });
    let answer = review(&rae, &id, fix).await;
    let fixed = &answer.data()["reviewAnnotation"];
    assert_eq!(fixed["result"], json!([{ "id": "fixed" }]));
    assert_eq!(fixed["lastAction"], "FIXED_AND_ACCEPTED");
    assert_eq!(
        fixed["latestReview"],
        json!({ "verdict": "FIXED_AND_ACCEPTED", "version": 4 })
    );
    let answer = review(
        &rae,
        &id,
        json!({ "action": "DELETE_REVIEW", "comment": "sorry" }),
    )
    .await;
    let annotation = &answer.data()["reviewAnnotation"];
    assert_eq!(annotation["lastAction"], "DELETED_REVIEW");
    assert_eq!(
        annotation["latestReview"],
        json!({ "verdict": "ACCEPTED", "version": 3 })
    );
    let expected = json!([{ "reviewer": { "id": app.admin.user_id }, "verdict": "ACCEPTED",
            "comment": null, "version": 3 }]);
    assert_eq!(reviews(&rae, &id).await, expected);
    // Whoever does not see the reviewer sees the review.
    let leave = "mutation($id: ID!, $user: ID!) { removeProjectMember(projectId: $id, userId: $user) { role } }";
    let variables = json!({ "id": project, "user": app.admin.user_id });
    app.admin.run_with(leave, variables).await.ok();
    let hidden =
        json!([{ "reviewer": null, "verdict": "ACCEPTED", "comment": null, "version": 3 }]);
    assert_eq!(reviews(&ann, &id).await, hidden);
    let history: Vec<Value> = (1..=5)
        .map(|version| {
            let item = &annotation["history"]["nodes"][version - 1];
            json!([item["action"], item["changedFields"], item["comment"]])
        })
        .collect();
    let whole = json!([
        "completedBy",
        "groundTruth",
        "leadTime",
        "project",
        "result",
        "task",
        "wasCancelled"
    ]);
    assert_eq!(
        json!(history),
        json!([
            ["SUBMITTED", whole, null],
            ["REJECTED", ["reviews"], "too small"],
            ["ACCEPTED", ["reviews"], null],
            ["FIXED_AND_ACCEPTED", ["result", "reviews"], "done"],
            ["DELETED_REVIEW", ["reviews"], "sorry"],
        ])
    );
    // The same verdict once more is one more review; a later change leaves it as it is.
    review(&app.admin, &id, json!({ "action": "ACCEPT" }))
        .await
        .ok();
    update(&ann, &id, json!({ "leadTime": 1 })).await.ok();
    assert_eq!(reviews(&ann, &id).await[0]["version"], 6);
    assert_eq!(row(&app, &id).await.version, 7);
    // They go with the annotation; the history has them.
    delete(&app.admin, &id).await.ok();
    let answer = restore(&app.admin, &id, 7, None).await;
    assert_eq!(answer.data()["restoreAnnotation"]["lastAction"], "UPDATED");
    assert_eq!(reviews(&ann, &id).await, json!([]));
    let history = revisions(&app, &id).await;
    assert_eq!(history.last().unwrap().event, Event::Restored);
}

#[each_database]
async fn a_fix_is_checked_as_any_change(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    configure(&app, &project).await;
    let choice = |choice| {
        json!({ "id": "r1", "from_name": "kind", "to_name": "text", "type": "choices",
                "value": { "choices": [choice] } })
    };
    let before = app.dump().await;
    let fix = |fix: Value| {
        let mut input = json!({ "action": "FIX_AND_ACCEPT" });
        input
            .as_object_mut()
            .unwrap()
            .extend(fix.as_object().unwrap().clone());
        input
    };
    for (input, problems) in [
        (fix(json!({})), vec!["input.result REQUIRED"]),
        (
            fix(json!({ "result": null })),
            vec!["input.result NULL_NOT_ALLOWED"],
        ),
        (
            fix(json!({ "result": [], "regions": {} })),
            vec!["input.regions NOT_TOGETHER"],
        ),
        (
            fix(json!({ "result": [{ "id": 1 }], "expectedVersion": null,
                    "comment": "\u{0}".repeat(10_001) })),
            vec![
                "input.expectedVersion NULL_NOT_ALLOWED",
                "input.result.0.id WRONG_TYPE",
                "input.comment TOO_LONG",
                "input.comment INVALID_TEXT",
            ],
        ),
        (
            json!({ "action": "REJECT", "result": [], "comment": "x".repeat(10_001) }),
            vec!["input.result NOT_TOGETHER", "input.comment TOO_LONG"],
        ),
        (
            json!({ "action": "ACCEPT", "regions": { "remove": ["r1"] } }),
            vec!["input.regions NOT_TOGETHER"],
        ),
        (
            fix(json!({ "result": [choice("bad")] })),
            vec!["input.result.0.value.choices.0 UNKNOWN_LABEL"],
        ),
        (
            fix(json!({ "regions": { "upsert": [choice("bad")] } })),
            vec!["input.regions.upsert.0.value.choices.0 UNKNOWN_LABEL"],
        ),
        (
            fix(json!({ "regions": { "remove": ["nothing"] } })),
            vec!["input.regions.remove.0 UNKNOWN_REGION"],
        ),
        (
            json!({ "action": "DELETE_REVIEW" }),
            vec!["input.action NOT_REVIEWED"],
        ),
    ] {
        let answer = review(&app.admin, &id, input).await;
        assert_eq!(answer.problems(), problems);
        assert_eq!(app.dump().await, before);
    }
    let late = fix(json!({ "result": [choice("bad")], "expectedVersion": 2 }));
    for input in [json!({ "action": "ACCEPT", "expectedVersion": 2 }), late] {
        assert_eq!(review(&app.admin, &id, input).await.code(), "CONFLICT");
    }
    assert_eq!(
        review(&app.admin, "99", json!({ "action": "ACCEPT" }))
            .await
            .code(),
        "NOT_FOUND"
    );
    assert_eq!(app.dump().await, before);
    let input =
        fix(json!({ "regions": { "upsert": [choice("good")] }, "comment": "é".repeat(10_000) }));
    let answer = review(&app.admin, &id, input).await;
    let fixed = &answer.data()["reviewAnnotation"];
    assert_eq!(fixed["result"][1], choice("good"));
    // A fix that fixes nothing is a verdict all the same.
    let same = fix(json!({ "result": fixed["result"] }));
    let answer = review(&app.admin, &id, same).await;
    let same = &answer.data()["reviewAnnotation"];
    assert_eq!(
        (&same["version"], &same["lastAction"]),
        (&json!(3), &json!("FIXED_AND_ACCEPTED"))
    );
    assert_eq!(
        same["history"]["nodes"][2]["changedFields"],
        json!(["reviews"])
    );
    delete(&app.admin, &id).await.ok();
    assert_eq!(
        review(&app.admin, &id, json!({ "action": "ACCEPT" }))
            .await
            .code(),
        "NOT_FOUND"
    );
}

#[each_database]
async fn a_verdict_keeps_drafts_and_a_fix_settles_the_reviewers(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let id = app.annotation(&ann, &task, json!({})).await;
    let theirs = draft(&app, &ann, &task, Some(&id)).await;
    // What somebody said stays when they are gone.
    let rae = app.member(&project, "rae", Role::Reviewer).await;
    review(&rae, &id, json!({ "action": "REJECT", "comment": "no" }))
        .await
        .ok();
    let user = entity::user::Entity::delete_by_id(rae.user_id.parse::<i64>().unwrap());
    user.exec(app.app.db.writer()).await.unwrap();
    let expected =
        json!([{ "reviewer": null, "verdict": "REJECTED", "comment": "no", "version": 2 }]);
    assert_eq!(reviews(&app.admin, &id).await, expected);
    drafts::saved(&app.admin, json!({ "annotationId": id, "result": [] })).await;
    for action in ["ACCEPT", "REJECT", "DELETE_REVIEW"] {
        review(&app.admin, &id, json!({ "action": action }))
            .await
            .ok();
        assert_eq!(drafts::all(&app).await.len(), 2);
    }
    let fix = json!({ "action": "FIX_AND_ACCEPT", "result": [] });
    review(&app.admin, &id, fix).await.ok();
    let left = drafts::all(&app).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id.to_string(), theirs);
}
