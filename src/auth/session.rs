//! Sessions: connections that outlive a request, and end with their token.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use entity::user::Role;
use tokio::sync::watch;

use crate::{
    app::App,
    domain::{access::Actor, token},
};

/// Tokens of all live sessions, checked together at intervals by a single statement.
#[derive(Clone)]
pub struct Sessions {
    app: App,
    interval: Duration,
    active: Arc<Mutex<ActiveTokens>>,
}

#[derive(Default)]
struct ActiveTokens {
    /// Senders of the end, by token and role at the start. A changed role ends the session, because the connection's
    /// actor still has the old role.
    tokens: HashMap<(i64, Role), watch::Sender<bool>>,
    is_checking: bool,
}

/// Connection that lives as long as its token is active.
pub struct Session(watch::Receiver<bool>);

impl Sessions {
    /// Creates an empty set of sessions, whose tokens are checked once per `interval`.
    pub fn new(app: App, interval: Duration) -> Self {
        Self {
            app,
            interval,
            active: Arc::default(),
        }
    }

    /// Opens a session for an actor authenticated just now.
    pub fn open(&self, actor: &Actor) -> Session {
        let mut active = self.active();
        let token = active.tokens.entry((actor.token_id, actor.user.role));
        let session = Session(token.or_default().subscribe());
        // The check stops without sessions: an idle server runs no statements.
        if !active.is_checking {
            active.is_checking = true;
            tokio::spawn(self.clone().check());
        }
        session
    }

    /// Checks at intervals until no session is left.
    async fn check(self) {
        loop {
            // Sleeps first: the tokens of new sessions were just checked.
            tokio::time::sleep(self.interval).await;
            let ids: HashSet<i64> = {
                let mut active = self.active();
                active.tokens.retain(|_, ended| ended.receiver_count() > 0);
                if active.tokens.is_empty() {
                    active.is_checking = false;
                    return;
                }
                active.tokens.keys().map(|(id, _)| *id).collect()
            };
            match token::active(&self.app, &ids.iter().copied().collect::<Vec<_>>()).await {
                Ok(active) => self.active().tokens.retain(|(id, role), ended| {
                    // Keeps tokens added during the statement, which the result can't contain.
                    let is_good = !ids.contains(id) || active.get(id) == Some(role);
                    if !is_good {
                        ended.send_replace(true);
                    }
                    is_good
                }),
                // Failure keeps the sessions: the next round checks again.
                Err(error) => {
                    let health = self.app.db.health();
                    health.report(&error, "check the tokens of live connections");
                }
            }
        }
    }

    fn active(&self) -> MutexGuard<'_, ActiveTokens> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Resolves when the token is revoked or expired, or when the user's role changed.
    pub async fn ended(&mut self) {
        if self.0.wait_for(|ended| *ended).await.is_err() {
            // The sender is dropped silently only when the whole server stops.
            std::future::pending::<()>().await;
        }
    }
}
