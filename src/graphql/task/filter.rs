//! Filter and order of lists of tasks.

use async_graphql::{Enum, InputObject};

use crate::{
    domain::{
        page::{OrderKey, Ordering},
        task as tasks,
    },
    graphql::filter::{DateTimeRange, IDFilter, IntRange, OrderDirection, ordering, tree},
};

/// Condition on the tasks of a list. Every given part has to match.
#[derive(Default, InputObject)]
pub struct TaskFilter {
    /// By id.
    id: Option<IDFilter>,
    /// By project.
    project_id: Option<IDFilter>,
    /// Tasks that enough people have annotated, or tasks that need more annotations.
    is_labeled: Option<bool>,
    /// By time of creation.
    created_at: Option<DateTimeRange>,
    /// By time of the last change of the task or of an annotation of the task.
    updated_at: Option<DateTimeRange>,
    /// By user of that change, among the users that you see.
    updated_by_id: Option<IDFilter>,
    /// By id in the system of the import.
    import_id: Option<IDFilter>,
    /// By number of different people who have to annotate the task.
    overlap: Option<IntRange>,
    /// By number of annotations that are not cancelled.
    total_annotations: Option<IntRange>,
    /// By number of cancelled annotations.
    cancelled_annotations: Option<IntRange>,
    /// By number of predictions.
    total_predictions: Option<IntRange>,
    /// By version.
    version: Option<IntRange>,
    /// All filters of the list match, too. An empty list adds no condition.
    and: Option<Vec<TaskFilter>>,
    /// At least one filter of the list matches. An empty list matches nothing.
    or: Option<Vec<TaskFilter>>,
    /// The filter does not match. A missing value matches no bound and no id, so `not` finds the row.
    not: Option<Box<TaskFilter>>,
}

impl From<TaskFilter> for tasks::Filter {
    fn from(input: TaskFilter) -> Self {
        let leaves = tasks::Leaves {
            id: input.id.map(Into::into),
            project_id: input.project_id.map(Into::into),
            is_labeled: input.is_labeled,
            created_at: input.created_at.map(Into::into),
            updated_at: input.updated_at.map(Into::into),
            updated_by_id: input.updated_by_id.map(Into::into),
            import_id: input.import_id.map(Into::into),
            overlap: input.overlap.map(Into::into),
            total_annotations: input.total_annotations.map(Into::into),
            cancelled_annotations: input.cancelled_annotations.map(Into::into),
            total_predictions: input.total_predictions.map(Into::into),
            version: input.version.map(Into::into),
        };
        tree(leaves, input.and, input.or, input.not)
    }
}

/// Sort key of tasks. The id breaks ties.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum TaskOrderField {
    /// Order of creation on this server.
    Id,
    /// By time of creation.
    CreatedAt,
    /// By time of the last change of the task or of an annotation of the task.
    UpdatedAt,
}

/// The order of a list of tasks.
#[derive(InputObject)]
pub struct TaskOrder {
    /// Sort key.
    field: TaskOrderField,
    /// Direction of the order.
    direction: OrderDirection,
}

impl TaskOrder {
    pub(super) fn ordering(order: Option<Self>) -> Ordering {
        ordering(order.map(|order| {
            let key = match order.field {
                TaskOrderField::Id => OrderKey::Id,
                TaskOrderField::CreatedAt => OrderKey::CreatedAt,
                TaskOrderField::UpdatedAt => OrderKey::UpdatedAt,
            };
            (key, order.direction)
        }))
    }
}
