//! Fields of the value of each kind of region, besides labels. The tables follow the pydantic models of
//! label-studio-sdk
//! (<https://github.com/HumanSignal/label-studio-sdk/blob/master/src/label_studio_sdk/label_interface/control_tags.py>).
//! Unknown keys are allowed everywhere.

use crate::config::{Kind, SpanUnit};

/// Field of an object.
#[derive(Debug)]
pub struct Field {
    pub key: &'static str,
    pub shape: Shape,
    pub need: Need,
}

/// Presence that a key of a value must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Required,
    /// Optional, but not null.
    Omittable,
    /// Optional, null allowed.
    Nullable,
}

/// Type and bounds of a member of a region's value.
#[derive(Debug)]
pub enum Shape {
    /// Number up to `max`; in strict mode also from `min`.
    Number {
        min: f64,
        max: f64,
    },
    /// Integer from `min` to `max`.
    Integer {
        min: i128,
        max: i128,
    },
    Boolean,
    Text,
    /// Number or text: the start or end of a span.
    Position,
    /// Character offset, an integer of 32 bits; or the path of a node, a text.
    Character,
    /// Pairs of numbers up to 100.
    Points,
    /// Integers from 0 to 255, a single integer at least.
    Mask,
    Texts,
    /// Object with the given fields.
    Object(&'static [Field]),
    /// List of at least `min` objects with `fields`.
    Objects {
        min: usize,
        fields: &'static [Field],
    },
    AnyObject,
    /// Object of lists of texts.
    Buckets,
}

/// Returns the fields of a kind's value, or `None` for a kind with free content.
pub fn of(kind: Kind) -> Option<&'static [Field]> {
    Some(match kind {
        Kind::Bitmask | Kind::BitmaskLabels => BITMASK,
        Kind::Brush | Kind::BrushLabels | Kind::MagicWand => BRUSH,
        Kind::Chat => CHAT,
        // Labels alone, which `labels` checks.
        Kind::Choices | Kind::Taxonomy => &[],
        Kind::DateTime => DATE_TIME,
        Kind::Ellipse | Kind::EllipseLabels => ELLIPSE,
        Kind::HyperTextLabels | Kind::ParagraphLabels => SPAN_WITH_OFFSETS,
        Kind::KeyPoint | Kind::KeyPointLabels => KEY_POINT,
        Kind::Labels => of_span(None),
        Kind::Number => NUMBER,
        Kind::OcrLabels => OCR,
        Kind::Pairwise => PAIRWISE,
        Kind::Polygon | Kind::PolygonLabels => POLYGON,
        Kind::Ranker => RANKER,
        Kind::Rating => RATING,
        Kind::ReactCode => REACT_CODE,
        Kind::Rectangle | Kind::RectangleLabels => RECTANGLE,
        Kind::TextArea => TEXT_AREA,
        Kind::TimeSeriesLabels => TIME_SERIES,
        Kind::TimelineLabels => TIMELINE,
        Kind::Vector | Kind::VectorLabels => VECTOR,
        Kind::VideoRectangle => VIDEO_RECTANGLE,
        Kind::VideoVector | Kind::VideoVectorLabels => VIDEO_VECTOR,
        Kind::Other => return None,
    })
}

/// Returns the fields of a span of `Labels`, by the unit of the object.
pub fn of_span(unit: Option<SpanUnit>) -> &'static [Field] {
    match unit {
        Some(SpanUnit::Seconds) => SECONDS,
        Some(SpanUnit::Characters) => CHARACTERS,
        // Nodes are paths or numbers, times can be texts: the SDK takes either everywhere.
        Some(SpanUnit::Nodes | SpanUnit::Times) | None => SPAN,
    }
}

/// Fields of an unlabelled region, by type, whose labels are in a second entry with the same id.
pub fn of_partner(region_type: &str) -> Option<&'static [Field]> {
    const PARTNERS: [(&str, &[Field]); 7] = [
        ("rectangle", RECTANGLE),
        ("polygon", POLYGON),
        ("ellipse", ELLIPSE),
        ("keypoint", KEY_POINT),
        ("brush", BRUSH),
        ("bitmask", BITMASK),
        ("vector", VECTOR),
    ];
    let mut partners = PARTNERS.iter();
    let found = partners.find(|(name, _)| name.eq_ignore_ascii_case(region_type));
    found.map(|(_, fields)| *fields)
}

const ANY: f64 = f64::INFINITY;
const FREE: Shape = Shape::Number {
    min: -ANY,
    max: ANY,
};
const PERCENT: Shape = up_to(100.0);
/// Integers of 32 bits, as in GraphQL, so that every accepted value can be read
/// (<https://spec.graphql.org/September2025/#sec-Int>).
const INTEGER: Shape = from(i32::MIN);
const NATURAL: Shape = from(0);

const fn up_to(max: f64) -> Shape {
    Shape::Number { min: 0.0, max }
}

const fn from(min: i32) -> Shape {
    Shape::Integer {
        min: min as i128,
        max: i32::MAX as i128,
    }
}

const fn required(key: &'static str, shape: Shape) -> Field {
    let need = Need::Required;
    Field { key, shape, need }
}

const fn omittable(key: &'static str, shape: Shape) -> Field {
    let need = Need::Omittable;
    Field { key, shape, need }
}

const fn nullable(key: &'static str, shape: Shape) -> Field {
    let need = Need::Nullable;
    Field { key, shape, need }
}

const ROTATION: Field = nullable(
    "rotation",
    Shape::Number {
        min: -ANY,
        max: 360.0,
    },
);

const RECTANGLE: &[Field] = &[
    required("x", PERCENT),
    required("y", PERCENT),
    required("width", PERCENT),
    required("height", PERCENT),
    ROTATION,
];

const ELLIPSE: &[Field] = &[
    required("x", PERCENT),
    required("y", PERCENT),
    required("radiusX", up_to(50.0)),
    required("radiusY", up_to(50.0)),
    ROTATION,
];

const KEY_POINT: &[Field] = &[required("x", PERCENT), required("y", PERCENT)];

const POLYGON: &[Field] = &[required("points", Shape::Points)];

const BRUSH: &[Field] = &[
    omittable("format", Shape::Text),
    required("rle", Shape::Mask),
];

const BITMASK: &[Field] = &[
    required("imageDataURL", Shape::Text),
    nullable("format", Shape::Text),
];

const VERTEX: &[Field] = &[
    required("x", FREE),
    required("y", FREE),
    nullable("id", Shape::Text),
    nullable("isBezier", Shape::Boolean),
    nullable("prevPointId", Shape::Text),
];

const VERTICES: Field = required(
    "vertices",
    Shape::Objects {
        min: 0,
        fields: VERTEX,
    },
);

const VECTOR: &[Field] = &[nullable("closed", Shape::Boolean), VERTICES];

const OCR: &[Field] = &[
    required("x", up_to(ANY)),
    required("y", up_to(ANY)),
    required("width", up_to(ANY)),
    required("height", up_to(ANY)),
    nullable("rotation", FREE),
    nullable("ocrtext", Shape::Text),
    nullable("pageIndex", INTEGER),
];

const SPAN: &[Field] = &[
    required("start", Shape::Position),
    required("end", Shape::Position),
];

const SECONDS: &[Field] = &[required("start", FREE), required("end", FREE)];

const CHARACTERS: &[Field] = &[
    required("start", Shape::Character),
    required("end", Shape::Character),
];

const SPAN_WITH_OFFSETS: &[Field] = &[
    required("start", Shape::Position),
    required("end", Shape::Position),
    nullable("startOffset", NATURAL),
    nullable("endOffset", NATURAL),
];

const TIME_SERIES: &[Field] = &[
    required("start", Shape::Position),
    required("end", Shape::Position),
    required("instant", Shape::Boolean),
];

const TIMELINE: &[Field] = &[required(
    "ranges",
    Shape::Objects {
        min: 1,
        fields: &[
            required("start", INTEGER),
            required("end", INTEGER),
            nullable("enabled", Shape::Boolean),
        ],
    },
)];

const VIDEO_RECTANGLE: &[Field] = &[
    required("framesCount", INTEGER),
    required("duration", FREE),
    required(
        "sequence",
        Shape::Objects {
            min: 0,
            fields: &[
                required("x", PERCENT),
                required("y", PERCENT),
                required("time", FREE),
                required("frame", INTEGER),
                required("width", PERCENT),
                required("height", PERCENT),
                nullable("rotation", FREE),
            ],
        },
    ),
];

const VIDEO_VECTOR: &[Field] = &[
    nullable("framesCount", INTEGER),
    nullable("duration", FREE),
    required(
        "sequence",
        Shape::Objects {
            min: 0,
            fields: &[
                nullable("time", FREE),
                required("frame", INTEGER),
                nullable("closed", Shape::Boolean),
                nullable("enabled", Shape::Boolean),
                VERTICES,
            ],
        },
    ),
];

const NUMBER: &[Field] = &[required("number", FREE)];

const RATING: &[Field] = &[required("rating", NATURAL)];

const DATE_TIME: &[Field] = &[required("datetime", Shape::Text)];

const TEXT_AREA: &[Field] = &[required("text", Shape::Texts)];

const PAIRWISE: &[Field] = &[required("selected", Shape::Text)];

const RANKER: &[Field] = &[required("ranker", Shape::Buckets)];

const REACT_CODE: &[Field] = &[required("reactcode", Shape::AnyObject)];

const CHAT: &[Field] = &[required(
    "chatmessage",
    Shape::Object(&[
        required("role", Shape::Text),
        required("content", Shape::Text),
        nullable(
            "createdAt",
            Shape::Integer {
                min: i128::MIN,
                max: i128::MAX,
            },
        ),
    ]),
)];
