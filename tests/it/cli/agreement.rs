//! `annograph agreement`

use std::fs;

use serde_json::{Value, json};

use super::program::Program;

const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/label-studio/export.json"
);

fn choice(choice: &str, by: &Value) -> Value {
    let value = json!({ "choices": [choice] });
    let entry = json!({ "from_name": "c", "to_name": "t", "type": "choices", "value": value });
    json!({ "result": [entry], "completed_by": by })
}

#[test]
fn each_task_of_a_file_has_its_scores() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::in_folder(folder.path());
    insta::assert_snapshot!(program.run(&["agreement", RECORDED]).ok(), @r#"
    ITEM  ANNOTATIONS  IOU    SPAN_F1  EXACT_MATCH  COHENS_KAPPA  MEAN
    0     3            0.067  0.500    0.357        0.682         0.348
    1     3            0.029  1.000    0.714        0.682         0.674
    2     2            0.065  1.000    0.714        0.682         0.683
    3     2            0.035  1.000    0.714        0.682         0.675
    4     1            -      -        -            -             -
    5     1            -      -        -            -             -
    6     0            -      -        -            -             -
    7     0            -      -        -            -             -
    "#);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn lines_and_completions_are_compared_alike() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::in_folder(folder.path());
    let mut skipped = choice("bad", &json!(3));
    skipped["skipped"] = json!(true);
    let opinions = [
        choice("good", &json!(1)),
        choice("good", &json!(2)),
        skipped,
    ];
    let new = json!({ "annotations": opinions[..2] });
    let old = json!({ "completions": opinions });
    fs::write(folder.path().join("tasks.jsonl"), format!("{new}\n{old}\n")).unwrap();
    let lines = program.run(&["agreement", "tasks.jsonl", "--json"]).ok();
    insta::assert_snapshot!(lines, @r#"
    {"item":0,"annotations":2,"IOU":null,"SPAN_F1":null,"EXACT_MATCH":1.0,"COHENS_KAPPA":1.0,"MEAN":1.0}
    {"item":1,"annotations":2,"IOU":null,"SPAN_F1":null,"EXACT_MATCH":1.0,"COHENS_KAPPA":1.0,"MEAN":1.0}
    "#);
    fs::write(folder.path().join("broken.jsonl"), format!("{new}\n\n7\n")).unwrap();
    let refused = program.run(&["agreement", "broken.jsonl"]).refused();
    assert_eq!(
        refused,
        "annograph: item 1 (line 3): must be a JSON object\n"
    );
}

#[test]
fn people_are_known_by_id() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::in_folder(folder.path());
    let good = |by: Value| choice("good", &by);
    let bad = |by: Value| choice("bad", &by);
    let mut cancelled = good(json!(7));
    cancelled["was_cancelled"] = json!(true);
    let tasks = json!([
        { "annotations": [good(json!(1)), bad(json!({ "id": 1, "email": "a@b" })), cancelled] },
        { "annotations": [good(json!(1)), bad(json!({ "id": 2, "email": "a@b" })), good(json!(null))] },
        { "annotations": [good(json!(null)), bad(json!(null)), 7] },
        {},
    ]);
    fs::write(folder.path().join("tasks.json"), tasks.to_string()).unwrap();
    let lines = program.run(&["agreement", "tasks.json", "--json"]).ok();
    insta::assert_snapshot!(lines, @r#"
    {"item":0,"annotations":2,"IOU":null,"SPAN_F1":null,"EXACT_MATCH":null,"COHENS_KAPPA":null,"MEAN":null}
    {"item":1,"annotations":3,"IOU":null,"SPAN_F1":null,"EXACT_MATCH":0.3333333333333333,"COHENS_KAPPA":0.3333333333333333,"MEAN":0.3333333333333333}
    {"item":2,"annotations":2,"IOU":null,"SPAN_F1":null,"EXACT_MATCH":0.0,"COHENS_KAPPA":0.0,"MEAN":0.0}
    {"item":3,"annotations":0,"IOU":null,"SPAN_F1":null,"EXACT_MATCH":null,"COHENS_KAPPA":null,"MEAN":null}
    "#);
}

#[test]
fn a_config_tells_sound_from_text() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::in_folder(folder.path());
    let said = |end: i32| {
        let value = json!({ "start": 0, "end": end, "labels": ["a"] });
        let entry = json!({ "from_name": "l", "to_name": "o", "type": "labels", "value": value });
        json!({ "result": [entry] })
    };
    let tasks = json!([{ "annotations": [said(10), said(9)] }]);
    fs::write(folder.path().join("tasks.json"), tasks.to_string()).unwrap();
    let audio = r#"<View><Audio name="o" value="$o"/><Labels name="l" toName="o"><Label value="a"/></Labels></View>"#;
    fs::write(folder.path().join("config.xml"), audio).unwrap();
    let guessed = program.run(&["agreement", "tasks.json", "--json"]).ok();
    assert!(guessed.contains(r#""SPAN_F1":0.0"#), "{guessed}");
    let known = [
        "agreement",
        "tasks.json",
        "--json",
        "--config",
        "config.xml",
    ];
    let known = program.run(&known).ok();
    assert!(known.contains(r#""SPAN_F1":1.0"#), "{known}");
}

#[test]
fn what_is_no_file_of_tasks_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::in_folder(folder.path());
    for (text, message) in [
        ("[{}", ": the input ends before its list does\n"),
        ("[1]", "annograph: item 0: must be a JSON object\n"),
        (
            r#"[{"annotations": 1}]"#,
            "annograph: item 0, annotations: must be a list\n",
        ),
    ] {
        fs::write(folder.path().join("tasks.json"), text).unwrap();
        let told = program.run(&["agreement", "tasks.json"]).refused();
        assert!(told.contains(message), "{told}");
    }
}
