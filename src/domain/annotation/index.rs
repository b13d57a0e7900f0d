//! What annotations are found by that only their results tell: labels, and kinds of regions.
//!
//! Each is a term, a number, and the index has a row for each term of each annotation. It follows the results
//! within the transactions that write them, and the labelling config of the project, by which results are read,
//! within the one that changes it; what was there before the index is brought in by [`fill`].

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use entity::{annotation, annotation_term, annotation_term_fill};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
    sea_query::{Expr, ExprTrait, LockType, SelectStatement},
};
use sha2::{Digest, Sha256};

use crate::{
    app::{App, compute},
    domain::{
        filter::{EnumFilter, nothing},
        labelling, rows,
    },
    error::Result,
    labelstudio::{
        config::Config,
        region::{self, Kind},
    },
};

/// Different labels of one annotation, in the order of its result; others lead nowhere.
pub const MAX_LABELS: usize = 10_000;
/// Annotations that a step of [`fill`] reads.
const STEP: u64 = 200;

/// How a list finds the rows of a term.
#[derive(Clone, Copy, Debug)]
pub enum Reach {
    /// It is about few annotations: each is asked for the term.
    Few,
    /// It is about one project: the term has its annotations there.
    Project(i64),
    All,
}

/// Some label of the annotation is one of these. `None` when the filter says nothing.
pub fn has_label(labels: &EnumFilter<String>, reach: Reach) -> Option<Condition> {
    Some(has_term(
        wanted(labels)?.iter().map(|text| label(text)),
        reach,
    ))
}

/// Some region of the annotation is of one of these kinds. `None` when the filter says nothing.
pub fn has_kind(kinds: &EnumFilter<Kind>, reach: Reach) -> Option<Condition> {
    Some(has_term(wanted(kinds)?.into_iter().map(kind), reach))
}

/// The values that meet both parts.
fn wanted<T: PartialEq + Clone>(filter: &EnumFilter<T>) -> Option<Vec<T>> {
    let values = match (&filter.eq, &filter.is_in) {
        (Some(eq), _) => vec![eq.clone()],
        (None, Some(list)) => list.clone(),
        (None, None) => return None,
    };
    let meets = |value: &T| filter.matches(value);
    Some(values.into_iter().filter(meets).collect())
}

fn has_term(terms: impl Iterator<Item = i64>, reach: Reach) -> Condition {
    use annotation_term::Column::{AnnotationId, ProjectId, Term};
    let terms: BTreeSet<i64> = terms.collect();
    if terms.is_empty() {
        return Condition::all().add(nothing());
    }
    let rows = annotation_term::Entity::find()
        .select_only()
        .filter(Term.is_in(terms));
    let own = |column: annotation::Column| Expr::col(column.as_column_ref());
    let found = |rows: SelectStatement| own(annotation::Column::Id).in_subquery(rows);
    Condition::all().add(match reach {
        Reach::Few => {
            let theirs = rows
                .expr(Expr::val(1_i32))
                .filter(AnnotationId.into_expr().eq(own(annotation::Column::Id)))
                .filter(ProjectId.into_expr().eq(own(annotation::Column::ProjectId)));
            Expr::exists(theirs.into_query())
        }
        Reach::Project(id) => found(
            rows.column(AnnotationId)
                .filter(ProjectId.eq(id))
                .into_query(),
        ),
        Reach::All => found(rows.column(AnnotationId).into_query()),
    })
}

/// Brings the index from what annotations were, where they were, to what they are. What has not changed costs
/// no statement, and any number of annotations the same few. `configs` are those of the projects that results come
/// into, held until the transaction ends.
pub async fn write(
    txn: &DatabaseTransaction,
    changes: &[(Option<&annotation::Model>, &annotation::Model)],
    configs: &HashMap<i64, Arc<Config>>,
) -> Result<()> {
    let none = Arc::default();
    let (mut outdated, mut new) = (Vec::new(), Vec::new());
    for (before, after) in changes {
        let stored = before.map_or(0, |before| before.result.len());
        compute::charge(stored + after.result.len()).await;
        let is_there = |before: &annotation::Model| {
            before.result == after.result && before.project_id == after.project_id
        };
        if before.is_some_and(is_there) {
            continue;
        }
        // Missing config: the project is gone, and a foreign key fails the transaction.
        let config = configs.get(&after.project_id).unwrap_or(&none);
        let stays = before.filter(|before| before.project_id == after.project_id);
        let old = stays.map(|before| terms(&before.result, config));
        let terms = terms(&after.result, config);
        if old.as_ref() == Some(&terms) {
            continue;
        }
        if before.is_some() && old.is_none_or(|terms| !terms.is_empty()) {
            outdated.push(after.id);
        }
        new.extend(rows_of(after.id, after.project_id, &terms));
    }
    replace(txn, outdated, new).await
}

/// Rows of a new annotation, in a project with this config.
pub fn rows(
    row: &annotation::Model,
    config: &Config,
) -> impl Iterator<Item = annotation_term::ActiveModel> + use<> {
    rows_of(row.id, row.project_id, &terms(&row.result, config))
}

/// Updates the index for a changed labelling config: reads all results of the project in pages, and replaces the rows
/// of annotations whose terms differ. The caller holds the project's lock, so that no result is written meanwhile.
pub async fn rewrite(
    txn: &DatabaseTransaction,
    project_id: i64,
    before: &Config,
    after: &Config,
) -> Result<()> {
    if before.reads_like(after) {
        return Ok(());
    }
    let mut last = 0;
    loop {
        let page: Vec<(i64, String)> = annotation::Entity::find()
            .select_only()
            .columns([annotation::Column::Id, annotation::Column::Result])
            .filter(annotation::Column::ProjectId.eq(project_id))
            .filter(annotation::Column::Id.gt(last))
            .order_by_asc(annotation::Column::Id)
            .limit(STEP)
            .into_tuple()
            .all(txn)
            .await?;
        let Some((newest, _)) = page.last() else {
            return Ok(());
        };
        last = *newest;
        compute::charge(page.iter().map(|(_, result)| result.len()).sum()).await;
        let differing = page.into_iter().filter_map(|(id, result)| {
            let terms = terms(&result, after);
            (terms != self::terms(&result, before)).then_some((id, terms))
        });
        let differing: Vec<_> = differing.collect();
        let ids = differing.iter().map(|(id, _)| *id).collect();
        let new = differing.iter();
        let new = new.flat_map(|(id, terms)| rows_of(*id, project_id, terms));
        replace(txn, ids, new.collect()).await?;
    }
}

fn rows_of(
    annotation_id: i64,
    project_id: i64,
    terms: &BTreeSet<i64>,
) -> impl Iterator<Item = annotation_term::ActiveModel> + use<> {
    let row = move |term| annotation_term::ActiveModel {
        term: Set(term),
        project_id: Set(project_id),
        annotation_id: Set(annotation_id),
    };
    terms.clone().into_iter().map(row)
}

async fn replace(
    txn: &DatabaseTransaction,
    outdated: Vec<i64>,
    new: Vec<annotation_term::ActiveModel>,
) -> Result<()> {
    for ids in outdated.chunks(rows::MAX_VALUES) {
        annotation_term::Entity::delete_many()
            .filter(annotation_term::Column::AnnotationId.is_in(ids.iter().copied()))
            .exec(txn)
            .await?;
    }
    Ok(rows::insert(txn, new).await?)
}

/// What a result is found by.
fn terms(result: &str, config: &Config) -> BTreeSet<i64> {
    let content = region::Content::read(result, config);
    let labels = content.labels.iter().take(MAX_LABELS);
    let kinds = content.kinds.into_iter().map(kind);
    labels.map(|text| label(text)).chain(kinds).collect()
}

/// 64 bits of a digest: labels have any length and any letters, and numbers are found faster.
fn label(text: &str) -> i64 {
    let digest = Sha256::digest(text);
    let (head, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
    i64::from_be_bytes(*head)
}

/// Small numbers: a label that is one is as likely as two labels that are the same one.
fn kind(kind: Kind) -> i64 {
    kind as i64
}

/// Brings in the next annotations of those that were there before the index, and says how many. Nobody may be
/// answered before there are none.
pub async fn fill(app: &App) -> Result<Option<usize>> {
    let txn = app.db.begin().await?;
    let waiting = annotation_term_fill::Entity::find()
        .lock(LockType::Update)
        .one(&*txn)
        .await?;
    let Some(waiting) = waiting else {
        return Ok(None);
    };
    let annotations: Vec<(i64, i64, String)> = annotation::Entity::find()
        .select_only()
        .columns([
            annotation::Column::Id,
            annotation::Column::ProjectId,
            annotation::Column::Result,
        ])
        .filter(annotation::Column::Id.gt(waiting.done_id))
        .filter(annotation::Column::Id.lte(waiting.last_id))
        .order_by_asc(annotation::Column::Id)
        .limit(STEP)
        .lock(LockType::Update)
        .into_tuple()
        .all(&*txn)
        .await?;
    let Some((done_id, ..)) = annotations.last() else {
        annotation_term_fill::Entity::delete_by_id(waiting.last_id)
            .exec(&*txn)
            .await?;
        txn.commit().await?;
        return Ok(None);
    };
    let done = annotation_term_fill::ActiveModel {
        last_id: Unchanged(waiting.last_id),
        done_id: Set(*done_id),
    };
    let projects: BTreeSet<i64> = annotations.iter().map(|(_, id, _)| *id).collect();
    let projects: Vec<i64> = projects.into_iter().collect();
    let held = labelling::held(app, &*txn, &projects).await?;
    let new = annotations.iter().flat_map(|(id, project_id, result)| {
        let config = held.get(project_id).map(|labelling| &*labelling.config);
        let terms = terms(result, config.unwrap_or(&Config::default()));
        rows_of(*id, *project_id, &terms)
    });
    let ids = annotations.iter().map(|(id, ..)| *id).collect();
    replace(&txn, ids, new.collect()).await?;
    done.update_without_returning(&*txn).await?;
    txn.commit().await?;
    Ok(Some(annotations.len()))
}
