//! Parents of annotations. A parent can be anywhere in the file, so a parent that was not written in the same batch
//! is set after the last batch.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use entity::{
    annotation::{self, Column},
    prediction,
};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, SimpleExpr},
};

use super::{
    import_lock, item, job,
    problems::{Notes, Place},
};
use crate::{app::App, error::Result};

/// Ids in the file to which parents refer.
#[derive(Debug, Default)]
pub struct Wanted {
    predictions: HashSet<i64>,
    annotations: HashSet<i64>,
}

impl Wanted {
    /// Notes the ids in the file to which an annotation refers.
    pub fn add(&mut self, annotation: &item::Annotation) {
        self.predictions.extend(annotation.parent_prediction);
        self.annotations.extend(annotation.parent_annotation);
    }

    /// Adds the ids of a second set.
    pub fn append(&mut self, other: Self) {
        self.predictions.extend(other.predictions);
        self.annotations.extend(other.annotations);
    }
}

/// Maps wanted ids in the file to ids of rows. Of several items with the same id, the first counts.
pub struct Parents {
    wanted: Wanted,
    predictions: HashMap<i64, i64>,
    annotations: HashMap<i64, i64>,
    /// Rows of the present batch; earlier rows may have been deleted since.
    batch: HashSet<(Kind, i64)>,
    pending: Vec<Pending>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Prediction,
    Annotation,
}

/// Annotation whose parent is not yet set.
struct Pending {
    id: i64,
    task_id: i64,
    kind: Kind,
    /// Parent's id in the file.
    parent: i64,
    /// Position of the annotation in the file.
    place: Place,
    list: &'static str,
    index: usize,
}

impl Parents {
    /// Creates a map of the ids that children refer to; it keeps no further id.
    pub fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            predictions: HashMap::new(),
            annotations: HashMap::new(),
            batch: HashSet::new(),
            pending: Vec::new(),
        }
    }

    /// Forgets which rows the last batch wrote; the ids stay.
    pub fn begin_batch(&mut self) {
        self.batch.clear();
    }

    /// Records the id in the database of a prediction with the id `source` in the file. Of equal ids the first
    /// counts.
    pub fn add_prediction(&mut self, source: Option<i64>, id: i64) {
        let wanted = source.filter(|source| self.wanted.predictions.contains(source));
        if let Some(source) = wanted {
            self.predictions.entry(source).or_insert(id);
            self.batch.insert((Kind::Prediction, id));
        }
    }

    /// Records the id in the database of an annotation with the id `source` in the file. Of equal ids the first
    /// counts.
    pub fn add_annotation(&mut self, source: Option<i64>, id: i64) {
        // Keeps ids only if a child refers to them, which bounds the memory for large files.
        let wanted = source.filter(|source| self.wanted.annotations.contains(source));
        if let Some(source) = wanted {
            self.annotations.entry(source).or_insert(id);
            self.batch.insert((Kind::Annotation, id));
        }
    }

    /// Returns the parents of an annotation about to be written, if written in the same batch, and queues the rest.
    pub fn of(
        &mut self,
        place: Place,
        task_id: i64,
        id: i64,
        annotation: &item::Annotation,
    ) -> (Option<i64>, Option<i64>) {
        let mut find = |kind, parent: Option<i64>| {
            let parent = parent?;
            let known = self.known(kind, parent);
            if known.is_some_and(|known| self.batch.contains(&(kind, known))) {
                return known;
            }
            // A parent of an earlier batch may be deleted by now, and a parent of a later batch is unknown: both
            // wait.
            self.pending.push(Pending {
                id,
                task_id,
                kind,
                parent,
                place,
                list: annotation.list,
                index: annotation.index,
            });
            None
        };
        let prediction = find(Kind::Prediction, annotation.parent_prediction);
        (
            prediction,
            find(Kind::Annotation, annotation.parent_annotation),
        )
    }

    fn known(&self, kind: Kind, parent: i64) -> Option<i64> {
        let ids = match kind {
            Kind::Prediction => &self.predictions,
            Kind::Annotation => &self.annotations,
        };
        ids.get(&parent).copied()
    }

    /// Sets the queued parents, in transactions of bounded size.
    pub async fn settle(mut self, app: &App, notes: &mut Notes) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        for some in pending.chunks(job::BATCH as usize) {
            let begun = Instant::now();
            let txn = app.db.begin().await?;
            self.settle_some(&txn, some, notes).await?;
            txn.commit().await?;
            import_lock::yield_to_writers(app, begun).await;
        }
        Ok(())
    }

    /// Sets the queued parents in a transaction that has written all rows.
    pub async fn settle_in(mut self, txn: &DatabaseTransaction, notes: &mut Notes) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.settle_some(txn, &pending, notes).await
    }

    async fn settle_some(
        &self,
        txn: &DatabaseTransaction,
        some: &[Pending],
        notes: &mut Notes,
    ) -> Result<()> {
        // Writers of annotations lock their tasks first: `docs/decisions/0004-locks.md`.
        job::lock_tasks(txn, some.iter().map(|pending| pending.task_id)).await?;
        for pending in some {
            match self.known(pending.kind, pending.parent) {
                Some(parent_id) => set(txn, pending, parent_id).await?,
                None => note(pending, notes),
            }
        }
        Ok(())
    }
}

async fn set(txn: &DatabaseTransaction, pending: &Pending, parent_id: i64) -> Result<()> {
    // A subselect yields null for a parent deleted since, the same result as a later deletion.
    let (column, parent) = match pending.kind {
        Kind::Prediction => (
            Column::ParentPredictionId,
            prediction::Entity::find_by_id(parent_id)
                .select_only()
                .column(prediction::Column::Id)
                .into_query(),
        ),
        Kind::Annotation => (
            Column::ParentAnnotationId,
            annotation::Entity::find_by_id(parent_id)
                .select_only()
                .column(Column::Id)
                .into_query(),
        ),
    };
    annotation::Entity::update_many()
        .col_expr(
            column,
            SimpleExpr::from(Expr::SubQuery(None, Box::new(parent.into()))),
        )
        .filter(Column::Id.eq(pending.id))
        .exec(txn)
        .await?;
    Ok(())
}

fn note(pending: &Pending, notes: &mut Notes) {
    let (field, noun) = match pending.kind {
        Kind::Prediction => ("parent_prediction", "prediction"),
        Kind::Annotation => ("parent_annotation", "annotation"),
    };
    let within = [pending.list.into(), pending.index.into(), field.into()];
    let message = format!("the file has no {noun} {}: now null", pending.parent);
    notes.push(pending.place, within, message);
}
