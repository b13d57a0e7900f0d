//! Checks of JSON texts before they are parsed or stored: what serde_json would silently change or refuse
//! is found on the text itself, all of it, each with its path.

#![warn(missing_docs)]

use std::{borrow::Cow, ops::Range};

mod marker;
mod scanner;
mod token;

use problem::{Path, Problem, ProblemCode, Segment};
use scanner::{Found, Purpose, Scanner, Shape};

/// Lists and objects nested in one another. serde_json parses 127; one is left for a marker.
pub const MAX_DEPTH: usize = 126;
/// Faults that are reported of one text; what comes after them is left out.
pub const MAX_FAULTS: usize = 1_000;
const TOO_DEEP: &str = "nested deeper than is stored";

/// Something in a JSON text that can't be kept as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// From the text's outermost value inwards; ends with the key when the key itself is at fault.
    pub path: Path,
    /// Kind of the fault.
    pub code: ProblemCode,
    /// Sentence for people.
    pub message: &'static str,
    /// Bytes of the text: the value, or the key with its quotes.
    pub range: Range<usize>,
    /// The key is at fault, not its value.
    pub is_key: bool,
}

/// The text is not JSON as RFC 8259 has it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {offset}")]
pub struct SyntaxError {
    /// Bytes before the fault.
    pub offset: usize,
    /// Sentence for people, without the offset.
    pub message: &'static str,
    /// The value that was being read.
    pub path: Path,
}

/// Finds integers beyond 64 bits, numbers that overflow a double, lone surrogates, keys that start with
/// `$serde_json::private::`, and nesting deeper than [`MAX_DEPTH`], in the order of the text.
///
/// In a text that went through [`disarm`], markers are reported as the faults that they stand for.
pub fn scan(text: &str) -> Result<Vec<Fault>, SyntaxError> {
    Ok(found(text, Shape::Any)?.faults)
}

/// Makes a client's JSON safe to parse with serde_json and to hand to async-graphql, without losing a fault:
/// a number, string or too deep value at fault becomes an object with one reserved key, a key at fault gets a
/// reserved prefix. No text that comes out holds a key that serde_json or async-graphql gives a meaning.
pub fn disarm(body: &str) -> Result<Cow<'_, str>, SyntaxError> {
    let faults = Scanner::new(body, Shape::Any, Purpose::Disarm)
        .run()?
        .faults;
    if faults.is_empty() {
        return Ok(Cow::Borrowed(body));
    }
    let mut safe = String::with_capacity(body.len() + 64 * faults.len());
    let mut from = 0;
    for fault in &faults {
        safe.push_str(&body[from..fault.range.start]);
        marker::write(fault, body, &mut safe);
        from = fault.range.end;
    }
    safe.push_str(&body[from..]);
    Ok(Cow::Owned(safe))
}

/// Checks a `result`: a list of objects, each `id` in them a string, nothing that [`scan`] finds.
/// Answers the number of regions, or every problem, with `at` before each path.
pub fn check_result(text: &str, at: &[Segment]) -> Result<usize, Vec<Problem>> {
    check(text, Shape::Regions, at)
}

/// Checks that a text is a JSON object in which [`scan`] finds nothing. Problems have `at` before their path.
pub fn check_object(text: &str, at: &[Segment]) -> Result<(), Vec<Problem>> {
    check(text, Shape::Object, at).map(drop)
}

/// A JSON text as this server writes it: no white space, the shortest spelling of each number, of a repeated
/// key the last value in the first one's place. `None` for what is no JSON.
pub fn rewritten(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    serde_json::to_string(&value).ok()
}

/// Whether this server would store two JSON texts alike: key order counts, spelling does not.
pub fn are_alike(one: &str, other: &str) -> bool {
    one == other || rewritten(one) == rewritten(other)
}

fn check(text: &str, shape: Shape, at: &[Segment]) -> Result<usize, Vec<Problem>> {
    let problem = |path: Path, code, message: String| {
        Problem::new(at.iter().cloned().chain(path), code, message)
    };
    match found(text, shape) {
        Ok(found) if found.faults.is_empty() => Ok(found.items),
        Ok(found) => Err(found
            .faults
            .into_iter()
            .map(|fault| problem(fault.path, fault.code, fault.message.to_owned()))
            .collect()),
        Err(error) => Err(vec![problem(
            error.path.clone(),
            ProblemCode::InvalidFormat,
            format!("not JSON: {error}"),
        )]),
    }
}

fn found(text: &str, shape: Shape) -> Result<Found, SyntaxError> {
    Scanner::new(text, shape, Purpose::Report).run()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<(String, ProblemCode)> {
        let faults = scan(text).expect("the text is JSON");
        let named = |fault: Fault| (problem::dotted(&fault.path), fault.code);
        faults.into_iter().map(named).collect()
    }

    #[test]
    fn plain_json_has_no_fault_and_is_left_alone() {
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
            assert!(matches!(disarm(text), Ok(Cow::Borrowed(_))), "{text}");
            serde_json::from_str::<serde_json::Value>(text).unwrap();
        }
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
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
    fn faults_have_their_code_and_path_and_survive_disarming() {
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
            let safe = disarm(text).unwrap();
            assert!(
                !safe.contains("RawValue\"") || safe.contains("Key:"),
                "{safe}"
            );
            let value: serde_json::Value = serde_json::from_str(&safe).unwrap();
            assert_eq!(codes(&value.to_string()), codes(text), "{safe}");
        }
    }

    #[test]
    fn markers_of_a_clients_making_are_reserved_keys() {
        let body = r#"{"a": {"$serde_json::private::Number": "1"}}"#;
        let safe = disarm(body).unwrap();
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
            let faults = "1e999,".repeat(2_000);
            let text = format!(r#"{{"{}": [{faults}0]}}"#, written.repeat(10_000));
            let faults = scan(&text).unwrap();
            assert_eq!(faults.len(), MAX_FAULTS);
            let key = format!("{}…", shown.repeat(200));
            assert!(faults.iter().all(|fault| fault.path[0] == (&*key).into()));
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
