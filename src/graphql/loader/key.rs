//! Keys of the loader: rows by id, and lists by parent.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use crate::domain::{annotation, history::snapshot::ResultRef, page::Page};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub struct $name(pub i64);
        )*
    };
}

ids! {
    UserId,
    /// The actor's own role in a project.
    RoleIn,
    MembersOf,
    ReviewsOf,
    /// The API tokens of a user.
    TokensOf,
    /// Labelling config of the project of a visible row: access is not checked again.
    ConfigOf,
    /// Labelling config of a visible task's project.
    ConfigOfTask,
}

macro_rules! large_ids {
    ($($name:ident),* $(,)?) => {
        $(
            /// Key by id, with the number of times that the answer holds the large columns; with zero these stay
            /// empty.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub struct $name {
                pub id: i64,
                pub times: u64,
            }
        )*
    };
}

large_ids! {
    AnnotationId,
    TaskId,
    ProjectId,
    PredictionId,
    DraftId,
    PredictionsOf,
    DraftsOfTask,
    DraftsOfAnnotation,
    ReplacedOf,
    GroundTruthOf,
}

/// Key of a snapshot's result, with the number of times that the answer holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResultOf {
    pub result: ResultRef,
    pub times: u64,
}

/// Key of a page of a parent's list. Lists with the same question are read together.
#[derive(Clone)]
pub struct PageOf<Q> {
    pub parent: i64,
    pub question: Arc<Question<Q>>,
}

/// Key of the number of rows in a parent's list.
#[derive(Clone)]
pub struct CountOf<Q> {
    pub parent: i64,
    pub question: Arc<Question<Q>>,
}

/// Query and page of a parent's list.
pub struct Question<Q> {
    pub query: Q,
    pub page: Page,
    /// Text that identifies the question.
    pub(super) text: String,
}

impl<Q: std::fmt::Debug> Question<Q> {
    pub fn new(query: Q, page: Page) -> Arc<Self> {
        // Derived `Debug` covers every condition of the query. The text lives no longer than the request.
        let text = format!("{query:?}{page:?}");
        Arc::new(Self { query, page, text })
    }
}

macro_rules! keyed_by_text {
    ($($name:ident),*) => {
        $(
            impl<Q> PartialEq for $name<Q> {
                fn eq(&self, other: &Self) -> bool {
                    self.parent == other.parent && self.question.text == other.question.text
                }
            }

            impl<Q> Eq for $name<Q> {}

            impl<Q> Hash for $name<Q> {
                fn hash<H: Hasher>(&self, state: &mut H) {
                    self.parent.hash(state);
                    self.question.text.hash(state);
                }
            }
        )*
    };
}

keyed_by_text!(PageOf, CountOf);

/// The annotations of tasks or of projects.
#[derive(Clone, Debug)]
pub struct Annotations {
    pub parent: annotation::Parent,
    pub query: annotation::Query,
}

/// The history of annotations.
#[derive(Clone, Debug)]
pub struct History;
