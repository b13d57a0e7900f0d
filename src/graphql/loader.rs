//! The one loader of a request: every row that fields and federation entities ask for, in batches.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use async_graphql::{
    dataloader::{DataLoader, HashMapCache, Loader},
    runtime::{Timer, TokioSpawner},
};
use entity::{
    annotation as annotation_row, annotation_draft, annotation_revision,
    prediction as prediction_row, project as project_row, project_member, task as task_row,
};
use futures_util::future::BoxFuture;

use crate::{
    app::App,
    domain::{
        access::Actor,
        annotation, draft, history,
        page::{Page, Slice},
        prediction, project, task, user,
    },
    error::{Error, Result},
};

pub type Loaders = DataLoader<Batches, HashMapCache>;

/// Loads what one actor may see.
pub struct Batches {
    app: App,
    actor: Actor,
}

/// A loader for one request. Without `remember`, rows are read anew whenever they are asked for.
pub fn new(app: App, actor: Actor, remember: bool) -> Loaders {
    let batches = Batches { app, actor };
    let mut loader = DataLoader::with_cache(
        batches,
        TokioSpawner::current(),
        NextTurn,
        HashMapCache::default(),
    );
    loader = loader.max_batch_size(10_000);
    loader.enable_all_cache(remember);
    loader
}

/// Closes a batch as soon as every resolver that is ready has had its turn. A timer of the clock would
/// cost a millisecond per level.
struct NextTurn;

impl Timer for NextTurn {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::task::yield_now())
    }
}

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
    AnnotationId,
    /// The `result` of an annotation that was listed without it.
    ResultOf,
    TaskId,
    ProjectId,
    PredictionId,
    UserId,
    /// The actor's own role in a project.
    RoleIn,
    MembersOf,
    PredictionsOf,
    DraftsOfTask,
    DraftsOfAnnotation,
    GroundTruthOf,
}

/// One page of a list below a parent. Lists with the same question are read together.
#[derive(Clone)]
pub struct PageOf<Q> {
    pub parent: i64,
    pub question: Arc<Question<Q>>,
}

/// How many rows a list below a parent has.
#[derive(Clone)]
pub struct CountOf<Q> {
    pub parent: i64,
    pub question: Arc<Question<Q>>,
}

/// What a list below a parent is asked.
pub struct Question<Q> {
    pub query: Q,
    pub page: Page,
    /// Tells questions apart.
    text: String,
}

impl<Q: std::fmt::Debug> Question<Q> {
    pub fn new(query: Q, page: Page) -> Arc<Self> {
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

macro_rules! by_id {
    ($($key:ident => $value:ty, $load:path);* $(;)?) => {
        $(
            impl Loader<$key> for Batches {
                type Value = $value;
                type Error = Error;

                async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, $value>> {
                    let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
                    let rows = $load(&self.app, &self.actor, &ids).await?;
                    Ok(rows.into_iter().map(|(id, row)| ($key(id), row.into())).collect())
                }
            }
        )*
    };
}

by_id! {
    AnnotationId => Arc<annotation_row::Model>, annotation::by_ids;
    ResultOf => String, annotation::results;
    TaskId => Arc<task_row::Model>, task::by_ids;
    ProjectId => Arc<project_row::Model>, project::by_ids;
    PredictionId => Arc<prediction_row::Model>, prediction::by_ids;
    UserId => Arc<user::Person>, user::people;
    RoleIn => project_member::Role, project::own_roles;
    MembersOf => Vec<project_member::Model>, project::members;
    PredictionsOf => Vec<prediction_row::Model>, prediction::of_tasks;
    DraftsOfTask => Vec<annotation_draft::Model>, draft::of_tasks;
    DraftsOfAnnotation => Vec<annotation_draft::Model>, draft::of_annotations;
    GroundTruthOf => Arc<annotation_row::Model>, annotation::ground_truths;
}

/// Parents by question, so that each question is asked once.
fn by_question<'a, Q: 'a>(
    keys: impl Iterator<Item = (i64, &'a Arc<Question<Q>>)>,
) -> Vec<(Arc<Question<Q>>, Vec<i64>)> {
    let mut groups: HashMap<&str, (Arc<Question<Q>>, Vec<i64>)> = HashMap::new();
    for (parent, question) in keys {
        groups
            .entry(&question.text)
            .or_insert_with(|| (question.clone(), vec![]))
            .1
            .push(parent);
    }
    groups.into_values().collect()
}

impl Loader<PageOf<Annotations>> for Batches {
    type Value = Slice<annotation_row::Model>;
    type Error = Error;

    async fn load(
        &self,
        keys: &[PageOf<Annotations>],
    ) -> Result<HashMap<PageOf<Annotations>, Self::Value>> {
        let mut found = HashMap::new();
        for (question, parents) in by_question(keys.iter().map(|key| (key.parent, &key.question))) {
            let Annotations { parent, query } = &question.query;
            let pages = annotation::list_per_parent(
                &self.app,
                &self.actor,
                *parent,
                &parents,
                query,
                &question.page,
            )
            .await?;
            found.extend(pages.into_iter().map(|(parent, slice)| {
                (
                    PageOf {
                        parent,
                        question: question.clone(),
                    },
                    slice,
                )
            }));
        }
        Ok(found)
    }
}

impl Loader<CountOf<Annotations>> for Batches {
    type Value = i64;
    type Error = Error;

    async fn load(
        &self,
        keys: &[CountOf<Annotations>],
    ) -> Result<HashMap<CountOf<Annotations>, i64>> {
        let mut found = HashMap::new();
        for (question, parents) in by_question(keys.iter().map(|key| (key.parent, &key.question))) {
            let Annotations { parent, query } = &question.query;
            let counts = annotation::count_per_parent(
                &self.app,
                &self.actor,
                *parent,
                &parents,
                &query.filter,
            )
            .await?;
            found.extend(counts.into_iter().map(|(parent, count)| {
                (
                    CountOf {
                        parent,
                        question: question.clone(),
                    },
                    count,
                )
            }));
        }
        Ok(found)
    }
}

impl Loader<PageOf<task::Query>> for Batches {
    type Value = Slice<task_row::Model>;
    type Error = Error;

    async fn load(
        &self,
        keys: &[PageOf<task::Query>],
    ) -> Result<HashMap<PageOf<task::Query>, Self::Value>> {
        let mut found = HashMap::new();
        for (question, parents) in by_question(keys.iter().map(|key| (key.parent, &key.question))) {
            let (query, page) = (&question.query, &question.page);
            let pages =
                task::list_per_project(&self.app, &self.actor, &parents, query, page).await?;
            found.extend(pages.into_iter().map(|(parent, slice)| {
                (
                    PageOf {
                        parent,
                        question: question.clone(),
                    },
                    slice,
                )
            }));
        }
        Ok(found)
    }
}

impl Loader<CountOf<task::Query>> for Batches {
    type Value = i64;
    type Error = Error;

    async fn load(
        &self,
        keys: &[CountOf<task::Query>],
    ) -> Result<HashMap<CountOf<task::Query>, i64>> {
        let mut found = HashMap::new();
        for (question, parents) in by_question(keys.iter().map(|key| (key.parent, &key.question))) {
            let filter = &question.query.filter;
            let counts = task::count_per_project(&self.app, &self.actor, &parents, filter).await?;
            found.extend(counts.into_iter().map(|(parent, count)| {
                (
                    CountOf {
                        parent,
                        question: question.clone(),
                    },
                    count,
                )
            }));
        }
        Ok(found)
    }
}

impl Loader<PageOf<History>> for Batches {
    type Value = Slice<annotation_revision::Model>;
    type Error = Error;

    async fn load(
        &self,
        keys: &[PageOf<History>],
    ) -> Result<HashMap<PageOf<History>, Self::Value>> {
        let mut found = HashMap::new();
        for (question, parents) in by_question(keys.iter().map(|key| (key.parent, &key.question))) {
            let pages =
                history::of_annotations(&self.app, &self.actor, &parents, &question.page).await?;
            found.extend(pages.into_iter().map(|(parent, slice)| {
                (
                    PageOf {
                        parent,
                        question: question.clone(),
                    },
                    slice,
                )
            }));
        }
        Ok(found)
    }
}

impl Loader<CountOf<History>> for Batches {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[CountOf<History>]) -> Result<HashMap<CountOf<History>, i64>> {
        let parents: Vec<i64> = keys.iter().map(|key| key.parent).collect();
        let counts = history::count_of_annotations(&self.app, &self.actor, &parents).await?;
        Ok(keys
            .iter()
            .map(|key| (key.clone(), counts.get(&key.parent).copied().unwrap_or(0)))
            .collect())
    }
}
