//! Accepted results read as typed regions, for random values.

use label_studio::{
    check::{Mode, Rules, check},
    config::Config,
    region::{Kind, Regions},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const CONFIG: &str = r#"<View>
  <Image name="img" value="$image"/>
  <RectangleLabels name="rectl" toName="img"/><Rectangle name="rect" toName="img"/>
  <EllipseLabels name="elll" toName="img"/><Ellipse name="ell" toName="img"/>
  <PolygonLabels name="polyl" toName="img"/><Polygon name="poly" toName="img"/>
  <KeyPointLabels name="kpl" toName="img"/><KeyPoint name="kp" toName="img"/>
  <BrushLabels name="brushl" toName="img"/><Brush name="brush" toName="img"/><MagicWand name="wand" toName="img"/>
  <BitmaskLabels name="maskl" toName="img"/><Bitmask name="mask" toName="img"/>
  <VectorLabels name="vecl" toName="img"/><Vector name="vec" toName="img"/>
  <OcrLabels name="ocr" toName="img"/>
  <Text name="txt" value="$text"/><HyperText name="html" value="$html"/><Paragraphs name="par" value="$par"/>
  <Audio name="au" value="$au"/><Video name="vid" value="$vid"/><TimeSeries name="ts" value="$ts"/>
  <Labels name="cls" toName="img,txt,html,par,au,vid,ts" value="$labels"/>
  <HyperTextLabels name="hl" toName="html"/><ParagraphLabels name="pl" toName="par"/>
  <TimeSeriesLabels name="tsl" toName="ts"/><TimelineLabels name="line" toName="vid"/>
  <VideoRectangle name="vr" toName="vid"/><VideoVector name="vv" toName="vid"/><VideoVectorLabels name="vvl" toName="vid"/>
  <Choices name="cho" toName="txt" value="$c"/><Taxonomy name="tax" toName="txt" apiUrl="u"/>
  <TextArea name="area" toName="txt"/><Number name="num" toName="txt"/><Rating name="stars" toName="txt" maxRating="9999999999"/>
  <DateTime name="date" toName="txt"/><Pairwise name="pair" toName="txt,html"/><Ranker name="rank" toName="txt"/>
  <Chat name="chat" value="$chat"/>
</View>"#;

/// A region of each control, and of `Labels` on each object.
fn regions() -> Vec<Value> {
    let rectangle = json!({ "x": 1, "y": 2, "width": 3, "height": 4, "rotation": 5, "labels": ["a"], "rectanglelabels": ["a"], "ocrlabels": [], "ocrtext": "a", "pageIndex": 1 });
    let ellipse = json!({ "x": 1, "y": 2, "radiusX": 3, "radiusY": 4, "ellipselabels": [] });
    let polygon = json!({ "points": [[1, 2], [3, 4]], "closed": true, "polygonlabels": [] });
    let point = json!({ "x": 1, "y": 2, "width": 1, "keypointlabels": [] });
    let brush = json!({ "format": "rle", "rle": [0, 255, 7], "brushlabels": [], "labels": ["a"], "magicwandlabels": ["a"] });
    let mask = json!({ "imageDataURL": "data:,", "bitmasklabels": [] });
    let vertex = json!({ "x": 1, "y": 2, "id": "a", "isBezier": false, "prevPointId": null });
    let vector = json!({ "vertices": [vertex, vertex], "closed": false, "vectorlabels": [] });
    let span = json!({ "start": 1, "end": 2, "startOffset": 0, "endOffset": 1, "instant": false, "text": "a", "labels": ["a"], "hypertextlabels": [], "paragraphlabels": [], "timeserieslabels": [] });
    let boxes = json!({ "framesCount": 1, "duration": 2, "sequence": [{ "frame": 1, "time": 0, "x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0 }], "labels": ["a"] });
    let paths = json!({ "framesCount": 1, "sequence": [{ "frame": 1, "vertices": [vertex] }], "labels": [], "videovectorlabels": ["a"] });
    let mut all = Vec::new();
    let mut add = |from: &str, to: &str, kind: &str, value: &Value| {
        all.push(
            json!({ "id": "r", "from_name": from, "to_name": to, "type": kind, "value": value }),
        );
    };
    for (from, kind, value) in [
        ("rectl", "rectanglelabels", &rectangle),
        ("rect", "Rectangle", &rectangle),
        ("cls", "rectanglelabels", &rectangle),
        ("ocr", "ocrlabels", &rectangle),
        ("elll", "ellipselabels", &ellipse),
        ("ell", "ellipse", &ellipse),
        ("polyl", "polygonlabels", &polygon),
        ("poly", "polygon", &polygon),
        ("kpl", "keypointlabels", &point),
        ("kp", "\u{212a}eypoint", &point),
        ("brushl", "brushlabels", &brush),
        ("brush", "brush", &brush),
        ("wand", "magicwand", &brush),
        ("cls", "magicwandlabels", &brush),
        ("maskl", "bitmasklabels", &mask),
        ("mask", "bitmask", &mask),
        ("vecl", "vectorlabels", &vector),
        ("vec", "vector", &vector),
    ] {
        add(from, "img", kind, value);
    }
    for to in ["img", "txt", "html", "par", "au", "vid", "ts"] {
        add("cls", to, "labels", &span);
    }
    add("hl", "html", "hypertextlabels", &span);
    add("pl", "par", "paragraphlabels", &span);
    add("tsl", "ts", "timeserieslabels", &span);
    add(
        "line",
        "vid",
        "timelinelabels",
        &json!({ "ranges": [{ "start": 1, "end": 2, "enabled": true }], "timelinelabels": [] }),
    );
    add("vr", "vid", "videorectangle", &boxes);
    add("cls", "vid", "videorectanglelabels", &boxes);
    add("vv", "vid", "videovector", &paths);
    add("vvl", "vid", "videovectorlabels", &paths);
    for (from, kind, value) in [
        ("cho", "choices", json!({ "choices": ["a"] })),
        ("tax", "taxonomy", json!({ "taxonomy": [["a", "b"]] })),
        ("area", "textarea", json!({ "text": ["a"] })),
        ("num", "number", json!({ "number": 1 })),
        ("stars", "rating", json!({ "rating": 1 })),
        ("date", "datetime", json!({ "datetime": "2020" })),
        ("pair", "pairwise", json!({ "selected": "left" })),
        ("rank", "ranker", json!({ "ranker": { "a": ["b"] } })),
    ] {
        add(from, "txt", kind, &value);
    }
    add(
        "chat",
        "chat",
        "chatmessage",
        &json!({ "chatmessage": { "role": "user", "content": "a", "createdAt": 1 } }),
    );
    all
}

/// What takes the place of a value.
fn odd() -> Vec<Value> {
    let numbers = json!([
        0,
        -1,
        1,
        0.5,
        -0.5,
        5,
        100,
        100.0,
        101,
        255,
        256,
        1e18,
        1e300,
        9_223_372_036_854_775_807_i64,
        18_446_744_073_709_551_615_u64,
        2_147_483_647,
        2_147_483_648_i64,
        -2_147_483_649_i64,
        3.0,
        4.5,
        -0.0
    ]);
    let texts = json!([
        "",
        "1",
        " 1.5 ",
        "1e3",
        "1e400",
        "inf",
        "-inf",
        "nan",
        "Infinity",
        "1_000",
        " 1_0 ",
        "1.",
        ".5",
        "1.0",
        "3.00",
        "007",
        "+5",
        "2147483648",
        "-3",
        "abc",
        "true",
        "YES",
        "off",
        "left",
        "/p[1]",
        "9".repeat(30)
    ]);
    let others = json!([null, true, false, [], {}, [[]], [{}], [1], ["a"], [null], [["a"]], ["a", 1], [[1, 2]], [["1", true]], [[1, 2, 3]], [0, 256], ["7", true, 3.0],
        { "a": 1 }, { "a": ["b"] }, { "x": 1, "y": 2 }, { "start": 1, "end": 2 }]);
    [numbers, texts, others]
        .into_iter()
        .flat_map(|list| list.as_array().unwrap().clone())
        .collect()
}

/// Every place in a value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(entries) => {
            for (key, item) in entries {
                places(item, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

fn places_of(region: &Value) -> Vec<String> {
    let mut found = Vec::new();
    places(&region["value"], "/value", &mut found);
    found
}

/// Whether the result fits; fails when it does and a region of it is of no type.
fn fits(config: &Config, result: &Value, mode: Mode) -> bool {
    let text = result.to_string();
    let rules = Rules {
        config,
        mode,
        data: None,
        is_cancelled: true,
    };
    if !check(rules, &text, &[]).is_empty() {
        return false;
    }
    for region in Regions::read(&text, config).all {
        assert_ne!(region.shape.kind(), Kind::Other, "{}", region.raw);
    }
    true
}

/// What a tool drew, and its labels in an entry of their own.
fn drawn_and_labelled() -> Vec<[Value; 2]> {
    let tools = ["rect", "ell", "poly", "kp", "brush", "mask", "vec"];
    let drawn = regions().into_iter();
    let drawn = drawn.filter(|region| tools.contains(&region["from_name"].as_str().unwrap()));
    let pair = |mut drawn: Value| {
        let kind = drawn["type"].as_str().unwrap().to_lowercase();
        drawn["type"] = json!(kind.replace('\u{212a}', "k"));
        let mut labelled = drawn.clone();
        labelled["from_name"] = json!("cls");
        labelled["type"] = json!("labels");
        labelled["value"]["labels"] = json!(["a"]);
        [drawn, labelled]
    };
    drawn.map(pair).collect()
}

#[test]
fn what_fits_is_read_in_two_entries() {
    let config = Config::parse(CONFIG).unwrap();
    for [drawn, labelled] in drawn_and_labelled() {
        assert!(
            fits(&config, &json!([drawn, labelled]), Mode::Strict),
            "{labelled}"
        );
        for place in places_of(&labelled) {
            for other in odd() {
                let mut changed = labelled.clone();
                *changed.pointer_mut(&place).unwrap() = other;
                fits(&config, &json!([drawn, changed]), Mode::Standard);
            }
        }
    }
}

#[test]
fn what_fits_is_read_with_any_value_in_any_place() {
    let config = Config::parse(CONFIG).unwrap();
    let (mut fitting, mut all) = (0, 0);
    for region in regions() {
        assert!(fits(&config, &json!([region]), Mode::Strict), "{region}");
        for place in places_of(&region) {
            for other in odd() {
                let mut changed = region.clone();
                *changed.pointer_mut(&place).unwrap() = other;
                fitting += usize::from(fits(&config, &json!([changed]), Mode::Standard));
                all += 1;
            }
        }
        let name = region["from_name"].as_str().unwrap();
        let mut below = region.clone();
        below["value"] = json!({ name: region["value"] });
        fits(&config, &json!([below]), Mode::Standard);
    }
    // Both happen often: the test looks at something.
    assert!(fitting * 10 > all && fitting < all, "{fitting} of {all}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn what_fits_is_read_beside_any_other(
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4)
    ) {
        let config = Config::parse(CONFIG).unwrap();
        let (regions, odd) = (regions(), odd());
        let mut result = Vec::new();
        let mut of = None;
        for (region, place, other) in picks {
            // Several changes of one region, or regions with one id: what was drawn, and its labels.
            let mut region: Value = of.take().unwrap_or_else(|| region.get(&regions).clone());
            let places = places_of(&region);
            *region.pointer_mut(place.get::<String>(&places)).unwrap() = other.get(&odd).clone();
            if other.index(2) == 0 {
                of = Some(region.clone());
            }
            result.push(region);
        }
        let result = Value::Array(result);
        fits(&config, &result, Mode::Standard);
    }
}
