//! Recorded configs of Label Studio, with its verdicts.

use std::{fmt::Write, fs, path::PathBuf};

use label_studio::config::{Choice, Config, Control};
use serde_json::Value;

pub fn fixture(path: &str) -> String {
    fs::read_to_string(fixture_path(path)).unwrap()
}

pub fn fixture_path(path: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/fixtures/label-studio").join(path)
}

#[test]
fn label_studios_verdicts_hold() {
    let rows = fixture("config-validation.jsonl");
    assert_eq!(rows.lines().count(), 43);
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let xml = match row["config_file"].as_str() {
            Some(path) => fixture(path),
            None => row["config"].as_str().unwrap().to_owned(),
        };
        let verdict = Config::parse(&xml);
        let accepted = row["status"] == 204;
        assert_eq!(verdict.is_ok(), accepted, "{}: {verdict:?}", row["name"]);
    }
}

#[test]
fn every_kind_of_control_is_understood() {
    let config = Config::parse(&fixture("configs/x-kitchen-sink.xml")).unwrap();
    let mut lines = String::new();
    for control in &config.controls {
        writeln!(lines, "{}", line(control)).unwrap();
    }
    insta::assert_snapshot!(lines, @r#"
    rect:RectangleLabels→image ["Car", "person"]
    poly:PolygonLabels→image ["Road", "Building"]
    kp:KeyPointLabels→image ["Nose"]
    ell:EllipseLabels→image ["Wheel"]
    brush:BrushLabels→image ["Sky"]
    quality:Choices→image ["good", "bad"]
    tags:Choices→image ["day", "night", "rain"] multiple
    caption:TextArea→image [] submissions=3
    ocr:TextArea→image [] perRegion
    stars:Rating→image []
    objects:Number→image [] min=0 max=50
    taken:DateTime→image []
    species:Taxonomy→image ["Animal", "Animal/Cat", "Animal/Dog", "Plant"]
    ner:Labels→text ["PER", "ORG"]
    better:Pairwise→left+right []
    tsl:TimeSeriesLabels→ts ["Run", "Walk"]
    vbox:VideoRectangle→video []
    vlabels:Labels→video ["Ball"]
    speaker:Labels→audio ["A", "B"]
    htl:HyperTextLabels→html ["Title"]
    para:ParagraphLabels→dialogue ["Question", "Answer"]
    "#);
    let objects: Vec<_> = config
        .objects
        .iter()
        .map(|it| format!("{}:{}={}", it.name, it.tag, it.variable.as_deref().unwrap()))
        .collect();
    insta::assert_snapshot!(objects.join(" "), @"image:Image=image text:Text=text left:Text=left right:Text=right ts:TimeSeries=series video:Video=video audio:Audio=audio html:HyperText=html dialogue:Paragraphs=dialogue");
    let relations: Vec<_> = config
        .relation_labels
        .iter()
        .map(|it| it.stored.as_str())
        .collect();
    assert_eq!(relations, ["drives", "next to"]);
    assert_eq!(config.control("rect").unwrap().location.line, 3);
}

#[test]
fn results_of_label_studio_name_what_its_configs_have() {
    let exports =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/label-studio/exports");
    let mut seen = 0;
    for file in fs::read_dir(exports).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let config = Config::parse(&fixture(&format!("configs/{name}.xml"))).unwrap();
        let tasks: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let annotations = tasks
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|task| task["annotations"].as_array().unwrap());
        for region in annotations.flat_map(|it| it["result"].as_array().unwrap()) {
            let Some(from) = region["from_name"].as_str() else {
                assert_eq!(region["type"], "relation", "{name}");
                continue;
            };
            let control = config
                .control(from)
                .unwrap_or_else(|| panic!("{name}: {from}"));
            let to = region["to_name"].as_str().unwrap();
            assert!(control.to_names.iter().any(|it| it == to), "{name}: {to}");
            assert!(config.object(to).is_some(), "{name}: {to}");
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}

/// `name:Kind→objects [labels] settings`
fn line(control: &Control) -> String {
    let mut line = format!(
        "{}:{:?}→{} {:?}",
        control.name,
        control.kind,
        control.to_names.join("+"),
        control
            .labels
            .iter()
            .map(|label| {
                let mut path = control.parents(label);
                path.push(&label.stored);
                path.join("/")
            })
            .collect::<Vec<_>>(),
    );
    if control.choice == Choice::Multiple {
        line += " multiple";
    }
    if control.is_per_region {
        line += " perRegion";
    }
    let numbers = [
        ("min", control.min.map(|it| it.to_string())),
        ("max", control.max.map(|it| it.to_string())),
        (
            "submissions",
            control.max_submissions.map(|it| it.to_string()),
        ),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            write!(line, " {name}={number}").unwrap();
        }
    }
    line
}
