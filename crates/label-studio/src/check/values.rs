//! Strict mode: checks of a value against the attributes of the control.

use problem::ProblemCode;

use super::{
    coercion::number,
    fields::TOLERANCE,
    region::ResolvedRegion,
    report::{PathNode, Report, quoted},
    value::Value,
};
use crate::config::{Control, Kind};

/// Reports problems of a value. Skips values of wrong types, which the standard checks report.
pub fn check(known: &ResolvedRegion<'_, '_>, place: &PathNode<'_>, report: &mut Report<'_>) {
    let (control, value) = (known.control, known.value);
    match control.kind {
        Kind::Rectangle | Kind::RectangleLabels => check_box(value, place, report),
        Kind::Number => check_number(control, value, &place.key("number"), report),
        Kind::TextArea => check_texts(known, &place.key("text"), report),
        Kind::Pairwise => check_selected(value, &place.key("selected"), report),
        Kind::Taxonomy => check_paths(known, &place.key("taxonomy"), report),
        _ => {}
    }
}

/// Checks that a box without rotation lies within the image.
fn check_box(value: &Value<'_>, place: &PathNode<'_>, report: &mut Report<'_>) {
    let side = |key| value.get(key).and_then(number);
    if side("rotation").is_some_and(|rotation| rotation != 0.0) {
        return;
    }
    for (start, length, edge) in [("x", "width", "right"), ("y", "height", "lower")] {
        let (Some(from), Some(by)) = (side(start), side(length)) else {
            continue;
        };
        // A coordinate above 100 is reported already.
        if from <= 100.0 && by <= 100.0 && from + by > 100.0 + TOLERANCE {
            let message = format!(
                "reaches beyond the {edge} edge: `{start}` and `{length}` make {}",
                from + by
            );
            report.add(&place.key(length), ProblemCode::OutOfBounds, message);
        }
    }
}

/// Checks `min` and `max` (<https://labelstud.io/tags/number>).
fn check_number(
    control: &Control,
    value: &Value<'_>,
    place: &PathNode<'_>,
    report: &mut Report<'_>,
) {
    let number = value.get("number").and_then(number);
    let Some(number) = number.filter(|number| number.is_finite()) else {
        return;
    };
    let message = match (control.min, control.max) {
        (Some(min), _) if number < min => format!("must be at least {min}, is {number}"),
        (_, Some(max)) if number > max => format!("must be at most {max}, is {number}"),
        _ => return,
    };
    report.add(place, ProblemCode::OutOfBounds, message);
}

/// Checks `maxSubmissions` (<https://labelstud.io/tags/textarea>).
fn check_texts(known: &ResolvedRegion<'_, '_>, place: &PathNode<'_>, report: &mut Report<'_>) {
    let texts = known.value.get("text").and_then(Value::items);
    let count = texts.map_or(0, super::value::Items::len);
    let most = known.control.max_submissions;
    if let Some(most) = most.filter(|most| count as u64 > *most) {
        let message = format!("`{}` takes at most {most} texts, not {count}", known.name);
        report.add(place, ProblemCode::TooMany, message);
    }
}

fn check_selected(value: &Value<'_>, place: &PathNode<'_>, report: &mut Report<'_>) {
    let selected = value.get("selected").and_then(Value::text);
    if let Some(other) = selected.filter(|side| !matches!(*side, "left" | "right")) {
        let message = format!("must be \"left\" or \"right\", not {}", quoted(other));
        report.add(place, ProblemCode::UnknownValue, message);
    }
}

/// Checks that each path follows the nesting of the choices, outermost first.
fn check_paths(known: &ResolvedRegion<'_, '_>, place: &PathNode<'_>, report: &mut Report<'_>) {
    let ResolvedRegion {
        control, indices, ..
    } = known;
    let Some(paths) = known.value.get("taxonomy").and_then(Value::items) else {
        return;
    };
    paths.each(|index, path| {
        let Some(Value::List(steps)) = Some(path).filter(|_| !report.is_full()) else {
            return;
        };
        let path: Option<Vec<&str>> = steps.iter().map(Value::text).collect();
        // An unknown step is reported already.
        let Some(path) = path.filter(|path| path.iter().all(|step| control.offers(step, indices)))
        else {
            return;
        };
        if !control.offers_path(path.iter().copied(), indices) {
            let message = format!(
                "`{}` has no path {}, from the outermost choice inwards",
                known.name,
                quoted(&path.join(" / "))
            );
            report.add(&place.index(index), ProblemCode::UnknownLabel, message);
        }
    });
}
