//! `annograph serve`

mod demo;

use std::{io::Write, net::SocketAddr, time::Duration};

use anyhow::Context;
use entity::user::Role;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::open;
use crate::{
    app::App,
    config::{DatabaseArgs, ServeArgs},
    domain::{annotation, idempotency, import, token, user},
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
        demo::fill(&app, admin(&app).await?.id).await?;
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
    let mut out = std::io::stdout();
    let link = |fragment: &str| format!("http://{address}/{fragment}");
    if let Some(text) = &args.admin_token {
        let admin = admin(app).await?;
        token::ensure(app, &admin, "ANNOGRAPH_ADMIN_TOKEN", text).await?;
    }
    if token::admin_exists(app).await? {
        writeln!(out, "Annograph is at {}", link(""))?;
    } else {
        let admin = admin(app).await?;
        let created = token::create(app, &admin, "first start", None).await?;
        let text = created.text;
        writeln!(out, "Annograph is at {}", link(""))?;
        writeln!(out, "  open   {}", link(&format!("#token={text}")))?;
        writeln!(out, "  token  {text}")?;
        writeln!(out, "This token signs in the admin. It is shown this once.")?;
    }
    out.flush()?;
    Ok(())
}

/// An admin who can sign in: the one named `admin` before others, made when there is none.
async fn admin(app: &App) -> anyhow::Result<entity::user::Model> {
    let found = user::all(app)
        .await?
        .into_iter()
        .filter(|user| user.role == Role::Admin && user.can_sign_in)
        .min_by_key(|user| (user.username != "admin", user.id));
    if let Some(row) = found {
        return Ok(row);
    }
    let new = user::New {
        username: "admin".to_owned(),
        display_name: String::new(),
        email: None,
        role: Role::Admin,
    };
    user::create(app, new)
        .await
        .context("can't make an admin: add one with `annograph user add NAME --role admin`")
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
