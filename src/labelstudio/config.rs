//! The labelling config: the XML that tells which controls label which objects, read into what checks and
//! clients need to know of it.
//!
//! What a control or an object is, and which labels belong to which control, is decided as label-studio-sdk's
//! `LabelInterface` decides it; what is refused, as Label Studio does when a project is saved.

mod kind;
mod labels;
mod reading;
mod rules;
mod xml;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use self::labels::Index;
pub use self::{kind::Kind, xml::MAX_BYTES};
use crate::error::{Location, Places};

/// A labelling config, understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// In the order of the text.
    pub controls: Vec<Control>,
    /// In the order of the text.
    pub objects: Vec<Object>,
    /// What relations can be labelled with: every `Relation`, whichever tag it stands in.
    pub relation_labels: Vec<Label>,
    controls_by_name: HashMap<String, usize>,
    objects_by_name: HashMap<String, usize>,
    /// There is one at all.
    is_present: bool,
}

/// A tag that makes regions: it has a name and says which objects it labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    pub name: String,
    /// The tag as it is written: `RectangleLabels`.
    pub tag: String,
    pub kind: Kind,
    /// Names of the objects that it labels, each once, at least one; of a chat its own.
    pub to_names: Vec<String>,
    /// What it offers, in the order of the text; of labels that are stored alike the last one, in the place of
    /// the first.
    pub labels: Vec<Label>,
    /// Labels come from the task or from elsewhere, too: `value="$x"`, `apiUrl`.
    pub has_dynamic_labels: bool,
    /// `choice`: how many of the labels can be chosen; means something where [`Kind::has_choice`].
    pub choice: Choice,
    /// `required="true"`
    pub is_required: bool,
    /// `perRegion="true"`: it says something about single regions.
    pub is_per_region: bool,
    /// `perItem="true"`: it says something about single items of a list of images.
    pub is_per_item: bool,
    /// When it is shown at all; as long as it is not, nothing of it is required.
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
    /// Every attribute as it is written, in the order of the text.
    pub attributes: Vec<(String, String)>,
    pub location: Location,
    /// `to_names`, to be found fast.
    labelled: HashSet<String>,
    index: Index,
}

/// How many choices can be chosen at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    #[default]
    Single,
    Multiple,
}

/// Something that a control offers: a `Label`, `Choice` or `Relation`.
///
/// [`Control::parents`] tells which choices are around it.
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
    branch: usize,
}

/// When a control is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `visibleWhen`, as it is written.
    pub visible_when: Option<String>,
    /// `whenTagName`
    pub tag_names: Vec<String>,
    /// `whenLabelValue`
    pub label_values: Vec<String>,
    /// `whenChoiceValue`
    pub choice_values: Vec<String>,
    /// The condition of the nearest tag around it that has a `visibleWhen`: it has to hold, too.
    pub around: Option<Arc<Self>>,
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
    /// A sentence for a person.
    pub message: String,
    pub location: Location,
}

impl Config {
    /// Reads a config. Tells everything that is wrong with it in the order of the text, the first 1,000 faults
    /// at most; of a text that is no XML the first fault alone.
    ///
    /// Takes time and memory in proportion to the text, whatever it holds.
    pub fn parse(xml: &str) -> Result<Self, Vec<Fault>> {
        let document = xml::read(xml).map_err(|fault| vec![fault])?;
        let places = Places::of(xml);
        rules::check(&document, &places)?;
        Ok(Self {
            is_present: true,
            ..reading::read(&document, &places)
        })
    }

    /// There is no config, as opposed to one without controls.
    pub fn is_absent(&self) -> bool {
        !self.is_present
    }

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
    /// It labels the object of this name.
    pub fn labels_object(&self, name: &str) -> bool {
        self.labelled.contains(name)
    }

    /// The `type` of its regions: the tag in lower case, of a chat `chatmessage`.
    pub fn region_type(&self) -> String {
        match self.kind {
            Kind::Chat => "chatmessage".to_owned(),
            _ => self.tag.to_lowercase(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A config that shows a text, and what else it has.
    pub fn around_text(inside: &str) -> Config {
        Config::parse(&format!(
            r#"<View><Text name="t" value="$text"/>{inside}</View>"#
        ))
        .unwrap()
    }

    /// What labels store.
    pub fn stored(labels: &[Label]) -> Vec<&str> {
        labels.iter().map(|label| label.stored.as_str()).collect()
    }

    /// What is wrong with a config, a line each.
    pub fn faults(xml: &str) -> String {
        let faults = Config::parse(xml).err().unwrap_or_default();
        let told = faults.iter().map(|fault| {
            let Location { line, column } = fault.location;
            format!("{line}:{column} {}", fault.message)
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
            let faults = Config::parse(text).unwrap_err();
            assert!((1..=1_000).contains(&faults.len()));
            assert!(faults.iter().all(|fault| fault.message.len() < 300));
        }

        let labels = numbered(40_000, &|n| format!("<Label value=\"{n}\"/>"));
        let config = around_text(&format!(
            "<Labels name=\"l\" toName=\"t\">{labels}</Labels>"
        ));
        let control = config.control("l").unwrap();
        assert_eq!(control.labels.len(), 40_000);
        assert!((0..40_000).all(|n| control.offers(&n.to_string())));

        let nested = many("<Choice value=\"a\">", 250) + &many("</Choice>", 250);
        let config = around_text(&format!(
            "<Choices name=\"c\" toName=\"t\">{nested}</Choices>"
        ));
        assert_eq!(config.controls[0].labels.len(), 1);
        assert!(config.controls[0].offers_path(["a"; 250]));
        assert!(!config.controls[0].offers_path(["a"; 251]));

        let names = numbered(20_000, &|n| format!("<Foo name=\"{n}\" toName=\"t\"/>"));
        let config = around_text(&format!("<View visibleWhen=\"x\">{names}</View>"));
        assert_eq!(config.control("19999").unwrap().kind, Kind::Other);
    }
}
