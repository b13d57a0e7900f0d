//! Search by labels and kinds of regions, for every source of a result.

use std::collections::HashMap;

use annograph::domain::annotation::index;
use each_database::each_database;
use entity::{
    annotation, annotation_answer, annotation_term, annotation_term_fill, project_member::Role,
};
use label_studio::config::Config;
use migration::{Migrator, MigratorTrait};
use sea_orm::{DbBackend, EntityTrait, PaginatorTrait, QueryOrder};
use serde_json::{Value, json};

use super::ids;
use crate::{
    graphql::{delete, restore, update},
    import::import_text,
    support::{Client, TestApp},
};

fn rectangle(labels: &[&str]) -> Value {
    json!({
        "id": "r", "from_name": "box", "to_name": "image", "type": "rectanglelabels",
        "value": { "x": 1, "y": 1, "width": 1, "height": 1, "rectanglelabels": labels }
    })
}

pub async fn found(client: &Client, filter: &str) -> String {
    let query = format!("{{ annotations(filter: {filter}) {{ totalCount nodes {{ id }} }} }}");
    let answer = client.run(&query).await;
    let list = &answer.data()["annotations"];
    assert_eq!(list["totalCount"], ids(list).len(), "{filter}");
    ids(list).join(" ")
}

/// The index holds what the results say by the configs of now: no more, no less.
pub async fn check_index(app: &TestApp) {
    let db = app.app.db.writer();
    let projects = entity::project::Entity::find().all(db).await.unwrap();
    let configs: HashMap<i64, Config> = projects
        .into_iter()
        .map(|row| (row.id, Config::parse(&row.label_config).unwrap_or_default()))
        .collect();
    let mut expected: Vec<(i64, i64, i64)> = Vec::new();
    let mut texts: Vec<((i64, i64), String, Option<String>)> = Vec::new();
    for row in annotation::Entity::find().all(db).await.unwrap() {
        let config = &configs[&row.project_id];
        let index::Rows { terms, answers } = index::Rows::of(&row, config);
        expected.extend(terms.into_iter().map(|row| {
            (
                row.term.unwrap(),
                row.project_id.unwrap(),
                row.annotation_id.unwrap(),
            )
        }));
        texts.extend(answers.into_iter().map(|row| {
            let key = (row.annotation_id.unwrap(), row.digest.unwrap());
            (key, row.from_name.unwrap(), row.folded.unwrap())
        }));
    }
    texts.sort_unstable();
    let rows = annotation_answer::Entity::find().all(db).await.unwrap();
    let mut stored: Vec<_> = rows
        .into_iter()
        .map(|row| ((row.annotation_id, row.digest), row.from_name, row.folded))
        .collect();
    stored.sort_unstable();
    assert_eq!(stored, texts);
    expected.sort_unstable();
    let rows = annotation_term::Entity::find().all(db).await.unwrap();
    let mut stored: Vec<_> = rows
        .iter()
        .map(|row| (row.term, row.project_id, row.annotation_id))
        .collect();
    stored.sort_unstable();
    assert_eq!(stored, expected);
    assert!(!stored.is_empty());
}

#[each_database]
async fn labels_and_types_are_those_of_regions(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let long = "long ".repeat(100_000);
    let relation = json!({ "type": "relation", "from_id": "a", "to_id": "b", "direction": "right", "labels": ["drives"] });
    let choices = json!({ "id": "c", "from_name": "choice", "to_name": "image", "type": "choices", "value": { "choices": ["Day"] } });
    for result in [
        json!([rectangle(&["Car", "Bus"]), rectangle(&["Car"])]),
        json!([rectangle(&["car", "Größe 🚗", &long]), relation]),
        json!([choices]),
        json!([]),
    ] {
        let input = json!({ "result": result });
        app.annotation(&app.admin, &task, input).await;
    }
    check_index(&app).await;
    for (filter, expected) in [
        ("{ hasLabel: { eq: \"Car\" } }", "1"),
        ("{ hasLabel: { eq: \"car\" } }", "2"),
        ("{ hasLabel: { eq: \"Größe 🚗\" } }", "2"),
        ("{ hasLabel: { eq: \"drives\" } }", "2"),
        ("{ hasLabel: { eq: \"Ca\" } }", ""),
        ("{ hasLabel: { eq: \"\" } }", ""),
        // What a choice says is no label.
        ("{ hasLabel: { eq: \"Day\" } }", ""),
        ("{ hasLabel: { in: [\"Bus\", \"car\", \"x\"] } }", "1 2"),
        ("{ hasLabel: { in: [] } }", ""),
        ("{ hasLabel: {} }", "1 2 3 4"),
        ("{ hasLabel: { eq: \"Car\", in: [\"Car\", \"x\"] } }", "1"),
        ("{ hasLabel: { eq: \"Car\", in: [\"Bus\"] } }", ""),
        (
            "{ and: [{ hasLabel: { eq: \"Car\" } }, { hasLabel: { eq: \"Bus\" } }] }",
            "1",
        ),
        (
            "{ and: [{ hasLabel: { eq: \"Car\" } }, { hasLabel: { eq: \"car\" } }] }",
            "",
        ),
        (
            "{ or: [{ hasLabel: { eq: \"Car\" } }, { hasLabel: { eq: \"car\" } }] }",
            "1 2",
        ),
        ("{ not: { hasLabel: { eq: \"Car\" } } }", "2 3 4"),
        ("{ hasRegionType: { eq: RECTANGLE } }", "1 2"),
        ("{ hasRegionType: { eq: RELATION } }", "2"),
        ("{ hasRegionType: { in: [CHOICES, RELATION] } }", "2 3"),
        ("{ hasRegionType: { eq: OTHER } }", ""),
        ("{ not: { hasRegionType: { in: [RECTANGLE] } } }", "3 4"),
        (
            "{ hasRegionType: { eq: RECTANGLE }, hasLabel: { eq: \"drives\" } }",
            "2",
        ),
        ("{ projectId: { eq: 1 }, hasLabel: { eq: \"Car\" } }", "1"),
        ("{ projectId: { eq: 2 }, hasLabel: { eq: \"Car\" } }", ""),
        ("{ taskId: { eq: 1 }, hasLabel: { eq: \"Car\" } }", "1"),
        ("{ regionCount: { gte: 2 } }", "1 2"),
        ("{ regionCount: { lt: 1 } }", "4"),
    ] {
        assert_eq!(found(&app.admin, filter).await, expected, "{filter}");
    }
    let query = "query($label: String) { annotations(filter: { hasLabel: { eq: $label } }) { nodes { id } } }";
    let answer = app.admin.run_with(query, json!({ "label": long })).await;
    assert_eq!(ids(&answer.data()["annotations"]).join(" "), "2");
    // Not even when only its end differs.
    let answer = app
        .admin
        .run_with(query, json!({ "label": format!("{long}er") }))
        .await;
    assert!(ids(&answer.data()["annotations"]).is_empty());
    let below = "{ project(id: 1) { annotations(filter: { hasLabel: { eq: \"Car\" } }) { totalCount nodes { id } } }
        task(id: 1) { annotations(filter: { hasLabel: { eq: \"Car\" } }) { totalCount nodes { id } } } }";
    let list = json!({ "annotations": { "totalCount": 1, "nodes": [{ "id": "1" }] } });
    assert_eq!(
        app.admin.run(below).await.data(),
        &json!({ "project": list, "task": list })
    );
}

#[each_database]
async fn the_index_follows_every_change(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let (other, target) = app.project_with_task().await;
    let input = json!({ "result": [rectangle(&["Car"])] });
    let id = app.annotation(&app.admin, &task, input).await;
    let car = "{ hasLabel: { eq: \"Car\" } }";
    let bus = "{ hasLabel: { eq: \"Bus\" } }";
    assert_eq!(found(&app.admin, car).await, id);
    let change = json!({ "result": [rectangle(&["Bus"])] });
    update(&app.admin, &id, change).await.ok();
    assert_eq!(
        (found(&app.admin, car).await, found(&app.admin, bus).await),
        (String::new(), id.clone())
    );
    check_index(&app).await;
    update(&app.admin, &id, json!({ "taskId": target }))
        .await
        .ok();
    let moved = format!("{{ projectId: {{ eq: {other} }}, hasLabel: {{ eq: \"Bus\" }} }}");
    assert_eq!(found(&app.admin, &moved).await, id);
    check_index(&app).await;
    restore(&app.admin, &id, 1, None).await.ok();
    assert_eq!(
        (found(&app.admin, car).await, found(&app.admin, bus).await),
        (id.clone(), String::new())
    );
    let change = json!({ "result": [] });
    update(&app.admin, &id, change).await.ok();
    let terms = annotation_term::Entity::find();
    assert_eq!(terms.clone().count(app.app.db.writer()).await.unwrap(), 0);
    delete(&app.admin, &id).await.ok();
    restore(&app.admin, &id, 2, None).await.ok();
    assert_eq!(found(&app.admin, bus).await, id);
    check_index(&app).await;
    delete(&app.admin, &id).await.ok();
    assert_eq!(terms.count(app.app.db.writer()).await.unwrap(), 0);
    let file = json!([{ "data": {}, "annotations": [{ "result": [rectangle(&["Car"])] }, { "result": [rectangle(&["Bus"])] }] }]);
    import_text(&app.app, file.to_string()).await.unwrap();
    assert_eq!(
        found(&app.admin, "{ hasLabel: { in: [\"Car\", \"Bus\"] } }")
            .await
            .split(' ')
            .count(),
        2
    );
    check_index(&app).await;
}

#[each_database]
async fn what_says_the_same_is_not_indexed_again(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let input = json!({ "result": [rectangle(&["Car"])] });
    let id = app.annotation(&app.admin, &task, input).await;
    let change = |result: Value| json!({ "result": result });
    // The first reading of the config costs statements of its own.
    update(&app.admin, &id, json!({ "result": [] })).await.ok();
    let whole = change(json!([rectangle(&["Car"])]));
    update(&app.admin, &id, whole).await.ok();
    let mut moved = rectangle(&["Car"]);
    moved["value"]["x"] = json!(2);
    let (same, _) = app
        .statements(update(&app.admin, &id, change(json!([moved]))))
        .await;
    let (added, _) = app
        .statements(update(
            &app.admin,
            &id,
            change(json!([rectangle(&["Bus"])])),
        ))
        .await;
    // PostgreSQL writes terms with the annotation.
    let more = match app.app.db.backend() {
        DbBackend::Postgres => 0,
        _ => 2,
    };
    assert_eq!(added, same + more);
    let many: Vec<Value> = (0..100)
        .map(|number| rectangle(&[&number.to_string()]))
        .collect();
    let (many, _) = app
        .statements(update(&app.admin, &id, change(json!(many))))
        .await;
    assert_eq!(many, added);
    check_index(&app).await;
}

#[each_database]
async fn members_find_what_is_theirs(app: TestApp) {
    let mut clients = Vec::new();
    for name in ["ann", "bob"] {
        let (project, task) = app.project_with_task().await;
        let input = json!({ "result": [rectangle(&["Car"])] });
        let id = app.annotation(&app.admin, &task, input).await;
        clients.push((app.member(&project, name, Role::Viewer).await, id));
    }
    for (client, id) in &clients {
        for filter in [
            "{ hasLabel: { eq: \"Car\" } }",
            "{ hasRegionType: { eq: RECTANGLE } }",
            "{ projectId: { in: [1, 2] }, hasLabel: { eq: \"Car\" } }",
            "{ or: [{ hasLabel: { eq: \"Car\" } }] }",
            "{ not: { hasLabel: { eq: \"Bus\" } } }",
        ] {
            assert_eq!(found(client, filter).await, *id, "{filter}");
        }
    }
    assert_eq!(
        found(&app.stranger("eve").await, "{ hasLabel: { eq: \"Car\" } }").await,
        ""
    );
}

#[each_database]
async fn annotations_of_before_the_index_are_brought_in(app: TestApp) {
    let db = app.app.db.writer();
    let (_, task) = app.project_with_task().await;
    for number in 0..7 {
        let input = json!({ "result": [rectangle(&[&format!("L{number}")])] });
        app.annotation(&app.admin, &task, input).await;
    }
    let before = app.dump().await;
    let all = Migrator::migrations();
    let own = |name: &str| name == "m20261124_000014_create_annotation_term";
    let first = all.iter().position(|step| own(step.name())).unwrap();
    let steps = u32::try_from(all.len() - first).unwrap();
    Migrator::down(db, Some(steps)).await.unwrap();
    Migrator::up(db, None).await.unwrap();
    let waiting = annotation_term_fill::Entity::find().one(db).await.unwrap();
    assert_eq!(waiting.map(|row| (row.last_id, row.done_id)), Some((7, 0)));
    assert_eq!(found(&app.admin, "{ hasLabel: { eq: \"L3\" } }").await, "");
    // What comes meanwhile is there at once.
    let input = json!({ "result": [rectangle(&["New"])] });
    let new = app.annotation(&app.admin, &task, input).await;
    assert_eq!(
        found(&app.admin, "{ hasLabel: { eq: \"New\" } }").await,
        new
    );
    delete(&app.admin, &new).await.ok();
    // Two at once: each annotation is brought in once.
    let beside = app.beside().await;
    let fill = async |app| {
        let mut done = 0;
        while let Some(more) = index::fill(app).await.unwrap() {
            done += more;
        }
        done
    };
    let (one, other) = tokio::join!(fill(&app.app), fill(&beside));
    assert_eq!(one + other, 7);
    assert_eq!(found(&app.admin, "{ hasLabel: { eq: \"L3\" } }").await, "4");
    check_index(&app).await;
    let tables = |dump: &str| {
        let of = dump.split("annotation_term\n").nth(1).unwrap();
        of.split("annotation_tombstone\n")
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(tables(&app.dump().await), tables(&before));
    let rows = annotation_term::Entity::find().order_by_asc(annotation_term::Column::Term);
    assert_eq!(rows.count(db).await.unwrap(), 14);
}
