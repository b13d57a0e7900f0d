//! Brush masks: PNG and painted area.

use base64::{Engine, engine::general_purpose::STANDARD};
use each_database::each_database;
use serde_json::{Value, json};

use super::{annotated, regions};
use crate::support::TestApp;

/// What label-studio-sdk's `encode_rle` made of this mask of 7 by 5 pixels.
const CROSS: [u8; 25] = [
    0, 0, 0, 140, 57, 27, 252, 112, 24, 124, 2, 223, 253, 240, 11, 127, 247, 192, 45, 255, 206, 1,
    134, 255, 192,
];
const MASK: [[u8; 7]; 5] = [
    [128, 0, 0, 0, 0, 0, 0],
    [0, 0, 255, 255, 255, 0, 0],
    [0, 0, 255, 255, 255, 0, 0],
    [0, 0, 255, 255, 255, 0, 0],
    [255, 255, 255, 255, 255, 255, 255],
];

fn brush(rle: &[u8], width: usize, height: usize) -> Value {
    json!({ "type": "brushlabels", "original_width": width, "original_height": height,
        "value": { "format": "rle", "rle": rle, "brushlabels": ["Sky"] } })
}

/// Run lengths of an opaque image: runs of 65,536 values.
fn opaque(width: usize, height: usize) -> Vec<u8> {
    let values = 4 * width * height;
    assert_eq!(values % 65_536, 0);
    let mut bits = format!("{values:032b}{:05b}{}", 7, "1111".repeat(4));
    for _ in 0..values / 65_536 {
        bits += &format!("111{}{:08b}", "1".repeat(16), 255);
    }
    let byte = |bits: &[u8]| {
        (0..8).fold(0, |byte, at| {
            byte << 1 | u8::from(bits.get(at) == Some(&b'1'))
        })
    };
    bits.as_bytes().chunks(8).map(byte).collect()
}

#[each_database]
async fn a_mask_is_drawn_as_it_was_painted(app: TestApp) {
    let id = annotated(&app, &json!([brush(&CROSS, 7, 5)])).await;
    let fields =
        "labels ... on BrushRegion { format pngDataUrl areaPixels areaPercent originalWidth }";
    let answer = regions(&app, &id, "", fields).await;
    let region = &answer[0];
    let area = (&region["areaPixels"], &region["areaPercent"]);
    assert_eq!(area, (&json!(17), &json!(17.0 / 35.0 * 100.0)));
    let url = region["pngDataUrl"].as_str().unwrap();
    let file = url.strip_prefix("data:image/png;base64,").unwrap();
    let file = std::io::Cursor::new(STANDARD.decode(file).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let kind = (info.width, info.height, info.color_type);
    assert_eq!(kind, (7, 5, png::ColorType::Grayscale));
    assert_eq!(pixels, MASK.concat());
}

#[each_database]
async fn what_is_no_mask_of_its_image_is_not_drawn(app: TestApp) {
    let mut unknown = brush(&CROSS, 7, 5);
    unknown.as_object_mut().unwrap().remove("original_width");
    let large = opaque(8192, 2056);
    let id = annotated(
        &app,
        &json!([
            unknown,
            brush(&CROSS, 5, 8),
            brush(&CROSS[..20], 7, 5),
            brush(&[205], 7, 5),
            brush(&[0xff; 40], 32_767, 32_768),
            brush(&large, 8192, 2056),
        ]),
    )
    .await;
    let fields = "... on BrushRegion { pngDataUrl areaPixels }";
    let answer = regions(&app, &id, "", fields).await;
    for region in &answer.as_array().unwrap()[..5] {
        assert_eq!(region, &json!({ "pngDataUrl": null, "areaPixels": null }));
    }
    // Too large to be drawn, but not to be measured.
    let measured = json!({ "pngDataUrl": null, "areaPixels": 8192 * 2056 });
    assert_eq!(answer[5], measured);
}

#[each_database]
async fn one_answer_draws_so_many_pixels_and_no_more(app: TestApp) {
    // Two masks of the largest size are half of it.
    let mask = brush(&opaque(4096, 4096), 4096, 4096);
    let id = annotated(&app, &json!([mask, mask, brush(&CROSS, 4096, 4096)])).await;
    let query = |times: usize| {
        let field =
            |time: usize| format!("a{time}: regions {{ ... on BrushRegion {{ pngDataUrl }} }} ");
        let fields: String = (0..times).map(field).collect();
        format!(
            "{{ annotation(id: {id}) {{ {fields} areas: regions {{ ... on BrushRegion {{ areaPixels }} }} }} }}"
        )
    };
    app.admin.run(&query(2)).await.ok();
    let answer = app.admin.run(&query(3)).await;
    let errors = answer.json["errors"].as_array().unwrap();
    for error in errors {
        let extensions = json!({ "code": "LIMIT_EXCEEDED", "limit": "pixels", "max": 1 << 26 });
        assert_eq!(error["extensions"], extensions);
    }
    let lists = answer.json["data"]["annotation"].as_object().unwrap();
    let urls = lists.values().flat_map(|list| list.as_array().unwrap());
    let drawn = urls.filter(|region| region["pngDataUrl"].is_string());
    assert_eq!(
        (drawn.count(), errors.len()),
        (4, 1),
        "the others are there, and one error"
    );
}
