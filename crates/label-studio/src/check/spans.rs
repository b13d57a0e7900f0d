//! Strict mode: order of the ends of spans, and bounds of spans of texts.

use problem::ProblemCode;

use super::{
    coercion::number,
    data::Data,
    region::ResolvedRegion,
    report::{PathNode, Report},
    value::Value,
};
use crate::config::{Config, Kind, Object};

/// Reports a span of `Labels` or `TimelineLabels` that ends before the start, or after the end of the text.
pub fn check<'a>(
    known: &ResolvedRegion<'a, '_>,
    config: &'a Config,
    data: &mut Data<'a>,
    place: &PathNode<'_>,
    report: &mut Report<'_>,
) {
    match known.control.kind {
        Kind::Labels if !known.is_drawn => {
            check_order(known.value, place, report);
            // Audio, video and time series have no length here: the file is elsewhere.
            let object = config.object_of(known.to_name);
            let object = object.filter(|(object, _)| shows_its_text(object));
            let length = object.and_then(|(object, indices)| data.text_length(object, &indices));
            if let Some(length) = length {
                check_length(known.value, length, place, report);
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

/// True for a `Text` that shows a value of the task's data, not the content of a URL
/// (`valueType`, <https://labelstud.io/tags/text>).
fn shows_its_text(object: &Object) -> bool {
    let mut attributes = object.attributes.iter();
    let is_address =
        attributes.any(|(name, value)| name.eq_ignore_ascii_case("valueType") && value == "url");
    object.tag.eq_ignore_ascii_case("Text") && !is_address
}

fn check_order(span: &Value<'_>, place: &PathNode<'_>, report: &mut Report<'_>) {
    let at = |key| span.get(key).and_then(number);
    if let (Some(start), Some(end)) = (at("start"), at("end"))
        && start > end
    {
        let message = format!("the span starts at {start}, after its end at {end}");
        report.add(&place.key("start"), ProblemCode::OutOfBounds, message);
    }
}

fn check_length(span: &Value<'_>, length: usize, place: &PathNode<'_>, report: &mut Report<'_>) {
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
