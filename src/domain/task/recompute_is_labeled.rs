//! Recomputes `is_labeled` for many tasks at once.

use entity::{
    annotation,
    task::{self, Column},
};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, Func, SimpleExpr},
};

use crate::{domain::bulk::MAX_VALUES, error::Result};

/// Recounts the authors of locked tasks. Annotations of deleted users together count as a single author.
pub(in crate::domain) async fn recompute_is_labeled(
    txn: &DatabaseTransaction,
    ids: &[i64],
) -> Result<()> {
    use annotation::Column::{CompletedById, TaskId, WasCancelled};
    let author = Func::coalesce([
        Expr::col((annotation::Entity, CompletedById)),
        Expr::val(0_i64),
    ]);
    let authors = annotation::Entity::find()
        .select_only()
        .expr(Expr::expr(author).count_distinct())
        .filter(Expr::col((annotation::Entity, TaskId)).equals((task::Entity, Column::Id)))
        .filter(Expr::col((annotation::Entity, WasCancelled)).not())
        .into_query();
    let authors = SimpleExpr::SubQuery(None, Box::new(authors.into()));
    let is_labeled = authors.gte(Expr::col((task::Entity, Column::Overlap)));
    // Splits by the limit on parameters per statement.
    for some in ids.chunks(MAX_VALUES) {
        task::Entity::update_many()
            .col_expr(Column::IsLabeled, is_labeled.clone())
            .filter(Column::Id.is_in(some.iter().copied()))
            .exec(txn)
            .await?;
    }
    Ok(())
}
