//! Filter of a list of annotations.

use entity::{
    annotation::{Action, Column},
    prediction,
};
use label_studio::region::Kind;
use sea_orm::{
    ColumnTrait, Condition, DbBackend,
    sea_query::{Expr, ExprTrait},
};
use serde::{Serialize, Serializer};

use super::index::{self, TermLookup, TermSet};
use crate::{
    domain::{
        access::{self, Actor},
        filter::{
            self, AnswerFilter, DateTimeRange, EnumFilter, FloatRange, IdFilter, IntRange, Tree,
            among, of_seen,
        },
        page::or_less,
    },
    error::{Path, Problem},
};

/// Filter of a list of annotations.
pub type Filter = Tree<Leaves>;

/// Conditions on an annotation; each condition that is given has to match.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Leaves {
    pub id: Option<IdFilter>,
    #[serde(serialize_with = "filter::printed")]
    pub unique_id: Option<EnumFilter<uuid::Uuid>>,
    pub task_id: Option<IdFilter>,
    pub project_id: Option<IdFilter>,
    pub completed_by_id: Option<IdFilter>,
    pub updated_by_id: Option<IdFilter>,
    pub was_cancelled: Option<bool>,
    pub ground_truth: Option<bool>,
    #[serde(serialize_with = "filter::stored")]
    pub last_action: Option<EnumFilter<Action>>,
    pub created_at: Option<DateTimeRange>,
    pub updated_at: Option<DateTimeRange>,
    pub lead_time: Option<FloatRange>,
    pub import_id: Option<IdFilter>,
    /// Label of any region.
    pub has_label: Option<EnumFilter<String>>,
    /// Type of any region.
    #[serde(serialize_with = "by_number")]
    pub has_region_type: Option<EnumFilter<Kind>>,
    pub region_count: Option<IntRange>,
    pub last_created_by_id: Option<IdFilter>,
    pub draft_created_at: Option<DateTimeRange>,
    pub parent_prediction_id: Option<IdFilter>,
    pub parent_annotation_id: Option<IdFilter>,
    pub version: Option<IntRange>,
    /// Answer to a control.
    pub has_answer: Option<AnswerFilter>,
}

impl filter::Leaves for Leaves {
    fn values(&self) -> usize {
        let ids = [
            &self.id,
            &self.task_id,
            &self.project_id,
            &self.completed_by_id,
            &self.updated_by_id,
            &self.import_id,
            &self.last_created_by_id,
            &self.parent_prediction_id,
            &self.parent_annotation_id,
        ];
        let ranges = [&self.created_at, &self.updated_at, &self.draft_created_at];
        ids.into_iter()
            .flatten()
            .map(IdFilter::values)
            .sum::<usize>()
            + ranges
                .into_iter()
                .flatten()
                .map(DateTimeRange::values)
                .sum::<usize>()
            + self.unique_id.as_ref().map_or(0, EnumFilter::values)
            + self.last_action.as_ref().map_or(0, EnumFilter::values)
            + self.lead_time.as_ref().map_or(0, FloatRange::values)
            + self.has_label.as_ref().map_or(0, EnumFilter::values)
            + self.has_region_type.as_ref().map_or(0, EnumFilter::values)
            + self.region_count.as_ref().map_or(0, IntRange::values)
            + self.version.as_ref().map_or(0, IntRange::values)
            + self.has_answer.as_ref().map_or(0, AnswerFilter::values)
    }

    fn check(&self, path: &Path, problems: &mut Vec<Problem>) {
        if let Some(answers) = &self.has_answer {
            let path: Path = path.iter().cloned().chain(["hasAnswer".into()]).collect();
            answers.check(&path, problems);
        }
    }
}

impl Leaves {
    pub(super) fn condition(&self, actor: &Actor, lookup: TermLookup) -> Condition {
        let id =
            |ids: &Option<IdFilter>, column: Column| ids.as_ref().map(|ids| ids.condition(column));
        let person = |ids: &Option<IdFilter>, column: Column| {
            ids.as_ref().map(|ids| of_seen(actor, ids, column))
        };
        let instant = |range: &Option<DateTimeRange>, column: Column| {
            range.as_ref().map(|range| range.condition(column))
        };
        let flag = |is: Option<bool>, column: Column| is.map(|is| is_set(column, is));
        Condition::all()
            .add_option(id(&self.id, Column::Id))
            .add_option(
                self.unique_id
                    .as_ref()
                    .map(|ids| ids.condition(Column::UniqueId)),
            )
            .add_option(id(&self.task_id, Column::TaskId))
            .add_option(id(&self.project_id, Column::ProjectId))
            .add_option(person(&self.completed_by_id, Column::CompletedById))
            .add_option(person(&self.updated_by_id, Column::UpdatedById))
            .add_option(flag(self.was_cancelled, Column::WasCancelled))
            .add_option(flag(self.ground_truth, Column::GroundTruth))
            .add_option(
                self.last_action
                    .as_ref()
                    .map(|actions| actions.condition(Column::LastAction)),
            )
            .add_option(instant(&self.created_at, Column::CreatedAt))
            .add_option(instant(&self.updated_at, Column::UpdatedAt))
            .add_option(self.lead_time.as_ref().map(lead_time_within))
            .add_option(id(&self.import_id, Column::ImportId))
            .add_option(
                self.has_label
                    .as_ref()
                    .and_then(|labels| index::has_label(labels, lookup)),
            )
            .add_option(
                self.has_region_type
                    .as_ref()
                    .and_then(|kinds| index::has_kind(kinds, lookup)),
            )
            .add_option(
                self.region_count
                    .as_ref()
                    .map(|range| range.condition(Column::RegionCount)),
            )
            .add_option(person(&self.last_created_by_id, Column::LastCreatedById))
            .add_option(instant(&self.draft_created_at, Column::DraftCreatedAt))
            .add_option(self.parents(actor))
            .add_option(
                self.version
                    .as_ref()
                    .map(|range| range.condition(Column::Version)),
            )
            .add_option(
                self.has_answer
                    .as_ref()
                    .and_then(|answers| index::has_answer(answers, lookup)),
            )
    }

    /// Lists the terms of each leaf with an entry in the index, the leaf that matches the fewest annotations first as
    /// a rule.
    pub(super) fn term_sets(&self) -> impl Iterator<Item = TermSet> {
        let answers = self.has_answer.as_ref().and_then(TermSet::of_answers);
        let labels = self.has_label.as_ref().and_then(TermSet::of_labels);
        let kinds = self.has_region_type.as_ref().and_then(TermSet::of_kinds);
        answers.into_iter().chain(labels).chain(kinds)
    }

    /// Matches parents that the actor sees, like people: a count must not reveal invisible parents.
    fn parents(&self, actor: &Actor) -> Option<Condition> {
        let prediction = self.parent_prediction_id.as_ref().map(|ids| {
            let seen = access::visible_predictions(actor);
            let id = prediction::Column::Id;
            among(actor, ids, Column::ParentPredictionId, seen, id)
        });
        let annotation = self.parent_annotation_id.as_ref().map(|ids| {
            let seen = access::visible_annotations(actor);
            among(actor, ids, Column::ParentAnnotationId, seen, Column::Id)
        });
        let parents = prediction.into_iter().chain(annotation);
        parents.fold(None, |all: Option<Condition>, parent| {
            Some(all.unwrap_or_else(Condition::all).add(parent))
        })
    }

    /// Says whether a separate index leads to few annotations, in any project.
    pub(super) fn are_selective(&self) -> bool {
        self.unique_id.is_some()
            || [
                &self.id,
                &self.task_id,
                &self.completed_by_id,
                &self.import_id,
                &self.parent_prediction_id,
                &self.parent_annotation_id,
            ]
            .into_iter()
            .any(Option::is_some)
    }

    /// Counts the leaves whose matches may be any share of the annotations, from none to all.
    pub(super) fn labels_and_answers(&self) -> usize {
        let answers = self.has_answer.as_ref();
        usize::from(self.has_label.is_some())
            + usize::from(answers.is_some_and(AnswerFilter::names_answers))
    }

    /// Says whether a separate index may lead to fewer annotations than a term. The database then compares both:
    /// PostgreSQL by its statistics. SQLite has none; there a range may leave few annotations of a large project,
    /// whereas flags are checked faster than collected.
    pub(super) fn compete_with_terms(&self, backend: DbBackend) -> bool {
        let has_range =
            self.created_at.is_some() || self.updated_at.is_some() || self.region_count.is_some();
        let has_flag = self.was_cancelled == Some(true) || self.ground_truth == Some(true);
        match backend {
            DbBackend::Sqlite => has_range,
            _ => has_range || has_flag,
        }
    }

    /// Says whether an index applies that begins with the project.
    pub(super) fn use_project_index(&self) -> bool {
        // Indexes on flags hold set flags alone, so that `false` is no use to the planner.
        self.was_cancelled == Some(true)
            || self.ground_truth == Some(true)
            || self.updated_at.is_some()
            || self.region_count.is_some()
            || self.has_label.is_some()
            || self.has_region_type.is_some()
            || self
                .has_answer
                .as_ref()
                .is_some_and(AnswerFilter::names_answers)
    }
}

/// Serialises kinds by their stored numbers.
fn by_number<S: Serializer>(
    filter: &Option<EnumFilter<Kind>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let filter = filter.as_ref();
    filter
        .map(|filter| filter.map(|kind| *kind as i32))
        .serialize(serializer)
}

/// Writes the flag without a parameter, so that the partial index on set flags applies:
/// <https://www.sqlite.org/partialindex.html>
fn is_set(column: Column, is: bool) -> Expr {
    let set = Expr::col(column.as_column_ref());
    if is { set } else { set.not() }
}

/// Compares absent lead times as -1, as the order by lead time does.
fn lead_time_within(range: &FloatRange) -> Condition {
    let seconds = or_less(Column::LeadTime);
    let within = range.holds_of(&seconds);
    match range.values() {
        0 => within,
        // An absent lead time matches no range.
        _ => within.add(seconds.gte(0)),
    }
}
