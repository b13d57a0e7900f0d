//! Scanner: one pass over a JSON text by the grammar of [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259).
//!
//! Keeps an explicit stack instead of recursing, so that nesting can't overflow the thread's stack. Apart from the
//! stack, allocates for violations only.

use std::ops::Range;

use problem::{MAX_KEY, Path, ProblemCode, Segment};

use super::{
    MAX_DEPTH, MAX_VIOLATIONS, SyntaxError, Violation,
    placeholder::{self, RESERVED},
    token,
};

/// Structure required of the text, besides being JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Any,
    Object,
    /// List of objects, whose `id`s are strings.
    Regions,
}

/// Treatment of violations and placeholders.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reports: placeholders count as the replaced violations.
    Report,
    /// Collects all ranges to replace, without limit and without paths. Placeholders that a client wrote are
    /// violations.
    Escape,
}

pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Frame>,
    shape: Shape,
    purpose: Purpose,
    violations: Vec<Violation>,
    items: usize,
}

/// Open list or object.
struct Frame {
    is_object: bool,
    /// Index of the current item of a list.
    index: usize,
    /// Range of the current key of an object, without the quotes.
    key: Range<usize>,
}

/// Value of `Frame::key` before a key is read: no key starts at the first byte of a text.
const NO_KEY: Range<usize> = 0..0;

/// Outcome of a scan.
pub(super) struct Scan {
    pub violations: Vec<Violation>,
    /// Number of items of a list, else 0.
    pub items: usize,
}

impl<'a> Scanner<'a> {
    /// Creates a scanner at the start of the text.
    pub fn new(text: &'a str, shape: Shape, purpose: Purpose) -> Self {
        Self {
            text,
            at: 0,
            open: Vec::new(),
            shape,
            purpose,
            violations: Vec::new(),
            items: 0,
        }
    }

    /// Scans the whole text. Fails on the first syntax error.
    pub fn run(mut self) -> Result<Scan, SyntaxError> {
        loop {
            // Alternates: a list or object is complete at the closing bracket only, which `close` reads.
            interrupt::check();
            self.skip_space();
            if self.value()? && self.close()? {
                return Ok(Scan {
                    violations: self.violations,
                    items: self.items,
                });
            }
        }
    }

    /// Reads a whole value, or a list or object up to the first item. True when the value is complete.
    fn value(&mut self) -> Result<bool, SyntaxError> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                if self.string()? {
                    self.violation(
                        ProblemCode::InvalidText,
                        token::LONE_SURROGATE,
                        start,
                        false,
                    );
                } else {
                    self.expect_shape(b'"', start);
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                let number = token::number(self.bytes(), start);
                let (end, out_of_range) =
                    number.map_err(|(at, message)| self.error(at, message))?;
                self.at = end;
                match out_of_range {
                    Some(message) => {
                        self.violation(ProblemCode::NumberOutOfRange, message, start, false);
                    }
                    None => self.expect_shape(b'0', start),
                }
            }
            Some(b'[') => return self.enter(false),
            Some(b'{') => return self.enter(true),
            Some(b't') => self.literal("true")?,
            Some(b'f') => self.literal("false")?,
            Some(b'n') => self.literal("null")?,
            _ => return Err(self.error(start, "expected a value")),
        }
        Ok(true)
    }

    fn literal(&mut self, word: &'static str) -> Result<(), SyntaxError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.error(self.at, "expected a value"));
        }
        let start = self.at;
        self.at += word.len();
        self.expect_shape(b'n', start);
        Ok(())
    }

    /// Opens a list or object. True when complete already: empty, too deep, or a placeholder.
    fn enter(&mut self, is_object: bool) -> Result<bool, SyntaxError> {
        let start = self.at;
        if is_object
            && self.purpose == Purpose::Report
            && let Some((end, code, message)) = placeholder::read(self.text, start)
        {
            // No check of the shape: a placeholder stands for a value of any type.
            self.at = end;
            self.violation(code, message, start, false);
            return Ok(true);
        }
        self.expect_shape(self.bytes()[start], start);
        if self.open.len() == MAX_DEPTH {
            // Syntax within is checked for strings and brackets only: the value is refused as a whole.
            self.skip_container()?;
            let message = super::TOO_DEEP;
            self.violation(ProblemCode::TooDeep, message, start, false);
            return Ok(true);
        }
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(if is_object { b'}' } else { b']' }) {
            self.at += 1;
            return Ok(true);
        }
        self.open.push(Frame {
            is_object,
            index: 0,
            key: NO_KEY,
        });
        if is_object {
            self.key()?;
        }
        Ok(false)
    }

    /// Reads the punctuation after a value, up to the start of the next value. True at the end of the text.
    fn close(&mut self) -> Result<bool, SyntaxError> {
        loop {
            self.skip_space();
            let next = self.peek();
            let Some(frame) = self.open.last_mut() else {
                return match next {
                    None => Ok(true),
                    Some(_) => Err(self.error(self.at, "expected the end of the text")),
                };
            };
            match (next, frame.is_object) {
                (Some(b','), false) => {
                    frame.index += 1;
                    self.at += 1;
                    return Ok(false);
                }
                (Some(b','), true) => {
                    self.at += 1;
                    self.skip_space();
                    self.key()?;
                    return Ok(false);
                }
                (Some(b']'), false) => self.items = frame.index + 1,
                (Some(b'}'), true) => {}
                (_, false) => return Err(self.error(self.at, "expected `,` or `]`")),
                (_, true) => return Err(self.error(self.at, "expected `,` or `}`")),
            }
            self.at += 1;
            self.open.pop();
            // Keeps the count of the outermost list only, which closes last.
            if !self.open.is_empty() {
                self.items = 0;
            }
        }
    }

    /// Reads a key and the colon.
    fn key(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        // An error in this key has the path of the object, not of the previous member.
        if let Some(frame) = self.open.last_mut() {
            frame.key = NO_KEY;
        }
        if self.peek() != Some(b'"') {
            return Err(self.error(start, "expected a key in double quotes"));
        }
        let has_lone_surrogate = self.string()?;
        let range = start + 1..self.at - 1;
        let raw = &self.text[range.clone()];
        if let Some(frame) = self.open.last_mut() {
            frame.key = range;
        }
        // Fast path: a reserved key starts with `$`, or with an escape that may stand for `$`.
        let is_reserved =
            raw.starts_with(['$', '\\']) && token::unescaped(raw).starts_with(RESERVED);
        if is_reserved {
            let (code, message) = match self.purpose {
                Purpose::Report => placeholder::of_key(raw),
                Purpose::Escape => placeholder::RESERVED_KEY,
            };
            self.violation(code, message, start, true);
        } else if has_lone_surrogate {
            self.violation(ProblemCode::InvalidText, token::LONE_SURROGATE, start, true);
        }
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.error(self.at, "expected `:`"));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a string. True for a lone surrogate inside.
    fn string(&mut self) -> Result<bool, SyntaxError> {
        let string = token::string(self.bytes(), self.at)
            .map_err(|(at, message)| self.error(at, message))?;
        self.at = string.end;
        Ok(string.has_lone_surrogate)
    }

    /// Skips a list or object that is too deep, by counting brackets outside strings.
    fn skip_container(&mut self) -> Result<(), SyntaxError> {
        let mut open = 0_usize;
        loop {
            match self.peek() {
                None => return Err(self.error(self.at, "unexpected end of the text")),
                Some(b'"') => {
                    self.string()?;
                    continue;
                }
                Some(b'[' | b'{') => open += 1,
                Some(b']' | b'}') => open -= 1,
                Some(_) => {}
            }
            self.at += 1;
            if open == 0 {
                return Ok(());
            }
        }
    }

    /// Reports a value that `shape` does not allow here. `first` is the value's first byte; `0` for numbers, `n` for
    /// literals.
    fn expect_shape(&mut self, first: u8, start: usize) {
        if self.shape == Shape::Any || self.open.len() > 2 {
            return;
        }
        let (expected, message) = match (self.shape, self.open.as_slice()) {
            (Shape::Regions, []) => (b'[', "must be a list of objects"),
            (Shape::Regions, [list]) if !list.is_object => (b'{', "must be an object"),
            (Shape::Regions, [list, region]) if !list.is_object && region.is_object => {
                if token::unescaped(&self.text[region.key.clone()]) != "id" {
                    return;
                }
                (b'"', "must be a string")
            }
            (Shape::Object, []) => (b'{', "must be an object"),
            _ => return,
        };
        if first != expected {
            self.violation(ProblemCode::WrongType, message, start, false);
        }
    }

    fn violation(&mut self, code: ProblemCode, message: &'static str, start: usize, is_key: bool) {
        let path = match self.purpose {
            Purpose::Report if self.violations.len() == MAX_VIOLATIONS => return,
            Purpose::Report => self.path(),
            // Replacement needs ranges only, and every range: a violation left in place would fail the parser.
            Purpose::Escape => Path::new(),
        };
        self.violations.push(Violation {
            path,
            code,
            message,
            range: start..self.at,
            is_key,
        });
    }

    fn path(&self) -> Path {
        self.open
            .iter()
            .filter(|frame| !frame.is_object || frame.key != NO_KEY)
            .map(|frame| {
                if !frame.is_object {
                    return Segment::Index(frame.index);
                }
                let key = token::unescaped(start_of(&self.text[frame.key.clone()]));
                Segment::from(match self.purpose {
                    Purpose::Report => placeholder::original_key(&key),
                    Purpose::Escape => &key,
                })
            })
            .collect()
    }

    fn error(&self, offset: usize, message: &'static str) -> SyntaxError {
        // Whichever token was expected at the end of the text, the text is too short.
        let message = if offset >= self.text.len() {
            "unexpected end of the text"
        } else {
            message
        };
        SyntaxError {
            offset,
            message,
            path: self.path(),
        }
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }
}

/// Start of a raw key that suffices for a path: an escaped character takes at most 12 bytes, a path keeps `MAX_KEY`.
fn start_of(key: &str) -> &str {
    let longest = 12 * (MAX_KEY + placeholder::LONGEST_PREFIX + 1);
    let end = key.char_indices().map(|(at, _)| at).nth(longest);
    &key[..end.unwrap_or(key.len())]
}
