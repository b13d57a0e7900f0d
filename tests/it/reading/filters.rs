//! Filters and orders: every field.

use each_database::each_database;
use entity::{annotation, project_member::Role, task};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
};
use serde_json::json;

use super::{ids, instant, set};
use crate::support::TestApp;

const UNIQUE: [&str; 4] = [
    "00000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-000000000002",
    "00000000-0000-4000-8000-000000000003",
    "abcdef00-0000-4000-8000-000000000004",
];

/// Tasks 1 and 2 in project 1 and task 3 in project 2, with annotations 1 and 2, 3, and 4. User 2 is ann.
pub async fn four_annotations(app: &TestApp) {
    let (project, _) = app.project_with_task().await;
    app.task(&project).await;
    app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let admin = &app.admin;
    for (by, task, unique, input) in [
        (admin, "1", UNIQUE[0], json!({ "leadTime": 1.5 })),
        (
            &ann,
            "1",
            UNIQUE[1],
            json!({ "leadTime": 2, "wasCancelled": true }),
        ),
        (admin, "2", UNIQUE[2], json!({ "groundTruth": true })),
        (admin, "3", UNIQUE[3], json!({ "leadTime": 0 })),
    ] {
        let mut input = input;
        input["uniqueId"] = json!(unique);
        app.annotation(by, task, input).await;
    }
    for (id, created, updated, import_id) in [
        (
            "1",
            "2024-01-01T00:00:00Z",
            "2024-02-03T00:00:00Z",
            Some(100),
        ),
        ("2", "2024-01-02T00:00:00Z", "2024-02-02T00:00:00Z", None),
        (
            "3",
            "2024-01-02T00:00:00Z",
            "2024-02-02T00:00:00.000001Z",
            Some(200),
        ),
        (
            "4",
            "2024-01-03T00:00:00Z",
            "2024-02-01T00:00:00Z",
            Some(9_223_372_036_854_775_807),
        ),
    ] {
        let columns = annotation::ActiveModel {
            created_at: Set(instant(created)),
            updated_at: Set(instant(updated)),
            import_id: Set(import_id),
            ..Default::default()
        };
        set(app, id, columns).await;
    }
    let columns = annotation::ActiveModel {
        updated_by_id: Set(Some(2)),
        last_created_by_id: Set(Some(2)),
        parent_annotation_id: Set(Some(2)),
        draft_created_at: Set(Some(instant("2024-01-01T00:00:00Z"))),
        version: Set(3),
        ..Default::default()
    };
    set(app, "4", columns).await;
}

#[each_database]
async fn annotations_are_filtered_by_every_leaf(app: TestApp) {
    four_annotations(&app).await;
    for (filter, expected) in [
        ("{}", "1 2 3 4"),
        ("null", "1 2 3 4"),
        (
            "{ id: null, leadTime: null, wasCancelled: null, lastAction: null, createdAt: null }",
            "1 2 3 4",
        ),
        ("{ id: { eq: null, in: null } }", "1 2 3 4"),
        ("{ id: { eq: 2 } }", "2"),
        ("{ id: { eq: \"2\" } }", "2"),
        ("{ id: { eq: \"02\" } }", ""),
        ("{ id: { eq: \"x\" } }", ""),
        ("{ id: { eq: -2 } }", ""),
        ("{ id: { in: [3, \"1\", 99, \"x\"] } }", "1 3"),
        ("{ id: { in: 4 } }", "4"),
        ("{ id: { in: [] } }", ""),
        ("{ id: { eq: 1, in: [1, 2] } }", "1"),
        ("{ id: { eq: 1, in: [2] } }", ""),
        (&format!("{{ uniqueId: {{ eq: \"{}\" }} }}", UNIQUE[1]), "2"),
        (
            &format!("{{ uniqueId: {{ eq: \"{}\" }} }}", UNIQUE[3].to_uppercase()),
            "4",
        ),
        (
            &format!(
                "{{ uniqueId: {{ in: [\"{}\", \"{}\"] }} }}",
                UNIQUE[0], UNIQUE[2]
            ),
            "1 3",
        ),
        ("{ uniqueId: { in: [] } }", ""),
        ("{ taskId: { eq: 1 } }", "1 2"),
        ("{ taskId: { in: [2, 3] } }", "3 4"),
        ("{ taskId: { eq: 0 } }", ""),
        ("{ projectId: { eq: 1 } }", "1 2 3"),
        ("{ projectId: { in: [1, 2] } }", "1 2 3 4"),
        ("{ completedById: { eq: 2 } }", "2"),
        ("{ completedById: { in: [1, 2] } }", "1 2 3 4"),
        ("{ updatedById: { eq: 2 } }", "2 4"),
        ("{ updatedById: { in: [1] } }", "1 3"),
        ("{ wasCancelled: true }", "2"),
        ("{ wasCancelled: false }", "1 3 4"),
        ("{ groundTruth: true }", "3"),
        ("{ groundTruth: false }", "1 2 4"),
        ("{ lastAction: { eq: SKIPPED } }", "2"),
        ("{ lastAction: { eq: FIXED_AND_ACCEPTED } }", ""),
        ("{ lastAction: { in: [SUBMITTED, IMPORTED] } }", "1 3 4"),
        ("{ lastAction: { in: [] } }", ""),
        ("{ createdAt: { gte: \"2024-01-02T00:00:00Z\" } }", "2 3 4"),
        ("{ createdAt: { gt: \"2024-01-02T00:00:00Z\" } }", "4"),
        ("{ createdAt: { lte: \"2024-01-02T00:00:00Z\" } }", "1 2 3"),
        ("{ createdAt: { lt: \"2024-01-02T00:00:00Z\" } }", "1"),
        (
            "{ createdAt: { gte: \"2024-01-02T05:30:00+05:30\", lt: \"2024-01-02T19:00:00-05:00\" } }",
            "2 3",
        ),
        (
            "{ createdAt: { gt: \"2024-01-02T00:00:00Z\", lt: \"2024-01-02T00:00:00Z\" } }",
            "",
        ),
        (
            "{ createdAt: { gte: \"0001-01-01T00:00:00Z\", lte: \"9999-12-31T23:59:59Z\" } }",
            "1 2 3 4",
        ),
        ("{ updatedAt: { gt: \"2024-02-02T00:00:00Z\" } }", "1 3"),
        (
            "{ updatedAt: { gte: \"2024-02-02T00:00:00.000001Z\" } }",
            "1 3",
        ),
        (
            "{ updatedAt: { lte: \"2024-02-02T00:00:00.000000999Z\" } }",
            "2 4",
        ),
        ("{ updatedAt: { lt: \"2024-02-02T00:00:00Z\" } }", "4"),
        ("{ leadTime: { gte: 1.5 } }", "1 2"),
        ("{ leadTime: { gt: 1.5 } }", "2"),
        ("{ leadTime: { lte: 1.5 } }", "1 4"),
        ("{ leadTime: { lt: 1.5 } }", "4"),
        ("{ leadTime: { gte: 0, lte: 10 } }", "1 2 4"),
        ("{ leadTime: { gte: -1e300, lte: 1e300 } }", "1 2 4"),
        ("{ importId: { eq: 200 } }", "3"),
        ("{ importId: { eq: \"9223372036854775807\" } }", "4"),
        ("{ importId: { in: [100, 200] } }", "1 3"),
        (
            "{ projectId: { eq: 1 }, wasCancelled: false, leadTime: { gt: 1 } }",
            "1",
        ),
        ("{ lastCreatedById: { eq: 2 } }", "2 4"),
        ("{ parentAnnotationId: { eq: 2 } }", "4"),
        ("{ parentAnnotationId: { in: [1, 3] } }", ""),
        ("{ not: { parentAnnotationId: { eq: 2 } } }", "1 2 3"),
        ("{ parentPredictionId: { eq: 1 } }", ""),
        ("{ draftCreatedAt: { gte: \"2024-01-01T00:00:00Z\" } }", "4"),
        ("{ draftCreatedAt: { gt: \"2024-01-01T00:00:00Z\" } }", ""),
        ("{ version: { gt: 1 } }", "4"),
        ("{ version: { lte: 1 } }", "1 2 3"),
    ] {
        let query = format!("{{ annotations(filter: {filter}) {{ totalCount nodes {{ id }} }} }}");
        let answer = app.admin.run(&query).await;
        let list = &answer.data()["annotations"];
        assert_eq!(ids(list).join(" "), expected, "{filter}");
        assert_eq!(list["totalCount"], ids(list).len(), "{filter}");
    }
}

#[each_database]
async fn annotations_below_a_task_and_a_project_take_the_same_filters(app: TestApp) {
    four_annotations(&app).await;
    let answer = app.admin.run("{
        t: task(id: 1) { a: annotations(filter: { wasCancelled: true }) { totalCount nodes { id } } b: annotations { totalCount nodes { id } }
            c: annotations(filter: { taskId: { eq: 2 } }) { totalCount nodes { id } } }
        p: project(id: 1) { a: annotations(filter: { groundTruth: false }, orderBy: { field: ID, direction: DESC }) { totalCount nodes { id } } }
    }").await;
    let expected = json!({
        "t": { "a": { "totalCount": 1, "nodes": [{ "id": "2" }] }, "b": { "totalCount": 2, "nodes": [{ "id": "1" }, { "id": "2" }] },
            "c": { "totalCount": 0, "nodes": [] } },
        "p": { "a": { "totalCount": 2, "nodes": [{ "id": "2" }, { "id": "1" }] } },
    });
    assert_eq!(answer.data(), &expected);
}

#[each_database]
async fn tasks_are_filtered_by_every_leaf(app: TestApp) {
    four_annotations(&app).await;
    for (id, import_id, overlap) in [(1, Some(100), 1), (2, None, 2), (3, Some(i64::MAX), 3)] {
        let columns = task::ActiveModel {
            id: Unchanged(id),
            import_id: Set(import_id),
            overlap: Set(overlap),
            total_predictions: Set(overlap - 1),
            ..Default::default()
        };
        columns.update(app.app.db.writer()).await.unwrap();
    }
    let answer = app
        .admin
        .run("{ tasks { nodes { id createdAt updatedAt isLabeled } } }")
        .await;
    let second = &answer.data()["tasks"]["nodes"][1];
    let (created, updated) = (&second["createdAt"], &second["updatedAt"]);
    for (filter, expected) in [
        ("{}", "1 2 3"),
        ("{ id: { eq: 2 } }", "2"),
        ("{ id: { in: [3, 1] } }", "1 3"),
        ("{ projectId: { eq: 1 } }", "1 2"),
        ("{ projectId: { in: [2] } }", "3"),
        ("{ isLabeled: true }", "1 2 3"),
        ("{ isLabeled: false }", ""),
        (&format!("{{ createdAt: {{ gte: {created} }} }}"), "2 3"),
        (&format!("{{ createdAt: {{ lt: {created} }} }}"), "1"),
        (&format!("{{ createdAt: {{ gt: {created} }} }}"), "3"),
        (&format!("{{ createdAt: {{ lte: {created} }} }}"), "1 2"),
        (
            &format!("{{ updatedAt: {{ gte: {updated}, lte: {updated} }} }}"),
            "2",
        ),
        (&format!("{{ updatedAt: {{ gt: {updated} }} }}"), "3"),
        ("{ importId: { eq: \"100\" } }", "1"),
        ("{ importId: { eq: 9223372036854775807 } }", "3"),
        ("{ importId: { in: [100, 9, \"x\"] } }", "1"),
        ("{ importId: { eq: \"0100\" } }", ""),
        ("{ not: { importId: { eq: 100 } } }", "2 3"),
        ("{ overlap: { gte: 2 } }", "2 3"),
        ("{ overlap: { gt: 1, lt: 3 } }", "2"),
        ("{ totalAnnotations: { gte: 1 } }", "1 2 3"),
        ("{ totalAnnotations: { gt: 1 } }", ""),
        ("{ cancelledAnnotations: { gte: 1 } }", "1"),
        ("{ cancelledAnnotations: { lte: 0 } }", "2 3"),
        ("{ totalPredictions: { lt: 2 } }", "1 2"),
        ("{ version: { gt: 1 } }", ""),
        ("{ version: { lte: 1 } }", "1 2 3"),
        ("{ updatedById: { eq: 2 } }", "1"),
        ("{ updatedById: { in: [1, 2] } }", "1 2 3"),
        ("{ not: { updatedById: { eq: 2 } } }", "2 3"),
        (
            "{ overlap: null, importId: {}, totalAnnotations: {} }",
            "1 2 3",
        ),
    ] {
        let query = format!("{{ tasks(filter: {filter}) {{ totalCount nodes {{ id }} }} }}");
        let answer = app.admin.run(&query).await;
        let list = &answer.data()["tasks"];
        assert_eq!(ids(list).join(" "), expected, "{filter}");
        assert_eq!(list["totalCount"], ids(list).len(), "{filter}");
    }
}

#[each_database]
async fn projects_and_users_are_filtered_by_text(app: TestApp) {
    for title in [
        "Cars",
        "CARS and trucks",
        "100% of them",
        "a_b",
        r"back\slash",
        "ÄRGER",
        "ärger",
    ] {
        let create = "mutation($title: String!) { createProject(input: { title: $title }) { id } }";
        app.admin
            .run_with(create, json!({ "title": title }))
            .await
            .ok();
    }
    for (filter, expected) in [
        (json!({ "title": { "eq": "Cars" } }), "1"),
        (json!({ "title": { "eq": "cars" } }), ""),
        (json!({ "title": { "in": ["Cars", "a_b", "x"] } }), "1 4"),
        (json!({ "title": { "in": [] } }), ""),
        (json!({ "title": { "contains": "cars" } }), "1 2"),
        (json!({ "title": { "contains": "cArS A" } }), "2"),
        (json!({ "title": { "contains": "%" } }), "3"),
        (json!({ "title": { "contains": "_" } }), "4"),
        (json!({ "title": { "contains": "\\" } }), "5"),
        (json!({ "title": { "contains": "'" } }), ""),
        (json!({ "title": { "contains": "ÄRGER" } }), "6 7"),
        (json!({ "title": { "contains": "ärg" } }), "6 7"),
        (json!({ "title": { "contains": "A\u{308}rG" } }), "6 7"),
        (json!({ "title": { "contains": "arg" } }), ""),
        (json!({ "title": { "eq": "ÄRGER" } }), "6"),
        (
            json!({ "checkMode": { "eq": "STANDARD" }, "title": { "contains": "cars" } }),
            "1 2",
        ),
        (json!({ "checkMode": { "in": ["OFF", "STRICT"] } }), ""),
        (json!({ "createdById": { "eq": 1 } }), "1 2 3 4 5 6 7"),
        (json!({ "createdById": { "eq": 2 } }), ""),
        (json!({ "version": { "gte": 2 } }), ""),
        (json!({ "version": { "lt": 2 }, "id": { "eq": 4 } }), "4"),
        (
            json!({ "createdAt": { "gt": "2024-01-01T00:00:00Z" }, "id": { "eq": 1 } }),
            "1",
        ),
        (json!({ "updatedAt": { "lt": "2024-01-01T00:00:00Z" } }), ""),
        (json!({ "title": { "contains": "" } }), "1 2 3 4 5 6 7"),
        (
            json!({ "title": { "contains": "cars", "eq": "Cars" } }),
            "1",
        ),
        (json!({ "title": { "contains": "\u{0}" } }), ""),
        (json!({ "title": { "eq": "Cars\u{0}" } }), ""),
        (
            json!({ "id": { "in": [2, "3"] }, "title": { "contains": "m" } }),
            "3",
        ),
    ] {
        let query = "query($filter: ProjectFilter) { projects(filter: $filter) { totalCount nodes { id } } }";
        let answer = app.admin.run_with(query, json!({ "filter": filter })).await;
        let list = &answer.data()["projects"];
        assert_eq!(ids(list).join(" "), expected, "{filter}");
        assert_eq!(list["totalCount"], ids(list).len(), "{filter}");
    }
    app.stranger("ann").await;
    app.stranger("Anna").await;
    for (filter, expected) in [
        ("{ username: { eq: \"ann\" } }", "2"),
        ("{ username: { contains: \"ANN\" } }", "2 3"),
        ("{ username: { in: [\"Anna\", \"admin\"] } }", "1 3"),
        ("{ id: { eq: 3 } }", "3"),
        (
            "{ id: { in: [1, 2] }, username: { contains: \"n\" } }",
            "1 2",
        ),
    ] {
        let query = format!("{{ users(filter: {filter}) {{ totalCount nodes {{ id }} }} }}");
        let answer = app.admin.run(&query).await;
        let list = &answer.data()["users"];
        assert_eq!(ids(list).join(" "), expected, "{filter}");
        assert_eq!(list["totalCount"], ids(list).len(), "{filter}");
    }
}

#[each_database]
async fn every_order_runs_both_ways_and_breaks_ties_by_id(app: TestApp) {
    four_annotations(&app).await;
    for (field, direction, expected) in [
        ("ID", "ASC", "1 2 3 4"),
        ("ID", "DESC", "4 3 2 1"),
        ("CREATED_AT", "ASC", "1 2 3 4"),
        ("CREATED_AT", "DESC", "4 3 2 1"),
        ("UPDATED_AT", "ASC", "4 2 3 1"),
        ("UPDATED_AT", "DESC", "1 3 2 4"),
    ] {
        let order = format!("orderBy: {{ field: {field}, direction: {direction} }}");
        let query = format!(
            "{{ annotations({order}) {{ nodes {{ id }} }} tasks({order}) {{ nodes {{ id }} }} projects({order}) {{ nodes {{ id }} }} }}"
        );
        let answer = app.admin.run(&query).await;
        assert_eq!(
            ids(&answer.data()["annotations"]).join(" "),
            expected,
            "{order}"
        );
        let (tasks, projects) = match direction {
            "ASC" => ("1 2 3", "1 2"),
            _ => ("3 2 1", "2 1"),
        };
        assert_eq!(ids(&answer.data()["tasks"]).join(" "), tasks, "{order}");
        assert_eq!(
            ids(&answer.data()["projects"]).join(" "),
            projects,
            "{order}"
        );
    }
}
