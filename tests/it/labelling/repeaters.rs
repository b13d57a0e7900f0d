//! Controls of a `Repeater`: names with an index, in every look-up.

use each_database::each_database;
use serde_json::{Value, json};

use super::config::fixture_path;
use crate::{
    graphql::{create, update},
    support::{Answer, TestApp},
};

pub fn report(name: &str) -> String {
    let path = fixture_path("../reports").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The result of the report: a box and its kind on each of two pages.
fn two_pages() -> Value {
    let tasks: Value = serde_json::from_str(&report("repeater.tasks.json")).unwrap();
    tasks[0]["annotations"][0]["result"].clone()
}

/// A project with a config, and a task with two pages; the ids of both.
pub async fn world(app: &TestApp, config: &str, mode: &str, data: Value) -> (String, String) {
    let query = "mutation($input: CreateProjectInput!) { createProject(input: $input) { id } }";
    let input = json!({ "title": "T", "labelConfig": config, "checkMode": mode });
    let answer = app.admin.run_with(query, json!({ "input": input })).await;
    let project = answer.data()["createProject"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let query = "mutation($id: ID!, $data: JSONObject!) { createTasks(projectId: $id, tasks: [{ data: $data }]) { id } }";
    let answer = app
        .admin
        .run_with(query, json!({ "id": project, "data": data }))
        .await;
    let task = answer.data()["createTasks"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    (project, task)
}

async fn pages(app: &TestApp, mode: &str) -> (String, String) {
    let data = json!({ "pages": [{ "url": "a" }, { "url": "b" }] });
    world(app, &report("repeater.config.xml"), mode, data).await
}

/// Code and message of each problem, with its path.
fn told(answer: &Answer) -> Vec<String> {
    let problems = &answer.error()["extensions"]["problems"];
    let messages = problems.as_array().unwrap().iter();
    let messages = messages.map(|problem| problem["message"].as_str().unwrap());
    let pairs = answer.problems().into_iter().zip(messages);
    pairs
        .map(|(place, message)| format!("{place}: {message}"))
        .collect()
}

#[each_database]
async fn controls_of_a_repeater_can_be_saved(app: TestApp) {
    for mode in ["STANDARD", "STRICT"] {
        let (_, task) = pages(&app, mode).await;
        let created = create(&app.admin, &task, json!({ "result": two_pages() })).await;
        let id = created.data()["createAnnotation"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        update(&app.admin, &id, json!({ "result": two_pages() }))
            .await
            .ok();
        let mut moved = two_pages()[2].clone();
        moved["value"]["x"] = json!(20);
        update(&app.admin, &id, json!({ "regions": { "upsert": [moved] } }))
            .await
            .ok();
    }
}

#[each_database]
async fn names_that_no_page_can_have_are_refused(app: TestApp) {
    let (_, task) = pages(&app, "STANDARD").await;
    let created = create(&app.admin, &task, json!({ "result": two_pages() })).await;
    let id = created.data()["createAnnotation"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut refusals = Vec::new();
    for (key, other) in [
        ("from_name", "labels_x"),
        ("from_name", "labels_"),
        ("from_name", "label_0"),
        ("from_name", "label_3"),
        ("from_name", "labels_00"),
        ("from_name", "labels_{{idx}}"),
        ("to_name", "page_1"),
        ("to_name", "page_x"),
        ("to_name", "page_{{idx}}"),
        ("label", "Stamp"),
    ] {
        let mut region = two_pages()[0].clone();
        match key {
            "label" => region["value"]["rectanglelabels"] = json!([other]),
            key => region[key] = json!(other),
        }
        let before = app.dump().await;
        let refused = create(&app.admin, &task, json!({ "result": [region] })).await;
        refusals.extend(told(&refused));
        // An edit of the region alone meets the same.
        let edit = json!({ "regions": { "upsert": [region] } });
        let edited = update(&app.admin, &id, edit).await;
        assert_eq!(edited.problems().len(), 1);
        assert_eq!(app.dump().await, before);
    }
    insta::allow_duplicates! { insta::assert_snapshot!(refusals.join("\n"), @r#"
    input.result.0.from_name UNKNOWN_CONTROL: the labelling config has no control "labels_x", only "labels_{{idx}}" and "kind_{{idx}}"; did you mean "labels_0"?
    input.result.0.from_name UNKNOWN_CONTROL: the labelling config has no control "labels_", only "labels_{{idx}}" and "kind_{{idx}}"; did you mean "labels_0"?
    input.result.0.from_name UNKNOWN_CONTROL: the labelling config has no control "label_0", only "labels_{{idx}}" and "kind_{{idx}}"; did you mean "labels_0"?
    input.result.0.from_name UNKNOWN_CONTROL: the labelling config has no control "label_3", only "labels_{{idx}}" and "kind_{{idx}}"; did you mean "labels_3"?
    input.result.0.from_name UNKNOWN_CONTROL: the labelling config has no control "labels_00", only "labels_{{idx}}" and "kind_{{idx}}"; did you mean "labels_0"?
    input.result.0.from_name UNKNOWN_CONTROL: "labels_{{idx}}" repeats: in a result it has an index, as in "labels_0"
    input.result.0.to_name UNKNOWN_OBJECT: `labels_0` works on "page_0", not on "page_1"
    input.result.0.to_name UNKNOWN_OBJECT: the labelling config has no object "page_x", only "page_{{idx}}"; did you mean "page_0"?
    input.result.0.to_name UNKNOWN_OBJECT: "page_{{idx}}" repeats: in a result it has an index, as in "page_0"
    input.result.0.value.rectanglelabels.0 UNKNOWN_LABEL: `labels_0` has no label "Stamp", only "Title" and "Date"
    "#) };
}

#[each_database]
async fn an_import_of_repeated_controls_has_no_note(app: TestApp) {
    let (project, _) = pages(&app, "STANDARD").await;
    let query = "mutation($id: ID!, $tasks: [JSONObject!]!) {
        importTasks(projectId: $id, tasks: $tasks, misfits: NOTE) { annotationCount notes { message } } }";
    let tasks: Value = serde_json::from_str(&report("repeater.tasks.json")).unwrap();
    let answer = app
        .admin
        .run_with(query, json!({ "id": project, "tasks": tasks }))
        .await;
    let expected = json!({ "annotationCount": 1, "notes": [] });
    assert_eq!(answer.data()["importTasks"], expected);
}

const REQUIRED: &str = r#"<View><Repeater on="$turns" indexFlag="@">
  <Text name="turn_@" value="$turns[@].text"/>
  <Choices name="intent_@" toName="turn_@" required="true"><Choice value="ask"/><Choice value="turn @" alias="t@"/></Choices>
  <Labels name="span_@" toName="turn_@"><Label value="L"/></Labels>
  <TextArea name="why_@" toName="turn_@" perRegion="true" required="true"/>
</Repeater></View>"#;

fn intent(turn: usize, choice: &str) -> Value {
    json!({ "id": format!("i{turn}"), "from_name": format!("intent_{turn}"), "to_name": format!("turn_{turn}"), "type": "choices",
        "value": { "choices": [choice] } })
}

#[each_database]
async fn what_is_required_is_due_once_for_each_item_that_the_task_has(app: TestApp) {
    let turns = json!({ "turns": [{ "text": "hi" }, { "text": "hello there" }] });
    let (_, task) = world(&app, REQUIRED, "STRICT", turns).await;
    let both = json!({ "result": [intent(0, "ask"), intent(1, "t1")] });
    create(&app.admin, &task, both).await.ok();
    let span = |turn: usize, end: usize| {
        json!({ "id": "s", "from_name": format!("span_{turn}"), "to_name": format!("turn_{turn}"), "type": "labels",
                "value": { "start": 0, "end": end, "labels": ["L"] } })
    };
    let mut refusals = Vec::new();
    for result in [
        json!([]),
        json!([intent(1, "ask")]),
        json!([intent(0, "t1"), intent(1, "turn 1")]),
        json!([intent(0, "ask"), intent(1, "ask"), span(0, 3)]),
        json!([intent(0, "ask"), intent(1, "ask"), span(1, 3)]),
    ] {
        let refused = create(&app.admin, &task, json!({ "result": result })).await;
        refusals.push(told(&refused).join("\n"));
    }
    insta::allow_duplicates! { insta::assert_snapshot!(refusals.join("\n\n"), @r#"
    input.result REQUIRED: `intent_0` has to be answered
    input.result REQUIRED: `intent_1` has to be answered

    input.result REQUIRED: `intent_0` has to be answered

    input.result.0.value.choices.0 UNKNOWN_LABEL: `intent_0` has no choice "t1", only "ask" and "t0"; did you mean "t0"?
    input.result.1.value.choices.0 UNKNOWN_LABEL: `intent_1` has no choice "turn 1", only "ask" and "t1"

    input.result.2.value.end OUT_OF_BOUNDS: must be at most 2, the length of the text, is 3
    input.result.2 REQUIRED: `why_0` has to be answered for this region

    input.result.2 REQUIRED: `why_1` has to be answered for this region
    "#) };
    // Nobody knows how many items there are: nothing is due.
    for data in [json!({}), json!({ "turns": "x" }), json!({ "turns": [] })] {
        let (_, task) = world(&app, REQUIRED, "STRICT", data).await;
        create(&app.admin, &task, json!({ "result": [] }))
            .await
            .ok();
    }
}

#[each_database]
async fn a_control_tells_what_it_repeats_over(app: TestApp) {
    let config = r##"<View><Text name="t" value="$text"/><Rating name="whole" toName="t"/>
      <Repeater on="$pages"><Repeater on="$pages[{{idx}}].lines" indexFlag="#">
        <Text name="line_{{idx}}_#" value="$pages[{{idx}}].lines[#]"/>
        <Rating name="r_{{idx}}_#" toName="line_{{idx}}_#"/>
      </Repeater></Repeater></View>"##;
    let (project, task) = world(&app, config, "STANDARD", json!({})).await;
    let query = format!(
        "{{ project(id: {project}) {{ controls {{ name repeaters {{ variable indexFlag }} objects {{ name variable repeaters {{ variable }} }} }} }} }}"
    );
    let answer = app.admin.run(&query).await;
    let expected = json!([
        { "name": "whole", "repeaters": [], "objects": [{ "name": "t", "variable": "text", "repeaters": [] }] },
        { "name": "r_{{idx}}_#", "repeaters": [{ "variable": "pages", "indexFlag": "{{idx}}" }, { "variable": "pages[{{idx}}].lines", "indexFlag": "#" }],
          "objects": [{ "name": "line_{{idx}}_#", "variable": "pages[{{idx}}].lines[#]", "repeaters": [{ "variable": "pages" }, { "variable": "pages[{{idx}}].lines" }] }] },
    ]);
    assert_eq!(answer.data()["project"]["controls"], expected);
    let rating = |from: &str, to: &str| json!({ "from_name": from, "to_name": to, "type": "rating", "value": { "rating": 1 } });
    create(
        &app.admin,
        &task,
        json!({ "result": [rating("r_3_14", "line_3_14")] }),
    )
    .await
    .ok();
    for (from, to) in [
        ("r_3_14", "line_3_1"),
        ("r_3_14", "line_14_3"),
        ("r_3", "line_3"),
        ("r_3_14", "t"),
    ] {
        let refused = create(&app.admin, &task, json!({ "result": [rating(from, to)] })).await;
        assert_eq!(refused.problems().len(), 1, "{from} {to}");
    }
}

#[each_database]
async fn a_config_change_looks_at_repeated_controls_too(app: TestApp) {
    let (project, task) = pages(&app, "STANDARD").await;
    create(&app.admin, &task, json!({ "result": two_pages() }))
        .await
        .ok();
    let query = "mutation($id: ID!, $config: String!) { updateProject(id: $id, input: { labelConfig: $config }) { id } }";
    let set = async |config: String| {
        app.admin
            .run_with(query, json!({ "id": project, "config": config }))
            .await
    };
    let config = report("repeater.config.xml");
    set(config.replace("Date", "Day")).await.ok();
    let refused = set(config.replace("Title", "Heading")).await;
    assert_eq!(
        told(&refused),
        [
            "input.labelConfig UNFIT_RESULT: the label `Title` of `labels_{{idx}}` is used by 1 annotation (1)"
        ]
    );
    let refused = set(config.replace("kind_", "sort_")).await;
    assert_eq!(
        told(&refused),
        ["input.labelConfig UNFIT_RESULT: the control `kind_{{idx}}` is used by 1 annotation (1)"]
    );
    // Without its Repeater a control has no index.
    let refused = set(config.replace("Repeater", "View")).await;
    assert_eq!(refused.problems().len(), 2);
}

#[each_database]
async fn repeated_controls_agree_item_by_item(app: TestApp) {
    let turns = json!({ "turns": [{}, {}] });
    let (_, task) = world(&app, REQUIRED, "STANDARD", turns).await;
    for result in [
        json!([intent(0, "ask"), intent(1, "t1")]),
        json!([intent(0, "ask"), intent(1, "ask")]),
    ] {
        create(&app.admin, &task, json!({ "result": result }))
            .await
            .ok();
    }
    let query = "{ annotation(id: 1) { agreementWith(id: 2, metric: EXACT_MATCH) } }";
    assert_eq!(
        app.admin.run(query).await.data()["annotation"]["agreementWith"],
        0.5
    );
}
