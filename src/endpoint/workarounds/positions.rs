//! Positions in a document, in characters: apollo-compiler counts the columns of its diagnostics in bytes.

use apollo_compiler::parser::SourceSpan;
use async_graphql::Pos;

use crate::error::LineIndex;

/// Position of a byte offset.
pub fn at(offset: usize, lines: &LineIndex) -> Pos {
    let location = lines.location(offset);
    Pos {
        line: location.line as usize,
        column: location.column as usize,
    }
}

/// Position where a span of the document starts.
pub fn of(span: Option<SourceSpan>, lines: &LineIndex) -> Option<Pos> {
    span.map(|span| at(span.offset(), lines))
}
