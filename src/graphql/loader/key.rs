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
    /// A user by id, with the visibility to the actor.
    UserId,
    /// The actor's own role in a project.
    RoleIn,
    /// The members of a project.
    MembersOf,
    /// The reviews of an annotation.
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

/// A list below a parent. The same list below several parents is read at once.
#[derive(Debug)]
pub struct ChildList<L> {
    pub parent: i64,
    pub list: Arc<L>,
}

impl<L: PartialEq> PartialEq for ChildList<L> {
    fn eq(&self, other: &Self) -> bool {
        self.parent == other.parent && is_same(&self.list, &other.list)
    }
}

impl<L: Eq> Eq for ChildList<L> {}

/// Hashes the parent alone: an answer has few lists below a parent, and each is compared.
impl<L> Hash for ChildList<L> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parent.hash(state);
    }
}

/// Compares two lists; a list that was prepared once for several parents is equal by its address.
pub fn is_same<L: PartialEq>(one: &Arc<L>, other: &Arc<L>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

impl<L> Clone for ChildList<L> {
    fn clone(&self) -> Self {
        Self {
            parent: self.parent,
            list: self.list.clone(),
        }
    }
}

/// Page of a list below a parent.
pub type PageOf<Q> = ChildList<ListKey<Q>>;
/// Number of rows of a list below a parent.
pub type CountOf<F> = ChildList<CountKey<F>>;

impl<F> CountOf<F> {
    /// Key of the number of rows that match the filter, below the parent.
    pub fn new(parent: i64, filter: F) -> Self {
        let list = Arc::new(CountKey { filter });
        Self { parent, list }
    }
}

/// Filter, order and page of a list.
#[derive(Debug, PartialEq)]
pub struct ListKey<Q> {
    pub page: Page,
    pub query: Q,
}

/// Filter of a list that is counted, whatever its order and page.
#[derive(Debug, PartialEq)]
pub struct CountKey<F> {
    pub filter: F,
}

// Numbers of filters come from JSON and GraphQL, which have no NaN: every value equals itself.
impl<Q: PartialEq> Eq for ListKey<Q> {}
impl<F: PartialEq> Eq for CountKey<F> {}

/// The annotations of tasks or of projects.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotations {
    pub parent: annotation::Parent,
    pub query: annotation::Query,
}

/// The filter of [`Annotations`].
#[derive(Clone, Debug, PartialEq)]
pub struct AnnotationsFilter {
    pub parent: annotation::Parent,
    pub filter: annotation::Filter,
}

/// The history of annotations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History;
