//! Permissions to write annotations, as a table of roles.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::json;

use super::World;
use crate::{
    graphql::prediction,
    support::{Answer, Client, TestApp},
};

pub const OK: &str = "ok";
/// The actor does not see the row.
pub const NF: &str = "NOT_FOUND";
/// The actor sees the row, and their role does not allow the operation.
pub const NO: &str = "FORBIDDEN";

/// An operation, and what becomes of it when a stranger, a viewer, an annotator, a reviewer, a manager and
/// an admin ask for it.
pub struct Row {
    /// `@names` stand for ids; `@own` for an annotation of whoever asks, `@others` for another annotator's.
    pub operation: &'static str,
    pub outcomes: [&'static str; 6],
}

pub const fn row(operation: &'static str, outcomes: [&'static str; 6]) -> Row {
    Row {
        operation,
        outcomes,
    }
}

const TABLE: [Row; 54] = [
    row(
        "updateAnnotation(id: @own, input: { result: [] }) { id }",
        [NF, NO, OK, OK, OK, OK],
    ),
    row(
        "updateAnnotation(id: @own, input: { wasCancelled: true }) { id }",
        [NF, NO, OK, OK, OK, OK],
    ),
    row(
        "updateAnnotation(id: @own, input: { leadTime: 1 }) { id }",
        [NF, NO, OK, OK, OK, OK],
    ),
    row(
        "updateAnnotation(id: @own, input: { projectId: @cars }) { id }",
        [NF, NO, OK, OK, OK, OK],
    ),
    row(
        "updateAnnotation(id: @own, input: {}) { id }",
        [NF, NO, OK, OK, OK, OK],
    ),
    row(
        "updateAnnotation(id: @own, input: { groundTruth: true }) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row(
        "updateAnnotation(id: @own, input: { groundTruth: false }) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row(
        "updateAnnotation(id: @own, input: { completedById: @otto }) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "updateAnnotation(id: @own, input: { completedById: @me }) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "updateAnnotation(id: @own, input: { updatedById: @otto }) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "updateAnnotation(id: @own, input: { taskId: @otherCar }) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "updateAnnotation(id: @own, input: { leadTime: 1, taskId: @car }) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "updateAnnotation(id: @others, input: { result: [] }) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row(
        "updateAnnotation(id: @others, input: { wasCancelled: true }) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row(
        "updateAnnotation(id: @others, input: { leadTime: 1 }) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row(
        "updateAnnotation(id: @others, input: {}) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row(
        "updateAnnotation(id: @others, input: { groundTruth: true }) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row(
        "updateAnnotation(id: @others, input: { completedById: @me }) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "updateAnnotation(id: @others, input: { updatedById: @me }) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "updateAnnotation(id: @others, input: { taskId: @otherCar }) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "deleteAnnotation(id: @own) { id }",
        [NF, NO, OK, OK, OK, OK],
    ),
    row(
        "deleteAnnotation(id: @others) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "createAnnotation(taskId: @car, input: { result: [] }) { id }",
        [NF, NO, OK, OK, OK, OK],
    ),
    row(
        "createAnnotation(taskId: @car, input: { result: [], completedById: @me }) { id }",
        [NF, NO, OK, OK, OK, OK],
    ),
    row(
        "createAnnotation(taskId: @car, input: { result: [], groundTruth: true }) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row(
        "createAnnotation(taskId: @car, input: { result: [], completedById: @otto }) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "createAnnotation(taskId: @boat, input: { result: [] }) { id }",
        [NF, NF, NF, NF, NF, OK],
    ),
    row(
        "createProject(input: { title: \"Mine\" }) { id }",
        [OK, OK, OK, OK, OK, OK],
    ),
    row(
        "updateProject(id: @cars, input: { title: \"Mine\" }) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "updateProject(id: @cars, input: {}) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "updateProject(id: @boats, input: { title: \"Mine\" }) { id }",
        [NF, NF, NF, NF, NF, OK],
    ),
    row(
        "createTasks(projectId: @cars, tasks: [{ data: {} }]) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "createTasks(projectId: @cars, tasks: []) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "addProjectMember(projectId: @cars, userId: @otto, role: VIEWER) { role }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "addProjectMember(projectId: @cars, userId: @me, role: MANAGER) { role }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "removeProjectMember(projectId: @cars, userId: @otto) { role }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "removeProjectMember(projectId: @cars, userId: @sue) { role }",
        [NF, NO, NO, NO, "userId UNKNOWN_ID", "userId UNKNOWN_ID"],
    ),
    row(
        "updateTask(id: @car, input: { overlap: 2 }) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "updateTask(id: @car, input: {}) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "updateTask(id: @boat, input: {}) { id }",
        [NF, NF, NF, NF, NF, OK],
    ),
    row("deleteTask(id: @newCar) { id }", [NF, NO, NO, NO, OK, OK]),
    row(
        "importTasks(projectId: @cars, tasks: [{ text: \"x\" }]) { taskCount }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "createPrediction(taskId: @car, input: { result: [] }) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "updatePrediction(id: @newPrediction, input: { score: 1 }) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "deletePrediction(id: @newPrediction) { id }",
        [NF, NO, NO, NO, OK, OK],
    ),
    row(
        "updatePrediction(id: @boatPrediction, input: {}) { id }",
        [NF, NF, NF, NF, NF, OK],
    ),
    row("deleteProject(id: @boats) { id }", [NF, NF, NF, NF, NF, OK]),
    row(
        "createUser(input: { username: \"zoe\" }) { id }",
        [NO, NO, NO, NO, NO, OK],
    ),
    row(
        "updateUser(id: @me, input: { displayName: \"Me\" }) { id }",
        [OK, OK, OK, OK, OK, OK],
    ),
    row(
        "updateUser(id: @me, input: { email: null }) { id }",
        [NO, NO, NO, NO, NO, OK],
    ),
    row(
        "updateUser(id: @otto, input: { displayName: \"O\" }) { id }",
        [NF, NO, NO, NO, NO, OK],
    ),
    row("deleteUser(id: @newUser) { id }", [NF, NO, NO, NO, NO, OK]),
    row(
        "createToken(input: {}) { token { id } }",
        [OK, OK, OK, OK, OK, OK],
    ),
    row(
        "createToken(input: { userId: @otto }) { token { id } }",
        [NO, NO, NO, NO, NO, OK],
    ),
];

#[each_database]
async fn each_role_may_do_what_the_table_says_and_no_more(app: TestApp) {
    let world = World::new(&app).await;
    check(&app, &world, &TABLE).await;
}

pub async fn check(app: &TestApp, world: &World, table: &[Row]) {
    for row in table {
        for (who, expected) in world.actors(app).into_iter().zip(row.outcomes) {
            let document = prepare(app, world, who, row.operation).await;
            let before = app.dump().await;
            let answer = who.run(&document).await;
            assert_eq!(
                outcome(&answer),
                expected,
                "{document} by user {}: {}",
                who.user_id,
                answer.text
            );
            if expected != OK {
                assert_eq!(
                    app.dump().await,
                    before,
                    "{document} by user {}",
                    who.user_id
                );
            }
        }
    }
}

/// `ok`, the code of the refusal, or the problem of the input.
fn outcome(answer: &Answer) -> String {
    if answer.json.get("errors").is_none() {
        return OK.to_owned();
    }
    match answer.code() {
        "BAD_USER_INPUT" => answer.problems().join(", "),
        code => code.to_owned(),
    }
}

/// The operation with ids in the place of names, and everything in it as it was at first.
async fn prepare(app: &TestApp, world: &World, who: &Client, operation: &str) -> String {
    app.admin
        .run_with(
            "mutation($project: ID!, $user: ID!) {
               addProjectMember(projectId: $project, userId: $user, role: ANNOTATOR) { role }
             }",
            json!({ "project": world.cars, "user": world.otto.user_id }),
        )
        .await
        .ok();
    let mut document = format!("mutation {{ {operation} }}");
    for (name, task, author) in [
        ("@ownFerry", &world.ferry, who),
        ("@own", &world.car, who),
        ("@others", &world.car, &world.otto),
    ] {
        if document.contains(name) {
            let input = json!({ "completedById": author.user_id });
            let id = app.annotation(&app.admin, task, input).await;
            document = document.replace(name, &id);
        }
    }
    if document.contains("@newCar") {
        document = document.replace("@newCar", &app.task(&world.cars).await);
    }
    if document.contains("@newPrediction") {
        let id = prediction(app, &world.cars, &world.car).await;
        document = document.replace("@newPrediction", &id);
    }
    if document.contains("@newUser") {
        let name = format!("new-{}", who.user_id);
        let user = app.member(&world.cars, &name, Role::Viewer).await;
        document = document.replace("@newUser", &user.user_id);
    }
    for (name, id) in [
        ("@cars", &world.cars),
        ("@car", &world.car),
        ("@otherCar", &world.other_car),
        ("@ferry", &world.ferry),
        ("@boats", &world.boats),
        ("@boatPrediction", &world.boat_prediction),
        ("@boat", &world.boat),
        ("@me", &who.user_id),
        ("@otto", &world.otto.user_id),
        ("@sue", &world.sue.user_id),
    ] {
        document = document.replace(name, id);
    }
    assert!(!document.contains('@'), "{document}");
    document
}

#[each_database]
async fn nobody_does_anything_without_signing_in(app: TestApp) {
    let world = World::new(&app).await;
    let mut nobody = app.admin.clone();
    nobody.token = "ann_nobody".to_owned();
    for row in &TABLE {
        let document = prepare(&app, &world, &app.admin, row.operation).await;
        let before = app.dump().await;
        let answer = nobody.run(&document).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (401, "UNAUTHENTICATED")
        );
        assert_eq!(answer.json.get("data"), None);
        assert_eq!(app.dump().await, before, "{document}");
    }
}
