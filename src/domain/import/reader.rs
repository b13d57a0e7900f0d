//! Splits a JSON file into the items of its outermost list, or a JSON Lines file (<https://jsonlines.org/>) into its
//! values, an item at a time: the file never has to fit into memory.

use std::io::{self, BufRead, BufReader, Read};

use crate::error::{Location, ProblemCode};

/// Maximum size of an item, in bytes.
const MAX_ITEM: usize = 256 << 20;
const BUFFER: usize = 1 << 17;

/// Reader of a file item by item: a JSON list, or consecutive objects. Memory is bounded by the largest item.
pub struct Reader<R> {
    source: BufReader<R>,
    state: State,
    /// Bytes read so far.
    position: u64,
    /// Location of the next byte.
    next_place: Location,
    /// Start of the last item, in a file that is not a list.
    location: Option<Location>,
}

#[derive(Clone, Copy)]
enum State {
    Start,
    /// Before an item of a list; `first` distinguishes an empty list from a trailing comma.
    Item {
        first: bool,
    },
    /// Before the next object of a file that is not a list.
    Value(Extent),
    /// After the last item of a list: only white space may follow.
    End,
    Done,
}

/// End of a value in a file that is not a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// At the end of the line, regardless of brackets: a broken line leaves the following lines intact.
    Line,
    /// At the closing bracket: the first value spans several lines, so line ends do not separate values.
    Bracket,
    /// At the end of the file.
    File,
}

/// Cause for which no further item can be read.
#[derive(Debug)]
pub enum Fault {
    Io(io::Error),
    /// Fault of the text outside of any item.
    Text(ProblemCode, &'static str),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<R: Read> Reader<R> {
    /// Creates a reader at the start of the file.
    pub fn new(source: R) -> Self {
        Self {
            source: BufReader::with_capacity(BUFFER, source),
            state: State::Start,
            position: 0,
            next_place: Location { line: 1, column: 1 },
            location: None,
        }
    }

    /// Number of bytes read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Returns the start of the last item, or `None` for an item of a list, which is identified by its index.
    pub fn location(&self) -> Option<Location> {
        self.location
    }

    /// Reads the next item into `item`: its exact text, of which only the brackets are checked. Returns false at the
    /// end.
    ///
    /// Items are the entries of a list or, in a file that begins with `{`, consecutive objects, either an object per
    /// line or objects of several lines. Any different file is a single item.
    pub fn next(&mut self, item: &mut Vec<u8>) -> Result<bool, Fault> {
        item.clear();
        self.location = None;
        loop {
            match self.state {
                State::Start => {
                    // RFC 8259 forbids writers a byte order mark, yet lets readers ignore a mark:
                    // https://www.rfc-editor.org/rfc/rfc8259#section-8.1
                    self.skip_byte_order_mark()?;
                    match self.peek_token()? {
                        None => return Err(text("the input is empty")),
                        Some(b'[') => {
                            self.consume(1);
                            self.state = State::Item { first: true };
                        }
                        Some(b'{') => {
                            self.read_value(item, Extent::Bracket)?;
                            // The first object decides: line ends inside an object mean that lines can't separate the
                            // objects of this file.
                            let extent = match item.contains(&b'\n') {
                                true => Extent::Bracket,
                                false => Extent::Line,
                            };
                            if extent == Extent::Line {
                                // Reads the rest of the line too, so that text after the object is reported as part
                                // of this line.
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
                        // A line that does not begin with a bracket ends with its line in both modes.
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

    /// Reads up to the comma or bracket that ends an item of a list. Returns true at the last item.
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

    /// Reads a value from the next byte to its end, or to the end of the file.
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

    /// Moves this many bytes of the buffer to the item; all bytes unless given.
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

    /// Returns the next byte that is not white space, without consuming the byte.
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
        // Continuation bytes of UTF-8 do not start a character: https://www.rfc-editor.org/rfc/rfc3629#section-3
        let characters = in_line.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        *column = column.saturating_add(u32::try_from(characters).unwrap_or(u32::MAX));
        self.source.consume(count);
        self.position += count as u64;
    }
}

/// Depth of brackets of a text, outside of strings.
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
