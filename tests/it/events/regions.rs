//! Regions of an event's annotation.

use each_database::each_database;
use serde_json::{Value, json};

use super::Follower;
use crate::{
    graphql::update,
    support::{self, TestApp},
};

#[each_database]
async fn events_lead_to_regions(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let engine = support::engine(&app.app);
    let query = "subscription { annotationEvents { annotation { regions { __typename ... on NumberRegion { number } } } } }";
    let mut follower = Follower::of(&app.app, &engine, &app.admin, query).await;
    let result = json!([{ "type": "number", "value": { "number": 1 } }]);
    update(&app.admin, &id, json!({ "result": result }))
        .await
        .ok();
    let regions = json!([{ "__typename": "NumberRegion", "number": 1.0 }]);
    assert_eq!(follower.event().await["annotation"]["regions"], regions);
}

/// Each event has an answer of its own, and may draw as much as any other.
#[each_database]
async fn each_event_may_draw_as_much_as_an_answer_may(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let engine = support::engine(&app.app);
    let query = "subscription { annotationEvents { annotation { regions { ... on BrushRegion { pngDataUrl } } } } }";
    let mut follower = Follower::of(&app.app, &engine, &app.admin, query).await;
    // 48 of the 64 megapixels.
    let masks = |mask: &Value| json!([mask, mask, mask]);
    for alpha in [200, 201] {
        let result = masks(&all_of(alpha));
        update(&app.admin, &id, json!({ "result": result }))
            .await
            .ok();
        let event = follower.event().await;
        let regions = event["annotation"]["regions"].as_array().unwrap();
        let drawn = regions
            .iter()
            .filter(|region| region["pngDataUrl"].is_string());
        assert_eq!(drawn.count(), 3);
    }
}

/// A mask of 4096 by 4096 pixels, all of one alpha: runs of 65,536 values.
fn all_of(alpha: u8) -> Value {
    let mut bits = format!("{:032b}{:05b}{}", 4 << 24, 7, "1111".repeat(4));
    for _ in 0..1024 {
        bits += &format!("111{}{alpha:08b}", "1".repeat(16));
    }
    let byte = |bits: &[u8]| {
        (0..8).fold(0, |byte, at| {
            byte << 1 | u8::from(bits.get(at) == Some(&b'1'))
        })
    };
    let rle: Vec<u8> = bits.as_bytes().chunks(8).map(byte).collect();
    json!({ "type": "brush", "original_width": 4096, "original_height": 4096, "value": { "rle": rle } })
}
