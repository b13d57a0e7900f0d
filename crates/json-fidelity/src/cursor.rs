//! Cursor: reads a JSON text token by token, without a tree and without an allocation.

use std::borrow::Cow;

use super::{MAX_DEPTH, placeholder::RESERVED, token};

/// Token of a JSON text. Commas, colons and white space are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// Start of a list or object.
    Open {
        /// True for an object.
        is_object: bool,
    },
    /// End of the innermost list or object.
    Close,
    /// Key of an object.
    Key(Quoted<'a>),
    /// String.
    Text(Quoted<'a>),
    /// Number as written.
    Number(&'a str),
    /// `true`, `false` or `null`.
    Literal(&'a str),
    /// End of the text, repeated by further reads.
    End,
}

/// String or key as written, without the quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    raw: &'a str,
    has_escape: bool,
}

impl<'a> Quoted<'a> {
    /// Decodes the escapes; borrows a text without escapes.
    pub fn text(self) -> Cow<'a, str> {
        match self.has_escape {
            true => token::unescaped(self.raw),
            false => Cow::Borrowed(self.raw),
        }
    }

    /// True for equal texts, however they are written.
    pub(super) fn is_same(self, other: Self) -> bool {
        let has_escape = self.has_escape || other.has_escape;
        self.raw == other.raw || has_escape && self.text() == other.text()
    }
}

impl<'a> Token<'a> {
    /// Returns the key of a token that is a key.
    pub(super) fn key(self) -> Option<Quoted<'a>> {
        match self {
            Self::Key(key) => Some(key),
            _ => None,
        }
    }
}

/// Syntax error, or a violation by [`scan`](super::scan).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not JSON, or JSON with a violation")]
pub struct Irregular;

/// Position between two tokens of a JSON text. A copy reads on independently.
///
/// Fails at the first syntax error or violation: a text that is read to the end means the same to serde_json.
///
/// ```
/// use json_fidelity::{Cursor, Token};
///
/// let mut cursor = Cursor::new(r#"[{"x": [1, 2]}]"#);
/// cursor.read()?;
/// cursor.read()?;
/// let Token::Key(key) = cursor.read()? else { panic!() };
/// assert_eq!(key.text(), "x");
/// let list = cursor.read()?;
/// let start = cursor.start();
/// cursor.skip(list)?;
/// assert_eq!(cursor.text_from(start), "[1, 2]");
/// # Ok::<(), json_fidelity::Irregular>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Offset of the last token.
    start: usize,
    /// A bit per open list or object, the innermost lowest: 1 for an object.
    open: u128,
    depth: usize,
    expected: Expected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Value,
    /// Value or `]`.
    FirstItem,
    /// Key or `}`.
    FirstKey,
    /// Comma, closing bracket or the end.
    Separator,
}

// Each open list or object takes a bit of `Cursor::open`.
const _: () = assert!(MAX_DEPTH < u128::BITS as usize);

impl<'a> Cursor<'a> {
    /// Starts before the first token.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            start: 0,
            open: 0,
            depth: 0,
            expected: Expected::Value,
        }
    }

    /// Starts again inside an object, at the offset behind the `{`. The object counts as the outermost.
    pub(super) fn back_in_object(self, at: usize) -> Self {
        Self {
            at,
            open: 1,
            depth: 1,
            expected: Expected::FirstKey,
            ..self
        }
    }

    /// Takes the same position in another text, whose bytes before the position are the same.
    pub(super) fn moved_to(self, text: &'a str) -> Self {
        Self { text, ..self }
    }

    /// Byte offset behind the last token.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Byte offset of the last token.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Text from an offset to the end of the last token.
    pub fn text_from(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// Reads to the end of the value that starts with the last token. Calls [`interrupt::check`] for each token.
    pub fn skip(&mut self, last: Token<'_>) -> Result<(), Irregular> {
        if let Token::Open { .. } = last {
            let depth = self.depth;
            while self.depth >= depth {
                interrupt::check();
                self.read()?;
            }
        }
        Ok(())
    }

    /// Number of open lists and objects.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Reads the next token.
    pub fn read(&mut self) -> Result<Token<'a>, Irregular> {
        self.skip_space();
        match self.expected {
            Expected::FirstItem if self.peek() == Some(b']') => Ok(self.close()),
            Expected::FirstItem | Expected::Value => self.value(),
            Expected::FirstKey if self.peek() == Some(b'}') => Ok(self.close()),
            Expected::FirstKey => self.key(),
            Expected::Separator => self.separator(),
        }
    }

    #[inline]
    fn separator(&mut self) -> Result<Token<'a>, Irregular> {
        if self.depth == 0 {
            return match self.peek() {
                None => Ok(Token::End),
                Some(_) => Err(Irregular),
            };
        }
        match (self.peek(), self.is_in_object()) {
            (Some(b','), is_in_object) => {
                self.at += 1;
                self.skip_space();
                if is_in_object {
                    self.key()
                } else {
                    self.value()
                }
            }
            (Some(b'}'), true) | (Some(b']'), false) => Ok(self.close()),
            _ => Err(Irregular),
        }
    }

    #[inline]
    fn value(&mut self) -> Result<Token<'a>, Irregular> {
        self.start = self.at;
        let token = match self.peek() {
            Some(b'"') => Token::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => {
                let (end, out_of_range) =
                    token::number(self.text.as_bytes(), self.at).map_err(|_| Irregular)?;
                if out_of_range.is_some() {
                    return Err(Irregular);
                }
                self.at = end;
                Token::Number(self.text_from(self.start))
            }
            Some(b'[') => return self.enter(false),
            Some(b'{') => return self.enter(true),
            Some(b't') => self.literal("true")?,
            Some(b'f') => self.literal("false")?,
            Some(b'n') => self.literal("null")?,
            _ => return Err(Irregular),
        };
        self.expected = Expected::Separator;
        Ok(token)
    }

    fn literal(&mut self, word: &'static str) -> Result<Token<'a>, Irregular> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(Irregular);
        }
        self.at += word.len();
        Ok(Token::Literal(word))
    }

    #[inline]
    fn enter(&mut self, is_object: bool) -> Result<Token<'a>, Irregular> {
        if self.depth == MAX_DEPTH {
            return Err(Irregular);
        }
        self.at += 1;
        self.open = self.open << 1 | u128::from(is_object);
        self.depth += 1;
        self.expected = match is_object {
            true => Expected::FirstKey,
            false => Expected::FirstItem,
        };
        Ok(Token::Open { is_object })
    }

    #[inline]
    fn close(&mut self) -> Token<'a> {
        self.start = self.at;
        self.at += 1;
        self.open >>= 1;
        self.depth -= 1;
        self.expected = Expected::Separator;
        Token::Close
    }

    /// Reads a key and the colon.
    #[inline]
    fn key(&mut self) -> Result<Token<'a>, Irregular> {
        self.start = self.at;
        if self.peek() != Some(b'"') {
            return Err(Irregular);
        }
        let key = self.string()?;
        // Fast path: a reserved key starts with `$`, or has an escape that may stand for `$`.
        let may_be_reserved = key.has_escape || key.raw.starts_with('$');
        if may_be_reserved && key.text().starts_with(RESERVED) {
            return Err(Irregular);
        }
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(Irregular);
        }
        self.at += 1;
        self.expected = Expected::Value;
        Ok(Token::Key(key))
    }

    #[inline]
    fn string(&mut self) -> Result<Quoted<'a>, Irregular> {
        match token::string(self.text.as_bytes(), self.at) {
            Ok(string) if !string.has_lone_surrogate => {
                let raw = &self.text[self.at + 1..string.end - 1];
                self.at = string.end;
                Ok(Quoted {
                    raw,
                    has_escape: string.has_escape,
                })
            }
            _ => Err(Irregular),
        }
    }

    fn is_in_object(&self) -> bool {
        self.open & 1 == 1
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }
}
