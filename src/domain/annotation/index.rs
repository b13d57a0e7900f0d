//! Search index of annotations by the contents of results: labels, region types and answers
//! (`docs/decisions/0026-finding.md`).
//!
//! A term is a number, and the index has a row per term and annotation, besides rows with the texts of answers.
//! Writes of results update the index in the same transaction, and so does a change of the labelling config, by which
//! results are read. [`fill`] adds annotations older than the index.

mod answer;
mod search;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use entity::{annotation, annotation_answer, annotation_term, annotation_term_fill};
use label_studio::{
    config::Config,
    region::{self, Kind},
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::LockType,
};
use sha2::{Digest, Sha256};

use crate::{
    app::{App, compute},
    domain::{bulk, labelling},
    error::Result,
};

pub use self::search::{TermLookup, TermSet, has_answer, has_kind, has_label, walk};

/// Maximum number of distinct labels of an annotation, in the order of its result; further labels are not indexed.
pub const MAX_LABELS: usize = 10_000;
/// Maximum number of distinct answers of an annotation, in the order of its result; further answers are not indexed.
pub const MAX_ANSWERS: usize = 10_000;
/// Annotations read by a step of [`fill`].
const PAGE: u64 = 200;

/// Updates the index for changed annotations, from old to new result and project. An unchanged annotation costs no
/// statement, and any number of changed annotations the same few. `configs` are the configs of the target projects,
/// locked until the transaction ends.
pub async fn write(
    txn: &DatabaseTransaction,
    changes: &[(Option<&annotation::Model>, &annotation::Model)],
    configs: &HashMap<i64, Arc<Config>>,
) -> Result<()> {
    let (stale_rows, new) = differences(changes, configs).await;
    replace(txn, stale_rows, new).await
}

/// Compares the rows of changed annotations: see [`write()`].
pub async fn differences(
    changes: &[(Option<&annotation::Model>, &annotation::Model)],
    configs: &HashMap<i64, Arc<Config>>,
) -> (StaleRows, Rows) {
    let none = Arc::default();
    let (mut stale_rows, mut new) = (StaleRows::default(), Rows::default());
    for (before, after) in changes {
        let stored = before.map_or(0, |before| before.result.len());
        compute::charge(stored + after.result.len()).await;
        // Lets other requests run between two annotations.
        tokio::task::yield_now().await;
        let is_there = |before: &annotation::Model| {
            before.result == after.result && before.project_id == after.project_id
        };
        if before.is_some_and(is_there) {
            continue;
        }
        // Missing config: the project was deleted, and a foreign key fails the transaction.
        let config = configs.get(&after.project_id).unwrap_or(&none);
        let old = before.map(|before| Entries::read(&before.result, config));
        let entries = Entries::read(&after.result, config);
        let change = Change {
            annotation_id: after.id,
            project_id: after.project_id,
            is_moved: before.is_some_and(|before| before.project_id != after.project_id),
        };
        change.add(old, entries, &mut stale_rows, &mut new);
    }
    (stale_rows, new)
}

/// Updates the index for a changed labelling config: reads all results of the project in pages, and replaces the rows
/// of annotations whose terms or answers differ. The caller holds the project's lock, so that no result is written
/// meanwhile.
pub async fn rewrite(
    txn: &DatabaseTransaction,
    project_id: i64,
    before: &Config,
    after: &Config,
) -> Result<()> {
    // Configs that read results alike need no look at the results, which can be millions.
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
            .limit(PAGE)
            .into_tuple()
            .all(txn)
            .await?;
        let Some((newest, _)) = page.last() else {
            return Ok(());
        };
        last = *newest;
        compute::charge(page.iter().map(|(_, result)| result.len()).sum()).await;
        let (mut stale_rows, mut new) = (StaleRows::default(), Rows::default());
        for (annotation_id, result) in page {
            let change = Change {
                annotation_id,
                project_id,
                is_moved: false,
            };
            let old = Entries::read(&result, before);
            change.add(
                Some(old),
                Entries::read(&result, after),
                &mut stale_rows,
                &mut new,
            );
        }
        replace(txn, stale_rows, new).await?;
    }
}

/// Annotation whose entries may have changed.
struct Change {
    annotation_id: i64,
    project_id: i64,
    /// The terms belong to a different project than before.
    is_moved: bool,
}

impl Change {
    /// Adds the rows to delete and to insert; unchanged entries cost neither.
    fn add(self, old: Option<Entries>, now: Entries, stale_rows: &mut StaleRows, new: &mut Rows) {
        let is_new = old.is_none();
        let old = old.unwrap_or_default();
        if self.is_moved || is_new || old.terms != now.terms {
            let is_outdated = self.is_moved || !old.terms.is_empty();
            stale_rows
                .terms
                .extend(is_outdated.then_some(self.annotation_id));
            let rows = term_rows(self.annotation_id, self.project_id, &now.terms);
            new.terms.extend(rows);
        }
        // After a move, the old entries were read by the config of a different project.
        if self.is_moved || old.answers != now.answers {
            let is_outdated = self.is_moved || !old.answers.is_empty();
            stale_rows
                .answers
                .extend(is_outdated.then_some(self.annotation_id));
            new.answers
                .extend(answer::rows(self.annotation_id, now.answers));
        }
    }
}

/// Rows of the index.
#[derive(Default)]
pub struct Rows {
    pub terms: Vec<annotation_term::ActiveModel>,
    pub answers: Vec<annotation_answer::ActiveModel>,
}

impl Rows {
    /// Builds the rows of a new annotation, in a project with this config.
    pub fn of(row: &annotation::Model, config: &Config) -> Self {
        let mut rows = Self::default();
        rows.add(row.id, row.project_id, &row.result, config);
        rows
    }

    fn add(&mut self, annotation_id: i64, project_id: i64, result: &str, config: &Config) {
        let Entries { terms, answers } = Entries::read(result, config);
        self.terms
            .extend(term_rows(annotation_id, project_id, &terms));
        self.answers.extend(answer::rows(annotation_id, answers));
    }

    /// Inserts the rows in bulk.
    pub async fn insert(self, txn: &DatabaseTransaction) -> Result<()> {
        bulk::insert(txn, self.terms).await?;
        Ok(bulk::insert(txn, self.answers).await?)
    }
}

impl Extend<Self> for Rows {
    fn extend<T: IntoIterator<Item = Self>>(&mut self, rows: T) {
        for Self { terms, answers } in rows {
            self.terms.extend(terms);
            self.answers.extend(answers);
        }
    }
}

fn term_rows(
    annotation_id: i64,
    project_id: i64,
    terms: &BTreeSet<i64>,
) -> impl Iterator<Item = annotation_term::ActiveModel> {
    terms.iter().map(move |term| annotation_term::ActiveModel {
        term: Set(*term),
        project_id: Set(project_id),
        annotation_id: Set(annotation_id),
    })
}

/// Annotations whose rows are to be deleted.
#[derive(Default)]
pub struct StaleRows {
    pub terms: Vec<i64>,
    pub answers: Vec<i64>,
}

/// Deletes stale rows, and inserts the new.
pub async fn replace(txn: &DatabaseTransaction, stale_rows: StaleRows, new: Rows) -> Result<()> {
    for ids in stale_rows.terms.chunks(bulk::MAX_VALUES) {
        annotation_term::Entity::delete_many()
            .filter(annotation_term::Column::AnnotationId.is_in(ids.iter().copied()))
            .exec(txn)
            .await?;
    }
    for ids in stale_rows.answers.chunks(bulk::MAX_VALUES) {
        annotation_answer::Entity::delete_many()
            .filter(annotation_answer::Column::AnnotationId.is_in(ids.iter().copied()))
            .exec(txn)
            .await?;
    }
    new.insert(txn).await
}

/// Indexed contents of a result.
#[derive(Default)]
struct Entries {
    terms: BTreeSet<i64>,
    /// Texts of answers by digest.
    answers: BTreeMap<i64, answer::Text>,
}

impl Entries {
    fn read(result: &str, config: &Config) -> Self {
        let content = region::Content::read(result, config);
        let labels = content.labels.iter().take(MAX_LABELS);
        let kinds = content.kinds.into_iter().map(kind);
        let mut terms: BTreeSet<i64> = labels.map(|text| label(text)).chain(kinds).collect();
        let mut answers = BTreeMap::new();
        for (from_name, answer) in content.answers {
            let key = answer::Key::of(&from_name, &answer);
            if answers.len() >= MAX_ANSWERS && !answers.contains_key(&key.digest) {
                continue;
            }
            terms.insert(key.term);
            answers
                .entry(key.digest)
                .or_insert_with(|| answer::Text::of(&from_name, &answer));
        }
        Self { terms, answers }
    }
}

/// Hashes a label to 64 bits: labels have any length, and numbers compare faster.
fn label(text: &str) -> i64 {
    let digest = Sha256::digest(text);
    let (head, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
    i64::from_be_bytes(*head)
}

/// Numbers a region type: a label with the same number is as unlikely as two labels with the same hash.
fn kind(kind: Kind) -> i64 {
    kind as i64
}

/// Adds the next annotations older than the index, and returns how many. Requests have to wait until no annotation is
/// left.
pub async fn fill(app: &App) -> Result<Option<usize>> {
    let txn = app.db.begin().await?;
    let waiting = annotation_term_fill::Entity::find()
        // Locks the progress row: servers that start together fill the index one after the other.
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
        .limit(PAGE)
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
    let none = Config::default();
    let mut new = Rows::default();
    for (id, project_id, result) in &annotations {
        let config = held.get(project_id).map(|labelling| &*labelling.config);
        new.add(*id, *project_id, result, config.unwrap_or(&none));
    }
    let ids: Vec<i64> = annotations.iter().map(|(id, ..)| *id).collect();
    let stale_rows = StaleRows {
        terms: ids.clone(),
        answers: ids,
    };
    replace(&txn, stale_rows, new).await?;
    done.update_without_returning(&*txn).await?;
    txn.commit().await?;
    Ok(Some(annotations.len()))
}
