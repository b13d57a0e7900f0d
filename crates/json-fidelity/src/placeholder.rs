//! Placeholders in an escaped text, for values that serde_json would lose or refuse.

use std::borrow::Cow;

use problem::ProblemCode;

use super::{Violation, token};

/// Prefix of the keys with a special meaning to serde_json and async-graphql.
pub(super) const RESERVED: &str = "$serde_json::private::";
const NUMBER: &str = "$serde_json::private::Number";
const TEXT: &str = "$serde_json::private::Text";
const DEPTH: &str = "$serde_json::private::Depth";
/// Prefix that escapes a reserved key.
const KEY: &str = "$serde_json::private::Key:";
/// Prefix that escapes a key with a lone surrogate.
const TEXT_KEY: &str = "$serde_json::private::TextKey:";
/// Length of the longest prefix, in bytes.
pub(super) const LONGEST_PREFIX: usize = TEXT_KEY.len();

pub(super) const RESERVED_KEY: (ProblemCode, &str) = (
    ProblemCode::ReservedKey,
    "keys that start with `$serde_json::private::` are kept for internal use",
);

/// Writes the placeholder of a violation of `text`.
pub(super) fn write(violation: &Violation, text: &str, out: &mut String) {
    let token = &text[violation.range.clone()];
    if violation.is_key {
        let prefix = if violation.code == ProblemCode::ReservedKey {
            KEY
        } else {
            TEXT_KEY
        };
        // Encodes the key anew: the lone surrogate stays as the text of the escape, whose backslash is escaped.
        let key = token::unescaped(&token[1..token.len() - 1]);
        out.push_str(&serde_json::Value::String(format!("{prefix}{key}")).to_string());
        return;
    }
    let (name, content) = match violation.code {
        ProblemCode::NumberOutOfRange => (NUMBER, token),
        ProblemCode::TooDeep => (DEPTH, ""),
        _ => (TEXT, ""),
    };
    for part in ["{\"", name, "\":\"", content, "\"}"] {
        out.push_str(part);
    }
}

/// Reads the object at `start` as a placeholder: its end, and the code and message of the violation.
pub(super) fn read(text: &str, start: usize) -> Option<(usize, ProblemCode, &'static str)> {
    let key = skip_space(text, start + 1);
    // Fast path: hardly any object starts with a reserved key. `\` may be an escaped `$`.
    if !matches!(text.as_bytes().get(key..key + 2)?, b"\"$" | b"\"\\") {
        return None;
    }
    let (name, colon) = string(text, key)?;
    if !name.starts_with(RESERVED) {
        return None;
    }
    let colon = skip_space(text, colon);
    let value = skip_space(text, colon + 1);
    let (content, brace) = string(text, value)?;
    let brace = skip_space(text, brace);
    if text.as_bytes()[colon] != b':' || *text.as_bytes().get(brace)? != b'}' {
        return None;
    }
    // An object with a second member, or with an unknown name, is an ordinary object with a reserved key.
    let (code, message) = match &*name {
        NUMBER => {
            let message = token::out_of_range(&content).unwrap_or("a number out of range");
            (ProblemCode::NumberOutOfRange, message)
        }
        TEXT => (ProblemCode::InvalidText, token::LONE_SURROGATE),
        DEPTH => (ProblemCode::TooDeep, super::TOO_DEEP),
        _ => return None,
    };
    Some((brace + 1, code, message))
}

/// Code and message of a key that starts with `RESERVED`; `raw` is the key as written.
pub(super) fn of_key(raw: &str) -> (ProblemCode, &'static str) {
    if token::unescaped(raw).starts_with(TEXT_KEY) {
        (ProblemCode::InvalidText, token::LONE_SURROGATE)
    } else {
        RESERVED_KEY
    }
}

/// Removes the prefix that an escaped key got.
pub(super) fn original_key(key: &str) -> &str {
    let mut prefixes = [KEY, TEXT_KEY].into_iter();
    prefixes
        .find_map(|prefix| key.strip_prefix(prefix))
        .unwrap_or(key)
}

fn string(text: &str, at: usize) -> Option<(Cow<'_, str>, usize)> {
    if text.as_bytes().get(at) != Some(&b'"') {
        return None;
    }
    let end = token::string(text.as_bytes(), at).ok()?.end;
    Some((token::unescaped(&text[at + 1..end - 1]), end))
}

fn skip_space(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    from + rest
        .iter()
        .take_while(|byte| b" \t\n\r".contains(byte))
        .count()
}
