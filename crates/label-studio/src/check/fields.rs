//! Checks of an object against a table of fields: presence, types and bounds.

use std::collections::HashSet;

use problem::ProblemCode;

use super::{
    coercion::{boolean, integer, number},
    report::{PathNode, Report, quoted},
    shape::{Field, Need, Shape},
    value::{Items, Value},
};

/// Tolerance of bounds in strict mode, in percent of the image: Label Studio's editor computes coordinates from pixels,
/// and rounding can exceed a bound.
pub const TOLERANCE: f64 = 0.01;

/// Reports problems of an object and the fields.
pub fn check(object: &Value<'_>, fields: &[Field], place: &PathNode<'_>, report: &mut Report<'_>) {
    if !matches!(object, Value::Object(_)) {
        report.add(place, ProblemCode::WrongType, must_be("an object", object));
        return;
    }
    for field in fields {
        let place = place.key(field.key);
        match object.get(field.key) {
            None if field.need == Need::Required => missing(field.key, &place, report),
            None => {}
            Some(Value::Null) if field.need == Need::Nullable => {}
            Some(value) => check_one(value, &field.shape, &place, report),
        }
    }
}

/// Reports that a key is missing.
pub fn missing(key: &str, place: &PathNode<'_>, report: &mut Report<'_>) {
    let message = format!("`{key}` is missing");
    report.add(place, ProblemCode::MissingField, message);
}

/// Message for a wrong type: `must be a list, not null`.
pub fn must_be(expected: &str, value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => format!("must be {expected}, not the text {}", quoted(text)),
        Value::Float(number) => format!("must be {expected}, not {number}"),
        other => format!("must be {expected}, not {}", other.what()),
    }
}

fn check_one(value: &Value<'_>, shape: &Shape, place: &PathNode<'_>, report: &mut Report<'_>) {
    // Formatting messages for a million wrong values costs more than reading the result.
    if report.is_full() {
        return;
    }
    let expected = match shape {
        Shape::Number { min, max } => match number(value) {
            Some(number) => return in_bounds(number, *min, *max, place, report),
            None => "a number",
        },
        Shape::Integer { min, max } => match integer(value) {
            Some(number) => return in_range(number, *min, *max, place, report),
            None => "a whole number",
        },
        Shape::Boolean => match boolean(value) {
            Some(_) => return,
            None => "true or false",
        },
        Shape::Text => match value {
            Value::Text(_) => return,
            _ => "a text",
        },
        Shape::Position => match value {
            Value::Text(_) => return,
            other if number(other).is_some() => return,
            _ => "a number or a text",
        },
        Shape::Character => match (value, integer(value)) {
            // XPaths of older versions of Label Studio, see `region::labelled`.
            (Value::Text(_), None) => return,
            (_, Some(number)) => {
                let (min, max) = (i128::from(i32::MIN), i128::from(i32::MAX));
                return in_range(number, min, max, place, report);
            }
            _ => "a whole number or a text",
        },
        Shape::Points => match value.items() {
            Some(points) => {
                return points.each(|index, point| {
                    check_point(point, &place.index(index), report);
                });
            }
            None => "a list of points",
        },
        Shape::Mask => match value.items() {
            Some(mask) => return check_mask(mask, place, report),
            None => "a list of whole numbers from 0 to 255",
        },
        Shape::Texts => match value.items() {
            Some(texts) => return check_texts(texts, place, report),
            None => "a list of texts",
        },
        Shape::Object(fields) => return check(value, fields, place, report),
        Shape::Objects { min, fields } => match value.items() {
            Some(objects) if objects.len() < *min => {
                return report.add(place, ProblemCode::Required, "must not be empty");
            }
            Some(objects) => {
                return objects.each(|index, object| {
                    check(object, fields, &place.index(index), report);
                });
            }
            None => "a list of objects",
        },
        Shape::AnyObject => match value {
            Value::Object(_) => return,
            _ => "an object",
        },
        Shape::Buckets => match value {
            Value::Object(buckets) => return check_buckets(buckets, place, report),
            _ => "an object of lists",
        },
    };
    report.add(place, ProblemCode::WrongType, must_be(expected, value));
}

fn in_range(number: i128, min: i128, max: i128, place: &PathNode<'_>, report: &mut Report<'_>) {
    let message = if number < min {
        format!("must be at least {min}, is {number}")
    } else if number > max {
        format!("must be at most {max}, is {number}")
    } else {
        return;
    };
    report.add(place, ProblemCode::OutOfBounds, message);
}

/// Refuses NaN and infinities everywhere: JSON and GraphQL can't represent either
/// (<https://spec.graphql.org/September2025/#sec-Float>).
fn in_bounds(number: f64, min: f64, max: f64, place: &PathNode<'_>, report: &mut Report<'_>) {
    // The SDK's models have upper bounds only, so lower bounds are for strict mode. NaN fails pydantic's `le`.
    let message = if max < f64::INFINITY && (number > max || number.is_nan()) {
        format!("must be at most {max}, is {number}")
    } else if !number.is_finite() {
        format!("must be a finite number, is {number}")
    } else if report.is_strict && number < min - TOLERANCE {
        format!("must be at least {min}, is {number}")
    } else {
        return;
    };
    report.add(place, ProblemCode::OutOfBounds, message);
}

fn check_point(point: &Value<'_>, place: &PathNode<'_>, report: &mut Report<'_>) {
    match point.items() {
        Some(pair) if pair.len() == 2 => pair.each(|index, value| {
            let percent = Shape::Number {
                min: 0.0,
                max: 100.0,
            };
            check_one(value, &percent, &place.index(index), report);
        }),
        Some(other) if !report.is_full() => {
            let message = format!("must be a list of two numbers, has {}", other.len());
            report.add(place, ProblemCode::WrongType, message);
        }
        Some(_) => {}
        None => {
            let message = must_be("a list of two numbers", point);
            report.add(place, ProblemCode::WrongType, message);
        }
    }
}

fn check_mask(mask: Items<'_, '_>, place: &PathNode<'_>, report: &mut Report<'_>) {
    if mask.is_empty() {
        report.add(place, ProblemCode::Required, "must not be empty");
    }
    // A list of bytes is in range by type: the common case, with hundreds of thousands of items.
    let Items::Values(values) = mask else {
        return;
    };
    for (index, value) in values.iter().enumerate() {
        if report.is_full() {
            return;
        }
        let (code, message) = match integer(value) {
            Some(0..=255) => continue,
            Some(number) => {
                let message = format!("must be from 0 to 255, is {number}");
                (ProblemCode::OutOfBounds, message)
            }
            None => (ProblemCode::WrongType, must_be("a whole number", value)),
        };
        report.add(&place.index(index), code, message);
    }
}

fn check_texts(texts: Items<'_, '_>, place: &PathNode<'_>, report: &mut Report<'_>) {
    texts.each(|index, text| {
        if text.text().is_none() && !report.is_full() {
            let message = must_be("a text", text);
            report.add(&place.index(index), ProblemCode::WrongType, message);
        }
    });
}

fn check_buckets(
    buckets: &[(std::borrow::Cow<'_, str>, Value<'_>)],
    place: &PathNode<'_>,
    report: &mut Report<'_>,
) {
    // Reads backwards: of a repeated key the last value counts, as in Python.
    let mut seen = HashSet::new();
    for (name, items) in buckets.iter().rev() {
        if report.is_full() {
            return;
        }
        if !seen.insert(name) {
            continue;
        }
        let place = place.key(name);
        match items.items() {
            Some(items) => check_texts(items, &place, report),
            None => {
                let message = must_be("a list of texts", items);
                report.add(&place, ProblemCode::WrongType, message);
            }
        }
    }
}
