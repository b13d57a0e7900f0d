//! Checks of the results in recorded exports against their labelling configs.

use std::collections::BTreeMap;

use label_studio::check::Mode;
use serde_json::Value;

use super::{
    check::wrong_with,
    config::{fixture, fixture_path},
};

/// The results in a file of tasks.
fn results(tasks: &str) -> Vec<(Value, Value)> {
    let tasks: Vec<Value> = serde_json::from_str(tasks).unwrap();
    let mut results = Vec::new();
    for task in tasks {
        for key in ["annotations", "predictions"] {
            let items = task[key].as_array().into_iter().flatten();
            let found = items.filter(|item| item["result"].is_array());
            results.extend(found.map(|item| (task["data"].clone(), item["result"].clone())));
        }
    }
    results
}

#[test]
fn what_label_studio_exported_fits_its_config() {
    let mut names: Vec<_> = std::fs::read_dir(fixture_path("exports"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    let exports = names.iter().map(|name| {
        let export = format!("exports/{name}.json");
        (export, format!("configs/{name}.xml"))
    });
    let kitchen_sink = (
        "export.json".to_owned(),
        "configs/x-kitchen-sink.xml".to_owned(),
    );
    // What the SDK made up is as wild as its models allow.
    let mut strictly = BTreeMap::<_, usize>::new();
    for (export, config) in exports.chain([kitchen_sink]) {
        let config = fixture(&config);
        for (data, result) in results(&fixture(&export)) {
            let data = data.to_string();
            let wrong = |mode| wrong_with(&config, mode, Some(&data), &result);
            assert_eq!(wrong(Mode::Standard), "", "{export}");
            for line in wrong(Mode::Strict).lines() {
                assert_ne!(export, "export.json", "{line}");
                let code = line.split(':').next().and_then(|it| it.rsplit(' ').next());
                *strictly.entry(code.unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    insta::assert_debug_snapshot!(strictly, @r#"
    {
        "OUT_OF_BOUNDS": 61,
        "REQUIRED": 10,
        "TOO_MANY": 42,
        "UNKNOWN_LABEL": 6,
    }
    "#);
}
