//! GraphQL schema: types, resolvers and batched reads (<https://spec.graphql.org/September2025/>).

pub mod entity;
pub mod error;
pub mod event;
pub mod scalar;
pub mod sdl;
pub mod viewer;

mod agreement;
mod annotation;
mod connection;
mod context;
mod control;
mod draft;
mod filter;
mod history;
mod import;
mod input;
mod list;
mod loader;
mod prediction;
mod project;
mod region;
mod review;
mod task;
mod token;
mod total;
mod user;

use async_graphql::{MergedObject, Request, SchemaBuilder, ValidationMode};

use self::viewer::Viewer;
use crate::app::App;

/// Executable schema. Cheap to clone.
pub type Schema = async_graphql::Schema<Query, Mutation, event::Subscription>;

/// Root of all queries.
#[derive(Default, MergedObject)]
pub struct Query(
    annotation::AnnotationQuery,
    task::TaskQuery,
    project::ProjectQuery,
    prediction::PredictionQuery,
    draft::DraftQuery,
    user::UserQuery,
    entity::EntityQuery,
);

/// Root of all mutations. Root fields run one after the other, each in a separate transaction: a
/// failing field is `null` with an error, and the remaining fields stand.
#[derive(Default, MergedObject)]
pub struct Mutation(
    annotation::AnnotationMutation,
    annotation::FlagMutation,
    draft::DraftMutation,
    review::ReviewMutation,
    task::TaskMutation,
    project::ProjectMutation,
    import::ImportMutation,
    prediction::PredictionMutation,
    user::UserMutation,
    token::TokenMutation,
);

fn builder() -> SchemaBuilder<Query, Mutation, event::Subscription> {
    Schema::build(Query::default(), Mutation::default(), event::Subscription)
        .enable_subscription_in_federation()
        // Skips async-graphql's validation: `endpoint` validates documents once, and variables with every request.
        .validation_mode(ValidationMode::Fast)
}

/// Builds the schema. async-graphql refuses selections nested deeper than `max_depth`.
pub fn schema(app: App, max_depth: usize) -> Schema {
    builder()
        .data(app)
        .data(event::EventConcurrency::default())
        .limit_recursive_depth(max_depth)
        .finish()
}

/// Adds the data of resolvers to a request: the app, the actor, a loader and budgets. Without `remember`, the loader
/// caches no rows.
pub fn with_context(request: Request, app: App, viewer: Viewer, remember: bool) -> Request {
    // A loader per request: its cache must not outlive the request, nor be shared between users.
    let loader = loader::Current::new(&app, viewer.clone(), remember);
    request
        .data(app)
        .data(viewer)
        .data(loader)
        .data(region::Budget::default())
        .data(total::Totals::default())
        .data(connection::Lists::default())
}
