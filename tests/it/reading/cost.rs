//! Statement counts of reads: constant for any number of rows.

use each_database::each_database;
use entity::project_member::Role;
use sea_orm::ConnectionTrait;
use serde_json::json;

use super::fields::{draft, predict};
use crate::support::{Client, TestApp};

const DEEP: &str = "{
  viewer { id }
  users { totalCount nodes { id username } }
  projects(first: 100) { totalCount nodes {
    id title taskCount annotationCount viewerRole createdBy { username }
    members { role user { username } project { title } }
    tasks(first: 4) { totalCount nodes { ...task } }
    annotations(first: 4, filter: { wasCancelled: false }, orderBy: { field: UPDATED_AT, direction: DESC }) { totalCount nodes { ...annotation } }
  } }
}
fragment task on Task {
  id data project { title createdBy { id } } updatedBy { username } groundTruth { id result }
  predictions { id result task { data } project { title } createdAgo }
  drafts { id user { username } annotation { id version } task { id data } }
  annotations(first: 4) { totalCount nodes { ...annotation } }
}
fragment annotation on Annotation {
  id result createdUsername createdAgo completedBy { username } updatedBy { username } lastCreatedBy { username } viewerCanUpdate
  task { id isLabeled project { title } } project { id title }
  parentPrediction { id score } parentAnnotation { id createdUsername task { id data } }
  drafts { id result user { username } }
  reviews { verdict comment reviewer { username } } latestReview { version }
  history(first: 5) { totalCount nodes { version changedFields actor { username } } }
}";

/// Projects, each with a task, annotations with parents by different people, predictions and drafts.
async fn grow(app: &TestApp, reader: &Client, count: usize) {
    for _ in 0..count {
        let (project, task) = app.project_with_task().await;
        let number =
            app.admin.run("{ users { totalCount } }").await.data()["users"]["totalCount"].clone();
        let ann = app
            .member(&project, &format!("ann{number}"), Role::Annotator)
            .await;
        let add = format!(
            "mutation {{ addProjectMember(projectId: {project}, userId: {}, role: REVIEWER) {{ role }} }}",
            reader.user_id
        );
        app.admin.run(&add).await.ok();
        let prediction = predict(app, &task, "[]").await;
        let first = app
            .annotation(&ann, &task, json!({ "parentPredictionId": prediction }))
            .await;
        app.annotation(
            &app.admin,
            &task,
            json!({ "parentAnnotationId": first, "groundTruth": true }),
        )
        .await;
        let review = format!(
            "mutation {{ reviewAnnotation(id: {first}, input: {{ action: ACCEPT }}) {{ id }} }}"
        );
        app.admin.run(&review).await.ok();
        draft(app, &task, Some(&first), &reader.user_id).await;
        draft(app, &task, None, &reader.user_id).await;
    }
}

#[each_database]
async fn any_nesting_costs_a_fixed_number_of_statements(app: TestApp) {
    let admin = app.serving(&["--max-cost", "5000000"]).unwrap();
    let reader = Client {
        router: admin.router.clone(),
        ..app.stranger("reader").await
    };
    grow(&app, &reader, 2).await;
    // Chains: each level is one batch.
    let chains = [
        "{ projects(first: 100) { nodes { tasks(first: 5) { nodes { annotations(first: 5) { nodes { history(first: 5) { nodes { actor { username } } } } } } } } } }",
        "{ tasks(first: 100) { nodes { project { createdBy { username } } } } }",
        "{ annotations(first: 100) { nodes { result task { data project { members { user { username } } } } } } }",
        "{ annotations(first: 100) { nodes { parentAnnotation { parentPrediction { task { groundTruth { completedBy { username } } } } } } } }",
        "{ tasks(first: 100) { totalCount nodes { annotations { totalCount nodes { id } } } } }",
        "{ projects(first: 100) { nodes { taskCount } } }",
        "{ projects(first: 100) { nodes { viewerRole } } }",
        "{ tasks(first: 100) { nodes { drafts { annotation { drafts { user { username } } } } } } }",
        "{ tasks(first: 100) { nodes { predictions { task { isLabeled } } } } }",
        "{ annotations(first: 100) { nodes { viewerCanUpdate } } }",
        "{ annotations(first: 100) { nodes { reviews { reviewer { username } } } } }",
        "{ annotations(first: 100) { nodes { latestReview { verdict } reviews { comment } } } }",
        "{ drafts(first: 100) { nodes { task { id data } annotation { version } user { username } } } }",
        "{ annotations(first: 100) { nodes { createdUsername } } }",
        "{ tasks(first: 100) { nodes { agreement iou: agreement(metric: IOU) } } }",
    ];
    let mut few = Vec::new();
    for query in chains {
        for client in [&reader, &admin] {
            let (statements, answer) = app.statements(client.run(query)).await;
            answer.ok();
            few.push(statements);
        }
    }
    let (few_at_once, _) = app.statements(reader.run(DEEP)).await;

    grow(&app, &reader, 28).await;
    let mut many = Vec::new();
    for query in chains {
        for client in [&reader, &admin] {
            let (statements, _) = app.statements(client.run(query)).await;
            many.push(statements);
        }
    }
    assert_eq!(few, many, "statements for 2 and for 30 projects");
    let (many_at_once, answer) = app.statements(reader.run(DEEP)).await;
    let projects = answer.data()["projects"]["nodes"].as_array().unwrap();
    assert_eq!(projects.len(), 30);
    assert_eq!(
        projects[29]["tasks"]["nodes"][0]["annotations"]["nodes"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    // Branches that are read side by side share a batch when they meet: which do is chance, but
    // a statement for each row anywhere would be 28 more.
    assert!(
        many_at_once < few_at_once + 14,
        "{few_at_once} statements for 2, {many_at_once} for 30"
    );
}

#[each_database]
async fn references_by_id_cost_nothing(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    for _ in 0..3 {
        app.annotation(&app.admin, &task, json!({})).await;
    }
    for (query, expected) in [
        ("{ __typename }", 0),
        ("{ viewer { id username email role createdAt } }", 0),
        ("{ annotation(id: 1) { id version } }", 1),
        (
            "{ annotation(id: 1) { id result task { id } project { id __typename } } }",
            1,
        ),
        (
            "{ annotations { nodes { id task { id } project { id } } } }",
            1,
        ),
        ("{ annotations { nodes { id task { id data } } } }", 2),
        (
            "{ annotations { nodes { id task { id data isLabeled } } pageInfo { hasNextPage } edges { cursor } } }",
            2,
        ),
        (
            "{ a: annotation(id: 1) { id } b: annotation(id: 2) { id } c: annotation(id: 1) { version } }",
            1,
        ),
        ("{ task(id: 1) { id project { id } } }", 1),
        (
            "{ annotations { nodes { createdUsername completedBy { username } updatedBy { id } lastCreatedBy { id } } } }",
            2,
        ),
    ] {
        let (statements, answer) = app.statements(app.admin.run(query)).await;
        answer.ok();
        assert_eq!(statements, expected, "{query}");
    }
}

#[each_database]
async fn totals_are_counted_only_when_asked_for(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    app.annotation(&ann, &task, json!({})).await;
    // Annotations are read project by project, and which these are is asked first.
    for (list, apart) in [
        ("annotations", 1),
        ("tasks", 0),
        ("projects", 0),
        ("users", 0),
    ] {
        for (fields, expected) in [
            ("nodes { id }", 1),
            ("totalCount nodes { id }", 2),
            ("a: totalCount b: totalCount nodes { id }", 3),
            ("nodes { id } totalCount @skip(if: true)", 1),
        ] {
            let query = format!("{{ {list} {{ {fields} }} }}");
            let (statements, answer) = app.statements(ann.run(&query)).await;
            answer.ok();
            // A count of the same list, once more under another name, may be remembered.
            let statements = statements - apart;
            assert!(
                statements <= expected && statements >= expected.min(2),
                "{query}: {statements}"
            );
        }
    }
    for (with, without) in [
        (
            "{ task(id: 1) { annotations { totalCount nodes { id } } } }",
            "{ task(id: 1) { annotations { nodes { id } } } }",
        ),
        (
            "{ project(id: 1) { tasks { totalCount nodes { id } } } }",
            "{ project(id: 1) { tasks { nodes { id } } } }",
        ),
        (
            "{ annotation(id: 1) { history { totalCount nodes { version } } } }",
            "{ annotation(id: 1) { history { nodes { version } } } }",
        ),
    ] {
        let (with, _) = app.statements(ann.run(with)).await;
        let (without, _) = app.statements(ann.run(without)).await;
        assert_eq!(with, without + 1);
    }
}

#[each_database]
async fn pages_of_one_list_count_it_once(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    for _ in 0..3 {
        app.annotation(&ann, &task, json!({})).await;
    }
    for list in [
        "LIST",
        "task(id: 1) { LIST }",
        "projects { nodes { LIST } }",
    ] {
        for (filter, lists) in [("{}", 1), ("{ id: { eq: 2 } }", 2)] {
            let query = |total: &str| {
                let pages = format!(
                        "a: annotations(first: 1) {{ nodes {{ id }} {total} }}
                         b: annotations(filter: {filter}, last: 2, orderBy: {{ field: UPDATED_AT, direction: DESC }}) {{
                           nodes {{ id }} {total}
                         }}"
                    );
                format!("{{ {} }}", list.replace("LIST", &pages))
            };
            let (without, answer) = app.statements(ann.run(&query(""))).await;
            answer.ok();
            let (with, answer) = app.statements(ann.run(&query("totalCount"))).await;
            answer.ok();
            assert_eq!(with, without + lists, "{}", query("totalCount"));
        }
    }
    for list in ["tasks", "projects", "users", "drafts"] {
        let query = |total: &str| {
            let page = |size: &str| format!("{list}({size}: 1) {{ nodes {{ id }} {total} }}");
            format!("{{ a: {} b: {} }}", page("first"), page("last"))
        };
        let (without, _) = app.statements(ann.run(&query(""))).await;
        let (with, answer) = app.statements(ann.run(&query("totalCount"))).await;
        answer.ok();
        assert_eq!(with, without + 1, "{list}");
    }
}

#[each_database]
async fn all_annotations_of_a_task_are_not_counted_again(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    for was_cancelled in [true, false, false] {
        let input = json!({ "wasCancelled": was_cancelled });
        app.annotation(&ann, &task, input).await;
    }
    let query = "query($filter: AnnotationFilter) { task(id: 1) {
      annotations { totalCount } ...all ...empty ...given ...skipped
    } }
    fragment all on Task { null: annotations(filter: null) { totalCount } }
    fragment empty on Task { empty: annotations(filter: {}) { totalCount } }
    fragment given on Task { given: annotations(filter: $filter) { totalCount } }
    fragment skipped on Task { skipped: annotations(filter: { wasCancelled: true }) { totalCount } }";
    let counts = async || {
        let answer = ann.run(query).await;
        let task = &answer.data()["task"];
        ["annotations", "null", "empty", "given", "skipped"]
            .map(|list| task[list]["totalCount"].as_i64().unwrap())
    };
    assert_eq!(counts().await, [3, 3, 3, 3, 1]);
    // Shows that the counter answers, not the rows.
    let db = app.app.db.writer();
    let update = "UPDATE task SET total_annotations = 40 WHERE id = 1";
    db.execute_unprepared(update).await.unwrap();
    assert_eq!(counts().await, [41, 41, 41, 41, 1]);
    // A stranger sees neither task nor count.
    let bob = app.stranger("bob").await;
    assert_eq!(bob.run(query).await.data()["task"], json!(null));
}
