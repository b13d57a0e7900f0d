//! Transports of `/graphql`: HTTP, WebSocket and server-sent events.

mod body;
mod connection_permit;
mod deadline;
mod idempotency;
mod media;
mod quota;
mod response;
mod socket;
mod stream;

use std::{any::Any, sync::Arc, time::Duration};

use async_graphql::{Response as GraphQlResponse, ServerError, parser::types::OperationType};
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, request::Parts},
    response::Response,
};
use futures_util::{Stream, StreamExt, stream as streams};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::{
    body::{BodyBudget, BodyLimits},
    deadline::Deadline,
    media::Media,
    quota::{Permit, Quotas},
    response::{LeasedResponse, Refusal},
};
pub use self::{
    connection_permit::{ConnectionPermit, ReadLimited},
    idempotency::{KEY as IDEMPOTENCY_KEY, REPLAYED as IDEMPOTENCY_REPLAYED},
    response::to_json,
};
use super::{
    document::{self, Prepared},
    engine::Engine,
    envelope::{self, Envelope, Incoming},
};
use crate::{
    app::{
        App, Fate,
        compute::{SMALL, Stopped},
    },
    auth::{self, Sessions},
    config::HttpArgs,
    domain::{access::Actor, idempotency as keys},
    graphql::error::BAD_REQUEST,
};

/// State of the handler. Cheap to clone.
#[derive(Clone)]
pub struct Endpoint {
    engine: Engine,
    settings: Arc<HttpArgs>,
    quotas: Quotas,
    sessions: Sessions,
    bodies: BodyBudget,
    /// Cancelled on shutdown: ends sockets and streams, which otherwise last as long as their clients.
    stopping: CancellationToken,
}

impl Endpoint {
    /// Creates the endpoint with full quotas. Subscriptions end once `stopping` is cancelled.
    pub fn new(app: App, engine: Engine, settings: HttpArgs, stopping: CancellationToken) -> Self {
        Self {
            engine,
            quotas: Quotas::new(&settings),
            bodies: BodyBudget::new(settings.max_body, app.memory.clone()),
            sessions: Sessions::new(app, Duration::from_secs(settings.token_check)),
            settings: Arc::new(settings),
            stopping,
        }
    }

    fn app(&self) -> &App {
        self.engine.app()
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.settings.timeout)
    }

    /// Deadline of a request that starts now.
    fn deadline(&self) -> Deadline {
        self.deadline_of(Arc::default())
    }

    /// Deadline of work that starts now for this request.
    fn deadline_of(&self, fate: Arc<Fate>) -> Deadline {
        let at = Instant::now() + self.timeout();
        Deadline { at, fate }
    }

    /// Runs an operation over `bytes` of input until the deadline. Dropping the future interrupts the operation.
    async fn compute<T: Send + 'static>(
        &self,
        actor: &Actor,
        deadline: &Deadline,
        bytes: usize,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let compute = &self.app().compute;
        let outcome = compute.run(actor.id(), Some(deadline.at.into_std()), bytes, work);
        match tokio::time::timeout_at(deadline.at, outcome).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(Stopped::Failed)) => Err(Refusal::internal()),
            Ok(Err(Stopped::Interrupted)) | Err(_) => {
                Err(Refusal::timed_out(self.timeout(), deadline.fate.close()))
            }
        }
    }

    /// Parses `bytes` of input: on the current thread when few, else as an operation on a worker thread.
    async fn read<T: Send + 'static>(
        &self,
        actor: &Actor,
        deadline: &Deadline,
        bytes: usize,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        match bytes <= SMALL {
            true => Ok(read()),
            false => {
                let read = async move { read() };
                self.compute(actor, deadline, bytes, read).await
            }
        }
    }

    /// Checks a request by `Engine::prepare`, on a worker thread when it is large.
    async fn prepare(
        &self,
        actor: &Actor,
        envelope: Envelope,
        deadline: &Deadline,
    ) -> Result<Result<Prepared, Vec<ServerError>>, Refusal> {
        if envelope.bytes <= SMALL && envelope.query.as_deref().is_none_or(document::is_small) {
            return Ok(self.engine.prepare(envelope).await);
        }
        let (engine, bytes) = (self.engine.clone(), envelope.bytes);
        let prepare = async move { engine.prepare(envelope).await };
        self.compute(actor, deadline, bytes, prepare).await
    }

    /// Runs a query or mutation and converts its response by `answer`. With a claim, counts the writes for the
    /// idempotency key.
    async fn run<T: Send + 'static>(
        &self,
        actor: Actor,
        prepared: Prepared,
        claim: Option<&keys::Claim>,
        deadline: &Deadline,
        answer: impl FnOnce(GraphQlResponse) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (engine, bytes) = (self.engine.clone(), prepared.bytes);
        let user = actor.clone();
        let app = self.app();
        let app = app.with_db(app.db.for_request(deadline.fate.clone()));
        let app = match claim {
            Some(claim) => keys::fenced(&app, claim),
            None => app,
        };
        // Converts inside the operation: serialising a large answer takes as long as computing it. On the heap, because
        // `compute` moves the future several times.
        let run = Box::pin(async move { answer(engine.run(&app, actor, prepared).await) });
        self.compute(&user, deadline, bytes, run).await
    }
}

/// Handles every request to `/graphql`.
pub async fn graphql(State(endpoint): State<Endpoint>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if socket::is_asked_for(&parts.headers) {
        return socket::open(endpoint, parts).await;
    }
    let Some(media) = Media::accepted(&parts.headers) else {
        let message = "this server answers application/graphql-response+json, application/json and text/event-stream";
        let refusal = Refusal::new(StatusCode::NOT_ACCEPTABLE, BAD_REQUEST, message);
        return refusal.into_response(Media::Json);
    };
    let deadline = endpoint.deadline();
    let answered = Box::pin(respond(&endpoint, media, &parts, body, &deadline));
    // Grace of a second: a batch enforces the deadline per request, and answers each request in its place.
    let patience = deadline.at + Duration::from_secs(1);
    match tokio::time::timeout_at(patience, answered).await {
        Ok(Ok(response)) => response,
        Ok(Err(refusal)) => refusal.into_response(media),
        Err(_) => {
            Refusal::timed_out(endpoint.timeout(), deadline.fate.close()).into_response(media)
        }
    }
}

/// Response after a panic in a handler.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    Refusal::internal().into_response(Media::Json)
}

/// Response to an oversized head, with status [431](https://www.rfc-editor.org/rfc/rfc6585#section-5).
pub fn head_too_large(limit: usize) -> Response {
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    let message = format!("the address and headers of a request have at most {limit} bytes");
    Refusal::too_large(status, message).into_response(Media::Json)
}

/// Response to a request without a valid `Host`, or with several: [RFC 9112,
/// 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2) demands 400.
pub fn host_is_missing() -> Response {
    let message = "a request names one host, in one header `Host`";
    Refusal::bad_request(message).into_response(Media::Json)
}

/// Authenticates and counts the request before reading its body, then runs it.
async fn respond(
    endpoint: &Endpoint,
    media: Media,
    parts: &Parts,
    body: Body,
    deadline: &Deadline,
) -> Result<Response, Refusal> {
    let is_get = matches!(parts.method, Method::GET | Method::HEAD);
    // GET runs queries only; the operation type is known after parsing
    // (https://graphql.github.io/graphql-over-http/draft/#sec-GET).
    if !is_get && parts.method != Method::POST {
        return Err(Refusal::method("GET, POST", "send a GET or POST request"));
    }
    let actor = signed_in(endpoint, &parts.headers).await?;
    // Strangers and users over quota are refused here: they can't make the server buffer a body.
    endpoint.quotas.count(&actor, 1)?;
    let permit = endpoint.quotas.request(&actor)?;
    // Keeps the body's lease until the answer: values parsed from a body take more memory than the body.
    let mut body_read = None;
    let mut sent = Bytes::new();
    let incoming = if is_get {
        let query = parts.uri.query().unwrap_or_default();
        Envelope::from_parameters(form_urlencoded::parse(query.as_bytes())).map(Incoming::Single)
    } else {
        let settings = &endpoint.settings;
        let bounds = BodyLimits {
            size: settings.max_body,
            time: Duration::from_secs(settings.body_timeout),
        };
        let (user_id, budget) = (actor.id(), &endpoint.bodies);
        let compute = &endpoint.app().compute;
        let read = body::read(&parts.headers, body, user_id, bounds, budget, compute).await?;
        sent = read.bytes.clone();
        body_read = Some(read);
        let (bytes, max_batch) = (sent.clone(), settings.max_batch);
        let read = move || envelope::from_bytes(&bytes, max_batch);
        endpoint.read(&actor, deadline, sent.len(), read).await?
    };
    match incoming.map_err(Refusal::bad_request)? {
        Incoming::Batch(_) if parts.headers.contains_key(&IDEMPOTENCY_KEY) => Err(
            Refusal::bad_request("a batch takes no Idempotency-Key: send its mutations one by one"),
        ),
        Incoming::Batch(_) if media == Media::EventStream => {
            Err(Refusal::bad_request("a stream answers one request"))
        }
        Incoming::Single(envelope) => {
            let request = (envelope, &sent, deadline);
            single(endpoint, media, actor, parts, request, permit).await
        }
        Incoming::Batch(envelopes) => {
            // The first request of the batch is already counted.
            endpoint.quotas.count(&actor, envelopes.len() - 1)?;
            let answers = batch(endpoint, actor, envelopes, deadline.clone());
            // Keeps permit and lease until the last answer is sent, or the client disconnects.
            let held = (permit, body_read);
            let answers = answers.inspect(move |_| {
                let _ = &held;
            });
            Ok(response::batch(media, answers))
        }
    }
}

async fn signed_in(endpoint: &Endpoint, headers: &HeaderMap) -> Result<Actor, Refusal> {
    auth::authenticate(endpoint.app(), headers)
        .await
        .map_err(|error| Refusal::not_signed_in(&error))
}

async fn single(
    endpoint: &Endpoint,
    media: Media,
    actor: Actor,
    parts: &Parts,
    (envelope, body, deadline): (Envelope, &Bytes, &Deadline),
    permit: Permit,
) -> Result<Response, Refusal> {
    let prepared = match endpoint.prepare(&actor, envelope, deadline).await? {
        Ok(prepared) => prepared,
        // graphql-sse reports validation errors as events of an accepted connection
        // (https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md).
        Err(errors) if media == Media::EventStream => return Ok(stream::refused(&errors)),
        Err(errors) => return Ok(response::invalid(media, errors)),
    };
    let mut media = media;
    match prepared.operation {
        // GET must not change state: links, prefetching and caches send GET
        // (https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1).
        OperationType::Mutation if parts.method != Method::POST => {
            let message = "a GET request runs queries only: send a mutation by POST";
            return Err(Refusal::method("POST", message));
        }
        // A client that accepts both JSON and event streams gets a stream for subscriptions only.
        OperationType::Subscription if Media::takes_stream(&parts.headers) => {
            media = Media::EventStream;
        }
        OperationType::Subscription => return Err(not_a_stream()),
        _ => {}
    }
    let key = match prepared.operation {
        OperationType::Mutation => idempotency::key(&parts.headers)?,
        _ => None,
    };
    if media == Media::EventStream {
        if key.is_some() {
            let message = "an Idempotency-Key goes with an answer in JSON, not with a stream";
            return Err(Refusal::bad_request(message));
        }
        return stream::events(endpoint, &actor, prepared, permit);
    }
    if let Some(key) = key {
        let request = idempotency::request(endpoint, &actor, key, body, deadline).await?;
        return idempotency::run_once(
            endpoint,
            actor,
            &request,
            media,
            prepared,
            (deadline, permit),
        )
        .await;
    }
    let budget = prepared.budget.clone();
    let answer = move |response| {
        let lease = budget.take();
        response::single(media, LeasedResponse { response, lease })
    };
    let answered = endpoint.run(actor, prepared, None, deadline, answer);
    let response = answered.await?;
    // After serialising: the request counts as running until its answer is ready.
    drop(permit);
    Ok(response)
}

/// Runs the requests of a batch in order, each after the answer before was taken by the client.
///
/// Each request has its answer in its place, also when the deadline passes before its turn. Dropping the stream ends
/// the batch.
fn batch(
    endpoint: &Endpoint,
    actor: Actor,
    envelopes: Vec<Envelope>,
    deadline: Deadline,
) -> impl Stream<Item = LeasedResponse> + Send + 'static + use<> {
    let endpoint = endpoint.clone();
    streams::iter(envelopes).then(move |envelope| {
        let (endpoint, actor) = (endpoint.clone(), actor.clone());
        // A `Fate` for each request: a timeout of the third says nothing on the first.
        let deadline = deadline.part();
        async move {
            let answer = async {
                let prepared = endpoint.prepare(&actor, envelope, &deadline).await;
                let prepared = prepared.map_err(|refusal| refusal.errors)??;
                // A batch is a single JSON list, which an endless answer would never close.
                if prepared.operation == OperationType::Subscription {
                    return Err(not_a_stream().errors);
                }
                let budget = prepared.budget.clone();
                let answered = move |response| LeasedResponse {
                    response,
                    lease: budget.take(),
                };
                let answer = endpoint.run(actor, prepared, None, &deadline, answered);
                answer.await.map_err(|refusal| refusal.errors)
            };
            answer.await.unwrap_or_else(|errors| LeasedResponse {
                response: GraphQlResponse::from_errors(errors),
                lease: endpoint.app().memory.empty(),
            })
        }
    })
}

fn not_a_stream() -> Refusal {
    Refusal::bad_request(
        "a subscription is answered over WebSocket (graphql-transport-ws) or as text/event-stream",
    )
}
