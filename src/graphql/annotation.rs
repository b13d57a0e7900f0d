//! Annotation type with its fields.

mod action;
mod batch;
mod filter;
mod input;
mod mutation;
mod query;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};
use entity::annotation;
use label_studio::ago::ago;

use super::{
    agreement::{self, AgreementMetric},
    connection::{Connection, arguments, nested},
    context::{At, ContextExt},
    draft::AnnotationDraft,
    history::{AnnotationDiff, AnnotationRevision},
    list::List,
    loader::{AnnotationId, ConfigOf, DraftsOfAnnotation, History, ReviewsOf, RoleIn, UserId},
    prediction::Prediction,
    project::Project,
    region::{self, Region, RegionType},
    review::AnnotationReview,
    scalar::{DateTime, JsonList, Uuid},
    task::Task,
    user::User,
};
use crate::{
    domain::{access, user as users},
    error::{Error, Result},
    instant,
};

pub use self::{
    action::FlagMutation,
    filter::{AnnotationFilter, AnnotationOrder},
    input::{ConflictPolicy, RegionChangesInput},
    mutation::AnnotationMutation,
    query::{AnnotationQuery, list_of},
};

/// A person's answer to a task: a list of regions, with author, times and flags.
#[derive(Clone)]
pub struct Annotation(pub Arc<annotation::Listed>);

impl From<annotation::Model> for Annotation {
    fn from(row: annotation::Model) -> Self {
        row.listed(true).into()
    }
}

impl From<Arc<annotation::Listed>> for Annotation {
    fn from(row: Arc<annotation::Listed>) -> Self {
        Self(row)
    }
}

impl From<annotation::Listed> for Annotation {
    fn from(row: annotation::Listed) -> Self {
        Self(Arc::new(row))
    }
}

/// Kind of the newest change of an annotation: Label Studio's `last_action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "annotation::Action")]
pub enum AnnotationAction {
    /// Created from a prediction.
    Prediction,
    /// Created from an existing annotation.
    PropagatedAnnotation,
    /// Imported from a file.
    Imported,
    /// Created by a person.
    Submitted,
    /// Changed.
    Updated,
    /// Cancelled: the task was skipped.
    Skipped,
    /// Accepted by a reviewer.
    Accepted,
    /// Rejected by a reviewer.
    Rejected,
    /// Corrected and accepted by a reviewer.
    FixedAndAccepted,
    /// A review of the annotation was deleted.
    DeletedReview,
}

/// A person's answer to a task: a list of regions, with author, times and flags.
#[Object]
impl Annotation {
    /// Unique among annotations. A decimal number, as in Label Studio.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Unique everywhere; kept by export and import.
    async fn unique_id(&self) -> Uuid {
        Uuid(self.0.unique_id)
    }

    /// The task that is annotated.
    async fn task(&self, ctx: &Context<'_>) -> Result<Task> {
        Task::known(ctx, self.0.task_id).await
    }

    /// The task's project.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        Project::known(ctx, self.0.project_id).await
    }

    /// The regions, in Label Studio's format and value-faithful: same key order, same number values.
    async fn result(&self, ctx: &Context<'_>) -> Result<JsonList> {
        let row = self.whole(ctx).await?;
        Ok(JsonList::in_row(row, |row| {
            row.result.as_deref().unwrap_or_default()
        }))
    }

    /// The regions of `result`, in the same order, each as its own type. A region has to match every given
    /// argument.
    async fn regions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only regions with an id of the list. An empty list matches nothing.")]
        ids: Option<Vec<ID>>,
        #[graphql(desc = "Only regions with a label of the list. An empty list matches nothing.")]
        labels: Option<Vec<String>>,
        #[graphql(desc = "Only regions with a type of the list. An empty list matches nothing.")]
        types: Option<Vec<RegionType>>,
    ) -> Result<List<Region>> {
        let filter = region::Filter::new(ids, labels, types);
        let config = ctx.loader().load_one(ConfigOf(self.0.project_id)).await?;
        let config = config.unwrap_or_default();
        let row = self.whole(ctx).await?;
        region::of_result(
            ctx,
            row.result.as_deref().unwrap_or_default(),
            &config,
            &filter,
        )
        .await
    }

    /// Items of `result`.
    async fn region_count(&self) -> i32 {
        self.0.region_count
    }

    /// The author. Null after the user's deletion, and while you may not see the user.
    async fn completed_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, self.0.completed_by_id).await
    }

    /// The author's display name, else their username; never an e-mail address. Empty without an author.
    async fn created_username(&self, ctx: &Context<'_>) -> Result<String> {
        // Annotations of deleted users keep no name, and the field is non-null as in Label Studio's API.
        let Some(id) = self.0.completed_by_id else {
            return Ok(String::new());
        };
        // The name is shown even where the author is invisible: names are on the work, whereas `completedBy` follows
        // visibility.
        let person = ctx.loader().load_one(UserId(id)).await?;
        Ok(person.map_or_else(String::new, |person| {
            users::display_name_or_username(&person.user).to_owned()
        }))
    }

    /// Time since the creation, in words: "2 weeks, 3 days". The text of Label Studio's `created_ago`, with
    /// plain spaces.
    async fn created_ago(
        &self,
        #[graphql(desc = "Count up to this instant instead of the present.")] now: Option<DateTime>,
    ) -> String {
        ago(
            self.0.created_at,
            now.map_or_else(instant::now, |now| now.0),
        )
    }

    /// Time of creation.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Time of the last change.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// Time since the last change, in the words of `createdAgo`.
    async fn updated_ago(
        &self,
        #[graphql(desc = "Count up to this instant instead of the present.")] now: Option<DateTime>,
    ) -> String {
        ago(
            self.0.updated_at,
            now.map_or_else(instant::now, |now| now.0),
        )
    }

    /// Creation time of the draft that was last submitted to the annotation. Null without a submitted
    /// draft.
    async fn draft_created_at(&self) -> Option<DateTime> {
        self.0.draft_created_at.map(DateTime)
    }

    /// User of the last change. Null after the user's deletion, and while you may not see the user.
    async fn updated_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, self.0.updated_by_id).await
    }

    /// Author of the newest history item. Null after the user's deletion, and while you may not see the
    /// user.
    async fn last_created_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, self.0.last_created_by_id).await
    }

    /// Action of the newest history item. Null only for rows that another program wrote.
    async fn last_action(&self) -> Option<AnnotationAction> {
        self.0.last_action.map(Into::into)
    }

    /// The task was skipped: the annotation does not count as a finished annotation.
    async fn was_cancelled(&self) -> bool {
        self.0.was_cancelled
    }

    /// The annotation is the task's ground truth. At most one annotation of a task is.
    async fn ground_truth(&self) -> bool {
        self.0.ground_truth
    }

    /// Working time in seconds. Null when not measured.
    async fn lead_time(&self) -> Option<f64> {
        self.0.lead_time
    }

    /// Id in the system of the import. Null when not imported.
    async fn import_id(&self) -> Option<ID> {
        self.0.import_id.map(ID::from)
    }

    /// The prediction that the annotation was copied from. Null without a parent, and after the parent's
    /// deletion.
    async fn parent_prediction(&self, ctx: &Context<'_>) -> Option<Result<Prediction>> {
        let id = self.0.parent_prediction_id?;
        Prediction::load(ctx, id).await.transpose()
    }

    /// The annotation that this annotation was copied from. Null without a parent, and after the parent's
    /// deletion.
    async fn parent_annotation(&self, ctx: &Context<'_>) -> Option<Result<Annotation>> {
        let id = self.0.parent_annotation_id?;
        Annotation::load(ctx, id).await.transpose()
    }

    /// Number of accepted changes, creation included: 1 at first. Send the value as `expectedVersion` to
    /// guard a change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Every accepted change, oldest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first items, 20 unless given, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last items, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Items before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AnnotationRevision>> {
        let arguments = arguments(first, after, last, before);
        nested(ctx, self.0.id, || History, arguments).await
    }

    /// Differences between two versions. BAD_USER_INPUT with UNKNOWN_VERSION for a version that never
    /// existed, or that you may not see.
    async fn diff(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "First version of the comparison.")] from: i32,
        #[graphql(desc = "Second version of the comparison; the current version unless given.")]
        to: Option<i32>,
    ) -> Result<AnnotationDiff> {
        AnnotationDiff::between(ctx, self.0.id, from, to.unwrap_or(self.0.version)).await
    }

    /// Agreement with a second annotation of the same task, cancelled or not. Null when the two hold
    /// nothing that the metric compares.
    ///
    /// BAD_USER_INPUT with UNKNOWN_ID for an annotation that does not exist or that you may not see, and
    /// with TASK_MISMATCH for an annotation of a different task; LIMIT_EXCEEDED when the two hold more than
    /// 32 MiB together or would take too long to compare, or when all pairs of the answer take eight times
    /// as much.
    async fn agreement_with(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the second annotation.")] id: ID,
        #[graphql(
            desc = "Formula of the agreement. Unless given, the mean over the used controls, each by the metric that fits: IOU for areas, SPAN_F1 for spans, EXACT_MATCH for answers."
        )]
        metric: Option<AgreementMetric>,
    ) -> Option<Result<f64>> {
        agreement::of_pair(ctx, self.0.id, &id, metric).await
    }

    /// Unfinished changes of the annotation: yours, and in projects that you manage everybody's.
    async fn drafts(&self, ctx: &Context<'_>) -> Result<List<AnnotationDraft>> {
        let times = ctx.results(At::Object);
        let key = DraftsOfAnnotation {
            id: self.0.id,
            times,
        };
        let rows = ctx.loader().load_one(key).await?.transpose()?;
        let rows = rows.unwrap_or_default();
        ctx.charge_items(rows.len())?;
        Ok(rows.into_iter().map(AnnotationDraft).collect())
    }

    /// Latest verdict of each reviewer, the newest last. Deleted with the annotation: after a restoration,
    /// earlier verdicts are in the history.
    async fn reviews(&self, ctx: &Context<'_>) -> Result<List<AnnotationReview>> {
        let rows = ctx.loader().load_one(ReviewsOf(self.0.id)).await?;
        let rows = rows.unwrap_or_default();
        ctx.charge_items(rows.len())?;
        Ok(rows.into_iter().map(AnnotationReview).collect())
    }

    /// The newest of `reviews`. Null while there is no review.
    async fn latest_review(&self, ctx: &Context<'_>) -> Option<Result<AnnotationReview>> {
        // `reviews` and `latestReview` share a key of the loader, so both fields cost a single read.
        let rows = ctx.loader().load_one(ReviewsOf(self.0.id)).await;
        let newest = rows.map(|rows| rows.unwrap_or_default().pop());
        Some(newest.transpose()?.map(AnnotationReview))
    }

    /// You may change the annotation's result.
    async fn viewer_can_update(&self, ctx: &Context<'_>) -> Result<bool> {
        let role = ctx.loader().load_one(RoleIn(self.0.project_id)).await?;
        Ok(role.is_some_and(|role| access::may_edit_of(ctx.actor(), role, self.0.completed_by_id)))
    }
}

impl Annotation {
    /// Annotation of a batch, whose rows come without `result`.
    pub fn without_result(row: annotation::Model) -> Self {
        row.listed(false).into()
    }

    /// Reads an annotation visible to the viewer, with the result if selected.
    pub async fn load(ctx: &Context<'_>, id: i64) -> Result<Option<Self>> {
        let times = ctx.results(At::Object);
        let row = ctx
            .loader()
            .load_one(AnnotationId { id, times })
            .await?
            .transpose()?;
        Ok(row.map(Self))
    }

    /// Adds the result if selected: the row may have been read without.
    pub async fn with_result(self, ctx: &Context<'_>) -> Result<Option<Self>> {
        match ctx.results(At::Object) {
            // A row without its result was read for an answer that did not select `result`, such as an event.
            1.. if self.0.result.is_none() => Self::load(ctx, self.0.id).await,
            _ => Ok(Some(self)),
        }
    }

    /// Row with `result`, which is read now when the row came without.
    async fn whole(&self, ctx: &Context<'_>) -> Result<Arc<annotation::Listed>> {
        if self.0.result.is_some() {
            return Ok(self.0.clone());
        }
        let (id, times) = (self.0.id, 1);
        let row = ctx
            .loader()
            .load_one(AnnotationId { id, times })
            .await?
            .transpose()?;
        row.ok_or(Error::NotFound("annotation"))
    }
}
