//! Quotas of users: requests per second, and requests and subscriptions at once.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use super::response::Refusal;
use crate::{config::HttpArgs, domain::access::Actor};

/// Requests and subscriptions per user, counted over all tokens of the user.
#[derive(Clone)]
pub struct Quotas {
    rate: Option<Arc<DefaultKeyedRateLimiter<i64>>>,
    requests: InFlight,
    subscriptions: InFlight,
}

#[derive(Clone)]
struct InFlight {
    what: &'static str,
    max: usize,
    by_user: Arc<Mutex<HashMap<i64, usize>>>,
}

/// Permit of a request or subscription, released on drop.
pub struct Permit {
    user_id: i64,
    in_flight: InFlight,
}

/// `Retry-After` for users with too many requests at once.
const PAUSE: Duration = Duration::from_secs(1);

impl Quotas {
    /// Creates full quotas; a limit of 0 refuses nothing.
    pub fn new(args: &HttpArgs) -> Self {
        let rate = NonZeroU32::new(args.rate_limit)
            .map(|rate| Arc::new(RateLimiter::keyed(Quota::per_second(rate))));
        Self {
            rate,
            requests: InFlight::new("requests", args.max_concurrent),
            subscriptions: InFlight::new("subscriptions", args.max_subscriptions),
        }
    }

    /// Counts received requests. Refuses requests above the rate.
    pub fn count(&self, actor: &Actor, requests: usize) -> Result<(), Refusal> {
        let Some(rate) = &self.rate else {
            return Ok(());
        };
        let Some(count) = NonZeroU32::new(u32::try_from(requests).unwrap_or(u32::MAX)) else {
            return Ok(());
        };
        // A batch counts as a whole or not at all: a refused batch must not use up the rate.
        let wait = match rate.check_key_n(&actor.id(), count) {
            Ok(Ok(())) => return Ok(()),
            // Reads the limiter's own clock: instants of other clocks are not comparable.
            Ok(Err(refused)) => refused.wait_time_from(DefaultClock::default().now()),
            // No wait would let such a batch pass, so the refusal names none.
            Err(_) => {
                let message = "a batch of more requests than a user may send per second";
                return Err(Refusal::bad_request(message));
            }
        };
        let message = "more requests per second than a user may send: wait, then send it again";
        Err(Refusal::too_often(message, wait))
    }

    /// Takes a permit to run a request.
    pub fn request(&self, actor: &Actor) -> Result<Permit, Refusal> {
        self.requests.acquire(actor.id())
    }

    /// Takes a permit to keep a subscription.
    pub fn subscription(&self, actor: &Actor) -> Result<Permit, Refusal> {
        self.subscriptions.acquire(actor.id())
    }
}

impl InFlight {
    fn new(what: &'static str, max: usize) -> Self {
        Self {
            what,
            max: if max == 0 { usize::MAX } else { max },
            by_user: Arc::default(),
        }
    }

    fn acquire(&self, user_id: i64) -> Result<Permit, Refusal> {
        let mut by_user = self.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_user.entry(user_id).or_default();
        if *count >= self.max {
            let message = format!(
                "{} {} of one user at once are the limit",
                self.max, self.what
            );
            return Err(Refusal::too_often(message, PAUSE));
        }
        *count += 1;
        Ok(Permit {
            user_id,
            in_flight: self.clone(),
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let by_user = &self.in_flight.by_user;
        let mut by_user = by_user.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_user.get_mut(&self.user_id) {
            *count -= 1;
            // Removes idle users: the map would otherwise grow with every user ever seen.
            if *count == 0 {
                by_user.remove(&self.user_id);
            }
        }
    }
}
