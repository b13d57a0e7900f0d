//! Mutation `submitDraft`: turns a draft into an annotation, or into a change of an annotation.

use entity::annotation;

use super::find_visible;
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
    // Reads the draft without a lock, for the rows to lock; its content is read again under the task's lock.
    let draft = find_visible(app.db.reader(), actor, id).await?;
    access::require(
        access::may_submit(actor, &draft),
        "you may submit only drafts of your own",
    )?;
    let command = Command::Submit {
        draft: DraftKey {
            id,
            task_id: draft.task_id,
            annotation_id: draft.annotation_id,
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
