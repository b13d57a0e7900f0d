//! Many annotations in one mutation: what clients send, and what became of each item.

use async_graphql::{Enum, ID, InputObject, SimpleObject};
use entity::annotation as row;

use super::{
    super::{
        error::{code, shortened},
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

/// What becomes of a list of items of which some are refused.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "ErrorPolicy")]
pub enum BatchErrorPolicy {
    /// Nothing is written.
    RejectAll,
    /// The others are written, in one transaction.
    RejectFailed,
}

/// A new annotation, and the task that it is about.
#[derive(InputObject)]
pub struct CreateAnnotationItem {
    /// The task to annotate.
    task_id: ID,
    /// The annotation.
    input: CreateAnnotationInput,
}

/// A change, and the annotation that it is about.
#[derive(InputObject)]
pub struct UpdateAnnotationItem {
    /// The annotation's id. One that another item has already is refused as REPEATED.
    id: ID,
    /// What to change.
    input: UpdateAnnotationInput,
}

/// An annotation to delete.
#[derive(InputObject)]
pub struct DeleteAnnotationItem {
    /// The annotation's id. One that another item has already is refused as REPEATED.
    id: ID,
    /// Refuse with CONFLICT unless it is at this version.
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

/// What became of one item. Both fields are null when nothing is wrong with it but it was not written,
/// because another item was refused and `onError` is REJECT_ALL.
#[derive(SimpleObject)]
pub struct CreateAnnotationOutcome {
    /// The new annotation; null when the item was not written.
    annotation: Option<Annotation>,
    /// Why the item was refused; null when it was not.
    error: Option<ItemError>,
}

/// What became of one item. Both fields are null when nothing is wrong with it but it was not written,
/// because another item was refused and `onError` is REJECT_ALL.
#[derive(SimpleObject)]
pub struct UpdateAnnotationOutcome {
    /// The annotation as it is now; null when the item was not written.
    annotation: Option<Annotation>,
    /// Why the item was refused; null when it was not.
    error: Option<ItemError>,
}

/// What became of one item. Both fields are null when nothing is wrong with it but it was not written,
/// because another item was refused and `onError` is REJECT_ALL.
#[derive(SimpleObject)]
pub struct DeleteAnnotationOutcome {
    /// What is left of the annotation; null when the item was not written.
    deleted: Option<DeletedAnnotation>,
    /// Why the item was refused; null when it was not.
    error: Option<ItemError>,
}

/// Why an item was refused: what a mutation of this item alone would tell as its error.
#[derive(SimpleObject)]
pub struct ItemError {
    /// As in `extensions.code` of errors: BAD_USER_INPUT, NOT_FOUND, FORBIDDEN or CONFLICT.
    code: String,
    /// A sentence for a person.
    message: String,
    /// Everything that is wrong with the item, of a BAD_USER_INPUT; else empty.
    problems: Vec<InputProblem>,
    /// Of a CONFLICT, what the item lost against; else null.
    conflict: Option<ItemConflict>,
}

/// One thing that is wrong with an input.
#[derive(SimpleObject)]
pub struct InputProblem {
    /// Where it is: argument, index of the item, and so on inwards; indexes are numbers.
    path: Vec<Json>,
    /// What kind of problem it is, for programs.
    code: String,
    /// A sentence for a person.
    message: String,
}

/// A lost race for one annotation.
#[derive(SimpleObject)]
pub struct ItemConflict {
    /// The version that the annotation is at.
    current_version: i32,
    /// Fields of the refused change that others changed since `expectedVersion`.
    clashing_fields: Vec<String>,
    /// Ids of the regions that both the refused change and others touched since.
    clashing_regions: Vec<ID>,
    /// The annotation's own fields as they are now, references by id.
    current: JsonObject,
}

impl From<Result<Option<row::Model>>> for CreateAnnotationOutcome {
    fn from(outcome: Result<Option<row::Model>>) -> Self {
        let (row, error) = parts(outcome);
        Self {
            annotation: row.map(Annotation::from),
            error,
        }
    }
}

impl From<Result<Option<row::Model>>> for UpdateAnnotationOutcome {
    fn from(outcome: Result<Option<row::Model>>) -> Self {
        let (row, error) = parts(outcome);
        Self {
            annotation: row.map(Annotation::from),
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

/// What became of each item, in the order of the items.
pub fn told<T, O: From<Result<Option<T>>>>(outcomes: Result<Outcomes<T>>) -> Result<Vec<O>> {
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
        let (code, message) = (code(&error).to_owned(), shortened(error.to_string()));
        let (problems, conflict) = match error {
            Error::BadInput(problems) => (problems, None),
            Error::Conflict(conflict) => (Vec::new(), Some(conflict)),
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
