//! Inputs for the filter and order of projects.

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

/// Condition on the projects of a list. Every given part has to match.
#[derive(Default, InputObject)]
pub struct ProjectFilter {
    /// By id.
    id: Option<IDFilter>,
    /// By title.
    title: Option<StringFilter>,
    /// By strictness of the checks.
    check_mode: Option<CheckModeFilter>,
    /// By creator, among the users that you see.
    created_by_id: Option<IDFilter>,
    /// By time of creation.
    created_at: Option<DateTimeRange>,
    /// By time of the last change of title, description, config or check mode.
    updated_at: Option<DateTimeRange>,
    /// By version.
    version: Option<IntRange>,
    /// All filters of the list match, too. An empty list adds no condition.
    and: Option<Vec<ProjectFilter>>,
    /// At least one filter of the list matches. An empty list matches nothing.
    or: Option<Vec<ProjectFilter>>,
    /// The filter does not match. A missing value matches no bound and no id, so `not` finds the row.
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

/// Condition on a check mode. Every given part has to match.
#[derive(InputObject)]
pub struct CheckModeFilter {
    /// Equal to this mode.
    eq: Option<CheckMode>,
    /// Equal to a mode of the list.
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

/// Sort key of projects. The id breaks ties.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum ProjectOrderField {
    /// Order of creation on this server.
    Id,
    /// By time of creation.
    CreatedAt,
    /// By time of the last change of title, description, config or check mode.
    UpdatedAt,
}

/// The order of a list of projects.
#[derive(InputObject)]
pub struct ProjectOrder {
    /// Sort key.
    field: ProjectOrderField,
    /// Direction of the order.
    direction: OrderDirection,
}

impl ProjectOrder {
    /// Converts the order of the input; ascending by id when absent or null.
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
