//! Typed regions of a `result`. Reading never fails.
//!
//! Types follow Label Studio's documentation of its tags (<https://labelstud.io/tags/>); units are kept as stored. An
//! unknown type, or an incomplete value, becomes [`Shape::Other`]. Every result that passes a [check](super::check) can
//! be read: texts that represent numbers are read as numbers.
//!
//! The object in the config under `to_name` decides the type of a labelled span. Without such an object the type is
//! guessed from the value. [`Config::default`] represents a project without a config.

mod classification;
mod fields;
mod image;
mod item;
mod kind;
mod labelled;
mod mask;
mod span;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::OnceLock,
};

use fields::Fields;
use indexmap::IndexSet;
use item::Item;

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

/// Entry of a `result`.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Not unique: controls with `perRegion` repeat the id of the region.
    pub id: Option<String>,
    /// Name of the control; empty when the entry has none, as for relations.
    pub from_name: String,
    /// Name of the object; empty when the entry has none, as for relations.
    pub to_name: String,
    /// Labels, under the key of their kind or `labels`.
    pub labels: Vec<String>,
    /// Confidence of a prediction.
    pub score: Option<f64>,
    /// Source of the region: `manual`, `prediction`, `prediction-changed`.
    pub origin: Option<String>,
    /// `parentID`: id of the enclosing region.
    pub parent_id: Option<String>,
    /// Index of the image in a list of images, from 0.
    pub item_index: Option<i32>,
    /// Size of the image.
    pub image: Option<ImageSize>,
    /// Typed content of the entry.
    pub shape: Shape,
    /// Stored JSON of the entry.
    pub raw: String,
}

/// Regions of a result, in order.
#[derive(Debug, Default)]
pub struct Regions {
    /// Every entry of the result, readable or not.
    pub all: Vec<Region>,
    by_id: OnceLock<HashMap<String, usize>>,
}

/// Summary of the regions of a result, for search indexes.
#[derive(Debug, Default, PartialEq)]
pub struct Content {
    /// In the order of the result.
    pub labels: IndexSet<String>,
    /// Kinds of the regions, [`Kind::Other`] included.
    pub kinds: HashSet<Kind>,
    /// Answers with the names of their controls, in the order of the result.
    pub answers: Vec<(String, Answer)>,
}

impl Content {
    /// Reads a stored result, as [`Regions::read`] does.
    pub fn read(result: &str, config: &Config) -> Self {
        // Copies no JSON, unlike `Regions::read`: a new config reads the results of a whole project.
        item::fold(result, |content: &mut Self, item| {
            content.add(&Entry::read(item, config));
        })
    }

    fn add(&mut self, entry: &Entry<'_>) {
        let (shape, labels) = entry.shape_and_labels();
        for label in labels {
            // Copies the first appearance only: regions share few labels.
            if !self.labels.contains(&*label) {
                self.labels.insert(label.into_owned());
            }
        }
        self.kinds.insert(shape.kind());
        let from_name = entry.from_name.as_deref().unwrap_or_default();
        let answers = Answer::of(shape).into_iter();
        self.answers
            .extend(answers.map(|answer| (from_name.to_owned(), answer)));
    }
}

impl Regions {
    /// Reads a stored result of a project with this config, in time linear to the length of the result.
    pub fn read(result: &str, config: &Config) -> Self {
        let add = |all: &mut Vec<_>, item: Item<'_>| all.push(Region::read(item, config));
        Self {
            all: item::fold(result, add),
            by_id: OnceLock::new(),
        }
    }

    /// Position of the first region with an id. The first call builds an index of all regions.
    pub fn position(&self, id: &str) -> Option<usize> {
        let by_id = self.by_id.get_or_init(|| {
            let mut by_id = HashMap::new();
            for (index, region) in self.all.iter().enumerate() {
                if let Some(id) = &region.id {
                    // Later entries with the id are labels or answers of the first.
                    by_id.entry(id.clone()).or_insert(index);
                }
            }
            by_id
        });
        by_id.get(id).copied()
    }
}

/// Parsed fields of an entry.
struct Entry<'a> {
    fields: Fields<'a>,
    value: Fields<'a>,
    /// Object under the control's name in the value, where Label Studio accepts a value, too.
    below_name: Option<Fields<'a>>,
    from_name: Option<Cow<'a, str>>,
    to_name: Option<Cow<'a, str>>,
    type_name: Option<Cow<'a, str>>,
    /// The type in lower case.
    kind: Cow<'a, str>,
    unit: Option<SpanUnit>,
}

impl<'a> Entry<'a> {
    fn read(item: Item<'a>, config: &Config) -> Self {
        let Item { fields, value, .. } = item;
        let type_name = fields.borrowed_text("type");
        let kind = lower(type_name.clone().unwrap_or_default());
        let from_name = fields.borrowed_text("from_name");
        let to_name = fields.borrowed_text("to_name");
        // An entry without `from_name` belongs to the only control, as in the checks.
        let called = match (&from_name, &config.controls[..]) {
            (Some(name), _) => Some(&**name),
            (None, [only]) => Some(&*only.name),
            (None, _) => None,
        };
        // Only spans of `Labels` depend on the object; the type of all further entries decides alone.
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

    fn shape_and_labels(&self) -> (Shape, Vec<Cow<'a, str>>) {
        // The nested value goes first, as in the checks.
        let values = self.below_name.iter().chain([&self.value]);
        let read = |value| {
            Some((
                Shape::read(&self.kind, &self.fields, value, self.unit)?,
                value,
            ))
        };
        let (shape, value) = values.into_iter().find_map(read).unwrap_or_else(|| {
            let type_name = self.type_name.as_deref().map(str::to_owned);
            (Shape::Other(type_name), &self.value)
        });
        (shape, labels(&self.kind, &self.fields, value))
    }
}

impl Region {
    fn read(item: Item<'_>, config: &Config) -> Self {
        let raw = item.json.to_owned();
        let entry = Entry::read(item, config);
        let (shape, labels) = entry.shape_and_labels();
        let fields = &entry.fields;
        Self {
            id: fields.text("id"),
            labels: labels.into_iter().map(Cow::into_owned).collect(),
            score: fields.bare_number("score"),
            origin: fields.text("origin"),
            parent_id: fields.text("parentID"),
            item_index: fields.int("item_index"),
            image: ImageSize::read(fields),
            shape,
            raw,
            from_name: entry.from_name.unwrap_or_default().into_owned(),
            to_name: entry.to_name.unwrap_or_default().into_owned(),
        }
    }
}

/// Reads the labels: `rectanglelabels` of an entry with this type, else `labels`, else `rectanglelabels` of a bare
/// `rectangle`. The labels of a relation stand beside the ends, not in a value.
fn labels<'a>(kind: &str, entry: &Fields<'a>, value: &Fields<'a>) -> Vec<Cow<'a, str>> {
    if kind == "relation" {
        return entry.texts("labels").unwrap_or_default();
    }
    // A `Labels` entry of the type `rectanglelabels` has the labels under either key, as in the checks.
    let own = kind.ends_with("labels").then(|| value.texts(kind));
    own.flatten()
        .or_else(|| value.texts("labels"))
        .or_else(|| value.texts(&format!("{kind}labels")))
        .unwrap_or_default()
}

/// Lower case, borrowed when the text is lower case already, as Label Studio writes types.
fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_lower = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    match text.bytes().all(is_lower) {
        true => text,
        false => Cow::Owned(text.to_lowercase()),
    }
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
