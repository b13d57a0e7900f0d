//! Lines and columns of a text.

use async_graphql::Pos;

/// Tells lines and columns, fastest when it is asked in the order of the text: documents can be one line of
/// any length.
pub struct Places<'a> {
    text: &'a str,
    /// Where each line starts.
    lines: Vec<usize>,
    /// What was asked last, and the column told.
    last: (usize, usize),
}

impl<'a> Places<'a> {
    pub fn of(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let mut lines = vec![0];
        lines.extend(ends.map(|(at, _)| at + 1));
        Self {
            text,
            lines,
            last: (0, 1),
        }
    }

    /// The place of a byte of the text.
    pub fn at(&mut self, offset: usize) -> Pos {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines[line - 1];
        let (before, column) = match self.last {
            (before, column) if (start..=offset).contains(&before) => (before, column),
            _ => (start, 1),
        };
        let passed = self.text.get(before..offset).unwrap_or_default();
        let column = column + passed.chars().count();
        self.last = (offset, column);
        Pos { line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let text = "ab\ncé😀d\r\ne\rf";
        let at = |offset: usize| {
            let pos = Places::of(text).at(offset);
            (pos.line, pos.column)
        };
        let expected = [
            ("a", (1, 1)),
            ("b", (1, 2)),
            ("c", (2, 1)),
            ("d", (2, 4)),
            ("e", (3, 1)),
            ("f", (4, 1)),
        ];
        let mut places = Places::of(text);
        for (part, expected) in expected {
            let offset = text.find(part).unwrap();
            assert_eq!(at(offset), expected, "{part}");
            let told = places.at(offset);
            assert_eq!((told.line, told.column), expected, "{part}");
        }
        assert_eq!(places.at(0), Pos { line: 1, column: 1 });
    }
}
