//! Benchmarks of the readings of a result by an update of an annotation: results of 8 and of 800 boxes, 2 KB and 200 KB.
//!
//!     cargo bench -p annograph-label-studio --bench update

use divan::{Bencher, black_box, counter::BytesCount};
use json_fidelity::are_equivalent;
use label_studio::{
    check::{Mode, Rules, check},
    config::Config,
    entry::entries,
    region::Content,
};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONFIG: &str =
    include_str!("../../../tests/fixtures/label-studio/configs/x-kitchen-sink.xml");
/// Numbers of regions.
const SIZES: [usize; 2] = [8, 800];

fn main() {
    divan::main();
}

/// Result with this position of the middle region.
fn result(regions: usize, middle: f64) -> Value {
    let region = |n: usize| {
        let x = if n == regions / 2 {
            middle
        } else {
            (n % 90) as f64 + 0.123_456_789_012_345
        };
        json!({
            "original_width": 1920, "original_height": 1080, "image_rotation": 0,
            "value": { "x": x, "y": 12.345_678_901_234_5, "width": 5.5, "height": 7, "rotation": 0, "rectanglelabels": ["Car"] },
            "id": format!("region{n:04}"), "from_name": "rect", "to_name": "image", "type": "rectanglelabels", "origin": "manual"
        })
    };
    (0..regions).map(region).collect()
}

fn compared(bencher: Bencher, one: &str, other: &str, are_equal: bool) {
    assert_eq!(are_equivalent(one, other), are_equal);
    bencher
        .counter(BytesCount::of_str(one))
        .bench_local(|| are_equivalent(black_box(one), black_box(other)));
}

#[divan::bench(args = SIZES)]
fn compare_changed(bencher: Bencher, regions: usize) {
    let one = result(regions, 1.5).to_string();
    let other = result(regions, 2.25).to_string();
    compared(bencher, &one, &other, false);
}

#[divan::bench(args = SIZES)]
fn compare_changed_and_respaced(bencher: Bencher, regions: usize) {
    let one = spaced(&result(regions, 1.5));
    let other = result(regions, 2.25).to_string();
    compared(bencher, &one, &other, false);
}

#[divan::bench(args = SIZES)]
fn compare_respaced(bencher: Bencher, regions: usize) {
    let one = result(regions, 1.5);
    compared(bencher, &spaced(&one), &one.to_string(), true);
}

/// Text with spaces after commas and colons, as Python writes JSON.
fn spaced(value: &Value) -> String {
    value.to_string().replace(',', ", ").replace(':', ": ")
}

#[divan::bench(args = SIZES)]
fn read_content(bencher: Bencher, regions: usize) {
    let config = Config::parse(CONFIG).expect("the config is right");
    let result = result(regions, 1.5).to_string();
    bencher
        .counter(BytesCount::of_str(&result))
        .bench_local(|| Content::read(black_box(&result), &config));
}

#[divan::bench(args = SIZES)]
fn check_standard(bencher: Bencher, regions: usize) {
    let config = Config::parse(CONFIG).expect("the config is right");
    let result = result(regions, 1.5).to_string();
    let rules = Rules {
        config: &config,
        mode: Mode::Standard,
        data: None,
        is_cancelled: false,
    };
    assert!(check(rules, &result, &[]).is_empty());
    bencher
        .counter(BytesCount::of_str(&result))
        .bench_local(|| check(rules, black_box(&result), &[]));
}

#[divan::bench(args = SIZES)]
fn read_entries(bencher: Bencher, regions: usize) {
    let result = result(regions, 1.5).to_string();
    bencher
        .counter(BytesCount::of_str(&result))
        .bench_local(|| entries(black_box(&result)).len());
}

#[divan::bench(args = SIZES)]
fn check_format(bencher: Bencher, regions: usize) {
    let result = result(regions, 1.5).to_string();
    bencher
        .counter(BytesCount::of_str(&result))
        .bench_local(|| json_fidelity::check_result(black_box(&result), &[]));
}
