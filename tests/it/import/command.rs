//! `annograph import` and `annograph export`.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use each_database::each_database;
use serde_json::{Value, json};

use crate::support::TestApp;

/// Runs the program on the test's database.
pub fn annograph(test: &TestApp, args: &[&str], input: &str) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_annograph"))
        .args(args)
        .env("ANNOGRAPH_DATABASE_URL", &test.url)
        .env("ANNOGRAPH_LOG", "off")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A process that refuses its arguments does not read.
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    process.wait_with_output().unwrap()
}

pub fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

#[each_database]
async fn a_file_goes_in_and_comes_out(test: TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let config = "tests/fixtures/label-studio/configs/x-kitchen-sink.xml";
    let file = "tests/fixtures/label-studio/export.json";
    let title = [
        "import", file, "--title", "Streets", "--config", config, "--json",
    ];
    let output = annograph(&test, &title, "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let project = summary["projectId"].to_string();
    assert_eq!(summary["taskCount"], 8);
    assert_eq!(summary["annotationCount"], 14);
    assert_eq!(summary["draftCount"], 2);
    assert_eq!(summary["users"].as_array().unwrap().len(), 5);
    let query = format!("{{ project(id: {project}) {{ title labelConfig taskCount }} }}");
    let answer = test.admin.run(&query).await;
    let xml = std::fs::read_to_string(config).unwrap();
    let expected = json!({ "title": "Streets", "labelConfig": xml, "taskCount": 8 });
    assert_eq!(answer.data()["project"], expected);

    let streamed = annograph(&test, &["export", "--project", &project], "");
    assert!(streamed.status.success(), "{}", text(&streamed.stderr));
    let out = path("out.json");
    let args = ["export", "--project", &project, "-o", &out, "--json"];
    let written = annograph(&test, &args, "");
    assert!(written.status.success(), "{}", text(&written.stderr));
    let counts: Value = serde_json::from_slice(&written.stdout).unwrap();
    let project_id: i64 = project.parse().unwrap();
    let expected = json!({ "projectId": project_id, "taskCount": 8, "annotationCount": 14 });
    assert_eq!(counts, expected);
    assert_eq!(std::fs::read(&out).unwrap(), streamed.stdout);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let more = annograph(
        &test,
        &["import", "-", "--project", &project],
        text(&streamed.stdout),
    );
    assert!(more.status.success(), "{}", text(&more.stderr));
    let told = text(&more.stdout);
    assert!(
        told.starts_with("Imported 8 tasks, 14 annotations, "),
        "{told}"
    );
    let answer = test.admin.run(&query).await;
    assert_eq!(answer.data()["project"]["taskCount"], 16);
}

#[each_database]
async fn a_bad_file_fails_with_every_problem(test: TestApp) {
    let before = test.dump().await;
    let file = r#"[{ "data": {} }, { "data": 1 }, { "data": {}, "annotations": [{}] }]"#;
    let output = annograph(&test, &["import", "-", "--title", "T"], file);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "item 1, data: must be an object\n\
         item 2, annotations.0.result: is missing\n\
         annograph: nothing was imported, see above\n"
    );
    let output = annograph(&test, &["import", "-", "--title", "T", "--json"], file);
    assert_eq!(output.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["problemCount"], 2);
    assert_eq!(
        json["problems"][1]["path"],
        json!([2, "annotations", 0, "result"])
    );
    assert_eq!(json["problems"][1]["code"], "REQUIRED");
    assert_eq!(test.dump().await, before);
    let output = annograph(&test, &["export", "--project", "99"], "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "annograph: no such project\n");
    assert_eq!(text(&output.stdout), "");
}

#[each_database]
async fn a_user_map_is_a_json_object(test: TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let map = folder.path().join("map.json");
    std::fs::write(&map, r#"{ "7": "admin", "Ann@Example.com": 1 }"#).unwrap();
    let map = map.display().to_string();
    let file = r#"[{ "data": {}, "annotations": [
        { "result": [], "completed_by": 7 },
        { "result": [], "completed_by": { "email": "ann@example.com" } }
    ] }]"#;
    let args = [
        "import",
        "-",
        "--title",
        "T",
        "--user-map",
        &map,
        "--users",
        "strict",
    ];
    let output = annograph(&test, &args, file);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let answer = test
        .admin
        .run("{ annotations { nodes { completedBy { id } } } }")
        .await;
    let admin = json!({ "completedBy": { "id": "1" } });
    assert_eq!(answer.data()["annotations"]["nodes"], json!([admin, admin]));
}
