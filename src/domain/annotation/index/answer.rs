//! Answers to controls in the index: keys, texts, and conditions on their rows.

use std::collections::BTreeMap;

use entity::annotation_answer::{self, Column};
use label_studio::region::Answer;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait},
};
use sha2::{Digest, Sha256};

use crate::domain::filter::{AnswerFilter, contains, storable};

/// Numbers of an answer to a control, taken from a SHA-256. The first 64 bits are left out: these serve as terms of
/// labels, so that no label can be constructed with the term of an answer.
pub struct Key {
    /// Term, which leads to annotations.
    pub term: i64,
    /// Digest, compared next: 128 bits identify an answer, since collisions of 64 bits can be constructed.
    pub digest: i64,
}

impl Key {
    /// Hashes the control and the answer; equal answers to a control have equal keys.
    pub fn of(from_name: &str, answer: &Answer) -> Self {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            // Prefixes each part with its length, which keeps ("ab", "c") and ("a", "bc") distinct.
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        add(from_name.as_bytes());
        match answer {
            Answer::Text(text) => {
                add(b"text");
                add(text.as_bytes());
            }
            Answer::Path(levels) => {
                add(b"path");
                levels.iter().for_each(|level| add(level.as_bytes()));
            }
            Answer::Number(number) => {
                // Equal numbers have equal bits, except for the two zeros.
                let number = if *number == 0.0 { 0.0 } else { *number };
                add(b"number");
                add(&number.to_bits().to_be_bytes());
            }
        }
        let digest = hash.finalize();
        let bits = |from: usize| {
            let bytes = digest[from..from + 8]
                .try_into()
                .expect("these are 8 bytes");
            i64::from_be_bytes(bytes)
        };
        Self {
            term: bits(8),
            digest: bits(16),
        }
    }
}

/// Row of an answer without the key.
#[derive(PartialEq)]
pub struct Text {
    from_name: String,
    folded: Option<String>,
}

impl Text {
    /// Builds the text. A path stores its outer levels; the innermost level is an answer by itself.
    pub fn of(from_name: &str, answer: &Answer) -> Self {
        let text = match answer {
            Answer::Text(text) => Some(text.clone()),
            Answer::Path(levels) => levels.split_last().map(|(_, outer)| outer.join(LEVEL_END)),
            Answer::Number(_) => None,
        };
        Self {
            from_name: storable(from_name),
            folded: text.map(|text| storable(&casefold::fold(&text))),
        }
    }
}

/// Separates the levels of a path, so that a search text matches across levels only if it contains the separator.
const LEVEL_END: &str = "\u{1f}";

/// Rows of the answers' table for an annotation.
pub fn rows(
    annotation_id: i64,
    answers: BTreeMap<i64, Text>,
) -> impl Iterator<Item = annotation_answer::ActiveModel> {
    let row = move |(digest, text): (i64, Text)| annotation_answer::ActiveModel {
        annotation_id: Set(annotation_id),
        digest: Set(digest),
        from_name: Set(text.from_name),
        folded: Set(text.folded),
    };
    answers.into_iter().map(row)
}

/// Matches annotations, by id, with an answer of one of these digests.
pub fn has_digest(digests: &[i64], annotation_id: Expr) -> Expr {
    exists(of_annotation(annotation_id).filter(Column::Digest.is_in(digests.iter().copied())))
}

/// Matches annotations, by id, with an answer to the control, of which a text contains the filter's part.
pub fn has_any(filter: &AnswerFilter, annotation_id: Expr) -> Expr {
    let own = of_annotation(annotation_id).filter(Column::FromName.eq(storable(&filter.from_name)));
    exists(match &filter.contains {
        Some(part) => own.filter(contains(Column::Folded, part)),
        None => own,
    })
}

fn of_annotation(id: Expr) -> Select<annotation_answer::Entity> {
    annotation_answer::Entity::find()
        .select_only()
        .expr(Expr::val(1_i32))
        .filter(Expr::col(Column::AnnotationId.as_column_ref()).eq(id))
        .limit(1)
}

/// Checks for a row per annotation: for `EXISTS`, PostgreSQL would join the tables and read all answers.
fn exists(rows: Select<annotation_answer::Entity>) -> Expr {
    Expr::SubQuery(None, Box::new(rows.into_query().into())).is_not_null()
}
