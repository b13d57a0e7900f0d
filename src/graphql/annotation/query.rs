//! Root fields of annotations: by id, as of a version, and as a list.

use async_graphql::{Context, ID, Object};

use super::{
    super::{
        connection::{Connection, arguments, cut_if_more_is_asked},
        context::{At, ContextExt},
        history::AnnotationSnapshot,
        loader::{Annotations, AnnotationsFilter, CountOf, PageOf},
        scalar::DateTime,
        total::{Root, RootFilter},
    },
    Annotation, AnnotationFilter, AnnotationOrder,
};
use crate::{
    app::App,
    domain::{
        access::Actor,
        annotation::{self, Parent, Query},
        history,
        page::{Arguments, Page},
    },
    error::{Error, Result},
    id,
};

#[derive(Default)]
pub struct AnnotationQuery;

#[Object]
impl AnnotationQuery {
    /// An annotation by id. Null when no such annotation exists, or you may not see the annotation.
    async fn annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
    ) -> Option<Result<Annotation>> {
        // Null for an unknown or invisible id: clients can't tell the two apart
        // (`docs/decisions/0005-visibility.md`).
        Annotation::load(ctx, id::reference(&id)).await.transpose()
    }

    /// An earlier state of an annotation, at a version or at an instant: give exactly one of the two. Works
    /// for deleted annotations too. Null when no such annotation or version exists, before the first
    /// version, at an instant between deletion and restoration, and where you may not see the project of
    /// the annotation at that version.
    async fn annotation_at(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(
            desc = "The version. The version of a deletion shows the state before the deletion."
        )]
        version: Option<i32>,
        #[graphql(desc = "An instant: selects the newest version at or before the instant.")] as_of: Option<
            DateTime,
        >,
    ) -> Option<Result<AnnotationSnapshot>> {
        snapshot(ctx, id::reference(&id), version, as_of)
            .await
            .transpose()
    }

    /// The annotations that you may see.
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn annotations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Condition on the items; all items unless given.")] filter: Option<
            AnnotationFilter,
        >,
        #[graphql(desc = "Order of the list; ascending by id unless given.")] order_by: Option<
            AnnotationOrder,
        >,
        #[graphql(desc = "The first items, 50 unless given, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last items, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Items before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<Annotation>>> {
        let arguments = arguments(first, after, last, before);
        Some(list(ctx, filter, order_by, &arguments).await)
    }
}

async fn snapshot(
    ctx: &Context<'_>,
    id: i64,
    version: Option<i32>,
    as_of: Option<DateTime>,
) -> Result<Option<AnnotationSnapshot>> {
    let instant = as_of.map(|as_of| as_of.0);
    // Finds the version without an access check; reading the snapshot then checks the project of that version.
    match history::snapshot::version_at(ctx.app(), id, version, instant).await? {
        Some(version) => AnnotationSnapshot::asked_for(ctx, id, version).await,
        None => Ok(None),
    }
}

async fn list(
    ctx: &Context<'_>,
    filter: Option<AnnotationFilter>,
    order: Option<AnnotationOrder>,
    arguments: &Arguments,
) -> Result<Connection<Annotation>> {
    let query = query(ctx, filter, order);
    // Filter and order enter the cursor, so that a cursor of a different list is refused.
    let page = Page::of(arguments, &query.filter, query.order).map_err(Error::BadInput)?;
    let page = cut_if_more_is_asked(ctx, page);
    let slice = annotation::list(ctx.app(), ctx.actor(), &query, &page).await?;
    Ok(Connection::new(slice, Root::new(query.filter)))
}

/// Reads a page of the annotations of a task or project, in a batch with further parents.
pub async fn list_of(
    ctx: &Context<'_>,
    parent: Parent,
    id: i64,
    filter: Option<AnnotationFilter>,
    order: Option<AnnotationOrder>,
    arguments: &Arguments,
) -> Result<Connection<Annotation>> {
    let query = query(ctx, filter, order);
    let page = Page::of(arguments, &query.filter, query.order).map_err(Error::BadInput)?;
    let page = cut_if_more_is_asked(ctx, page);
    let filter = query.filter.clone();
    let total = CountOf::new(id, AnnotationsFilter { parent, filter });
    let key = PageOf::new(id, Annotations { parent, query }, page);
    let slice = ctx.loader().load_one(key).await?.transpose()?;
    Ok(Connection::new(slice.unwrap_or_default(), total))
}

/// Results are by far the largest column: a list reads them only when they are asked for.
fn query(
    ctx: &Context<'_>,
    filter: Option<AnnotationFilter>,
    order: Option<AnnotationOrder>,
) -> Query {
    Query {
        filter: filter.unwrap_or_default().into(),
        order: AnnotationOrder::ordering(order),
        results: ctx.results(At::Page),
    }
}

impl RootFilter for annotation::Filter {
    async fn count(&self, app: &App, actor: &Actor) -> Result<u64> {
        annotation::count(app, actor, self).await
    }
}
