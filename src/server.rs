//! The routes, and the life of the server from its first connection to its last.

use std::{future::Future, net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{HeaderName, HeaderValue, Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use sea_orm::ConnectionTrait;
use tokio::net::TcpListener;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    trace::TraceLayer,
};

use crate::{
    app::App,
    config::{ServeArgs, Switch},
    graphql::{
        self, Schema, graphiql,
        handler::{self, Endpoint},
    },
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything that the server answers.
pub fn router(app: App, args: &ServeArgs) -> anyhow::Result<Router> {
    let endpoint = Endpoint {
        schema: Schema::new(app.clone(), &args.limits, &args.documents)?,
        max_body: args.max_body,
        timeout: Duration::from_secs(args.timeout),
    };
    let graphql = post(handler::post).fallback(handler::not_allowed);
    let mut router = Router::new()
        .route("/graphql", graphql)
        .with_state(endpoint);
    if args.documents.introspection == Switch::On {
        router = router.route("/schema.graphql", get(schema));
    }
    let router = router
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz).with_state(app))
        .merge(graphiql::routes())
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(handler::panicked))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(
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

/// Serves until `stop` resolves; then answers what is under way, for as long as the grace period lasts.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    grace: Duration,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let server = axum::serve(
        axum::serve::ListenerExt::tap_io(listener, |connection| {
            // A small answer must not wait for the client's acknowledgement of the one before.
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "can't set TCP_NODELAY");
            }
        }),
        router,
    )
    .with_graceful_shutdown(async move {
        stop.await;
        stopping.send_replace(true);
    });
    let out_of_patience = async move {
        // An error means that the server ended by itself.
        if stopped.wait_for(|stopping| *stopping).await.is_ok() {
            tokio::time::sleep(grace).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        ended = server => ended?,
        () = out_of_patience => tracing::warn!("requests were still under way"),
    }
    Ok(())
}

/// Listens on an address; port 0 takes any that is free.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    use anyhow::Context;
    TcpListener::bind(address)
        .await
        .with_context(|| format!("can't listen on {address}"))
}

async fn schema() -> Response {
    let content_type = HeaderValue::from_static("application/graphql; charset=utf-8");
    (
        [(header::CONTENT_TYPE, content_type)],
        graphql::published_sdl(),
    )
        .into_response()
}

/// The process runs.
async fn healthz() -> &'static str {
    "ok"
}

/// The database answers, so requests will be.
async fn readyz(State(app): State<App>) -> Response {
    let statement = sea_orm::Statement::from_string(app.db.backend(), "SELECT 1");
    match app.db.reader().query_one_raw(statement).await {
        Ok(_) => "ok".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not answer",
            )
                .into_response()
        }
    }
}
