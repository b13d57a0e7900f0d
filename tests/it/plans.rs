//! Query plans of lists of annotations: the expected index, and no sort of rows that the index has in order.
//!
//! The tests use some thousand annotations. `ANNOGRAPH_PLANS_ROWS=1000000` raises the number and prints the cost of
//! each list; `docs/filters.md` has the figures.

mod cases;
mod data;
mod parents;
mod terms;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use annograph::{
    app::App,
    db::{Database, Options},
    domain::{
        access::Actor,
        annotation::{self, Filter, Parent, Query},
        filter::{IdFilter, Tree},
        page::{Arguments, OrderKey, Ordering, Page, PageRows},
        prediction, review, task,
    },
};
use each_database::each_database;
use entity::user;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, Statement};

use self::cases::{Case, Place, cases};
use crate::support::TestApp;

/// Enough for an index to be worth its while.
const ROWS: u64 = 4_000;
const PAGE: i32 = 50;

/// An application whose statements are kept.
struct Observed {
    app: App,
    statements: Arc<Mutex<Vec<Statement>>>,
    admin: Actor,
    member: Actor,
}

/// Parameters of a PostgreSQL URL that make sequential scans the last choice.
const WITHOUT_SCANS: &str = "?options=-c%20enable_seqscan%3Doff";

/// Observes statements of few rows. PostgreSQL reads such tables whole unless sequential scans are dear.
async fn observed_by_index(test: &TestApp) -> Observed {
    let options = match test.app.db.backend() {
        DbBackend::Sqlite => "",
        _ => WITHOUT_SCANS,
    };
    observed(test, options).await
}

async fn observed(test: &TestApp, options: &str) -> Observed {
    let url = format!("{}{options}", test.url);
    let mut db = Database::connect(&Options::new(url)).await.unwrap();
    let statements = Arc::new(Mutex::new(Vec::new()));
    let log = statements.clone();
    db.observe(move |statement| log.lock().unwrap().push(statement.clone()));
    let mut actors = Vec::new();
    for id in [1, data::MEMBER] {
        let user = user::Entity::find_by_id(id).one(db.reader()).await.unwrap();
        actors.push(Actor {
            user: user.unwrap(),
            token_id: 0,
            token_expires_at: None,
        });
    }
    let (member, admin) = (actors.pop().unwrap(), actors.pop().unwrap());
    Observed {
        app: App::new(db),
        statements,
        admin,
        member,
    }
}

impl Observed {
    /// A page of a list, how long it took, and the statement that read it.
    async fn page(
        &self,
        case: &Case,
        after: Option<String>,
    ) -> (PageRows<entity::annotation::Listed>, Duration, Statement) {
        let filter: Filter = Tree {
            leaves: case.leaves.clone(),
            ..Tree::default()
        };
        let order = Ordering {
            key: case.key,
            descending: false,
        };
        let arguments = Arguments {
            first: Some(PAGE),
            after,
            ..Default::default()
        };
        let page = Page::of(&arguments, &filter, order).unwrap();
        let query = Query {
            filter,
            order,
            results: 0,
        };
        self.statements.lock().unwrap().clear();
        let begun = Instant::now();
        let slice = match case.place {
            Place::Admin => annotation::list(&self.app, &self.admin, &query, &page)
                .await
                .unwrap(),
            Place::Member => annotation::list(&self.app, &self.member, &query, &page)
                .await
                .unwrap(),
            Place::Project | Place::Task => {
                let parent = match case.place {
                    Place::Task => Parent::Task,
                    _ => Parent::Project,
                };
                let lists = annotation::list_per_parent(
                    &self.app,
                    &self.member,
                    parent,
                    &[1],
                    &query,
                    &page,
                );
                lists.await.unwrap().remove(&1).unwrap().unwrap()
            }
        };
        let took = begun.elapsed();
        let statement = self.statements.lock().unwrap().pop().unwrap();
        (slice, took, statement)
    }

    async fn plan(&self, statement: &Statement) -> String {
        self.explained(statement, "COSTS OFF").await
    }

    /// A plan; the options are those of PostgreSQL.
    async fn explained(&self, statement: &Statement, options: &str) -> String {
        let db = self.app.db.reader();
        let (explain, column) = match db.get_database_backend() {
            // Keeps the parameters, whose values do not change SQLite's plans.
            DbBackend::Sqlite => (
                Statement {
                    sql: format!("EXPLAIN QUERY PLAN {}", statement.sql),
                    ..statement.clone()
                },
                "detail",
            ),
            backend => (
                Statement::from_string(backend, format!("EXPLAIN ({options}) {statement}")),
                "QUERY PLAN",
            ),
        };
        let rows = db.query_all_raw(explain).await.unwrap();
        let lines = rows
            .iter()
            .map(|row| row.try_get::<String>("", column).unwrap());
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[each_database]
async fn every_list_has_its_index(test: TestApp) {
    let rows = std::env::var("ANNOGRAPH_PLANS_ROWS").map_or(ROWS, |rows| rows.parse().unwrap());
    data::fill(&test.app, rows).await;
    let is_sqlite = test.app.db.backend() == DbBackend::Sqlite;
    // Of few rows PostgreSQL rather reads all: whether it could do otherwise is the question.
    let few = !is_sqlite && rows <= ROWS;
    let options = if few { WITHOUT_SCANS } else { "" };
    let observed = observed(&test, options).await;
    let mut faults = Vec::new();
    for case in cases() {
        let (first, took, statement) = observed.page(&case, None).await;
        faults.extend(fault(
            &case,
            &observed.plan(&statement).await,
            is_sqlite,
            true,
        ));
        let mut times = vec![took];
        if let (true, Some(cursor)) = (first.has_next, first.cursors.last()) {
            let (_, took, statement) = observed.page(&case, Some(cursor.encode())).await;
            faults.extend(fault(
                &case,
                &observed.plan(&statement).await,
                is_sqlite,
                false,
            ));
            times.push(took);
        }
        if rows > ROWS {
            times.push(observed.page(&case, None).await.1);
            let plan = in_short(&observed.plan(&statement).await);
            println!(
                "{:?} | {} | {:?} | {} rows | {:.1?} |\n    {plan}",
                test.app.db.backend(),
                case.name,
                case.place,
                first.rows.len(),
                times
            );
        }
    }
    observed.app.db.close().await.unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[each_database]
async fn tasks_are_found_by_import_id_through_its_index(test: TestApp) {
    data::fill(&test.app, ROWS).await;
    let observed = observed_by_index(&test).await;
    let leaves = task::Leaves {
        import_id: Some(IdFilter {
            eq: Some("7".to_owned()),
            is_in: None,
        }),
        ..Default::default()
    };
    let query = task::Query {
        filter: Tree {
            leaves,
            ..Tree::default()
        },
        ..Default::default()
    };
    let page = Page::of(&Arguments::default(), &query.filter, query.order).unwrap();
    for actor in [&observed.admin, &observed.member] {
        observed.statements.lock().unwrap().clear();
        task::list(&observed.app, actor, &query, &page)
            .await
            .unwrap();
        let statement = observed.statements.lock().unwrap().pop().unwrap();
        let plan = observed.plan(&statement).await;
        assert!(plan.contains("ix_task_import_id"), "{plan}");
    }
    observed.app.db.close().await.unwrap();
}

#[each_database]
async fn tasks_by_time_of_change_are_merged_from_their_projects(test: TestApp) {
    data::fill(&test.app, ROWS).await;
    let observed = observed_by_index(&test).await;
    let query = task::Query {
        order: Ordering {
            key: OrderKey::UpdatedAt,
            descending: true,
        },
        ..Default::default()
    };
    let page = Page::of(&Arguments::default(), &query.filter, query.order).unwrap();
    for actor in [&observed.admin, &observed.member] {
        observed.statements.lock().unwrap().clear();
        let tasks = task::list(&observed.app, actor, &query, &page).await;
        assert!(tasks.unwrap().has_next);
        let statement = observed.statements.lock().unwrap().pop().unwrap();
        let plan = observed.plan(&statement).await;
        assert!(plan.contains("ix_task_project_id_updated_at_id"), "{plan}");
        assert!(!plan.contains("Seq Scan on task"), "{plan}");
        assert!(!plan.lines().any(|line| line == "SCAN task"), "{plan}");
    }
    observed.app.db.close().await.unwrap();
}

#[each_database]
async fn predictions_and_reviews_of_a_page_are_found_by_its_rows(test: TestApp) {
    data::fill(&test.app, ROWS).await;
    let observed = observed_by_index(&test).await;
    let parents: Vec<i64> = (1..=i64::from(PAGE)).collect();
    observed.statements.lock().unwrap().clear();
    prediction::of_tasks(&observed.app, &observed.member, &parents, 0)
        .await
        .unwrap();
    review::of_annotations(&observed.app, &observed.member, &parents)
        .await
        .unwrap();
    let statements = std::mem::take(&mut *observed.statements.lock().unwrap());
    let mut plans = Vec::new();
    for statement in &statements {
        plans.push(observed.plan(statement).await);
    }
    observed.app.db.close().await.unwrap();
    let [predictions, reviews]: [String; 2] = plans.try_into().unwrap();
    assert!(
        predictions.contains("ix_prediction_task_id_id"),
        "{predictions}"
    );
    assert!(
        reviews.contains("uq_annotation_review_annotation_id_reviewer_id"),
        "{reviews}"
    );
}

/// A plan without its repetitions: the parts of a page are alike.
fn in_short(plan: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in plan.lines().map(str::trim) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join("; ")
}

/// What is wrong with the plan of a list.
fn fault(case: &Case, plan: &str, is_sqlite: bool, is_first: bool) -> Option<String> {
    let about = |what: &str| {
        Some(format!(
            "{} for {:?} {what}: {}",
            case.name,
            case.place,
            in_short(plan)
        ))
    };
    if !is_sqlite && case.is_walked {
        return None;
    }
    if !is_sqlite {
        let reads_all = |line: &str| {
            let (_, table) = line.split_once("Seq Scan on ")?;
            table.starts_with("annotation").then_some(())
        };
        return plan
            .lines()
            .find_map(reads_all)
            .and_then(|()| about("reads all"));
    }
    if !plan.contains(&case.index) && (case.in_order || is_first) {
        return about("has another index");
    }
    let mut scans = plan
        .lines()
        .filter(|line| line.starts_with("SCAN annotation"));
    if scans.any(|scan| !scan.contains(&case.index)) {
        return about("reads all");
    }
    // A page that is put together sorts what it has of each part, which is little; the parts do not.
    let parts: Vec<&str> = plan.split("CO-ROUTINE part\n").skip(1).collect();
    let sorts = |plan: &str| plan.contains("USE TEMP B-TREE");
    let inner = |part: &&str| part.split("SCAN part").next().is_some_and(sorts);
    if case.in_order
        && if parts.is_empty() {
            sorts(plan)
        } else {
            parts.iter().any(inner)
        }
    {
        return about("sorts");
    }
    None
}
