//! Which annotations a list holds, and in which order.

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

/// Which annotations a list holds. Parts that are given all have to match.
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
    /// Skipped ones, or those that are not.
    was_cancelled: Option<bool>,
    /// Ground truths, or those that are not.
    ground_truth: Option<bool>,
    /// By what the newest change did.
    last_action: Option<AnnotationActionFilter>,
    /// By when they were created.
    created_at: Option<DateTimeRange>,
    /// By when they last changed.
    updated_at: Option<DateTimeRange>,
    /// By how long they took, in seconds.
    lead_time: Option<FloatRange>,
    /// By their id in the system they were imported from.
    import_id: Option<IDFilter>,
    /// By the labels of their regions, as `regions(labels:)` reads them: some label of some region matches.
    has_label: Option<LabelFilter>,
    /// By the types of their regions, as `regions(types:)` reads them: some region's type matches.
    has_region_type: Option<RegionTypeFilter>,
    /// By how many items `result` has.
    region_count: Option<IntRange>,
    /// By what they answer to a control: some answer matches.
    has_answer: Option<AnswerFilter>,
    /// By the author of the newest item of their history, of the users that you see.
    last_created_by_id: Option<IDFilter>,
    /// By when the draft was created that was last submitted to them.
    draft_created_at: Option<DateTimeRange>,
    /// By parent prediction, among the predictions that you see.
    parent_prediction_id: Option<IDFilter>,
    /// By parent annotation, among the annotations that you see.
    parent_annotation_id: Option<IDFilter>,
    /// By version.
    version: Option<IntRange>,
    /// All of these match, too. An empty list says nothing.
    and: Option<Vec<AnnotationFilter>>,
    /// One of these matches, at least. Of an empty list none does, so nothing is found.
    or: Option<Vec<AnnotationFilter>>,
    /// This does not match. What has no value does not match a bound or an id, so it is found here.
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
        tree(leaves, input.and, input.or, input.not)
    }
}

/// Matches what the newest change did. Parts that are given all have to match.
#[derive(InputObject)]
pub struct AnnotationActionFilter {
    /// Exactly this.
    eq: Option<AnnotationAction>,
    /// One of these.
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

/// Matches a label, to the letter. Parts that are given all have to match, the same label.
#[derive(InputObject)]
pub struct LabelFilter {
    /// Exactly this label.
    eq: Option<String>,
    /// One of these labels.
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

/// Matches an answer to a control: of Choices, Taxonomy, TextArea, Number, Rating and DateTime, of the whole task
/// or of a region. Parts that are given all have to match, the same answer; without any, whatever was answered.
///
/// The first 10,000 different answers of an annotation are looked at. A name or text of more than 10,000 characters
/// is TOO_LONG.
#[derive(InputObject)]
pub struct AnswerFilter {
    /// Name of the control: `from_name` of its regions.
    from_name: String,
    /// Exactly this answer.
    eq: Option<AnswerValue>,
    /// One of these answers.
    r#in: Option<Vec<AnswerValue>>,
    /// This text somewhere in a text that was answered, or in a level of a path, without regard to case like
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

/// Matches the type of a region. Parts that are given all have to match, the same type.
#[derive(InputObject)]
pub struct RegionTypeFilter {
    /// Exactly this type.
    eq: Option<RegionType>,
    /// One of these types.
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

/// What annotations can be ordered by. Ties are broken by id.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum AnnotationOrderField {
    /// In the order in which they came to be here.
    Id,
    /// By when they were created.
    CreatedAt,
    /// By when they last changed.
    UpdatedAt,
    /// By how long they took. Those of which that is not known are less than all others: the first of an
    /// ascending list, the last of a descending one.
    LeadTime,
}

/// The order of a list of annotations.
#[derive(InputObject)]
pub struct AnnotationOrder {
    /// What to order by.
    field: AnnotationOrderField,
    /// Which way.
    direction: OrderDirection,
}

impl AnnotationOrder {
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
