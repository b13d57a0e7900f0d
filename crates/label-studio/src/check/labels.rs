//! Checks of the labels and choices of a region against the offers of the control.

use problem::ProblemCode;

use super::{
    fields::{missing, must_be},
    region::NamedControl,
    report::{PathNode, Report},
    value::{Items, Value},
};
use crate::config::{Choice, Control, Kind};

/// Key and form of the labels in a region's value.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'k> {
    pub key: &'k str,
    pub need: Need,
    /// Paths from the outermost choice inwards, each a list.
    pub are_paths: bool,
}

/// Forms that a list of labels may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A list, possibly empty.
    List,
    /// A list with an item at least.
    Some,
    /// A list or null.
    ListOrNull,
    /// Optional: a list, null or no key.
    Nothing,
}

impl Rule<'static> {
    const fn list(key: &'static str) -> Self {
        Self {
            key,
            need: Need::List,
            are_paths: false,
        }
    }

    /// Returns the rule of a control, or `None` for controls whose regions have no labels.
    pub fn of(control: &Control) -> Option<Self> {
        let key = match control.kind {
            Kind::BitmaskLabels => "bitmasklabels",
            Kind::BrushLabels => "brushlabels",
            Kind::Choices => "choices",
            Kind::EllipseLabels => "ellipselabels",
            Kind::HyperTextLabels => "hypertextlabels",
            Kind::KeyPointLabels => "keypointlabels",
            Kind::Labels => "labels",
            Kind::OcrLabels => "ocrlabels",
            Kind::ParagraphLabels => "paragraphlabels",
            Kind::PolygonLabels => "polygonlabels",
            Kind::RectangleLabels => "rectanglelabels",
            Kind::TimeSeriesLabels => "timeserieslabels",
            Kind::TimelineLabels => "timelinelabels",
            Kind::VectorLabels => "vectorlabels",
            Kind::Taxonomy => {
                return Some(Self {
                    are_paths: true,
                    ..Self::list("taxonomy")
                });
            }
            // Without labels inside the tag, the labels of a `VideoRectangle` come from a `Labels` control.
            Kind::VideoRectangle => {
                let need = match control.labels.is_empty() {
                    true => Need::Nothing,
                    false => Need::ListOrNull,
                };
                return Some(Self {
                    need,
                    ..Self::list("labels")
                });
            }
            Kind::VideoVectorLabels => {
                return Some(Self {
                    need: Need::ListOrNull,
                    ..Self::list("labels")
                });
            }
            _ => return None,
        };
        Some(Self::list(key))
    }
}

/// Reports problems of the labels in a region's value.
pub fn check(
    called: NamedControl<'_>,
    rule: Rule<'_>,
    value: &Value<'_>,
    place: &PathNode<'_>,
    report: &mut Report<'_>,
) {
    let place = place.key(rule.key);
    let labels = match (value.get(rule.key), rule.need) {
        (None | Some(Value::Null), Need::Nothing) | (Some(Value::Null), Need::ListOrNull) => return,
        (None, _) => return missing(rule.key, &place, report),
        (Some(labels), _) => labels,
    };
    let Some(items) = labels.items() else {
        let expected = if rule.are_paths {
            "a list of paths"
        } else {
            "a list of texts"
        };
        let message = must_be(expected, labels);
        return report.add(&place, ProblemCode::WrongType, message);
    };
    if rule.need == Need::Some && items.is_empty() {
        report.add(&place, ProblemCode::Required, "must not be empty");
    }
    items.each(|index, item| {
        let place = place.index(index);
        if report.is_full() {
        } else if rule.are_paths {
            match item.items() {
                Some(path) => {
                    path.each(|index, label| {
                        check_one(called, label, &place.index(index), report);
                    });
                }
                None => {
                    let message = must_be("a list of texts", item);
                    report.add(&place, ProblemCode::WrongType, message);
                }
            }
        } else {
            check_one(called, item, &place, report);
        }
    });
    if report.is_strict {
        check_count(called, rule, items, &place, report);
    }
}

fn check_one(
    called: NamedControl<'_>,
    label: &Value<'_>,
    place: &PathNode<'_>,
    report: &mut Report<'_>,
) {
    let Some(text) = label.text() else {
        if !report.is_full() {
            report.add(place, ProblemCode::WrongType, must_be("a text", label));
        }
        return;
    };
    // Dynamic labels are unknown here, so any text passes; see `Control::offers`.
    if !called.control.offers(text, called.indices) {
        let subject = format!("`{}` has no {}", called.name, what(called.control));
        let known = called.control.labels_at(called.indices);
        let candidates = called.control.labels_at(called.indices);
        let code = ProblemCode::UnknownLabel;
        report.add_unknown(place, code, &subject, text, known, candidates);
    }
}

/// Strict mode: checks the number of labels against `choice`, `maxUsages` and `allowEmpty`
/// (<https://labelstud.io/tags/labels>).
fn check_count(
    called: NamedControl<'_>,
    rule: Rule<'_>,
    labels: Items<'_, '_>,
    place: &PathNode<'_>,
    report: &mut Report<'_>,
) {
    let NamedControl { control, name, .. } = called;
    let has_labels = !control.labels.is_empty() || control.has_dynamic_labels;
    if rule.need == Need::Nothing || !has_labels {
        return;
    }
    let count = labels.len();
    // `maxUsages` of a taxonomy bounds the paths of a region, of labels the regions per label; see `Strict`.
    if rule.are_paths {
        let most = control.max_usages.filter(|most| count as u64 > *most);
        if let Some(most) = most {
            let message = format!("`{name}` takes at most {most}, not {count}");
            report.add(place, ProblemCode::TooMany, message);
        }
        return;
    }
    if count > 1 && control.choice == Choice::Single {
        let message = format!("`{name}` takes one {}, not {count}", what(control));
        report.add(place, ProblemCode::TooMany, message);
    }
    if count == 0 && control.kind != Kind::Choices && !allows_empty(control) {
        let message = format!("`{name}` needs a label");
        report.add(place, ProblemCode::Required, message);
    }
}

/// Noun for the offers of a control, in messages.
fn what(control: &Control) -> &'static str {
    match control.kind {
        Kind::Choices | Kind::Taxonomy => "choice",
        _ => "label",
    }
}

fn allows_empty(control: &Control) -> bool {
    let mut attributes = control.attributes.iter();
    attributes.any(|(name, value)| name == "allowEmpty" && value == "true")
}
