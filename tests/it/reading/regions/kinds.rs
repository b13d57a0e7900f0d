//! Regions of every kind.

use each_database::each_database;
use serde_json::{Value, json};

use super::{annotated, regions};
use crate::support::TestApp;

const EVERYTHING: &str = "__typename
  ... on RectangleRegion { x y width height rotation ocrText pageIndex originalWidth originalHeight
    pixelBox { x y width height rotation corners { x y } } }
  ... on EllipseRegion { x y radiusX radiusY rotation pixelEllipse { x y radiusX radiusY rotation } }
  ... on PolygonRegion { points { x y } closed pixelPoints { x y } }
  ... on KeyPointRegion { x y size pixelPoint { x y } }
  ... on BrushRegion { format pngDataUrl areaPixels areaPercent }
  ... on BitmaskRegion { imageDataUrl }
  ... on VectorRegion { vertices { vertexId x y previousId isBezier controlPoint1 { x y } controlPoint2 { x y } } closed }
  ... on TextSpanRegion { start end text }
  ... on HyperTextSpanRegion { startPath endPath startOffset endOffset globalStart globalEnd text }
  ... on AudioRegion { startSeconds endSeconds channel duration }
  ... on TimeSeriesRegion { startTime endTime startText endText instant }
  ... on TimelineRegion { ranges { start end } }
  ... on VideoRegion { framesCount duration sequence {
    frame time enabled x y width height rotation closed vertices { vertexId x y previousId isBezier } } }
  ... on ChoicesRegion { choices paths }
  ... on TaxonomyRegion { paths }
  ... on TextAreaRegion { texts }
  ... on NumberRegion { number }
  ... on RatingRegion { rating }
  ... on DateTimeRegion { dateTime }
  ... on PairwiseRegion { selected }
  ... on RankerRegion { buckets { name itemIds } }
  ... on RelationRegion { fromId toId direction from { regionId __typename } to { regionId type } }
  ... on ChatMessageRegion { role content createdAt }
  ... on OtherRegion { typeName }";

fn on_image(mut entry: Value) -> Value {
    entry["original_width"] = json!(200);
    entry["original_height"] = json!(100);
    entry
}

/// Regions of images, each beside what it answers: its type, and all the fields that are its own.
fn on_images() -> Vec<(Value, Value)> {
    let vertices = json!([
        { "id": "a", "x": 1, "y": 2, "prevPointId": null, "isBezier": false },
        { "id": "b", "x": 3, "y": 4, "prevPointId": "a", "isBezier": true,
          "controlPoint1": { "x": 1.5, "y": 2 }, "controlPoint2": { "x": 2.5, "y": 4 } },
    ]);
    vec![
        (
            on_image(
                json!({ "type": "rectanglelabels", "value": { "x": 10, "y": 20, "width": 30, "height": 40.5, "rotation": 0, "rectanglelabels": ["L"] } }),
            ),
            json!({ "__typename": "RectangleRegion", "x": 10.0, "y": 20.0, "width": 30.0, "height": 40.5, "rotation": 0.0, "ocrText": null, "pageIndex": null,
            "originalWidth": 200, "originalHeight": 100,
            "pixelBox": { "x": 20.0, "y": 20.0, "width": 60.0, "height": 40.5, "rotation": 0.0,
              "corners": [{ "x": 20.0, "y": 20.0 }, { "x": 80.0, "y": 20.0 }, { "x": 80.0, "y": 60.5 }, { "x": 20.0, "y": 60.5 }] } }),
        ),
        (
            json!({ "type": "ocrlabels", "value": { "x": 1, "y": 2, "width": 3, "height": 4, "ocrtext": "abc", "pageIndex": 1, "ocrlabels": ["L"] } }),
            json!({ "__typename": "RectangleRegion", "x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "rotation": 0.0, "ocrText": "abc", "pageIndex": 1,
            "originalWidth": null, "originalHeight": null, "pixelBox": null }),
        ),
        (
            on_image(
                json!({ "type": "ellipselabels", "value": { "x": 10, "y": 20, "radiusX": 5, "radiusY": 6, "rotation": 30, "ellipselabels": ["L"] } }),
            ),
            json!({ "__typename": "EllipseRegion", "x": 10.0, "y": 20.0, "radiusX": 5.0, "radiusY": 6.0, "rotation": 30.0,
            "pixelEllipse": { "x": 20.0, "y": 20.0, "radiusX": 10.0, "radiusY": 6.0, "rotation": 30.0 } }),
        ),
        (
            on_image(
                json!({ "type": "polygonlabels", "value": { "points": [[1, 2], [50, 50.5]], "closed": true, "polygonlabels": ["L"] } }),
            ),
            json!({ "__typename": "PolygonRegion", "points": [{ "x": 1.0, "y": 2.0 }, { "x": 50.0, "y": 50.5 }], "closed": true,
            "pixelPoints": [{ "x": 2.0, "y": 2.0 }, { "x": 100.0, "y": 50.5 }] }),
        ),
        (
            on_image(
                json!({ "type": "keypointlabels", "value": { "x": 1, "y": 2, "width": 0.5, "keypointlabels": ["L"] } }),
            ),
            json!({ "__typename": "KeyPointRegion", "x": 1.0, "y": 2.0, "size": 0.5, "pixelPoint": { "x": 2.0, "y": 2.0 } }),
        ),
        (
            json!({ "type": "brushlabels", "value": { "format": "rle", "rle": [1, 2, 3], "brushlabels": ["L"] } }),
            json!({ "__typename": "BrushRegion", "format": "rle", "pngDataUrl": null, "areaPixels": null, "areaPercent": null }),
        ),
        (
            json!({ "type": "bitmasklabels", "value": { "imageDataURL": "data:image/png;base64,AA==", "bitmasklabels": ["L"] } }),
            json!({ "__typename": "BitmaskRegion", "imageDataUrl": "data:image/png;base64,AA==" }),
        ),
        (
            json!({ "type": "vectorlabels", "value": { "vertices": vertices, "closed": false, "vectorlabels": ["L"] } }),
            json!({ "__typename": "VectorRegion", "closed": false, "vertices": [
            { "vertexId": "a", "x": 1.0, "y": 2.0, "previousId": null, "isBezier": false, "controlPoint1": null, "controlPoint2": null },
            { "vertexId": "b", "x": 3.0, "y": 4.0, "previousId": "a", "isBezier": true,
              "controlPoint1": { "x": 1.5, "y": 2.0 }, "controlPoint2": { "x": 2.5, "y": 4.0 } }] }),
        ),
    ]
}

fn on_what_runs_on() -> Vec<(Value, Value)> {
    vec![
        (
            json!({ "type": "labels", "value": { "start": 0, "end": 4, "text": "Anna", "labels": ["L"] } }),
            json!({ "__typename": "TextSpanRegion", "start": 0, "end": 4, "text": "Anna" }),
        ),
        (
            json!({ "type": "hypertextlabels", "value": { "start": "/p[1]/text()[1]", "end": "/p[2]/text()[1]", "startOffset": 1, "endOffset": 5,
            "globalOffsets": { "start": 10, "end": 15 }, "text": "Hello", "hypertextlabels": ["L"] } }),
            json!({ "__typename": "HyperTextSpanRegion", "startPath": "/p[1]/text()[1]", "endPath": "/p[2]/text()[1]", "startOffset": 1, "endOffset": 5,
            "globalStart": 10, "globalEnd": 15, "text": "Hello" }),
        ),
        (
            json!({ "type": "paragraphlabels", "value": { "start": "0", "end": 1, "startOffset": 0, "endOffset": null, "paragraphlabels": ["L"] } }),
            json!({ "__typename": "HyperTextSpanRegion", "startPath": "0", "endPath": "1", "startOffset": 0, "endOffset": null,
            "globalStart": null, "globalEnd": null, "text": null }),
        ),
        (
            json!({ "type": "labels", "original_length": 9.5, "value": { "start": 1, "end": 2.25, "channel": 0, "labels": ["L"] } }),
            json!({ "__typename": "AudioRegion", "startSeconds": 1.0, "endSeconds": 2.25, "channel": 0, "duration": 9.5 }),
        ),
        (
            json!({ "type": "timeserieslabels", "value": { "start": 1, "end": "2020-01-02", "instant": true, "timeserieslabels": ["L"] } }),
            json!({ "__typename": "TimeSeriesRegion", "startTime": 1.0, "endTime": null, "startText": null, "endText": "2020-01-02", "instant": true }),
        ),
        (
            json!({ "type": "timelinelabels", "value": { "ranges": [{ "start": 1, "end": 5 }, { "start": 9, "end": 9 }], "timelinelabels": ["L"] } }),
            json!({ "__typename": "TimelineRegion", "ranges": [{ "start": 1, "end": 5 }, { "start": 9, "end": 9 }] }),
        ),
        (
            json!({ "type": "videorectangle", "value": { "framesCount": 50, "duration": 2, "labels": ["L"], "sequence": [
            { "frame": 1, "enabled": true, "rotation": 0, "x": 1, "y": 2, "width": 3, "height": 4, "time": 0.04 }] } }),
            json!({ "__typename": "VideoRegion", "framesCount": 50, "duration": 2.0, "sequence": [
            { "frame": 1, "time": 0.04, "enabled": true, "x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "rotation": 0.0, "closed": null, "vertices": null }] }),
        ),
        (
            json!({ "type": "videovectorlabels", "value": { "videovectorlabels": ["L"], "sequence": [
            { "frame": 7, "vertices": [{ "id": "a", "x": 1, "y": 2 }], "closed": true }] } }),
            json!({ "__typename": "VideoRegion", "framesCount": null, "duration": null, "sequence": [
            { "frame": 7, "time": null, "enabled": null, "x": null, "y": null, "width": null, "height": null, "rotation": null, "closed": true,
              "vertices": [{ "vertexId": "a", "x": 1.0, "y": 2.0, "previousId": null, "isBezier": false }] }] }),
        ),
    ]
}

fn answers() -> Vec<(Value, Value)> {
    vec![
        (
            json!({ "type": "choices", "value": { "choices": ["good", ["Animal", "Dog"]] } }),
            json!({ "__typename": "ChoicesRegion", "choices": ["good", "Dog"], "paths": [["good"], ["Animal", "Dog"]] }),
        ),
        (
            json!({ "type": "taxonomy", "value": { "taxonomy": [["Animal"], ["Animal", "Dog"]] } }),
            json!({ "__typename": "TaxonomyRegion", "paths": [["Animal"], ["Animal", "Dog"]] }),
        ),
        (
            json!({ "type": "textarea", "value": { "text": ["a", "ü"] } }),
            json!({ "__typename": "TextAreaRegion", "texts": ["a", "ü"] }),
        ),
        (
            json!({ "type": "number", "value": { "number": 27 } }),
            json!({ "__typename": "NumberRegion", "number": 27.0 }),
        ),
        (
            json!({ "type": "rating", "value": { "rating": 2 } }),
            json!({ "__typename": "RatingRegion", "rating": 2 }),
        ),
        (
            json!({ "type": "datetime", "value": { "datetime": "2023-04-05T10:11" } }),
            json!({ "__typename": "DateTimeRegion", "dateTime": "2023-04-05T10:11" }),
        ),
        (
            json!({ "type": "pairwise", "value": { "selected": "left" } }),
            json!({ "__typename": "PairwiseRegion", "selected": "left" }),
        ),
        (
            json!({ "type": "ranker", "value": { "ranker": { "z": ["2", "1"], "a": [] } } }),
            json!({ "__typename": "RankerRegion", "buckets": [{ "name": "z", "itemIds": ["2", "1"] }, { "name": "a", "itemIds": [] }] }),
        ),
        (
            json!({ "type": "relation", "from_id": "r", "to_id": "s", "direction": "bi" }),
            json!({ "__typename": "RelationRegion", "fromId": "r", "toId": "s", "direction": "BI", "from": null, "to": null }),
        ),
        (
            json!({ "type": "chatmessage", "value": { "chatmessage": { "role": "user", "content": "hi" } } }),
            json!({ "__typename": "ChatMessageRegion", "role": "user", "content": "hi", "createdAt": null }),
        ),
        (
            json!({ "type": "reactcode", "value": { "reactcode": {} } }),
            json!({ "__typename": "OtherRegion", "typeName": "reactcode" }),
        ),
    ]
}

#[each_database]
async fn every_kind_of_region_answers_all_of_itself(app: TestApp) {
    let all = [on_images(), on_what_runs_on(), answers()].concat();
    let (entries, answers): (Vec<Value>, Vec<Value>) = all.into_iter().unzip();
    let id = annotated(&app, &json!(entries)).await;
    let answer = regions(&app, &id, "", EVERYTHING).await;
    for (index, expected) in answers.iter().enumerate() {
        assert_eq!(&answer[index], expected);
    }
    assert_eq!(answer.as_array().unwrap().len(), answers.len());
}

#[each_database]
async fn every_region_tells_what_all_of_them_have(app: TestApp) {
    const SHARED: &str = "regionId fromName toName type labels score origin parentId itemIndex raw";
    let full = json!({ "id": "r", "from_name": "box", "to_name": "img", "type": "rectanglelabels", "origin": "prediction", "score": 0.5,
            "parentID": "p", "item_index": 3, "readonly": true, "value": { "y": 1.0, "x": 1, "width": 1, "height": 1, "rectanglelabels": ["a", "b"] } });
    let bare = json!({ "type": "relation", "from_id": "r", "to_id": "r", "direction": "bi", "labels": ["is"] });
    let id = annotated(&app, &json!([full, bare, {}])).await;
    let expected = json!([
        { "regionId": "r", "fromName": "box", "toName": "img", "type": "RECTANGLE", "labels": ["a", "b"], "score": 0.5, "origin": "prediction",
          "parentId": "p", "itemIndex": 3, "raw": full },
        { "regionId": null, "fromName": "", "toName": "", "type": "RELATION", "labels": ["is"], "score": null, "origin": null,
          "parentId": null, "itemIndex": null, "raw": bare },
        { "regionId": null, "fromName": "", "toName": "", "type": "OTHER", "labels": [], "score": null, "origin": null,
          "parentId": null, "itemIndex": null, "raw": {} },
    ]);
    assert_eq!(regions(&app, &id, "", SHARED).await, expected);
    // The same, asked of the interface in fragments, and of a member besides.
    let wrapped = format!(
        "... on Region {{ ... on Region {{ {SHARED} }} }} ... on RectangleRegion {{ {SHARED} }}"
    );
    assert_eq!(regions(&app, &id, "", &wrapped).await, expected);
    let key_order = app
        .admin
        .run(&format!(
            "{{ annotation(id: {id}) {{ regions {{ raw }} }} }}"
        ))
        .await;
    assert!(
        key_order.text.contains(r#""value":{"y":1.0,"x":1,"#),
        "{}",
        key_order.text
    );
}
