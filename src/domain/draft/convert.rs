//! Mutation `convertAnnotationToDraft`: deletes an annotation and keeps its result as a draft.

use entity::annotation_draft;

use crate::{
    app::App,
    domain::{
        access::Actor,
        annotation::{Command, run_one},
    },
    error::Result,
};

/// Deletes an annotation, as [`delete`](crate::domain::annotation::delete) does, and returns a draft of the actor
/// with its result and lead time: a draft of the task, for a new annotation.
///
/// Refused when the actor would lose a draft: the draft of the task that the actor saves to, or a draft of this
/// annotation.
pub async fn convert(
    app: &App,
    actor: &Actor,
    id: i64,
    expected_version: Option<i32>,
) -> Result<annotation_draft::Model> {
    let command = Command::Delete {
        id,
        expected_version,
        into_draft: true,
    };
    let done = run_one(app, actor, command, false).await?;
    Ok(done.draft.expect("a converted annotation leaves a draft"))
}
