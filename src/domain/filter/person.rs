//! Filters by people, who are told of to those alone who see them.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QuerySelect, QueryTrait, Select};

use super::IdFilter;
use crate::domain::access::{self, Actor};

/// Matches people by id, but only those whom the actor sees: a count must not tell of others. To the opposite,
/// too, others are nobody: whatever it is compared with, their id is none that there is.
pub fn of_seen(actor: &Actor, ids: &IdFilter, column: impl ColumnTrait) -> Condition {
    use entity::user::Column::Id;
    among(actor, ids, column, access::visible_users(actor), Id)
}

/// Matches ids of rows that the actor sees, alike. `seen` selects these.
pub fn among<E: EntityTrait>(
    actor: &Actor,
    ids: &IdFilter,
    column: impl ColumnTrait,
    seen: Select<E>,
    id: E::Column,
) -> Condition {
    let condition = ids.condition(column);
    if actor.is_admin() || ids.values() == 0 {
        return condition;
    }
    let seen = seen.select_only().column(id).into_query();
    condition.add(column.in_subquery(seen))
}
