//! `Task.agreement` and `Annotation.agreementWith`.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::{Value, json};

use super::update;
use crate::support::{Answer, Client, TestApp};

const ALL: &str =
    "iou: FIELD(metric: IOU) spanF1: FIELD(metric: SPAN_F1) exactMatch: FIELD(metric: EXACT_MATCH)
    cohensKappa: FIELD(metric: COHENS_KAPPA) mean: FIELD";

fn rectangle(label: &str, x: f64, width: f64) -> Value {
    json!({
        "id": label, "from_name": "box", "to_name": "img", "type": "rectanglelabels",
        "original_width": 100, "original_height": 100,
        "value": { "x": x, "y": 0, "width": width, "height": 10, "rectanglelabels": [label] },
    })
}

fn choice(control: &str, choice: &str) -> Value {
    json!({ "from_name": control, "to_name": "img", "type": "choices", "value": { "choices": [choice] } })
}

fn result(entries: &[Value]) -> Value {
    json!({ "result": entries })
}

async fn of_task(by: &Client, task: &str) -> Value {
    let fields = ALL.replace("FIELD", "agreement");
    let answer = by
        .run(&format!("{{ task(id: {task}) {{ {fields} }} }}"))
        .await;
    answer.data()["task"].clone()
}

async fn between(by: &Client, id: &str, other: &str) -> Answer {
    by.run(&format!(
        "{{ annotation(id: {id}) {{ id agreementWith(id: {other}) }} }}"
    ))
    .await
}

/// Compares numbers to nine digits.
fn assert_scores(found: &Value, expected: &Value) {
    let rounded = |scores: &Value| -> Value {
        let scores = scores.as_object().unwrap().iter();
        let round = |score: &Value| score.as_f64().map(|score| (score * 1e9).round() / 1e9);
        scores
            .map(|(name, score)| (name.clone(), json!(round(score))))
            .collect()
    };
    assert_eq!(rounded(found), rounded(expected));
}

#[each_database]
async fn people_agree_as_far_as_their_annotations_do(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let bob = app.member(&project, "bob", Role::Annotator).await;
    let nothing = json!({ "iou": null, "spanF1": null, "exactMatch": null, "cohensKappa": null, "mean": null });
    assert_eq!(of_task(&ann, &task).await, nothing);
    let first = result(&[
        rectangle("car", 0.0, 20.0),
        choice("mood", "good"),
        choice("light", "dark"),
    ]);
    let anns = app.annotation(&ann, &task, first.clone()).await;
    assert_eq!(of_task(&ann, &task).await, nothing);
    let second = result(&[
        choice("light", "dim"),
        choice("mood", "good"),
        rectangle("car", 10.0, 20.0),
    ]);
    let bobs = app.annotation(&bob, &task, second).await;
    let both = json!({
        "iou": 1.0 / 3.0, "spanF1": null, "exactMatch": 0.5, "cohensKappa": (0.5 - 0.25) / 0.75,
        "mean": (1.0 / 3.0 + 1.0 + 0.0) / 3.0,
    });
    assert_scores(&of_task(&ann, &task).await, &both);
    let fields = ALL
        .replace("FIELD(", &format!("agreementWith(id: {bobs} "))
        .replace("FIELD", &format!("agreementWith(id: {bobs})"));
    let answer = app
        .admin
        .run(&format!("{{ annotation(id: {anns}) {{ {fields} }} }}"))
        .await;
    assert_scores(&answer.data()["annotation"], &both);
    assert_eq!(
        between(&bob, &anns, &anns).await.data()["annotation"]["agreementWith"],
        1.0
    );

    // Somebody's second annotation is no second opinion on their first one, but on others'.
    app.annotation(&ann, &task, first.clone()).await;
    assert_scores(&of_task(&ann, &task).await, &both);
    // Cancelled ones do not count.
    let cancelled = app.annotation(&app.admin, &task, first).await;
    let iou = |scores: Value| scores["iou"].as_f64().unwrap();
    let with = iou(of_task(&ann, &task).await);
    // Of admin and ann twice, of admin and bob, of ann and bob twice.
    assert!((with - (2.0 + 1.0) / 5.0).abs() < 1e-9, "{with}");
    update(&app.admin, &cancelled, json!({ "wasCancelled": true }))
        .await
        .ok();
    assert_scores(&of_task(&ann, &task).await, &both);
    // One that is asked for by name does.
    assert_eq!(
        between(&ann, &anns, &cancelled).await.data()["annotation"]["agreementWith"],
        1.0
    );
}

#[each_database]
async fn recorded_annotations_agree_as_their_file_does(app: TestApp) {
    let file = include_str!("../../fixtures/label-studio/export.json");
    let tasks: Value = serde_json::from_str(file).unwrap();
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let recorded = &tasks[3]["annotations"];
    for (by, annotation) in [&app.admin, &ann]
        .into_iter()
        .zip(recorded.as_array().unwrap())
    {
        app.annotation(by, &task, json!({ "result": annotation["result"] }))
            .await;
    }
    // Of seven answers five are the same, and no two questions have an answer in common.
    let kappa = (5.0 / 7.0 - 5.0 / 49.0) / (1.0 - 5.0 / 49.0);
    let scores = of_task(&ann, &task).await;
    let drawn = |name: &str| (scores[name].as_f64().unwrap() * 1e6).round();
    assert_eq!([drawn("iou"), drawn("mean")], [34_816.0, 675_286.0]);
    let expected = json!({
        "iou": scores["iou"], "spanF1": 1.0, "exactMatch": 5.0 / 7.0, "cohensKappa": kappa,
        "mean": scores["mean"],
    });
    assert_scores(&scores, &expected);
}

#[each_database]
async fn only_annotations_of_one_task_that_one_sees_are_compared(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Viewer).await;
    let stranger = app.stranger("stranger").await;
    let boxes = || result(&[rectangle("car", 0.0, 20.0)]);
    let one = app.annotation(&app.admin, &task, boxes()).await;
    let other = app.task(&project).await;
    let elsewhere = app.annotation(&app.admin, &other, boxes()).await;
    let (_, hidden_task) = app.project_with_task().await;
    let hidden = app.annotation(&app.admin, &hidden_task, boxes()).await;
    for (id, problem) in [
        (elsewhere.as_str(), "id TASK_MISMATCH"),
        (&hidden, "id UNKNOWN_ID"),
        ("99", "id UNKNOWN_ID"),
        ("\"x\"", "id UNKNOWN_ID"),
    ] {
        let answer = between(&ann, &one, id).await;
        assert_eq!(answer.problems(), [problem], "{id}");
        assert_eq!(
            answer.error()["path"],
            json!(["annotation", "agreementWith"])
        );
        let expected = json!({ "annotation": { "id": one, "agreementWith": null } });
        assert_eq!(answer.json["data"], expected);
    }
    assert_eq!(
        between(&app.admin, &one, &hidden).await.problems(),
        ["id TASK_MISMATCH"]
    );
    let answer = stranger
        .run(&format!("{{ task(id: {task}) {{ agreement }} }}"))
        .await;
    assert_eq!(answer.data(), &json!({ "task": null }));
}

#[each_database]
async fn what_is_too_much_is_null_with_an_error(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    for (by, start) in [(&app.admin, 0.0), (&ann, 0.01)] {
        // Each overlaps each of the other annotation, differently.
        let boxes =
            (0..2_500).map(|index| rectangle("car", start + f64::from(index) / 250.0, 50.0));
        app.annotation(by, &task, result(&boxes.collect::<Vec<_>>()))
            .await;
    }
    let other = app.task(&project).await;
    for by in [&app.admin, &ann] {
        app.annotation(by, &other, result(&[choice("mood", "good")]))
            .await;
    }
    let answer = ann.run("{ tasks { nodes { id agreement } } }").await;
    assert_eq!(answer.code(), "LIMIT_EXCEEDED");
    assert_eq!(
        answer.error()["path"],
        json!(["tasks", "nodes", 0, "agreement"])
    );
    assert_eq!(
        answer.json["data"]["tasks"]["nodes"],
        json!([{ "id": task, "agreement": null }, { "id": other, "agreement": 1.0 }])
    );
    let spans = ann
        .run(&format!(
            "{{ task(id: {task}) {{ agreement(metric: SPAN_F1) }} }}"
        ))
        .await;
    assert_eq!(spans.data(), &json!({ "task": { "agreement": null } }));
}

#[each_database]
async fn any_number_of_pairs_costs_the_same_statements(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Viewer).await;
    let query = format!(
        "{{ task(id: {task}) {{ annotations {{ nodes {{ agreementWith(id: 1) iou: agreementWith(id: 1, metric: IOU) }} }} }} }}"
    );
    let mut statements = Vec::new();
    for annotations in [2, 20] {
        for _ in 0..annotations {
            app.annotation(&app.admin, &task, result(&[choice("mood", "good")]))
                .await;
        }
        let (sent, answer) = app.statements(ann.run(&query)).await;
        let nodes = answer.data()["task"]["annotations"]["nodes"]
            .as_array()
            .unwrap();
        assert_eq!(
            nodes.last().unwrap(),
            &json!({ "agreementWith": 1.0, "iou": null })
        );
        statements.push(sent);
    }
    assert_eq!(statements, [5, 5]);
}
