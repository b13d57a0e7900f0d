//! Budget of a response: large columns are charged before they are loaded.

mod cut_pages;
mod shared_budget;
mod writes;

use each_database::each_database;
use serde_json::{Value, json};

use crate::support::{Client, Listening, TestApp};

/// Bytes of the budget of an answer.
const MAX: u64 = 100_000;

/// A client of a server whose answers hold at most [`MAX`] bytes.
fn bounded(app: &TestApp) -> Client {
    let max = MAX.to_string();
    app.serving(&["--max-answer", &max]).unwrap()
}

/// A result of about so many bytes.
fn result(bytes: usize) -> Value {
    json!([{ "id": "r1", "value": { "x": 1, "text": "x".repeat(bytes) } }])
}

/// The extensions of the error of an answer that is too large.
fn too_large() -> Value {
    json!({ "code": "LIMIT_EXCEEDED", "limit": "answer", "max": MAX })
}

/// A project with one of everything, each with a large column that no answer has room for. All have the id 1.
async fn large(app: &TestApp) {
    let text = "x".repeat(150_000);
    let create = "mutation($config: String!, $text: String!) {
      createProject(input: { title: \"Large\", description: $text, labelConfig: $config, checkMode: OFF }) { id }
    }";
    let config = format!("<View><Text name=\"t\" value=\"$t\" hint=\"{text}\"/></View>");
    let variables = json!({ "config": config, "text": text });
    app.admin.run_with(create, variables).await.ok();
    let create = "mutation($data: JSONObject!) { createTasks(projectId: 1, tasks: [{ data: $data, meta: $data }]) { id } }";
    let variables = json!({ "data": { "t": text } });
    app.admin.run_with(create, variables).await.ok();
    app.annotation(&app.admin, "1", json!({ "result": result(150_000) }))
        .await;
    let changes = "mutation($old: [JSONObject!]!, $new: [JSONObject!]!) {
      updateAnnotation(id: 1, input: { result: $new, groundTruth: true }) { version }
      createPrediction(taskId: 1, input: { result: $old }) { id }
      other: createPrediction(taskId: 1, input: { result: [] }) { id }
      saveDraft(input: { taskId: 1, result: $old }) { id }
    }";
    let variables = json!({ "old": result(150_000), "new": result(150_001) });
    app.admin.run_with(changes, variables).await.ok();
}

#[each_database]
async fn what_an_answer_has_no_room_for_fails_at_the_list_or_object_that_was_asked_for(
    app: TestApp,
) {
    large(&app).await;
    let client = bounded(&app);
    for (path, query) in [
        ("annotation", "{ annotation(id: 1) { id result } }"),
        (
            "annotation",
            "{ annotation(id: 1) { id regions { labels } } }",
        ),
        ("annotations", "{ annotations { nodes { id result } } }"),
        (
            "annotations",
            "{ annotations { edges { node { regions { labels } } } } }",
        ),
        ("task", "{ task(id: 1) { id data } }"),
        ("task", "{ task(id: 1) { id meta } }"),
        (
            "task.annotations",
            "{ task(id: 1) { id annotations { nodes { result } } } }",
        ),
        (
            "task.predictions",
            "{ task(id: 1) { id predictions { result } } }",
        ),
        ("task.drafts", "{ task(id: 1) { id drafts { result } } }"),
        ("tasks", "{ tasks { nodes { id meta } } }"),
        ("project", "{ project(id: 1) { id labelConfig } }"),
        ("project", "{ project(id: 1) { id description } }"),
        ("projects", "{ projects { nodes { id description } } }"),
        (
            "project.tasks",
            "{ project(id: 1) { tasks { nodes { data } } } }",
        ),
        ("prediction", "{ prediction(id: 1) { id result } }"),
        ("draft", "{ draft(id: 1) { id result } }"),
        ("drafts", "{ drafts { nodes { id result } } }"),
        (
            "annotationAt",
            "{ annotationAt(id: 1, version: 1) { version result } }",
        ),
        (
            "annotationAt",
            "{ annotationAt(id: 1, version: 1) { version regionCount } }",
        ),
        (
            "annotation.diff",
            "{ annotation(id: 1) { diff(from: 1) { to changedRegions { after } } } }",
        ),
        // Within lists, the item's index and its field.
        (
            "annotations.nodes.0.task",
            "{ annotations { nodes { id task { id data } } } }",
        ),
        (
            "annotations.edges.0.node.project",
            "{ annotations { edges { node { id project { id labelConfig } } } } }",
        ),
        (
            "projects.nodes.0.tasks.nodes.0.project",
            "{ projects { nodes { tasks { nodes { project { labelConfig } } } } } }",
        ),
        (
            "task.predictions.0.task",
            "{ task(id: 1) { predictions { id task { meta } } } }",
        ),
        (
            "createTasks.0.project",
            "mutation { createTasks(projectId: 1, tasks: [{ data: {} }]) { project { labelConfig } } }",
        ),
        (
            "importTasks.tasks",
            "mutation($task: JSONObject!) { importTasks(projectId: 1, tasks: [$task]) { tasks { id data } } }",
        ),
        (
            "deletePrediction.task",
            "mutation { deletePrediction(id: 1) { task { data } } }",
        ),
        (
            "deletePrediction.task.project",
            "mutation { deletePrediction(id: 2) { task { project { labelConfig } } } }",
        ),
    ] {
        let variables = match query.contains("$task") {
            true => json!({ "task": { "t": "x".repeat(150_000) } }),
            false => json!({}),
        };
        let answer = client.run_with(query, variables).await;
        let error = answer.error();
        assert_eq!(error["extensions"], too_large(), "{query}");
        let steps: Vec<String> = error["path"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| match step {
                Value::String(name) => name.clone(),
                index => index.to_string(),
            })
            .collect();
        assert_eq!(steps.join("."), path, "{query}");
        // No object is told in part.
        let root = path.split('.').next().unwrap();
        assert_eq!(answer.json["data"], json!({ root: null }), "{query}");
    }
}

#[each_database]
async fn where_a_part_can_be_null_the_rest_is_told(app: TestApp) {
    large(&app).await;
    let client = bounded(&app);
    let answer = client
        .run("{ task(id: 1) { id groundTruth { id result } } }")
        .await;
    assert_eq!(answer.error()["extensions"], too_large());
    assert_eq!(answer.error()["path"], json!(["task", "groundTruth"]));
    let task = json!({ "id": "1", "groundTruth": null });
    assert_eq!(answer.json["data"]["task"], task);
}

#[each_database]
async fn large_columns_that_are_not_asked_for_take_no_room(app: TestApp) {
    large(&app).await;
    let client = bounded(&app);
    for query in [
        "{ annotation(id: 1) { id regionCount task { id overlap } project { title } parentPrediction { id } } }",
        "{ annotations { nodes { id version } } }",
        "{ task(id: 1) { isLabeled annotations { nodes { id } } predictions { id score } drafts { id } groundTruth { id } } }",
        "{ tasks { nodes { overlap project { title } } } }",
        "{ projects { nodes { title checkMode } } }",
        "{ draft(id: 1) { task { id } annotationVersion } }",
        "{ annotationAt(id: 1, version: 1) { version completedBy { id } } }",
        "{ annotation(id: 1) { diff(from: 1) { to fields { field } } history { nodes { annotation { at } } } } }",
    ] {
        client.run(query).await.ok();
    }
}

#[each_database]
async fn what_an_answer_holds_is_charged_as_often_as_it_does(app: TestApp) {
    app.project_with_task().await;
    app.annotation(&app.admin, "1", json!({ "result": result(30_000) }))
        .await;
    let client = bounded(&app);
    let lists = |count: usize| {
        let lists = (0..count).map(|n| format!("l{n}: annotations {{ nodes {{ result }} }} "));
        format!("{{ {} }}", lists.collect::<String>())
    };
    let fields = |count: usize| {
        let fields: String = (0..count).map(|n| format!("f{n}: result ")).collect();
        format!("{{ annotation(id: 1) {{ {fields} }} }}")
    };
    client.run(&lists(3)).await.ok();
    client.run(&fields(3)).await.ok();
    assert_eq!(client.run(&fields(4)).await.code(), "LIMIT_EXCEEDED");
    let answer = client.run(&lists(10)).await;
    let told = answer.json["data"].as_object().unwrap();
    assert_eq!(told.values().filter(|list| !list.is_null()).count(), 3);
    // Each answer has a budget of its own, those of a batch too.
    let one = json!({ "query": lists(3) });
    let batch = client.post(json!([one, one, { "query": fields(4) }]).to_string());
    let batch = batch.await;
    let answers = batch.json.as_array().unwrap();
    assert_eq!(answers[0].get("errors"), None);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[2]["errors"][0]["extensions"], too_large());
}

#[each_database]
async fn what_finds_no_room_fails_alone_among_what_is_loaded_with_it(app: TestApp) {
    app.project_with_task().await;
    for _ in 0..5 {
        app.annotation(&app.admin, "1", json!({ "result": result(30_000) }))
            .await;
    }
    let data = json!({ "t": "x".repeat(30_000) });
    let create = "mutation($data: JSONObject!) {
      createTasks(projectId: 1, tasks: [{ data: $data }, { data: $data }, { data: $data }, { data: $data }]) { id }
    }";
    app.admin
        .run_with(create, json!({ "data": data }))
        .await
        .ok();
    let propose = "mutation($result: [JSONObject!]!, $id: ID!) { createPrediction(taskId: $id, input: { result: $result }) { id } }";
    for id in 1..=5 {
        let variables = json!({ "result": result(30_000), "id": id.to_string() });
        app.admin.run_with(propose, variables).await.ok();
    }
    let client = bounded(&app);
    for field in [
        "annotation(id: ID) { result }",
        "task(id: ID) { id predictions { result } }",
        "prediction(id: ID) { result }",
        "annotationAt(id: ID, version: 1) { result }",
    ] {
        let fields = (1..=5).map(|id| format!("f{id}: {} ", field.replace("ID", &id.to_string())));
        let query = format!("{{ {} }}", fields.collect::<String>());
        let answer = client.run(&query).await;
        let told = answer.json["data"].as_object().unwrap();
        let told = told.values().filter(|value| !value.is_null()).count();
        assert_eq!(told, 3, "{query}: {}", answer.text);
        for error in answer.json["errors"].as_array().unwrap() {
            assert_eq!(error["extensions"], too_large());
        }
    }
    // Pages of several parents that may not be cut.
    let fields = (1..=5)
        .map(|id| format!("f{id}: task(id: {id}) {{ data annotations {{ nodes {{ id }} }} }} "));
    let query = format!("{{ {} }}", fields.collect::<String>());
    let answer = client.run(&query).await;
    let told = answer.json["data"].as_object().unwrap();
    assert_eq!(told.values().filter(|task| !task.is_null()).count(), 4);
    let representations: Vec<Value> = (1..=5)
        .map(|id| json!({ "__typename": "Annotation", "id": id.to_string() }))
        .collect();
    let query = "query($these: [_Any!]!) { _entities(representations: $these) { ... on Annotation { result } } }";
    let answer = client
        .run_with(query, json!({ "these": representations }))
        .await;
    let entities = answer.json["data"]["_entities"].as_array().unwrap();
    assert_eq!(
        entities.iter().filter(|entity| !entity.is_null()).count(),
        3
    );
    assert_eq!(answer.json["errors"].as_array().unwrap().len(), 2);
}

#[each_database]
async fn labelling_configs_are_charged_before_they_are_parsed(app: TestApp) {
    let create = "mutation($config: String!) {
      createProject(input: { title: \"P\", labelConfig: $config, checkMode: OFF }) { id }
    }";
    let hint = "x".repeat(4_000);
    let config = format!("<View><Text name=\"t\" value=\"$t\" hint=\"{hint}\"/></View>");
    for id in 1..=3 {
        let variables = json!({ "config": config });
        app.admin.run_with(create, variables).await.ok();
        let task = format!(
            "mutation {{ createTasks(projectId: {id}, tasks: [{{ data: {{}} }}]) {{ id }} }}"
        );
        app.admin.run(&task).await.ok();
        app.annotation(&app.admin, &id.to_string(), json!({})).await;
    }
    // Parsed, a config takes many times its text; a single one is always read.
    let one = "{ annotation(id: 1) { regions { labels } } }";
    bounded(&app).run(one).await.ok();
    let all = "{ annotations { nodes { regions { labels } } } }";
    let answer = bounded(&app).run(all).await;
    assert_eq!(answer.error()["extensions"], too_large());
    assert_eq!(answer.error()["path"][0], "annotations");
    // Configs of the cache are leased by it.
    app.admin.run(all).await.ok();
}

#[each_database]
async fn many_small_fields_are_charged_too(app: TestApp) {
    app.project_with_task().await;
    for _ in 0..20 {
        app.annotation(&app.admin, "1", json!({})).await;
    }
    let client = bounded(&app);
    let query = |count: usize| {
        let fields: String = (0..count).map(|n| format!("v{n}: version ")).collect();
        format!("{{ annotations {{ nodes {{ {fields} }} }} }}")
    };
    client.run(&query(5)).await.ok();
    let answer = client.run(&query(90)).await;
    assert_eq!(answer.error()["extensions"], too_large());
    assert_eq!(answer.error()["path"], json!(["annotations", "nodes"]));
}

#[each_database]
async fn the_next_event_has_the_whole_budget_again(app: TestApp) {
    app.project_with_task().await;
    let max = MAX.to_string();
    let server = Listening::start(&app.app, &["--max-answer", &max]).await;
    let mut socket = server.signed_in(&app.admin.token).await;
    let query = "subscription { annotationEvents { annotationId annotation { id result } } }";
    socket.subscribe("1", query).await;
    // Answered behind it, so that it has begun.
    socket.subscribe("2", "{ viewer { id } }").await;
    while socket.hear().await["type"] != "complete" {}
    for bytes in [70_000, 150_000, 70_000, 70_000] {
        app.annotation(&app.admin, "1", json!({ "result": result(bytes) }))
            .await;
    }
    for (id, is_large) in [("1", false), ("2", true), ("3", false), ("4", false)] {
        let message = socket.hear().await;
        let payload = &message["payload"];
        let event = &payload["data"]["annotationEvents"];
        assert_eq!(event["annotationId"], id);
        assert_eq!(event["annotation"].is_null(), is_large);
        if is_large {
            assert_eq!(payload["errors"][0]["extensions"], too_large());
            let path = json!(["annotationEvents", "annotation"]);
            assert_eq!(payload["errors"][0]["path"], path);
        }
    }
}
