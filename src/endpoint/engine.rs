//! Execution of checked requests against the schema.

mod subscription;

use std::sync::Arc;

use async_graphql::{Response, ServerError, parser::types::OperationType};
use futures_util::{Stream, StreamExt};

use self::subscription::Opening;
pub use super::fan_out::Answer;
use super::{
    document::{Documents, Prepared},
    envelope::Envelope,
    fan_out::{Account, FanOut},
    size, workarounds,
};
use crate::{
    app::App,
    config::{DocumentArgs, LimitArgs},
    domain::access::Actor,
    graphql::{self, error, event, sdl, viewer::Viewer},
};

/// Schema, and the documents validated against it. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    app: App,
    schema: graphql::Schema,
    documents: Arc<Documents>,
    fan_out: FanOut,
}

impl Engine {
    /// Builds the schema and reads the manifest of trusted documents. Fails when the manifest is invalid.
    pub fn new(app: App, limits: &LimitArgs, documents: &DocumentArgs) -> anyhow::Result<Self> {
        // Leaves room above `size`'s bound: async-graphql's own depth check has no path or code, and must never fire
        // first.
        let depth = usize::try_from(size::max_nesting(limits)).unwrap_or(usize::MAX);
        let schema = graphql::schema(app.clone(), depth.saturating_add(4));
        let checked = sdl::for_validation(&schema);
        let documents = Documents::new(checked, limits, documents, app.memory.clone())?;
        Ok(Self {
            app,
            schema,
            documents: Arc::new(documents),
            fan_out: FanOut::default(),
        })
    }

    /// Context of the operations that the engine runs.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Validates the document, coerces the variables and checks the limits. An error refuses the request before
    /// execution.
    pub async fn prepare(&self, envelope: Envelope) -> Result<Prepared, Vec<ServerError>> {
        self.documents.prepare(envelope).await
    }

    /// Runs a query or mutation on behalf of an actor, over the request's handle of the database in `app`. Refuses
    /// subscriptions: they answer more than once.
    pub async fn run(&self, app: &App, actor: Actor, prepared: Prepared) -> Response {
        if prepared.operation == OperationType::Subscription {
            let message =
                "a subscription has many answers: send it over WebSocket or as server-sent events";
            return Response::from_errors(vec![error::request_error(
                error::BAD_REQUEST,
                message,
                None,
            )]);
        }
        // A mutation's answer shows its own writes, so its loaders must not return rows read before.
        let remember = prepared.operation == OperationType::Query;
        let db = app.db.on_behalf_of(actor.id());
        let app = app.with_budget(prepared.budget).with_db(db);
        let request = graphql::with_context(prepared.request, app, Viewer::new(actor), remember);
        // On the heap: the future of async-graphql takes kilobytes, which each move of this future would copy.
        let executed = Box::pin(self.schema.execute(request)).await;
        let mut response = error::assign_codes(&self.app, executed);
        if prepared.operation == OperationType::Mutation {
            error::mark_failed_reads(&mut response);
        }
        if prepared.reports_cost {
            return prepared.cost.add_to(response);
        }
        response
    }

    /// Runs a subscription on behalf of an actor, from the current event on. An answer without data ends the stream;
    /// as the first answer it refuses the request.
    pub fn subscribe(
        &self,
        actor: Actor,
        mut prepared: Prepared,
    ) -> impl Stream<Item = Arc<Answer>> + Send + 'static + use<> {
        if let Ok(document) = prepared.request.parsed_query() {
            let document = workarounds::subscription::with_one_root_field(document.clone());
            prepared.request.set_parsed_query(document);
        }
        let db = self.app.db.on_behalf_of(actor.id());
        let app = self.app.with_budget(prepared.budget).with_db(db);
        // Reads the position before execution starts: events committed meanwhile must not be lost.
        let began = app.events.now();
        let account = Account {
            user_id: actor.id(),
            token_id: actor.token_id,
        };
        let viewer = Viewer::new(actor);
        let (feed, source) = event::feed();
        // A subscription lives for hours: rows cached for an event would be stale for the next.
        let request = graphql::with_context(prepared.request, app.clone(), viewer.clone(), false)
            .data(began)
            .data(feed);
        let opening = Opening {
            app,
            account,
            viewer,
            operation: prepared.fingerprint,
            fan_out: self.fan_out.clone(),
            responses: self.schema.execute_stream(request).boxed(),
            source,
        };
        opening.into_answers()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<A, F: Future>(_: &impl Fn(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_future_of_a_request_is_cheap_to_move() {
        type Parts = (Engine, App, Actor, Prepared);
        let run = |(engine, app, actor, prepared): Parts| async move {
            engine.run(&app, actor, prepared).await
        };
        let bytes = size(&run);
        assert!(bytes <= 8 << 10, "{bytes} bytes");
    }
}
