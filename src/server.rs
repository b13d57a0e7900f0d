//! HTTP server: routes, connections, shutdown.

mod chunked;
mod cors;
mod lingering;

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderName, HeaderValue, Request, StatusCode, Version, header, uri::Authority},
    middleware::{Next, from_fn, map_response},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::Semaphore,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    trace::TraceLayer,
};

use crate::{
    app::{App, Memory},
    config::{HttpArgs, ServeArgs, Switch},
    endpoint::{
        engine::Engine,
        graphiql,
        handler::{self, Endpoint},
    },
    graphql::sdl,
};

/// Length of the queue of connections not yet accepted; the operating system may lower the value.
const BACKLOG: u32 = 4_096;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Routes of the server with all layers. Cancelling `stopping` ends sockets and streams.
pub fn router(app: App, args: &ServeArgs, stopping: CancellationToken) -> anyhow::Result<Router> {
    let memory = args.http.memory.unwrap_or_else(Memory::half_of_machine);
    let app = app.with_memory(Memory::new(memory));
    let engine = Engine::new(app.clone(), &args.limits, &args.documents)?;
    let endpoint = Endpoint::new(app.clone(), engine, args.http.clone(), stopping);
    let max_head = args.http.max_head;
    let mut router = Router::new()
        .route("/graphql", any(handler::graphql))
        .with_state(endpoint);
    // With introspection off, the schema's text would reveal the same.
    if args.documents.introspection == Switch::On {
        router = router.route("/schema.graphql", get(schema_text));
    }
    let drain_timeout = Duration::from_secs(args.http.body_timeout);
    let router = router
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz).with_state(app))
        .merge(graphiql::routes())
        // Layers apply from the inside out: a response is chunked first, then compressed.
        .layer(map_response(chunked::chunked))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(handler::panicked));
    let router = cors::allowed(router, &args.http.cors_origin)
        .layer(from_fn(move |request, next| {
            limit_head(max_head, request, next)
        }))
        .layer(from_fn(move |request, next| {
            lingering::drain_unread(drain_timeout, request, next)
        }))
        // Browsers must not guess a type: stored JSON could be taken for HTML.
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(
            // Runs within the request id's layer, so that each span has the id.
            TraceLayer::new_for_http().make_span_with(|request: &Request<_>| {
                let id = request.headers().get(REQUEST_ID);
                tracing::debug_span!(
                    "request",
                    method = %request.method(),
                    path = request.uri().path(),
                    id = id.and_then(|id| id.to_str().ok()).unwrap_or_default(),
                )
            }),
        )
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid));
    Ok(router)
}

/// Refuses an oversized head. hyper itself closes connections whose head exceeds the read buffer, without a response.
async fn limit_head(max_head: usize, request: Request<Body>, next: Next) -> Response {
    let address = request.uri().path_and_query();
    let address = address.map_or(0, |address| address.as_str().len());
    let fields = request.headers().iter();
    let fields: usize = fields
        // Four bytes per field for `: ` and the line break.
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if address + fields > max_head {
        return handler::head_too_large(max_head);
    }
    next.run(request).await
}

/// Refuses a request without exactly one valid `Host`, as [RFC 9112,
/// 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2) demands: a proxy between client and server may have
/// evaluated the other of two.
async fn require_one_host(request: Request<Body>, next: Next) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    // HTTP/1.0 has no `Host`.
    let is_optional = request.version() < Version::HTTP_11;
    let is_one = match (hosts.next(), hosts.next()) {
        (Some(host), None) => is_host(host.as_bytes()),
        (None, _) => is_optional,
        (Some(_), Some(_)) => false,
    };
    match is_one {
        true => next.run(request).await,
        false => handler::host_is_missing(),
    }
}

/// Checks whether a value is valid for `Host`: empty, or a host with or without port.
fn is_host(value: &[u8]) -> bool {
    // `Authority` also accepts user information, which `Host` must not contain.
    let is_plain = || !value.contains(&b'@');
    value.is_empty() || (Authority::try_from(value).is_ok() && is_plain())
}

/// Serves until `stop` resolves; then finishes running requests within the grace period.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    args: &ServeArgs,
    stopping: CancellationToken,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let http = connections(&args.http);
    let router = router.layer(from_fn(require_one_host));
    let write_timeout = Duration::from_secs(args.http.body_timeout);
    let most = connection_limit(args.http.max_connections);
    let permits = Arc::new(Semaphore::new(most as usize));
    let ending = CancellationToken::new();
    tokio::pin!(stop);
    loop {
        let accepted = async {
            // Accepts only with a free permit; further connections wait in the system's queue.
            let permit = permits.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Fails when file descriptors run out or the peer has left already. The pause avoids a busy loop on
                // the former.
                tracing::warn!(%error, "can't accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Sends small responses at once instead of waiting for the acknowledgement of the previous segment
        // (https://www.rfc-editor.org/rfc/rfc9293#section-3.7.4).
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "can't set TCP_NODELAY");
        }
        // Ends connections whose client does not read: an unread response would hold the permit for ever.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(write_timeout));
        let permit = handler::ConnectionPermit::new(permit?);
        let stream = handler::ReadLimited::new(stream, permit.clone());
        // WebSockets take a clone of the permit, because they outlive the HTTP connection.
        let shared = permit.clone();
        let service = router
            .clone()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(shared.clone());
                request
            });
        let service = TowerToHyperService::new(service);
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let stopping = stopping.clone();
        let ending = ending.clone();
        tokio::spawn(async move {
            let connection = connection.with_upgrades();
            tokio::pin!(connection);
            let gracefully = async {
                tokio::select! {
                    ended = &mut connection => ended,
                    () = stopping.cancelled() => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                }
            };
            let ended = tokio::select! {
                ended = gracefully => ended,
                // Dropping the connection drops the operations that run for it.
                () = ending.cancelled() => Ok(()),
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    // Closes the listener first: load balancers see refused connections, and retry elsewhere, before requests are cut
    // off.
    drop(listener);
    stopping.cancel();
    // Permits are counted, not connections as hyper-util's `GracefulShutdown` does: a WebSocket keeps its permit
    // when it is handed over, and its connection has ended by then.
    let grace = Duration::from_secs(args.grace);
    if tokio::time::timeout(grace, permits.acquire_many(most))
        .await
        .is_err()
    {
        tracing::warn!("requests were still under way");
        ending.cancel();
    }
    Ok(())
}

/// Maximum connections: the configured number, bounded by file descriptors, of which some stay reserved for the
/// database. Raises the soft limit up to the hard limit.
fn connection_limit(asked: usize) -> u32 {
    const RESERVED: u64 = 128;
    let asked = asked.max(1) as u64;
    let most = match rlimit::increase_nofile_limit(asked.saturating_add(RESERVED)) {
        Ok(descriptors) => asked.min(descriptors.saturating_sub(RESERVED).max(1)),
        Err(_) => asked,
    };
    if most < asked {
        tracing::warn!(
            most,
            asked,
            "fewer connections than asked for: the system's limit of open files is low"
        );
    }
    u32::try_from(most).unwrap_or(u32::MAX)
}

fn connections(args: &HttpArgs) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(args.header_timeout))
        // Buffer: large enough that `limit_head` can answer an oversized head with 431 instead of a closed
        // connection.
        .max_buf_size((4 * args.max_head).max(64 << 10));
    http
}

/// Listens on an address; port 0 takes a free port.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    use anyhow::Context;
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let listen = || {
        let socket = socket?;
        // Connections of a server that was just stopped stay in TIME_WAIT and would block the address. On Windows the
        // option would allow two servers on an address.
        socket.set_reuseaddr(cfg!(unix))?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().with_context(|| format!("can't listen on {address}"))
}

async fn schema_text() -> Response {
    let content_type = HeaderValue::from_static("application/graphql; charset=utf-8");
    ([(header::CONTENT_TYPE, content_type)], sdl::published()).into_response()
}

/// Liveness: the process runs.
async fn healthz() -> &'static str {
    "ok"
}

/// Readiness: the database accepts writes. Otherwise 503 with the reason.
async fn readyz(State(app): State<App>) -> Response {
    match app.db.takes_writes().await {
        Ok(()) => "ok".into_response(),
        Err(reason) => {
            let text = format!("{reason}: {}", reason.message());
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}
