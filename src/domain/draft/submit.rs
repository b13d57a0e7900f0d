//! Mutation `submitDraft`: turns a draft into an annotation, or into a change of an annotation.

use entity::{annotation, annotation_draft::Column};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

pub use crate::domain::annotation::Submission;
use crate::{
    app::App,
    domain::{
        access::{self, Actor},
        annotation::{Command, DraftKey, run_one},
    },
    error::{Error, Result, Segment},
};

/// Creates an annotation of a draft, or changes the annotation that the draft belongs to. The draft is deleted.
///
/// The draft is deleted even if the annotation holds its content already, so that nothing changes there.
pub async fn submit(
    app: &App,
    actor: &Actor,
    id: i64,
    submission: Submission,
) -> Result<annotation::Model> {
    // Reads keys alone, for the rows to lock: tasks are locked before drafts, and the content is read under the locks.
    let found: Option<(i64, Option<i64>, i64)> = access::visible_drafts(actor)
        .select_only()
        .columns([Column::TaskId, Column::AnnotationId, Column::UserId])
        .filter(Column::Id.eq(id))
        .into_tuple()
        .one(app.db.reader())
        .await?;
    let (task_id, annotation_id, author_id) = found.ok_or(Error::NotFound("draft"))?;
    access::require(
        access::may_submit(actor, author_id),
        "you may submit only drafts of your own",
    )?;
    let command = Command::Submit {
        draft: DraftKey {
            id,
            task_id,
            annotation_id,
        },
        submission,
    };
    let done = run_one(app, actor, command, false).await;
    Ok(done.map_err(at_draft_id)?.annotation)
}

/// Moves problems of result and lead time to the id of the draft, since clients sent neither field.
fn at_draft_id(refusal: Error) -> Error {
    let Error::BadInput(mut problems) = refusal else {
        return refusal;
    };
    let [input, result, lead_time] = ["input", "result", "leadTime"].map(Segment::from);
    for problem in &mut problems {
        if let [first, second, ..] = problem.path.as_mut_slice()
            && *first == input
            && (*second == result || *second == lead_time)
        {
            *first = "id".into();
        }
    }
    Error::BadInput(problems)
}
