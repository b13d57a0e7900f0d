//! Counters of tasks over their annotations, and the time of the last change.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    annotation::{
        self,
        Column::{CompletedById, TaskId, WasCancelled},
    },
    task::{self, Column},
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    sea_query::{CaseStatement, Expr, Func},
};

use super::super::{
    access::{self, Actor},
    bulk,
};
use crate::{app::App, error::Result};

/// Locked task whose annotations change.
pub struct TouchedTask {
    pub task: task::Model,
    /// Counts the annotations of the task anew.
    pub recount: bool,
    /// User of the last change.
    pub actor_id: i64,
}

/// Updates locked tasks whose annotations changed.
pub async fn touch(
    txn: &DatabaseTransaction,
    mut tasks: Vec<TouchedTask>,
    at: DateTime<Utc>,
) -> Result<()> {
    let recounted = tasks.iter().filter(|touched| touched.recount);
    let mut counted = counted(txn, recounted.map(|touched| touched.task.id)).await?;
    for TouchedTask {
        task,
        recount,
        actor_id,
    } in &mut tasks
    {
        // The clock can step back; `updated_at` never does.
        task.updated_at = std::cmp::max(at, task.updated_at);
        task.updated_by_id = Some(*actor_id);
        if *recount {
            let counted = counted.remove(&task.id).unwrap_or_default();
            task.total_annotations = counted.total;
            task.cancelled_annotations = counted.cancelled;
            task.is_labeled = counted.authors >= task.overlap;
        }
    }
    match tasks.as_slice() {
        [] => {}
        // A single task, the usual case, takes a plain UPDATE by key.
        [TouchedTask { task, recount, .. }] => {
            let mut columns = task::ActiveModel {
                id: Unchanged(task.id),
                updated_at: Set(task.updated_at),
                updated_by_id: Set(task.updated_by_id),
                ..Default::default()
            };
            if *recount {
                columns.total_annotations = Set(task.total_annotations);
                columns.cancelled_annotations = Set(task.cancelled_annotations);
                columns.is_labeled = Set(task.is_labeled);
            }
            columns.update_without_returning(txn).await?;
        }
        _ => {
            use Column::{
                CancelledAnnotations, IsLabeled, TotalAnnotations, UpdatedAt, UpdatedById,
            };
            let all = [
                UpdatedAt,
                UpdatedById,
                TotalAnnotations,
                CancelledAnnotations,
                IsLabeled,
            ];
            // Writes counters of recounted tasks alone: a parallel change may have recounted the rest since the read.
            for (is_recounted, columns) in [(true, &all[..]), (false, &all[..2])] {
                let some = tasks
                    .iter()
                    .filter(|touched| touched.recount == is_recounted);
                let some: Vec<_> = some.map(|touched| &touched.task).collect();
                if !some.is_empty() {
                    bulk::update::<task::Entity>(txn, Column::Id, columns, &some).await?;
                }
            }
        }
    }
    Ok(())
}

#[derive(Default)]
struct Counted {
    total: i32,
    cancelled: i32,
    /// Distinct authors of uncancelled annotations; annotations without an author together count as a single author.
    authors: i32,
}

/// Reads the number of annotations of several tasks from the counters, cancelled annotations included. A user who
/// sees a task sees all annotations of the task.
pub async fn annotation_counts(
    app: &App,
    actor: &Actor,
    task_ids: &[i64],
) -> Result<HashMap<i64, i64>> {
    let counts: Vec<(i64, i32, i32)> = access::visible_tasks(actor)
        .filter(Column::Id.is_in(task_ids.iter().copied()))
        .select_only()
        .columns([
            Column::Id,
            Column::TotalAnnotations,
            Column::CancelledAnnotations,
        ])
        .into_tuple()
        .all(app.db.reader())
        .await?;
    let counts = counts.into_iter();
    Ok(counts
        .map(|(id, total, cancelled)| (id, i64::from(total) + i64::from(cancelled)))
        .collect())
}

/// Counts the distinct authors of a task's uncancelled annotations.
pub async fn authors(txn: &DatabaseTransaction, task_id: i64) -> Result<i32> {
    let counted = counted(txn, std::iter::once(task_id))
        .await?
        .remove(&task_id);
    Ok(counted.unwrap_or_default().authors)
}

/// Counts the annotations of tasks; leaves out tasks without annotations.
async fn counted(
    txn: &DatabaseTransaction,
    task_ids: impl Iterator<Item = i64>,
) -> Result<HashMap<i64, Counted>> {
    let task_ids: Vec<i64> = task_ids.collect();
    if task_ids.is_empty() {
        return Ok(HashMap::new());
    }
    // COUNT skips nulls, so a CASE without ELSE counts the matching rows on both databases.
    let cancelled = || Expr::col((annotation::Entity, WasCancelled));
    let author = Func::coalesce([
        Expr::col((annotation::Entity, CompletedById)),
        Expr::val(0_i64),
    ]);
    let counts: Vec<(i64, i64, i64, i64)> = annotation::Entity::find()
        .filter(TaskId.is_in(task_ids))
        .select_only()
        .column(TaskId)
        .expr(Expr::val(1_i32).count())
        .expr(Expr::expr(CaseStatement::new().case(cancelled(), 1_i32)).count())
        .expr(Expr::expr(CaseStatement::new().case(cancelled().not(), author)).count_distinct())
        .group_by(TaskId)
        .into_tuple()
        .all(txn)
        .await?;
    let small = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
    let counts = counts
        .into_iter()
        .map(|(task_id, all, cancelled, authors)| {
            let counted = Counted {
                total: small(all - cancelled),
                cancelled: small(cancelled),
                authors: small(authors),
            };
            (task_id, counted)
        });
    Ok(counts.collect())
}
