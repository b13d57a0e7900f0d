//! Limits on the expansion of stored data in an answer: a few bytes describe a large mask, many relations lead to the
//! same large region, and many controls label the same large object.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_graphql::{Context, Error, ErrorExtensions};
use label_studio::region::MAX_PIXELS;

use crate::graphql::error::LIMIT_EXCEEDED;

/// Pixels that an answer may draw: those of four of the largest masks.
const PIXELS: Limit = Limit {
    name: "pixels",
    max: 4 * MAX_PIXELS,
    of_what: "pixels drawn in an answer",
};

const RELATION_BYTES: Limit = Limit {
    name: "relationBytes",
    max: 1 << 26,
    of_what: "bytes of regions that the relations of an answer lead to",
};

const MASK_BYTES: Limit = Limit {
    name: "maskBytes",
    max: 1 << 26,
    of_what: "bytes of run lengths read for an answer",
};

const CONFIG_BYTES: Limit = Limit {
    name: "configBytes",
    max: 1 << 24,
    of_what: "bytes that an answer repeats of labelling configs",
};

/// Amounts that an answer has spent.
#[derive(Clone)]
pub struct Budget {
    /// Pixels, spent before drawing.
    pub pixels: Arc<Allowance>,
    /// Stored bytes of regions, spent before a relation leads to a region.
    pub relations: Arc<Allowance>,
    /// Bytes of run lengths, spent before decoding.
    pub masks: Arc<Allowance>,
    /// Bytes of what many parts of a config have in common.
    pub config: Arc<Allowance>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            pixels: Allowance::new(PIXELS),
            relations: Allowance::new(RELATION_BYTES),
            masks: Allowance::new(MASK_BYTES),
            config: Allowance::new(CONFIG_BYTES),
        }
    }
}

impl Budget {
    /// For the next answer of a subscription.
    pub fn renew(&self) {
        // Events of a subscription share the budget, and each event has the full amount.
        for allowance in [&self.pixels, &self.relations, &self.masks, &self.config] {
            allowance.spent.store(0, Ordering::Relaxed);
            allowance.is_reported.store(false, Ordering::Relaxed);
        }
    }
}

/// Access to the budgets of regions and configs of a request.
pub trait Spending<'a> {
    fn budget(&self) -> &'a Budget;
}

impl<'a> Spending<'a> for Context<'a> {
    fn budget(&self) -> &'a Budget {
        self.data_unchecked()
    }
}

/// Limit of an answer and the amount spent so far.
pub struct Allowance {
    limit: Limit,
    spent: AtomicU64,
    is_reported: AtomicBool,
}

#[derive(Clone, Copy)]
struct Limit {
    name: &'static str,
    max: u64,
    of_what: &'static str,
}

/// More was asked for than an answer may have.
pub struct Overrun {
    limit: Limit,
    is_first: bool,
}

impl Allowance {
    fn new(limit: Limit) -> Arc<Self> {
        Arc::new(Self {
            limit,
            spent: AtomicU64::new(0),
            is_reported: AtomicBool::new(false),
        })
    }

    /// Before more is given out. After an overrun nothing is.
    pub fn spend(&self, more: u64) -> Result<(), Overrun> {
        // Adds before the comparison: parallel fields can't pass the limit together. The counter only guides limits,
        // so relaxed order suffices.
        let before = self.spent.fetch_add(more, Ordering::Relaxed);
        if before.saturating_add(more) <= self.limit.max {
            return Ok(());
        }
        Err(Overrun {
            limit: self.limit,
            is_first: !self.is_reported.swap(true, Ordering::Relaxed),
        })
    }

    /// An error told of it: what can be null, and leads to more of the same, is null.
    pub fn is_overrun(&self) -> bool {
        self.is_reported.load(Ordering::Relaxed)
    }
}

impl Overrun {
    /// Returns the error of a nullable field at the first overrun of an answer, then nothing. A non-null field has to
    /// raise the error, which makes its list and the enclosing objects null.
    pub fn error_once(self) -> Option<Error> {
        // Reports the first overrun alone: thousands of equal errors would fill the answer.
        self.is_first.then(|| self.into())
    }
}

impl From<Overrun> for Error {
    fn from(Overrun { limit, .. }: Overrun) -> Self {
        let Limit { name, max, of_what } = limit;
        let message = format!("{max} is the limit of {of_what}: ask for less at once");
        Self::new(message).extend_with(|_, values| {
            values.set("code", LIMIT_EXCEEDED);
            values.set("limit", name);
            values.set("max", max);
        })
    }
}
