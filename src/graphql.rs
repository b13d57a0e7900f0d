//! The GraphQL schema, and the way of a request through it.

pub mod document;
pub mod envelope;
pub mod graphiql;
pub mod handler;

mod agreement;
mod annotation;
mod coercion;
mod connection;
mod context;
mod control;
mod cost;
mod draft;
mod entity;
mod error;
mod event;
mod filter;
mod history;
mod import;
mod loader;
mod overlooked;
mod prediction;
mod project;
mod region;
mod review;
mod scalar;
mod sdl;
mod size;
mod subscription;
mod task;
mod token;
mod trusted;
mod user;

use async_graphql::{
    MergedObject, Response, SchemaBuilder, ServerError, ValidationMode,
    parser::types::OperationType,
};
use futures_util::{Stream, StreamExt};

use crate::{
    app::App,
    config::{DocumentArgs, LimitArgs},
    db,
    domain::access::Actor,
};

pub use cost::Cost;
pub use document::Prepared;
pub use envelope::Envelope;
pub use sdl::{federation_sdl, published_sdl};

type Inner = async_graphql::Schema<Query, Mutation, event::Subscription>;

/// The schema with everything that a request needs. Cheap to clone.
#[derive(Clone)]
pub struct Schema {
    app: App,
    inner: Inner,
    documents: std::sync::Arc<document::Documents>,
}

/// Every read of the graph starts here.
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

/// Every change starts here. Root fields run one after the other, each in a transaction of its own: one
/// that fails is `null` with an error, the others stand.
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
    Inner::build(Query::default(), Mutation::default(), event::Subscription)
        .enable_subscription_in_federation()
        // Documents are validated when they are first seen, variables with every request.
        .validation_mode(ValidationMode::Fast)
}

impl Schema {
    /// Fails when the manifest of trusted documents that is asked for is not as it should be.
    pub fn new(app: App, limits: &LimitArgs, documents: &DocumentArgs) -> anyhow::Result<Self> {
        // Above the bound that `size` reports.
        let depth = usize::try_from(size::max_nesting(limits)).unwrap_or(usize::MAX);
        let inner = builder()
            .data(app.clone())
            .data(event::Turns::default())
            .limit_recursive_depth(depth.saturating_add(4))
            .finish();
        let schema = sdl::validation_sdl(&inner);
        let documents = document::Documents::new(schema, limits, documents, app.memory.clone())?;
        Ok(Self {
            app,
            inner,
            documents: std::sync::Arc::new(documents),
        })
    }

    /// Checks a request: its document, its variables, and how much it asks for. What comes out is ready
    /// to run; what is refused has not begun.
    pub async fn prepare(&self, envelope: Envelope) -> Result<Prepared, Vec<ServerError>> {
        self.documents.prepare(envelope).await
    }

    /// Runs a query or mutation on behalf of an actor. A subscription is refused: it has many answers.
    pub async fn run(&self, actor: Actor, prepared: Prepared) -> Response {
        if prepared.operation == OperationType::Subscription {
            let message =
                "a subscription has many answers: send it over WebSocket or as server-sent events";
            return Response::from_errors(vec![error::request_error(
                error::BAD_REQUEST,
                message,
                None,
            )]);
        }
        // A mutation answers with what it just wrote, so nothing read before may stand in for it.
        let remember = prepared.operation == OperationType::Query;
        let app = self.app.answering(prepared.budget);
        let loader = loader::new(app.clone(), actor.clone(), remember);
        let user_id = actor.id();
        let request = prepared.request.data(app).data(actor).data(loader);
        let request = request.data(region::Budget::default());
        let executed = db::on_behalf_of(user_id, self.inner.execute(request)).await;
        let response = error::coded(&self.app.db, executed);
        if prepared.tells_cost {
            return prepared.cost.tell(response);
        }
        response
    }

    /// Follows a subscription on behalf of an actor, from this moment on. An error without data ends it: of
    /// the request when it comes first, of the stream when it comes later.
    pub fn subscribe(
        &self,
        actor: Actor,
        mut prepared: Prepared,
    ) -> impl Stream<Item = Response> + Send + 'static + use<> {
        if let Ok(document) = prepared.request.parsed_query() {
            let document = subscription::with_one_root_field(document.clone());
            prepared.request.set_parsed_query(document);
        }
        // Events come for hours, so nothing that was read for one stands in for the next.
        let app = self.app.answering(prepared.budget);
        let loader = loader::new(app.clone(), actor.clone(), false);
        let began = app.events.now();
        let user_id = actor.id();
        let request = prepared.request.data(app).data(actor).data(loader);
        let request = request.data(began);
        let request = request.data(region::Budget::default());
        let responses = db::stream_on_behalf_of(user_id, self.inner.execute_stream(request));
        let db = self.app.db.clone();
        responses.map(move |response| subscription::without_root_path(error::coded(&db, response)))
    }
}
