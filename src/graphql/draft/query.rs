//! Root fields of drafts: by id and as a list.

use async_graphql::{Context, ID, Object};
use entity::annotation_draft;

use super::{
    super::{
        connection::{Connection, ListQuery, RootQuery, arguments, root},
        context::{At, ContextExt},
        total::RootFilter,
    },
    AnnotationDraft,
    input::AnnotationDraftFilter,
};
use crate::{
    app::App,
    domain::{
        access::Actor,
        draft,
        page::{Arguments, Page, PageRows},
    },
    error::{Problem, Result},
    id,
};

/// Root fields that read drafts.
#[derive(Default)]
pub struct DraftQuery;

#[Object]
impl DraftQuery {
    /// A draft by id: of yours, or of anybody in a project that you manage. Null when no such draft exists,
    /// or you may not see the draft.
    async fn draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The draft's id.")] id: ID,
    ) -> Option<Result<AnnotationDraft>> {
        AnnotationDraft::load(ctx, id::reference(&id))
            .await
            .transpose()
    }

    /// Your own drafts, in the order of their ids.
    async fn drafts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Condition on the items; all items unless given.")] filter: Option<
            AnnotationDraftFilter,
        >,
        #[graphql(desc = "The first items, 50 unless given, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last items, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Items before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<AnnotationDraft>>> {
        let query = OwnDrafts {
            filter: filter.unwrap_or_default().into(),
            results: ctx.results(At::Page),
        };
        Some(root(ctx, query, arguments(first, after, last, before)).await)
    }
}

/// Query of the viewer's own drafts, in the order of their ids.
#[derive(PartialEq)]
struct OwnDrafts {
    filter: draft::Filter,
    /// Number of times that the answer holds each result; with zero no result is read.
    results: u64,
}

impl ListQuery for OwnDrafts {
    type Filter = draft::Filter;
    type Row = annotation_draft::Model;

    fn filter(&self) -> draft::Filter {
        self.filter.clone()
    }

    fn page(&self, arguments: &Arguments) -> Result<Page, Vec<Problem>> {
        Page::new(arguments, &self.filter)
    }
}

impl RootQuery for OwnDrafts {
    async fn rows(
        &self,
        app: &App,
        actor: &Actor,
        page: &Page,
    ) -> Result<PageRows<annotation_draft::Model>> {
        draft::list(app, actor, &self.filter, page, self.results).await
    }
}

impl RootFilter for draft::Filter {
    async fn count(&self, app: &App, actor: &Actor) -> Result<u64> {
        draft::count(app, actor, self).await
    }
}
