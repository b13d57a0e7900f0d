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
    fn an_object_or_another_value_alone_is_one_item() {
        assert_eq!(items(" {\"a\": [1, 2]}\n").unwrap(), ["{\"a\": [1, 2]}"]);
        let pretty = "{\n  \"a\": {\n    \"b\": \"}\"\n  }\n}";
        assert_eq!(items(&format!("{pretty}\n\n")).unwrap(), [pretty]);
        assert_eq!(items("{\"a\": [1").unwrap(), ["{\"a\": [1"]);
        assert_eq!(items(" \"text\"\n7").unwrap(), ["\"text\"\n7"]);
    }

    /// Item texts with their line and column.
    fn places(text: &str) -> Vec<(String, u32, u32)> {
        let mut reader = Reader::new(text.as_bytes());
        let (mut items, mut item) = (Vec::new(), Vec::new());
        while reader.next(&mut item).unwrap() {
            let place = reader.location().unwrap_or(Location { line: 0, column: 0 });
            let item = str::from_utf8(&item).unwrap().trim().to_owned();
            items.push((item, place.line, place.column));
        }
        items
    }

    fn place(item: &str, line: u32, column: u32) -> (String, u32, u32) {
        (item.to_owned(), line, column)
    }

    #[test]
    fn each_line_is_an_item() {
        let text = "\u{feff}{\"a\": \"ä}\"}\r\n\r\n\n  {\"b\": [{}]}  \r\n{\"c\": 1}";
        assert_eq!(
            places(text),
            [
                place("{\"a\": \"ä}\"}", 1, 1),
                place("{\"b\": [{}]}", 4, 3),
                place("{\"c\": 1}", 5, 1)
            ]
        );
        assert_eq!(items(text).unwrap().len(), 3);
        assert_eq!(places("[{},\n{}]"), [place("{}", 0, 0), place("{}", 0, 0)]);
    }

    #[test]
    fn a_broken_line_leaves_the_next_ones_whole() {
        let text = "{} x\n{\"a\": [1}\n{\"b\": \"1}\n{\"c\": 1}}\n7\n{\"d\": 1} {}\n{}\n";
        assert_eq!(
            places(text),
            [
                place("{} x", 1, 1),
                place("{\"a\": [1}", 2, 1),
                place("{\"b\": \"1}", 3, 1),
                place("{\"c\": 1}}", 4, 1),
                place("7", 5, 1),
                place("{\"d\": 1} {}", 6, 1),
                place("{}", 7, 1)
            ]
        );
    }

    #[test]
    fn objects_of_several_lines_follow_one_another() {
        let text = "{\n  \"a\": 1\n}\n{ \"b\":\n2 } {}\nx\n{}";
        assert_eq!(
            places(text),
            [
                place("{\n  \"a\": 1\n}", 1, 1),
                place("{ \"b\":\n2 }", 4, 1),
                place("{}", 5, 5),
                place("x", 6, 1),
                place("{}", 7, 1)
            ]
        );
    }

    #[test]
    fn lines_are_longer_than_the_buffer() {
        let long = format!("{{\"a\": \"{}\"}}", "é".repeat(BUFFER));
        let text = format!("{long}\n{long}\n{{}}");
        assert_eq!(
            places(&text),
            [place(&long, 1, 1), place(&long, 2, 1), place("{}", 3, 1)]
        );
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
