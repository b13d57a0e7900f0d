//! `annograph serve`: life of the server process.

mod demo;

use std::{net::SocketAddr, time::Duration};

use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{is_broken_pipe, open, print};
use crate::{
    app::App,
    config::{DatabaseArgs, ServeArgs},
    domain::{annotation, import, sweep, token},
    error::Error,
    server,
};

/// Longest wait for the database to close when the server stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Interval of attempts to finish a deferred startup.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Migrates the database, and serves until a signal stops the server. Fails when the database or the address can't be
/// opened.
pub async fn run(database: &DatabaseArgs, args: ServeArgs) -> anyhow::Result<()> {
    let mut database = database.clone();
    // Lives until the end of the function: dropping the folder removes the demo's database.
    let demo_folder = args.demo.then(tempfile::tempdir).transpose()?;
    if let Some(folder) = &demo_folder {
        database.database_url = format!("sqlite:{}", folder.path().join("demo.db").display());
    }
    let app = open(&database).await?.with_identities();
    let mut is_finished = finish_startup(&app).await?;
    if args.demo {
        demo::fill(&app, token::bootstrap::admin(&app).await?.id).await?;
    }
    let stopping = CancellationToken::new();
    // Before the listener: an invalid manifest must end the process before clients can connect.
    let router = server::router(app.clone(), &args, stopping.clone())?;
    let listener = server::listen(args.listen).await?;
    let address = listener.local_addr()?;
    // Signal handlers before the greeting: its reader may stop the server at once.
    let stop = stop_signal()?;
    is_finished &= greet(&app, &args, address).await?;
    // Starts with the server, not with the first subscription: other processes then learn of writes at once.
    app.events.start();
    let mut work = vec![
        spawn_background(sweep::keep_swept(app.clone())),
        spawn_background(app.db.clone().keep_probed()),
        spawn_background(import::keep_settled(app.clone())),
    ];
    if !is_finished {
        work.push(spawn_background(retry_startup(
            app.clone(),
            args.clone(),
            address,
        )));
    }
    tracing::info!(%address, database = ?app.db.backend(), "ready");
    server::serve(listener, router, &args, stopping, stop).await?;
    // In this order: subscriptions end first, then background work, then connections.
    app.events.stop();
    app.identities.stop();
    drop(work);
    // Operations interrupted at shutdown may hold a connection for a moment.
    if tokio::time::timeout(CLOSE_TIMEOUT, app.db.close())
        .await
        .is_err()
    {
        tracing::warn!("the database was still in use");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Spawns background work, which ends when the handle is dropped.
fn spawn_background(work: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(work))
}

/// Finishes what an earlier process left: settles dead imports and fills the search index. False when the database
/// accepts no writes, so that [`retry_startup`] has to do so later.
async fn finish_startup(app: &App) -> anyhow::Result<bool> {
    let finished = async {
        import::recover(app)
            .await?
            .iter()
            .for_each(import::Recovered::log);
        fill_index(app).await
    };
    done_or_deferred(
        app,
        finished.await.map_err(Into::into),
        "settle what was left undone",
    )
}

/// Returns true after work was done. On a database that accepts no writes logs the condition and returns false, so
/// that [`retry_startup`] repeats the work; other errors end the process.
fn done_or_deferred(app: &App, done: anyhow::Result<()>, what: &str) -> anyhow::Result<bool> {
    let Err(error) = done else {
        return Ok(true);
    };
    let Some(Error::Unavailable(failure)) = error.downcast_ref() else {
        return Err(error);
    };
    app.db.health().begin(failure);
    let reason = failure.reason.word();
    tracing::warn!(reason, "can't {what} yet: {failure}; reads are served");
    Ok(false)
}

/// Repeats deferred startup work until the database accepts writes.
async fn retry_startup(app: App, args: ServeArgs, address: SocketAddr) {
    loop {
        tokio::time::sleep(RETRY_INTERVAL).await;
        // Probes first: an attempt on a read-only database would log the same warning every time.
        if app.db.takes_writes().await.is_err() {
            continue;
        }
        let done = async {
            let is_filled = finish_startup(&app).await?;
            let mut greeting = String::new();
            let is_ensured = ensure_admin(&app, &args, address, &mut greeting).await?;
            print_greeting(&greeting)?;
            anyhow::Ok(is_filled && is_ensured)
        };
        match done.await {
            Ok(true) => return tracing::info!("done what the start had left for later"),
            Ok(false) => {}
            Err(error) => return tracing::error!(error = format!("{error:#}"), "can't catch up"),
        }
    }
}

/// Fills the search index (`annotation_term`) for annotations written before it existed. Servers that start together
/// share the work.
async fn fill_index(app: &App) -> Result<(), Error> {
    const LOG_EVERY: usize = 10_000;
    let (mut done, mut logged) = (0, 0);
    while let Some(more) = annotation::index::fill(app).await? {
        done += more;
        if done >= logged + LOG_EVERY {
            logged = done;
            tracing::info!(done, "indexing annotations by labels and kinds of regions");
        }
    }
    if done > 0 {
        tracing::info!(done, "indexed annotations by labels and kinds of regions");
    }
    Ok(())
}

/// Ensures that an admin can sign in, and prints the greeting. False when the database accepts no writes.
async fn greet(app: &App, args: &ServeArgs, address: SocketAddr) -> anyhow::Result<bool> {
    let mut greeting = format!("Annograph is at http://{address}/\n");
    let is_done = ensure_admin(app, args, address, &mut greeting).await?;
    print_greeting(&greeting)?;
    Ok(is_done)
}

/// Prints the greeting, unless standard output is closed.
fn print_greeting(greeting: &str) -> anyhow::Result<()> {
    match print(format_args!("{greeting}")) {
        // A service manager may close standard output; the server itself must run.
        Err(error) if is_broken_pipe(&error) => {
            tracing::warn!("nobody reads standard output, where the greeting goes");
            Ok(())
        }
        printed => printed,
    }
}

/// Ensures that an admin can sign in, and appends a newly created token to the greeting. False when the database
/// accepts no writes.
async fn ensure_admin(
    app: &App,
    args: &ServeArgs,
    address: SocketAddr,
    greeting: &mut String,
) -> anyhow::Result<bool> {
    let made = async {
        if let Some(text) = &args.admin_token {
            token::bootstrap::check(text)?;
            let ensured = token::bootstrap::ensure(app, "ANNOGRAPH_ADMIN_TOKEN", text).await;
            ensured.map_err(no_admin)?;
        }
        token::bootstrap::make(app).await.map_err(no_admin)
    };
    let mut created = None;
    let made = made.await.map(|token| created = token);
    if let Some(token::Created { text, .. }) = created {
        greeting.push_str(&format!(
            "  open   http://{address}/#token={text}\n  token  {text}\n\
             This token signs in the admin. It is shown this once.\n"
        ));
    }
    done_or_deferred(app, made, "make sure that an admin can sign in")
}

/// Adds advice to a refusal: the username `admin` may be taken by a person.
fn no_admin(error: Error) -> anyhow::Error {
    let is_refused = matches!(error, Error::BadInput(_));
    let error = anyhow::Error::new(error);
    match is_refused {
        true => error
            .context("can't make an admin: add one with `annograph user add NAME --role admin`"),
        false => error,
    }
}

/// Installs the signal handlers at once; the future resolves at the first signal.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    let signal = {
        // Both are needed: terminals send SIGINT, service managers and containers SIGTERM.
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
    let signal = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "can't wait for an interrupt");
            std::future::pending::<()>().await;
        }
    };
    Ok(async move {
        signal.await;
        tracing::info!("stopping");
    })
}
