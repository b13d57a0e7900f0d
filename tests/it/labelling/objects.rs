//! Regions of type `labels`: typed by the object of the config, in every reader.

use annograph::domain::annotation::index;
use each_database::each_database;
use entity::{
    annotation_term::{self, Column::Term},
    annotation_term_fill,
    project_member::Role,
};
use label_studio::{
    agreement::{ComparableResult, Metric, WorkBudget, compare},
    config::Config,
    region::Kind,
};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use super::repeaters::{report, world};
use crate::{
    graphql::{create, update},
    reading::check_index,
    support::TestApp,
};

const TAGS: [&str; 7] = [
    "Text",
    "HyperText",
    "Paragraphs",
    "Audio",
    "Video",
    "TimeSeries",
    "Image",
];

fn config(tag: &str) -> String {
    format!(
        r#"<View><Labels name="l" toName="o"><Label value="Speech"/></Labels><{tag} name="o" value="$o"/></View>"#
    )
}

fn span(start: &Value, end: &Value) -> Value {
    json!({ "id": "s1", "type": "labels", "from_name": "l", "to_name": "o",
        "value": { "start": start, "end": end, "labels": ["Speech"] } })
}

async fn ids_of_type(app: &TestApp, kind: &str) -> Vec<String> {
    let query = format!(
        "{{ annotations(filter: {{ hasRegionType: {{ eq: {kind} }} }}) {{ nodes {{ id }} }} }}"
    );
    let answer = app.admin.run(&query).await;
    let nodes = answer.data()["annotations"]["nodes"]
        .as_array()
        .unwrap()
        .clone();
    nodes
        .iter()
        .map(|node| node["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn set_config(app: &TestApp, project: &str, config: &str) {
    let query = "mutation($id: ID!, $config: String!) { updateProject(id: $id, input: { labelConfig: $config }) { id } }";
    app.admin
        .run_with(query, json!({ "id": project, "config": config }))
        .await
        .ok();
}

#[each_database]
async fn sound_in_whole_seconds_is_sound_wherever_it_is_read(app: TestApp) {
    let (project, _) = world(
        &app,
        &report("audio.config.xml"),
        "STANDARD",
        json!({ "au": "x" }),
    )
    .await;
    let query = "mutation($id: ID!, $tasks: [JSONObject!]!) { importTasks(projectId: $id, tasks: $tasks) { taskIds } }";
    let tasks: Value = serde_json::from_str(&report("audio.tasks.json")).unwrap();
    let answer = app
        .admin
        .run_with(query, json!({ "id": project, "tasks": tasks }))
        .await;
    let task = answer.data()["importTasks"]["taskIds"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let regions = "regions { __typename type ... on AudioRegion { startSeconds endSeconds } }";
    let query = format!(
        "{{ task(id: {task}) {{ predictions {{ {regions} }} annotations {{ nodes {{ id {regions} }} }} }} }}"
    );
    let answer = app.admin.run(&query).await;
    let audio = |end: f64| json!([{ "__typename": "AudioRegion", "type": "AUDIO", "startSeconds": 2.0, "endSeconds": end }]);
    let expected = json!({
        "predictions": [{ "regions": audio(5.0) }],
        "annotations": { "nodes": [{ "id": "1", "regions": audio(5.0) }, { "id": "2", "regions": audio(5.5) }] },
    });
    assert_eq!(answer.data()["task"], expected);
    assert_eq!(ids_of_type(&app, "AUDIO").await, ["1", "2"]);
    assert!(ids_of_type(&app, "TEXT_SPAN").await.is_empty());
    // What was drawn from 5 to 5.5 is the same thing in versions, drafts and events.
    let mut whole = tasks[0]["annotations"][0]["result"].clone();
    whole[0]["value"]["end"] = json!(9);
    update(&app.admin, "1", json!({ "result": whole }))
        .await
        .ok();
    let query = format!(
        "mutation($result: [JSONObject!]!) {{ saveDraft(input: {{ taskId: {task}, result: $result }}) {{ regions(types: [AUDIO]) {{ type }} }} }}"
    );
    let answer = app.admin.run_with(&query, json!({ "result": whole })).await;
    assert_eq!(
        answer.data()["saveDraft"]["regions"],
        json!([{ "type": "AUDIO" }])
    );
    let query = "{ annotation(id: 1) { history { nodes { annotation { regions(types: [AUDIO]) { type } } } } } }";
    let answer = app.admin.run(query).await;
    let audio = json!({ "annotation": { "regions": [{ "type": "AUDIO" }] } });
    assert_eq!(
        answer.data()["annotation"]["history"]["nodes"],
        json!([audio, audio])
    );
    check_index(&app).await;
}

#[each_database]
async fn spans_of_sound_agree_by_their_overlap(app: TestApp) {
    let (project, task) = world(&app, &config("Audio"), "STANDARD", json!({ "o": "x" })).await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    for (by, end) in [(&app.admin, 10), (&ann, 9)] {
        let result = json!([span(&json!(0), &json!(end))]);
        create(by, &task, json!({ "result": result })).await.ok();
    }
    let query = "{ annotation(id: 1) { agreementWith(id: 2, metric: SPAN_F1) task { agreement(metric: SPAN_F1) } } }";
    let answer = app.admin.run(query).await;
    let expected = json!({ "agreementWith": 1.0, "task": { "agreement": 1.0 } });
    assert_eq!(answer.data()["annotation"], expected);

    // Without a config it is a guess: characters.
    for (config, expected) in [(config("Audio"), 1.0), (String::new(), 0.0)] {
        let config = Config::parse(&config).unwrap_or_default();
        let [a, b] = [10, 9].map(|end| {
            let result = json!([span(&json!(0), &json!(end))]).to_string();
            ComparableResult::read(&result, &config)
        });
        let score = compare(&a, &b, Some(Metric::SpanF1), &mut WorkBudget::new(1 << 20));
        assert_eq!(score, Ok(Some(expected)));
    }
}

#[each_database]
async fn the_object_decides_what_a_span_is(app: TestApp) {
    let spans = [
        (json!(1), json!(2)),
        (json!(1.0), json!(2.0)),
        (json!(1), json!(2.5)),
        (json!("1"), json!("2")),
        (json!("/p[1]"), json!("/p[2]")),
    ];
    let mut lines = Vec::new();
    for tag in TAGS {
        let (_, task) = world(&app, &config(tag), "OFF", json!({})).await;
        let result: Vec<Value> = spans.iter().map(|(start, end)| span(start, end)).collect();
        let id = create(&app.admin, &task, json!({ "result": result }))
            .await
            .data()["createAnnotation"]["id"]
            .clone();
        let query = format!("{{ annotation(id: {id}) {{ regions {{ type }} }} }}");
        let answer = app.admin.run(&query).await;
        let types = answer.data()["annotation"]["regions"]
            .as_array()
            .unwrap()
            .clone();
        let types: Vec<&str> = types
            .iter()
            .map(|region| region["type"].as_str().unwrap())
            .collect();
        lines.push(format!("{tag}: {}", types.join(" ")));
    }
    insta::allow_duplicates! { insta::assert_snapshot!(lines.join("\n"), @r"
    Text: TEXT_SPAN TEXT_SPAN OTHER TEXT_SPAN HYPER_TEXT_SPAN
    HyperText: HYPER_TEXT_SPAN HYPER_TEXT_SPAN HYPER_TEXT_SPAN HYPER_TEXT_SPAN HYPER_TEXT_SPAN
    Paragraphs: HYPER_TEXT_SPAN HYPER_TEXT_SPAN HYPER_TEXT_SPAN HYPER_TEXT_SPAN HYPER_TEXT_SPAN
    Audio: AUDIO AUDIO AUDIO AUDIO OTHER
    Video: AUDIO AUDIO AUDIO AUDIO OTHER
    TimeSeries: TIME_SERIES TIME_SERIES TIME_SERIES TIME_SERIES TIME_SERIES
    Image: TEXT_SPAN TEXT_SPAN AUDIO HYPER_TEXT_SPAN HYPER_TEXT_SPAN
    ") };
}

#[each_database]
async fn another_object_in_the_config_changes_types_and_index_together(app: TestApp) {
    let (project, task) = world(
        &app,
        &config("Text"),
        "STANDARD",
        json!({ "o": "some text" }),
    )
    .await;
    let (_, other) = world(
        &app,
        &config("Text"),
        "STANDARD",
        json!({ "o": "some text" }),
    )
    .await;
    let result = json!([span(&json!(0), &json!(4))]);
    for task in [&task, &task, &other] {
        create(&app.admin, task, json!({ "result": result }))
            .await
            .ok();
    }
    assert_eq!(ids_of_type(&app, "TEXT_SPAN").await, ["1", "2", "3"]);
    for (tag, kind) in [
        ("Audio", "AUDIO"),
        ("HyperText", "HYPER_TEXT_SPAN"),
        ("Text", "TEXT_SPAN"),
    ] {
        set_config(&app, &project, &config(tag)).await;
        let found = ids_of_type(&app, kind).await;
        assert_eq!(found[..2], ["1", "2"]);
        assert_eq!(found.len(), if tag == "Text" { 3 } else { 2 });
        let query = "{ annotation(id: 1) { regions { type } } }";
        assert_eq!(
            app.admin.run(query).await.data()["annotation"]["regions"],
            json!([{ "type": kind }])
        );
        check_index(&app).await;
    }
    // A refused change leaves it as it is.
    let before = app.dump().await;
    let query = "mutation($id: ID!, $config: String!) { updateProject(id: $id, input: { labelConfig: $config }) { id } }";
    let wrong = config("Audio").replace("Speech", "Noise");
    let refused = app
        .admin
        .run_with(query, json!({ "id": project, "config": wrong }))
        .await;
    assert_eq!(refused.code(), "BAD_USER_INPUT");
    assert_eq!(app.dump().await, before);
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn the_index_is_right_whoever_writes_while_a_config_changes(app: TestApp) {
    for _ in 0..4 {
        let (project, task) = world(&app, &config("Text"), "STANDARD", json!({})).await;
        let creates = (0..16).map(|_| {
            let (by, task) = (app.admin.clone(), task.clone());
            let result = json!([span(&json!(0), &json!(4))]);
            tokio::spawn(async move { create(&by, &task, json!({ "result": result })).await.ok() })
        });
        let creates: Vec<_> = creates.collect();
        set_config(&app, &project, &config("Audio")).await;
        for create in creates {
            create.await.unwrap();
        }
        check_index(&app).await;
    }
}

#[each_database]
async fn annotations_of_before_are_indexed_by_their_configs(app: TestApp) {
    let (_, task) = world(&app, &config("Audio"), "STANDARD", json!({})).await;
    let result = json!([span(&json!(0), &json!(4))]);
    create(&app.admin, &task, json!({ "result": result }))
        .await
        .ok();
    let db = app.app.db.writer();
    // As the version before the migration has read it.
    annotation_term::Entity::update_many()
        .col_expr(Term, Expr::val(Kind::TextSpan as i64))
        .filter(Term.eq(Kind::Audio as i64))
        .exec(db)
        .await
        .unwrap();
    assert!(ids_of_type(&app, "AUDIO").await.is_empty());
    let all = Migrator::migrations();
    let own = all
        .iter()
        .position(|step| step.name() == "m20261127_000035_index_by_config");
    let steps = u32::try_from(all.len() - own.unwrap()).unwrap();
    Migrator::down(db, Some(steps)).await.unwrap();
    Migrator::up(db, None).await.unwrap();
    while index::fill(&app.app).await.unwrap().is_some() {}
    assert_eq!(ids_of_type(&app, "AUDIO").await, ["1"]);
    assert_eq!(
        annotation_term_fill::Entity::find().one(db).await.unwrap(),
        None
    );
    check_index(&app).await;
}

#[each_database]
async fn messages_of_a_chat_are_regions_of_their_own_type(app: TestApp) {
    let config = r#"<View><Chat name="chat" value="$dialog"/></View>"#;
    let (_, task) = world(&app, config, "STRICT", json!({ "dialog": [] })).await;
    let message = |content: Value| json!({ "id": "m", "type": "chatmessage", "from_name": "chat", "to_name": "chat", "value": { "chatmessage": content } });
    let result = json!([
        message(json!({ "role": "user", "content": "hi", "createdAt": 1_761_626_717_856_i64 })),
        message(json!({ "role": "", "content": "", "createdAt": null })),
        message(
            json!({ "role": "tool", "content": "x", "createdAt": 9_000_000_000_000_000_000_i64 })
        ),
    ]);
    create(&app.admin, &task, json!({ "result": result }))
        .await
        .ok();
    let query = "{ annotation(id: 1) { regions { __typename type labels ... on ChatMessageRegion { role content createdAt } } } }";
    let answer = app.admin.run(query).await;
    let expected = |role: &str, content: &str, at: Value| json!({ "__typename": "ChatMessageRegion", "type": "CHAT_MESSAGE", "labels": [], "role": role, "content": content, "createdAt": at });
    let expected = json!([
        expected("user", "hi", json!("2025-10-28T04:45:17.856000Z")),
        expected("", "", Value::Null),
        expected("tool", "x", Value::Null),
    ]);
    assert_eq!(answer.data()["annotation"]["regions"], expected);
    assert_eq!(ids_of_type(&app, "CHAT_MESSAGE").await, ["1"]);
    for (key, value) in [
        ("role", json!(1)),
        ("content", Value::Null),
        ("createdAt", json!("soon")),
    ] {
        let mut content = json!({ "role": "user", "content": "hi" });
        content[key] = value;
        let refused = create(&app.admin, &task, json!({ "result": [message(content)] })).await;
        assert_eq!(
            refused.problems(),
            [format!("input.result.0.value.chatmessage.{key} WRONG_TYPE")]
        );
    }
}
