//! The labelling config: the XML that tells which controls label which objects, read into what checks and
//! clients need to know of it.
//!
//! What a control or an object is, and which labels belong to which control, is decided as label-studio-sdk's
//! `LabelInterface` decides it.

use std::collections::HashMap;

use crate::error::Location;

/// A labelling config, understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// In the order of the text.
    pub controls: Vec<Control>,
    /// In the order of the text.
    pub objects: Vec<Object>,
    controls_by_name: HashMap<String, usize>,
    objects_by_name: HashMap<String, usize>,
}

/// A tag that makes regions: it has a name and says which objects it labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    pub name: String,
    /// The tag as it is written: `RectangleLabels`.
    pub tag: String,
    pub kind: Kind,
    /// Names of the objects that it labels, at least one.
    pub to_names: Vec<String>,
    /// What it offers, in the order of the text; of labels that are stored alike the last one.
    pub labels: Vec<Label>,
    /// Its labels come from the task or from elsewhere: `value="$x"`, `apiUrl`.
    pub has_dynamic_labels: bool,
    /// `choice`: how many of the choices can be chosen.
    pub choice: Choice,
    /// `required="true"`
    pub is_required: bool,
    /// `perRegion="true"`: it says something about single regions.
    pub is_per_region: bool,
    /// `perItem="true"`: it says something about single items of a list of images.
    pub is_per_item: bool,
    /// When it is shown at all; as long as it is not, nothing of it is required.
    pub condition: Option<Condition>,
    /// `min`, of numbers.
    pub min: Option<f64>,
    /// `max`, of numbers.
    pub max: Option<f64>,
    /// `maxRating`, 5 unless given as a whole number.
    pub max_rating: i64,
    /// `maxSubmissions`, of texts.
    pub max_submissions: Option<u64>,
    /// `maxUsages`, of all labels of the control.
    pub max_usages: Option<u64>,
    /// Every attribute as it is written, in the order of the text.
    pub attributes: Vec<(String, String)>,
    pub location: Location,
}

/// What a control is; the tags that have rules of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Bitmask,
    BitmaskLabels,
    Brush,
    BrushLabels,
    Chat,
    Choices,
    DateTime,
    Ellipse,
    EllipseLabels,
    HyperTextLabels,
    KeyPoint,
    KeyPointLabels,
    Labels,
    MagicWand,
    Number,
    OcrLabels,
    Pairwise,
    ParagraphLabels,
    Polygon,
    PolygonLabels,
    Ranker,
    Rating,
    ReactCode,
    Rectangle,
    RectangleLabels,
    Taxonomy,
    TextArea,
    TimeSeriesLabels,
    TimelineLabels,
    Vector,
    VectorLabels,
    VideoRectangle,
    VideoVector,
    VideoVectorLabels,
    /// Any other tag.
    Other,
}

/// How many choices can be chosen at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    #[default]
    Single,
    Multiple,
}

/// Something that a control offers: a `Label`, `Choice` or `Relation`.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// What a result holds: the alias, else the value.
    pub stored: String,
    /// What people see.
    pub value: Option<String>,
    pub alias: Option<String>,
    /// `background`, a CSS colour.
    pub background: Option<String>,
    pub hotkey: Option<String>,
    /// What the choices around it store, outermost first; empty unless choices are nested.
    pub parents: Vec<String>,
}

/// When a control is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `visibleWhen`, as it is written, of the control or the nearest `View` around it that has one.
    pub visible_when: Option<String>,
    /// `whenTagName`
    pub tag_names: Vec<String>,
    /// `whenLabelValue`
    pub label_values: Vec<String>,
    /// `whenChoiceValue`
    pub choice_values: Vec<String>,
}

/// A tag that shows a part of the task.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub name: String,
    /// The tag as it is written: `Image`.
    pub tag: String,
    /// `valueList`, else `value`.
    pub value: Option<String>,
    /// The key of the task's data that it shows: `text` of `$text`.
    pub variable: Option<String>,
    pub attributes: Vec<(String, String)>,
    pub location: Location,
}

/// Something in a config that can't work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub message: String,
    pub location: Location,
}

impl Config {
    pub fn control(&self, name: &str) -> Option<&Control> {
        self.controls_by_name
            .get(name)
            .map(|index| &self.controls[*index])
    }

    pub fn object(&self, name: &str) -> Option<&Object> {
        self.objects_by_name
            .get(name)
            .map(|index| &self.objects[*index])
    }
}

impl Control {
    /// The control offers this label, or its labels are not known here.
    pub fn offers(&self, label: &str) -> bool {
        self.labels.is_empty() || self.labels.iter().any(|offered| offered.stored == label)
    }
}
