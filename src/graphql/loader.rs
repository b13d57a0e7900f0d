//! Loader of a request: reads rows for fields and federated entities in batches.

mod key;

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::Arc,
    time::Duration,
};

use async_graphql::{
    dataloader::{DataLoader, HashMapCache, Loader},
    runtime::Timer,
};
use entity::{
    annotation as annotation_row, annotation_draft, annotation_review, annotation_revision,
    api_token, prediction as prediction_row, project as project_row, project_member,
    replaced_draft, task as task_row,
};
use futures_util::{
    future::BoxFuture,
    task::{FutureObj, Spawn, SpawnError},
};
use label_studio::config::Config;

use crate::{
    app::{App, compute},
    domain::{
        access::Actor,
        agreement::{self, Compared, OfPair, OfTask, Score},
        annotation, draft,
        history::{
            self,
            snapshot::{Snapshot, VersionOf},
        },
        labelling,
        page::Slice,
        prediction, project, review, task, token, user,
    },
    error::{Error, Result},
};

pub use self::key::{
    AnnotationId, Annotations, ConfigOf, ConfigOfTask, CountOf, DraftId, DraftsOfAnnotation,
    DraftsOfTask, GroundTruthOf, History, MembersOf, PageOf, PredictionId, PredictionsOf,
    ProjectId, Question, ReplacedOf, ResultOf, ReviewsOf, RoleIn, TaskId, TokensOf, UserId,
};

pub type Loaders = DataLoader<Batches, HashMapCache>;

/// Batch functions of the loader, on behalf of a single actor.
pub struct Batches {
    app: App,
    actor: Actor,
}

/// Creates the loader of a request. Without `remember`, each key is read again.
pub fn new(app: &App, actor: Actor, remember: bool) -> Loaders {
    // Apart from the request's own handle: batches take permits of their own while a write of the request is under way.
    let app = app.with_db(app.db.on_behalf_of(actor.id()));
    let batches = Batches { app, actor };
    let mut loader = DataLoader::with_cache(batches, Spawner, NextTurn, HashMapCache::default());
    // Bounds the parameters of a statement.
    loader = loader.max_batch_size(10_000);
    // Mutations must not read rows cached before a write.
    loader.enable_all_cache(remember);
    loader
}

/// Runs batches on behalf of the user of the request, as parts of the operation that asks: where it runs, and no
/// longer than it.
struct Spawner;

impl Spawn for Spawner {
    fn spawn_obj(&self, batch: FutureObj<'static, ()>) -> std::result::Result<(), SpawnError> {
        compute::spawn(Box::pin(batch));
        Ok(())
    }
}

/// Closes a batch as soon as every resolver that is ready has had its turn. A timer of the clock would
/// cost a millisecond per level.
struct NextTurn;

impl Timer for NextTurn {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        // Yields once instead of waiting for a time: fields of the same level have queued their keys by then.
        Box::pin(tokio::task::yield_now())
    }
}

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
    UserId => Arc<user::UserWithVisibility>, user::people;
    RoleIn => project_member::Role, project::own_roles;
    MembersOf => Vec<project_member::Model>, project::members;
    ReviewsOf => Vec<annotation_review::Model>, review::of_annotations;
    TokensOf => Vec<api_token::Model>, token::of_users;
}

impl Loader<ConfigOf> for Batches {
    type Value = Arc<Config>;
    type Error = Error;

    async fn load(&self, keys: &[ConfigOf]) -> Result<HashMap<ConfigOf, Arc<Config>>> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let found = labelling::configs(&self.app, &ids).await?;
        Ok(found
            .into_iter()
            .map(|(id, config)| (ConfigOf(id), config))
            .collect())
    }
}

impl Loader<ConfigOfTask> for Batches {
    type Value = Arc<Config>;
    type Error = Error;

    async fn load(&self, keys: &[ConfigOfTask]) -> Result<HashMap<ConfigOfTask, Arc<Config>>> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let found = labelling::configs_of_tasks(&self.app, &ids).await?;
        Ok(found
            .into_iter()
            .map(|(id, config)| (ConfigOfTask(id), config))
            .collect())
    }
}

// A value is a `Result`, so that what the answer has no room for fails alone in its batch.
macro_rules! by_large_id {
    ($($key:ident => $value:ty, $load:path);* $(;)?) => {
        $(
            impl Loader<$key> for Batches {
                type Value = Result<$value>;
                type Error = Error;

                async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, Result<$value>>> {
                    let mut found = HashMap::new();
                    // Groups by the number of times, since the charge of a statement's rows depends on that number.
                    let keys = keys.iter().map(|key| (key.times, key.id));
                    for (times, ids) in by_times(keys) {
                        let rows = $load(&self.app, &self.actor, &ids, times).await;
                        let rows = each(rows, &ids).into_iter();
                        let rows = rows.map(|(id, row)| ($key { id, times }, row.map(Into::into)));
                        found.extend(rows);
                    }
                    Ok(found)
                }
            }
        )*
    };
}

by_large_id! {
    AnnotationId => Arc<annotation_row::Listed>, annotation::by_ids;
    TaskId => Arc<task_row::Model>, task::by_ids;
    ProjectId => Arc<project_row::Model>, project::by_ids;
    PredictionId => Arc<prediction_row::Model>, prediction::by_ids;
    DraftId => Arc<annotation_draft::Model>, draft::by_ids;
    PredictionsOf => Vec<Arc<prediction_row::Model>>, prediction::of_tasks;
    DraftsOfTask => Vec<Arc<annotation_draft::Model>>, draft::of_tasks;
    DraftsOfAnnotation => Vec<Arc<annotation_draft::Model>>, draft::of_annotations;
    ReplacedOf => Vec<Arc<replaced_draft::Model>>, draft::replaced_of;
    GroundTruthOf => Arc<annotation_row::Listed>, annotation::ground_truths;
}

/// Groups keys by the number of copies in the answer.
fn by_times<K>(keys: impl Iterator<Item = (u64, K)>) -> BTreeMap<u64, Vec<K>> {
    let mut groups: BTreeMap<u64, Vec<K>> = BTreeMap::new();
    for (times, key) in keys {
        groups.entry(times).or_default().push(key);
    }
    groups
}

/// Distributes the outcome of a load over its keys; a failure of the whole load becomes the failure of each key.
fn each<K: Copy + Eq + Hash, V>(
    loaded: Result<HashMap<K, Result<V>>>,
    keys: &[K],
) -> HashMap<K, Result<V>> {
    loaded.unwrap_or_else(|error| {
        let failed = keys.iter().map(|key| (*key, Err(error.clone())));
        failed.collect()
    })
}

impl Loader<VersionOf> for Batches {
    type Value = Arc<Snapshot>;
    type Error = Error;

    async fn load(&self, keys: &[VersionOf]) -> Result<HashMap<VersionOf, Arc<Snapshot>>> {
        let found = history::snapshots(&self.app, &self.actor, keys).await?;
        Ok(found
            .into_iter()
            .map(|(key, snapshot)| (key, Arc::new(snapshot)))
            .collect())
    }
}

impl Loader<ResultOf> for Batches {
    type Value = Result<Arc<str>>;
    type Error = Error;

    async fn load(&self, keys: &[ResultOf]) -> Result<HashMap<ResultOf, Result<Arc<str>>>> {
        let mut found = HashMap::new();
        let keys = keys.iter().map(|key| (key.times, key.result));
        for (times, results) in by_times(keys) {
            let texts = history::results(&self.app, &results, times).await;
            let texts = each(texts, &results).into_iter();
            found.extend(texts.map(|(result, text)| {
                let text = text.map(Into::into);
                (ResultOf { result, times }, text)
            }));
        }
        Ok(found)
    }
}

impl Loader<OfTask> for Batches {
    type Value = Score;
    type Error = Error;

    async fn load(&self, keys: &[OfTask]) -> Result<HashMap<OfTask, Score>> {
        agreement::of_tasks(&self.app, &self.actor, keys).await
    }
}

impl Loader<OfPair> for Batches {
    type Value = Compared;
    type Error = Error;

    async fn load(&self, keys: &[OfPair]) -> Result<HashMap<OfPair, Compared>> {
        agreement::of_pairs(&self.app, &self.actor, keys).await
    }
}

/// Answers each distinct question once, for all parents of the question.
async fn ask<'a, Q: 'a, K: Eq + Hash, V, F>(
    keys: impl Iterator<Item = (i64, &'a Arc<Question<Q>>)>,
    key: fn(i64, Arc<Question<Q>>) -> K,
    load: impl Fn(Arc<Question<Q>>, Vec<i64>) -> F,
) -> HashMap<K, Result<V>>
where
    F: Future<Output = Result<HashMap<i64, Result<V>>>>,
{
    // Groups parents by question: each distinct question takes a fixed number of statements.
    let mut questions: HashMap<&str, (&Arc<Question<Q>>, Vec<i64>)> = HashMap::new();
    for (parent, question) in keys {
        let (_, parents) = questions
            .entry(&question.text)
            .or_insert_with(|| (question, vec![]));
        parents.push(parent);
    }
    let mut found = HashMap::new();
    for (question, parents) in questions.into_values() {
        let answers = load(question.clone(), parents.clone()).await;
        let answers = each(answers, &parents).into_iter();
        found.extend(answers.map(|(parent, answer)| (key(parent, question.clone()), answer)));
    }
    found
}

fn counted(counts: Result<HashMap<i64, i64>>) -> Result<HashMap<i64, Result<i64>>> {
    let counts = counts?.into_iter();
    Ok(counts.map(|(parent, count)| (parent, Ok(count))).collect())
}

macro_rules! by_question {
    ($($key:ident<$query:ty> => $value:ty, $load:expr);* $(;)?) => {
        $(
            impl Loader<$key<$query>> for Batches {
                type Value = Result<$value>;
                type Error = Error;

                async fn load(
                    &self,
                    keys: &[$key<$query>],
                ) -> Result<HashMap<$key<$query>, Result<$value>>> {
                    let asked = keys.iter().map(|key| (key.parent, &key.question));
                    let key = |parent, question| $key { parent, question };
                    Ok(ask(asked, key, |question, parents| async move {
                        let load = $load;
                        load(&self.app, &self.actor, &question, &parents).await
                    })
                    .await)
                }
            }
        )*
    };
}

by_question! {
    PageOf<Annotations> => Slice<annotation_row::Listed>,
        async |app, actor, question: &Question<Annotations>, parents| {
            let Annotations { parent, query } = &question.query;
            annotation::list_per_parent(app, actor, *parent, parents, query, &question.page).await
        };
    CountOf<Annotations> => i64,
        async |app, actor, question: &Question<Annotations>, parents| {
            let Annotations { parent, query } = &question.query;
            let filter = &query.filter;
            counted(annotation::count_per_parent(app, actor, *parent, parents, filter).await)
        };
    PageOf<task::Query> => Slice<task_row::Model>,
        async |app, actor, question: &Question<task::Query>, parents| {
            task::list_per_project(app, actor, parents, &question.query, &question.page).await
        };
    CountOf<task::Query> => i64,
        async |app, actor, question: &Question<task::Query>, parents| {
            counted(task::count_per_project(app, actor, parents, &question.query.filter).await)
        };
    PageOf<History> => Slice<annotation_revision::Model>,
        async |app, actor, question: &Question<History>, parents| {
            history::of_annotations(app, actor, parents, &question.page).await
        };
    CountOf<History> => i64,
        async |app, actor, _: &Question<History>, parents| {
            counted(history::count_of_annotations(app, actor, parents).await)
        };
}
