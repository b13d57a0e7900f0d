//! Inputs for the filter and order of annotations.

use async_graphql::{Enum, InputObject};
use label_studio::region::Kind;

use super::{
    super::{
        filter::{
            DateTimeRange, FloatRange, IDFilter, IntRange, OrderDirection, UUIDFilter, ordering,
            tree,
        },
        region::RegionType,
        scalar::AnswerValue,
    },
    AnnotationAction,
};
use crate::domain::{
    annotation::{self, OrderKey},
    filter::{self, EnumFilter},
    page::Ordering,
};

/// Condition on the annotations of a list. Every given part has to match.
#[derive(Default, InputObject)]
pub struct AnnotationFilter {
    /// By id.
    id: Option<IDFilter>,
    /// By unique id.
    unique_id: Option<UUIDFilter>,
    /// By task.
    task_id: Option<IDFilter>,
    /// By project.
    project_id: Option<IDFilter>,
    /// By author.
    completed_by_id: Option<IDFilter>,
    /// By last updater.
    updated_by_id: Option<IDFilter>,
    /// Skipped annotations, or all except skipped annotations.
    was_cancelled: Option<bool>,
    /// Ground truths, or all except ground truths.
    ground_truth: Option<bool>,
    /// By kind of the newest change.
    last_action: Option<AnnotationActionFilter>,
    /// By time of creation.
    created_at: Option<DateTimeRange>,
    /// By time of the last change.
    updated_at: Option<DateTimeRange>,
    /// By working time in seconds.
    lead_time: Option<FloatRange>,
    /// By id in the system of the import.
    import_id: Option<IDFilter>,
    /// By labels of regions, as `regions(labels:)` reads labels: any label of any region matches.
    has_label: Option<LabelFilter>,
    /// By types of regions, as `regions(types:)` reads types: any region's type matches.
    has_region_type: Option<RegionTypeFilter>,
    /// By number of items of `result`.
    region_count: Option<IntRange>,
    /// By answers to a control: any answer matches.
    has_answer: Option<AnswerFilter>,
    /// By author of the newest history item, among the users that you see.
    last_created_by_id: Option<IDFilter>,
    /// By creation time of the draft that was last submitted.
    draft_created_at: Option<DateTimeRange>,
    /// By parent prediction, among the predictions that you see.
    parent_prediction_id: Option<IDFilter>,
    /// By parent annotation, among the annotations that you see.
    parent_annotation_id: Option<IDFilter>,
    /// By version.
    version: Option<IntRange>,
    /// All filters of the list match, too. An empty list adds no condition.
    and: Option<Vec<AnnotationFilter>>,
    /// At least one filter of the list matches. An empty list matches nothing.
    or: Option<Vec<AnnotationFilter>>,
    /// The filter does not match. A missing value matches no bound and no id, so `not` finds the row.
    not: Option<Box<AnnotationFilter>>,
}

impl From<AnnotationFilter> for annotation::Filter {
    fn from(input: AnnotationFilter) -> Self {
        let leaves = annotation::Leaves {
            id: input.id.map(Into::into),
            unique_id: input.unique_id.map(Into::into),
            task_id: input.task_id.map(Into::into),
            project_id: input.project_id.map(Into::into),
            completed_by_id: input.completed_by_id.map(Into::into),
            updated_by_id: input.updated_by_id.map(Into::into),
            was_cancelled: input.was_cancelled,
            ground_truth: input.ground_truth,
            last_action: input.last_action.map(Into::into),
            created_at: input.created_at.map(Into::into),
            updated_at: input.updated_at.map(Into::into),
            lead_time: input.lead_time.map(Into::into),
            import_id: input.import_id.map(Into::into),
            has_label: input.has_label.map(Into::into),
            has_region_type: input.has_region_type.map(Into::into),
            region_count: input.region_count.map(Into::into),
            has_answer: input.has_answer.map(Into::into),
            last_created_by_id: input.last_created_by_id.map(Into::into),
            draft_created_at: input.draft_created_at.map(Into::into),
            parent_prediction_id: input.parent_prediction_id.map(Into::into),
            parent_annotation_id: input.parent_annotation_id.map(Into::into),
            version: input.version.map(Into::into),
        };
        // Inner filters convert recursively; `endpoint` has bounded their depth already.
        tree(leaves, input.and, input.or, input.not)
    }
}

/// Condition on the kind of the newest change. Every given part has to match.
#[derive(InputObject)]
pub struct AnnotationActionFilter {
    /// Equal to this value.
    eq: Option<AnnotationAction>,
    /// Equal to a value of the list.
    r#in: Option<Vec<AnnotationAction>>,
}

impl From<AnnotationActionFilter> for EnumFilter<entity::annotation::Action> {
    fn from(input: AnnotationActionFilter) -> Self {
        Self {
            eq: input.eq.map(Into::into),
            is_in: input
                .r#in
                .map(|list| list.into_iter().map(Into::into).collect()),
        }
    }
}

/// Condition on a label, to the letter. Every given part has to match, for the same label.
#[derive(InputObject)]
pub struct LabelFilter {
    /// Equal to this label.
    eq: Option<String>,
    /// Equal to a label of the list.
    r#in: Option<Vec<String>>,
}

impl From<LabelFilter> for EnumFilter<String> {
    fn from(input: LabelFilter) -> Self {
        Self {
            eq: input.eq,
            is_in: input.r#in,
        }
    }
}

/// Condition on an answer to a control: Choices, Taxonomy, TextArea, Number, Rating or DateTime, about
/// the whole task or a region. Every given part has to match, for the same answer; without any part,
/// every answer to the control matches.
///
/// The search covers the first 10,000 different answers of an annotation. A name or text of more than
/// 10,000 characters is TOO_LONG.
#[derive(InputObject)]
pub struct AnswerFilter {
    /// Name of the control: `from_name` of the regions.
    from_name: String,
    /// Equal to this answer.
    eq: Option<AnswerValue>,
    /// Equal to an answer of the list.
    r#in: Option<Vec<AnswerValue>>,
    /// This text is part of an answered text, or of a level of a path, without regard to case like
    /// StringFilter's. Numbers have no parts. At most 1,000 characters, else TOO_LONG.
    contains: Option<String>,
}

impl From<AnswerFilter> for filter::AnswerFilter {
    fn from(input: AnswerFilter) -> Self {
        let answers = |values: Vec<AnswerValue>| values.into_iter().map(|value| value.0).collect();
        Self {
            from_name: input.from_name,
            eq: input.eq.map(|value| value.0),
            is_in: input.r#in.map(answers),
            contains: input.contains,
        }
    }
}

/// Condition on the type of a region. Every given part has to match, for the same type.
#[derive(InputObject)]
pub struct RegionTypeFilter {
    /// Equal to this type.
    eq: Option<RegionType>,
    /// Equal to a type of the list.
    r#in: Option<Vec<RegionType>>,
}

impl From<RegionTypeFilter> for EnumFilter<Kind> {
    fn from(input: RegionTypeFilter) -> Self {
        let kinds = |types: Vec<RegionType>| types.into_iter().map(Into::into).collect();
        Self {
            eq: input.eq.map(Into::into),
            is_in: input.r#in.map(kinds),
        }
    }
}

/// Sort key of annotations. The id breaks ties.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum AnnotationOrderField {
    /// Order of creation on this server.
    Id,
    /// By time of creation.
    CreatedAt,
    /// By time of the last change.
    UpdatedAt,
    /// Working time. Annotations without a measured time sort below all times: first in an ascending list,
    /// last in a descending list.
    LeadTime,
}

/// The order of a list of annotations.
#[derive(InputObject)]
pub struct AnnotationOrder {
    /// Sort key.
    field: AnnotationOrderField,
    /// Direction of the order.
    direction: OrderDirection,
}

impl AnnotationOrder {
    /// Converts the order of the input; ascending by id when absent or null.
    pub fn ordering(order: Option<Self>) -> Ordering<OrderKey> {
        ordering(order.map(|order| {
            let key = match order.field {
                AnnotationOrderField::Id => OrderKey::Id,
                AnnotationOrderField::CreatedAt => OrderKey::CreatedAt,
                AnnotationOrderField::UpdatedAt => OrderKey::UpdatedAt,
                AnnotationOrderField::LeadTime => OrderKey::LeadTime,
            };
            (key, order.direction)
        }))
    }
}
