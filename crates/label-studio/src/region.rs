//! The typed view of a `result`: what each of its regions says, read without ever failing.
//!
//! The types are those of Label Studio's documentation of its tags; the units are kept as they are stored.
//! A region whose type is not known, or that lacks what its type needs, is [`Shape::Other`]. Whatever a
//! [check](super::check) accepts can be read: texts that stand for numbers in a region's value are numbers.
//!
//! The object that the config has under `to_name` decides the type of a labelled span; without such an object the type
//! is guessed from the value. [`Config::default`] stands for a project without a config.

mod classification;
mod fields;
mod image;
mod kind;
mod labelled;
mod mask;
mod span;

use std::{
    collections::{HashMap, HashSet},
    sync::OnceLock,
};

use indexmap::IndexSet;
use serde_json::value::RawValue;

use fields::Fields;

use super::config::{Config, SpanUnit};

pub use self::{
    classification::{Answer, Bucket, ChatMessage, Choices, Direction, Relation},
    image::{Brush, Ellipse, ImageSize, KeyPoint, Point, Polygon, Rectangle, Vector, Vertex},
    kind::{Kind, Shape},
    mask::MAX_PIXELS,
    span::{
        Audio, FrameRange, HyperTextSpan, Instant, Keyframe, TextSpan, TimeSeries, Timeline, Video,
    },
};

/// One entry of a `result`.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Not unique: a control that speaks of a region repeats the region's id.
    pub id: Option<String>,
    /// The control that made it; empty where the entry names none, as relations do.
    pub from_name: String,
    /// The object that it is about; empty where the entry names none, as relations do.
    pub to_name: String,
    /// What stands under the key of its kind of labels, or `labels`.
    pub labels: Vec<String>,
    /// Confidence of a prediction.
    pub score: Option<f64>,
    /// Source of the region: `manual`, `prediction`, `prediction-changed`.
    pub origin: Option<String>,
    /// `parentID`: the region that it is part of.
    pub parent_id: Option<String>,
    /// Which item of a list of images, from 0.
    pub item_index: Option<i32>,
    /// The size of the image that it is on.
    pub image: Option<ImageSize>,
    /// Typed content of the entry.
    pub shape: Shape,
    /// The entry, as it is stored.
    pub raw: String,
}

/// The regions of one result, in its order.
#[derive(Debug, Default)]
pub struct Regions {
    /// Every entry of the result, readable or not.
    pub all: Vec<Region>,
    by_id: OnceLock<HashMap<String, usize>>,
}

/// What the regions of one result say in all.
#[derive(Debug, Default, PartialEq)]
pub struct Content {
    /// In the order of the result.
    pub labels: IndexSet<String>,
    /// Kinds of the regions, [`Kind::Other`] included.
    pub kinds: HashSet<Kind>,
    /// Answers with the controls that they are to, in the order of the result.
    pub answers: Vec<(String, Answer)>,
}

impl Content {
    /// Reads a stored result, as [`Regions::read`] does.
    pub fn read(result: &str, config: &Config) -> Self {
        let items: Vec<&RawValue> = serde_json::from_str(result).unwrap_or_default();
        let mut content = Self::default();
        for item in items {
            interrupt::check();
            let entry = Entry::read(item, config);
            let (shape, labels) = entry.shape_and_labels();
            content.labels.extend(labels);
            content.kinds.insert(shape.kind());
            let from_name = entry.from_name.unwrap_or_default();
            let answers = Answer::of(shape).into_iter();
            let of_control = answers.map(|answer| (from_name.clone(), answer));
            content.answers.extend(of_control);
        }
        content
    }
}

impl Regions {
    /// Reads a stored result of a project with this config. Linear in its length.
    pub fn read(result: &str, config: &Config) -> Self {
        let items: Vec<&RawValue> = serde_json::from_str(result).unwrap_or_default();
        let read = |item| {
            interrupt::check();
            Region::read(item, config)
        };
        Self {
            all: items.into_iter().map(read).collect(),
            by_id: OnceLock::new(),
        }
    }

    /// The place of the first region with an id. All are indexed when the first one is looked for.
    pub fn position(&self, id: &str) -> Option<usize> {
        let by_id = self.by_id.get_or_init(|| {
            let mut by_id = HashMap::new();
            for (index, region) in self.all.iter().enumerate() {
                if let Some(id) = &region.id {
                    by_id.entry(id.clone()).or_insert(index);
                }
            }
            by_id
        });
        by_id.get(id).copied()
    }
}

/// An entry on its way to what it says.
struct Entry<'a> {
    fields: Fields<'a>,
    value: Fields<'a>,
    /// Object under the control's name in the value: Label Studio accepts values there, too.
    below_name: Option<Fields<'a>>,
    from_name: Option<String>,
    to_name: Option<String>,
    type_name: Option<String>,
    /// The type in lower case.
    kind: String,
    unit: Option<SpanUnit>,
}

impl<'a> Entry<'a> {
    fn read(raw: &'a RawValue, config: &Config) -> Self {
        let fields = Fields::of(raw).unwrap_or_default();
        let value = fields.object("value").unwrap_or_default();
        let type_name = fields.text("type");
        let kind = type_name.as_deref().unwrap_or_default().to_lowercase();
        let from_name = fields.text("from_name");
        let to_name = fields.text("to_name");
        let called = match (&from_name, &config.controls[..]) {
            (Some(name), _) => Some(name),
            (None, [only]) => Some(&only.name),
            (None, _) => None,
        };
        let object = to_name.as_ref().filter(|_| kind == "labels");
        let object = object.and_then(|name| config.object_of(name));
        Self {
            below_name: called.and_then(|name| value.object(name)),
            unit: object.and_then(|(object, _)| object.span_unit),
            kind,
            fields,
            value,
            from_name,
            to_name,
            type_name,
        }
    }

    fn shape_and_labels(&self) -> (Shape, Vec<String>) {
        let values = self.below_name.iter().chain([&self.value]);
        let read = |value| {
            Some((
                Shape::read(&self.kind, &self.fields, value, self.unit)?,
                value,
            ))
        };
        let (shape, value) = values
            .into_iter()
            .find_map(read)
            .unwrap_or_else(|| (Shape::Other(self.type_name.clone()), &self.value));
        (shape, labels(&self.kind, &self.fields, value))
    }
}

impl Region {
    fn read(raw: &RawValue, config: &Config) -> Self {
        let entry = Entry::read(raw, config);
        let (shape, labels) = entry.shape_and_labels();
        let fields = &entry.fields;
        Self {
            id: fields.text("id"),
            labels,
            score: fields.bare_number("score"),
            origin: fields.text("origin"),
            parent_id: fields.text("parentID"),
            item_index: fields.int("item_index"),
            image: ImageSize::read(fields),
            shape,
            raw: raw.get().to_owned(),
            from_name: entry.from_name.unwrap_or_default(),
            to_name: entry.to_name.unwrap_or_default(),
        }
    }
}

/// `rectanglelabels` of one with that type, else `labels`, else `rectanglelabels` of a bare `rectangle`.
/// A relation has them beside its ends.
fn labels(kind: &str, entry: &Fields, value: &Fields) -> Vec<String> {
    if kind == "relation" {
        return entry.texts("labels").unwrap_or_default();
    }
    let own = kind.ends_with("labels").then(|| value.texts(kind));
    own.flatten()
        .or_else(|| value.texts("labels"))
        .or_else(|| value.texts(&format!("{kind}labels")))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(entries: &Value) -> Vec<Region> {
        Regions::read(&entries.to_string(), &Config::default()).all
    }

    fn one(entry: &Value) -> Region {
        read(&json!([entry])).remove(0)
    }

    #[test]
    fn labels_stand_under_the_key_of_their_kind() {
        let labels = |entry: Value| one(&entry).labels;
        assert_eq!(
            labels(
                json!({ "type": "rectanglelabels", "value": { "rectanglelabels": ["a", "b"], "labels": ["c"] } })
            ),
            ["a", "b"]
        );
        assert_eq!(
            labels(json!({ "type": "rectanglelabels", "value": { "labels": ["c"] } })),
            ["c"]
        );
        assert_eq!(
            labels(json!({ "type": "rectangle", "value": { "rectanglelabels": ["a"] } })),
            ["a"]
        );
        assert_eq!(
            labels(
                json!({ "type": "videorectangle", "value": { "labels": ["a", null, 1, ["b"]] } })
            ),
            ["a"]
        );
        assert_eq!(
            labels(
                json!({ "type": "relation", "labels": ["drives"], "value": { "labels": ["no"] } })
            ),
            ["drives"]
        );
        for value in [
            json!({}),
            json!({ "labels": null }),
            json!({ "labels": "a" }),
            json!(1),
        ] {
            assert!(labels(json!({ "type": "choices", "value": value })).is_empty());
        }
    }

    #[test]
    fn of_a_repeated_key_the_last_value_counts() {
        let text = r#"[{"id":"a","type":"number","value":{"number":1},"id":"b","value":{"number":1,"number":2.50}}]"#;
        let regions = Regions::read(text, &Config::default()).all;
        assert_eq!(regions[0].id.as_deref(), Some("b"));
        assert_eq!(regions[0].shape, Shape::Number(2.5));
        assert_eq!(regions[0].raw, &text[1..text.len() - 1]);
    }

    #[test]
    fn an_id_leads_to_the_first_region_that_has_it() {
        let regions = Regions::read(
            r#"[{},{"id":"a"},{"id":"b"},{"id":"a"}]"#,
            &Config::default(),
        );
        assert_eq!(regions.position("a"), Some(1));
        assert_eq!(regions.position("b"), Some(2));
        assert_eq!(regions.position(""), None);
    }

    #[test]
    fn places_turn_clockwise_and_become_pixels() {
        let size = ImageSize {
            width: 200,
            height: 50,
        };
        assert_eq!(
            size.point(Point { x: 10.0, y: 20.0 }),
            Some(Point { x: 20.0, y: 10.0 })
        );
        let turned = Point { x: 1.0, y: 1.0 }.turn(Point { x: 3.0, y: 1.0 }, 90.0);
        assert!(
            (turned.x - 1.0).abs() < 1e-9 && (turned.y - 3.0).abs() < 1e-9,
            "{turned:?}"
        );
        assert_eq!(
            size.point(Point {
                x: f64::MAX,
                y: 0.0
            }),
            None
        );
        for (width, height) in [
            (json!(0), json!(1)),
            (json!(-1), json!(1)),
            (json!("x"), json!(1)),
            (json!(1), json!(null)),
        ] {
            let entry = json!({ "original_width": width, "original_height": height });
            assert_eq!(one(&entry).image, None);
        }
    }
}
