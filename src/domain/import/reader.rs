//! Splits a JSON file into the items of its outermost list, one at a time, so that the file never has to
//! fit into memory.

use std::io::{self, BufRead, BufReader, Read};

use crate::error::ProblemCode;

/// The largest item, in bytes.
const MAX_ITEM: usize = 256 << 20;
const BUFFER: usize = 1 << 17;

pub struct Reader<R> {
    source: BufReader<R>,
    state: State,
    /// Bytes read so far.
    position: u64,
}

enum State {
    Start,
    /// The next item of a list; `first` tells an empty list from a trailing comma.
    Item {
        first: bool,
    },
    /// After the last item: nothing but space may follow.
    End,
    Done,
}

/// Why no further item can be read.
#[derive(Debug)]
pub enum Fault {
    Io(io::Error),
    /// The text is at fault, beyond any one item's own text.
    Text(ProblemCode, &'static str),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<R: Read> Reader<R> {
    pub fn new(source: R) -> Self {
        Self {
            source: BufReader::with_capacity(BUFFER, source),
            state: State::Start,
            position: 0,
        }
    }

    pub fn position(&self) -> u64 {
        self.position
    }

    /// Puts the next item into `item`: its exact text, not checked beyond its brackets. A file that is not
    /// a list is its own only item. False at the end.
    pub fn next(&mut self, item: &mut Vec<u8>) -> Result<bool, Fault> {
        item.clear();
        loop {
            match self.state {
                State::Start => {
                    self.skip_byte_order_mark()?;
                    match self.peek_token()? {
                        None => return Err(text("the input is empty")),
                        Some(b'[') => {
                            self.consume(1);
                            self.state = State::Item { first: true };
                        }
                        Some(_) => {
                            self.read_item(item, false)?;
                            self.state = State::End;
                            return Ok(true);
                        }
                    }
                }
                State::Item { first } => {
                    if first && self.peek_token()? == Some(b']') {
                        self.consume(1);
                        self.state = State::End;
                        continue;
                    }
                    let ends_list = self.read_item(item, true)?;
                    self.state = if ends_list {
                        State::End
                    } else {
                        State::Item { first: false }
                    };
                    return Ok(true);
                }
                State::End => {
                    if self.peek_token()?.is_some() {
                        return Err(text("something follows the end of the list"));
                    }
                    self.state = State::Done;
                }
                State::Done => return Ok(false),
            }
        }
    }

    /// Reads up to the comma or bracket that ends the item, or to the end of the file for an item that is
    /// not in a list. True when it was the list's last.
    fn read_item(&mut self, item: &mut Vec<u8>, in_list: bool) -> Result<bool, Fault> {
        let mut open = 0_usize;
        let mut in_string = false;
        let mut is_escaped = false;
        loop {
            let buffer = self.source.fill_buf()?;
            if buffer.is_empty() {
                if in_list {
                    return Err(text("the input ends before its list does"));
                }
                return Ok(true);
            }
            let mut end = None;
            for (at, byte) in buffer.iter().enumerate() {
                if in_string {
                    match byte {
                        _ if is_escaped => is_escaped = false,
                        b'\\' => is_escaped = true,
                        b'"' => in_string = false,
                        _ => {}
                    }
                    continue;
                }
                match byte {
                    b'"' => in_string = true,
                    b'{' | b'[' => open += 1,
                    b',' if open == 0 && in_list => end = Some((at, false)),
                    b']' if open == 0 && in_list => end = Some((at, true)),
                    b'}' | b']' => open = open.saturating_sub(1),
                    _ => {}
                }
                if end.is_some() {
                    break;
                }
            }
            let taken = end.map_or(buffer.len(), |(at, _)| at);
            if item.len() + taken > MAX_ITEM {
                return Err(Fault::Text(
                    ProblemCode::TooLong,
                    "an item has at most 256 MiB",
                ));
            }
            item.extend_from_slice(&buffer[..taken]);
            self.consume(taken);
            if let Some((_, ends_list)) = end {
                self.consume(1);
                return Ok(ends_list);
            }
        }
    }

    /// The next byte that is not space, without taking it.
    fn peek_token(&mut self) -> Result<Option<u8>, Fault> {
        loop {
            let buffer = self.source.fill_buf()?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
            let skipped = buffer.iter().take_while(space).count();
            let next = buffer.get(skipped).copied();
            self.consume(skipped);
            if next.is_some() {
                return Ok(next);
            }
        }
    }

    fn skip_byte_order_mark(&mut self) -> Result<(), Fault> {
        if self.source.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            self.consume(3);
        }
        Ok(())
    }

    fn consume(&mut self, bytes: usize) {
        self.source.consume(bytes);
        self.position += bytes as u64;
    }
}

fn text(message: &'static str) -> Fault {
    Fault::Text(ProblemCode::InvalidFormat, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Result<Vec<String>, &'static str> {
        let mut reader = Reader::new(text.as_bytes());
        let (mut items, mut item) = (Vec::new(), Vec::new());
        loop {
            match reader.next(&mut item) {
                Ok(true) => {
                    items.push(String::from_utf8(item.clone()).unwrap().trim().to_owned());
                }
                Ok(false) => {
                    assert_eq!(reader.position(), text.len() as u64);
                    return Ok(items);
                }
                Err(Fault::Text(_, message)) => return Err(message),
                Err(Fault::Io(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn a_list_comes_apart_at_its_own_commas() {
        let text = "\u{feff} [ {\"a,]\": [1, \"}\\\"\\\\\", {}]} , [2,[3]],\n\"x\" ] \n";
        let expected = ["{\"a,]\": [1, \"}\\\"\\\\\", {}]}", "[2,[3]]", "\"x\""];
        assert_eq!(items(text).unwrap(), expected);
        assert_eq!(items("[]").unwrap(), [""; 0]);
        assert_eq!(items(" [ ] ").unwrap(), [""; 0]);
        assert_eq!(items("[1,]").unwrap(), ["1", ""]);
    }

    #[test]
    fn what_is_no_list_is_one_item() {
        assert_eq!(items(" {\"a\": [1, 2]}\n").unwrap(), ["{\"a\": [1, 2]}"]);
    }

    #[test]
    fn a_list_that_breaks_off_or_goes_on_is_refused() {
        assert_eq!(items("  "), Err("the input is empty"));
        assert_eq!(items("[{}"), Err("the input ends before its list does"));
        assert_eq!(items("[{}, {"), Err("the input ends before its list does"));
        assert_eq!(
            items("[{}] []"),
            Err("something follows the end of the list")
        );
    }
}
