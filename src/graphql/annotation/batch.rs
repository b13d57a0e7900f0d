//! Batch mutations of annotations: input items, and an outcome per item (`docs/decisions/0017-many-at-once.md`).

use async_graphql::{Enum, ID, InputObject, SimpleObject};
use entity::annotation as row;

use super::{
    super::{
        error::{code, shortened},
        list::List,
        scalar::{Json, JsonObject},
    },
    Annotation,
    input::{CreateAnnotationInput, UpdateAnnotationInput},
    mutation::DeletedAnnotation,
};
use crate::{
    domain::annotation::{
        self,
        batch::{ErrorPolicy, Outcomes},
    },
    error::{Conflict, Error, Problem, Result, Segment},
    id,
};

/// Handling of the valid items when the server refuses an item.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "ErrorPolicy")]
pub enum BatchErrorPolicy {
    /// Nothing is written.
    RejectAll,
    /// The valid items are written, in one transaction.
    RejectFailed,
}

/// A new annotation and its task.
#[derive(InputObject)]
pub struct CreateAnnotationItem {
    /// The task to annotate.
    task_id: ID,
    /// The annotation.
    input: CreateAnnotationInput,
}

/// A change and its annotation.
#[derive(InputObject)]
pub struct UpdateAnnotationItem {
    /// The annotation's id. A second item with the same id is refused as REPEATED.
    id: ID,
    /// The change.
    input: UpdateAnnotationInput,
}

/// An annotation to delete.
#[derive(InputObject)]
pub struct DeleteAnnotationItem {
    /// The annotation's id. A second item with the same id is refused as REPEATED.
    id: ID,
    /// Refuse with CONFLICT unless the annotation is at this version.
    expected_version: Option<i32>,
}

impl From<CreateAnnotationItem> for (i64, annotation::New) {
    fn from(item: CreateAnnotationItem) -> Self {
        (id::reference(&item.task_id), item.input.into())
    }
}

impl From<UpdateAnnotationItem> for (i64, annotation::Change) {
    fn from(item: UpdateAnnotationItem) -> Self {
        (id::reference(&item.id), item.input.into())
    }
}

impl From<DeleteAnnotationItem> for (i64, Option<i32>) {
    fn from(item: DeleteAnnotationItem) -> Self {
        (id::reference(&item.id), item.expected_version)
    }
}

/// Outcome of an item. Both fields are null when the item is valid but was not written, because a
/// different item was refused and `onError` is REJECT_ALL.
#[derive(SimpleObject)]
pub struct CreateAnnotationOutcome {
    /// The new annotation; null when the item was not written.
    annotation: Option<Annotation>,
    /// Reason of the refusal; null when the item was not refused.
    error: Option<ItemError>,
}

/// Outcome of an item. Both fields are null when the item is valid but was not written, because a
/// different item was refused and `onError` is REJECT_ALL.
#[derive(SimpleObject)]
pub struct UpdateAnnotationOutcome {
    /// The annotation after the change; null when the item was not written.
    annotation: Option<Annotation>,
    /// Reason of the refusal; null when the item was not refused.
    error: Option<ItemError>,
}

/// Outcome of an item. Both fields are null when the item is valid but was not written, because a
/// different item was refused and `onError` is REJECT_ALL.
#[derive(SimpleObject)]
pub struct DeleteAnnotationOutcome {
    /// Ids of the deleted annotation; null when the item was not written.
    deleted: Option<DeletedAnnotation>,
    /// Reason of the refusal; null when the item was not refused.
    error: Option<ItemError>,
}

/// Reason of a refusal: the error that a mutation of this item alone would have.
#[derive(SimpleObject)]
pub struct ItemError {
    /// As in `extensions.code` of errors: BAD_USER_INPUT, NOT_FOUND, FORBIDDEN or CONFLICT.
    code: String,
    /// A sentence for a person.
    message: String,
    /// Everything that is wrong with the item, of a BAD_USER_INPUT; else empty.
    problems: Vec<InputProblem>,
    /// The newer state, for a CONFLICT; else null.
    conflict: Option<ItemConflict>,
}

/// A single fault of an input.
#[derive(SimpleObject)]
pub struct InputProblem {
    /// Place of the fault: argument, index of the item, and so on inwards; indexes are numbers.
    path: Vec<Json>,
    /// Kind of the fault, for programs.
    code: String,
    /// A sentence for a person.
    message: String,
}

/// Current state of an annotation that has moved on since `expectedVersion`.
#[derive(SimpleObject)]
pub struct ItemConflict {
    /// The annotation's current version.
    current_version: i32,
    /// Fields of the refused change that other people changed since `expectedVersion`.
    clashing_fields: Vec<String>,
    /// Ids of the regions that both the refused change and other people touched since `expectedVersion`.
    clashing_regions: Vec<ID>,
    /// The annotation's own fields in their current state, references by id.
    current: JsonObject,
}

impl From<Result<Option<row::Model>>> for CreateAnnotationOutcome {
    fn from(outcome: Result<Option<row::Model>>) -> Self {
        let (row, error) = parts(outcome);
        Self {
            annotation: row.map(Annotation::without_result),
            error,
        }
    }
}

impl From<Result<Option<row::Model>>> for UpdateAnnotationOutcome {
    fn from(outcome: Result<Option<row::Model>>) -> Self {
        let (row, error) = parts(outcome);
        Self {
            annotation: row.map(Annotation::without_result),
            error,
        }
    }
}

impl From<Result<Option<annotation::Deleted>>> for DeleteAnnotationOutcome {
    fn from(outcome: Result<Option<annotation::Deleted>>) -> Self {
        let (deleted, error) = parts(outcome);
        Self {
            deleted: deleted.map(Into::into),
            error,
        }
    }
}

/// Converts the outcome of each item, in the order of the items.
pub fn told<T, O: From<Result<Option<T>>>>(outcomes: Result<Outcomes<T>>) -> Result<List<O>> {
    // An error of the whole batch, such as too many items, fails the field; errors of items are data.
    Ok(outcomes?.into_iter().map(O::from).collect())
}

fn parts<T>(outcome: Result<Option<T>>) -> (Option<T>, Option<ItemError>) {
    match outcome {
        Ok(row) => (row, None),
        Err(error) => (None, Some(error.into())),
    }
}

impl From<Error> for ItemError {
    fn from(error: Error) -> Self {
        // The same codes and limits of length as in the answer's `errors`.
        let (code, message) = (code(&error).to_owned(), shortened(error.to_string()));
        let (problems, conflict) = match error {
            Error::BadInput(problems) => (problems, None),
            Error::Conflict(conflict) => (Vec::new(), Some(conflict)),
            // Other errors carry no structure beyond code and message.
            _ => (Vec::new(), None),
        };
        Self {
            code,
            message,
            problems: problems.into_iter().map(Into::into).collect(),
            conflict: conflict.map(|conflict| (*conflict).into()),
        }
    }
}

impl From<Problem> for InputProblem {
    fn from(problem: Problem) -> Self {
        let segment = |segment: Segment| match segment {
            Segment::Index(index) => Json(index.to_string()),
            // Shortens keys, which a client may have made arbitrarily long.
            Segment::Key(key) => Json(serde_json::Value::from(shortened(key)).to_string()),
        };
        Self {
            path: problem.path.into_iter().map(segment).collect(),
            code: problem.code.to_string(),
            message: problem.message,
        }
    }
}

impl From<Conflict> for ItemConflict {
    fn from(conflict: Conflict) -> Self {
        let ids = conflict.clashing_regions.into_iter();
        Self {
            current_version: conflict.current_version,
            clashing_fields: conflict.clashing_fields,
            clashing_regions: ids.map(ID::from).collect(),
            current: JsonObject(conflict.current),
        }
    }
}
