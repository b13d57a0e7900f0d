//! Invalid configs: refused in every mutation with a config.

use std::{fs, process::Command};

use each_database::each_database;
use serde_json::{Value, json};

use crate::support::TestApp;

const BAD: &str = "<View>\n  <Text name=\"é\" value=\"$text\"/>\n  <Choices toName=\"é\"/>\n  <Labels name=\"é\" toName='t'><Label value=\"a\"/></Labels>\n</View>";

fn problem(line: u32, column: u32, message: &str) -> Value {
    json!({
        "path": ["input", "labelConfig"], "code": "INVALID_CONFIG", "message": message,
        "line": line, "column": column,
    })
}

/// What is wrong with [`BAD`].
fn faults() -> [Value; 4] {
    [
        problem(3, 3, "`<Choices>` needs the attribute `name`"),
        problem(
            3,
            3,
            "`<Choices>` needs a `<Choice>`, or a `value` that leads to a list of them",
        ),
        problem(4, 11, "the name `é` is taken by a tag in line 2"),
        problem(4, 20, "no tag has the name `t`"),
    ]
}

async fn projects(test: &TestApp, config: &str) -> [crate::support::Answer; 2] {
    let create = "mutation($config: String!) { createProject(input: { title: \"T\", labelConfig: $config }) { labelConfig } }";
    let update = "mutation($config: String) { updateProject(id: 1, input: { labelConfig: $config }) { labelConfig } }";
    let variables = json!({ "config": config });
    [
        test.admin.run_with(create, variables.clone()).await,
        test.admin.run_with(update, variables).await,
    ]
}

#[each_database]
async fn a_config_that_cannot_work_is_refused_with_every_place(test: TestApp) {
    test.project_with_task().await;
    let before = test.dump().await;
    for answer in projects(&test, BAD).await {
        assert_eq!(answer.error()["extensions"]["problems"], json!(faults()));
        assert_eq!(test.dump().await, before);
    }
    let long = format!("<View>{}</Text>", "\n".repeat(20_000));
    for (config, line, column) in [
        (" ", 1, 1),
        ("<View>\n<Text", 2, 1),
        ("<!DOCTYPE v><View/>", 1, 1),
        (long.as_str(), 20_001, 1),
    ] {
        for answer in projects(&test, config).await {
            let problems = &answer.error()["extensions"]["problems"];
            assert_eq!(problems.as_array().unwrap().len(), 1);
            assert_eq!(problems[0]["code"], "INVALID_CONFIG");
            assert_eq!(
                [&problems[0]["line"], &problems[0]["column"]],
                [line, column]
            );
            assert_eq!(test.dump().await, before);
        }
    }
    for config in [
        "",
        "<View/>",
        "<View><Text name=\"t\" value=\"$t\"/></View>",
    ] {
        for answer in projects(&test, config).await {
            assert!(
                answer.text.contains(&json!(config).to_string()),
                "{}",
                answer.text
            );
        }
    }
}

#[each_database]
async fn other_problems_are_told_along(test: TestApp) {
    let create = "mutation($config: String!) { createProject(input: { title: \"\", labelConfig: $config }) { id } }";
    let answer = test
        .admin
        .run_with(create, json!({ "config": "<View>" }))
        .await;
    assert_eq!(
        answer.problems(),
        [
            "input.title INVALID_FORMAT",
            "input.labelConfig INVALID_CONFIG"
        ]
    );
    assert_eq!(
        answer.error()["extensions"]["problems"][0].get("line"),
        None
    );
}

#[each_database]
async fn an_import_tells_where_the_config_is_wrong(test: TestApp) {
    let before = test.dump().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (config, tasks) = (path("config.xml", BAD), path("tasks.json", "[]"));
    let import = |flags: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_annograph"))
            .args(["import", &tasks, "--config", &config])
            .args(flags)
            .env("ANNOGRAPH_DATABASE_URL", &test.url)
            .env("ANNOGRAPH_LOG", "off")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let [out, err] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
        (out, err)
    };
    let (out, err) = import(&["--title", "T"]);
    assert_eq!(out, "");
    let lines: String = faults()
        .iter()
        .map(|it| {
            let message = it["message"].as_str().unwrap();
            format!("{config}:{}:{}: {message}\n", it["line"], it["column"])
        })
        .collect();
    assert_eq!(err, lines + "annograph: nothing was imported, see above\n");
    let (out, err) = import(&["--title", " ", "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["problemCount"], 5);
    assert_eq!(json["problems"][1], faults()[0]);
    assert!(
        err.starts_with("input.title: a project needs a title\n"),
        "{err}"
    );
    assert_eq!(test.dump().await, before);
}
