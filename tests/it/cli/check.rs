//! `annograph check`: a file against a labelling config, without a database.

use std::fs;

use serde_json::{Value, json};

use super::program::Program;

const CONFIG: &str = r#"<View>
  <Text name="t" value="$text"/>
  <Choices name="c" toName="t"><Choice value="good"/><Choice value="bad"/></Choices>
</View>"#;

fn choice(choices: &Value) -> Value {
    json!({ "id": "a", "from_name": "c", "to_name": "t", "type": "choices", "value": { "choices": choices } })
}

fn tasks() -> Value {
    json!([
        { "data": { "text": "x" }, "annotations": [{ "result": [choice(&json!(["good"]))] }, { "result": null }], "predictions": [7] },
        { "data": { "text": "x" }, "annotations": [{ "result": [choice(&json!(["good", "bad"]))] }] },
        { "data": {}, "annotations": [{}], "predictions": [9, { "result": [choice(&json!(["god"])), 1] }, { "result": [choice(&json!(["god"])), {}] }] },
        "text",
    ])
}

/// A program in a folder with these files.
fn program(files: &[(&str, &str)]) -> (tempfile::TempDir, Program) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let program = Program::in_folder(folder.path());
    (folder, program)
}

#[test]
fn every_problem_is_printed_with_its_place() {
    let tasks = tasks().to_string();
    let (folder, program) = program(&[("tasks.json", &tasks), ("config.xml", CONFIG)]);
    let checked = program.run(&["check", "tasks.json", "--config", "config.xml"]);
    assert_eq!(checked.code, Some(1));
    insta::assert_snapshot!(checked.out, @r#"
    item 2, annotations.0.result: `result` is missing
    item 2, predictions.1.result.1: must be an object
    item 2, predictions.2.result.0.value.choices.0: `c` has no choice "god", only "good" and "bad"; did you mean "good"?
    item 2, predictions.2.result.1.from_name: `from_name` is missing
    item 2, predictions.2.result.1.to_name: `to_name` is missing
    item 2, predictions.2.result.1.type: `type` is missing
    item 2, predictions.2.result.1.value: `value` is missing
    item 3: must be a JSON object
    "#);
    insta::assert_snapshot!(checked.err, @r#"
    annograph: problems: 8 (results: 6, refused: 3)
    "#);

    let strict = program.run(&[
        "check",
        "tasks.json",
        "--config",
        "config.xml",
        "--mode",
        "strict",
    ]);
    insta::assert_snapshot!(strict.out.lines().next().unwrap(), @r#"
    item 1, annotations.0.result.0.value.choices: `c` takes one choice, not 2
    "#);

    let format = program.run(&["check", "tasks.json"]);
    insta::assert_snapshot!(format.out, @r#"
    item 2, annotations.0.result: `result` is missing
    item 2, predictions.1.result.1: must be an object
    item 3: must be a JSON object
    "#);

    let json = program.run(&["check", "tasks.json", "--config", "config.xml", "--json"]);
    let first = json.out.lines().nth(1).unwrap();
    insta::assert_snapshot!(first, @r#"
    {"path":[2,"predictions",1,"result",1],"code":"WRONG_TYPE","message":"must be an object"}
    "#);
    assert_eq!(json.out.lines().count(), checked.out.lines().count());
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "it left something behind"
    );
}

#[test]
fn what_fits_is_said_in_a_line() {
    let tasks = json!({ "annotations": [{ "result": [choice(&json!(["good"]))] }] }).to_string();
    let (_folder, program) = program(&[("tasks.json", &tasks), ("config.xml", CONFIG)]);
    let arguments = ["check", "tasks.json", "--config", "config.xml"];
    assert_eq!(
        program.run(&arguments).ok(),
        "nothing is wrong (results: 1)\n"
    );
    let json = program.run(&[&arguments[..], &["--json"]].concat());
    assert_eq!(
        (json.ok(), json.err.as_str()),
        (String::new(), "nothing is wrong (results: 1)\n")
    );
}

#[test]
fn problems_are_never_too_many() {
    let annotation = json!({ "result": [choice(&json!(["god"]))] });
    let tasks = json!([{ "annotations": vec![annotation; 1500] }]).to_string();
    let (_folder, program) = program(&[("tasks.json", &tasks), ("config.xml", CONFIG)]);
    let checked = program.run(&["check", "tasks.json", "--config", "config.xml"]);
    assert_eq!(checked.out.lines().count(), 1500);
}

#[test]
fn lines_of_json_are_checked_and_told() {
    let good = json!({ "data": {}, "annotations": [{ "result": [choice(&json!(["good"]))] }] });
    let bad = json!({ "data": {}, "completions": [{ "result": [choice(&json!(["god"]))] }] });
    let lines = format!("{good}\n\n{bad}\nx\n");
    let (_folder, program) = program(&[("tasks.jsonl", &lines), ("config.xml", CONFIG)]);
    let checked = program.run(&["check", "tasks.jsonl", "--config", "config.xml"]);
    let mut told = checked.out.lines();
    let first = told.next().unwrap();
    let place = "item 1 (line 3), completions.0.result.0.value.choices.0: ";
    assert!(first.starts_with(place), "{first}");
    assert_eq!(told.next(), Some("item 2 (line 4): must be a JSON object"));
    let json = program.run(&["check", "tasks.jsonl", "--json"]);
    insta::assert_snapshot!(json.out, @r#"
    {"path":[2],"code":"INVALID_FORMAT","message":"must be a JSON object","line":4,"column":1}
    "#);
}

#[test]
fn what_can_not_be_checked_is_said() {
    let broken = r#"<View><Choices name="c" toName="t"/></View>"#;
    let (_folder, program) = program(&[("tasks.json", "[{}"), ("config.xml", broken)]);
    for (arguments, message) in [
        (
            &["check", "tasks.json"][..],
            ": the input ends before its list does\n",
        ),
        (
            &["check", "missing.json"],
            "annograph: can't read missing.json: No such file or directory (os error 2)\n",
        ),
    ] {
        let ended = program.run(arguments);
        assert_eq!(ended.code, Some(1));
        assert!(
            [ended.out, ended.err].concat().contains(message),
            "{message}"
        );
    }
    let refused = program
        .run(&["check", "tasks.json", "--config", "config.xml"])
        .refused();
    insta::assert_snapshot!(refused, @r#"
    config.xml:1:7: `<Choices>` needs a `<Choice>`, or a `value` that leads to a list of them
    config.xml:1:25: no tag has the name `t`
    annograph: the labelling config can't work, see above
    "#);
}
