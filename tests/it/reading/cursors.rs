//! Cursors of lists stay valid from release to release.

use each_database::each_database;
use serde_json::json;

use crate::support::TestApp;

/// Each list with the cursor of its first row. Clients hold them: none may ever change.
const GOLDEN: [(&str, &str, &str); 9] = [
    ("/annotations", "annotations(#) { % }", "MjphYTU2ZmFmODo6MQ"),
    (
        "/annotations",
        "annotations(filter: { taskId: { eq: \"1\" }, wasCancelled: false }, #) { % }",
        "MjpkOTc0MWNlMzo6MQ",
    ),
    (
        "/task/annotations",
        "task(id: 1) { annotations(#) { % } }",
        "MjphYTU2ZmFmODo6MQ",
    ),
    (
        "/project/annotations",
        "project(id: 1) { annotations(orderBy: { field: ID, direction: DESC }, #) { % } }",
        "MjpjOTBiMTEzOTo6MQ",
    ),
    (
        "/annotation/history",
        "annotation(id: 1) { history(#) { % } }",
        "MjpiYjM2Y2NhZTo6MQ",
    ),
    (
        "/tasks",
        "tasks(filter: { isLabeled: true, or: [{ overlap: { gte: 1 } }] }, #) { % }",
        "Mjo5YzE4NGIyMDo6MQ",
    ),
    (
        "/projects",
        "projects(filter: { title: { contains: \"ar\" } }, #) { % }",
        "MjoyNzkyNDRjOjox",
    ),
    (
        "/users",
        "users(filter: { role: { eq: ADMIN } }, #) { % }",
        "MjpiM2EyNDFjNTo6MQ",
    ),
    (
        "/drafts",
        "drafts(filter: { taskId: { eq: \"1\" } }, #) { % }",
        "MjpiYjYyNzc2Mjo6MQ",
    ),
];

async fn one_row_of_each(app: &TestApp) {
    let (_, task) = app.project_with_task().await;
    app.annotation(&app.admin, &task, json!({})).await;
    let save = "mutation($task: ID!) { saveDraft(input: { taskId: $task, result: [] }) { id } }";
    app.admin.run_with(save, json!({ "task": task })).await.ok();
}

#[each_database]
async fn cursors_of_all_lists_stay_as_they_are(app: TestApp) {
    one_row_of_each(&app).await;
    for (at, list, cursor) in GOLDEN {
        let list = list.replace('%', "pageInfo { endCursor }");
        let first = format!("{{ {} }}", list.replace('#', "first: 1"));
        let answer = app.admin.run(&first).await;
        let page = answer.data().pointer(at).unwrap();
        assert_eq!(page["pageInfo"]["endCursor"], cursor, "{list}");
        let after = format!("after: \"{cursor}\"");
        let behind = format!("{{ {} }}", list.replace('#', &after));
        app.admin.run(&behind).await.ok();
    }
}

#[each_database]
async fn cursors_of_earlier_encodings_are_refused(app: TestApp) {
    // `1:fc9e1d2a::1`
    let query = "{ tasks(after: \"MTpmYzllMWQyYTo6MQ\") { totalCount } }";
    let answer = app.admin.run(query).await;
    assert_eq!(answer.problems(), ["after INVALID_FORMAT"]);
}
