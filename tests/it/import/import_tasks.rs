//! `importTasks`: the same items through GraphQL.

use each_database::each_database;
use entity::{annotation, annotation_draft, project_member::Role, user};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use super::{export_text, import_text};
use crate::support::{Answer, Client, TestApp};

async fn import(by: &Client, project: &str, tasks: &Value, misfits: &str) -> Answer {
    by.run_with(
        "mutation($project: ID!, $tasks: [JSONObject!]!, $misfits: ImportMisfits!) {
           importTasks(projectId: $project, tasks: $tasks, misfits: $misfits) {
             project { id } taskIds tasks { id totalAnnotations } taskCount annotationCount
             predictionCount draftCount notes { path code message } noteCount
           }
         }",
        json!({ "project": project, "tasks": tasks, "misfits": misfits }),
    )
    .await
}

/// An export of Label Studio's, small enough for a call.
fn export() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/label-studio/export.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[each_database]
async fn a_call_writes_what_a_file_would(app: TestApp) {
    let file = import_text(&app.app, export().to_string()).await.unwrap();
    let (project, _) = app.project_with_task().await;
    let answer = import(&app.admin, &project, &export(), "NOTE").await;
    let imported = &answer.data()["importTasks"];
    assert_eq!(imported["project"]["id"], project);
    for (field, count) in [
        ("taskCount", file.counts.tasks),
        ("annotationCount", file.counts.annotations),
        ("predictionCount", file.counts.predictions),
        ("draftCount", file.counts.drafts),
    ] {
        assert_eq!(imported[field], count, "{field}");
    }
    assert_eq!(
        imported["taskIds"].as_array().unwrap().len(),
        file.counts.tasks
    );
    // Alike but for ids, and for unique ids, which are taken by now.
    let plain = |text: &str| {
        let mut items: Value = serde_json::from_str(text).unwrap();
        for item in items.as_array_mut().unwrap() {
            forget_ids(item);
        }
        items
    };
    let of_file = export_text(&app.app, file.project_id).await;
    let of_call = export_text(&app.app, project.parse().unwrap()).await;
    let mut of_call = plain(&of_call);
    // The project had a task of its own.
    of_call.as_array_mut().unwrap().remove(0);
    assert_eq!(of_call, plain(&of_file));
}

/// Takes out what differs between two imports of one file.
fn forget_ids(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for field in [
                "id",
                "task",
                "project",
                "unique_id",
                "parent_annotation",
                "parent_prediction",
                "annotation",
            ] {
                if fields.get(field).is_some_and(|value| !value.is_object()) {
                    fields.remove(field);
                }
            }
            for field in ["created_at", "updated_at"] {
                fields.remove(field);
            }
            fields.values_mut().for_each(forget_ids);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_ids),
        _ => {}
    }
}

#[each_database]
async fn parents_are_found_wherever_they_are(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let tasks = json!([
        { "data": {}, "annotations": [{ "id": 1, "result": [], "parent_annotation": 2, "parent_prediction": 7 }] },
        { "data": {}, "annotations": [{ "id": 2, "result": [] }], "predictions": [{ "id": 7, "result": [] }] },
        { "data": {}, "annotations": [{ "result": [], "parent_annotation": 99 }] },
    ]);
    let answer = import(&app.admin, &project, &tasks, "REFUSE").await;
    let imported = &answer.data()["importTasks"];
    assert_eq!(
        imported["notes"],
        json!([{
            "path": ["tasks", 2, "annotations", 0, "parent_annotation"], "code": null,
            "message": "the file has no annotation 99: now null",
        }])
    );
    let read = app
            .admin
            .run("{ annotations { nodes { id importId parentAnnotation { importId } parentPrediction { id } history { totalCount } } } }")
            .await;
    assert_eq!(
        read.data()["annotations"]["nodes"],
        json!([
            { "id": "1", "importId": "1", "parentAnnotation": { "importId": "2" }, "parentPrediction": { "id": "1" }, "history": { "totalCount": 1 } },
            { "id": "2", "importId": "2", "parentAnnotation": null, "parentPrediction": null, "history": { "totalCount": 1 } },
            { "id": "3", "importId": null, "parentAnnotation": null, "parentPrediction": null, "history": { "totalCount": 1 } },
        ])
    );
}

#[each_database]
async fn all_problems_are_told_and_nothing_is_kept(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let before = app.dump().await;
    for (tasks, problems) in [
        (
            json!([
                { "data": {} },
                { "data": [], "annotations": [{ "result": [{ "id": 1 }] }, { "lead_time": -1 }] },
                { "data": {}, "drafts": [{ "result": [] }] },
            ]),
            vec![
                "tasks.1.data WRONG_TYPE",
                "tasks.1.annotations.0.result.0.id WRONG_TYPE",
                "tasks.1.annotations.1.result REQUIRED",
                "tasks.1.annotations.1.lead_time OUT_OF_BOUNDS",
                "tasks.2.drafts.0.user REQUIRED",
            ],
        ),
        (json!(vec![json!({}); 1_001]), vec!["tasks TOO_LONG"]),
        (
            json!([{ "data": {}, "predictions": vec![json!({ "result": [] }); 10_001] }]),
            vec!["tasks TOO_LONG"],
        ),
        (
            json!([{ "data": { "$serde_json::private::Number": "1" } }]),
            vec!["tasks.0.data.$serde_json::private::Number RESERVED_KEY"],
        ),
        (json!([null]), vec!["tasks.0 NULL_NOT_ALLOWED"]),
    ] {
        let answer = import(&app.admin, &project, &tasks, "REFUSE").await;
        assert_eq!(answer.problems(), problems);
        assert_eq!(app.dump().await, before);
    }
    let nowhere = import(&app.admin, "99", &json!([]), "REFUSE").await;
    assert_eq!(nowhere.code(), "NOT_FOUND");
}

#[each_database]
async fn what_does_not_fit_is_refused_noted_or_taken(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let config = r#"<View><Text name="t" value="$text"/><Choices name="c" toName="t"><Choice value="a"/></Choices></View>"#;
    let query = "mutation($id: ID!, $input: UpdateProjectInput!) { updateProject(id: $id, input: $input) { id } }";
    let variables = json!({ "id": project, "input": { "labelConfig": config } });
    app.admin.run_with(query, variables).await.ok();
    let result = json!([{ "from_name": "c", "to_name": "t", "type": "choices", "value": { "choices": ["z"] } }]);
    let tasks = json!([{ "data": { "text": "x" }, "annotations": [{ "result": result }], "predictions": [{ "result": result }] }]);
    let before = app.dump().await;
    let refused = import(&app.admin, &project, &tasks, "REFUSE").await;
    assert_eq!(
        refused.problems(),
        [
            "tasks.0.annotations.0.result.0.value.choices.0 UNKNOWN_LABEL",
            "tasks.0.predictions.0.result.0.value.choices.0 UNKNOWN_LABEL"
        ]
    );
    assert_eq!(app.dump().await, before);
    let noted = import(&app.admin, &project, &tasks, "NOTE").await;
    let notes = noted.data()["importTasks"]["notes"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(notes.len(), 2);
    assert_eq!(notes[0]["code"], "UNKNOWN_LABEL");
    let ignored = import(&app.admin, &project, &tasks, "IGNORE").await;
    assert_eq!(ignored.data()["importTasks"]["noteCount"], 0);
}

#[each_database]
async fn people_are_those_whom_the_caller_sees(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let max = app.member(&project, "max", Role::Manager).await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let hidden = app.stranger("hidden").await;
    let by = |email: &str| json!({ "result": [], "completed_by": email });
    let tasks = json!([{
        "data": {},
        "annotations": [by("ann@example.com"), by("hidden@example.com"), by("new@example.com"), { "result": [], "completed_by": 77 }],
        "drafts": [{ "result": [], "user": "ann@example.com" }],
    }]);
    for _ in 0..2 {
        import(&max, &project, &tasks, "REFUSE").await.ok();
    }
    let rows = annotation::Entity::find()
        .all(app.app.db.writer())
        .await
        .unwrap();
    let authors: Vec<i64> = rows.iter().filter_map(|row| row.completed_by_id).collect();
    let id = |client: &Client| client.user_id.parse::<i64>().unwrap();
    assert_eq!((authors[0], authors[4]), (id(&ann), id(&ann)));
    assert!(!authors.contains(&id(&hidden)));
    // Everybody else is the same user each time, whether or not somebody hidden has the address.
    assert_eq!(authors[1..4], authors[5..8]);
    let mut stand_ins = Vec::new();
    for (author, source) in authors[1..4].iter().zip(["hidden@", "new@", "77"]) {
        let row = user::Entity::find_by_id(*author);
        let row = row.one(app.app.db.writer()).await.unwrap().unwrap();
        assert_eq!(
            (row.email, row.import_id, row.can_sign_in),
            (None, None, false),
            "{source}"
        );
        let (prefix, digest) = row.username.split_at("imported-".len());
        assert_eq!((prefix, digest.len()), ("imported-", 16), "{source}");
        stand_ins.push(row.username);
    }
    stand_ins.dedup();
    assert_eq!(stand_ins.len(), 3);
    let drafts = annotation_draft::Entity::find()
        .count(app.app.db.writer())
        .await;
    assert_eq!(drafts.unwrap(), 2);
    // Whoever sees them may name them.
    import(&app.admin, &project, &tasks, "REFUSE").await.ok();
    let rows = annotation::Entity::find()
        .all(app.app.db.writer())
        .await
        .unwrap();
    assert!(
        rows.iter()
            .any(|row| row.completed_by_id == Some(id(&hidden)))
    );
}

#[each_database]
async fn addresses_of_imported_people_stay_free(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let max = app.member(&project, "max", Role::Manager).await;
    let (_, elsewhere) = (
        app.stranger("hidden").await,
        app.project_with_task().await.0,
    );
    let person =
        |email: &str| json!({ "id": 5, "email": email, "first_name": "Some", "last_name": "Body" });
    let import_one = async |by: &Client, project: &str, email: &str| {
        let work = json!({ "result": [], "completed_by": person(email) });
        let tasks = json!([{ "data": {}, "annotations": [work] }]);
        import(by, project, &tasks, "REFUSE").await.ok();
        let rows = annotation::Entity::find()
            .all(app.app.db.writer())
            .await
            .unwrap();
        let row = rows.iter().max_by_key(|row| row.id).unwrap();
        row.completed_by_id.unwrap()
    };
    let mut before = Vec::new();
    for email in ["hidden@example.com", "new@example.com"] {
        let author = import_one(&max, &project, email).await;
        let row = user::Entity::find_by_id(author);
        let row = row.one(app.app.db.writer()).await.unwrap().unwrap();
        assert_eq!((row.email, row.display_name.as_str()), (None, "Some Body"));
        // They are found out of sight, too, and are members again.
        let remove = format!(
            "mutation {{ removeProjectMember(projectId: {project}, userId: {author}) {{ role }} }}"
        );
        app.admin.run(&remove).await.ok();
        assert_eq!(import_one(&max, &project, email).await, author);
        let seen = max
            .run(&format!("{{ user(id: {author}) {{ username }} }}"))
            .await;
        assert_eq!(seen.data()["user"]["username"], row.username);
        before.push(author);
    }
    assert_ne!(before[0], before[1]);
    // Another project's are others.
    let other = import_one(&app.admin, &elsewhere, "new@example.com").await;
    assert!(!before.contains(&other));
    let input = r#"{ username: "new", email: "new@example.com" }"#;
    let create = format!("mutation {{ createUser(input: {input}) {{ id }} }}");
    let created = app.admin.run(&create).await;
    let new: i64 = created.data()["createUser"]["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    // Whoever sees them finds them by now; to everybody else nothing has changed.
    assert_eq!(
        import_one(&max, &project, "new@example.com").await,
        before[1]
    );
    assert_eq!(
        import_one(&app.admin, &project, "new@example.com").await,
        new
    );
}

#[each_database]
async fn more_tasks_cost_no_more_statements(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let run = async |count: usize| {
        let item = json!({ "data": {}, "annotations": [{ "result": [] }], "predictions": [{ "result": [] }] });
        let tasks = json!(vec![item; count]);
        let (statements, answer) = app
            .statements(import(&app.admin, &project, &tasks, "REFUSE"))
            .await;
        assert_eq!(answer.data()["importTasks"]["annotationCount"], count);
        statements
    };
    // The first reads the labelling config, too.
    run(1).await;
    assert_eq!(run(2).await, run(300).await);
}
