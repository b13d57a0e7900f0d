//! Lines and columns of byte offsets.

use super::Location;

/// Index from byte offsets to lines and columns. Lookups take constant time, in any order and however long lines are.
///
/// A line ends as in GraphQL and XML: with a line feed, a carriage return, or both
/// (<https://spec.graphql.org/September2025/#LineTerminator>, <https://www.w3.org/TR/xml/#sec-line-ends>).
pub struct LineIndex<'a> {
    text: &'a str,
    /// Known locations: a character about every `STRETCH` bytes, by offset.
    marks: Vec<(usize, Location)>,
}

impl<'a> LineIndex<'a> {
    const STRETCH: usize = 256;

    /// Indexes a text, in time proportional to its length.
    pub fn new(text: &'a str) -> Self {
        let mut marks = vec![(0, Location { line: 1, column: 1 })];
        let mut here = Location { line: 1, column: 1 };
        let mut next = Self::STRETCH;
        for (offset, character) in text.char_indices() {
            if offset >= next {
                marks.push((offset, here));
                next = offset + Self::STRETCH;
            }
            here = step(here, character, &text[offset..]);
        }
        Self { text, marks }
    }

    /// Location of the character at a byte offset.
    pub fn location(&self, offset: usize) -> Location {
        // A mark at offset 0 always exists, so the subtraction can't underflow.
        let mark = self.marks.partition_point(|(mark, _)| *mark <= offset) - 1;
        let (start, location) = self.marks[mark];
        self.text[start..]
            .char_indices()
            .take_while(|(index, _)| start + index < offset)
            .fold(location, |here, (index, character)| {
                step(here, character, &self.text[start + index..])
            })
    }
}

/// Location behind the character that `rest` begins with.
fn step(here: Location, character: char, rest: &str) -> Location {
    let ends_line = match character {
        '\n' => true,
        // CR LF ends the line at the LF, and counts once.
        '\r' => !rest[1..].starts_with('\n'),
        _ => false,
    };
    if ends_line {
        return Location {
            line: here.line + 1,
            column: 1,
        };
    }
    Location {
        column: here.column + 1,
        ..here
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_every_line_end_counts_once() {
        let text = "ab\ncé😀d\r\ne\rf";
        let at = |offset: usize| {
            let place = LineIndex::new(text).location(offset);
            (place.line, place.column)
        };
        let expected = [
            ("a", (1, 1)),
            ("b", (1, 2)),
            ("c", (2, 1)),
            ("d", (2, 4)),
            ("e", (3, 1)),
            ("f", (4, 1)),
        ];
        let lines = LineIndex::new(text);
        for (part, expected) in expected {
            let offset = text.find(part).unwrap();
            assert_eq!(at(offset), expected, "{part}");
            let told = lines.location(offset);
            assert_eq!((told.line, told.column), expected, "{part}");
        }
        assert_eq!(lines.location(0), Location { line: 1, column: 1 });
    }
}
