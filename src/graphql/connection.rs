//! Relay connections: all lists of the schema have the same shape (<https://relay.dev/graphql/connections.htm>).

use async_graphql::{Context, Object, OutputType, SimpleObject};

use super::{
    annotation::Annotation,
    context::ContextExt,
    draft::AnnotationDraft,
    history::AnnotationRevision,
    list::List,
    loader::{Annotations, CountOf, History},
    project::Project,
    task::Task,
    user::User,
};
use crate::{
    domain::{
        annotation, draft,
        page::{Arguments, Page, Slice},
        project, task, user,
    },
    error::Result,
};

/// A page of a list.
pub struct Connection<N> {
    nodes: Vec<N>,
    cursors: Vec<String>,
    has_next: bool,
    has_previous: bool,
    total: Total,
}

/// Query behind `totalCount`, run only if selected.
pub enum Total {
    Annotations(Box<annotation::Filter>),
    Tasks(task::Filter),
    Projects(project::Filter),
    Users(user::Filter),
    Drafts(draft::Filter),
    AnnotationsOf(CountOf<Annotations>),
    TasksOf(CountOf<task::Query>),
    HistoryOf(CountOf<History>),
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
    pub fn new<M: Into<N>>(slice: Slice<M>, total: Total) -> Self {
        Self {
            nodes: slice.rows.into_iter().map(Into::into).collect(),
            cursors: slice.cursors,
            has_next: slice.has_next,
            has_previous: slice.has_previous,
            total,
        }
    }
}

/// A page of a list.
#[Object(
    concrete(name = "AnnotationConnection", params(Annotation)),
    concrete(name = "AnnotationRevisionConnection", params(AnnotationRevision)),
    concrete(name = "AnnotationDraftConnection", params(AnnotationDraft)),
    concrete(name = "TaskConnection", params(Task)),
    concrete(name = "ProjectConnection", params(Project)),
    concrete(name = "UserConnection", params(User))
)]
impl<N: OutputType + Clone> Connection<N>
where
    Edge<N>: OutputType,
{
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
        let (app, actor, loader) = (ctx.app(), ctx.actor(), ctx.loader());
        // Counts run only if selected: a count can cost more than the page.
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Ok(match &self.total {
            Total::Annotations(filter) => whole(annotation::count(app, actor, filter).await?),
            Total::Tasks(filter) => whole(task::count(app, actor, filter).await?),
            Total::Projects(filter) => whole(project::count(app, actor, filter).await?),
            Total::Users(filter) => whole(user::count(app, actor, filter).await?),
            Total::Drafts(filter) => whole(draft::count(app, actor, filter).await?),
            Total::AnnotationsOf(key) => loader
                .load_one(key.clone())
                .await?
                .transpose()?
                .unwrap_or(0),
            Total::TasksOf(key) => loader
                .load_one(key.clone())
                .await?
                .transpose()?
                .unwrap_or(0),
            Total::HistoryOf(key) => loader
                .load_one(key.clone())
                .await?
                .transpose()?
                .unwrap_or(0),
        })
    }
}

/// An item of a page with its cursor.
#[Object(
    concrete(name = "AnnotationEdge", params(Annotation)),
    concrete(name = "AnnotationRevisionEdge", params(AnnotationRevision)),
    concrete(name = "AnnotationDraftEdge", params(AnnotationDraft)),
    concrete(name = "TaskEdge", params(Task)),
    concrete(name = "ProjectEdge", params(Project)),
    concrete(name = "UserEdge", params(User))
)]
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
pub fn cut_if_told(ctx: &Context<'_>, page: Page) -> Page {
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
