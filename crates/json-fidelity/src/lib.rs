//! Lossless JSON: finds every value of a text that serde_json would change silently or refuse, each with its path.
//!
//! Scans the text before parsing for integers beyond 64 bits, numbers that overflow a double, lone surrogates, keys
//! that serde_json reserves, and nesting beyond serde_json's recursion limit. [`escape_lossy`] replaces such values by
//! placeholders, so that a whole request can be parsed and each violation is still reported with the original path.
//!
//! serde_json errors on lone surrogates (<https://github.com/serde-rs/json/issues/827>), and takes objects with keys
//! such as `$serde_json::private::RawValue` for values of its own (<https://github.com/serde-rs/serde/issues/1463>).

#![warn(missing_docs)]

use std::{borrow::Cow, ops::Range};

mod cursor;
mod equivalence;
mod placeholder;
mod scanner;
mod token;

pub use self::cursor::{Cursor, Irregular, Quoted, Token};
use problem::{Path, Problem, ProblemCode, Segment};
use scanner::{Purpose, Scan, Scanner, Shape};

/// Nesting limit of lists and objects. serde_json parses 127 levels
/// (<https://docs.rs/serde_json/latest/serde_json/struct.Deserializer.html#method.disable_recursion_limit>); a
/// placeholder adds a level.
pub const MAX_DEPTH: usize = 126;
/// Most violations reported per text.
pub const MAX_VIOLATIONS: usize = 1_000;
const TOO_DEEP: &str = "nested deeper than is stored";

/// Value or key of a JSON text that serde_json would not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path from the outermost value inwards; ends with the key when the key itself is the violation.
    pub path: Path,
    /// Kind of the violation.
    pub code: ProblemCode,
    /// Sentence for people.
    pub message: &'static str,
    /// Byte range in the text: the value, or the key with the quotes.
    pub range: Range<usize>,
    /// True for a key, false for a value.
    pub is_key: bool,
}

/// Syntax error by [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {offset}")]
pub struct SyntaxError {
    /// Byte offset of the error.
    pub offset: usize,
    /// Sentence for people, without the offset.
    pub message: &'static str,
    /// Path of the value that holds the error.
    pub path: Path,
}

/// Finds all violations of a JSON text, in the order of the text, at most [`MAX_VIOLATIONS`].
///
/// Reports placeholders of [`escape_lossy`] as the replaced violations.
pub fn scan(text: &str) -> Result<Vec<Violation>, SyntaxError> {
    Ok(scan_as(text, Shape::Any)?.violations)
}

/// Makes JSON from a client safe to parse with serde_json and to pass to async-graphql, without losing a violation.
///
/// A violating value becomes a placeholder: an object with a single reserved key. A violating key gets a reserved
/// prefix. Apart from placeholders, the returned text holds no key with a special meaning to serde_json or
/// async-graphql: reserved keys of the client are violations, too.
///
/// ```
/// let body = r#"{"x": 1e999, "y": 1}"#;
/// let safe = json_fidelity::escape_lossy(body).unwrap();
/// assert_eq!(safe, r#"{"x": {"$serde_json::private::Number":"1e999"}, "y": 1}"#);
/// assert_eq!(json_fidelity::scan(&safe).unwrap()[0].path, ["x".into()]);
/// ```
pub fn escape_lossy(body: &str) -> Result<Cow<'_, str>, SyntaxError> {
    let violations = Scanner::new(body, Shape::Any, Purpose::Escape)
        .run()?
        .violations;
    if violations.is_empty() {
        return Ok(Cow::Borrowed(body));
    }
    // Room for a placeholder per violation: most texts grow without a second allocation.
    let mut safe = String::with_capacity(body.len() + 64 * violations.len());
    let mut from = 0;
    for violation in &violations {
        safe.push_str(&body[from..violation.range.start]);
        placeholder::write(violation, body, &mut safe);
        from = violation.range.end;
    }
    safe.push_str(&body[from..]);
    Ok(Cow::Owned(safe))
}

/// Checks the JSON of a `result`: a list of objects, whose `id`s are strings, without any violation.
/// Returns the number of objects, or every problem, with `at` before each path.
pub fn check_result(text: &str, at: &[Segment]) -> Result<usize, Vec<Problem>> {
    check(text, Shape::Regions, at)
}

/// Checks that a text is a JSON object without any violation. Problems have `at` before their path.
pub fn check_object(text: &str, at: &[Segment]) -> Result<(), Vec<Problem>> {
    check(text, Shape::Object, at).map(drop)
}

/// Normalizes a JSON text: no white space, the shortest spelling of each number, the last value of a repeated key in
/// the place of the first. Returns `None` for invalid JSON.
pub fn normalized(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    serde_json::to_string(&value).ok()
}

/// Compares two JSON texts by their normalized form: key order counts, spelling does not. Invalid texts are equivalent
/// to each other.
///
/// Reads both texts once, without normalizing, unless a text has a syntax error, a violation, or a repeated key beside
/// the first difference.
pub fn are_equivalent(one: &str, other: &str) -> bool {
    // Fast path: stored texts are mostly equal byte by byte, and reading costs more.
    one == other
        || equivalence::decide(one, other).unwrap_or_else(|| normalized(one) == normalized(other))
}

fn check(text: &str, shape: Shape, at: &[Segment]) -> Result<usize, Vec<Problem>> {
    let problem = |path: Path, code, message: String| {
        Problem::new(at.iter().cloned().chain(path), code, message)
    };
    match scan_as(text, shape) {
        Ok(found) if found.violations.is_empty() => Ok(found.items),
        Ok(found) => Err(found
            .violations
            .into_iter()
            .map(|violation| problem(violation.path, violation.code, violation.message.to_owned()))
            .collect()),
        Err(error) => Err(vec![problem(
            error.path.clone(),
            ProblemCode::InvalidFormat,
            format!("not JSON: {error}"),
        )]),
    }
}

fn scan_as(text: &str, shape: Shape) -> Result<Scan, SyntaxError> {
    Scanner::new(text, shape, Purpose::Report).run()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<(String, ProblemCode)> {
        let violations = scan(text).expect("the text is JSON");
        let named = |violation: Violation| (problem::dotted(&violation.path), violation.code);
        violations.into_iter().map(named).collect()
    }

    #[test]
    fn plain_json_has_no_violation_and_is_not_copied() {
        for text in [
            r#"{"a": [1, -0, 0.5e-3, -1.25E+10, true, false, null], "": "x\u0000\n\"\\\/\b\f\r\t"}"#,
            r#" [ ] "#,
            "18446744073709551615",
            "-9223372036854775808",
            "1e308",
            "1e-400",
            "0e999",
            r#""\ud83d\ude00 and \uD83D\uDE00""#,
            r#"{"a": 1, "a": 2, "$": 3, "$serde": 4, "\n$serde_json::private::": 5}"#,
            "\"0123456789abcdef\u{7f}\u{80}é道😀 long enough for several words\"",
        ] {
            assert_eq!(codes(text), [], "{text}");
            assert!(matches!(escape_lossy(text), Ok(Cow::Borrowed(_))), "{text}");
            serde_json::from_str::<serde_json::Value>(text).unwrap();
        }
    }

    #[test]
    fn syntax_errors_have_their_offset() {
        for (text, offset) in [
            ("", 0),
            (" ", 1),
            ("NaN", 0),
            ("[Infinity]", 1),
            ("-", 1),
            ("01", 0),
            ("1.", 2),
            ("1.e5", 2),
            ("1e", 2),
            ("+1", 0),
            ("[1,]", 3),
            (r#"{"a" 1}"#, 5),
            (r#"{"a":1,}"#, 7),
            ("{a:1}", 1),
            ("[1}", 2),
            ("[1] 2", 4),
            (r#"["a]"#, 4),
            ("\"a\tb\"", 2),
            ("\"01234567\nb\"", 9),
            (r#""\x""#, 1),
            (r#""\u12""#, 1),
            ("'a'", 0),
            ("tru", 0),
            ("\u{feff}1", 0),
        ] {
            assert_eq!(
                scan(text).map_err(|error| error.offset),
                Err(offset),
                "{text}"
            );
            assert!(
                serde_json::from_str::<serde_json::Value>(text).is_err(),
                "{text}"
            );
        }
        let error = scan(r#"{"a": [0, {"b": nan}]}"#).unwrap_err();
        assert_eq!(error.path, ["a".into(), 1.into(), "b".into()]);
    }

    #[test]
    fn violations_keep_code_and_path_through_escaping() {
        use ProblemCode::*;
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let in_deep = ["0"; MAX_DEPTH].join(".");
        for (text, expected) in [
            ("18446744073709551616", vec![("", NumberOutOfRange)]),
            ("-9223372036854775809", vec![("", NumberOutOfRange)]),
            (
                "[1e309, -1e400]",
                vec![("0", NumberOutOfRange), ("1", NumberOutOfRange)],
            ),
            (r#"{"a": "\ud83d"}"#, vec![("a", InvalidText)]),
            (
                r#"["\ude00\ud83d", "\ud83d\u0041"]"#,
                vec![("0", InvalidText), ("1", InvalidText)],
            ),
            (
                r#"{"a\ud83d": {"b": 1e999}}"#,
                vec![(r"a\ud83d", InvalidText), (r"a\ud83d.b", NumberOutOfRange)],
            ),
            (
                r#"{"\u0024serde_json::private::RawValue": "[1"}"#,
                vec![("$serde_json::private::RawValue", ReservedKey)],
            ),
            (
                r#"{"x": {"$serde_json::private::": [1e400]}}"#,
                vec![
                    ("x.$serde_json::private::", ReservedKey),
                    ("x.$serde_json::private::.0", NumberOutOfRange),
                ],
            ),
            (&deep, vec![(in_deep.as_str(), TooDeep)]),
        ] {
            let found = codes(text);
            let found: Vec<_> = found
                .iter()
                .map(|(path, code)| (path.as_str(), *code))
                .collect();
            assert_eq!(found, expected, "{text}");
            let safe = escape_lossy(text).unwrap();
            assert!(
                !safe.contains("RawValue\"") || safe.contains("Key:"),
                "{safe}"
            );
            let value: serde_json::Value = serde_json::from_str(&safe).unwrap();
            assert_eq!(codes(&value.to_string()), codes(text), "{safe}");
        }
    }

    #[test]
    fn placeholders_written_by_a_client_are_reserved_keys() {
        let body = r#"{"a": {"$serde_json::private::Number": "1"}}"#;
        let safe = escape_lossy(body).unwrap();
        assert_eq!(
            codes(&safe),
            [(
                "a.$serde_json::private::Number".to_owned(),
                ProblemCode::ReservedKey
            )]
        );
    }

    #[test]
    fn long_keys_are_cut_in_paths() {
        for (written, shown) in [
            ("k", "k"),
            ("é", "é"),
            (r"\u00e9", "é"),
            (r"\ud83d\ude00", "😀"),
        ] {
            let violations = "1e999,".repeat(2_000);
            let text = format!(r#"{{"{}": [{violations}0]}}"#, written.repeat(10_000));
            let violations = scan(&text).unwrap();
            assert_eq!(violations.len(), MAX_VIOLATIONS);
            let key = format!("{}…", shown.repeat(200));
            assert!(
                violations
                    .iter()
                    .all(|violation| violation.path[0] == (&*key).into())
            );
        }
    }

    #[test]
    fn a_result_is_a_list_of_objects_with_text_ids() {
        assert_eq!(check_result("[]", &[]), Ok(0));
        assert_eq!(
            check_result(
                r#"[{}, {"id": "a", "value": {"id": 1, "x": [[], 2]}}]"#,
                &[]
            ),
            Ok(2)
        );
        let problems = |text: &str| -> Vec<_> {
            let at = ["input".into(), "result".into()];
            let problems = check_result(text, &at).unwrap_err().into_iter();
            problems
                .map(|problem| (problem::dotted(&problem.path), problem.code))
                .collect()
        };
        for text in ["{\"id\": 1}", "null", "1", "\"x\"", "true"] {
            assert_eq!(
                problems(text),
                [("input.result".to_owned(), ProblemCode::WrongType)],
                "{text}"
            );
        }
        let found = problems(
            r#"[null, 1, [{"id": 3}], {"id": null}, {"\u0069d": {}}, {"id": 1e999}, "\ud800"]"#,
        );
        let expected = [
            ("input.result.0", ProblemCode::WrongType),
            ("input.result.1", ProblemCode::WrongType),
            ("input.result.2", ProblemCode::WrongType),
            ("input.result.3.id", ProblemCode::WrongType),
            ("input.result.4.id", ProblemCode::WrongType),
            ("input.result.5.id", ProblemCode::NumberOutOfRange),
            ("input.result.6", ProblemCode::InvalidText),
        ];
        assert_eq!(found, expected.map(|(path, code)| (path.to_owned(), code)));
        assert_eq!(problems("[{]")[0].1, ProblemCode::InvalidFormat);
        assert!(check_object("[]", &[]).is_err());
        assert_eq!(check_object(r#"{"a": {"id": 1}}"#, &[]), Ok(()));
    }
}
