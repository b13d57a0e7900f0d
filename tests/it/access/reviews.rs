//! Permissions to review, skip and mark as ground truth, as a table of roles.

use each_database::each_database;

use super::{
    World,
    writes::{NF, NO, OK, Row, check, row},
};
use crate::support::TestApp;

const NONE: &str = "input.action NOT_REVIEWED";

const TABLE: [Row; 11] = [
    row(
        "reviewAnnotation(id: @own, input: { action: ACCEPT }) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row(
        "reviewAnnotation(id: @others, input: { action: REJECT }) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row(
        "reviewAnnotation(id: @own, input: { action: FIX_AND_ACCEPT, result: [] }) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row(
        "reviewAnnotation(id: @others, input: { action: DELETE_REVIEW }) { id }",
        [NF, NO, NO, NONE, NONE, NONE],
    ),
    row("skipAnnotation(id: @own) { id }", [NF, NO, OK, OK, OK, OK]),
    row(
        "skipAnnotation(id: @others) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row(
        "unskipAnnotation(id: @own) { id }",
        [NF, NO, OK, OK, OK, OK],
    ),
    row(
        "unskipAnnotation(id: @others) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row("setGroundTruth(id: @own) { id }", [NF, NO, NO, OK, OK, OK]),
    row(
        "setGroundTruth(id: @others) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
    row(
        "unsetGroundTruth(id: @own) { id }",
        [NF, NO, NO, OK, OK, OK],
    ),
];

#[each_database]
async fn reviews_and_ground_truth_are_for_reviewers(app: TestApp) {
    let world = World::new(&app).await;
    check(&app, &world, &TABLE).await;
}
