//! What one answer may make of stored regions beyond what is stored: a few bytes stand for a large mask, and many
//! relations lead to one large region.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_graphql::{Context, Error, ErrorExtensions, Result};

use crate::{graphql::error::LIMIT_EXCEEDED, labelstudio::region::MAX_PIXELS};

/// Pixels that an answer may draw: those of four of the largest masks.
const PIXELS: u64 = 4 * MAX_PIXELS;

/// Bytes that the regions may have, as they are stored, that an answer's relations lead to: 64 MiB.
const BYTES: u64 = 1 << 26;

/// What an answer has spent so far.
#[derive(Clone, Default)]
pub struct Budget(Arc<Spent>);

#[derive(Default)]
struct Spent {
    pixels: AtomicU64,
    bytes: AtomicU64,
}

pub trait Spending<'a> {
    fn budget(&self) -> &'a Budget;
}

impl<'a> Spending<'a> for Context<'a> {
    fn budget(&self) -> &'a Budget {
        self.data_unchecked()
    }
}

impl Budget {
    /// For the next answer of a subscription.
    pub fn renew(&self) {
        self.0.pixels.store(0, Ordering::Relaxed);
        self.0.bytes.store(0, Ordering::Relaxed);
    }

    /// Before pixels are drawn.
    pub fn draw(&self, pixels: u64) -> Result<()> {
        let of_what = "pixels drawn in an answer";
        spend(&self.0.pixels, pixels, PIXELS, "pixels", of_what)
    }

    /// Before a relation leads to a region.
    pub fn follow(&self, bytes: usize) -> Result<()> {
        let of_what = "bytes of regions that the relations of an answer lead to";
        spend(&self.0.bytes, bytes as u64, BYTES, "relationBytes", of_what)
    }
}

fn spend(spent: &AtomicU64, more: u64, max: u64, limit: &str, of_what: &str) -> Result<()> {
    let before = spent.fetch_add(more, Ordering::Relaxed);
    if before.saturating_add(more) <= max {
        return Ok(());
    }
    let message = format!("{max} is the limit of {of_what}: ask for fewer regions at once");
    Err(Error::new(message).extend_with(|_, values| {
        values.set("code", LIMIT_EXCEEDED);
        values.set("limit", limit);
        values.set("max", max);
    }))
}
