//! The bodies of the fuzz targets on the recorded data, and on what small accidents make of it.
//!
//! `fuzz/` has them for a fuzzer, which makes up inputs of its own.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{fs, path::Path};

use serde_json::{Value, json};

#[path = "../../../fuzz/targets.rs"]
mod targets;

use targets::DIVIDER;

const RECORDED: &str = "../../tests/fixtures/label-studio";

#[test]
fn configs_are_read_whatever_happens_to_them() {
    for (_, xml) in configs() {
        accidents(&xml, targets::config);
    }
}

#[test]
fn documents_are_read_whatever_happens_to_them() {
    for (_, result) in results() {
        accidents(&result, targets::document);
    }
}

#[test]
fn regions_are_read_whatever_happens_to_them() {
    for (_, result) in results() {
        accidents(&result, targets::region);
        odd_values(&result, |result| targets::region(result.as_bytes()));
    }
}

#[test]
fn results_are_checked_whatever_happens_to_them() {
    let configs = configs();
    for (name, result) in results() {
        for (_, xml) in configs.iter().filter(|(config, _)| *config == name) {
            let with_config = |result: &str| format!("{xml}{DIVIDER}{result}");
            accidents(&with_config(&result), targets::check);
            odd_values(&result, |result| {
                targets::check(with_config(result).as_bytes());
            });
        }
    }
}

#[test]
fn results_are_merged_and_edited_whatever_they_are() {
    let results = results();
    for (one, other) in results.iter().zip(results.iter().skip(1)) {
        let [one, other] = [&one.1, &other.1];
        for three in [[one, one, other], [one, other, one], [other, one, one]] {
            let parts = three.map(String::as_str).join(&DIVIDER.to_string());
            targets::merge(parts.as_bytes());
        }
        let entries: Vec<Value> = serde_json::from_str(other).unwrap();
        for entry in entries {
            targets::edit(format!("{one}{DIVIDER}{entry}").as_bytes());
        }
    }
}

#[test]
fn large_results_take_time_in_proportion() {
    // A quadratic step on one of these takes minutes, and the whole test as long.
    let region = |index: usize, id: &str| {
        json!({ "id": id, "from_name": "rect", "to_name": "image", "type": "rectanglelabels",
            "value": { "x": index % 90, "y": 1, "width": 1, "height": 1, "rectanglelabels": ["Car"] } })
    };
    let relation = |index: usize| json!({ "type": "relation", "direction": "right", "from_id": format!("r{index}"), "to_id": "r0" });
    let large: [Vec<Value>; 5] = [
        (0..25_000)
            .map(|index| region(index, &format!("r{index}")))
            .collect(),
        (0..25_000).map(|index| region(index, "same")).collect(),
        (0..25_000)
            .flat_map(|index| [region(index, &format!("r{index}")), relation(index)])
            .collect(),
        (0..25_000).map(relation).collect(),
        vec![
            json!({ "id": "m", "from_name": "brush", "to_name": "image", "type": "brushlabels",
            "value": { "format": "rle", "rle": vec![255; 1_200_000], "brushlabels": vec!["Sky"; 10_000] } }),
        ],
    ];
    let xml = fs::read_to_string(format!("{RECORDED}/configs/x-kitchen-sink.xml")).unwrap();
    for result in large {
        let result = json!(result).to_string();
        targets::region(result.as_bytes());
        targets::check(format!("{xml}{DIVIDER}{result}").as_bytes());
        targets::merge(format!("{result}{DIVIDER}[]{DIVIDER}{result}").as_bytes());
    }
}

/// The text, its beginnings and ends, and what a byte that is gone, doubled or another one makes of it.
fn accidents(text: &str, target: fn(&[u8])) {
    target(text.as_bytes());
    let bytes = text.as_bytes();
    let step = bytes.len() / 30 + 1;
    for at in (0..bytes.len()).step_by(step) {
        target(&bytes[..at]);
        target(&bytes[at..]);
        target(&[&bytes[..at], &bytes[at + 1..]].concat());
        target(&[&bytes[..=at], &bytes[at..]].concat());
        for other in *b"\"<[{0-\\&\xff" {
            let mut changed = bytes.to_vec();
            changed[at] = other;
            target(&changed);
        }
    }
}

/// The result with something odd in the place of one value after the other.
fn odd_values(result: &str, target: impl Fn(&str)) {
    let whole: Value = serde_json::from_str(result).unwrap();
    let mut places = Vec::new();
    collect(&whole, "", &mut places);
    for place in places.iter().take(60) {
        for odd in [
            json!(null),
            json!(-1),
            json!("1e999"),
            json!([[]]),
            json!({ "id": "x" }),
            json!(1e300),
        ] {
            let mut changed = whole.clone();
            *changed.pointer_mut(place).unwrap() = odd;
            target(&changed.to_string());
        }
    }
}

fn collect(value: &Value, place: &str, places: &mut Vec<String>) {
    places.push(place.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{place}/{index}"), places);
            }
        }
        Value::Object(entries) => {
            for (key, item) in entries {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect(item, &format!("{place}/{key}"), places);
            }
        }
        _ => {}
    }
}

/// The recorded configs, by name.
fn configs() -> Vec<(String, String)> {
    let mut configs = texts(&format!("{RECORDED}/configs"));
    configs.sort();
    assert!(configs.len() > 20);
    configs
}

/// The results of the recorded exports, each with the name of its config.
fn results() -> Vec<(String, String)> {
    let mut files = texts(&format!("{RECORDED}/exports"));
    let kitchen_sink = fs::read_to_string(format!("{RECORDED}/export.json")).unwrap();
    files.push(("x-kitchen-sink".to_owned(), kitchen_sink));
    files.sort();
    let mut results = Vec::new();
    for (name, text) in files {
        let tasks: Vec<Value> = serde_json::from_str(&text).unwrap();
        for list in tasks
            .iter()
            .flat_map(|task| [&task["annotations"], &task["predictions"]])
        {
            let all = list.as_array().into_iter().flatten();
            let texts = all
                .map(|one| &one["result"])
                .filter(|result| result.is_array());
            results.extend(texts.map(|result| (name.clone(), result.to_string())));
        }
    }
    assert!(results.len() > 20);
    results
}

fn texts(folder: &str) -> Vec<(String, String)> {
    let files = fs::read_dir(Path::new(folder)).unwrap();
    files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}
