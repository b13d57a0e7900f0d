//! `createdAgo` and `updatedAgo`: equal to recorded texts of Label Studio.

use each_database::each_database;
use entity::annotation;
use sea_orm::ActiveValue::Set;
use serde::Deserialize;
use serde_json::json;

use super::{instant, set};
use crate::support::TestApp;

#[derive(Deserialize)]
struct Recorded {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    created_at: String,
    now: String,
    created_ago: String,
}

#[each_database]
async fn every_recorded_row_comes_out_the_same(app: TestApp) {
    let text = include_str!("../../fixtures/label-studio/created-ago.json");
    let recorded: Recorded = serde_json::from_str(text).unwrap();
    assert!(recorded.rows.len() > 40);
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    for row in &recorded.rows {
        let at = Set(instant(&row.created_at));
        let columns = annotation::ActiveModel {
            created_at: at.clone(),
            updated_at: at,
            ..Default::default()
        };
        set(&app, &id, columns).await;
        let query = "query($id: ID!, $now: DateTime) { annotation(id: $id) { createdAgo(now: $now) updatedAgo(now: $now) } }";
        let answer = app
            .admin
            .run_with(query, json!({ "id": id, "now": row.now }))
            .await;
        let expected = row.created_ago.replace('\u{a0}', " ");
        let expected = json!({ "createdAgo": expected, "updatedAgo": expected });
        assert_eq!(
            answer.data()["annotation"],
            expected,
            "{} at {}",
            row.created_at,
            row.now
        );
    }
}

#[each_database]
async fn without_an_instant_it_counts_to_the_present(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let years_ago = chrono::Utc::now() - chrono::TimeDelta::days(3 * 366 + 70);
    let columns = annotation::ActiveModel {
        created_at: Set(years_ago),
        ..Default::default()
    };
    set(&app, &id, columns).await;
    let query =
        format!("{{ annotation(id: {id}) {{ createdAgo a: createdAgo(now: null) updatedAgo }} }}");
    let answer = app.admin.run(&query).await;
    let expected = json!({ "createdAgo": "3 years, 2 months", "a": "3 years, 2 months", "updatedAgo": "0 minutes" });
    assert_eq!(answer.data()["annotation"], expected);
}
