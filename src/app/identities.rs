//! Users and tokens in memory, so that requests sign in without a statement.
//!
//! Three rules keep a revoked token, a lost role or a removed user from being honoured:
//!
//! 1. Rows count for a single generation. A change in this process starts the next generation before its caller
//!    answers ([`Identities::changed`]).
//! 2. Rows count while a lease lasts. The lease is renewed by reading the version of users and tokens, which every
//!    change raises in its own transaction; another version starts the next generation. Without the database the
//!    lease is not renewed, and requests sign in by statements again.
//! 3. A change is answered only after a lease: every lease that began before the change has ended by then, in every
//!    process.
//!
//! The renewal runs while requests come; an idle server runs no statement.
//!
//! Decision: docs/decisions/0030-sign-in-from-memory.md.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use entity::{api_token, user};
use moka::sync::Cache;
use sea_orm::DbBackend;
use tokio::{task::AbortHandle, time::timeout};

use crate::db::{Database, IdentityVersion};

/// Number of tokens and of users that are kept: a few megabytes.
const KEPT: u64 = 10_000;
/// Time without a look-up after which the renewal ends.
const IDLE: Duration = Duration::from_secs(5);
/// Longest time between attempts to read the version of a database that fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Users and tokens in memory. Cheap to clone. The default keeps nothing, for commands: each reads a few rows once.
#[derive(Clone, Default)]
pub struct Identities(Option<Arc<Inner>>);

/// Generation to which rows belong that are read from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

/// Token with its user.
pub struct SignIn {
    pub token: api_token::Model,
    pub user: user::Model,
    /// Last use that was recorded, in microseconds since 1970.
    last_used: AtomicI64,
}

struct Inner {
    db: Database,
    lease: Lease,
    generation: AtomicU64,
    created: Instant,
    /// End of the lease, in nanoseconds since `created`.
    leased_until: AtomicU64,
    /// Set by look-ups, reset by the renewal.
    is_used: AtomicBool,
    renewal: Mutex<Option<AbortHandle>>,
    /// Set by [`Identities::stop`]: no renewal starts any more.
    is_stopped: AtomicBool,
    /// By the hash of the token.
    tokens: Cache<String, (Generation, Arc<SignIn>)>,
    users: Cache<i64, (Generation, Arc<user::Model>)>,
}

/// Times of a lease. Equal in all processes at a database: a change waits for the leases of the others.
#[derive(Clone, Copy)]
struct Lease {
    length: Duration,
    renewal: Duration,
}

impl Lease {
    /// Reading a version takes microseconds on SQLite; PostgreSQL may be far away, and busy.
    fn of(backend: DbBackend) -> Self {
        let (length, renewal) = match backend {
            DbBackend::Sqlite => (50, 10),
            _ => (500, 100),
        };
        Self {
            length: Duration::from_millis(length),
            renewal: Duration::from_millis(renewal),
        }
    }
}

impl Identities {
    /// Keeps users and tokens of this database.
    pub fn of(db: Database) -> Self {
        Self(Some(Arc::new(Inner {
            lease: Lease::of(db.backend()),
            db,
            generation: AtomicU64::default(),
            created: Instant::now(),
            leased_until: AtomicU64::default(),
            is_used: AtomicBool::default(),
            renewal: Mutex::default(),
            is_stopped: AtomicBool::default(),
            tokens: Cache::new(KEPT),
            users: Cache::new(KEPT),
        })))
    }

    /// Returns the current generation; to be called before rows are read that will be kept.
    pub fn generation(&self) -> Generation {
        Generation(self.0.as_ref().map_or(0, |inner| inner.generation()))
    }

    /// Finds a token by its hash. The caller checks whether the token has expired.
    pub fn token(&self, hash: &str) -> Option<Arc<SignIn>> {
        let inner = self.0.as_ref()?;
        inner.current(inner.tokens.get(hash))
    }

    /// Keeps a token that was read in this generation.
    pub fn keep_token(&self, generation: Generation, token: &api_token::Model, user: &user::Model) {
        let Some(inner) = &self.0 else { return };
        let sign_in = SignIn {
            token: token.clone(),
            user: user.clone(),
            last_used: AtomicI64::new(token.last_used_at.map_or(0, |at| at.timestamp_micros())),
        };
        let kept = (generation, Arc::new(sign_in));
        inner.tokens.insert(token.hash.clone(), kept);
    }

    /// Finds a user by id.
    pub fn user(&self, id: i64) -> Option<Arc<user::Model>> {
        let inner = self.0.as_ref()?;
        inner.current(inner.users.get(&id))
    }

    /// Keeps a user who was read in this generation.
    pub fn keep_user(&self, generation: Generation, user: &user::Model) {
        if let Some(inner) = &self.0 {
            let kept = (generation, Arc::new(user.clone()));
            inner.users.insert(user.id, kept);
        }
    }

    /// Starts the next generation. To be called after each attempt to commit a change of a user or token, failed ones
    /// included: the outcome of a failed commit may be unknown.
    pub fn forget(&self) {
        if let Some(inner) = &self.0 {
            inner.start_generation();
        }
    }

    /// Waits until no process honours the state before a committed change. To be called before the change is answered.
    pub async fn changed(&self, db: &Database) {
        self.forget();
        let lease = Lease::of(db.backend()).length;
        // A tenth more, because the clocks of two machines may run at different rates.
        tokio::time::sleep(lease + lease / 10).await;
    }

    /// Ends the renewal, and with it the lease.
    pub fn stop(&self) {
        if let Some(inner) = &self.0 {
            inner.is_stopped.store(true, Ordering::SeqCst);
            if let Some(renewal) = inner.renewal().take() {
                renewal.abort();
            }
            inner.leased_until.store(0, Ordering::SeqCst);
            inner.start_generation();
        }
    }
}

impl SignIn {
    /// Checks whether the recorded last use is older than `step`, and takes `now` for the recorded use if so: of many
    /// requests at once, a single one records the use.
    pub fn is_use_unrecorded(&self, now: DateTime<Utc>, step: Duration) -> bool {
        let (last, now) = (
            self.last_used.load(Ordering::SeqCst),
            now.timestamp_micros(),
        );
        let age = u64::try_from(now.saturating_sub(last)).unwrap_or(0);
        if u128::from(age) < step.as_micros() {
            return false;
        }
        let exchange =
            self.last_used
                .compare_exchange(last, now, Ordering::SeqCst, Ordering::SeqCst);
        exchange.is_ok()
    }
}

impl Inner {
    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    fn start_generation(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn renewal(&self) -> std::sync::MutexGuard<'_, Option<AbortHandle>> {
        self.renewal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a row of the current generation under a lease. Starts the renewal where there is no lease.
    fn current<T>(self: &Arc<Self>, found: Option<(Generation, T)>) -> Option<T> {
        self.is_used.store(true, Ordering::Relaxed);
        if self.since_creation(Instant::now()) >= self.leased_until.load(Ordering::SeqCst) {
            self.start_renewal();
            return None;
        }
        let (generation, row) = found?;
        // After the lease was found valid: a renewal starts the generation first and extends the lease then.
        (generation.0 == self.generation()).then_some(row)
    }

    fn since_creation(&self, at: Instant) -> u64 {
        let nanos = at.saturating_duration_since(self.created).as_nanos();
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }

    fn start_renewal(self: &Arc<Self>) {
        let mut renewal = self.renewal();
        // Read under the lock that `stop` takes after it has set the flag.
        if self.is_stopped.load(Ordering::SeqCst) {
            return;
        }
        if renewal.as_ref().is_none_or(AbortHandle::is_finished) {
            let running = tokio::spawn(renew(Arc::downgrade(self), self.lease.renewal));
            *renewal = Some(running.abort_handle());
        }
    }

    /// Renews the lease once. The lease counts from before the read, so that no change after the read is older.
    async fn renew_once(&self, known: &mut Option<(IdentityVersion, i64)>) -> anyhow::Result<()> {
        let begun = Instant::now();
        let (mut reader, last) = match known.take() {
            Some((reader, last)) => (reader, Some(last)),
            None => (IdentityVersion::open(&self.db).await?, None),
        };
        let version = timeout(self.lease.length, reader.read()).await??;
        if last != Some(version) {
            self.start_generation();
        }
        let until = self.since_creation(begun + self.lease.length);
        self.leased_until.store(until, Ordering::SeqCst);
        *known = Some((reader, version));
        Ok(())
    }
}

/// Renews the lease until no look-up has come for a while, or the cache is gone.
async fn renew(inner: Weak<Inner>, interval: Duration) {
    let mut known = None;
    let mut used_at = Instant::now();
    let mut pause = interval;
    while let Some(inner) = inner.upgrade() {
        if inner.is_used.swap(false, Ordering::Relaxed) {
            used_at = Instant::now();
        } else if used_at.elapsed() >= IDLE {
            return;
        }
        pause = match inner.renew_once(&mut known).await {
            Ok(()) => interval,
            Err(error) => {
                // Requests read the tokens themselves meanwhile, and report a database that fails.
                tracing::debug!(%error, "can't read the version of users and tokens");
                (pause * 2).min(LONGEST_PAUSE)
            }
        };
        drop(inner);
        tokio::time::sleep(pause).await;
    }
}
