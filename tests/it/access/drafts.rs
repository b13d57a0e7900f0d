//! Permissions to write drafts, as a table of roles.

use each_database::each_database;

use super::{
    World,
    writes::{NF, NO, OK, Row, check, row},
};
use crate::support::TestApp;

const TAKEN: &str = "id ALREADY_TAKEN";

const TABLE: [Row; 6] = [
    row(
        "convertAnnotationToDraft(id: @own) { id }",
        [NF, NO, OK, OK, OK, OK],
    ),
    // By now everybody who may has a draft of the task.
    row(
        "convertAnnotationToDraft(id: @others) { id }",
        [NF, NO, NO, NO, TAKEN, TAKEN],
    ),
    row(
        "saveDraft(input: { taskId: @car, result: [] }) { id }",
        [NF, NO, OK, OK, OK, OK],
    ),
    row(
        "saveDraft(input: { taskId: @boat, result: [] }) { id }",
        [NF, NF, NF, NF, NF, OK],
    ),
    row(
        "saveDraft(input: { annotationId: @own, result: [] }) { id }",
        [NF, NO, OK, OK, OK, OK],
    ),
    row(
        "saveDraft(input: { annotationId: @others, result: [] }) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
];

#[each_database]
async fn drafts_are_for_those_who_annotate(app: TestApp) {
    let world = World::new(&app).await;
    check(&app, &world, &TABLE).await;
}
