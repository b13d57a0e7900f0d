//! Checks of relations: direction, ends and labels.

use std::{borrow::Cow, collections::HashSet};

use problem::ProblemCode;

use super::{
    fields::{missing, must_be},
    read::Region,
    report::{PathNode, Report, quoted},
    value::Value,
};
use crate::config::Config;

const DIRECTIONS: [&str; 3] = ["left", "right", "bi"];

/// Reports problems of a relation. `ids` holds the ids of all regions of the result.
pub fn check(
    index: usize,
    relation: &Region<'_>,
    ids: &HashSet<Cow<'_, str>>,
    config: &Config,
    report: &mut Report<'_>,
) {
    let place = PathNode::region(index);
    let direction = ("direction", &relation.direction);
    let (from_id, to_id) = (("from_id", &relation.from_id), ("to_id", &relation.to_id));
    for (key, value) in [direction, from_id, to_id] {
        let place = place.key(key);
        let Some(value) = value else {
            missing(key, &place, report);
            continue;
        };
        let Value::Text(text) = value else {
            let message = must_be("a text", value);
            report.add(&place, ProblemCode::WrongType, message);
            continue;
        };
        if key == "direction" {
            if !DIRECTIONS.contains(&&**text) {
                let message = format!(
                    "must be \"left\", \"right\" or \"bi\", not {}",
                    quoted(text)
                );
                report.add(&place, ProblemCode::UnknownValue, message);
            }
        } else if !ids.contains(text) {
            let message = format!("no region of the result has the id {}", quoted(text));
            report.add(&place, ProblemCode::UnknownRegion, message);
        }
    }
    if report.is_strict && !config.relation_labels.is_empty() {
        check_labels(relation, config, &place.key("labels"), report);
    }
}

/// Strict mode: checks the labels against the `Relation` tags of the config (<https://labelstud.io/tags/relations>).
fn check_labels(
    relation: &Region<'_>,
    config: &Config,
    place: &PathNode<'_>,
    report: &mut Report<'_>,
) {
    let labels = match &relation.labels {
        None | Some(Value::Null) => return,
        Some(labels) => labels,
    };
    let Some(items) = labels.items() else {
        let message = must_be("a list of texts", labels);
        return report.add(place, ProblemCode::WrongType, message);
    };
    items.each(|index, item| {
        if report.is_full() {
            return;
        }
        let place = place.index(index);
        match item.text() {
            None => report.add(&place, ProblemCode::WrongType, must_be("a text", item)),
            Some(text) if config.offers_relation(text) => {}
            Some(text) => {
                let known = config.relation_labels.iter().map(|label| &*label.stored);
                let subject = "relations have no label";
                let code = ProblemCode::UnknownLabel;
                report.add_unknown(&place, code, subject, text, known.clone(), known);
            }
        }
    });
}
