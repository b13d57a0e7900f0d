//! Strings and numbers of a JSON text: ends and violations of each.
//!
//! Grammar: <https://www.rfc-editor.org/rfc/rfc8259#section-6> for numbers,
//! <https://www.rfc-editor.org/rfc/rfc8259#section-7> for strings.

use std::borrow::Cow;

pub(super) const LONE_SURROGATE: &str = "holds half of a surrogate pair";
const BEYOND_64_BITS: &str = "an integer beyond 64 bits";
const BEYOND_DOUBLE: &str = "a number too large for a double";

type Syntax<T> = Result<T, (usize, &'static str)>;

/// String in a JSON text.
pub(super) struct StringToken {
    /// Offset behind the closing quote.
    pub end: usize,
    pub has_escape: bool,
    pub has_lone_surrogate: bool,
}

/// Reads the string at `start`.
pub(super) fn string(bytes: &[u8], start: usize) -> Syntax<StringToken> {
    let mut at = start + 1;
    let (mut has_escape, mut has_lone_surrogate) = (false, false);
    loop {
        at = end_of_plain(bytes, at);
        match bytes.get(at) {
            Some(b'"') => {
                return Ok(StringToken {
                    end: at + 1,
                    has_escape,
                    has_lone_surrogate,
                });
            }
            Some(b'\\') => {
                has_escape = true;
                let (end, is_lone) = escape(bytes, at)?;
                has_lone_surrogate |= is_lone;
                at = end;
            }
            Some(_) => return Err((at, "control characters in a string must be escaped")),
            None => return Err((at, "unexpected end of the text")),
        }
    }
}

/// Skips plain bytes. Returns the offset of the next quote, backslash or control character, or the end of the text.
fn end_of_plain(bytes: &[u8], mut at: usize) -> usize {
    // Tests eight bytes at a time for a zero byte after XOR, the classic bit trick:
    // https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord
    // A borrow can only mark bytes after the first match, and the first match is all that is used.
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(chunk.try_into().expect("a chunk has eight bytes"));
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if found & HIGH != 0 {
            return at + (found & HIGH).trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let plain = rest
        .iter()
        .take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20));
    at + plain.count()
}

/// Reads the escape at `at`, a surrogate pair as a single escape. Returns the end, and true for a lone surrogate
/// (<https://www.rfc-editor.org/rfc/rfc8259#section-8.2>).
fn escape(bytes: &[u8], at: usize) -> Syntax<(usize, bool)> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok((at + 2, false)),
        Some(b'u') => {
            let unit = code_unit(bytes, at).ok_or((at, "`\\u` takes four hexadecimal digits"))?;
            let end = at + 6;
            Ok(match unit {
                0xD800..0xDC00 => match code_unit(bytes, end) {
                    Some(0xDC00..0xE000) => (end + 6, false),
                    _ => (end, true),
                },
                0xDC00..0xE000 => (end, true),
                _ => (end, false),
            })
        }
        Some(_) => Err((at, "an escape that JSON does not have")),
        None => Err((at + 1, "unexpected end of the text")),
    }
}

/// UTF-16 code unit of `\uXXXX` at `at`.
fn code_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u")?;
    let mut unit = 0;
    for digit in digits {
        unit = unit * 16 + (*digit as char).to_digit(16)? as u16;
    }
    Some(unit)
}

/// Reads the number at `start`. Returns the end, and a message for a number out of range.
pub(super) fn number(bytes: &[u8], start: usize) -> Syntax<(usize, Option<&'static str>)> {
    let digits_from = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let first_digit = start + usize::from(bytes[start] == b'-');
    let whole = digits_from(first_digit);
    if whole == first_digit {
        return Err((whole, "expected a digit"));
    }
    if bytes[first_digit] == b'0' && whole > first_digit + 1 {
        return Err((first_digit, "a number can't start with 0 and another digit"));
    }
    let mut end = whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = end + 1;
        end = digits_from(fraction);
        if end == fraction {
            return Err((end, "expected a digit"));
        }
    }
    let mut exponent_digits = 0;
    if let Some(b'e' | b'E') = bytes.get(end) {
        let signed = end + 1;
        let exponent = signed + usize::from(matches!(bytes.get(signed), Some(b'+' | b'-')));
        end = digits_from(exponent);
        if end == exponent {
            return Err((end, "expected a digit"));
        }
        exponent_digits = end - exponent;
    }
    // Skips the parser for numbers that can't be out of range: below 10^18 fits 64 bits, below 10^(200 + 99) a double.
    let whole_digits = whole - first_digit;
    let is_plainly_small = if end == whole {
        whole_digits <= 18
    } else {
        whole_digits <= 200 && exponent_digits <= 2
    };
    if is_plainly_small {
        return Ok((end, None));
    }
    let token = str::from_utf8(&bytes[start..end]).expect("a number is ASCII");
    Ok((end, out_of_range(token)))
}

/// Message for a number that serde_json does not keep: an integer beyond 64 bits, or a double that overflows.
pub(super) fn out_of_range(number: &str) -> Option<&'static str> {
    // serde_json reads a number without fraction and exponent as an integer, and beyond 64 bits as a rounded double.
    if number
        .bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_digit())
    {
        let fits = number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok();
        return (!fits).then_some(BEYOND_64_BITS);
    }
    let fits = number.parse::<f64>().is_ok_and(f64::is_finite);
    (!fits).then_some(BEYOND_DOUBLE)
}

/// Decodes the escapes of a string as written, without the quotes. A lone surrogate stays an escape.
pub(super) fn unescaped(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let bytes = raw.as_bytes();
    let mut text = String::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let plain = end_of_plain(bytes, at);
        text.push_str(&raw[at..plain]);
        at = plain;
        // Plain text ended, so an escape or the end follows: the scanner has checked the string before.
        let Ok((end, is_lone)) = escape(bytes, at) else {
            break;
        };
        match bytes[at + 1] {
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'n' => text.push('\n'),
            b'r' => text.push('\r'),
            b't' => text.push('\t'),
            b'u' if is_lone => text.push_str(&raw[at..end]),
            b'u' => {
                let units = (at..end).step_by(6).filter_map(|at| code_unit(bytes, at));
                text.extend(char::decode_utf16(units).map_while(Result::ok));
            }
            other => text.push(other as char),
        }
        at = end;
    }
    Cow::Owned(text)
}
