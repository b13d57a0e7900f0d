//! Benchmarks of checks of large results, in comparison with parsing the same text by serde_json.
//!
//!     cargo bench -p annograph-label-studio

use divan::{Bencher, black_box, counter::BytesCount};
use label_studio::{
    check::{Mode, Rules, check},
    config::Config,
};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONFIG: &str =
    include_str!("../../../tests/fixtures/label-studio/configs/x-kitchen-sink.xml");
const REGIONS: usize = 10_000;

/// Results of 10,000 regions, a mask of a million bytes, and a result with a problem in each region.
const RESULTS: [&str; 5] = ["boxes", "spans", "mask", "relations", "wrong labels"];

fn main() {
    divan::main();
}

fn result(name: &str) -> String {
    let rectangle = |n: usize, label: &str| {
        let x = (n % 90) as f64 + 0.123_456_789_012_345;
        json!({
            "original_width": 1920, "original_height": 1080, "image_rotation": 0,
            "value": { "x": x, "y": 12.345_678_901_234_5, "width": 5.5, "height": 7, "rotation": 0, "rectanglelabels": [label] },
            "id": format!("region{n:05}"), "from_name": "rect", "to_name": "image", "type": "rectanglelabels", "origin": "manual"
        })
    };
    let span = |n: usize| {
        json!({
            "value": { "start": n, "end": n + 7, "text": "a quoted text", "labels": ["PER"] },
            "id": format!("region{n:05}"), "from_name": "ner", "to_name": "text", "type": "labels", "origin": "manual"
        })
    };
    let relation = |n: usize| {
        let id = format!("region{n:05}");
        json!({ "type": "relation", "from_id": id, "to_id": id, "direction": "bi" })
    };
    let regions: Vec<Value> = match name {
        "boxes" => (0..REGIONS).map(|n| rectangle(n, "Car")).collect(),
        "spans" => (0..REGIONS).map(span).collect(),
        "relations" => {
            let spans = (0..REGIONS).map(span);
            spans.chain((0..REGIONS).map(relation)).collect()
        }
        "wrong labels" => (0..REGIONS).map(|n| rectangle(n, "Caar")).collect(),
        _ => {
            let mask: Vec<usize> = (0..1_000_000).map(|n| n % 256).collect();
            vec![
                json!({ "id": "a", "from_name": "brush", "to_name": "image", "type": "brushlabels", "value": { "format": "rle", "rle": mask, "brushlabels": ["Sky"] } }),
            ]
        }
    };
    Value::Array(regions).to_string()
}

#[divan::bench(args = RESULTS)]
fn check_standard(bencher: Bencher, name: &str) {
    checked(bencher, name, Mode::Standard);
}

#[divan::bench(args = RESULTS)]
fn check_strict(bencher: Bencher, name: &str) {
    checked(bencher, name, Mode::Strict);
}

fn checked(bencher: Bencher, name: &str, mode: Mode) {
    let config = Config::parse(CONFIG).expect("the config is right");
    let result = result(name);
    let data = json!({ "text": "x".repeat(REGIONS + 100) }).to_string();
    let rules = Rules {
        config: &config,
        mode,
        data: Some(&data),
        is_cancelled: false,
    };
    bencher
        .counter(BytesCount::of_str(&result))
        .bench_local(|| check(rules, black_box(&result), &[]));
}

#[divan::bench(args = RESULTS)]
fn parse_with_serde_json(bencher: Bencher, name: &str) {
    let result = result(name);
    bencher
        .counter(BytesCount::of_str(&result))
        .bench_local(|| serde_json::from_str::<Value>(black_box(&result)));
}

#[divan::bench(args = RESULTS)]
fn check_format(bencher: Bencher, name: &str) {
    let result = result(name);
    bencher
        .counter(BytesCount::of_str(&result))
        .bench_local(|| json_fidelity::check_result(black_box(&result), &[]));
}

#[divan::bench]
fn parse_config(bencher: Bencher) {
    bencher
        .counter(BytesCount::of_str(CONFIG))
        .bench_local(|| Config::parse(black_box(CONFIG)));
}
