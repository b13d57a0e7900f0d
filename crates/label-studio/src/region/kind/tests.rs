use serde_json::{Value, json};

use super::{
    super::{Region, Regions},
    *,
};
use crate::config::Config;

fn read(entries: &Value) -> Vec<Region> {
    Regions::read(&entries.to_string(), &Config::default()).all
}

fn one(entry: &Value) -> Region {
    read(&json!([entry])).remove(0)
}

fn kind(type_name: &str, value: &Value) -> Kind {
    one(&json!({ "type": type_name, "value": value }))
        .shape
        .kind()
}

#[test]
fn the_kind_is_that_of_the_type() {
    let rectangle = json!({ "x": 1, "y": 2, "width": 3, "height": 4.5 });
    let ellipse = json!({ "x": 1, "y": 2, "radiusX": 3, "radiusY": 4, "rotation": null });
    let polygon = json!({ "points": [[1, 2], [3.5, 4]] });
    let brush = json!({ "format": "rle", "rle": [0, 255] });
    let vector = json!({ "vertices": [{ "x": 1, "y": 2 }], "closed": true });
    let span = json!({ "start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "startOffset": 1 });
    let video = json!({ "sequence": [{ "frame": 1, "x": 2 }] });
    for (kinds, value, expected) in [
        (
            &["rectangle", "RectangleLabels", "ocrlabels"][..],
            rectangle,
            Kind::Rectangle,
        ),
        (&["ellipse", "ellipselabels"], ellipse, Kind::Ellipse),
        (&["polygon", "polygonlabels"], polygon, Kind::Polygon),
        (
            &["keypoint", "keypointlabels"],
            json!({ "x": 1, "y": 2 }),
            Kind::KeyPoint,
        ),
        (&["brush", "brushlabels", "magicwand"], brush, Kind::Brush),
        (
            &["bitmask", "bitmasklabels"],
            json!({ "imageDataURL": "data:," }),
            Kind::Bitmask,
        ),
        (&["vector", "vectorlabels"], vector, Kind::Vector),
        (
            &["hypertextlabels", "paragraphlabels"],
            span,
            Kind::HyperTextSpan,
        ),
        (
            &["timeserieslabels"],
            json!({ "start": 1, "end": "2020-01-01", "instant": false }),
            Kind::TimeSeries,
        ),
        (
            &["timelinelabels"],
            json!({ "ranges": [{ "start": 1, "end": 5 }] }),
            Kind::Timeline,
        ),
        (
            &["videorectangle", "videovector", "videovectorlabels"],
            video,
            Kind::Video,
        ),
        (
            &["choices"],
            json!({ "choices": ["a", ["b", "c"]] }),
            Kind::Choices,
        ),
        (
            &["taxonomy"],
            json!({ "taxonomy": [["a"], ["a", "b"]] }),
            Kind::Taxonomy,
        ),
        (&["textarea"], json!({ "text": ["a"] }), Kind::TextArea),
        (&["textarea"], json!({ "text": "a" }), Kind::TextArea),
        (&["number"], json!({ "number": -1.5 }), Kind::Number),
        (&["rating"], json!({ "rating": 5.0 }), Kind::Rating),
        (&["datetime"], json!({ "datetime": "2023" }), Kind::DateTime),
        (&["pairwise"], json!({ "selected": "left" }), Kind::Pairwise),
        (
            &["ranker"],
            json!({ "ranker": { "best": ["1"], "worst": [] } }),
            Kind::Ranker,
        ),
        (
            &["chatmessage"],
            json!({ "chatmessage": { "role": "user", "content": "" } }),
            Kind::ChatMessage,
        ),
        (&["reactcode", "unheard of", ""], json!({}), Kind::Other),
    ] {
        for type_name in kinds {
            assert_eq!(kind(type_name, &value), expected, "{type_name}");
            let without = kind(type_name, &json!({ "unrelated": 1 }));
            assert_eq!(without, Kind::Other, "{type_name} without what it needs");
        }
    }
}

#[test]
fn what_has_labels_is_what_its_keys_make_of_it() {
    let labels = |value: Value| kind("labels", &value);
    assert_eq!(labels(json!({ "start": 0, "end": 4.0 })), Kind::TextSpan);
    assert_eq!(
        labels(json!({ "start": 0, "end": 4, "channel": 0 })),
        Kind::Audio
    );
    assert_eq!(labels(json!({ "start": 0.5, "end": 4 })), Kind::Audio);
    assert_eq!(
        labels(json!({ "start": "/p", "end": "/p" })),
        Kind::HyperTextSpan
    );
    assert_eq!(labels(json!({ "ranges": [] })), Kind::Timeline);
    assert_eq!(labels(json!({ "sequence": [] })), Kind::Video);
    assert_eq!(labels(json!({ "points": [] })), Kind::Polygon);
    assert_eq!(labels(json!({ "rle": [] })), Kind::Brush);
    assert_eq!(labels(json!({ "imageDataURL": "" })), Kind::Bitmask);
    assert_eq!(labels(json!({ "vertices": [] })), Kind::Vector);
    assert_eq!(
        labels(json!({ "x": 1, "y": 2, "radiusX": 3, "radiusY": 4 })),
        Kind::Ellipse
    );
    assert_eq!(
        labels(json!({ "x": 1, "y": 2, "width": 3, "height": 4 })),
        Kind::Rectangle
    );
    assert_eq!(
        labels(json!({ "x": 1, "y": 2, "width": 3 })),
        Kind::KeyPoint
    );
    assert_eq!(labels(json!({ "start": 0 })), Kind::Other);
    assert_eq!(labels(json!({ "points": 1 })), Kind::Other);
    assert_eq!(labels(json!({})), Kind::Other);
    let audio = one(
        &json!({ "type": "labels", "original_length": 9.5, "value": { "start": 0, "end": 4 } }),
    );
    assert_eq!(
        audio.shape,
        Shape::Audio(Audio {
            start: 0.0,
            end: 4.0,
            channel: None,
            original_length: Some(9.5)
        })
    );
}

#[test]
fn whatever_does_not_have_its_shape_is_another_region() {
    let numbers = ["\"one\"", "\"nan\"", "\"1e999\"", "null", "[1]", "{}"];
    for number in numbers {
        let entry = format!(r#"[{{"type":"keypoint","value":{{"x":{number},"y":1}}}}]"#);
        assert_eq!(
            Regions::read(&entry, &Config::default()).all[0]
                .shape
                .kind(),
            Kind::Other,
            "{number}"
        );
    }
    for (type_name, value) in [
        ("polygon", json!({ "points": [[1, 2], [1, 2, 3]] })),
        ("brush", json!({ "rle": [256] })),
        ("brush", json!({ "rle": [-1] })),
        ("brush", json!({ "rle": [1.5] })),
        ("vector", json!({ "vertices": [{ "x": 1 }] })),
        ("videorectangle", json!({ "sequence": [1] })),
        ("rating", json!({ "rating": 4.5 })),
        ("rating", json!({ "rating": 3_000_000_000_i64 })),
        ("taxonomy", json!({ "taxonomy": ["a"] })),
        ("textarea", json!({ "text": [1] })),
        ("choices", json!({ "choices": [1] })),
        ("ranker", json!({ "ranker": { "a": "b" } })),
    ] {
        assert_eq!(kind(type_name, &value), Kind::Other, "{type_name} {value}");
    }
    let odd = json!([{}, { "id": 1, "from_name": 2, "to_name": null, "type": [], "value": 3, "score": "1" }]);
    for region in read(&odd) {
        assert_eq!(
            (region.id, region.shape, region.score),
            (None, Shape::Other(None), None)
        );
        assert_eq!(
            (region.from_name.as_str(), region.to_name.as_str()),
            ("", "")
        );
    }
    for text in ["", "null", "{}", "[1", "1"] {
        assert!(
            Regions::read(text, &Config::default()).all.is_empty(),
            "{text}"
        );
    }
    assert_eq!(
        Regions::read("[1,null,[]]", &Config::default()).all.len(),
        3
    );
}

#[test]
fn recorded_regions_are_all_of_a_kind() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/label-studio");
    let exports = std::fs::read_dir(folder.join("exports")).unwrap();
    let files = exports
        .map(|file| file.unwrap().path())
        .chain([folder.join("export.json")]);
    let mut kinds = std::collections::HashSet::new();
    for file in files {
        let tasks: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for task in tasks.as_array().unwrap() {
            for said in task["annotations"].as_array().unwrap() {
                for region in read(&said["result"]) {
                    let kind = region.shape.kind();
                    assert_ne!(kind, Kind::Other, "{}: {}", file.display(), region.raw);
                    kinds.insert(kind);
                }
            }
        }
    }
    assert_eq!(kinds.len(), 19, "{kinds:?}");
}
