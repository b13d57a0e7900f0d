//! Lists by terms stop at the end of the page: the index of terms is walked in the order of the list.

use annograph::domain::{
    annotation::{Leaves, OrderKey},
    filter::EnumFilter,
    page::Cursor,
};
use each_database::each_database;
use label_studio::region::Kind;
use sea_orm::DbBackend;

use super::{
    PAGE, ROWS,
    cases::{Case, Place},
    data, observed_by_index,
};
use crate::support::TestApp;

fn labels(labels: &[&str]) -> Leaves {
    Leaves {
        has_label: Some(EnumFilter {
            eq: None,
            is_in: Some(labels.iter().map(|it| (*it).to_owned()).collect()),
        }),
        ..Leaves::default()
    }
}

/// Filters with how many walks each project has.
fn filters() -> Vec<(&'static str, Leaves, usize)> {
    let rectangles = Some(EnumFilter {
        eq: Some(Kind::Rectangle),
        is_in: None,
    });
    let both = Leaves {
        has_region_type: rectangles,
        ..labels(&["half"])
    };
    let flagged = Leaves {
        was_cancelled: Some(false),
        ..labels(&["half"])
    };
    vec![
        ("a label", labels(&["half"]), 1),
        ("any of three labels", labels(&["half", "tenth", "rare"]), 3),
        ("a label and a type", both, 1),
        ("a label and a flag", flagged, 1),
    ]
}

/// Rows that each scan of the walked index read, by `EXPLAIN (ANALYZE)` of PostgreSQL.
fn read_rows(plan: &str) -> Vec<f64> {
    let of_scan = |line: &str| {
        let (_, measured) = line.split_once(" annotation_term walked")?;
        let (_, rows) = measured.split_once("actual rows=")?;
        let (rows, _) = rows.split_once(' ')?;
        Some(rows.parse().unwrap())
    };
    plan.lines().filter_map(of_scan).collect()
}

#[each_database]
async fn pages_by_terms_read_no_more_than_a_page(test: TestApp) {
    data::fill(&test.app, ROWS).await;
    let is_sqlite = test.app.db.backend() == DbBackend::Sqlite;
    let observed = observed_by_index(&test).await;
    for place in [Place::Project, Place::Member, Place::Admin] {
        for (name, leaves, walks) in filters() {
            let case = Case {
                name,
                place,
                leaves,
                key: OrderKey::Id,
                index: String::new(),
                in_order: true,
                is_walked: false,
            };
            let (first, _, statement) = observed.page(&case, None).await;
            assert!(first.has_next, "{name} for {place:?}");
            let after = first.cursors.last().map(Cursor::encode);
            let (_, _, next) = observed.page(&case, after).await;
            for (statement, bound) in [(statement, ""), (next, "annotation_id >")] {
                let options = "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF";
                let plan = observed.explained(&statement, options).await;
                let about = format!("{name} for {place:?}: {plan}");
                if is_sqlite {
                    let bound = bound.replace(" >", ">?");
                    let mut scans = plan.lines().filter(|line| line.contains(" walked "));
                    let key = "SEARCH walked USING PRIMARY KEY (term=? AND project_id=?";
                    assert!(plan.matches(key).count() >= walks, "{about}");
                    assert!(
                        scans.all(|scan| scan.starts_with(key) && scan.contains(&bound)),
                        "{about}"
                    );
                    continue;
                }
                let rows = read_rows(&plan);
                assert!(rows.len() >= walks, "{about}");
                // A row that another condition refuses counts as removed, not as read.
                let most = f64::from(PAGE + 1);
                assert!(rows.iter().all(|rows| *rows <= most), "{about}");
                assert!(plan.contains(bound), "{about}");
            }
        }
    }
    observed.app.db.close().await.unwrap();
}
