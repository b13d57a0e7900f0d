//! Relay connections: all lists of the schema have the same shape (<https://relay.dev/graphql/connections.htm>).

use std::borrow::Cow;

use async_graphql::{Context, Object, OutputType, SimpleObject, TypeName};

use super::{context::ContextExt, list::List, total::Counted};
use crate::{
    domain::page::{Arguments, Page, PageRows},
    error::Result,
};

/// A page of a list.
pub struct Connection<N> {
    nodes: Vec<N>,
    cursors: Vec<String>,
    has_next: bool,
    has_previous: bool,
    total: Box<dyn Counted>,
}

/// Position of a page in the list.
#[derive(SimpleObject)]
#[graphql(shareable)]
pub struct PageInfo {
    /// More items follow the page. When selected, a page may have fewer than `first` items, at least a
    /// single item, if the answer has no room for more.
    pub has_next_page: bool,
    /// Items precede the page. When selected, a page may have fewer than `last` items, at least a single
    /// item, if the answer has no room for more.
    pub has_previous_page: bool,
    /// Cursor of the first item; null on an empty page.
    pub start_cursor: Option<String>,
    /// Cursor of the last item; null on an empty page.
    pub end_cursor: Option<String>,
}

/// An item of a page with its cursor.
pub struct Edge<N> {
    cursor: String,
    node: N,
}

impl<N> Connection<N> {
    pub fn new<M: Into<N>>(slice: PageRows<M>, total: impl Counted + 'static) -> Self {
        Self {
            nodes: slice.rows.into_iter().map(Into::into).collect(),
            cursors: slice.cursors,
            has_next: slice.has_next,
            has_previous: slice.has_previous,
            total: Box::new(total),
        }
    }
}

impl<N: OutputType> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", N::type_name()).into()
    }
}

impl<N: OutputType> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", N::type_name()).into()
    }
}

/// A page of a list.
#[Object(name_type)]
impl<N: OutputType + Clone> Connection<N> {
    /// The items with their cursors.
    async fn edges(&self, ctx: &Context<'_>) -> Result<List<Edge<N>>> {
        // Charges before the copies: `edges` and `nodes` each hold all items.
        ctx.charge_items(self.nodes.len())?;
        let edges = self.nodes.iter().zip(&self.cursors);
        Ok(edges
            .map(|(node, cursor)| Edge {
                cursor: cursor.clone(),
                node: node.clone(),
            })
            .collect())
    }

    /// The items alone.
    async fn nodes(&self, ctx: &Context<'_>) -> Result<List<&N>> {
        ctx.charge_items(self.nodes.len())?;
        Ok(self.nodes.iter().collect())
    }

    /// Position of the page in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.has_next,
            has_previous_page: self.has_previous,
            // Cursors of the first and last edge, null on an empty page: https://relay.dev/graphql/connections.htm
            start_cursor: self.cursors.first().cloned(),
            end_cursor: self.cursors.last().cloned(),
        }
    }

    /// Number of items in the whole list. Counted only when selected, at a cost of 1,000; free for the
    /// annotations of a task without a filter.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i64> {
        self.total.count(ctx).await
    }
}

/// An item of a page with its cursor.
#[Object(name_type)]
impl<N: OutputType + Clone> Edge<N> {
    /// Position of the item in the list: opaque; send the value back as `after` or `before`.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The item.
    async fn node(&self) -> &N {
        &self.node
    }
}

/// Allows a page to have fewer items than requested when the answer has no room, provided that the answer says
/// whether more items follow.
pub fn cut_if_more_is_asked(ctx: &Context<'_>, page: Page) -> Page {
    // A page may be cut short only if the client can see that more items follow.
    let more = match page.is_backwards() {
        true => "hasPreviousPage",
        false => "hasNextPage",
    };
    page.cut_if(ctx.wants(&[&["pageInfo", more]]))
}

/// Gathers the arguments of a page of a list at the root.
pub fn arguments(
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
) -> Arguments {
    Arguments {
        first,
        after,
        last,
        before,
        is_nested: false,
    }
}

/// Gathers the arguments of a page of a list below an object.
pub fn nested_arguments(
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
) -> Arguments {
    Arguments {
        is_nested: true,
        ..arguments(first, after, last, before)
    }
}
