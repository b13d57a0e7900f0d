//! Permissions across projects: moves of annotations and references to rows of another project.

use each_database::each_database;

use super::{
    World,
    writes::{Row, check},
};
use crate::support::TestApp;

const TABLE: [Row; 8] = [
    // Max manages cars, but not ferries.
    Row {
        operation: "updateAnnotation(id: @own, input: { taskId: @ferry }) { id }",
        outcomes: [
            "NOT_FOUND",
            "FORBIDDEN",
            "FORBIDDEN",
            "FORBIDDEN",
            "FORBIDDEN",
            "ok",
        ],
    },
    // Rita manages ferries, but not cars.
    Row {
        operation: "updateAnnotation(id: @ownFerry, input: { taskId: @car }) { id }",
        outcomes: [
            "NOT_FOUND",
            "NOT_FOUND",
            "NOT_FOUND",
            "FORBIDDEN",
            "FORBIDDEN",
            "ok",
        ],
    },
    // A task that can't be seen is none, and no way to tell that it is there.
    Row {
        operation: "updateAnnotation(id: @own, input: { taskId: @boat }) { id }",
        outcomes: [
            "NOT_FOUND",
            "FORBIDDEN",
            "FORBIDDEN",
            "FORBIDDEN",
            "input.taskId UNKNOWN_ID",
            "ok",
        ],
    },
    Row {
        operation: "updateAnnotation(id: @own, input: { taskId: 999 }) { id }",
        outcomes: [
            "NOT_FOUND",
            "FORBIDDEN",
            "FORBIDDEN",
            "FORBIDDEN",
            "input.taskId UNKNOWN_ID",
            "input.taskId UNKNOWN_ID",
        ],
    },
    Row {
        operation: "updateAnnotation(id: @own, input: { projectId: @boats }) { id }",
        outcomes: [
            "NOT_FOUND",
            "FORBIDDEN",
            "input.projectId UNKNOWN_ID",
            "input.projectId UNKNOWN_ID",
            "input.projectId UNKNOWN_ID",
            "input.projectId PROJECT_MISMATCH",
        ],
    },
    Row {
        operation: "updateAnnotation(id: @own, input: { completedById: @sue, updatedById: @sue }) { id }",
        outcomes: [
            "NOT_FOUND",
            "FORBIDDEN",
            "FORBIDDEN",
            "FORBIDDEN",
            "input.completedById UNKNOWN_ID, input.updatedById UNKNOWN_ID",
            "ok",
        ],
    },
    Row {
        operation: "createAnnotation(taskId: @car, input: { result: [], parentPredictionId: @boatPrediction }) { id }",
        outcomes: [
            "NOT_FOUND",
            "FORBIDDEN",
            "input.parentPredictionId UNKNOWN_ID",
            "input.parentPredictionId UNKNOWN_ID",
            "input.parentPredictionId UNKNOWN_ID",
            "input.parentPredictionId TASK_MISMATCH",
        ],
    },
    Row {
        operation: "addProjectMember(projectId: @cars, userId: @sue, role: VIEWER) { role }",
        outcomes: [
            "NOT_FOUND",
            "FORBIDDEN",
            "FORBIDDEN",
            "FORBIDDEN",
            "userId UNKNOWN_ID",
            "ok",
        ],
    },
];

#[each_database]
async fn nothing_crosses_into_a_project_without_its_managers(app: TestApp) {
    let world = World::new(&app).await;
    check(&app, &world, &TABLE).await;
}
