//! Equivalence of two JSON texts: reads both in step up to the first difference, without trees.
//!
//! Texts are equivalent when both have the same normalized form, or none
//! ([`are_equivalent`](super::are_equivalent)). Values that differ make two objects different unless a later member
//! repeats the key and so replaces the values; keys that differ make two objects different unless an earlier member
//! has the key already. Either kind of object is left undecided, as are texts with syntax errors or violations.

use super::cursor::{Cursor, Irregular, Quoted, Token};

/// Bytes compared at once.
const CHUNK: usize = 64;

/// Compares two texts. Returns `None` when only their normalized forms can tell.
pub(super) fn decide(one: &str, other: &str) -> Option<bool> {
    compare(one, other).ok()
}

/// List or object that is open in both texts.
#[derive(Default)]
struct Frame<'a> {
    /// Offset behind the opening bracket in the first text.
    start: usize,
    /// Key of the current member; `None` in a list, and before the first key.
    key: Option<Quoted<'a>>,
}

fn compare<'a>(one: &'a str, other: &'a str) -> Result<bool, Irregular> {
    let mut open: Vec<Frame<'a>> = Vec::new();
    let (mut one, mut other) = behind_common_tokens(one, other, &mut open)?;
    loop {
        interrupt::check();
        let end_of_last = one.offset();
        let (token, other_token) = (one.read()?, other.read()?);
        if are_same(token, other_token) {
            if token == Token::End {
                return Ok(true);
            }
            step(token, one.offset(), &mut open);
            continue;
        }
        let keys = [token.key(), other_token.key()];
        if keys != [None, None] {
            let object = open.last_mut().expect("a key stands in an open object");
            refuse_earlier(keys, one.back_in_object(object.start), end_of_last)?;
            object.key = None;
        }
        // Reads the first text to the end: a valid text differs from every other text, also from an invalid one.
        refuse_later(one, &open, true)?;
        refuse_later(other, &open, false)?;
        return Ok(false);
    }
}

/// Reads the tokens that lie within the common start of both texts, of a single text. Returns a cursor for each text,
/// behind those tokens.
fn behind_common_tokens<'a>(
    one: &'a str,
    other: &'a str,
    open: &mut Vec<Frame<'a>>,
) -> Result<(Cursor<'a>, Cursor<'a>), Irregular> {
    let length = common_length(one.as_bytes(), other.as_bytes());
    let mut cursor = Cursor::new(one);
    loop {
        interrupt::check();
        let before = cursor;
        let token = cursor.read()?;
        // A number that reaches the end of the common start can go on in one text only.
        if cursor.offset() >= length {
            return Ok((before, before.moved_to(other)));
        }
        step(token, cursor.offset(), open);
    }
}

fn common_length(one: &[u8], other: &[u8]) -> usize {
    // Compares slices, which takes far fewer instructions than a comparison of bytes.
    let mut chunks = one.chunks_exact(CHUNK).zip(other.chunks_exact(CHUNK));
    let from = CHUNK
        * chunks
            .by_ref()
            .take_while(|(one, other)| one == other)
            .count();
    let mut bytes = one[from..].iter().zip(&other[from..]);
    from + bytes
        .by_ref()
        .take_while(|(one, other)| one == other)
        .count()
}

/// Opens and closes frames after a token that both texts have. `at` is the offset behind the token.
fn step<'a>(token: Token<'a>, at: usize, open: &mut Vec<Frame<'a>>) {
    match token {
        Token::Open { .. } => open.push(Frame {
            start: at,
            key: None,
        }),
        Token::Close => drop(open.pop()),
        Token::Key(key) => {
            let object = open.last_mut().expect("a key stands in an open object");
            object.key = Some(key);
        }
        _ => {}
    }
}

/// Fails when one of the keys has appeared before `end` in the object that the cursor is in.
fn refuse_earlier(
    keys: [Option<Quoted<'_>>; 2],
    mut cursor: Cursor<'_>,
    end: usize,
) -> Result<(), Irregular> {
    let depth = cursor.depth();
    while cursor.offset() < end {
        interrupt::check();
        if let Token::Key(key) = cursor.read()?
            && cursor.depth() == depth
            && keys.into_iter().flatten().any(|other| key.is_same(other))
        {
            return Err(Irregular);
        }
    }
    Ok(())
}

/// Fails when an open object repeats the key of its current member. Reads up to the end of the outermost open object,
/// or up to the end of the text.
fn refuse_later(
    mut cursor: Cursor<'_>,
    open: &[Frame<'_>],
    reads_all: bool,
) -> Result<(), Irregular> {
    let has_key = |frame: &Frame<'_>| frame.key.is_some();
    let outermost = open.iter().position(has_key).unwrap_or(open.len());
    let mut still_open = open.len();
    loop {
        interrupt::check();
        still_open = still_open.min(cursor.depth());
        if !reads_all && still_open <= outermost {
            return Ok(());
        }
        match cursor.read()? {
            Token::End => return Ok(()),
            Token::Key(key) if cursor.depth() == still_open => {
                let current = open[still_open - 1].key;
                if current.is_some_and(|current| key.is_same(current)) {
                    return Err(Irregular);
                }
            }
            _ => {}
        }
    }
}

/// True for tokens with the same normalized form.
fn are_same(one: Token<'_>, other: Token<'_>) -> bool {
    match (one, other) {
        (Token::Key(one), Token::Key(other)) | (Token::Text(one), Token::Text(other)) => {
            one.is_same(other)
        }
        (Token::Number(one), Token::Number(other)) => are_same_number(one, other),
        (one, other) => one == other,
    }
}

/// Compares two numbers by their shortest spelling: `1.50` is `15e-1`, but `1.0` is not `1`, and `-0.0` is not `0.0`.
fn are_same_number(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    // Integers have a single spelling, except that serde_json reads `-0` as a float.
    let is_float = |number: &str| number == "-0" || number.contains(['.', 'e', 'E']);
    if !is_float(one) || !is_float(other) {
        return false;
    }
    // Compares bits, as `==` takes both zeros for equal.
    let bits = |number| serde_json::from_str(number).map(f64::to_bits).ok();
    bits(one) == bits(other)
}

#[cfg(test)]
mod tests;
