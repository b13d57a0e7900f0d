//! Search by answers to controls: by value, path and part of a text.

use annograph::domain::annotation::index;
use each_database::each_database;
use entity::{annotation_answer, project_member::Role};
use migration::{Migrator, MigratorTrait};
use sea_orm::{DbBackend, EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use super::label_filters::{check_index, found};
use crate::{
    graphql::{delete, restore, update},
    import::import_text,
    support::TestApp,
};

fn answer(from_name: &str, kind: &str, value: impl Into<Value>) -> Value {
    let value: Value = value.into();
    let key = if kind == "textarea" { "text" } else { kind };
    json!({ "id": "r", "from_name": from_name, "to_name": "t", "type": kind, "value": { key: value } })
}

/// Annotations 1 to 7 of one task.
async fn answered(app: &TestApp) {
    let (_, task) = app.project_with_task().await;
    for result in [
        json!([
            answer("mood", "choices", json!(["Good"])),
            answer("stars", "rating", json!(4))
        ]),
        json!([
            answer("mood", "choices", json!([["Bad", "Straße"], ["good"]])),
            answer("size", "number", json!(2.50))
        ]),
        json!([answer(
            "kind",
            "taxonomy",
            json!([["Animal", "Dog"], ["Animal", "Cat", "Größe"]])
        )]),
        json!([
            answer("note", "textarea", json!(["100% sure_", "second\\line"])),
            answer("note", "textarea", json!(["4"]))
        ]),
        json!([
            answer("day", "datetime", json!("2024-05-06")),
            answer("size", "number", json!(-0.0))
        ]),
        // Texts of another control, and of no answer.
        json!([
            answer("other", "choices", json!(["Good"])),
            { "id": "r", "from_name": "mood", "to_name": "t", "type": "labels", "value": { "start": 0, "end": 1, "labels": ["Good"] } }
        ]),
        json!([]),
    ] {
        app.annotation(&app.admin, &task, json!({ "result": result }))
            .await;
    }
}

#[each_database]
async fn answers_are_found_by_value_path_and_part(app: TestApp) {
    answered(&app).await;
    check_index(&app).await;
    let long = "x".repeat(9_999);
    for (filter, expected) in [
        (r#"fromName: "mood", eq: "Good""#, "1"),
        (r#"fromName: "mood", eq: "good""#, "2"),
        (r#"fromName: "mood", eq: "Goo""#, ""),
        (r#"fromName: "Mood", eq: "Good""#, ""),
        (r#"fromName: "other", eq: "Good""#, "6"),
        (r#"fromName: "mood", eq: ["Good"]"#, "1"),
        (r#"fromName: "mood", eq: ["Bad", "Straße"]"#, "2"),
        (r#"fromName: "mood", eq: "Straße""#, "2"),
        (r#"fromName: "mood", eq: "Bad""#, ""),
        (r#"fromName: "stars", eq: 4"#, "1"),
        (r#"fromName: "stars", eq: 4.0"#, "1"),
        (r#"fromName: "stars", eq: "4""#, ""),
        (r#"fromName: "note", eq: "4""#, "4"),
        (r#"fromName: "note", eq: 4"#, ""),
        (r#"fromName: "size", eq: 2.5"#, "2"),
        (r#"fromName: "size", eq: 0"#, "5"),
        (r#"fromName: "size", in: [-0.0, 2.5]"#, "2 5"),
        (r#"fromName: "size", in: [2, 3]"#, ""),
        (r#"fromName: "size", in: []"#, ""),
        (r#"fromName: "kind", eq: ["Animal", "Dog"]"#, "3"),
        (
            r#"fromName: "kind", in: [["Dog", "Animal"], ["Animal"], "Animal"]"#,
            "",
        ),
        (r#"fromName: "kind", in: ["Dog", "x"]"#, "3"),
        (r#"fromName: "kind", in: "Größe""#, "3"),
        (r#"fromName: "day", eq: "2024-05-06""#, "5"),
        (r#"fromName: "mood", contains: "OO""#, "1 2"),
        (r#"fromName: "mood", contains: "STRASSE""#, "2"),
        (r#"fromName: "mood", contains: "bad""#, "2"),
        (r#"fromName: "mood", contains: "adS""#, ""),
        (r#"fromName: "kind", contains: "GRÖSSE""#, "3"),
        (r#"fromName: "kind", contains: "gro""#, ""),
        (r#"fromName: "kind", contains: "nim""#, "3"),
        (r#"fromName: "note", contains: "%""#, "4"),
        (r#"fromName: "note", contains: "e_""#, "4"),
        (r#"fromName: "note", contains: "0_""#, ""),
        (r#"fromName: "note", contains: "\\""#, "4"),
        (r#"fromName: "day", contains: "05""#, "5"),
        (r#"fromName: "size", contains: "2""#, ""),
        (r#"fromName: "size", contains: """#, ""),
        (r#"fromName: "mood", contains: """#, "1 2"),
        (r#"fromName: "mood", contains: "'; --""#, ""),
        (r#"fromName: "mood", contains: "\u0000""#, ""),
        (r#"fromName: "mood\u0000", contains: "o""#, ""),
        (r#"fromName: "mood""#, "1 2"),
        (r#"fromName: "size""#, "2 5"),
        (r#"fromName: "nobody""#, ""),
        (
            r#"fromName: "mood", eq: null, in: null, contains: null"#,
            "1 2",
        ),
        (r#"fromName: "mood", eq: "Good", contains: "goo""#, "1"),
        (r#"fromName: "mood", eq: "Good", contains: "x""#, ""),
        (r#"fromName: "mood", eq: "Good", in: ["Good", "x"]"#, "1"),
        (r#"fromName: "mood", eq: "Good", in: ["x"]"#, ""),
        (&format!(r#"fromName: "mood", in: ["{long}", "Good"]"#), "1"),
    ] {
        let filter = format!("{{ hasAnswer: {{ {filter} }} }}");
        assert_eq!(found(&app.admin, &filter).await, expected, "{filter}");
        let below = format!(
            "{{ project(id: 1) {{ annotations(filter: {filter}) {{ totalCount nodes {{ id }} }} }}
            task(id: 1) {{ annotations(filter: {filter}) {{ totalCount nodes {{ id }} }} }} }}"
        );
        let nodes: Vec<Value> = expected
            .split_whitespace()
            .map(|id| json!({ "id": id }))
            .collect();
        let list = json!({ "annotations": { "totalCount": nodes.len(), "nodes": nodes } });
        let answer = app.admin.run(&below).await;
        assert_eq!(
            answer.data(),
            &json!({ "project": list, "task": list }),
            "{filter}"
        );
    }
    for (filter, expected) in [
        (
            r#"{ not: { hasAnswer: { fromName: "mood", eq: "Good" } } }"#,
            "2 3 4 5 6 7",
        ),
        (
            r#"{ or: [{ hasAnswer: { fromName: "stars", eq: 4 } }, { hasAnswer: { fromName: "day", contains: "2024" } }] }"#,
            "1 5",
        ),
        (
            r#"{ hasAnswer: { fromName: "mood", eq: "Good" }, hasRegionType: { eq: RATING } }"#,
            "1",
        ),
        // An answer is no label, and a label no answer.
        (r#"{ hasLabel: { eq: "Good" } }"#, "6"),
    ] {
        assert_eq!(found(&app.admin, filter).await, expected, "{filter}");
    }
    let query = "query($answer: AnswerFilter) { annotations(filter: { hasAnswer: $answer }) { nodes { id } } }";
    for (variable, expected) in [
        (json!({ "fromName": "kind", "eq": ["Animal", "Dog"] }), "3"),
        (json!({ "fromName": "stars", "in": [4, 5] }), "1"),
        (json!({ "fromName": "stars", "in": 4.0 }), "1"),
        (json!(null), "1 2 3 4 5 6 7"),
    ] {
        let answer = app
            .admin
            .run_with(query, json!({ "answer": variable }))
            .await;
        assert_eq!(
            super::ids(&answer.data()["annotations"]).join(" "),
            expected,
            "{variable}"
        );
    }
}

#[each_database]
async fn answers_that_are_none_are_refused_with_their_paths(app: TestApp) {
    let query =
        "query($filter: AnnotationFilter) { annotations(filter: $filter) { nodes { id } } }";
    let problems = async |filter: Value| {
        let answer = app.admin.run_with(query, json!({ "filter": filter })).await;
        let told = &answer.json["errors"][0]["extensions"]["problems"];
        let told = told
            .as_array()
            .unwrap_or_else(|| panic!("{}", answer.text))
            .iter();
        let line = |problem: &Value| format!("{} {}", problem["path"], problem["code"]);
        told.map(line).collect::<Vec<_>>()
    };
    let filter = json!({ "and": [
            { "hasAnswer": { "fromName": "c", "eq": true, "in": ["a", null, {}, ["a", 1], [], 1e3] } },
            { "hasAnswer": { "eq": "a" } },
            { "hasAnswer": { "fromName": 1, "contains": 1 } },
        ] });
    assert_eq!(
        problems(filter).await,
        [
            r#"["filter","and",0,"hasAnswer","eq"] "WRONG_TYPE""#,
            r#"["filter","and",0,"hasAnswer","in",1] "NULL_NOT_ALLOWED""#,
            r#"["filter","and",0,"hasAnswer","in",2] "WRONG_TYPE""#,
            r#"["filter","and",0,"hasAnswer","in",3] "WRONG_TYPE""#,
            r#"["filter","and",0,"hasAnswer","in",4] "WRONG_TYPE""#,
            r#"["filter","and",1,"hasAnswer","fromName"] "REQUIRED""#,
            r#"["filter","and",2,"hasAnswer","fromName"] "WRONG_TYPE""#,
            r#"["filter","and",2,"hasAnswer","contains"] "WRONG_TYPE""#,
        ]
    );
    let long = "é".repeat(10_001);
    let filter = json!({ "not": { "hasAnswer": {
            "fromName": long, "eq": long, "in": ["a", long, [long, "a"]], "contains": "é".repeat(1_001),
        } } });
    assert_eq!(
        problems(filter).await,
        [
            r#"["filter","not","hasAnswer","fromName"] "TOO_LONG""#,
            r#"["filter","not","hasAnswer","eq"] "TOO_LONG""#,
            r#"["filter","not","hasAnswer","in",1] "TOO_LONG""#,
            r#"["filter","not","hasAnswer","in",2] "TOO_LONG""#,
            r#"["filter","not","hasAnswer","contains"] "TOO_LONG""#,
        ]
    );
    // The longest that there are, every character a wildcard or three of them when folded.
    for part in ["%", "\\", "_", "ΐ", "😀"] {
        let filter = json!({ "hasAnswer": { "fromName": "c", "contains": part.repeat(1_000) } });
        let answer = app.admin.run_with(query, json!({ "filter": filter })).await;
        assert_eq!(answer.data()["annotations"]["nodes"], json!([]));
    }
    let literal = r#"{ annotations(filter: { hasAnswer: { fromName: "c", eq: { a: 1 } } }) { nodes { id } } }"#;
    let answer = app.admin.run(literal).await;
    let problem = &answer.json["errors"][0]["extensions"]["problems"][0];
    assert_eq!(problem["path"], json!(["filter", "hasAnswer", "eq"]));
}

#[each_database]
async fn the_index_of_answers_follows_every_change(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let (_, target) = app.project_with_task().await;
    let good = json!({ "result": [answer("mood", "choices", json!(["Good"]))] });
    let bad = json!({ "result": [answer("mood", "choices", json!(["Bad"])), answer("stars", "rating", json!(1))] });
    let id = app.annotation(&app.admin, &task, good).await;
    let has = |eq: &str| format!("{{ hasAnswer: {{ fromName: \"mood\", eq: \"{eq}\" }} }}");
    let state = async || {
        (
            found(&app.admin, &has("Good")).await,
            found(&app.admin, &has("Bad")).await,
        )
    };
    let (is, is_not) = (|| id.clone(), String::new);
    assert_eq!(state().await, (is(), is_not()));
    update(&app.admin, &id, bad).await.ok();
    assert_eq!(state().await, (is_not(), is()));
    check_index(&app).await;
    update(&app.admin, &id, json!({ "taskId": target }))
        .await
        .ok();
    assert_eq!(state().await, (is_not(), is()));
    check_index(&app).await;
    restore(&app.admin, &id, 1, None).await.ok();
    assert_eq!(state().await, (is(), is_not()));
    delete(&app.admin, &id).await.ok();
    let rows = annotation_answer::Entity::find();
    assert_eq!(rows.count(app.app.db.writer()).await.unwrap(), 0);
    restore(&app.admin, &id, 2, None).await.ok();
    assert_eq!(state().await, (is_not(), is()));
    let file = json!([{ "data": {}, "annotations": [{ "result": [answer("mood", "choices", json!(["New"]))] }] }]);
    import_text(&app.app, file.to_string()).await.unwrap();
    assert_ne!(found(&app.admin, &has("New")).await, "");
    check_index(&app).await;
}

#[each_database]
async fn the_same_answers_cost_no_statement_and_any_number_of_others_the_same_few(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let with = |answers: &[&str]| json!({ "result": answers.iter().map(|text| answer("note", "textarea", json!([text]))).collect::<Vec<_>>() });
    let id = app.annotation(&app.admin, &task, with(&["b"])).await;
    // The first reading of the config costs statements of its own.
    update(&app.admin, &id, with(&["a", "b"])).await.ok();
    let (same, _) = app
        .statements(update(&app.admin, &id, with(&["b", "a"])))
        .await;
    let (other, _) = app.statements(update(&app.admin, &id, with(&["c"]))).await;
    // PostgreSQL writes terms with the annotation.
    let more = match app.app.db.backend() {
        DbBackend::Postgres => 2,
        _ => 4,
    };
    assert_eq!(other, same + more);
    let many: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (many, _) = app.statements(update(&app.admin, &id, with(&many))).await;
    assert_eq!(many, other);
    check_index(&app).await;
}

#[each_database]
async fn answers_beyond_the_bound_are_left_out(app: TestApp) {
    let texts: Vec<String> = (0..=index::MAX_ANSWERS)
        .map(|number| format!("t{number}"))
        .collect();
    let last = texts.last().unwrap();
    let entry = answer("note", "textarea", json!(texts));
    let file = json!([{ "data": {}, "annotations": [{ "result": [entry] }] }]);
    import_text(&app.app, file.to_string()).await.unwrap();
    let has = |text: &str| format!("{{ hasAnswer: {{ fromName: \"note\", eq: \"{text}\" }} }}");
    assert_eq!(found(&app.admin, &has("t9999")).await, "1");
    assert_eq!(found(&app.admin, &has(last)).await, "");
    assert_eq!(
        found(
            &app.admin,
            r#"{ hasAnswer: { fromName: "note", contains: "T9999" } }"#
        )
        .await,
        "1"
    );
    check_index(&app).await;
}

#[each_database]
async fn members_find_answers_of_their_projects_alone(app: TestApp) {
    let mut clients = Vec::new();
    for name in ["ann", "bob"] {
        let (project, task) = app.project_with_task().await;
        let input = json!({ "result": [answer("mood", "choices", json!(["Good"]))] });
        let id = app.annotation(&app.admin, &task, input).await;
        clients.push((app.member(&project, name, Role::Viewer).await, id));
    }
    for (client, id) in &clients {
        for filter in [
            r#"{ hasAnswer: { fromName: "mood", eq: "Good" } }"#,
            r#"{ hasAnswer: { fromName: "mood", contains: "good" } }"#,
            r#"{ not: { hasAnswer: { fromName: "mood", eq: "Bad" } } }"#,
            r#"{ projectId: { in: [1, 2] }, hasAnswer: { fromName: "mood", in: ["Good"] } }"#,
        ] {
            assert_eq!(found(client, filter).await, *id, "{filter}");
        }
    }
}

#[each_database]
async fn answers_of_before_the_index_are_brought_in(app: TestApp) {
    let db = app.app.db.writer();
    answered(&app).await;
    let before = app.dump().await;
    let all = Migrator::migrations();
    let own = |name: &str| name == "m20261127_000042_create_annotation_answer";
    let first = all.iter().position(|step| own(step.name())).unwrap();
    let steps = u32::try_from(all.len() - first).unwrap();
    Migrator::down(db, Some(steps)).await.unwrap();
    Migrator::up(db, None).await.unwrap();
    let good = r#"{ hasAnswer: { fromName: "mood", contains: "Good" } }"#;
    assert_eq!(found(&app.admin, good).await, "");
    while index::fill(&app.app).await.unwrap().is_some() {}
    assert_eq!(found(&app.admin, good).await, "1 2");
    assert_eq!(app.dump().await, before);
}
