//! Lists of tasks of any projects.

use entity::task::{self, Column};
use sea_orm::{ColumnTrait, QueryFilter};

use super::{Query, matching};
use crate::{
    app::App,
    domain::{
        access::Actor,
        merged::{self, Need},
        page::{OrderKey, Page, PageRows},
    },
    error::Result,
};

/// Lists tasks. By time of change the list is merged project by project, since only an index that begins with the
/// project holds this order.
pub async fn list(
    app: &App,
    actor: &Actor,
    query: &Query,
    page: &Page,
) -> Result<PageRows<task::Model>> {
    let (reading, columns) = (query.reading(app, actor), query.columns());
    let leaves = &query.filter.leaves;
    let are_few = leaves.id.is_some() || leaves.import_id.is_some();
    if query.order.key == OrderKey::UpdatedAt && !are_few {
        let named = leaves.project_id.as_ref();
        if let Some(projects) = merged::projects(app, actor, named, Need::Order).await? {
            let part = |id| matching(actor, &query.filter).filter(Column::ProjectId.eq(id));
            let slice = page.fetch_merged(&reading, part, columns, &projects);
            if let Some(slice) = slice.await? {
                return Ok(slice);
            }
        }
    }
    let all = matching(actor, &query.filter);
    page.fetch(&reading, all, columns).await
}
