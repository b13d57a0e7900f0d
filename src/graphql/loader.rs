//! Loader of a request: reads rows for fields and federated entities in batches.

mod current;
mod key;

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::Arc,
};

use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};
use entity::{
    annotation as annotation_row, annotation_draft, annotation_review, annotation_revision,
    api_token, prediction as prediction_row, project as project_row, project_member,
    replaced_draft, task as task_row,
};
use label_studio::config::Config;

use super::viewer::Viewer;
use crate::{
    app::App,
    domain::{
        agreement::{self, Compared, OfPair, OfTask, Score},
        annotation, draft,
        history::{
            self,
            snapshot::{Snapshot, VersionOf},
        },
        labelling,
        page::PageRows,
        prediction, project, review, task, token, user,
    },
    error::{Error, Result},
};

use self::key::is_same;
pub use self::{
    current::Current,
    key::{
        AnnotationId, Annotations, AnnotationsFilter, ChildList, ConfigOf, ConfigOfTask, CountKey,
        CountOf, DraftId, DraftsOfAnnotation, DraftsOfTask, GroundTruthOf, History, ListKey,
        MembersOf, PageOf, PredictionId, PredictionsOf, ProjectId, ReplacedOf, ResultOf, ReviewsOf,
        RoleIn, TaskId, TokensOf, UserId,
    },
};

/// Loader of a request, with a cache by key.
pub type Loaders = DataLoader<BatchLoader, HashMapCache>;

/// Batch functions of the loader, on behalf of a single actor.
pub struct BatchLoader {
    app: App,
    viewer: Viewer,
}

macro_rules! by_id {
    ($($key:ident => $value:ty, $load:path);* $(;)?) => {
        $(
            impl Loader<$key> for BatchLoader {
                type Value = $value;
                type Error = Error;

                async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, $value>> {
                    let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
                    let rows = $load(&self.app, self.viewer.actor(), &ids).await?;
                    Ok(rows.into_iter().map(|(id, row)| ($key(id), row.into())).collect())
                }
            }
        )*
    };
}

by_id! {
    RoleIn => project_member::Role, project::own_roles;
    MembersOf => Vec<project_member::Model>, project::members;
    ReviewsOf => Vec<annotation_review::Model>, review::of_annotations;
    TokensOf => Vec<api_token::Model>, token::of_users;
}

impl Loader<UserId> for BatchLoader {
    type Value = Arc<user::UserWithVisibility>;
    type Error = Error;

    async fn load(
        &self,
        keys: &[UserId],
    ) -> Result<HashMap<UserId, Arc<user::UserWithVisibility>>> {
        let known = keys.iter().filter_map(|key| {
            let user = self.viewer.user_of_event(key.0)?;
            Some((*key, user))
        });
        let mut found: HashMap<_, _> = known.collect();
        let missing: Vec<i64> = keys
            .iter()
            .filter(|key| !found.contains_key(key))
            .map(|key| key.0)
            .collect();
        if !missing.is_empty() {
            let rows = user::people(&self.app, self.viewer.actor(), &missing).await?;
            found.extend(rows.into_iter().map(|(id, row)| (UserId(id), row.into())));
        }
        Ok(found)
    }
}

impl Loader<ConfigOf> for BatchLoader {
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

impl Loader<ConfigOfTask> for BatchLoader {
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
            impl Loader<$key> for BatchLoader {
                type Value = Result<$value>;
                type Error = Error;

                async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, Result<$value>>> {
                    let mut found = HashMap::new();
                    // Groups by the number of times, since the charge of a statement's rows depends on that number.
                    let keys = keys.iter().map(|key| (key.times, key.id));
                    for (times, ids) in by_times(keys) {
                        let rows = $load(&self.app, self.viewer.actor(), &ids, times).await;
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

impl Loader<VersionOf> for BatchLoader {
    type Value = Arc<Snapshot>;
    type Error = Error;

    async fn load(&self, keys: &[VersionOf]) -> Result<HashMap<VersionOf, Arc<Snapshot>>> {
        let found = history::snapshots(&self.app, self.viewer.actor(), keys).await?;
        Ok(found
            .into_iter()
            .map(|(key, snapshot)| (key, Arc::new(snapshot)))
            .collect())
    }
}

impl Loader<ResultOf> for BatchLoader {
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

impl Loader<OfTask> for BatchLoader {
    type Value = Score;
    type Error = Error;

    async fn load(&self, keys: &[OfTask]) -> Result<HashMap<OfTask, Score>> {
        agreement::of_tasks(&self.app, self.viewer.actor(), keys).await
    }
}

impl Loader<OfPair> for BatchLoader {
    type Value = Compared;
    type Error = Error;

    async fn load(&self, keys: &[OfPair]) -> Result<HashMap<OfPair, Compared>> {
        agreement::of_pairs(&self.app, self.viewer.actor(), keys).await
    }
}

/// Reads each list once, for all the parents whose rows are asked for.
async fn load_grouped<'a, L, V, F>(
    keys: &'a [ChildList<L>],
    load: impl Fn(&'a L, Vec<i64>) -> F,
) -> HashMap<ChildList<L>, Result<V>>
where
    L: Eq,
    F: Future<Output = Result<HashMap<i64, Result<V>>>>,
{
    // Groups parents by list: each distinct list takes a fixed number of statements.
    let mut lists: Vec<(&Arc<L>, Vec<i64>)> = Vec::new();
    for ChildList { parent, list } in keys {
        match lists.iter_mut().find(|(known, _)| is_same(known, list)) {
            Some((_, parents)) => parents.push(*parent),
            None => lists.push((list, vec![*parent])),
        }
    }
    let mut found = HashMap::new();
    for (list, parents) in lists {
        let rows = load(list, parents.clone()).await;
        let rows = each(rows, &parents).into_iter();
        let key = |parent| ChildList {
            parent,
            list: list.clone(),
        };
        found.extend(rows.map(|(parent, row)| (key(parent), row)));
    }
    found
}

/// Pages with rows that copy cheaply: the loader copies each page.
fn shared<R>(
    pages: Result<HashMap<i64, Result<PageRows<R>>>>,
) -> Result<HashMap<i64, Result<PageRows<Arc<R>>>>> {
    let pages = pages?.into_iter();
    let pages = pages.map(|(parent, page)| (parent, page.map(|page| page.map(Arc::new))));
    Ok(pages.collect())
}

fn counted(counts: Result<HashMap<i64, i64>>) -> Result<HashMap<i64, Result<i64>>> {
    let counts = counts?.into_iter();
    Ok(counts.map(|(parent, count)| (parent, Ok(count))).collect())
}

macro_rules! child_lists {
    ($($key:ty => $value:ty, $load:expr);* $(;)?) => {
        $(
            impl Loader<$key> for BatchLoader {
                type Value = Result<$value>;
                type Error = Error;

                async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, Result<$value>>> {
                    Ok(load_grouped(keys, |list, parents| async move {
                        let load = $load;
                        load(&self.app, self.viewer.actor(), list, &parents).await
                    })
                    .await)
                }
            }
        )*
    };
}

child_lists! {
    PageOf<Annotations> => PageRows<Arc<annotation_row::Listed>>,
        async |app, actor, list: &ListKey<Annotations>, parents| {
            let Annotations { parent, query } = &list.query;
            let pages = annotation::list_per_parent(app, actor, *parent, parents, query, &list.page);
            shared(pages.await)
        };
    CountOf<AnnotationsFilter> => i64,
        async |app, actor, list: &CountKey<AnnotationsFilter>, parents| {
            let AnnotationsFilter { parent, filter } = &list.filter;
            counted(annotation::count_per_parent(app, actor, *parent, parents, filter).await)
        };
    PageOf<task::Query> => PageRows<Arc<task_row::Model>>,
        async |app, actor, list: &ListKey<task::Query>, parents| {
            shared(task::list_per_project(app, actor, parents, &list.query, &list.page).await)
        };
    CountOf<task::Filter> => i64,
        async |app, actor, list: &CountKey<task::Filter>, parents| {
            counted(task::count_per_project(app, actor, parents, &list.filter).await)
        };
    PageOf<History> => PageRows<annotation_revision::Model>,
        async |app, actor, list: &ListKey<History>, parents| {
            history::of_annotations(app, actor, parents, &list.page).await
        };
    CountOf<History> => i64,
        async |app, actor, _: &CountKey<History>, parents| {
            counted(history::count_of_annotations(app, actor, parents).await)
        };
}
