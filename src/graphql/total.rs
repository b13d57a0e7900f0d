//! `totalCount`: counts of whole lists, each made once for all pages of the list in one response.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::{Context, dataloader::Loader};
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use super::{
    context::ContextExt,
    loader::{BatchLoader, CountOf},
};
use crate::{
    app::App,
    domain::access::Actor,
    error::{Error, Result},
};

/// A list that can be counted.
pub trait Counted: Send + Sync {
    fn count<'a>(&'a self, ctx: &'a Context<'_>) -> BoxFuture<'a, Result<i64>>;
}

/// A list below a parent. The loader counts the same list below several parents at once.
impl<F> Counted for CountOf<F>
where
    F: PartialEq + Send + Sync + 'static,
    BatchLoader: Loader<CountOf<F>, Value = Result<i64>, Error = Error>,
{
    fn count<'a>(&'a self, ctx: &'a Context<'_>) -> BoxFuture<'a, Result<i64>> {
        Box::pin(async {
            let count = ctx.loader().load_one(self.clone()).await?;
            Ok(count.transpose()?.unwrap_or(0))
        })
    }
}

/// The filter of a list at the root.
pub trait RootFilter: PartialEq + Send + Sync + 'static {
    /// Counts the rows that match and that the actor sees.
    fn count(&self, app: &App, actor: &Actor) -> impl Future<Output = Result<u64>> + Send;
}

/// A list at the root.
pub struct Root<F>(Arc<F>);

impl<F> Root<F> {
    /// Count of the rows that match the filter.
    pub fn new(filter: F) -> Self {
        Self(Arc::new(filter))
    }
}

impl<F: RootFilter> Counted for Root<F> {
    fn count<'a>(&'a self, ctx: &'a Context<'_>) -> BoxFuture<'a, Result<i64>> {
        let total = ctx.data_unchecked::<Totals>().of(&self.0);
        Box::pin(async move {
            let count = async || {
                let count = self.0.count(ctx.app(), ctx.actor()).await?;
                Ok(i64::try_from(count).unwrap_or(i64::MAX))
            };
            total.get_or_try_init(count).await.copied()
        })
    }
}

/// Counts of lists at the root, of one response. Two fields that ask for the same count run one after the other, so
/// that the second finds the result of the first, which a batch of the loader would not.
#[derive(Default)]
pub struct Totals(Mutex<Vec<Total>>);

/// A filter, and the number of rows that match it.
type Total = (Arc<dyn Any + Send + Sync>, Arc<OnceCell<i64>>);

impl Totals {
    fn of<F: RootFilter>(&self, filter: &Arc<F>) -> Arc<OnceCell<i64>> {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = totals
            .iter()
            .find(|(known, _)| known.downcast_ref::<F>() == Some(&**filter));
        if let Some((_, total)) = known {
            return total.clone();
        }
        let total = Arc::<OnceCell<i64>>::default();
        totals.push((filter.clone(), total.clone()));
        total
    }
}
