//! Lists of several projects that are merged from a page of each project.

use entity::project;
use sea_orm::{QueryOrder, QuerySelect};

use super::{
    access::{self, Actor},
    filter::IdFilter,
};
use crate::{app::App, error::Result};

/// Maximum number of projects to merge a page from. Beyond, the database decides and may have to sort.
const MAX_PROJECTS: usize = 100;

/// Maximum for an order that only indexes that begin with the project have: without them, every row is sorted. Larger
/// merges exceed the number of terms of a SQLite statement.
const MAX_PROJECTS_IN_ORDER: usize = 400;

/// Indexes that begin with the project and that a list needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Nothing,
    /// For a condition of the filter.
    Filter,
    /// For the order.
    Order,
}

/// Finds the projects to merge a list from, or `None` if a read of the whole list is better. `named` are the projects
/// that the filter names.
pub async fn projects(
    app: &App,
    actor: &Actor,
    named: Option<&IdFilter>,
    need: Need,
) -> Result<Option<Vec<i64>>> {
    let most = match need {
        Need::Order => MAX_PROJECTS_IN_ORDER,
        Need::Nothing | Need::Filter => MAX_PROJECTS,
    };
    let mut projects: Vec<i64> = match named.and_then(IdFilter::ids) {
        Some(projects) => projects,
        // Admins see all projects, so the index on the whole table serves as well.
        None if actor.is_admin() && need == Need::Nothing => return Ok(None),
        None => {
            access::visible_projects(actor)
                .select_only()
                .column(project::Column::Id)
                .order_by_asc(project::Column::Id)
                .limit(most as u64 + 1)
                .into_tuple()
                .all(app.db.reader())
                .await?
        }
    };
    projects.sort_unstable();
    projects.dedup();
    Ok((projects.len() <= most).then_some(projects))
}
