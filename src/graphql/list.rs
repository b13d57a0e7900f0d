//! Lists of objects, with the whole path at errors of their items.

use std::{borrow::Cow, iter::successors};

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerError, ServerResult, Value,
    parser::types::Field, registry::Registry,
};
use futures_util::future::try_join_all;

/// A list of objects.
///
/// `Vec` resolves the same type, but replaces the path of every error below an item by the path of the item:
/// `["tasks", "nodes", 0]` for an error of `["tasks", "nodes", 0, "project"]`. Errors need the path of the field that
/// failed: <https://spec.graphql.org/September2025/#sec-Errors.Error-Result-Format>. Lists of scalars and of
/// objects without fields that fail may stay a `Vec`.
pub struct List<T>(Vec<T>);

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        Self(items)
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T: OutputType> OutputType for List<T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        // Items resolve at the same time, so that the loader batches their keys.
        let items = self.0.iter().enumerate().map(|(index, item)| async move {
            let ctx = ctx.with_index(index);
            let resolved = OutputType::resolve(item, &ctx, field).await;
            resolved.map_err(|error| located(&ctx, error))
        });
        Ok(Value::List(try_join_all(items).await?))
    }
}

/// Sets the path of an error, unless it already leads further than the item.
fn located(item: &ContextSelectionSet<'_>, error: ServerError) -> ServerError {
    let depth = successors(item.path_node.as_ref(), |node| node.parent).count();
    match error.path.len() > depth {
        true => error,
        false => item.set_error_path(error),
    }
}
