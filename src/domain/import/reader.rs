//! Splits a JSON file into the items of its outermost list, or a JSON Lines file into its values, one at a time,
//! so that the file never has to fit into memory.

use std::io::{self, BufRead, BufReader, Read};

use crate::error::{Location, ProblemCode};

/// The largest item, in bytes.
const MAX_ITEM: usize = 256 << 20;
const BUFFER: usize = 1 << 17;

pub struct Reader<R> {
    source: BufReader<R>,
    state: State,
    /// Bytes read so far.
    position: u64,
    /// The place of the next byte.
    next_place: Location,
    /// Where the item that was read last begins, in a file that is no list.
    location: Option<Location>,
}

#[derive(Clone, Copy)]
enum State {
    Start,
    /// The next item of a list; `first` tells an empty list from a trailing comma.
    Item {
        first: bool,
    },
    /// The next object of a file that is no list.
    Value(Extent),
    /// After the last item of a list: nothing but space may follow.
    End,
    Done,
}

/// Where a value of a file that is no list ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// With its line, whatever its brackets: a broken line leaves the next ones whole.
    Line,
    /// With the bracket that closes it: the first value spans several lines, so that line ends separate nothing.
    Bracket,
    /// With the file.
    File,
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
            next_place: Location { line: 1, column: 1 },
            location: None,
        }
    }

    pub fn position(&self) -> u64 {
        self.position
    }

    /// Where the item that was read last begins. `None` for an item of a list, which its index tells.
    pub fn location(&self) -> Option<Location> {
        self.location
    }

    /// Puts the next item into `item`: its exact text, not checked beyond its brackets. An item is one of a list,
    /// or in a file that begins with `{` one object after another, each on a line of its own or several lines
    /// long. Any other file is its own only item. False at the end.
    pub fn next(&mut self, item: &mut Vec<u8>) -> Result<bool, Fault> {
        item.clear();
        self.location = None;
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
                        Some(b'{') => {
                            self.read_value(item, Extent::Bracket)?;
                            let extent = match item.contains(&b'\n') {
                                true => Extent::Bracket,
                                false => Extent::Line,
                            };
                            if extent == Extent::Line {
                                let location = self.location;
                                self.read_value(item, Extent::Line)?;
                                self.location = location;
                            }
                            self.state = State::Value(extent);
                            return Ok(true);
                        }
                        Some(_) => {
                            self.read_value(item, Extent::File)?;
                            self.state = State::Done;
                            return Ok(true);
                        }
                    }
                }
                State::Item { first } => {
                    if self.peek_token()? == Some(b']') && first {
                        self.consume(1);
                        self.state = State::End;
                        continue;
                    }
                    let ends_list = self.read_item(item)?;
                    self.state = if ends_list {
                        State::End
                    } else {
                        State::Item { first: false }
                    };
                    return Ok(true);
                }
                State::Value(extent) => match self.peek_token()? {
                    None => self.state = State::Done,
                    Some(first) => {
                        let is_nested = matches!(first, b'{' | b'[');
                        self.read_value(item, if is_nested { extent } else { Extent::Line })?;
                        return Ok(true);
                    }
                },
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

    /// Reads up to the comma or bracket that ends an item of a list. True when it was the list's last.
    fn read_item(&mut self, item: &mut Vec<u8>) -> Result<bool, Fault> {
        let mut brackets = Brackets::default();
        loop {
            let buffer = self.source.fill_buf()?;
            if buffer.is_empty() {
                return Err(text("the input ends before its list does"));
            }
            let end = buffer.iter().position(|byte| {
                let ends = brackets.open == 0 && !brackets.in_string;
                let ends = ends && matches!(byte, b',' | b']');
                brackets.pass(*byte);
                ends
            });
            let ends_list = end.map(|at| buffer[at] == b']');
            self.take(item, end)?;
            if let Some(ends_list) = ends_list {
                self.consume(1);
                return Ok(ends_list);
            }
        }
    }

    /// Reads a value that begins with the next byte, up to where it ends or the file does.
    fn read_value(&mut self, item: &mut Vec<u8>, extent: Extent) -> Result<(), Fault> {
        self.location = Some(self.next_place);
        let mut brackets = Brackets::default();
        loop {
            let buffer = self.source.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            let last = match extent {
                Extent::File => None,
                Extent::Line => buffer.iter().position(|byte| *byte == b'\n'),
                Extent::Bracket => buffer.iter().position(|byte| {
                    brackets.pass(*byte);
                    brackets.open == 0 && matches!(byte, b'}' | b']') && !brackets.in_string
                }),
            };
            self.take(item, last.map(|at| at + 1))?;
            if last.is_some() {
                return Ok(());
            }
        }
    }

    /// Moves so many bytes of the buffer to the item; all unless given.
    fn take(&mut self, item: &mut Vec<u8>, count: Option<usize>) -> Result<(), Fault> {
        let buffer = self.source.buffer();
        let taken = &buffer[..count.unwrap_or(buffer.len())];
        if item.len() + taken.len() > MAX_ITEM {
            let message = "an item has at most 256 MiB";
            return Err(Fault::Text(ProblemCode::TooLong, message));
        }
        item.extend_from_slice(taken);
        let taken = taken.len();
        self.consume(taken);
        Ok(())
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
            self.source.consume(3);
            self.position += 3;
        }
        Ok(())
    }

    fn consume(&mut self, count: usize) {
        let bytes = &self.source.buffer()[..count];
        let Location { line, column } = &mut self.next_place;
        let in_line = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => {
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
                *line = line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
                *column = 1;
                &bytes[last + 1..]
            }
            None => bytes,
        };
        // Continuation bytes of UTF-8 begin no character.
        let characters = in_line.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        *column = column.saturating_add(u32::try_from(characters).unwrap_or(u32::MAX));
        self.source.consume(count);
        self.position += count as u64;
    }
}

/// How deep in brackets a text is, outside of its strings.
#[derive(Default)]
struct Brackets {
    open: usize,
    in_string: bool,
    is_escaped: bool,
}

impl Brackets {
    fn pass(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.open += 1,
            b'}' | b']' => self.open = self.open.saturating_sub(1),
            _ => {}
        }
    }
}

fn text(message: &'static str) -> Fault {
    Fault::Text(ProblemCode::InvalidFormat, message)
}

#[cfg(test)]
mod tests;
