//! Difference between two versions of an annotation.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use label_studio::diff;
use tokio::sync::OnceCell;

use super::AnnotationSnapshot;
use crate::{
    app::compute,
    domain::history::snapshot,
    error::{Error, Problem, ProblemCode, Result},
    graphql::{
        context::ContextExt,
        list::List,
        loader::UserId,
        scalar::{Json, JsonObject},
    },
};

/// The fields that compare results.
const REGIONS: &[&[&str]] = &[&["addedRegions"], &["removedRegions"], &["changedRegions"]];

/// Differences between two versions of an annotation.
pub struct AnnotationDiff {
    before: AnnotationSnapshot,
    after: AnnotationSnapshot,
    /// Compared once, whichever fields ask.
    regions: OnceCell<Arc<diff::Diff>>,
}

/// A field with different values in the two versions.
#[derive(SimpleObject)]
pub struct FieldChange {
    /// The field's name.
    field: String,
    /// The value at `from`: a reference as an id. Null for a null value, and for a user whom you may not
    /// see.
    before: Option<Json>,
    /// The value at `to`, in the same form.
    after: Option<Json>,
}

/// A region, or any item of `result`, with different contents in the two versions.
#[derive(SimpleObject)]
pub struct RegionChange {
    /// The region's id. Null for a relation, and for a region without an id.
    region_id: Option<ID>,
    /// The content at `from`.
    before: JsonObject,
    /// The content at `to`.
    after: JsonObject,
}

impl AnnotationDiff {
    /// Between two versions that there were and that the viewer sees.
    pub async fn between(
        ctx: &Context<'_>,
        annotation_id: i64,
        from: i32,
        to: i32,
    ) -> Result<Self> {
        // Charges the results three times: as read, as differences, and as text of the answer.
        let times = 3 * u64::from(ctx.wants(REGIONS));
        let before = AnnotationSnapshot::load(ctx, annotation_id, from, times);
        let after = AnnotationSnapshot::load(ctx, annotation_id, to, times);
        // Reads both sides together, so that the loader batches the two versions.
        let (before, after) = futures_util::try_join!(before, after)?;
        match (before, after) {
            (Some(before), Some(after)) => Ok(Self {
                before,
                after,
                regions: OnceCell::new(),
            }),
            (before, after) => {
                // Reports both arguments at once when both versions are unknown.
                let sides = [("from", before.is_none()), ("to", after.is_none())];
                let unknown = sides.into_iter().filter(|(_, is_unknown)| *is_unknown);
                let problem = |(argument, _)| {
                    let message = "the annotation never had this version, or you may not see it";
                    Problem::new([argument], ProblemCode::UnknownVersion, message)
                };
                Err(Error::BadInput(unknown.map(problem).collect()))
            }
        }
    }

    async fn regions(&self, ctx: &Context<'_>) -> Result<&diff::Diff> {
        // Computes the regions once, although up to three fields need the same comparison.
        let compared = self.regions.get_or_try_init(async || {
            let before = self.before.stored_result(ctx);
            let after = self.after.stored_result(ctx);
            let (before, after) = futures_util::try_join!(before, after)?;
            // Large results are compared on worker threads: the charge moves the operation.
            compute::charge(before.len() + after.len()).await;
            Ok::<_, Error>(Arc::new(diff::diff(&before, &after)))
        });
        Ok(compared.await?)
    }
}

/// Differences between two versions of an annotation.
#[Object]
impl AnnotationDiff {
    /// First version of the comparison, the state before.
    async fn from(&self) -> i32 {
        self.before.snapshot.version
    }

    /// Second version of the comparison, the state after.
    async fn to(&self) -> i32 {
        self.after.snapshot.version
    }

    /// Fields with different values, in alphabetical order: `completedBy`, `groundTruth`, `leadTime`,
    /// `project`, `task`, `updatedBy` and `wasCancelled`. `result` is compared by region.
    async fn fields(&self, ctx: &Context<'_>) -> Result<List<FieldChange>> {
        let (before, after) = (&self.before.snapshot, &self.after.snapshot);
        let ids = [
            before.completed_by_id,
            before.updated_by_id,
            after.completed_by_id,
            after.updated_by_id,
        ];
        let ids = ids.into_iter().flatten().map(UserId);
        let users = ctx.loader().load_many(ids).await?;
        // An author outside the viewer's sight shows as a changed field with null values.
        let visible = users.into_values().filter(|found| found.is_visible);
        let visible = visible.map(|found| found.user.id).collect();
        let json = |value: serde_json::Value| (!value.is_null()).then(|| Json(value.to_string()));
        let changes = snapshot::changed_fields(before, after, &visible).into_iter();
        Ok(changes
            .map(|change| FieldChange {
                field: change.field.to_owned(),
                before: json(change.before),
                after: json(change.after),
            })
            .collect())
    }

    /// Items of `result` that only `to` has, in the order of `to`. Region id and `from_name` identify an
    /// item, both ends identify a relation.
    async fn added_regions(&self, ctx: &Context<'_>) -> Result<Vec<JsonObject>> {
        let diff = self.regions(ctx).await?;
        Ok(diff.added.iter().cloned().map(JsonObject).collect())
    }

    /// Items of `result` that only `from` has, in the order of `from`.
    async fn removed_regions(&self, ctx: &Context<'_>) -> Result<Vec<JsonObject>> {
        let diff = self.regions(ctx).await?;
        Ok(diff.removed.iter().cloned().map(JsonObject).collect())
    }

    /// Items of `result` with different contents, in the order of `to`. A different order is no change, nor
    /// is a different spelling of the same value.
    async fn changed_regions(&self, ctx: &Context<'_>) -> Result<List<RegionChange>> {
        let diff = self.regions(ctx).await?;
        let changed = diff.changed.iter().cloned();
        Ok(changed
            .map(|change| RegionChange {
                region_id: change.id.map(ID::from),
                before: JsonObject(change.before),
                after: JsonObject(change.after),
            })
            .collect())
    }
}
