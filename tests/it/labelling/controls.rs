//! Controls and labels of a config, through GraphQL.

use each_database::each_database;
use entity::project;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, Database, Unchanged};
use serde_json::{Value, json};

use super::config::fixture;
use crate::support::TestApp;

const CONTROL: &str = "name tag kind regionType hasDynamicLabels choice isRequired isPerRegion isPerItem
    min max maxRating maxSubmissions maxUsages attributes
    objects { name tag value variable attributes }
    labels { stored value alias background hotkey parents }
    condition { visibleWhen tagNames labelValues choiceValues around { visibleWhen tagNames around { visibleWhen } } }";

async fn create(test: &TestApp, config: &str) {
    let create = "mutation($config: String!) { createProject(input: { title: \"T\", labelConfig: $config }) { id } }";
    let answer = test
        .admin
        .run_with(create, json!({ "config": config }))
        .await;
    answer.ok();
}

async fn controls(test: &TestApp, fields: &str) -> Value {
    let query = format!("{{ project(id: 1) {{ controls {{ {fields} }} }} }}");
    let answer = test.admin.run(&query).await;
    answer.data()["project"]["controls"].clone()
}

#[each_database]
async fn everything_of_a_control_can_be_asked_for(test: TestApp) {
    let config = r#"<View>
      <Image name="img" valueList="$pages"/><Text name="t" value="a $text"/>
      <View visibleWhen="choice-selected" whenTagName="q,r">
        <RectangleLabels name="box" toName="img,t" maxUsages="99999999999" choice="multiple" whenLabelValue="car">
          <Label value="Car" alias="car" background="red" hotkey="1"/><Label value="é&quot;"/>
        </RectangleLabels>
      </View>
      <Rating name="r" toName="img" maxRating="10" required="true" perRegion="true" perItem="true"/>
      <Foo name="f" toName="box"/>
    </View>"#;
    create(&test, config).await;
    let found = controls(&test, CONTROL).await;
    insta::allow_duplicates! { insta::assert_json_snapshot!(found, @r#"
    [
      {
        "name": "box",
        "tag": "RectangleLabels",
        "kind": "RECTANGLE_LABELS",
        "regionType": "rectanglelabels",
        "hasDynamicLabels": false,
        "choice": "MULTIPLE",
        "isRequired": false,
        "isPerRegion": false,
        "isPerItem": false,
        "min": null,
        "max": null,
        "maxRating": null,
        "maxSubmissions": null,
        "maxUsages": 2147483647,
        "attributes": {
          "name": "box",
          "toName": "img,t",
          "maxUsages": "99999999999",
          "choice": "multiple",
          "whenLabelValue": "car"
        },
        "objects": [
          {
            "name": "img",
            "tag": "Image",
            "value": "$pages",
            "variable": "pages",
            "attributes": {
              "name": "img",
              "valueList": "$pages"
            }
          },
          {
            "name": "t",
            "tag": "Text",
            "value": "a $text",
            "variable": null,
            "attributes": {
              "name": "t",
              "value": "a $text"
            }
          }
        ],
        "labels": [
          {
            "stored": "car",
            "value": "Car",
            "alias": "car",
            "background": "red",
            "hotkey": "1",
            "parents": []
          },
          {
            "stored": "é\"",
            "value": "é\"",
            "alias": null,
            "background": null,
            "hotkey": null,
            "parents": []
          }
        ],
        "condition": {
          "visibleWhen": null,
          "tagNames": [],
          "labelValues": [
            "car"
          ],
          "choiceValues": [],
          "around": {
            "visibleWhen": "choice-selected",
            "tagNames": [
              "q",
              "r"
            ],
            "around": null
          }
        }
      },
      {
        "name": "r",
        "tag": "Rating",
        "kind": "RATING",
        "regionType": "rating",
        "hasDynamicLabels": false,
        "choice": null,
        "isRequired": true,
        "isPerRegion": true,
        "isPerItem": true,
        "min": null,
        "max": null,
        "maxRating": 10,
        "maxSubmissions": null,
        "maxUsages": null,
        "attributes": {
          "name": "r",
          "toName": "img",
          "maxRating": "10",
          "required": "true",
          "perRegion": "true",
          "perItem": "true"
        },
        "objects": [
          {
            "name": "img",
            "tag": "Image",
            "value": "$pages",
            "variable": "pages",
            "attributes": {
              "name": "img",
              "valueList": "$pages"
            }
          }
        ],
        "labels": [],
        "condition": null
      },
      {
        "name": "f",
        "tag": "Foo",
        "kind": "OTHER",
        "regionType": "foo",
        "hasDynamicLabels": false,
        "choice": null,
        "isRequired": false,
        "isPerRegion": false,
        "isPerItem": false,
        "min": null,
        "max": null,
        "maxRating": null,
        "maxSubmissions": null,
        "maxUsages": null,
        "attributes": {
          "name": "f",
          "toName": "box"
        },
        "objects": [],
        "labels": [],
        "condition": null
      }
    ]
    "#); }
}

#[each_database]
async fn every_kind_has_its_name(test: TestApp) {
    create(&test, &fixture("configs/x-kitchen-sink.xml")).await;
    let found = controls(
        &test,
        "name kind choice labels { stored parents } objects { name } min max",
    )
    .await;
    let lines: Vec<String> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let names = |list: &str, key: &str| -> Vec<String> {
                let items = it[list].as_array().unwrap().iter();
                items
                    .map(|it| it[key].as_str().unwrap().to_owned())
                    .collect()
            };
            format!(
                "{} {} {} {} [{}]",
                it["name"].as_str().unwrap(),
                it["kind"].as_str().unwrap(),
                it["choice"],
                names("objects", "name").join("+"),
                names("labels", "stored").join(","),
            )
        })
        .collect();
    insta::allow_duplicates! { insta::assert_snapshot!(lines.join("\n"), @r#"
    rect RECTANGLE_LABELS "SINGLE" image [Car,person]
    poly POLYGON_LABELS "SINGLE" image [Road,Building]
    kp KEY_POINT_LABELS "SINGLE" image [Nose]
    ell ELLIPSE_LABELS "SINGLE" image [Wheel]
    brush BRUSH_LABELS "SINGLE" image [Sky]
    quality CHOICES "SINGLE" image [good,bad]
    tags CHOICES "MULTIPLE" image [day,night,rain]
    caption TEXT_AREA null image []
    ocr TEXT_AREA null image []
    stars RATING null image []
    objects NUMBER null image []
    taken DATE_TIME null image []
    species TAXONOMY null image [Animal,Cat,Dog,Plant]
    ner LABELS "SINGLE" text [PER,ORG]
    better PAIRWISE null left+right []
    tsl TIME_SERIES_LABELS "SINGLE" ts [Run,Walk]
    vbox VIDEO_RECTANGLE null video []
    vlabels LABELS "SINGLE" video [Ball]
    speaker LABELS "SINGLE" audio [A,B]
    htl HYPER_TEXT_LABELS "SINGLE" html [Title]
    para PARAGRAPH_LABELS "SINGLE" dialogue [Question,Answer]
    "#); }
    let species = &found[12]["labels"];
    assert_eq!(
        species[2],
        json!({ "stored": "Dog", "parents": ["Animal"] })
    );
}

#[each_database]
async fn a_changed_config_has_other_controls_at_once(test: TestApp) {
    create(&test, "").await;
    assert_eq!(controls(&test, "name").await, json!([]));
    for name in ["a", "b", "a"] {
        let config = format!(
            "<View><Text name=\"t\" value=\"$t\"/><Foo name=\"{name}\" toName=\"t\"/></View>"
        );
        let update = "mutation($config: String) { updateProject(id: 1, input: { labelConfig: $config }) { controls { name } } }";
        let answer = test
            .admin
            .run_with(update, json!({ "config": config }))
            .await;
        let expected = json!([{ "name": name }]);
        assert_eq!(answer.data()["updateProject"]["controls"], expected);
        assert_eq!(controls(&test, "name").await, expected);
    }
}

#[each_database]
async fn a_stored_config_that_cannot_be_read_counts_as_none(test: TestApp) {
    create(&test, "").await;
    let db = Database::connect(&test.url).await.unwrap();
    let old = project::ActiveModel {
        id: Unchanged(1),
        label_config: Set("<View".to_owned()),
        ..Default::default()
    };
    old.update_without_returning(&db).await.unwrap();
    db.close().await.unwrap();
    assert_eq!(controls(&test, "name").await, json!([]));
    // It does not stand in the way of other changes.
    let update = "mutation { updateProject(id: 1, input: { title: \"U\" }) { title labelConfig } }";
    let answer = test.admin.run(update).await;
    let expected = json!({ "title": "U", "labelConfig": "<View" });
    assert_eq!(answer.data()["updateProject"], expected);
}

#[each_database]
async fn each_object_of_a_control_is_told_once(test: TestApp) {
    let config = r#"<View><Text name="t" value="$t"/><Image name="i" value="$i"/><Foo name="f" toName="i,t,i,t"/></View>"#;
    create(&test, config).await;
    let found = controls(&test, "objects { name variable }").await;
    let expected = json!([{ "name": "i", "variable": "i" }, { "name": "t", "variable": "t" }]);
    assert_eq!(found[0]["objects"], expected);
}

#[each_database]
async fn objects_and_labels_of_relations_need_no_control(test: TestApp) {
    let config = r#"<View><Text name="t" value="$t"/><Relations><Relation value="Part of" background="red"/><Relation value="b"/></Relations></View>"#;
    create(&test, config).await;
    let query = "{ project(id: 1) { controls { name } objects { name tag attributes } relationLabels { stored value background parents } } }";
    let answer = test.admin.run(query).await;
    assert_eq!(
        answer.data()["project"],
        json!({
            "controls": [],
            "objects": [{ "name": "t", "tag": "Text", "attributes": { "name": "t", "value": "$t" } }],
            "relationLabels": [
                { "stored": "Part of", "value": "Part of", "background": "red", "parents": [] },
                { "stored": "b", "value": "b", "background": null, "parents": [] },
            ],
        })
    );
}

/// A small config could be repeated without end.
#[each_database]
async fn an_answer_repeats_so_much_of_a_config_and_no_more(test: TestApp) {
    let long = "x".repeat(700);
    let nested: String = (0..245)
        .map(|n| format!("<Choice value=\"{n}{long}\">"))
        .collect();
    let taxonomy = format!(
        "<Taxonomy name=\"c\" toName=\"t\">{nested}{}</Taxonomy>",
        "</Choice>".repeat(245)
    );
    let controls: String = (0..600)
        .map(|n| format!("<Foo name=\"f{n}\" toName=\"t\" whenLabelValue=\"a\"/>"))
        .collect();
    let conditional = format!(
        "<View visibleWhen=\"x\" whenTagName=\"{}\">{controls}</View>",
        "y".repeat(30_000)
    );
    let described = format!(
        "<Text name=\"u\" value=\"{}\"/>{}",
        "z".repeat(30_000),
        controls.replace("\"t\"", "\"u\"")
    );
    let asked = [
        (&taxonomy, "labels { stored }", "labels { parents }"),
        (&conditional, "name", "condition { around { tagNames } }"),
        (&described, "objects { name }", "objects { value }"),
        (&described, "objects { name }", "objects { attributes }"),
    ];
    for (id, (inside, cheap, dear)) in (1..).zip(asked) {
        let config = format!("<View><Text name=\"t\" value=\"$t\"/>{inside}</View>");
        create(&test, &config).await;
        let ask = async |fields: &str| {
            let query = format!("{{ project(id: {id}) {{ controls {{ {fields} }} }} }}");
            test.admin.run(&query).await
        };
        ask(cheap).await.ok();
        let answer = ask(dear).await;
        let errors = answer.json["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{dear}");
        let extensions =
            json!({ "code": "LIMIT_EXCEEDED", "limit": "configBytes", "max": 1 << 24 });
        assert_eq!(errors[0]["extensions"], extensions);
    }
}
