//! One pass over a JSON text: the grammar of RFC 8259, a path for whatever is wrong, no recursion, and no
//! allocation for a token that is right.

use std::ops::Range;

use problem::{MAX_KEY, Path, ProblemCode, Segment};

use super::{
    Fault, MAX_DEPTH, MAX_FAULTS, SyntaxError,
    marker::{self, RESERVED},
    token,
};

/// What the text has to be, beside JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Any,
    Object,
    /// A list of objects whose `id`, where they have one, is a string.
    Regions,
}

/// Why the text is scanned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To tell what is wrong: markers stand for the faults that they replaced.
    Report,
    /// To place markers: every fault counts, none needs a path, and markers of a client's making are faults.
    Disarm,
}

pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Frame>,
    shape: Shape,
    purpose: Purpose,
    faults: Vec<Fault>,
    items: usize,
}

/// A list or object that the scanner is inside of.
struct Frame {
    is_object: bool,
    /// The current item of a list.
    index: usize,
    /// The current key of an object, as written, without its quotes.
    key: Range<usize>,
}

/// Before a key is read; no key starts at the text's first byte.
const NO_KEY: Range<usize> = 0..0;

/// What a scan found.
pub(super) struct Found {
    pub faults: Vec<Fault>,
    /// Items of the text when it is a list, else 0.
    pub items: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str, shape: Shape, purpose: Purpose) -> Self {
        Self {
            text,
            at: 0,
            open: Vec::new(),
            shape,
            purpose,
            faults: Vec::new(),
            items: 0,
        }
    }

    pub fn run(mut self) -> Result<Found, SyntaxError> {
        loop {
            interrupt::check();
            self.skip_space();
            if self.value()? && self.close()? {
                return Ok(Found {
                    faults: self.faults,
                    items: self.items,
                });
            }
        }
    }

    /// Reads a value up to its end, or into its first item. True when the value is complete.
    fn value(&mut self) -> Result<bool, SyntaxError> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                if self.string()? {
                    self.fault(
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
                        self.fault(ProblemCode::NumberOutOfRange, message, start, false);
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

    /// Goes into a list or object. True when there was nothing to go into.
    fn enter(&mut self, is_object: bool) -> Result<bool, SyntaxError> {
        let start = self.at;
        if is_object
            && self.purpose == Purpose::Report
            && let Some((end, code, message)) = marker::read(self.text, start)
        {
            self.at = end;
            self.fault(code, message, start, false);
            return Ok(true);
        }
        self.expect_shape(self.bytes()[start], start);
        if self.open.len() == MAX_DEPTH {
            self.skip_container()?;
            let message = super::TOO_DEEP;
            self.fault(ProblemCode::TooDeep, message, start, false);
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

    /// After a value: closes what ends here, up to where the next value starts. True at the end of the text.
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
            if !self.open.is_empty() {
                self.items = 0;
            }
        }
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
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
        // Nearly every key ends here: neither `$` nor an escape comes first.
        let is_reserved =
            raw.starts_with(['$', '\\']) && token::unescaped(raw).starts_with(RESERVED);
        if is_reserved {
            let (code, message) = match self.purpose {
                Purpose::Report => marker::of_key(raw),
                Purpose::Disarm => marker::RESERVED_KEY,
            };
            self.fault(code, message, start, true);
        } else if has_lone_surrogate {
            self.fault(ProblemCode::InvalidText, token::LONE_SURROGATE, start, true);
        }
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.error(self.at, "expected `:`"));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a string. True when it holds a lone surrogate.
    fn string(&mut self) -> Result<bool, SyntaxError> {
        let (end, has_lone_surrogate) = token::string(self.bytes(), self.at)
            .map_err(|(at, message)| self.error(at, message))?;
        self.at = end;
        Ok(has_lone_surrogate)
    }

    /// Leaves a list or object that is refused as a whole, by its brackets only.
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

    /// `first` is the value's first byte, or one that stands for its kind.
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
            self.fault(ProblemCode::WrongType, message, start, false);
        }
    }

    fn fault(&mut self, code: ProblemCode, message: &'static str, start: usize, is_key: bool) {
        let path = match self.purpose {
            Purpose::Report if self.faults.len() == MAX_FAULTS => return,
            Purpose::Report => self.path(),
            Purpose::Disarm => Path::new(),
        };
        self.faults.push(Fault {
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
                    Purpose::Report => marker::original_key(&key),
                    Purpose::Disarm => &key,
                })
            })
            .collect()
    }

    fn error(&self, offset: usize, message: &'static str) -> SyntaxError {
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

/// As much of a key, as written, as a path can show of it: no character is written in more than 12 bytes.
fn start_of(key: &str) -> &str {
    let longest = 12 * (MAX_KEY + marker::LONGEST_PREFIX + 1);
    let end = key.char_indices().map(|(at, _)| at).nth(longest);
    &key[..end.unwrap_or(key.len())]
}
