//! Checks of results against labelling configs: tables of right and wrong results.

use annograph::error::{Segment, dotted};
use label_studio::{
    check::{Mode, Rules, check},
    config::Config,
};
use serde_json::{Value, json};

const CONFIG: &str = r#"<View>
  <Image name="img" value="$image"/>
  <RectangleLabels name="rect" toName="img"><Label value="Car"/><Label value="Person" alias="person"/></RectangleLabels>
  <Labels name="cls" toName="img"><Label value="A"/><Label value="B"/></Labels>
  <Rectangle name="box" toName="img"/>
  <Brush name="brush" toName="img"/>
  <Polygon name="poly" toName="img"/>
  <Text name="txt" value="$text"/>
  <Labels name="ner" toName="txt" maxUsages="2"><Label value="PER"/><Label value="ORG"/></Labels>
  <Choices name="mood" toName="txt"><Choice value="good"/><Choice value="bad"/></Choices>
  <Taxonomy name="kind" toName="txt"><Choice value="Animal"><Choice value="Cat"/></Choice><Choice value="Plant"/></Taxonomy>
  <TextArea name="note" toName="txt" maxSubmissions="1"/>
  <Number name="count" toName="txt" min="0" max="10"/>
  <Rating name="stars" toName="txt" maxRating="3"/>
  <Text name="other" value="$other"/>
  <Pairwise name="pair" toName="txt,other"/>
  <Choices name="open" toName="txt" value="$options"/>
  <Video name="vid" value="$video"/>
  <TimelineLabels name="line" toName="vid"><Label value="x"/></TimelineLabels>
  <Relations><Relation value="next"/></Relations>
</View>"#;

/// What is wrong with a result: path, code and message of each problem, a line each.
fn wrong(config: &str, mode: Mode, result: &Value) -> String {
    wrong_with(config, mode, None, result)
}

pub fn wrong_with(config: &str, mode: Mode, data: Option<&str>, result: &Value) -> String {
    let config = Config::parse(config).unwrap();
    let rules = Rules {
        config: &config,
        mode,
        data,
        is_cancelled: false,
    };
    let problems = check(rules, &result.to_string(), &[]).into_iter();
    let lines = problems.map(|problem| {
        let code = serde_json::to_value(problem.code).unwrap();
        let code = code.as_str().unwrap().to_owned();
        format!("{} {code}: {}", dotted(&problem.path), problem.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn region(from_name: &str, to_name: &str, region_type: &str, value: Value) -> Value {
    let mut region =
        json!({ "id": "a", "from_name": from_name, "to_name": to_name, "type": region_type });
    region["value"] = value;
    region
}

fn car(id: &str) -> Value {
    let value = json!({ "x": 1, "y": 2.5, "width": 10, "height": 10, "rectanglelabels": ["Car"] });
    let mut region = region("rect", "img", "rectanglelabels", value);
    region["id"] = json!(id);
    region
}

#[test]
fn what_fits_is_not_told() {
    let span = |value| region("ner", "txt", "labels", value);
    for result in [
        json!([]),
        json!([car("a"), car("b")]),
        json!([region(
            "rect",
            "img",
            "RectangleLabels",
            json!({ "x": " 1 ", "y": true, "width": "1e1", "height": 1, "rotation": null, "rectanglelabels": ["person"], "more": {} })
        )]),
        json!([region(
            "rect",
            "img",
            "rectanglelabels",
            json!({ "rect": { "x": 1, "y": 1, "width": 1, "height": 1, "rectanglelabels": ["Car"] } })
        )]),
        json!([span(json!({ "start": 0, "end": "3", "labels": ["PER"] }))]),
        json!([region(
            "mood",
            "txt",
            "choices",
            json!({ "choices": ["good"] })
        )]),
        json!([region(
            "open",
            "txt",
            "choices",
            json!({ "choices": ["whatever"] })
        )]),
        json!([region(
            "kind",
            "txt",
            "taxonomy",
            json!({ "taxonomy": [["Animal", "Cat"], ["Plant"]] })
        )]),
        json!([region("stars", "txt", "rating", json!({ "rating": 3.0 }))]),
        json!([region(
            "pair",
            "txt",
            "pairwise",
            json!({ "selected": "left" })
        )]),
        json!([region(
            "pair",
            "txt,other",
            "pairwise",
            json!({ "selected": "right" })
        )]),
        // What was drawn and its labels: in two regions, whichever comes first, or in one.
        json!([
            region(
                "box",
                "img",
                "rectangle",
                json!({ "x": 1, "y": 1, "width": 1, "height": 1 })
            ),
            region(
                "cls",
                "img",
                "labels",
                json!({ "x": 1, "y": 1, "width": 1, "height": 1, "labels": ["A"] })
            )
        ]),
        json!([
            region(
                "cls",
                "img",
                "labels",
                json!({ "format": "rle", "rle": [0, 255], "labels": ["A"] })
            ),
            region(
                "brush",
                "img",
                "brush",
                json!({ "format": "rle", "rle": [0, 255] })
            )
        ]),
        json!([region(
            "cls",
            "img",
            "polygonlabels",
            json!({ "points": [[1, 2], [3, 4]], "polygonlabels": ["B"] })
        )]),
        json!([{ "type": "relation", "from_id": "a", "to_id": "b", "direction": "bi", "labels": ["next"] }, car("a"), car("b")]),
    ] {
        assert_eq!(wrong(CONFIG, Mode::Standard, &result), "", "{result}");
        assert_eq!(wrong(CONFIG, Mode::Strict, &result), "", "{result}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let result = json!([
        {},
        region("rekt", "img", "rectanglelabels", json!({})),
        region("rect", "image", "rectanglelabels", json!({})),
        region("rect", "txt", "choices", json!({ "x": 101, "y": "abc", "height": null, "rectanglelabels": ["car", 1, "Bicycle"] })),
        region("rect", "img", "rectanglelabels", json!([])),
        { "from_name": ["rect"], "to_name": 1, "type": "rectanglelabels", "value": {} },
        { "from_name": "rect", "to_name": "img", "type": null, "value": { "rectanglelabels": "Car" } },
        region("brush", "img", "brush", json!({ "rle": [0, 256, 1.5, "7"] })),
        region("brush", "img", "brush", json!({ "rle": [], "format": null })),
        region("poly", "img", "polygon", json!({ "points": [[1, 2], [1], 3, [1, "nan"]] })),
        region("line", "vid", "timelinelabels", json!({ "ranges": [], "timelinelabels": ["x"] })),
        region("line", "vid", "timelinelabels", json!({ "ranges": [{ "start": 1 }], "timelinelabels": ["x"] })),
        region("stars", "txt", "rating", json!({ "rating": 4 })),
        region("stars", "txt", "rating", json!({ "rating": "3.0" })),
        region("cls", "img", "polygonlabels", json!({ "points": [], "labels": [] })),
        region("kind", "txt", "taxonomy", json!({ "taxonomy": [["Animal", "Dog"], "Plant"] })),
        { "type": "relation", "from_id": "a", "to_id": "nobody", "direction": "up" },
        { "type": "relation", "to_id": 1 },
        null,
    ]);
    insta::assert_snapshot!(wrong(CONFIG, Mode::Standard, &result), @r#"
    0.from_name MISSING_FIELD: `from_name` is missing
    0.to_name MISSING_FIELD: `to_name` is missing
    0.type MISSING_FIELD: `type` is missing
    0.value MISSING_FIELD: `value` is missing
    1.from_name UNKNOWN_CONTROL: the labelling config has no control "rekt", only "rect", "cls", "box", "brush", "poly", "ner", "mood", "kind", "note", "count" and 4 more; did you mean "rect"?
    2.to_name UNKNOWN_OBJECT: the labelling config has no object "image", only "img", "txt", "other" and "vid"; did you mean "img"?
    3.to_name UNKNOWN_OBJECT: `rect` works on "img", not on "txt"
    3.type WRONG_REGION_TYPE: regions of `rect` are of type "rectanglelabels", not "choices"
    3.value.x OUT_OF_BOUNDS: must be at most 100, is 101
    3.value.y WRONG_TYPE: must be a number, not the text "abc"
    3.value.width MISSING_FIELD: `width` is missing
    3.value.height WRONG_TYPE: must be a number, not null
    3.value.rectanglelabels.0 UNKNOWN_LABEL: `rect` has no label "car", only "Car" and "person"; did you mean "Car"?
    3.value.rectanglelabels.1 WRONG_TYPE: must be a text, not a number
    3.value.rectanglelabels.2 UNKNOWN_LABEL: `rect` has no label "Bicycle", only "Car" and "person"
    4.value WRONG_TYPE: must be an object, not a list
    5.from_name WRONG_TYPE: must be the name of a control, not a list
    6.type WRONG_TYPE: must be the type of a region, not null
    6.value.x MISSING_FIELD: `x` is missing
    6.value.y MISSING_FIELD: `y` is missing
    6.value.width MISSING_FIELD: `width` is missing
    6.value.height MISSING_FIELD: `height` is missing
    6.value.rectanglelabels WRONG_TYPE: must be a list of texts, not the text "Car"
    7.value.rle.1 OUT_OF_BOUNDS: must be from 0 to 255, is 256
    7.value.rle.2 WRONG_TYPE: must be a whole number, not 1.5
    8.value.format WRONG_TYPE: must be a text, not null
    8.value.rle REQUIRED: must not be empty
    9.value.points.1 WRONG_TYPE: must be a list of two numbers, has 1
    9.value.points.2 WRONG_TYPE: must be a list of two numbers, not a number
    9.value.points.3.1 OUT_OF_BOUNDS: must be at most 100, is NaN
    10.value.ranges REQUIRED: must not be empty
    11.value.ranges.0.end MISSING_FIELD: `end` is missing
    12.value.rating OUT_OF_BOUNDS: must be at most 3, is 4
    13.value.rating WRONG_TYPE: must be a whole number, not the text "3.0"
    14.value.labels REQUIRED: must not be empty
    15.value.taxonomy.0.1 UNKNOWN_LABEL: `kind` has no choice "Dog", only "Animal", "Cat" and "Plant"
    15.value.taxonomy.1 WRONG_TYPE: must be a list of texts, not the text "Plant"
    16.direction UNKNOWN_VALUE: must be "left", "right" or "bi", not "up"
    16.to_id UNKNOWN_REGION: no region of the result has the id "nobody"
    17.direction MISSING_FIELD: `direction` is missing
    17.from_id MISSING_FIELD: `from_id` is missing
    17.to_id WRONG_TYPE: must be a text, not a number
    18 WRONG_TYPE: must be an object
    "#);
}

#[test]
fn strict_mode_tells_what_the_config_promises() {
    let span = |value| region("ner", "txt", "labels", value);
    let rect = |value| region("rect", "img", "rectanglelabels", value);
    let result = json!([
        rect(json!({ "x": -0.001, "y": -1, "width": 10, "height": 10, "rectanglelabels": [] })),
        rect(json!({ "x": 95, "y": 95, "width": 5.001, "height": 6, "rectanglelabels": ["Car", "person"] })),
        rect(json!({ "x": 95, "y": 95, "width": 9, "height": 9, "rotation": 45, "rectanglelabels": ["Car"] })),
        span(json!({ "start": 3, "end": "1", "labels": ["PER"] })),
        span(json!({ "start": -1, "end": 7, "labels": ["PER"] })),
        span(json!({ "start": 0, "end": 6, "labels": ["PER"] })),
        region("mood", "txt", "choices", json!({ "choices": ["good", "bad"] })),
        region("kind", "txt", "taxonomy", json!({ "taxonomy": [["Cat"], ["Animal"], ["Cat", "Animal"]] })),
        region("note", "txt", "textarea", json!({ "text": ["a", "b"] })),
        region("count", "txt", "number", json!({ "number": -1 })),
        region("count", "txt", "number", json!({ "number": "inf" })),
        region("pair", "txt", "pairwise", json!({ "selected": "both" })),
        region("line", "vid", "timelinelabels", json!({ "ranges": [{ "start": 9, "end": 1 }], "timelinelabels": ["x"] })),
        { "type": "relation", "from_id": "a", "to_id": "a", "direction": "bi", "labels": ["nxt"] },
    ]);
    let data = r#"{"text": "\ud83d\ude00 text", "other": ""}"#;
    let infinite = "10.value.number OUT_OF_BOUNDS: must be a finite number, is inf";
    assert_eq!(
        wrong_with(CONFIG, Mode::Standard, Some(data), &result),
        infinite
    );
    insta::assert_snapshot!(wrong_with(CONFIG, Mode::Strict, Some(data), &result), @r#"
    0.value.y OUT_OF_BOUNDS: must be at least 0, is -1
    0.value.rectanglelabels REQUIRED: `rect` needs a label
    1.value.rectanglelabels TOO_MANY: `rect` takes one label, not 2
    1.value.height OUT_OF_BOUNDS: reaches beyond the lower edge: `y` and `height` make 101
    3.value.start OUT_OF_BOUNDS: the span starts at 3, after its end at 1
    4.value.start OUT_OF_BOUNDS: must be at least 0, is -1
    5.value.labels.0 TOO_MANY: `ner` takes this label 2 times at most
    6.value.choices TOO_MANY: `mood` takes one choice, not 2
    7.value.taxonomy.0 UNKNOWN_LABEL: `kind` has no path "Cat", from the outermost choice inwards
    7.value.taxonomy.2 UNKNOWN_LABEL: `kind` has no path "Cat / Animal", from the outermost choice inwards
    8.value.text TOO_MANY: `note` takes at most 1 texts, not 2
    9.value.number OUT_OF_BOUNDS: must be at least 0, is -1
    10.value.number OUT_OF_BOUNDS: must be a finite number, is inf
    11.value.selected UNKNOWN_VALUE: must be "left" or "right", not "both"
    12.value.ranges.0.start OUT_OF_BOUNDS: the span starts at 9, after its end at 1
    13.labels.0 UNKNOWN_LABEL: relations have no label "nxt", only "next"; did you mean "next"?
    "#);
    assert_eq!(wrong_with(CONFIG, Mode::Off, Some(data), &json!([{}])), "");
}

#[test]
fn what_is_required_has_to_be_there() {
    let config = r#"<View>
      <Image name="img" value="$image"/>
      <RectangleLabels name="rect" toName="img" required="true"><Label value="Car"/></RectangleLabels>
      <Choices name="mood" toName="img" required="true"><Choice value="good"/></Choices>
      <TextArea name="plate" toName="img" perRegion="true" required="true"/>
      <View visibleWhen="choice-selected" whenTagName="mood" whenChoiceValue="good">
        <Rating name="stars" toName="img" required="true"/>
      </View>
    </View>"#;
    let mut plate = region("plate", "img", "textarea", json!({ "text": ["B-1"] }));
    plate["id"] = json!("a");
    let mood = region("mood", "img", "choices", json!({ "choices": ["good"] }));
    let no_mood = region("mood", "img", "choices", json!({ "choices": [] }));
    let all = json!([car("a"), plate, mood]);
    assert_eq!(wrong(config, Mode::Strict, &all), "");
    let some = json!([car("b"), car("a"), plate, no_mood]);
    insta::assert_snapshot!(wrong(config, Mode::Strict, &some), @r#"
    0 REQUIRED: `plate` has to be answered for this region
     REQUIRED: `mood` has to be answered
    "#);

    let config = Config::parse(config).unwrap();
    let rules = Rules {
        config: &config,
        mode: Mode::Strict,
        data: None,
        is_cancelled: true,
    };
    assert_eq!(check(rules, "[]", &[]), []);
}

#[test]
fn names_below_a_control_are_in_the_path() {
    let value = json!({ "mood": { "choices": ["god"] } });
    let result = json!([region("mood", "txt", "choices", value)]);
    let config = Config::parse(CONFIG).unwrap();
    let rules = Rules {
        config: &config,
        mode: Mode::Standard,
        data: None,
        is_cancelled: false,
    };
    let at: [Segment; 2] = ["input".into(), "result".into()];
    let problems = check(rules, &result.to_string(), &at);
    assert_eq!(
        dotted(&problems[0].path),
        "input.result.0.value.mood.choices.0"
    );
    assert_eq!(
        problems[0].message,
        r#"`mood` has no choice "god", only "good" and "bad"; did you mean "good"?"#
    );
}

#[test]
fn the_first_thousand_problems_are_told() {
    let config = Config::parse(CONFIG).unwrap();
    let rules = Rules {
        config: &config,
        mode: Mode::Strict,
        data: None,
        is_cancelled: false,
    };
    let result = format!("[{}{{}}]", "{},".repeat(5000));
    assert_eq!(check(rules, &result, &[]).len(), 1000);
}

#[test]
fn labels_that_are_another_tags_are_not_counted() {
    let config = r#"<View><Video name="vid" value="$v"/><VideoRectangle name="box" toName="vid"/>
        <Labels name="l" toName="vid" choice="multiple"><Label value="A"/><Label value="B"/></Labels></View>"#;
    for labels in [json!([]), json!(["A", "B"])] {
        let value = json!({ "framesCount": 2, "duration": 1.0, "labels": labels, "sequence": [
            { "frame": 1, "time": 0.5, "x": 1, "y": 1, "width": 1, "height": 1, "rotation": 0, "enabled": true },
        ] });
        let result = json!([region("box", "vid", "videorectangle", value)]);
        assert_eq!(wrong_with(config, Mode::Strict, None, &result), "");
    }
}

#[test]
fn a_sentence_is_short_however_long_the_names_are() {
    let name = "n".repeat(50_000);
    let config = format!(
        r#"<View><Text name="t" value="$text"/><TextArea name="{name}" toName="t" required="true"/></View>"#
    );
    let told = wrong_with(&config, Mode::Strict, None, &json!([]));
    assert!(told.contains("…") && told.len() < 4_000, "{}", told.len());
}
