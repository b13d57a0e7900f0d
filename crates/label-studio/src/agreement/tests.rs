use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const METRICS: [Option<Metric>; 5] = [
    Some(Metric::Iou),
    Some(Metric::SpanF1),
    Some(Metric::ExactMatch),
    Some(Metric::CohensKappa),
    None,
];

fn comparable(result: &Value) -> ComparableResult {
    ComparableResult::read(&result.to_string(), &Config::default())
}

fn score(metric: impl Into<Option<Metric>>, a: &Value, b: &Value) -> Option<f64> {
    let budget = &mut WorkBudget::new(1 << 30);
    compare(&comparable(a), &comparable(b), metric.into(), budget).unwrap()
}

fn assert_score(metric: impl Into<Option<Metric>>, a: &Value, b: &Value, expected: f64) {
    let found = score(metric, a, b).unwrap();
    assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
}

fn rectangle(label: &str, place: [f64; 4], rotation: f64) -> Value {
    let [x, y, width, height] = place;
    json!({
        "from_name": "box", "to_name": "img", "type": "rectanglelabels",
        "original_width": 200, "original_height": 100,
        "value": {
            "x": x, "y": y, "width": width, "height": height, "rotation": rotation,
            "rectanglelabels": [label],
        },
    })
}

fn polygon(points: &Value) -> Value {
    let value = json!({ "points": points, "polygonlabels": ["car"] });
    json!({ "from_name": "p", "to_name": "img", "type": "polygonlabels", "value": value })
}

fn span(label: &str, start: i32, end: i32) -> Value {
    let value = json!({ "start": start, "end": end, "labels": [label] });
    json!({ "from_name": "ner", "to_name": "text", "type": "labels", "value": value })
}

fn sound(start: f64, end: f64) -> Value {
    let value = json!({ "start": start, "end": end, "labels": ["bird"] });
    let entry = json!({ "from_name": "l", "to_name": "a", "type": "labels", "value": value });
    let mut entry = entry;
    entry["original_length"] = json!(60);
    entry
}

fn choice(control: &str, choices: &[&str]) -> Value {
    let value = json!({ "choices": choices });
    // Label Studio gives each answer a random id.
    let id = format!("{control}{choices:?}");
    json!({ "id": id, "from_name": control, "to_name": "t", "type": "choices", "value": value })
}

#[test]
fn boxes_are_alike_by_what_they_share() {
    let a = json!([rectangle("car", [0.0, 0.0, 20.0, 20.0], 0.0)]);
    let b = json!([rectangle("car", [10.0, 0.0, 20.0, 20.0], 0.0)]);
    assert_score(Metric::Iou, &a, &b, 1.0 / 3.0);
    let truck = json!([rectangle("truck", [0.0, 0.0, 20.0, 20.0], 0.0)]);
    assert_score(Metric::Iou, &a, &truck, 0.0);
    let two = json!([a[0], rectangle("car", [50.0, 50.0, 20.0, 20.0], 0.0)]);
    assert_score(Metric::Iou, &a, &two, 2.0 / 3.0);
    assert_score(Metric::Iou, &two, &json!([]), 0.0);
    assert_eq!(score(Metric::SpanF1, &a, &b), None);
}

#[test]
fn boxes_turn_about_their_corner_in_pixels() {
    // 20 % by 20 % of an image of 200 by 100 is 40 by 20 pixels: turned, 20 by 40.
    let a = json!([rectangle("car", [50.0, 0.0, 20.0, 20.0], 90.0)]);
    let b = json!([rectangle("car", [40.0, 0.0, 10.0, 40.0], 0.0)]);
    assert_score(Metric::Iou, &a, &b, 1.0);
}

#[test]
fn polygons_are_what_they_wind_around() {
    let square = polygon(&json!([[0, 0], [10, 0], [10, 10], [0, 10]]));
    let backwards = polygon(&json!([[5, 10], [5, 0], [15, 0], [15, 10]]));
    assert_score(
        Metric::Iou,
        &json!([square]),
        &json!([backwards]),
        1.0 / 3.0,
    );
    // Two triangles that meet in the middle.
    let bow = polygon(&json!([[0, 0], [10, 10], [10, 0], [0, 10]]));
    assert_score(Metric::Iou, &json!([square]), &json!([bow]), 0.5);
    let twice = polygon(&json!([
        [0, 0],
        [10, 0],
        [10, 10],
        [0, 10],
        [0, 0],
        [10, 0],
        [10, 10],
        [0, 10]
    ]));
    assert_score(Metric::Iou, &json!([square]), &json!([twice]), 1.0);
}

#[test]
fn what_has_no_area_is_like_its_equal_only() {
    let line = polygon(&json!([[0, 0], [10, 10]]));
    let other = polygon(&json!([[0, 0], [10, 0]]));
    let far = polygon(&json!([[0, 0], [1e300, 0], [0, 1e300]]));
    for (a, b, expected) in [
        (&line, &line, 1.0),
        (&line, &other, 0.0),
        (&far, &far, 1.0),
        (&far, &line, 0.0),
    ] {
        assert_score(Metric::Iou, &json!([a]), &json!([b]), expected);
    }
}

#[test]
fn spans_are_equal_or_not() {
    let a = json!([
        span("person", 0, 5),
        span("city", 10, 15),
        span("city", 20, 25)
    ]);
    let b = json!([span("city", 0, 5), span("city", 10, 15)]);
    assert_score(Metric::SpanF1, &a, &b, 2.0 / 5.0);
    let twice = json!([b[1], b[1]]);
    assert_score(Metric::SpanF1, &a, &twice, 2.0 / 5.0);
}

#[test]
fn times_are_the_same_when_they_overlap_by_half() {
    let a = json!([sound(0.0, 10.0)]);
    for (start, end, expected) in [(0.0, 5.0, 1.0), (0.0, 4.9, 0.0), (-5.0, 10.0, 1.0)] {
        assert_score(Metric::SpanF1, &a, &json!([sound(start, end)]), expected);
    }
    // An augmenting path moves the earlier pair.
    let b = json!([sound(0.0, 10.0), sound(3.0, 12.0)]);
    let c = json!([sound(0.0, 6.0), sound(0.0, 10.0)]);
    assert_score(Metric::SpanF1, &b, &c, 1.0);
}

#[test]
fn answers_are_compared_by_question() {
    let a = json!([choice("mood", &["good"]), choice("topics", &["a", "b"])]);
    let b = json!([
        choice("topics", &["b", "a"]),
        choice("mood", &["bad"]),
        choice("c", &[])
    ]);
    assert_score(Metric::ExactMatch, &a, &b, 0.5);
    let c = json!([choice("mood", &["good"])]);
    assert_score(Metric::ExactMatch, &a, &c, 0.5);
    assert_eq!(score(Metric::ExactMatch, &json!([]), &json!([])), None);
    // Chance: both say "good" or "bad" of a mood, and only one and the same of topics.
    assert_score(Metric::CohensKappa, &a, &b, (0.5 - 0.25) / (1.0 - 0.25));
    assert_score(Metric::CohensKappa, &c, &c, 1.0);
    assert_eq!(score(Metric::CohensKappa, &c, &json!([b[0]])), None);
}

#[test]
fn answers_about_regions_need_the_region_in_both() {
    let region = |id: &str, color: &str| {
        let mut region = rectangle("car", [0.0, 0.0, 20.0, 20.0], 0.0);
        region["id"] = json!(id);
        let mut answer = choice("color", &[color]);
        answer["id"] = json!(id);
        vec![region, answer]
    };
    let a = json!([region("a", "red"), region("b", "red")].concat());
    let b = json!([region("a", "red"), region("c", "blue")].concat());
    assert_score(Metric::ExactMatch, &a, &b, 1.0);
    let c = json!(region("d", "red"));
    assert_eq!(score(Metric::ExactMatch, &a, &c), None);
    let uncolored = json!([region("b", "red")[0]]);
    assert_score(Metric::ExactMatch, &a, &uncolored, 0.0);
}

#[test]
fn without_a_metric_each_control_has_its_own() {
    let a = json!([
        rectangle("car", [0.0, 0.0, 20.0, 20.0], 0.0),
        span("city", 0, 5),
        choice("mood", &["good"])
    ]);
    let b = json!([
        rectangle("car", [10.0, 0.0, 20.0, 20.0], 0.0),
        span("city", 0, 5),
        choice("mood", &["bad"])
    ]);
    assert_score(None, &a, &b, (1.0 / 3.0 + 1.0 + 0.0) / 3.0);
    assert_eq!(score(None, &json!([]), &json!([])), None);
}

#[test]
fn what_is_too_much_is_refused() {
    let zigzag = |step: f64| {
        let points = (0..2_000).map(|index| {
            let across = f64::from(index % 2) * 100.0;
            [across, f64::from(index) * step]
        });
        json!([polygon(&json!(points.collect::<Vec<_>>()))])
    };
    let (a, b) = (comparable(&zigzag(0.05)), comparable(&zigzag(0.04)));
    assert_eq!(
        compare(&a, &b, Some(Metric::Iou), &mut WorkBudget::new(1_000_000)),
        Err(BudgetExceeded)
    );
    let boxes = |offset: f64| {
        let boxes = (0..600).map(|index| {
            let index = f64::from(index) / 100.0;
            rectangle("car", [index, offset, 50.0, 50.0], 0.0)
        });
        json!(boxes.collect::<Vec<_>>())
    };
    let (a, b) = (comparable(&boxes(0.0)), comparable(&boxes(1.0)));
    assert_eq!(
        compare(&a, &b, Some(Metric::Iou), &mut WorkBudget::new(1_000_000)),
        Err(BudgetExceeded)
    );
}

fn coordinate() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (0..8_u8).prop_map(|tenth| f64::from(tenth) * 10.0),
        4 => 0.0..100.0,
        1 => any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()),
    ]
}

/// Value of any kind of region, valid or not.
fn value() -> impl Strategy<Value = Value> {
    let points = prop::collection::vec([coordinate(), coordinate()], 0..9);
    let labels = prop::collection::vec("[ab]", 0..3);
    let key = prop::sample::select(vec![
        "x", "y", "width", "height", "rotation", "radiusX", "radiusY", "start", "end", "number",
        "rating",
    ]);
    let numbers = prop::collection::vec((key, coordinate()), 0..9);
    (points, labels, numbers, coordinate(), coordinate()).prop_map(
        |(points, labels, numbers, start, length)| {
            let mut value = json!({
                "x": start, "y": length, "width": length, "height": 20, "radiusX": 5, "radiusY": length,
                "start": start, "end": start + 10.0, "points": points, "labels": labels,
                "rectanglelabels": labels, "choices": labels, "taxonomy": [labels],
                "ranges": [{ "start": 1, "end": 2 }, { "start": start.round(), "end": 9 }],
            });
            for (key, number) in numbers {
                value[key] = json!(number);
            }
            value
        },
    )
}

fn entry() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        "rectanglelabels",
        "rectangle",
        "ellipse",
        "polygon",
        "labels",
        "timeserieslabels",
        "timelinelabels",
        "hypertextlabels",
        "choices",
        "taxonomy",
        "number",
        "rating",
        "brush",
    ]);
    let id = prop::option::of("[ab]");
    let size = prop::option::of(prop_oneof![Just(100), Just(300), any::<i32>()]);
    let known = (id, "[cd]", kind, value(), size).prop_map(|(id, control, kind, value, size)| {
        json!({
            "id": id, "from_name": control, "to_name": "o", "type": kind, "value": value,
            "original_width": size, "original_height": 200,
        })
    });
    let anything = prop_oneof![
        Just(json!(null)),
        Just(json!({})),
        Just(json!([[]])),
        Just(json!({ "type": "polygon", "value": { "points": [[1]] } })),
        Just(json!({ "type": "choices", "value": 7, "id": {} })),
    ];
    prop_oneof![9 => known, 1 => anything]
}

fn result() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(entry(), 0..8)
}

proptest! {
    #[test]
    fn any_two_results_can_be_compared(a in result(), b in result()) {
        let (a, b) = (json!(a), json!(b));
        for metric in METRICS {
            let (there, back) = (score(metric, &a, &b), score(metric, &b, &a));
            prop_assert_eq!(there.is_some(), back.is_some());
            let (Some(there), Some(back)) = (there, back) else { continue };
            prop_assert!((there - back).abs() < 1e-9, "{metric:?}: {there} and {back}");
            let least = if metric == Some(Metric::CohensKappa) { -1.0 } else { 0.0 };
            prop_assert!((least..=1.0).contains(&there), "{metric:?}: {there}");
        }
    }

    #[test]
    fn what_is_equal_agrees((a, shuffled) in result().prop_flat_map(|a| {
        (Just(a.clone()), Just(a).prop_shuffle())
    })) {
        for metric in METRICS {
            if let Some(score) = score(metric, &json!(a), &json!(shuffled)) {
                prop_assert!((score - 1.0).abs() < 1e-12, "{metric:?}: {score}");
            }
        }
    }

    #[test]
    fn the_order_of_regions_says_nothing((a, shuffled, b) in (result(), result()).prop_flat_map(|(a, b)| {
        (Just(a.clone()), Just(a).prop_shuffle(), Just(b))
    })) {
        for metric in METRICS {
            let sorted = score(metric, &json!(a), &json!(b));
            let shuffled = score(metric, &json!(shuffled), &json!(b));
            prop_assert_eq!(sorted.is_some(), shuffled.is_some());
            let apart = sorted.zip(shuffled).map_or(0.0, |(a, b)| (a - b).abs());
            prop_assert!(apart < 1e-9, "{metric:?}: {apart}");
        }
    }

    #[test]
    fn texts_that_are_no_result_say_nothing(text in ".{0,40}") {
        let nothing = ComparableResult::read("[]", &Config::default());
        let found = compare(&ComparableResult::read(&text, &Config::default()), &nothing, None, &mut WorkBudget::new(1_000)).unwrap();
        prop_assert!(found.is_none_or(|score| score == 0.0));
    }
}
