//! Coercion of JSON values to numbers, integers and booleans by pydantic's lax mode, which Label Studio's SDK uses:
//! texts and booleans count, too (<https://docs.pydantic.dev/latest/concepts/conversion_table/>).

use std::borrow::Cow;

use super::value::Value;

/// Most digits of an integer in a text that pydantic reads, apart from leading zeros: Python's limit
/// (<https://docs.python.org/3/library/stdtypes.html#int-max-str-digits>).
const MAX_DIGITS: usize = 4_300;

/// Reads a number, or a text or boolean as a number. Texts can yield infinities and NaN.
pub fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Natural(number) => Some(*number as f64),
        Value::Negative(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Boolean(is_true) => Some(f64::from(u8::from(*is_true))),
        Value::Text(text) => number_of(text),
        _ => None,
    }
}

/// Reads a whole number, or a text or boolean as a whole number. Saturates beyond 128 bits.
pub fn integer(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Natural(number) => Some(i128::from(*number)),
        Value::Negative(number) => Some(i128::from(*number)),
        Value::Float(number) => {
            // Beyond 64 bits pydantic refuses a float as an integer.
            let fits = number.fract() == 0.0 && number.abs() < i64::MAX as f64;
            fits.then_some(*number as i128)
        }
        Value::Boolean(is_true) => Some(i128::from(*is_true)),
        Value::Text(text) => integer_of(text),
        _ => None,
    }
}

/// Reads a boolean, or a number or text as a boolean.
pub fn boolean(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Boolean(is_true) => Some(*is_true),
        Value::Text(text) => {
            let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
            if is(&["1", "t", "y", "on", "yes", "true"]) {
                return Some(true);
            }
            is(&["0", "f", "n", "no", "off", "false"]).then_some(false)
        }
        number => match integer(number)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
    }
}

/// `1.5`, `-.5e3`, `1_000`, `nan`, `-Infinity`.
fn number_of(text: &str) -> Option<f64> {
    // Rust and Python share the grammar of floats, apart from Python's `_` between digits.
    let parsed = text.trim().parse().ok();
    parsed.or_else(|| {
        let separates = text.contains('_')
            && !text.starts_with('_')
            && !text.ends_with('_')
            && !text.contains("__");
        let digits = separates.then(|| text.replace('_', ""))?;
        digits.parse().ok()
    })
}

/// `12`, `+1_000`, `3.00`.
fn integer_of(text: &str) -> Option<i128> {
    let text = text.trim();
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = match digits.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => {
            whole
        }
        Some(_) => return None,
        None => digits,
    };
    let groups_are_digits = digits
        .split('_')
        .all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()));
    if !groups_are_digits {
        return None;
    }
    let digits = match digits.contains('_') {
        true => Cow::Owned(digits.replace('_', "")),
        false => Cow::Borrowed(digits),
    };
    let digits = digits.trim_start_matches('0');
    if digits.len() > MAX_DIGITS {
        return None;
    }
    let magnitude = match digits {
        "" => 0,
        // Saturates: the bounds of all checks lie within 128 bits.
        digits => digits.parse().unwrap_or(i128::MAX),
    };
    Some(if is_negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_numbers_where_pydantic_takes_them_for_some() {
        for (text, expected) in [
            (" 1.5 ", Some(1.5)),
            ("\u{a0}1\u{2003}", Some(1.0)),
            ("1e3", Some(1000.0)),
            ("1_000", Some(1000.0)),
            ("1_0.5_0", Some(10.5)),
            ("-_1", Some(-1.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("-inf", Some(f64::NEG_INFINITY)),
            ("Infinity", Some(f64::INFINITY)),
            ("1e400", Some(f64::INFINITY)),
            (" 1_0 ", None),
            ("1__0", None),
            ("_1", None),
            ("", None),
            ("0x10", None),
            ("1 0", None),
            ("1,5", None),
            ("\u{1c}1", None),
            ("٣", None),
        ] {
            assert_eq!(number(&Value::Text(text.into())), expected, "{text:?}");
        }
        assert!(number(&Value::Text("NaN ".into())).is_some_and(f64::is_nan));
        assert_eq!(number(&Value::Boolean(true)), Some(1.0));
        assert_eq!(number(&Value::Null), None);
    }

    #[test]
    fn whole_numbers_are_integers_in_any_dress() {
        for (text, expected) in [
            (" 1_0 ", Some(10)),
            ("+01", Some(1)),
            ("1.00", Some(1)),
            ("12_3.0", Some(123)),
            ("-0", Some(0)),
            ("-5", Some(-5)),
            (&"9".repeat(50), Some(i128::MAX)),
            (&format!("{}1", "0".repeat(5000)), Some(1)),
            (&"9".repeat(4301), None),
            ("1.", None),
            (".0", None),
            ("1.5", None),
            ("1e3", None),
            ("-_1", None),
            ("--1", None),
            ("inf", None),
            ("", None),
        ] {
            assert_eq!(integer(&Value::Text(text.into())), expected, "{text:?}");
        }
        assert_eq!(integer(&Value::Float(-0.0)), Some(0));
        assert_eq!(integer(&Value::Float(1e18)), Some(10_i128.pow(18)));
        assert_eq!(integer(&Value::Float(9.3e18)), None);
        assert_eq!(integer(&Value::Float(1.5)), None);
        assert_eq!(
            integer(&Value::Natural(u64::MAX)),
            Some(i128::from(u64::MAX))
        );
    }

    #[test]
    fn few_words_are_booleans() {
        for (text, expected) in [("YES", Some(true)), ("Off", Some(false)), (" true", None)] {
            assert_eq!(boolean(&Value::Text(text.into())), expected, "{text:?}");
        }
        assert_eq!(boolean(&Value::Float(1.0)), Some(true));
        assert_eq!(boolean(&Value::Natural(2)), None);
    }
}
