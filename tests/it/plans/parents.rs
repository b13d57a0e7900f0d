//! Pages of the lists of several parents: the same rows as page by page, by statements of a fixed text.

use std::collections::HashMap;

use annograph::domain::{
    access::Actor,
    annotation::{self, Filter, Leaves, OrderKey, Parent, Query},
    filter::{EnumFilter, IdFilter, Range, Tree},
    history,
    page::{Arguments, Cursor, Ordering, Page, PageRows},
    task,
};
use each_database::{each_database, sqlite_only};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::{Observed, ROWS, data, observed};
use crate::support::TestApp;

/// Parents of a read; ids above 40 are no projects.
const PARENTS: i64 = 50;
/// Parents whose pages are compared: the largest project, one that the member does not see, a young one, and none.
const COMPARED: [i64; 4] = [1, 2, 40, PARENTS];

/// Ids of a page, and whether rows follow and precede.
type Found = (Vec<i64>, bool, bool);

fn found(page: &PageRows<entity::annotation::Listed>) -> Found {
    let ids = page.rows.iter().map(|row| row.id);
    (ids.collect(), page.has_next, page.has_previous)
}

fn ids() -> Vec<i64> {
    (1..=PARENTS).collect()
}

fn filters() -> [Leaves; 4] {
    let half = EnumFilter {
        eq: Some("half".to_owned()),
        is_in: None,
    };
    let recent = Range {
        gte: None,
        gt: Some(data::middle()),
        lte: None,
        lt: None,
    };
    [
        Leaves::default(),
        Leaves {
            has_label: Some(half.clone()),
            ..Leaves::default()
        },
        Leaves {
            has_label: Some(half),
            created_at: Some(recent),
            ..Leaves::default()
        },
        Leaves {
            was_cancelled: Some(true),
            ..Leaves::default()
        },
    ]
}

/// Lists of the same actor, filter and order.
struct Lists<'a> {
    observed: &'a Observed,
    actor: &'a Actor,
    parent: Parent,
    query: Query,
}

impl Lists<'_> {
    async fn pages(
        &self,
        ids: &[i64],
        arguments: &Arguments,
    ) -> HashMap<i64, PageRows<entity::annotation::Listed>> {
        let page = Page::of(arguments, &self.query.filter, self.query.order).unwrap();
        let app = &self.observed.app;
        let pages =
            annotation::list_per_parent(app, self.actor, self.parent, ids, &self.query, &page);
        let pages = pages.await.unwrap().into_iter();
        pages.map(|(id, page)| (id, page.unwrap())).collect()
    }

    /// Reads the first page of a parent as a list of its own, with the parent in the filter.
    async fn apart(&self, id: i64, arguments: &Arguments) -> Found {
        let id = Some(IdFilter {
            eq: Some(id.to_string()),
            is_in: None,
        });
        let mut query = self.query.clone();
        match self.parent {
            Parent::Task => query.filter.leaves.task_id = id,
            Parent::Project => query.filter.leaves.project_id = id,
        }
        let page = Page::of(arguments, &query.filter, query.order).unwrap();
        let list = annotation::list(&self.observed.app, self.actor, &query, &page);
        found(&list.await.unwrap())
    }

    async fn compare(&self) {
        let size = match self.parent {
            Parent::Task => 1,
            Parent::Project => 3,
        };
        let forwards = Arguments {
            first: Some(size),
            ..Arguments::default()
        };
        let backwards = Arguments {
            last: Some(size),
            ..Arguments::default()
        };
        let first = self.pages(&ids(), &forwards).await;
        for arguments in [&forwards, &backwards] {
            let many = self.pages(&ids(), arguments).await;
            for id in COMPARED {
                let apart = self.apart(id, arguments).await;
                assert_eq!(found(&many[&id]), apart, "{:?} {id}", self.query);
            }
        }
        let cursor = COMPARED.iter().find_map(|id| first[id].cursors.last());
        let after = Arguments {
            after: cursor.map(Cursor::encode),
            ..forwards.clone()
        };
        let before = Arguments {
            before: cursor.map(Cursor::encode),
            ..backwards.clone()
        };
        for arguments in [forwards, backwards, after, before] {
            let many = self.pages(&ids(), &arguments).await;
            assert_eq!(many.len(), ids().len());
            for pair in COMPARED.chunks(2) {
                let two = self.pages(pair, &arguments).await;
                for id in pair {
                    let alone = self.pages(&[*id], &arguments).await;
                    let expected = found(&alone[id]);
                    assert_eq!(found(&two[id]), expected, "{:?} {arguments:?}", self.query);
                    assert_eq!(found(&many[id]), expected, "{:?} {arguments:?}", self.query);
                    assert_eq!(two[id].cursors, alone[id].cursors);
                    assert_eq!(many[id].cursors, alone[id].cursors);
                }
            }
        }
    }
}

#[each_database]
async fn pages_of_many_parents_are_the_pages_of_each(test: TestApp) {
    data::fill(&test.app, ROWS).await;
    let observed = observed(&test, "").await;
    for leaves in filters() {
        for key in [
            OrderKey::Id,
            OrderKey::CreatedAt,
            OrderKey::UpdatedAt,
            OrderKey::LeadTime,
        ] {
            for descending in [false, true] {
                for (parent, actor) in [
                    (Parent::Task, &observed.admin),
                    (Parent::Project, &observed.member),
                ] {
                    let lists = Lists {
                        observed: &observed,
                        actor,
                        parent,
                        query: Query {
                            filter: Tree {
                                leaves: leaves.clone(),
                                ..Filter::default()
                            },
                            order: Ordering { key, descending },
                            results: 1,
                        },
                    };
                    lists.compare().await;
                }
            }
        }
    }
    observed.app.db.close().await.unwrap();
}

#[each_database]
async fn the_statement_of_pages_is_the_same_for_any_number_of_parents_from_two_on(test: TestApp) {
    data::fill(&test.app, ROWS).await;
    let observed = observed(&test, "").await;
    let (app, actor) = (&observed.app, &observed.member);
    let annotations = Query {
        results: 1,
        ..Query::default()
    };
    let tasks = task::Query {
        data: 1,
        ..task::Query::default()
    };
    let page = Page::new(&Arguments::default(), &()).unwrap();
    let mut texts = Vec::new();
    for count in [1, 2, 50] {
        let ids = &ids()[..count];
        observed.statements.lock().unwrap().clear();
        for parent in [Parent::Task, Parent::Project] {
            let pages =
                annotation::list_per_parent(app, actor, parent, ids, &annotations, &page).await;
            assert_eq!(pages.unwrap().len(), count);
        }
        let pages = task::list_per_project(app, actor, ids, &tasks, &page).await;
        assert_eq!(pages.unwrap().len(), count);
        let pages = history::of_annotations(app, actor, ids, &page).await;
        assert_eq!(pages.unwrap().len(), count);
        let statements = observed.statements.lock().unwrap();
        let sql = statements.iter().map(|statement| statement.sql.clone());
        texts.push(sql.collect::<Vec<_>>());
    }
    // A single parent has the statement of a list, which PostgreSQL plans once.
    assert_eq!(texts[0].len(), 4, "{:#?}", texts[0]);
    assert_eq!(texts[1].len(), 4, "{:#?}", texts[1]);
    assert_eq!(texts[1], texts[2]);
    observed.app.db.close().await.unwrap();
}

/// Looks for the flag of `.cargo/config.toml`, without which SQLite plans a statement anew whenever a limit is bound.
#[sqlite_only]
async fn sqlite_is_built_to_keep_plans(test: TestApp) {
    let db = test.app.db.reader();
    let options = Statement::from_string(DbBackend::Sqlite, "PRAGMA compile_options");
    let rows = db.query_all_raw(options).await.unwrap();
    let options = rows.iter().map(|row| row.try_get_by_index(0).unwrap());
    let options: Vec<String> = options.collect();
    assert!(
        options.iter().any(|it| it == "ENABLE_QPSG"),
        "build in the folder of the sources, where Cargo finds .cargo/config.toml: {options:?}"
    );
}
