//! Whether a result fits the labelling config of its project.
//!
//! [`Mode::Standard`] gives the verdicts of label-studio-sdk's `LabelInterface.validate_annotation`, except
//! where it is plainly wrong; [`Mode::Strict`] adds what a config promises and the SDK does not look at.
//! `docs/label-studio.md` lists both.

mod coercion;
mod fields;
mod labels;
mod read;
mod region;
mod relation;
mod report;
mod shape;
mod spans;
mod strict;
mod value;
mod values;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use self::{
    read::Region,
    region::Regions,
    report::{Place, Report},
    shape::Field,
    strict::Strict,
    value::Value,
};
use super::config::{Config, Kind};
use crate::error::{Problem, ProblemCode, Segment};

/// How much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Off,
    /// What the SDK checks.
    Standard,
    /// What the config promises besides.
    Strict,
}

/// What a result is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub config: &'a Config,
    pub mode: Mode,
    /// The task's data, a JSON object as text; offsets into its texts are checked in [`Mode::Strict`] only.
    pub data: Option<&'a str>,
    /// The task was skipped: nothing is required then.
    pub is_cancelled: bool,
}

/// Checks a result that went through [`check_result`](super::document::check_result). Answers everything that
/// is wrong with it in the order of its regions, the first 1,000 problems at most, with `at` before each path.
///
/// Takes time and memory in proportion to the text, whatever it holds.
pub fn check(rules: Rules<'_>, result: &str, at: &[Segment]) -> Vec<Problem> {
    if rules.mode == Mode::Off {
        return Vec::new();
    }
    let mut checker = Checker::new(rules, at);
    if let Err(error) = read::each(result, |index, region| checker.take(index, region)) {
        let code = match error.classify() {
            serde_json::error::Category::Data => ProblemCode::WrongType,
            _ => ProblemCode::InvalidFormat,
        };
        let message = "must be a list of regions";
        return vec![Problem::new(at.iter().cloned(), code, message)];
    }
    checker.finish()
}

struct Checker<'a> {
    regions: Regions<'a>,
    strict: Option<Strict<'a>>,
    /// There are controls whose regions can be split in two: what was drawn, and its labels.
    has_split_regions: bool,
    /// The first thing that was drawn under an id.
    drawn: HashMap<Cow<'a, str>, &'static [Field]>,
    /// Labels that may belong to something drawn that comes after them.
    labels: Vec<(usize, Region<'a>)>,
    relations: Vec<(usize, Region<'a>)>,
    ids: HashSet<Cow<'a, str>>,
}

impl<'a> Checker<'a> {
    fn new(rules: Rules<'a>, at: &'a [Segment]) -> Self {
        let is_strict = rules.mode == Mode::Strict;
        let mut kinds = rules.config.controls.iter().map(|control| control.kind);
        Self {
            regions: Regions {
                config: rules.config,
                report: Report::new(at, is_strict),
            },
            strict: is_strict.then(|| Strict::new(rules)),
            has_split_regions: kinds.any(|kind| kind == Kind::Labels),
            drawn: HashMap::new(),
            labels: Vec::new(),
            relations: Vec::new(),
            ids: HashSet::new(),
        }
    }

    fn take(&mut self, index: usize, region: Option<Region<'a>>) {
        let report = &mut self.regions.report;
        if report.is_full() {
            return;
        }
        let Some(region) = region else {
            let message = "must be an object";
            return report.add(&Place::region(index), ProblemCode::WrongType, message);
        };
        let region_type = region.region_type.as_ref().and_then(Value::text);
        let region_type = region_type.unwrap_or_default();
        if region_type == "relation" {
            return self.relations.push((index, region));
        }
        let Some(id) = &region.id else {
            return self.check(index, &region, None);
        };
        self.ids.insert(id.clone());
        if !self.has_split_regions {
            return self.check(index, &region, None);
        }
        if region_type.eq_ignore_ascii_case("labels") {
            return self.labels.push((index, region));
        }
        if let Some(shape) = shape::of_partner(region_type) {
            self.drawn.entry(id.clone()).or_insert(shape);
        }
        self.check(index, &region, None);
    }

    fn finish(mut self) -> Vec<Problem> {
        for (index, region) in std::mem::take(&mut self.labels) {
            let drawn = region.id.as_ref().and_then(|id| self.drawn.get(id));
            let partner = drawn.copied();
            self.check(index, &region, partner);
        }
        let config = self.regions.config;
        let mut report = self.regions.report;
        for (index, relation) in &self.relations {
            relation::check(*index, relation, &self.ids, config, &mut report);
        }
        if let Some(strict) = self.strict {
            strict.finish(&mut report);
        }
        report.into_problems()
    }

    fn check(&mut self, index: usize, region: &Region<'a>, partner: Option<&'static [Field]>) {
        if self.regions.report.is_full() {
            return;
        }
        let place = Place::region(index);
        let known = self.regions.check(&place, region, partner);
        if let (Some(strict), Some(known)) = (&mut self.strict, known) {
            strict.take(index, region, &known, &mut self.regions.report);
        }
    }
}
