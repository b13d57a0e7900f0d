//! Labelling configs: XML that declares which controls label which objects, parsed for checks and clients.
//!
//! Controls, objects and their labels are recognised as by label-studio-sdk's `LabelInterface`
//! (<https://github.com/HumanSignal/label-studio-sdk/blob/master/src/label_studio_sdk/label_interface/interface.py>); a
//! config is refused as by Label Studio when a project is saved
//! (<https://github.com/HumanSignal/label-studio/blob/develop/label_studio/core/label_config.py>).

mod condition;
mod kind;
mod labels;
mod names;
mod object;
mod reading;
mod rules;
mod xml;

use std::{borrow::Cow, sync::Arc};

use problem::{LineIndex, Location};

pub use self::{
    condition::Condition,
    kind::Kind,
    names::Indices,
    object::{Object, SpanUnit},
    xml::MAX_BYTES,
};
use self::{
    labels::Index,
    names::{Names, Pattern},
};

/// Parsed labelling config.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// In the order of the text.
    pub controls: Vec<Control>,
    /// In the order of the text.
    pub objects: Vec<Object>,
    /// Labels of relations: every `Relation` tag, wherever it is nested.
    pub relation_labels: Vec<Label>,
    /// In the order of the text.
    pub repeaters: Vec<Repeater>,
    control_names: Names,
    object_names: Names,
    relation_index: Index,
    /// False for the absence of a config.
    is_present: bool,
}

/// Tag that makes regions: has a `name`, and a `toName` with the labelled objects.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// Name in the config, including flags of Repeaters.
    pub name: String,
    /// Tag as written: `RectangleLabels`.
    pub tag: String,
    /// Kind of the tag.
    pub kind: Kind,
    /// Names of the labelled objects in the config, each once, at least one. A chat labels itself.
    pub to_names: Vec<String>,
    /// Offered labels, in the order of the text. Of labels with equal stored texts the last, in the place of the first.
    pub labels: Vec<Label>,
    /// Labels come from the task or from elsewhere, too: `value="$x"`, `apiUrl`.
    pub has_dynamic_labels: bool,
    /// `choice`: number of labels that can be chosen, for kinds with [`Kind::has_choice`].
    pub choice: Choice,
    /// `required="true"`
    pub is_required: bool,
    /// `perRegion="true"`: answers about single regions.
    pub is_per_region: bool,
    /// `perItem="true"`: answers about single items of a list of images.
    pub is_per_item: bool,
    /// Condition to be shown. A hidden control requires nothing.
    pub condition: Option<Arc<Condition>>,
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
    /// Attributes as written, in the order of the text.
    pub attributes: Vec<(String, String)>,
    /// Place of the tag in the config.
    pub location: Location,
    /// Positions of the enclosing Repeaters in [`Config::repeaters`], outermost first.
    pub repeaters: Arc<[usize]>,
    pattern: Option<Pattern>,
    /// `to_names`, to be found fast.
    labelled: Names,
    index: Index,
}

/// `Repeater` tag: the editor repeats the content for each item of a list of the task's data.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeater {
    /// Path of the list in the task's data: `on` without `$`, or `None` unless `on` is a single variable.
    pub variable: Option<String>,
    /// `indexFlag`, `{{idx}}` unless given: the placeholder of the item's index, from 0, in attributes of the content.
    pub index_flag: String,
    pattern: Option<Pattern>,
}

/// A control found by the `from_name` of a region.
#[derive(Clone, Debug)]
pub struct FoundControl<'a> {
    /// Control that the name leads to.
    pub control: &'a Control,
    /// Indices of the enclosing Repeaters, read from the name.
    pub indices: Indices,
}

/// Number of choices that can be chosen at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// A single choice at most.
    #[default]
    Single,
    /// Any number.
    Multiple,
}

/// Offer of a control: a `Label`, `Choice` or `Relation`.
///
/// [`Control::parents`] returns the enclosing choices.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Text in results: the alias, else the value.
    pub stored: String,
    /// Text shown to people.
    pub value: Option<String>,
    /// `alias`: stored in results instead of the value.
    pub alias: Option<String>,
    /// `background`, a CSS colour.
    pub background: Option<String>,
    /// `hotkey`: keyboard shortcut in the editor.
    pub hotkey: Option<String>,
    branch: usize,
}

/// Error in a config, with the location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Sentence for people.
    pub message: String,
    /// Place in the config.
    pub location: Location,
}

impl Config {
    /// Parses a config. Returns all diagnostics in the order of the text, at most the first 1,000; of malformed XML
    /// only the first.
    ///
    /// Takes time and memory in proportion to the text, also for hostile texts.
    pub fn parse(xml: &str) -> Result<Self, Vec<Diagnostic>> {
        let document = xml::read(xml).map_err(|diagnostic| vec![diagnostic])?;
        let lines = LineIndex::new(xml);
        rules::check(&document, &lines)?;
        Ok(Self {
            is_present: true,
            ..reading::read(&document, &lines)
        })
    }

    /// True for the absence of a config, false for a config without controls.
    pub fn is_absent(&self) -> bool {
        !self.is_present
    }

    /// Finds a control by name, as written in the config.
    pub fn control(&self, name: &str) -> Option<&Control> {
        let place = self.control_names.written(name)?;
        Some(&self.controls[place])
    }

    /// Finds an object by name, as written in the config.
    pub fn object(&self, name: &str) -> Option<&Object> {
        let place = self.object_names.written(name)?;
        Some(&self.objects[place])
    }

    /// Finds the control of a region by `from_name`: `labels_0` leads to `labels_{{idx}}`.
    pub fn control_of(&self, from_name: &str) -> Option<FoundControl<'_>> {
        let (place, indices) = self.control_names.find(from_name, &Indices::default())?;
        let control = &self.controls[place];
        Some(FoundControl { control, indices })
    }

    /// Finds the object of a region by `to_name`, with the indices in the name.
    pub fn object_of(&self, to_name: &str) -> Option<(&Object, Indices)> {
        let (place, indices) = self.object_names.find(to_name, &Indices::default())?;
        Some((&self.objects[place], indices))
    }

    /// Names that controls can have in a result, one per control, with the numbers of another name as indices.
    pub fn control_names_like(&self, other: &str) -> impl Iterator<Item = Cow<'_, str>> {
        let names = self.controls.iter().map(|control| &*control.name);
        names.map(move |name| self.control_names.filled_like(name, other))
    }

    /// Names that objects can have in a result, one per object, with the numbers of another name as indices.
    pub fn object_names_like(&self, other: &str) -> impl Iterator<Item = Cow<'_, str>> {
        let names = self.objects.iter().map(|object| &*object.name);
        names.map(move |name| self.object_names.filled_like(name, other))
    }

    /// True when a `Relation` of the config stores this label.
    pub fn offers_relation(&self, label: &str) -> bool {
        self.relation_index.has(label, &Indices::default())
    }

    /// True when [`super::region`] reads every result alike by both configs, so that a search index stays valid.
    pub fn reads_like(&self, other: &Self) -> bool {
        // A sole control matters: an entry without `from_name` belongs to the control, whose name can nest the value.
        let own_name = |config: &Self| match &config.controls[..] {
            [only] => Some(only.name.clone()),
            _ => None,
        };
        self.objects.len() == other.objects.len()
            && self
                .objects
                .iter()
                .zip(&other.objects)
                .all(|(a, b)| a.is_read_like(b))
            && own_name(self) == own_name(other)
    }
}

impl Repeater {
    /// Path of the list, with the indices of outer Repeaters filled in.
    pub fn path(&self, indices: &Indices) -> Option<Cow<'_, str>> {
        with_indices(self.variable.as_deref()?, self.pattern.as_ref(), indices)
    }
}

impl Control {
    /// True when the control labels the object, given the indices of the enclosing Repeaters.
    pub fn labels_object(&self, name: &str, indices: &Indices) -> bool {
        self.labelled.find(name, indices).is_some()
    }

    /// Reads the indices of the enclosing Repeaters from the name of a labelled object. Returns `None` for objects that
    /// the control does not label.
    pub fn indices_of(&self, object: &str) -> Option<Indices> {
        let (_, indices) = self.labelled.find(object, &Indices::default())?;
        Some(indices)
    }

    /// True when both controls name the same object in `toName`.
    pub fn shares_object(&self, other: &Self) -> bool {
        let mut names = other.to_names.iter();
        names.any(|name| self.labelled.written(name).is_some())
    }

    /// `to_names` with the indices filled in; unchanged where an index is missing.
    pub fn to_names_at(&self, indices: &Indices) -> Vec<Cow<'_, str>> {
        let names = self.to_names.iter();
        let filled = names.map(|name| match self.labelled.pattern(name) {
            Some(pattern) => pattern
                .filled(indices)
                .map_or(Cow::Borrowed(&**name), Cow::Owned),
            None => Cow::Borrowed(&**name),
        });
        filled.collect()
    }

    /// Returns the `from_name` of regions for the given indices, or `None` when an index is missing.
    pub fn name_at(&self, indices: &Indices) -> Option<Cow<'_, str>> {
        with_indices(&self.name, self.pattern.as_ref(), indices)
    }

    /// `type` of regions: the tag in lower case, `chatmessage` for a chat.
    pub fn region_type(&self) -> String {
        match self.kind {
            Kind::Chat => "chatmessage".to_owned(),
            _ => self.tag.to_lowercase(),
        }
    }
}

fn with_indices<'a>(
    text: &'a str,
    pattern: Option<&Pattern>,
    indices: &Indices,
) -> Option<Cow<'a, str>> {
    match pattern {
        Some(pattern) => pattern.filled(indices).map(Cow::Owned),
        None => Some(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Config with a `Text` and further tags.
    pub fn around_text(inside: &str) -> Config {
        Config::parse(&format!(
            r#"<View><Text name="t" value="$text"/>{inside}</View>"#
        ))
        .unwrap()
    }

    /// Stored texts of labels.
    pub fn stored(labels: &[Label]) -> Vec<&str> {
        labels.iter().map(|label| label.stored.as_str()).collect()
    }

    /// Diagnostics of a config, a line each.
    pub fn diagnostics(xml: &str) -> String {
        let diagnostics = Config::parse(xml).err().unwrap_or_default();
        let told = diagnostics.iter().map(|diagnostic| {
            let Location { line, column } = diagnostic.location;
            format!("{line}:{column} {}", diagnostic.message)
        });
        told.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn huge_and_hostile_texts_are_read_or_refused() {
        let many = |piece: &str, times: usize| piece.repeat(times);
        let numbered = |times: usize, piece: &dyn Fn(usize) -> String| -> String {
            (0..times).map(piece).collect()
        };
        let refused = [
            many("<a>", 100_000),
            many("<a>", 257) + &many("</a>", 257),
            many("<", 1 << 20),
            many("<!--", 1 << 18),
            many("<a ", 300_000),
            many("&", 1 << 20),
            format!("<a {}/>", numbered(100_000, &|n| format!("a{n}=\"\" "))),
            format!("<a {}/>", many("a=\"\" ", 100_000)),
            format!(
                "<a {}>",
                numbered(200, &|n| format!("xmlns:a{n}=\"u{n}\" "))
            ),
            format!("<View>{}</View>", many("<a name=\"n\"/>", 70_000)),
            format!("<View><a toName=\"{}\"/></View>", many("x,", 500_000)),
            format!("<View>{}</View>", many("<a/>x", 200_000)),
            "x".repeat((1 << 20) + 1),
        ];
        for text in &refused {
            let diagnostics = Config::parse(text).unwrap_err();
            assert!((1..=1_000).contains(&diagnostics.len()));
            assert!(
                diagnostics
                    .iter()
                    .all(|diagnostic| diagnostic.message.len() < 300)
            );
        }

        let labels = numbered(40_000, &|n| format!("<Label value=\"{n}\"/>"));
        let config = around_text(&format!(
            "<Labels name=\"l\" toName=\"t\">{labels}</Labels>"
        ));
        let control = config.control("l").unwrap();
        assert_eq!(control.labels.len(), 40_000);
        assert!((0..40_000).all(|n| control.offers(&n.to_string(), &Indices::default())));

        let nested = many("<Choice value=\"a\">", 250) + &many("</Choice>", 250);
        let config = around_text(&format!(
            "<Choices name=\"c\" toName=\"t\">{nested}</Choices>"
        ));
        assert_eq!(config.controls[0].labels.len(), 1);
        let none = Indices::default();
        assert!(config.controls[0].offers_path(["a"; 250], &none));
        assert!(!config.controls[0].offers_path(["a"; 251], &none));

        let names = numbered(20_000, &|n| format!("<Foo name=\"{n}\" toName=\"t\"/>"));
        let config = around_text(&format!("<View visibleWhen=\"x\">{names}</View>"));
        assert_eq!(config.control("19999").unwrap().kind, Kind::Other);
    }
}
