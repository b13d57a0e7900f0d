//! Refused files.

use annograph::domain::import::{Failure, Target};
use annograph::error::dotted;
use each_database::each_database;
use serde_json::json;

use super::{import_text, into_new_project};
use crate::support::TestApp;

/// The problems of a file, each as `0.annotations.1.result CODE`; nothing of it may be kept.
async fn problems(test: &TestApp, file: &str) -> Vec<String> {
    let before = test.dump().await;
    let refused = match import_text(&test.app, file).await {
        Err(Failure::Refused(problems)) => problems,
        other => panic!("expected problems, not {other:?}"),
    };
    assert_eq!(test.dump().await, before);
    assert_eq!(refused.more, 0);
    let line = |problem: &annograph::error::Problem| {
        format!(
            "{} {}",
            dotted(&problem.path),
            json!(problem.code).as_str().unwrap()
        )
    };
    refused.told.iter().map(line).collect()
}

#[each_database]
async fn bad_items_are_all_reported_and_nothing_is_kept(test: TestApp) {
    let file = r#"[
        { "data": { "ok": true }, "annotations": [{ "result": [] }] },
        { "data": { "n": 1e400, "s": "\ud83d" }, "annotations": [
            { "result": [null, { "id": 7 }, { "$serde_json::private::RawValue": 1 }] },
            { "result": {}, "lead_time": -1, "was_cancelled": "no", "id": "x" },
            { "result": [], "lead_time": 1e999, "unique_id": "?", "last_action": "eaten" },
            { "created_at": "yesterday", "completed_by": true },
            5
        ] },
        7,
        { "data": [], "meta": 1, "overlap": 0, "annotations": {}, "drafts": [{ "result": [] }] },
        { "data": NaN },
        { "data": {}, "predictions": [{ "result": [18446744073709551616], "score": "high" }] }
    ]"#;
    let expected = [
        "1.data.n NUMBER_OUT_OF_RANGE",
        "1.data.s INVALID_TEXT",
        "1.annotations.0.result.2.$serde_json::private::RawValue RESERVED_KEY",
        "1.annotations.2.lead_time NUMBER_OUT_OF_RANGE",
        "1.annotations.0.result.0 WRONG_TYPE",
        "1.annotations.0.result.1.id WRONG_TYPE",
        "1.annotations.1.id WRONG_TYPE",
        "1.annotations.1.result WRONG_TYPE",
        "1.annotations.1.was_cancelled WRONG_TYPE",
        "1.annotations.1.lead_time OUT_OF_BOUNDS",
        "1.annotations.2.last_action INVALID_FORMAT",
        "1.annotations.2.unique_id INVALID_FORMAT",
        "1.annotations.3.result REQUIRED",
        "1.annotations.3.completed_by WRONG_TYPE",
        "1.annotations.3.created_at INVALID_FORMAT",
        "1.annotations.4 WRONG_TYPE",
        "2 WRONG_TYPE",
        "3.data WRONG_TYPE",
        "3.meta WRONG_TYPE",
        "3.overlap OUT_OF_BOUNDS",
        "3.annotations WRONG_TYPE",
        "3.drafts.0.user REQUIRED",
        "4.data INVALID_FORMAT",
        "5.predictions.0.result.0 NUMBER_OUT_OF_RANGE",
        "5.predictions.0.score WRONG_TYPE",
    ];
    assert_eq!(problems(&test, file).await, expected);
}

#[each_database]
async fn times_outside_the_years_1_to_9999_are_refused(test: TestApp) {
    let file = r#"[
        { "data": {}, "annotations": [{ "result": [], "created_at": "9999-12-31T23:59:59-14:00" }] },
        { "data": {}, "updated_at": "0001-01-01T00:59:59+01:00",
          "annotations": [{ "result": [] }, { "result": [], "draft_created_at": "0000-12-31T23:59:59Z" }] },
        { "data": {}, "created_at": "9999-12-31T23:59:59Z", "updated_at": "0001-01-01T00:00:00Z" }
    ]"#;
    let expected = [
        "0.annotations.0.created_at INVALID_FORMAT",
        "1.annotations.1.draft_created_at INVALID_FORMAT",
        "1.updated_at INVALID_FORMAT",
    ];
    let mut told = problems(&test, file).await;
    told.sort();
    assert_eq!(told, expected);
}

#[each_database]
async fn a_file_that_is_no_json_list_is_refused(test: TestApp) {
    for (file, expected) in [
        ("", "0 INVALID_FORMAT"),
        ("[{\"data\": {}}", "0 INVALID_FORMAT"),
        ("[{\"data\": {}},", "1 INVALID_FORMAT"),
        ("[{\"data\": {}},]", "1 INVALID_FORMAT"),
        ("[{\"data\": {}}] x", "1 INVALID_FORMAT"),
        ("\"text\"", "0 WRONG_TYPE"),
        ("[{\"data\": {}}, {\"data\": {]}]", "1.data INVALID_FORMAT"),
    ] {
        assert_eq!(problems(&test, file).await, [expected], "{file}");
    }
}

#[each_database]
async fn many_problems_are_counted_beyond_the_first_thousand(test: TestApp) {
    let file = format!("[{}]", vec!["1"; 1_200].join(","));
    let Err(Failure::Refused(problems)) = import_text(&test.app, file).await else {
        panic!("expected problems");
    };
    assert_eq!((problems.told.len(), problems.more), (1_000, 200));
}

#[each_database]
async fn the_target_has_to_be_there_or_to_be_valid(test: TestApp) {
    let before = test.dump().await;
    let mut options = into_new_project();
    options.target = Target::Project(99);
    for (target, expected) in [
        (Target::Project(99), "no such project"),
        (
            Target::New {
                project: Default::default(),
                created_by_id: None,
            },
            "input.title: a project needs a title",
        ),
    ] {
        options.target = target;
        let source = std::io::Cursor::new("[]");
        let imported = annograph::domain::import::run(&test.app, source, &options, |_| {});
        assert_eq!(imported.await.unwrap_err().to_string(), expected);
    }
    assert_eq!(test.dump().await, before);
}
