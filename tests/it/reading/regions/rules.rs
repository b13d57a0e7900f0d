//! Rules of typed regions: unknown types, shared ids, relations, pixels.

use each_database::each_database;
use serde_json::{Value, json};

use super::{annotated, regions};
use crate::support::TestApp;

#[each_database]
async fn what_is_not_understood_is_there_as_it_is(app: TestApp) {
    let entries = json!([
        { "type": "hologram", "value": { "x": 1 } },
        { "type": "rectanglelabels", "id": "r", "value": { "x": "one", "y": 1, "width": 1, "height": 1, "rectanglelabels": ["a"] } },
        { "type": "polygon", "value": { "points": [[1, 2, 3]] } },
        { "type": 5, "value": [] },
        {},
    ]);
    let id = annotated(&app, &entries).await;
    let answer = regions(
        &app,
        &id,
        "",
        "__typename labels raw ... on OtherRegion { typeName }",
    )
    .await;
    let types = [
        json!("hologram"),
        json!("rectanglelabels"),
        json!("polygon"),
        Value::Null,
        Value::Null,
    ];
    for (index, region) in answer.as_array().unwrap().iter().enumerate() {
        let labels = if index == 1 { json!(["a"]) } else { json!([]) };
        let expected = json!({ "__typename": "OtherRegion", "labels": labels, "raw": entries[index], "typeName": types[index] });
        assert_eq!(region, &expected);
    }
}

/// A tool without labels and a `Labels` tag make two entries or one; controls of regions repeat id and place.
#[each_database]
async fn regions_of_several_entries_are_several_regions(app: TestApp) {
    let with = |key: &str, value: Value| {
        let mut place = json!({ "x": 1, "y": 2, "width": 3, "height": 4, "rotation": 90 });
        place[key] = value;
        place
    };
    let id = annotated(&app, &json!([
            { "id": "split", "from_name": "rect", "to_name": "img", "type": "rectangle", "value": with("rotation", json!(0)) },
            { "id": "split", "from_name": "labels", "to_name": "img", "type": "labels", "value": with("labels", json!(["Car"])) },
            { "id": "merged", "from_name": "labels", "to_name": "img", "type": "rectanglelabels", "value": with("rectanglelabels", json!(["Car"])) },
            { "id": "merged", "from_name": "colour", "to_name": "img", "type": "choices", "value": with("choices", json!(["red"])) },
            { "id": "merged", "from_name": "plate", "to_name": "img", "type": "textarea", "value": with("text", json!(["AB 1"])) },
        ])).await;
    let fields = "regionId __typename labels ... on RectangleRegion { width } ... on ChoicesRegion { choices } ... on TextAreaRegion { texts }";
    assert_eq!(
        regions(&app, &id, "", fields).await,
        json!([
            { "regionId": "split", "__typename": "RectangleRegion", "labels": [], "width": 3.0 },
            { "regionId": "split", "__typename": "RectangleRegion", "labels": ["Car"], "width": 3.0 },
            { "regionId": "merged", "__typename": "RectangleRegion", "labels": ["Car"], "width": 3.0 },
            { "regionId": "merged", "__typename": "ChoicesRegion", "labels": [], "choices": ["red"] },
            { "regionId": "merged", "__typename": "TextAreaRegion", "labels": [], "texts": ["AB 1"] },
        ])
    );
}

#[each_database]
async fn relations_lead_to_the_first_regions_with_their_ids(app: TestApp) {
    let id = annotated(&app, &json!([
            { "type": "relation", "from_id": "a", "to_id": "b", "direction": "right", "labels": ["drives"] },
            { "id": "a", "type": "number", "value": { "number": 1 } },
            { "id": "b", "type": "number", "value": { "number": 2 } },
            { "id": "b", "type": "number", "value": { "number": 3 } },
            { "type": "relation", "from_id": "a", "to_id": "nowhere", "direction": "sideways" },
            { "id": "self", "type": "relation", "from_id": "self", "to_id": "self", "direction": "left" },
            { "type": "relation", "from_id": "a", "direction": "left" },
        ])).await;
    let fields = "... on RelationRegion { fromId toId direction
        from { ... on NumberRegion { number } } to { ... on NumberRegion { number } ... on RelationRegion { to { regionId } } } }
      ... on OtherRegion { typeName }";
    // Ends are of the whole result, whatever was asked for.
    assert_eq!(
        regions(&app, &id, "(types: [RELATION, OTHER])", fields).await,
        json!([
            { "fromId": "a", "toId": "b", "direction": "RIGHT", "from": { "number": 1.0 }, "to": { "number": 2.0 } },
            { "fromId": "a", "toId": "nowhere", "direction": null, "from": { "number": 1.0 }, "to": null },
            { "fromId": "self", "toId": "self", "direction": "LEFT", "from": {}, "to": { "to": { "regionId": "self" } } },
            { "typeName": "relation" },
        ])
    );
}

/// Few bytes are stored, and gigabytes could be asked for.
#[each_database]
async fn relations_lead_to_so_much_and_no_more(app: TestApp) {
    let relation = json!({ "id": "r", "type": "relation", "from_id": "r", "to_id": "large", "direction": "right" });
    let mut entries = vec![relation; 70];
    let large =
        json!({ "id": "large", "type": "textarea", "value": { "text": ["x".repeat(1 << 20)] } });
    entries.push(large);
    let id = annotated(&app, &json!(entries)).await;
    let ask = async |ends: &str| {
        let fields = format!("... on RelationRegion {{ {ends} }}");
        let query =
            format!("{{ annotation(id: {id}) {{ regions(types: [RELATION]) {{ {fields} }} }} }}");
        app.admin.run(&query).await
    };
    let answer = ask("to { regionId }").await;
    let errors = answer.json["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "of seven");
    let extensions = json!({ "code": "LIMIT_EXCEEDED", "limit": "relationBytes", "max": 1 << 26 });
    assert_eq!(errors[0]["extensions"], extensions);
    assert_eq!(
        errors[0]["path"],
        json!(["annotation", "regions", 63, "to"])
    );
    let regions = &answer.json["data"]["annotation"]["regions"];
    assert_eq!(regions[62], json!({ "to": { "regionId": "large" } }));
    for unled in 63..70 {
        assert_eq!(regions[unled], json!({ "to": null }));
    }
    // A relation may lead to relations, and no further.
    let answer = ask("from { ... on RelationRegion { to { regionId } } } ").await;
    assert_eq!(answer.json["errors"].as_array().unwrap().len(), 1);
}

#[each_database]
async fn regions_are_told_as_they_are_stored_so_often_and_no_more(app: TestApp) {
    let text = json!({ "text": ["x".repeat(3 << 20)] });
    let id = annotated(
        &app,
        &json!([{ "id": "large", "type": "textarea", "value": text }]),
    )
    .await;
    let ask = async |times: usize| {
        let fields: String = (0..times).map(|time| format!("a{time}: raw ")).collect();
        let query = format!("{{ annotation(id: {id}) {{ regions {{ {fields} }} }} }}");
        app.admin.run(&query).await
    };
    ask(2).await.ok();
    let answer = ask(22).await;
    let errors = answer.json["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1);
    let extensions = json!({ "code": "LIMIT_EXCEEDED", "limit": "answer", "max": 1 << 26 });
    assert_eq!(errors[0]["extensions"], extensions);
}

#[each_database]
async fn places_in_pixels_turn_about_their_corner(app: TestApp) {
    let entry = |width: Value| {
        json!({ "type": "rectangle", "original_width": width, "original_height": 100,
            "value": { "x": 50, "y": 50, "width": 10, "height": 20, "rotation": 90 } })
    };
    let huge = json!({ "type": "rectangle", "original_width": 1_000, "original_height": 100,
            "value": { "x": 1e308, "y": 50, "width": 1e308, "height": 20, "rotation": 45 } });
    let id = annotated(
        &app,
        &json!([
            entry(json!(200)),
            entry(json!("200")),
            entry(json!(0)),
            huge
        ]),
    )
    .await;
    let answer = regions(
        &app,
        &id,
        "",
        "... on RectangleRegion { originalWidth pixelBox { x y width height corners { x y } } }",
    )
    .await;
    let corners = answer[0]["pixelBox"]["corners"].as_array().unwrap();
    let rounded = corners.iter().map(|corner| {
        [
            corner["x"].as_f64().unwrap().round(),
            corner["y"].as_f64().unwrap().round(),
        ]
    });
    assert_eq!(
        rounded.collect::<Vec<_>>(),
        [[100.0, 50.0], [100.0, 70.0], [80.0, 70.0], [80.0, 50.0]]
    );
    assert_eq!(
        answer[1],
        json!({ "originalWidth": null, "pixelBox": null })
    );
    assert_eq!(
        answer[2],
        json!({ "originalWidth": null, "pixelBox": null })
    );
    assert_eq!(
        answer[3],
        json!({ "originalWidth": 1_000, "pixelBox": null })
    );
}
