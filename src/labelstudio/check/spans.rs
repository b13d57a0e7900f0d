//! Strict mode: spans start before they end, and those of a text end within it.

use std::collections::{HashMap, HashSet};

use super::{
    Rules,
    coercion::number,
    region::Known,
    report::{Place, Report},
    value::Value,
};
use crate::{
    error::ProblemCode,
    labelstudio::config::{Config, Kind, Object},
};

/// How long the texts of a task are.
pub struct Texts<'a> {
    /// By the name of the object that shows them, in UTF-16 units: a browser counts those. It is the longest
    /// that a text can be by any count, so that whoever counts characters is right, too.
    lengths: HashMap<&'a str, usize>,
}

impl<'a> Texts<'a> {
    pub fn new(rules: Rules<'a>) -> Self {
        let lengths = rules.data.and_then(|data| lengths(rules.config, data));
        Self {
            lengths: lengths.unwrap_or_default(),
        }
    }

    /// Reports a span of `Labels` or `TimelineLabels` that ends before it starts, or after its text does.
    pub fn check(&self, known: &Known<'_, '_>, place: &Place<'_>, report: &mut Report<'_>) {
        match known.control.kind {
            Kind::Labels if !known.is_drawn => {
                check_order(known.value, place, report);
                if let Some(length) = self.lengths.get(known.to_name) {
                    check_length(known.value, *length, place, report);
                }
            }
            Kind::TimelineLabels => {
                let ranges = known.value.get("ranges").and_then(Value::items);
                let place = place.key("ranges");
                if let Some(ranges) = ranges {
                    ranges.each(|index, range| check_order(range, &place.index(index), report));
                }
            }
            _ => {}
        }
    }
}

fn lengths<'a>(config: &'a Config, data: &str) -> Option<HashMap<&'a str, usize>> {
    let labels = config.controls.iter().filter(|it| it.kind == Kind::Labels);
    let names = labels.flat_map(|control| &control.to_names);
    let mut seen = HashSet::new();
    let mut texts = names
        .filter(|name| seen.insert(name.as_str()))
        .filter_map(|name| config.object(name))
        .filter(|object| shows_its_text(object))
        .peekable();
    texts.peek()?;
    let data: Value = serde_json::from_str(data).ok()?;
    let length = |object: &'a Object| {
        let text = data.get(object.variable.as_deref()?)?.text()?;
        Some((object.name.as_str(), text.encode_utf16().count()))
    };
    Some(texts.filter_map(length).collect())
}

/// A `Text` that shows a value of the task itself, not what an address leads to.
fn shows_its_text(object: &Object) -> bool {
    let mut attributes = object.attributes.iter();
    let is_address =
        attributes.any(|(name, value)| name.eq_ignore_ascii_case("valueType") && value == "url");
    object.tag.eq_ignore_ascii_case("Text") && !is_address
}

fn check_order(span: &Value<'_>, place: &Place<'_>, report: &mut Report<'_>) {
    let at = |key| span.get(key).and_then(number);
    if let (Some(start), Some(end)) = (at("start"), at("end"))
        && start > end
    {
        let message = format!("the span starts at {start}, after its end at {end}");
        report.add(&place.key("start"), ProblemCode::OutOfBounds, message);
    }
}

fn check_length(span: &Value<'_>, length: usize, place: &Place<'_>, report: &mut Report<'_>) {
    for key in ["start", "end"] {
        let Some(offset) = span.get(key).and_then(number) else {
            continue;
        };
        let message = if offset < 0.0 {
            format!("must be at least 0, is {offset}")
        } else if offset > length as f64 {
            format!("must be at most {length}, the length of the text, is {offset}")
        } else {
            continue;
        };
        report.add(&place.key(key), ProblemCode::OutOfBounds, message);
    }
}
