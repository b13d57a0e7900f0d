//! `annograph serve`

mod demo;

use std::{net::SocketAddr, time::Duration};

use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{is_reader_gone, open, print};
use crate::{
    app::App,
    config::{DatabaseArgs, ServeArgs},
    domain::{annotation, idempotency, import, token},
    error::Error,
    server,
};

/// How long the database has to come to rest when the server stops.
const CLOSING: Duration = Duration::from_secs(2);

pub async fn run(database: &DatabaseArgs, args: ServeArgs) -> anyhow::Result<()> {
    let mut database = database.clone();
    // Held until the end: dropping it removes the demo's database.
    let demo_folder = args.demo.then(tempfile::tempdir).transpose()?;
    if let Some(folder) = &demo_folder {
        database.database_url = format!("sqlite:{}", folder.path().join("demo.db").display());
    }
    let app = open(&database).await?;
    for recovered in import::recover(&app).await? {
        let project_id = recovered.project_id;
        let is_complete = recovered.is_complete;
        tracing::warn!(project_id, is_complete, "settled an import that had died");
    }
    fill_index(&app).await?;
    if args.demo {
        demo::fill(&app, token::first::admin(&app).await?.id).await?;
    }
    let stopping = CancellationToken::new();
    let router = server::router(app.clone(), &args, stopping.clone())?;
    let listener = server::listen(args.listen).await?;
    let address = listener.local_addr()?;
    // Whoever reads the greeting may stop the server at once.
    let stop = stop_signal()?;
    greet(&app, &args, address).await?;
    app.events.start();
    let sweeping = AbortOnDropHandle::new(tokio::spawn(idempotency::keep_swept(app.clone())));
    tracing::info!(%address, database = ?app.db.backend(), "ready");
    server::serve(listener, router, &args, stopping, stop).await?;
    app.events.stop();
    drop(sweeping);
    // What was given up may hold its connection for a moment.
    if tokio::time::timeout(CLOSING, app.db.close()).await.is_err() {
        tracing::warn!("the database was still in use");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Lets annotations of before the index be found by labels and kinds of regions. Of several servers that
/// start together each does a part.
async fn fill_index(app: &App) -> anyhow::Result<()> {
    const TOLD_EVERY: usize = 10_000;
    let (mut done, mut told) = (0, 0);
    while let Some(more) = annotation::index::fill(app).await? {
        done += more;
        if done >= told + TOLD_EVERY {
            told = done;
            tracing::info!(done, "indexing annotations by labels and kinds of regions");
        }
    }
    if done > 0 {
        tracing::info!(done, "indexed annotations by labels and kinds of regions");
    }
    Ok(())
}

/// Makes sure that somebody can sign in, and tells them how.
async fn greet(app: &App, args: &ServeArgs, address: SocketAddr) -> anyhow::Result<()> {
    if let Some(text) = &args.admin_token {
        token::first::check(text)?;
        let ensured = token::first::ensure(app, "ANNOGRAPH_ADMIN_TOKEN", text).await;
        ensured.map_err(no_admin)?;
    }
    let created = token::first::make(app).await.map_err(no_admin)?;
    let mut greeting = format!("Annograph is at http://{address}/\n");
    if let Some(token::Created { text, .. }) = created {
        greeting.push_str(&format!(
            "  open   http://{address}/#token={text}\n  token  {text}\n\
             This token signs in the admin. It is shown this once.\n"
        ));
    }
    match print(format_args!("{greeting}")) {
        Err(error) if is_reader_gone(&error) => {
            tracing::warn!("nobody reads standard output, where the greeting goes");
            Ok(())
        }
        printed => printed,
    }
}

/// Says what to do when the admin can't be called as usual.
fn no_admin(error: Error) -> anyhow::Error {
    let is_refused = matches!(error, Error::BadInput(_));
    let error = anyhow::Error::new(error);
    match is_refused {
        true => error
            .context("can't make an admin: add one with `annograph user add NAME --role admin`"),
        false => error,
    }
}

/// Listens, from now on, for being told to stop; the future resolves once that happens.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    let told = {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
    };
    #[cfg(not(unix))]
    let told = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "can't wait for an interrupt");
            std::future::pending::<()>().await;
        }
    };
    Ok(async move {
        told.await;
        tracing::info!("stopping");
    })
}
