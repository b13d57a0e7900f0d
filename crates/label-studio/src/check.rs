//! Checks of results against the labelling config of their project.
//!
//! [`Mode::Standard`] gives the verdicts of label-studio-sdk's `LabelInterface.validate_annotation`
//! (<https://github.com/HumanSignal/label-studio-sdk/blob/master/src/label_studio_sdk/label_interface/interface.py>),
//! except where the SDK is plainly wrong; [`Mode::Strict`] adds rules of the config that the SDK does not check.
//! `docs/label-studio.md` lists both.

pub(super) mod coercion;
mod data;
mod fields;
mod labels;
mod read;
mod region;
mod relation;
mod report;
mod shape;
mod spans;
mod strict;
pub(super) mod value;
mod values;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use problem::{Problem, ProblemCode, Segment};

use self::{
    read::Region,
    region::Regions,
    report::{PathNode, Report},
    shape::Field,
    strict::Strict,
    value::Value,
};
use super::config::{Config, Kind};

/// Strictness of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No check.
    Off,
    /// Checks of the SDK.
    Standard,
    /// Checks of the SDK, and further rules of the config.
    Strict,
}

/// Inputs of a check besides the result.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Labelling config of the project.
    pub config: &'a Config,
    /// Strictness of the check.
    pub mode: Mode,
    /// Data of the task, a JSON object as text. [`Mode::Strict`] checks offsets into texts of the data.
    pub data: Option<&'a str>,
    /// The task was skipped, which lifts all requirements.
    pub is_cancelled: bool,
}

/// Checks a result that went through [`check_result`](json_fidelity::check_result). Returns the problems in the order
/// of the regions, at most the first 1,000, with `at` before each path.
///
/// Takes time and memory in proportion to the text, also for hostile texts.
pub fn check(rules: Rules<'_>, result: &str, at: &[Segment]) -> Vec<Problem> {
    if rules.mode == Mode::Off {
        return Vec::new();
    }
    let mut drawn = HashMap::new();
    loop {
        let mut checker = Checker::new(rules, at, drawn);
        // Checks while parsing, so that a single region is in memory at a time.
        if let Err(error) = read::each(result, |index, region| checker.visit(index, region)) {
            let code = match error.classify() {
                serde_json::error::Category::Data => ProblemCode::WrongType,
                _ => ProblemCode::InvalidFormat,
            };
            let message = "must be a list of regions";
            return vec![Problem::new(at.iter().cloned(), code, message)];
        }
        if !checker.needs_second_pass {
            return checker.finish();
        }
        // Second pass, with all drawn regions known. Rare: Label Studio writes a region before the labels.
        drawn = checker.drawn;
    }
}

struct Checker<'a> {
    regions: Regions<'a>,
    strict: Option<Strict<'a>>,
    /// The config has controls whose regions can be split into two entries: shape and labels.
    has_split_regions: bool,
    /// Fields of the first shape drawn under an id.
    drawn: HashMap<Cow<'a, str>, &'static [Field]>,
    /// Ids of `labels` entries that were checked as spans.
    of_spans: HashSet<Cow<'a, str>>,
    /// True once an entry that was checked as a span turned out to label a later shape.
    needs_second_pass: bool,
    relations: Vec<(usize, Region<'a>)>,
    ids: Vec<Cow<'a, str>>,
}

impl<'a> Checker<'a> {
    fn new(
        rules: Rules<'a>,
        at: &'a [Segment],
        drawn: HashMap<Cow<'a, str>, &'static [Field]>,
    ) -> Self {
        let is_strict = rules.mode == Mode::Strict;
        let mut kinds = rules.config.controls.iter().map(|control| control.kind);
        Self {
            regions: Regions {
                config: rules.config,
                report: Report::new(at, is_strict),
            },
            strict: is_strict.then(|| Strict::new(rules)),
            has_split_regions: kinds.any(|kind| kind == Kind::Labels),
            drawn,
            of_spans: HashSet::new(),
            needs_second_pass: false,
            relations: Vec::new(),
            ids: Vec::new(),
        }
    }

    fn visit(&mut self, index: usize, region: Option<Region<'a>>) {
        interrupt::check();
        let Some(region) = region else {
            let place = PathNode::region(index);
            let report = &mut self.regions.report;
            return report.add(&place, ProblemCode::WrongType, "must be an object");
        };
        let region_type = region.region_type.as_ref().and_then(Value::text);
        let region_type = region_type.unwrap_or_default();
        if region_type == "relation" {
            // Checked at the end: a relation may come before the regions at both ends.
            return self.relations.push((index, region));
        }
        let mut partner = None;
        if let Some(id) = &region.id {
            self.ids.push(id.clone());
            // Without a `Labels` control no entry needs a partner, and the maps stay empty.
            if !self.has_split_regions {
            } else if region_type.eq_ignore_ascii_case("labels") {
                partner = self.drawn.get(id).copied();
                if partner.is_none() {
                    self.of_spans.insert(id.clone());
                }
            } else if let Some(shape) = shape::of_partner(region_type)
                && !self.drawn.contains_key(id)
            {
                self.needs_second_pass |= self.of_spans.contains(id);
                self.drawn.insert(id.clone(), shape);
            }
        }
        self.check(index, &region, partner);
    }

    fn finish(self) -> Vec<Problem> {
        let config = self.regions.config;
        let mut report = self.regions.report;
        if !self.relations.is_empty() {
            let ids: HashSet<_> = self.ids.into_iter().collect();
            for (index, relation) in &self.relations {
                interrupt::check();
                if report.is_full() {
                    break;
                }
                relation::check(*index, relation, &ids, config, &mut report);
            }
        }
        if let Some(strict) = self.strict {
            strict.finish(&mut report);
        }
        report.into_problems()
    }

    fn check(&mut self, index: usize, region: &Region<'a>, partner: Option<&'static [Field]>) {
        // Further problems would be dropped. Ids are still collected, for relations.
        if self.regions.report.is_full() {
            return;
        }
        let place = PathNode::region(index);
        let known = self.regions.check(&place, region, partner);
        if let (Some(strict), Some(known)) = (&mut self.strict, known) {
            strict.visit(index, region, &known, &mut self.regions.report);
        }
    }
}
