//! Lines and columns of a text.

use super::Location;

/// Where in a text an offset is, in any order and however long its lines are. A line ends as in GraphQL and
/// XML: with a line feed, a carriage return, or both.
pub struct Places<'a> {
    text: &'a str,
    /// The places of some offsets, one for each stretch of the text.
    marks: Vec<(usize, Location)>,
}

impl<'a> Places<'a> {
    const STRETCH: usize = 256;

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

    /// The place of a byte's character.
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

/// The place behind a character, with which `rest` begins.
fn step(here: Location, character: char, rest: &str) -> Location {
    let ends_line = match character {
        '\n' => true,
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
