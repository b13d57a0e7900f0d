//! Relay connections: all lists of the schema have the same shape (<https://relay.dev/graphql/connections.htm>).

use std::{
    any::{Any, TypeId},
    borrow::Cow,
    collections::HashMap,
    ptr,
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::{Context, Object, OutputType, SimpleObject, TypeName, dataloader::Loader};

use super::{
    context::ContextExt,
    list::List,
    loader::{BatchLoader, CountKey, CountOf, ListKey, PageOf},
    total::{Counted, Root, RootFilter},
};
use crate::{
    app::App,
    domain::{
        access::Actor,
        page::{Arguments, Cursor, Page, PageRows},
    },
    error::{Error, Problem, Result},
};

/// A page of a list.
pub struct Connection<N> {
    nodes: Vec<N>,
    cursors: Vec<Cursor>,
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
    cursor: Cursor,
    node: N,
}

impl<N> Connection<N> {
    fn new<M: Into<N>>(page: PageRows<M>, total: impl Counted + 'static) -> Self {
        Self {
            nodes: page.rows.into_iter().map(Into::into).collect(),
            cursors: page.cursors,
            has_next: page.has_next,
            has_previous: page.has_previous,
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
                cursor: *cursor,
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
            start_cursor: self.cursors.first().map(Cursor::encode),
            end_cursor: self.cursors.last().map(Cursor::encode),
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
    async fn cursor(&self) -> String {
        self.cursor.encode()
    }

    /// The item.
    async fn node(&self) -> &N {
        &self.node
    }
}

/// Query of a list: its filter and order, and the columns to read.
pub trait ListQuery: PartialEq + Send + Sync + 'static {
    /// Condition on the rows, for `totalCount`, which no order and no column changes.
    type Filter: PartialEq + Send + Sync + 'static;
    /// Row of a page.
    type Row;

    /// Copies the condition on the rows.
    fn filter(&self) -> Self::Filter;

    /// Checks filter and arguments. Filter and order enter the cursors of the page, so that a cursor of a list with
    /// a different filter or order is refused. Returns all problems, with paths below the field.
    fn page(&self, arguments: &Arguments) -> Result<Page, Vec<Problem>>;
}

/// Query of a list at the root.
pub trait RootQuery: ListQuery<Filter: RootFilter> {
    /// Reads the rows of a page that the actor sees.
    fn rows(
        &self,
        app: &App,
        actor: &Actor,
        page: &Page,
    ) -> impl Future<Output = Result<PageRows<Self::Row>>> + Send;
}

/// Gathers the arguments of a page.
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
        ..Arguments::default()
    }
}

/// Answers a field of the query with a page of a list. Fails with BAD_USER_INPUT on a problem of filter or arguments.
pub async fn root<N, Q>(ctx: &Context<'_>, query: Q, arguments: Arguments) -> Result<Connection<N>>
where
    Q: RootQuery<Row: Into<N>>,
{
    let arguments = Arguments {
        is_nested: false,
        ..arguments
    };
    let page = page(ctx, &query, &arguments)?;
    let rows = query.rows(ctx.app(), ctx.actor(), &page).await?;
    Ok(Connection::new(rows, Root::new(query.filter())))
}

/// Lists below objects, each prepared once for all parents of the field in the document.
#[derive(Default)]
pub struct Lists(Mutex<HashMap<(Place, TypeId), Arc<dyn Any + Send + Sync>>>);

/// Address of a field of the document, which stays in place during an operation.
type Place = usize;

/// A checked list, whatever the parent.
struct Prepared<Q: ListQuery> {
    page: Arc<ListKey<Q>>,
    total: Arc<CountKey<Q::Filter>>,
}

impl Lists {
    /// Returns the list of the present field. Arguments are the same for every parent, so the first parent prepares the list.
    fn of<Q: ListQuery>(
        &self,
        ctx: &Context<'_>,
        prepare: impl FnOnce() -> Result<Prepared<Q>>,
    ) -> Result<Arc<Prepared<Q>>> {
        let key = (ptr::from_ref(ctx.item).addr(), TypeId::of::<Q>());
        let lists = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lists().get(&key).cloned();
        if let Some(Ok(list)) = known.map(Arc::downcast) {
            return Ok(list);
        }
        let list = Arc::new(prepare()?);
        lists().insert(key, list.clone());
        Ok(list)
    }
}

/// Answers a field of an object with a page of a list below the object. The loader reads equal lists below several
/// parents at once. Fails with BAD_USER_INPUT on a problem of filter or arguments.
pub async fn nested<N, Q>(
    ctx: &Context<'_>,
    parent: i64,
    query: impl FnOnce() -> Q,
    arguments: Arguments,
) -> Result<Connection<N>>
where
    Q: ListQuery<Row: Into<N> + Clone + Send + Sync>,
    BatchLoader: Loader<PageOf<Q>, Value = Result<PageRows<Q::Row>>, Error = Error>
        + Loader<CountOf<Q::Filter>, Value = Result<i64>, Error = Error>,
{
    let list = ctx.data_unchecked::<Lists>().of(ctx, || {
        let query = query();
        let arguments = Arguments {
            is_nested: true,
            ..arguments
        };
        let page = page(ctx, &query, &arguments)?;
        let filter = query.filter();
        Ok(Prepared {
            page: Arc::new(ListKey { page, query }),
            total: Arc::new(CountKey { filter }),
        })
    })?;
    let key = PageOf {
        parent,
        list: list.page.clone(),
    };
    let total = CountOf {
        parent,
        list: list.total.clone(),
    };
    let rows = ctx.loader().load_one(key).await?.transpose()?;
    Ok(Connection::new(rows.unwrap_or_default(), total))
}

/// Checks filter and arguments of a list, and allows the page to have fewer items than requested when the answer has
/// no room, provided that the answer says whether more items follow.
fn page(ctx: &Context<'_>, query: &impl ListQuery, arguments: &Arguments) -> Result<Page> {
    let page = query.page(arguments).map_err(Error::BadInput)?;
    // A page may be cut short only if the client can see that more items follow.
    let more = match page.is_backwards() {
        true => "hasPreviousPage",
        false => "hasNextPage",
    };
    Ok(page.cut_if(ctx.wants(&[&["pageInfo", more]])))
}
