//! Filters by people, restricted to people whom the actor sees.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QuerySelect, QueryTrait, Select};

use super::IdFilter;
use crate::domain::access::{self, Actor};

/// Matches people by id, restricted to users whom the actor sees: a count must not reveal invisible users. A negated
/// filter treats invisible users as unknown ids too, so the two counts together reveal no more.
pub fn of_seen(actor: &Actor, ids: &IdFilter, column: impl ColumnTrait) -> Condition {
    use entity::user::Column::Id;
    among(actor, ids, column, access::visible_users(actor), Id)
}

/// Matches ids of rows that the actor sees, in the same manner. `seen` selects these rows.
pub fn among<E: EntityTrait>(
    actor: &Actor,
    ids: &IdFilter,
    column: impl ColumnTrait,
    seen: Select<E>,
    id: E::Column,
) -> Condition {
    let condition = ids.condition(column);
    // Admins see all rows, so the subquery would only cost time.
    if actor.is_admin() || ids.values() == 0 {
        return condition;
    }
    let seen = seen.select_only().column(id).into_query();
    condition.add(column.in_subquery(seen))
}
