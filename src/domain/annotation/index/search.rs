//! Search by terms: conditions of filters, and walks through a term's annotations in the order of ids.

use std::collections::BTreeSet;

use entity::{annotation, annotation_term};
use label_studio::region::Kind;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Query, SelectStatement, UnionType},
};

use super::{
    answer::{self, Key},
    kind, label,
};
use crate::domain::{
    filter::{AnswerFilter, EnumFilter, nothing},
    page::Page,
};

/// Name of the index in a walk, distinct from its name in the checks of each row.
const WALKED: &str = "walked";

/// Way in which a list finds the rows of a term.
#[derive(Clone, Copy, Debug)]
pub enum TermLookup {
    /// For lists of few annotations: looks up the term per annotation.
    PerAnnotation,
    /// For lists within a project: reads the term's annotations there.
    Project(i64),
    All,
    /// For conditions beside a [`walk`], which has checked the terms: no condition.
    Walked,
}

/// Terms of a leaf; a matching annotation has at least one of these.
#[derive(Clone, Debug, PartialEq)]
pub struct TermSet {
    terms: BTreeSet<i64>,
    /// Digests of the answers, which an annotation's answers are compared with; `None` for labels and region types.
    digests: Option<Vec<i64>>,
}

impl TermSet {
    /// Returns the terms of labels, or `None` for an empty filter.
    pub fn of_labels(labels: &EnumFilter<String>) -> Option<Self> {
        let labels = requested(labels)?;
        Some(Self::plain(labels.iter().map(|text| label(text))))
    }

    /// Returns the terms of region types, or `None` for an empty filter.
    pub fn of_kinds(kinds: &EnumFilter<Kind>) -> Option<Self> {
        Some(Self::plain(requested(kinds)?.into_iter().map(kind)))
    }

    /// Returns the terms of answers, or `None` for a filter that does not name answers.
    pub fn of_answers(filter: &AnswerFilter) -> Option<Self> {
        let keys = filter.wanted()?.into_iter();
        let keys: Vec<Key> = keys
            .map(|answer| Key::of(&filter.from_name, &answer))
            .collect();
        Some(Self {
            terms: keys.iter().map(|key| key.term).collect(),
            digests: Some(keys.iter().map(|key| key.digest).collect()),
        })
    }

    fn plain(terms: impl Iterator<Item = i64>) -> Self {
        Self {
            terms: terms.collect(),
            digests: None,
        }
    }

    fn condition(&self, lookup: TermLookup) -> Option<Condition> {
        use annotation_term::Column::{AnnotationId, ProjectId, Term};
        if self.terms.is_empty() {
            return Some(Condition::all().add(nothing()));
        }
        let rows = annotation_term::Entity::find()
            .select_only()
            .filter(Term.is_in(self.terms.iter().copied()));
        let own = |column: annotation::Column| Expr::col(column.as_column_ref());
        let found = |rows: SelectStatement| own(annotation::Column::Id).in_subquery(rows);
        let has_term = match lookup {
            TermLookup::Walked => return None,
            TermLookup::PerAnnotation => {
                let theirs = rows
                    .expr(Expr::val(1_i32))
                    .filter(AnnotationId.into_expr().eq(own(annotation::Column::Id)))
                    .filter(ProjectId.into_expr().eq(own(annotation::Column::ProjectId)));
                Expr::exists(theirs.into_query())
            }
            TermLookup::Project(id) => found(
                rows.column(AnnotationId)
                    .filter(ProjectId.eq(id))
                    .into_query(),
            ),
            TermLookup::All => found(rows.column(AnnotationId).into_query()),
        };
        let condition = Condition::all().add(has_term);
        Some(condition.add_option(self.has_digest(own(annotation::Column::Id))))
    }

    /// Compares the answers of an annotation, whose term may belong to a different answer.
    fn has_digest(&self, annotation_id: Expr) -> Option<Expr> {
        let digests = self.digests.as_ref()?;
        Some(answer::has_digest(digests, annotation_id))
    }

    /// Looks up the terms per row of a walk, by the key of the index. A subquery and not `EXISTS`, which PostgreSQL
    /// would make a join of, reading all rows of the terms.
    fn is_at_walked(&self) -> Condition {
        use annotation_term::Column::{AnnotationId, ProjectId, Term};
        let theirs = annotation_term::Entity::find()
            .select_only()
            .expr(Expr::val(1_i32))
            .filter(Term.is_in(self.terms.iter().copied()))
            .filter(ProjectId.into_expr().eq(walked(ProjectId)))
            .filter(AnnotationId.into_expr().eq(walked(AnnotationId)))
            .limit(1);
        Condition::all()
            .add(is_there(theirs.into_query()))
            .add_option(self.has_digest(walked(AnnotationId)))
    }
}

/// Matches annotations with any of these labels, or `None` for an empty filter or a walk.
pub fn has_label(labels: &EnumFilter<String>, lookup: TermLookup) -> Option<Condition> {
    TermSet::of_labels(labels)?.condition(lookup)
}

/// Matches annotations with a region of any of these types, or `None` for an empty filter or a walk.
pub fn has_kind(kinds: &EnumFilter<Kind>, lookup: TermLookup) -> Option<Condition> {
    TermSet::of_kinds(kinds)?.condition(lookup)
}

/// Matches annotations with a matching answer to the control. Known answers are found by term; a part of a text, or
/// any answer at all, is searched per annotation of the list. Returns `None` for known answers beside a walk.
pub fn has_answer(filter: &AnswerFilter, lookup: TermLookup) -> Option<Condition> {
    match TermSet::of_answers(filter) {
        Some(answers) => answers.condition(lookup),
        None => {
            let own = Expr::col(annotation::Column::Id.as_column_ref());
            Some(Condition::all().add(answer::has_any(filter, own)))
        }
    }
}

/// Lists the values that meet both `eq` and `in`.
fn requested<T: PartialEq + Clone>(filter: &EnumFilter<T>) -> Option<Vec<T>> {
    let values = match (&filter.eq, &filter.is_in) {
        (Some(eq), _) => vec![eq.clone()],
        (None, Some(list)) => list.clone(),
        (None, None) => return None,
    };
    let meets = |value: &T| filter.matches(value);
    Some(values.into_iter().filter(meets).collect())
}

/// Selects the ids of a page of a project's annotations that have a term of each set and meet the remaining condition.
///
/// Walks the key (term, project, annotation) of the index, which holds the annotations of a term in the order of ids,
/// from the cursor to the end of the page: the cost depends on the length of the page and on the rows skipped, not on
/// the number of matches. The set with the fewest terms is walked, a walk per term; each row is checked for the other
/// sets and for the condition on `annotation`. Returns nothing without a set, or when the terms to walk exceed
/// `most_walks`.
pub fn walk(
    sets: &[TermSet],
    project_id: &Expr,
    rest: &Condition,
    page: &Page,
    descending: bool,
    most_walks: usize,
) -> Option<SelectStatement> {
    // Of sets with equally many terms, `min_by_key` returns the first.
    let (index, driver) = sets
        .iter()
        .enumerate()
        .min_by_key(|(_, set)| set.terms.len())?;
    if driver.terms.len() > most_walks {
        return None;
    }
    let others = sets.iter().enumerate().filter(|(it, _)| *it != index);
    let checks = others.fold(Condition::all(), |all, (_, set)| {
        all.add(set.is_at_walked())
    });
    let checks = checks
        .add_option(driver.has_digest(walked(annotation_term::Column::AnnotationId)))
        .add_option((!rest.is_empty()).then(|| meets(rest)));
    let mut walks = driver.terms.iter().map(|term| {
        let mut walk = Query::select();
        walk.expr_as(walked(annotation_term::Column::AnnotationId), "id")
            .from_as(annotation_term::Entity, WALKED)
            .and_where(walked(annotation_term::Column::Term).eq(*term))
            .and_where(walked(annotation_term::Column::ProjectId).eq(project_id.clone()))
            .cond_where(checks.clone());
        page.cut_ids(
            &mut walk,
            walked(annotation_term::Column::AnnotationId),
            descending,
        );
        walk
    });
    let Some(first) = walks.next() else {
        let mut none = Query::select();
        none.column(annotation_term::Column::AnnotationId)
            .from(annotation_term::Entity)
            .and_where(nothing());
        return Some(none);
    };
    if driver.terms.len() == 1 {
        return Some(first);
    }
    // Wraps each walk in a subquery: SQLite accepts no ORDER BY and LIMIT inside a compound select.
    // https://www.sqlite.org/lang_select.html#compound_select_statements
    let limited = |walk| {
        Query::select()
            .column("id")
            .from_subquery(walk, "walk")
            .take()
    };
    let mut all = limited(first);
    for walk in walks {
        // UNION without ALL leaves an annotation with several of the terms once, which the limit counts once.
        all.union(UnionType::Distinct, limited(walk));
    }
    let mut ids = Query::select()
        .column("id")
        .from_subquery(all, "walks")
        .take();
    page.cut_ids(&mut ids, Expr::col("id"), descending);
    Some(ids)
}

fn walked(column: annotation_term::Column) -> Expr {
    Expr::col((WALKED, column))
}

/// Checks the annotation of a row of a walk.
fn meets(condition: &Condition) -> Expr {
    let own = annotation::Entity::find()
        .select_only()
        .expr(Expr::val(1_i32))
        .filter(
            Expr::col(annotation::Column::Id.as_column_ref())
                .eq(walked(annotation_term::Column::AnnotationId)),
        )
        .filter(condition.clone())
        .limit(1);
    is_there(own.into_query())
}

fn is_there(rows: SelectStatement) -> Expr {
    Expr::SubQuery(None, Box::new(rows.into())).is_not_null()
}
