//! Strict mode: rules of the config across regions that Label Studio's SDK does not check, such as `required` and
//! `maxUsages`.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    ops::ControlFlow,
};

use problem::ProblemCode;

use super::{
    Rules,
    data::Data,
    labels::Rule,
    read::Region,
    region::ResolvedRegion,
    report::{PathNode, Report},
    spans,
    value::Value,
    values,
};
use crate::config::{Config, Control, Indices, Kind};

/// State across the regions of a result.
pub struct Strict<'a> {
    config: &'a Config,
    data: Data<'a>,
    /// Controls that the whole result has to answer.
    required: Vec<&'a Control>,
    /// Controls that each region has to answer.
    required_per_region: Vec<&'a Control>,
    /// Names in the result of controls with an answer.
    answered: HashSet<String>,
    /// Controls with an answer about a region: name in the config, and region id.
    answered_regions: HashSet<(&'a str, Cow<'a, str>)>,
    /// Drawn and marked regions: index of the first entry, id and object.
    areas: Vec<(usize, Cow<'a, str>, String)>,
    drawn_ids: HashSet<Cow<'a, str>>,
    usages: HashMap<(String, Cow<'a, str>), u64>,
}

impl<'a> Strict<'a> {
    /// Starts a strict check: collects the controls that require an answer.
    pub fn new(rules: Rules<'a>) -> Self {
        // A control with a condition may be hidden, and `perItem` depends on the number of images, so no answer is
        // required.
        let controls = rules.config.controls.iter().filter(|control| {
            !rules.is_cancelled
                && control.is_required
                && control.condition.is_none()
                && !control.is_per_item
                && can_be_required(control.kind)
        });
        let (required_per_region, required) = controls.partition(|control| control.is_per_region);
        Self {
            config: rules.config,
            data: Data::new(rules.config, rules.data),
            required,
            required_per_region,
            answered: HashSet::new(),
            answered_regions: HashSet::new(),
            areas: Vec::new(),
            drawn_ids: HashSet::new(),
            usages: HashMap::new(),
        }
    }

    /// Reports problems of a region whose control and object exist.
    pub fn visit(
        &mut self,
        index: usize,
        region: &Region<'a>,
        known: &ResolvedRegion<'a, '_>,
        report: &mut Report<'_>,
    ) {
        let place = PathNode::region(index);
        let place = place.key("value");
        let below = place.key(known.name);
        let place = if known.is_below_name { below } else { place };
        values::check(known, &place, report);
        spans::check(known, self.config, &mut self.data, &place, report);
        self.count_usages(known, &place, report);
        self.remember(index, region, known);
    }

    fn remember(&mut self, index: usize, region: &Region<'a>, known: &ResolvedRegion<'a, '_>) {
        let control = known.control;
        if can_be_required(control.kind) {
            if says_nothing(control, known.value) {
                return;
            }
            self.answered.insert(known.name.to_owned());
        }
        let Some(id) = region.id.as_ref() else {
            return;
        };
        // Most configs ask nothing per region, and need no copies of ids.
        if self.required_per_region.is_empty() {
            return;
        }
        if can_be_required(control.kind) {
            self.answered_regions.insert((&control.name, id.clone()));
        } else if is_area(control.kind) && self.drawn_ids.insert(id.clone()) {
            let object = known.to_name.to_owned();
            self.areas.push((index, id.clone(), object));
        }
    }

    /// Checks `maxUsages` of labels: the number of regions with the same label.
    fn count_usages(
        &mut self,
        known: &ResolvedRegion<'a, '_>,
        place: &PathNode<'_>,
        report: &mut Report<'_>,
    ) {
        let control = known.control;
        let (Some(most), Some(rule)) = (control.max_usages, Rule::of(control)) else {
            return;
        };
        let labels = known.value.get(rule.key).and_then(Value::items);
        let Some(labels) = labels.filter(|_| !rule.are_paths) else {
            return;
        };
        let place = place.key(rule.key);
        labels.each(|index, label| {
            let Value::Text(label) = label else {
                return;
            };
            let used = self
                .usages
                .entry((known.name.to_owned(), label.clone()))
                .or_default();
            *used += 1;
            // Reported once, at the first usage beyond the limit.
            if *used == most.saturating_add(1) {
                let message = format!("`{}` takes this label {most} times at most", known.name);
                report.add(&place.index(index), ProblemCode::TooMany, message);
            }
        });
    }

    /// Reports missing answers, to the whole result or to a region.
    pub fn finish(mut self, report: &mut Report<'_>) {
        for control in &self.required {
            let answered = &mut self.answered;
            self.data.each_name(control, |name| {
                // Items that share a name are reported once.
                if answered.insert(name.to_owned()) {
                    let message = format!("`{name}` has to be answered");
                    report.add_to_whole(ProblemCode::Required, message);
                }
                match report.is_full() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
        }
        for control in &self.required_per_region {
            for (index, id, object) in &self.areas {
                interrupt::check();
                // An answer about a region of an object that the control does not label is not due.
                let is_due = control.labels_object(object, &Indices::default());
                if is_due
                    && !self
                        .answered_regions
                        .contains(&(&*control.name, id.clone()))
                {
                    let name = name_for(control, object);
                    let message = format!("`{name}` has to be answered for this region");
                    report.add(&PathNode::region(*index), ProblemCode::Required, message);
                }
                if report.is_full() {
                    return;
                }
            }
        }
    }
}

/// Name of a control in regions on this object.
fn name_for<'c>(control: &'c Control, object: &str) -> Cow<'c, str> {
    let indices = control.indices_of(object);
    let name = indices.and_then(|indices| control.name_at(&indices));
    name.unwrap_or(Cow::Borrowed(&control.name))
}

/// True for kinds whose `required` Label Studio's editor checks
/// (<https://github.com/HumanSignal/label-studio/blob/develop/web/libs/editor/src/mixins/Required.js>).
fn can_be_required(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Choices
            | Kind::DateTime
            | Kind::Number
            | Kind::Rating
            | Kind::Taxonomy
            | Kind::TextArea
    )
}

/// True for kinds whose regions are parts of the object.
fn is_area(kind: Kind) -> bool {
    !can_be_required(kind)
        && !matches!(
            kind,
            Kind::Pairwise | Kind::Ranker | Kind::ReactCode | Kind::Other
        )
}

/// True for an empty list, which counts as a missing answer.
fn says_nothing(control: &Control, value: &Value<'_>) -> bool {
    let key = match control.kind {
        Kind::Choices => "choices",
        Kind::Taxonomy => "taxonomy",
        Kind::TextArea => "text",
        _ => return false,
    };
    let list = value.get(key).and_then(Value::items);
    list.is_some_and(super::value::Items::is_empty)
}
