//! Filter of a list of projects.

use entity::project::{self, CheckMode, Column};
use sea_orm::{Condition, QueryFilter, Select};
use serde::Serialize;

use crate::{
    domain::{
        access::{self, Actor},
        filter::{
            self, DateTimeRange, EnumFilter, IdFilter, IntRange, StringFilter, Tree, of_seen,
        },
    },
    error::{Path, Problem},
};

/// Filter of a list of projects.
pub type Filter = Tree<Leaves>;

/// Conditions on a project; each condition that is given has to match.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Leaves {
    pub id: Option<IdFilter>,
    pub title: Option<StringFilter>,
    #[serde(serialize_with = "filter::stored")]
    pub check_mode: Option<EnumFilter<CheckMode>>,
    pub created_by_id: Option<IdFilter>,
    pub created_at: Option<DateTimeRange>,
    pub updated_at: Option<DateTimeRange>,
    pub version: Option<IntRange>,
}

impl filter::Leaves for Leaves {
    fn values(&self) -> usize {
        let ids = [&self.id, &self.created_by_id];
        let instants = [&self.created_at, &self.updated_at];
        let ids = ids.into_iter().flatten().map(IdFilter::values);
        let instants = instants.into_iter().flatten().map(DateTimeRange::values);
        ids.chain(instants).sum::<usize>()
            + self.title.as_ref().map_or(0, StringFilter::values)
            + self.check_mode.as_ref().map_or(0, EnumFilter::values)
            + self.version.as_ref().map_or(0, IntRange::values)
    }

    fn check(&self, path: &Path, problems: &mut Vec<Problem>) {
        if let Some(titles) = &self.title {
            let path: Path = path.iter().cloned().chain(["title".into()]).collect();
            titles.check(&path, problems);
        }
    }
}

pub(super) fn matching(actor: &Actor, filter: &Filter) -> Select<project::Entity> {
    let condition = filter.condition(&|leaves: &Leaves, _| leaves.condition(actor));
    access::visible_projects(actor).filter(condition)
}

impl Leaves {
    fn condition(&self, actor: &Actor) -> Condition {
        let instant = |range: &Option<DateTimeRange>, column: Column| {
            range.as_ref().map(|range| range.condition(column))
        };
        let title = self.title.as_ref();
        let mode = self.check_mode.as_ref();
        let creator = self.created_by_id.as_ref();
        let version = self.version.as_ref();
        Condition::all()
            .add_option(self.id.as_ref().map(|ids| ids.condition(Column::Id)))
            .add_option(title.map(|it| it.condition(Column::Title, Column::TitleFolded)))
            .add_option(mode.map(|modes| modes.condition(Column::CheckMode)))
            .add_option(creator.map(|ids| of_seen(actor, ids, Column::CreatedById)))
            .add_option(instant(&self.created_at, Column::CreatedAt))
            .add_option(instant(&self.updated_at, Column::UpdatedAt))
            .add_option(version.map(|range| range.condition(Column::Version)))
    }
}
