//! Root fields of drafts: by id and as a list.

use async_graphql::{Context, ID, Object};

use super::{
    super::{
        connection::{Connection, arguments, cut_if_more_is_asked},
        context::{At, ContextExt},
        total::{Root, RootFilter},
    },
    AnnotationDraft,
    input::AnnotationDraftFilter,
};
use crate::{
    app::App,
    domain::{
        access::Actor,
        draft,
        page::{Arguments, Page},
    },
    error::{Error, Result},
    id,
};

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
        let filter = filter.unwrap_or_default().into();
        Some(list(ctx, filter, &arguments(first, after, last, before)).await)
    }
}

async fn list(
    ctx: &Context<'_>,
    filter: draft::Filter,
    arguments: &Arguments,
) -> Result<Connection<AnnotationDraft>> {
    // The filter enters the cursor, so that a cursor of a different list is refused.
    let page = Page::new(arguments, &filter).map_err(Error::BadInput)?;
    let page = cut_if_more_is_asked(ctx, page);
    let results = ctx.results(At::Page);
    let slice = draft::list(ctx.app(), ctx.actor(), &filter, &page, results).await?;
    Ok(Connection::new(slice, Root::new(filter)))
}

impl RootFilter for draft::Filter {
    async fn count(&self, app: &App, actor: &Actor) -> Result<u64> {
        draft::count(app, actor, self).await
    }
}
