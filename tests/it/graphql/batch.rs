//! Batch mutations of annotations.

mod create;
mod delete;
mod equivalence;
mod update;

use serde_json::{Value, json};

use crate::support::{Answer, Client};

/// What every outcome of an annotation is asked for.
const OUTCOME: &str =
    "annotation { id version task { id } wasCancelled groundTruth leadTime result }
    error { code message problems { path code }
            conflict { currentVersion clashingFields clashingRegions current } }";

async fn update_all(by: &Client, items: &Value, policy: &str) -> Answer {
    let query = format!(
        "mutation($items: [UpdateAnnotationItem!]!, $onError: BatchErrorPolicy!) {{
           outcomes: updateAnnotations(items: $items, onError: $onError) {{ {OUTCOME} }}
         }}"
    );
    by.run_with(&query, json!({ "items": items, "onError": policy }))
        .await
}

async fn create_all(by: &Client, items: &Value, policy: &str) -> Answer {
    let query = format!(
        "mutation($items: [CreateAnnotationItem!]!, $onError: BatchErrorPolicy!) {{
           outcomes: createAnnotations(items: $items, onError: $onError) {{ {OUTCOME} }}
         }}"
    );
    by.run_with(&query, json!({ "items": items, "onError": policy }))
        .await
}

async fn delete_all(by: &Client, items: &Value, policy: &str) -> Answer {
    let query = "mutation($items: [DeleteAnnotationItem!]!, $onError: BatchErrorPolicy!) {
           outcomes: deleteAnnotations(items: $items, onError: $onError) {
             deleted { id version taskId } error { code problems { path code } }
           }
         }";
    by.run_with(query, json!({ "items": items, "onError": policy }))
        .await
}

/// What became of each item, in a word: `written`, `spared`, or the code of its error.
fn words(answer: &Answer) -> Vec<String> {
    let outcomes = answer.data()["outcomes"].as_array().unwrap();
    let word = |outcome: &Value| {
        let written = [&outcome["annotation"], &outcome["deleted"]];
        match outcome["error"]["code"].as_str() {
            Some(code) => code.to_owned(),
            None if written.iter().any(|row| row.is_object()) => "written".to_owned(),
            None => "spared".to_owned(),
        }
    };
    outcomes.iter().map(word).collect()
}

/// The problems of one item: path and code.
fn problems(answer: &Answer, index: usize) -> Value {
    answer.data()["outcomes"][index]["error"]["problems"].clone()
}
