//! Which projects a list holds, and in which order.

use async_graphql::{Enum, InputObject};
use entity::project;

use super::{
    super::filter::{
        DateTimeRange, IDFilter, IntRange, OrderDirection, StringFilter, ordering, tree,
    },
    CheckMode,
};
use crate::domain::{
    filter::EnumFilter,
    page::{OrderKey, Ordering},
    project as projects,
};

/// Which projects a list holds. Parts that are given all have to match.
#[derive(Default, InputObject)]
pub struct ProjectFilter {
    /// By id.
    id: Option<IDFilter>,
    /// By title.
    title: Option<StringFilter>,
    /// By how much is checked against the labelling config.
    check_mode: Option<CheckModeFilter>,
    /// By who created them, of the users that you see.
    created_by_id: Option<IDFilter>,
    /// By when they were created.
    created_at: Option<DateTimeRange>,
    /// By when title, description, config or check mode last changed.
    updated_at: Option<DateTimeRange>,
    /// By version.
    version: Option<IntRange>,
    /// All of these match, too. An empty list says nothing.
    and: Option<Vec<ProjectFilter>>,
    /// One of these matches, at least. Of an empty list none does, so nothing is found.
    or: Option<Vec<ProjectFilter>>,
    /// This does not match. What has no value does not match a bound or an id, so it is found here.
    not: Option<Box<ProjectFilter>>,
}

impl From<ProjectFilter> for projects::Filter {
    fn from(input: ProjectFilter) -> Self {
        let leaves = projects::Leaves {
            id: input.id.map(Into::into),
            title: input.title.map(Into::into),
            check_mode: input.check_mode.map(Into::into),
            created_by_id: input.created_by_id.map(Into::into),
            created_at: input.created_at.map(Into::into),
            updated_at: input.updated_at.map(Into::into),
            version: input.version.map(Into::into),
        };
        tree(leaves, input.and, input.or, input.not)
    }
}

/// Matches a check mode. Parts that are given all have to match.
#[derive(InputObject)]
pub struct CheckModeFilter {
    /// Exactly this mode.
    eq: Option<CheckMode>,
    /// One of these modes.
    r#in: Option<Vec<CheckMode>>,
}

impl From<CheckModeFilter> for EnumFilter<project::CheckMode> {
    fn from(input: CheckModeFilter) -> Self {
        let modes = |modes: Vec<CheckMode>| modes.into_iter().map(Into::into).collect();
        Self {
            eq: input.eq.map(Into::into),
            is_in: input.r#in.map(modes),
        }
    }
}

/// What projects can be ordered by. Ties are broken by id.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum ProjectOrderField {
    /// In the order in which they came to be here.
    Id,
    /// By when they were created.
    CreatedAt,
    /// By when title, description, config or check mode last changed.
    UpdatedAt,
}

/// The order of a list of projects.
#[derive(InputObject)]
pub struct ProjectOrder {
    /// What to order by.
    field: ProjectOrderField,
    /// Which way.
    direction: OrderDirection,
}

impl ProjectOrder {
    pub fn ordering(order: Option<Self>) -> Ordering {
        ordering(order.map(|order| {
            let key = match order.field {
                ProjectOrderField::Id => OrderKey::Id,
                ProjectOrderField::CreatedAt => OrderKey::CreatedAt,
                ProjectOrderField::UpdatedAt => OrderKey::UpdatedAt,
            };
            (key, order.direction)
        }))
    }
}
