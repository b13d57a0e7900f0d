//! Federated entities: objects that a gateway requests by type and id
//! (<https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec>).
//!
//! async-graphql resolves `_entities` itself, fails the whole list when a single entity fails, and omits the index
//! from error paths. The translated document requests [`ENTITIES_BY_INDEX`] instead, under the same key of the
//! answer, and [`EntityQuery`] resolves that field as a plain list: by index, with errors at their items.

use std::{borrow::Cow, hash::Hash};

use async_graphql::{
    Any, ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Positioned,
    ServerResult, Union, Value,
    dataloader::Loader,
    parser::types::Field,
    registry::{MetaTypeId, ObjectBuilder, Registry},
    resolver_utils::resolve_container,
};

use super::{
    annotation::Annotation,
    context::{At, ContextExt},
    loader::{AnnotationId, BatchLoader, Loaders, PredictionId, ProjectId, TaskId, UserId},
    prediction::Prediction,
    project::{self, Project},
    task::{self, Task},
    user::User,
};
use crate::{
    error::{Error, Result},
    id,
};

/// The field of the schema, which the library would resolve.
pub const ENTITIES: &str = "_entities";
/// Field that runs in place of `_entities`. The published schema leaves the field out, so clients can't select the
/// field.
pub const ENTITIES_BY_INDEX: &str = "_entitiesByIndex";

/// A type that gateways may ask for by id.
#[derive(Union)]
#[graphql(name = "_Entity")]
enum Entity {
    Annotation(Annotation),
    Task(Task),
    Project(Project),
    User(User),
    Prediction(Prediction),
}

/// The part of the query type that resolves entities.
#[derive(Default)]
pub struct EntityQuery;

impl ContainerType for EntityQuery {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        // Returns `None` for a further field: the merged root object then tries the next part.
        if ctx.item.node.name.node != ENTITIES_BY_INDEX {
            return Ok(None);
        }
        let (_, representations) = ctx.param_value::<Vec<Any>>("representations", None)?;
        let keys: Vec<_> = representations
            .iter()
            .map(|Any(value)| key(value))
            .collect();
        // Loads all entities before the first is resolved: a gateway sends a page of keys at once.
        let entities = load(ctx, &keys).await;
        let selected = ctx.with_selection_set(&ctx.item.node.selection_set);
        let resolved = OutputType::resolve(&entities, &selected, ctx.item).await;
        resolved.map(Some)
    }
}

impl OutputType for EntityQuery {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("EntityQuery")
    }

    /// Registers the entities with their keys, and no field.
    fn create_type_info(registry: &mut Registry) -> String {
        for register in [
            Annotation::create_type_info,
            Task::create_type_info,
            Project::create_type_info,
            User::create_type_info,
            Prediction::create_type_info,
        ] {
            let name = register(registry);
            // Registers key fields as `@key`, which marks a type as an entity:
            // https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/directives#key
            registry.add_keys(name.trim_end_matches('!'), "id");
        }
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |_| {
            ObjectBuilder::new(Self::type_name(), Default::default()).build()
        })
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

impl ObjectType for EntityQuery {}

/// The type and id of a representation. Coercion refuses a representation without type or id before.
fn key(representation: &Value) -> (&str, i64) {
    let Value::Object(fields) = representation else {
        // Unreachable after coercion; names no type, so that the representation resolves to null.
        return ("", 0);
    };
    let name = match fields.get("__typename") {
        Some(Value::String(name)) => name,
        _ => "",
    };
    let id = match fields.get("id") {
        Some(Value::String(id)) => id::reference(id),
        // Gateways may send a numeric key, since ID accepts integers:
        // https://spec.graphql.org/September2025/#sec-ID.Input-Coercion
        Some(Value::Number(id)) => id::reference(&id.to_string()),
        _ => 0,
    };
    (name, id)
}

/// Loads each type in a single batch. Unknown and invisible entities are `None`. The failure of a batch is the error
/// of every entity of its type; an entity that the answer has no room for fails alone.
async fn load(ctx: &Context<'_>, keys: &[(&str, i64)]) -> Vec<Option<Result<Entity>>> {
    let results = ctx.results(At::Object);
    let data = ctx.times(At::Object, task::DATA);
    let texts = ctx.times(At::Object, project::TEXTS);
    let loads = Loads {
        loader: &ctx.loader(),
        keys,
    };
    let annotations = loads.of(
        "Annotation",
        |id| AnnotationId { id, times: results },
        |row| Some(row.map(|row| Annotation(row).into())),
    );
    let tasks = loads.of(
        "Task",
        |id| TaskId { id, times: data },
        |row| Some(row.map(|row| Task::Row(row).into())),
    );
    let projects = loads.of(
        "Project",
        |id| ProjectId { id, times: texts },
        |row| Some(row.map(|row| Project::read_with(row, texts).into())),
    );
    let users = loads.of("User", UserId, |person| {
        let user = || Ok(User(person.user.clone()).into());
        person.is_visible.then(user)
    });
    let predictions = loads.of(
        "Prediction",
        |id| PredictionId { id, times: results },
        |row| Some(row.map(|row| Prediction(row).into())),
    );
    // One batch per type, all at once, since entities of different types are independent.
    let loaded = tokio::join!(annotations, tasks, projects, users, predictions);
    let mut entities: Vec<Option<Result<Entity>>> = keys.iter().map(|_| None).collect();
    let (annotations, tasks, projects, users, predictions) = loaded;
    let loaded = [annotations, tasks, projects, users, predictions];
    for (index, entity) in loaded.into_iter().flatten() {
        entities[index] = Some(entity);
    }
    entities
}

/// Types and ids of the entities that a request asks for.
struct Loads<'a> {
    loader: &'a Loaders,
    keys: &'a [(&'a str, i64)],
}

impl Loads<'_> {
    /// Loads the entities of a single type, each with the index in the request.
    async fn of<K, V>(
        &self,
        name: &str,
        key: impl Fn(i64) -> K,
        entity: impl Fn(V) -> Option<Result<Entity>>,
    ) -> Vec<(usize, Result<Entity>)>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        V: Send + Sync + Clone + 'static,
        BatchLoader: Loader<K, Value = V, Error = Error>,
    {
        let keys = self.keys.iter().enumerate();
        let keys = keys.filter(|(_, (ty, _))| *ty == name);
        let keys: Vec<(usize, K)> = keys.map(|(index, (_, id))| (index, key(*id))).collect();
        // An empty batch would still cost a statement.
        if keys.is_empty() {
            return vec![];
        }
        let rows = self
            .loader
            .load_many(keys.iter().map(|(_, key)| key.clone()));
        let rows = rows.await;
        let found = keys.into_iter().filter_map(|(index, key)| {
            let entity = match &rows {
                Ok(rows) => entity(rows.get(&key)?.clone())?,
                Err(error) => Err(error.clone()),
            };
            Some((index, entity))
        });
        found.collect()
    }
}
