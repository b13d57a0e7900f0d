//! Checks of imported files against the labelling config of the project.

use annograph::{
    domain::{
        import::{self, Failure, Misfits, Summary, Target},
        project,
    },
    error::{Problem, dotted},
};
use each_database::each_database;
use entity::project::CheckMode;
use serde_json::json;

use super::into_new_project;
use crate::support::TestApp;

const CONFIG: &str = r#"<View><Text name="t" value="$text"/>
  <Choices name="c" toName="t" choice="single" required="true"><Choice value="a"/><Choice value="b"/></Choices></View>"#;

fn file() -> String {
    let choose = |choices: &[&str]| json!([{ "from_name": "c", "to_name": "t", "type": "choices", "value": { "choices": choices } }]);
    json!([
        { "data": { "text": "x" }, "annotations": [{ "result": choose(&["a"]) }] },
        {
            "data": { "text": "y" },
            "annotations": [
                { "result": choose(&["z"]) },
                { "result": choose(&["a", "b"]) },
                { "result": [], "was_cancelled": true },
            ],
            "predictions": [7, { "result": choose(&["y"]) }, { "result": [] }],
            "drafts": [{ "user": "ann@example.com", "result": [{ "half": "done" }] }],
        },
    ])
    .to_string()
}

async fn import(test: &TestApp, mode: CheckMode, misfits: Misfits) -> Result<Summary, Failure> {
    let options = import::Options {
        target: Target::New {
            project: project::New {
                title: "Imported".to_owned(),
                label_config: CONFIG.to_owned(),
                check_mode: mode,
                ..Default::default()
            },
            created_by_id: None,
        },
        misfits,
        ..into_new_project()
    };
    let source = std::io::Cursor::new(file().into_bytes());
    import::run(&test.app, source, &options, |_| {}).await
}

fn places(problems: &[Problem]) -> Vec<String> {
    problems
        .iter()
        .map(|problem| dotted(&problem.path))
        .collect()
}

const WRONG_LABELS: [&str; 2] = [
    "1.annotations.0.result.0.value.choices.0",
    "1.predictions.1.result.0.value.choices.0",
];

#[each_database]
async fn what_does_not_fit_is_imported_and_noted(test: TestApp) {
    let summary = import(&test, CheckMode::Standard, Misfits::Note)
        .await
        .unwrap();
    let notes: Vec<_> = summary
        .notes
        .told
        .iter()
        .map(|note| dotted(&note.path))
        .collect();
    assert_eq!(notes, WRONG_LABELS);
    let note = json!(summary.notes.told[0]);
    assert_eq!(note["code"], "UNKNOWN_LABEL");
    assert_eq!(summary.counts.annotations, 4);
    // The config of a project that is there counts alike, and its mode does.
    for (mode, expected) in [(CheckMode::Strict, 3), (CheckMode::Off, 0)] {
        let summary = import(&test, mode, Misfits::Note).await.unwrap();
        assert_eq!(summary.notes.count(), expected);
        let options = import::Options {
            target: Target::Project(summary.project_id),
            ..into_new_project()
        };
        let source = std::io::Cursor::new(file().into_bytes());
        let summary = import::run(&test.app, source, &options, |_| {})
            .await
            .unwrap();
        assert_eq!(summary.notes.count(), expected);
    }
    let summary = import(&test, CheckMode::Strict, Misfits::Ignore)
        .await
        .unwrap();
    assert_eq!(summary.notes.count(), 0);
}

#[each_database]
async fn what_does_not_fit_can_be_refused(test: TestApp) {
    let before = test.dump().await;
    let refused = import(&test, CheckMode::Standard, Misfits::Refuse).await;
    let Err(Failure::Refused(problems)) = refused else {
        panic!("it was imported");
    };
    assert_eq!(places(&problems.told), WRONG_LABELS);
    assert_eq!(test.dump().await, before);
    import(&test, CheckMode::Off, Misfits::Refuse)
        .await
        .unwrap();
}
