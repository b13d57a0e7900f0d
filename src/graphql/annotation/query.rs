//! Root fields of annotations: by id, as of a version, and as a list.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use entity::annotation::Listed;

use super::{
    super::{
        connection::{Connection, ListQuery, RootQuery, arguments, nested, root},
        context::{At, ContextExt},
        history::AnnotationSnapshot,
        loader::{Annotations, AnnotationsFilter},
        scalar::DateTime,
        total::RootFilter,
    },
    Annotation, AnnotationFilter, AnnotationOrder,
};
use crate::{
    app::App,
    domain::{
        access::Actor,
        annotation::{self, Parent, Query},
        history,
        page::{Arguments, Page, PageRows},
    },
    error::{Problem, Result},
    id,
};

/// Root fields that read annotations.
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
        let query = query(ctx, filter, order_by);
        Some(root(ctx, query, arguments(first, after, last, before)).await)
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

/// Reads a page of the annotations of a task or project, in a batch with further parents.
pub async fn list_of(
    ctx: &Context<'_>,
    parent: Parent,
    id: i64,
    filter: Option<AnnotationFilter>,
    order: Option<AnnotationOrder>,
    arguments: Arguments,
) -> Result<Connection<Annotation>> {
    let query = || Annotations {
        parent,
        query: query(ctx, filter, order),
    };
    nested(ctx, id, query, arguments).await
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

impl ListQuery for Query {
    type Filter = annotation::Filter;
    type Row = Listed;

    fn filter(&self) -> annotation::Filter {
        self.filter.clone()
    }

    fn page(&self, arguments: &Arguments) -> Result<Page, Vec<Problem>> {
        Page::of(arguments, &self.filter, self.order)
    }
}

impl RootQuery for Query {
    async fn rows(&self, app: &App, actor: &Actor, page: &Page) -> Result<PageRows<Listed>> {
        annotation::list(app, actor, self, page).await
    }
}

impl ListQuery for Annotations {
    type Filter = AnnotationsFilter;
    type Row = Arc<Listed>;

    fn filter(&self) -> AnnotationsFilter {
        AnnotationsFilter {
            parent: self.parent,
            filter: self.query.filter(),
        }
    }

    fn page(&self, arguments: &Arguments) -> Result<Page, Vec<Problem>> {
        self.query.page(arguments)
    }
}

impl RootFilter for annotation::Filter {
    async fn count(&self, app: &App, actor: &Actor) -> Result<u64> {
        annotation::count(app, actor, self).await
    }
}
