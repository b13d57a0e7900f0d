//! Connections that outlive a request: they end when the token that opened them does.

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

/// The tokens of all live sessions, checked together once in a while: one statement, however many there are.
#[derive(Clone)]
pub struct Sessions {
    app: App,
    interval: Duration,
    active: Arc<Mutex<ActiveTokens>>,
}

#[derive(Default)]
struct ActiveTokens {
    /// Who listens learns of the end. The role is what the user was at the beginning: another one ends the
    /// session too, so that nobody keeps rights.
    tokens: HashMap<(i64, Role), watch::Sender<bool>>,
    is_checking: bool,
}

/// A connection that lives as long as its token is good.
pub struct Session(watch::Receiver<bool>);

impl Sessions {
    pub fn new(app: App, interval: Duration) -> Self {
        Self {
            app,
            interval,
            active: Arc::default(),
        }
    }

    /// Begins a session of somebody who has just signed in.
    pub fn open(&self, actor: &Actor) -> Session {
        let mut active = self.active();
        let token = active.tokens.entry((actor.token_id, actor.user.role));
        let session = Session(token.or_default().subscribe());
        if !active.is_checking {
            active.is_checking = true;
            tokio::spawn(self.clone().check());
        }
        session
    }

    /// Checks for as long as there are sessions.
    async fn check(self) {
        loop {
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
                    let is_good = !ids.contains(id) || active.get(id) == Some(role);
                    if !is_good {
                        ended.send_replace(true);
                    }
                    is_good
                }),
                // The next turn tries again.
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
    /// Resolves when the token is not good any more: revoked, expired, or its user has another role.
    pub async fn ended(&mut self) {
        if self.0.wait_for(|ended| *ended).await.is_err() {
            // Only a stop of the whole server takes the sender away without a word.
            std::future::pending::<()>().await;
        }
    }
}
