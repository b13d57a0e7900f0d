//! Conversion of byte offsets to lines and columns.

use super::Location;

/// Lines and columns of a text, for offsets in any order. Lines end with a line feed, a carriage return or both, as
/// in [GraphQL](https://spec.graphql.org/September2025/#sec-Line-Terminators) and XML.
///
/// Marks every 256 bytes keep a lookup short even when the text is a single line of megabytes.
pub struct Places<'a> {
    text: &'a str,
    /// Locations of some offsets, at least `STRETCH` bytes apart.
    marks: Vec<(usize, Location)>,
}

impl<'a> Places<'a> {
    const STRETCH: usize = 256;

    /// Indexes a text, in time proportional to its length.
    pub fn of(text: &'a str) -> Self {
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
    pub fn at(&self, offset: usize) -> Location {
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

/// Location after a character, the first of `rest`.
fn step(here: Location, character: char, rest: &str) -> Location {
    let ends_line = match character {
        '\n' => true,
        // A carriage return before a line feed ends no line of its own.
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
    fn places_are_counted_in_lines_and_characters() {
        let text = "ab\ncé😀d\r\ne\rf";
        let at = |offset: usize| {
            let place = Places::of(text).at(offset);
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
        let places = Places::of(text);
        for (part, expected) in expected {
            let offset = text.find(part).unwrap();
            assert_eq!(at(offset), expected, "{part}");
            let told = places.at(offset);
            assert_eq!((told.line, told.column), expected, "{part}");
        }
        assert_eq!(places.at(0), Location { line: 1, column: 1 });
    }
}
