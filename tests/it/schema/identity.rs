//! Identity: a field `id` identifies an object of the type for ever. Clients with a normalised cache merge objects with
//! equal `__typename` and `id`, so that a reused `id` would mix the values of two objects.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::{Schema, schema::ExtendedType};
use each_database::each_database;
use entity::project_member::Role;
use sea_orm::EntityName;
use serde_json::{Value, json};

use super::{fields, own_types, published};
use crate::{
    graphql::{delete, drafts, prediction, restore, reviews::review, update},
    migration::tables,
    support::{Client, TestApp},
};

/// The types with an identity, each with the table of what it names and the key that its `id` is of.
fn entities() -> Vec<(&'static str, String, &'static [&'static str])> {
    macro_rules! rows {
        ($($types:literal of $table:ident by $key:expr;)*) => {{
            let mut all: Vec<(&'static str, String, &'static [&'static str])> = Vec::new();
            $(all.extend($types.split(' ').map(|name| {
                (name, entity::$table::Entity.table_name().to_owned(), $key as &[_])
            }));)*
            all
        }};
    }
    rows! {
        "Annotation DeletedAnnotation" of annotation by &["id"];
        "AnnotationDraft DiscardedDraft" of annotation_draft by &["id"];
        "AnnotationReview" of annotation_review by &["id"];
        "AnnotationRevision AnnotationSnapshot AnnotationEvent" of annotation_revision by &["annotation_id", "version"];
        "ApiToken" of api_token by &["id"];
        "Prediction DeletedPrediction" of prediction by &["id"];
        "Project DeletedProject" of project by &["id"];
        "ProjectMember" of project_member by &["id"];
        "Task DeletedTask" of task by &["id"];
        "ReplacedDraft" of replaced_draft by &["id"];
        "User DeletedUser" of user by &["id"];
    }
}

/// The types without an identity: what they say belongs to the object that they are read from. Regions, connections and
/// their edges are such, too.
const VALUES: &str = "AnnotationDiff ConfigObject Control ControlCondition ControlLabel ControlRepeater
    CreateAnnotationOutcome CreatedToken DeleteAnnotationOutcome FieldChange FrameRange ImportNote ImportedTasks InputProblem ItemConflict
    ItemError Mutation PageInfo PercentPoint PixelBox PixelEllipse PixelPoint Query RankerBucket RegionChange
    Subscription UpdateAnnotationOutcome VectorVertex VideoKeyframe";

#[test]
fn the_types_with_a_field_id_are_the_entities() {
    let schema = published();
    let entities: BTreeSet<&str> = entities().iter().map(|(name, ..)| *name).collect();
    let mut with_id = BTreeSet::new();
    let mut values: BTreeSet<&str> = BTreeSet::new();
    for (name, ty) in own_types(&schema) {
        let id = fields(ty).into_iter().find(|field| field.name == "id");
        if let Some(id) = id {
            assert_eq!(id.ty.to_string(), "ID!", "{name}.id");
            assert!(id.arguments.is_empty(), "{name}.id");
            with_id.insert(name);
        } else if let ExtendedType::Object(object) = ty {
            let is_region = object.implements_interfaces.contains("Region");
            let is_page = name.ends_with("Connection") || name.ends_with("Edge");
            if !is_region && !is_page {
                values.insert(name);
            }
        }
    }
    assert_eq!(with_id, entities);
    assert_eq!(values, VALUES.split_whitespace().collect());
}

#[each_database]
async fn an_id_is_of_a_key_whose_values_are_given_once(app: TestApp) {
    let tables = tables::all(&app.app).await;
    for (name, table, key) in entities() {
        let found = tables.iter().find(|found| found.name == table).unwrap();
        let is_unique =
            found.primary_key == key || found.unique.iter().any(|columns| columns == key);
        assert!(is_unique, "{name}: {table} by {key:?}");
        assert!(
            found.generates_ids,
            "{name}: the database gives ids of {table} once"
        );
    }
}

/// Two projects with everything in them that has an identity, and the same ids of regions everywhere.
async fn grow(app: &TestApp) {
    for number in 0..2 {
        let (project, task) = app.project_with_task().await;
        let ann = app
            .member(&project, &format!("ann{number}"), Role::Reviewer)
            .await;
        let result = |x: i32| {
            json!([
                { "id": "r", "type": "rectangle", "value": { "x": x, "y": 1, "width": 1, "height": 1 } },
                { "id": "r", "type": "choices", "value": { "choices": [x.to_string()] } },
                { "id": "v", "type": "vector", "value": { "closed": true, "vertices": [{ "id": "a", "x": x, "y": 1 }] } },
                { "type": "relation", "from_id": "r", "to_id": "v", "direction": "left" },
            ])
        };
        let predicted = prediction(app, &project, &task).await;
        let first = json!({ "result": result(1), "parentPredictionId": predicted });
        let first = app.annotation(&ann, &task, first).await;
        let second = json!({ "result": result(2), "parentAnnotationId": first });
        let second = app.annotation(&app.admin, &task, second).await;
        for id in [&first, &second] {
            for x in 3..5 {
                update(&ann, id, json!({ "result": result(x) })).await.ok();
            }
            for by in [&ann, &app.admin] {
                review(
                    by,
                    id,
                    json!({ "action": "ACCEPT", "comment": format!("of {id}") }),
                )
                .await
                .ok();
                for x in [5, 6] {
                    drafts::saved(by, json!({ "annotationId": id, "result": result(x) })).await;
                }
            }
        }
        delete(&app.admin, &second).await.ok();
        restore(&app.admin, &second, 2, None).await.ok();
        drafts::saved(&ann, json!({ "taskId": task, "result": result(7) })).await;
        let token = "mutation { createToken(input: { name: \"t\" }) { text } }";
        ann.run(token).await.ok();
    }
}

#[each_database]
async fn a_normalised_cache_hands_on_what_was_answered(app: TestApp) {
    grow(&app).await;
    let large = [
        "--max-cost",
        "1000000000",
        "--max-depth",
        "100",
        "--max-fields",
        "1000000",
        "--max-tokens",
        "1000000",
        "--max-document",
        "10000000",
    ];
    let reader = app.serving(&large).unwrap();
    let schema = published();
    let mut cache = Cache::default();
    for (root, page) in [
        ("Annotation", "annotations { nodes { FIELDS } }"),
        ("AnnotationDraft", "drafts { nodes { FIELDS } }"),
        ("Task", "tasks { nodes { FIELDS } }"),
        ("Project", "projects { nodes { FIELDS } }"),
        ("User", "users { nodes { FIELDS } }"),
        (
            "AnnotationSnapshot",
            "annotationAt(id: 1, version: 2) { FIELDS }",
        ),
    ] {
        let fields = selection(&schema, root, &[], 2);
        let query = format!("{{ {} }}", page.replace("FIELDS", &fields));
        let answer = reader.run(&query).await;
        cache.read(&answer.data().clone(), root, "");
    }
    assert_eq!(cache.clashes, Vec::<String>::new());
    let found: BTreeSet<&str> = cache
        .objects
        .iter()
        .map(|key| key.split(' ').next().unwrap())
        .collect();
    let gone = |name: &&str| {
        name.starts_with("Deleted") || name.starts_with("Discarded") || *name == "AnnotationEvent"
    };
    let expected = entities()
        .into_iter()
        .map(|(name, ..)| name)
        .filter(|name| !gone(name))
        .collect();
    assert_eq!(found, expected);
}

/// What a client remembers: a value for each field of each object, by type and id, and where two of them differ.
#[derive(Default)]
struct Cache {
    values: BTreeMap<String, Value>,
    objects: BTreeSet<String>,
    clashes: Vec<String>,
}

impl Cache {
    fn read(&mut self, value: &Value, owner: &str, field: &str) {
        match value {
            Value::Object(object) => {
                let (owner, field) = match (&object.get("__typename"), object.get("id")) {
                    (Some(Value::String(name)), Some(Value::String(id))) => {
                        let key = format!("{name} {id}");
                        self.write(owner, field, &json!(key));
                        self.objects.insert(key.clone());
                        (key, String::new())
                    }
                    _ => (owner.to_owned(), field.to_owned()),
                };
                for (name, value) in object {
                    self.read(value, &owner, &format!("{field}.{name}"));
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.read(item, owner, &format!("{field}.{index}"));
                }
            }
            leaf => self.write(owner, field, leaf),
        }
    }

    fn write(&mut self, owner: &str, field: &str, value: &Value) {
        let key = format!("{owner}{field}");
        let known = self.values.entry(key.clone()).or_insert(value.clone());
        if known != value {
            self.clashes.push(format!("{key}: {known} and {value}"));
        }
    }
}

/// Selects all fields of a type that need no argument, other objects down to a depth, without going in circles.
fn selection(schema: &Schema, name: &str, above: &[&str], depth: usize) -> String {
    let ty = &schema.types[name];
    let above = &[above, &[name]].concat()[..];
    let mut text = "__typename".to_owned();
    if ty.is_interface() {
        for member in &schema.implementers_map()[name].objects {
            text.push_str(&format!(
                " ... on {member} {{ {} }}",
                selection(schema, member, above, depth)
            ));
        }
        return text;
    }
    for field in fields(ty) {
        let inner = field.ty.inner_named_type().as_str();
        let is_needed = field
            .arguments
            .iter()
            .any(|argument| argument.is_required());
        // Of all that clients read, these alone depend on more than the object.
        let is_moving = matches!(
            field.name.as_str(),
            "agreement" | "edges" | "createdAgo" | "updatedAgo" | "lastUsedAt"
        );
        if is_needed || is_moving {
            continue;
        }
        let ty = &schema.types[inner];
        if !is_composite(ty) {
            text.push_str(&format!(" {}", field.name));
            continue;
        }
        // Values belong to the object; of other objects there are as many levels as asked for.
        let is_value = !fields(ty).iter().any(|field| field.name == "id");
        let is_page = inner.ends_with("Connection");
        if above.contains(&inner) || depth == 0 && (is_page || !is_value) {
            continue;
        }
        let depth = if is_value { depth } else { depth - 1 };
        let inner = selection(schema, inner, above, depth);
        text.push_str(&format!(" {} {{ {inner} }}", field.name));
    }
    text
}

fn is_composite(ty: &ExtendedType) -> bool {
    ty.is_object() || ty.is_interface()
}

/// Makes something, and returns its id.
async fn made(by: &Client, mutation: &str) -> String {
    let answer = by.run(&format!("mutation {{ {mutation} }}")).await;
    let mut made = answer.data().as_object().unwrap().values().next().unwrap();
    while let Some(inner) = made.get(0).or(made.get("token")) {
        made = inner;
    }
    made["id"].as_str().unwrap().to_owned()
}

#[each_database]
async fn an_id_names_nothing_else_once_its_object_is_gone(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.stranger("ann").await;
    let annotation = app.annotation(&app.admin, &task, json!({})).await;
    let result = "result: [{ id: \"r\" }]";
    let review = |action: &str| {
        format!(
            "reviewAnnotation(id: {annotation}, input: {{ action: {action} }}) {{ latestReview {{ id }} id }}"
        )
    };
    let last_review = async || {
        let answer = app
            .admin
            .run(&format!("mutation {{ {} }}", review("ACCEPT")))
            .await;
        answer.data()["reviewAnnotation"]["latestReview"]["id"].clone()
    };
    let first = last_review().await;
    assert_eq!(
        last_review().await,
        first,
        "a later verdict takes the place of the first"
    );
    app.admin
        .run(&format!("mutation {{ {} }}", review("DELETE_REVIEW")))
        .await
        .ok();
    assert_ne!(last_review().await, first);

    let member = format!(
        "addProjectMember(projectId: {project}, userId: {}, role: VIEWER) {{ id }}",
        ann.user_id
    );
    let first = made(&app.admin, &member).await;
    assert_eq!(
        made(&app.admin, &member.replace("VIEWER", "MANAGER")).await,
        first,
        "another role is no other membership"
    );
    let remove = format!(
        "removeProjectMember(projectId: {project}, userId: {}) {{ id }}",
        ann.user_id
    );
    assert_eq!(made(&app.admin, &remove).await, first);
    assert_ne!(made(&app.admin, &member).await, first);

    for (make, end) in [
        (
            format!("createAnnotation(taskId: {task}, input: {{ {result} }}) {{ id }}"),
            "deleteAnnotation",
        ),
        (
            format!("saveDraft(input: {{ taskId: {task}, {result} }}) {{ id }}"),
            "discardDraft",
        ),
        (
            format!("createPrediction(taskId: {task}, input: {{ {result} }}) {{ id }}"),
            "deletePrediction",
        ),
        (
            format!("createTasks(projectId: {project}, tasks: [{{ data: {{}} }}]) {{ id }}"),
            "deleteTask",
        ),
        (
            "createProject(input: { title: \"p\" }) { id }".to_owned(),
            "deleteProject",
        ),
        (
            "createUser(input: { username: \"u\" }) { id }".to_owned(),
            "deleteUser",
        ),
    ] {
        let first = made(&app.admin, &make).await;
        assert_eq!(
            made(&app.admin, &format!("{end}(id: {first}) {{ id }}")).await,
            first
        );
        assert_ne!(made(&app.admin, &make).await, first, "{make}");
    }

    // A version is made once, before and after a deletion alike.
    update(&app.admin, &annotation, json!({ "leadTime": 1 }))
        .await
        .ok();
    delete(&app.admin, &annotation).await.ok();
    restore(&app.admin, &annotation, 1, None).await.ok();
    let history = format!(
        "{{ annotation(id: {annotation}) {{ history {{ nodes {{ id version annotation {{ id }} }} }} }} }}"
    );
    let answer = app.admin.run(&history).await;
    let nodes = answer.data()["annotation"]["history"]["nodes"]
        .as_array()
        .unwrap()
        .clone();
    for (index, node) in nodes.iter().enumerate() {
        let id = json!(format!("{annotation}:{}", index + 1));
        assert_eq!((&node["id"], &node["annotation"]["id"]), (&id, &id));
    }
    assert_eq!(nodes.len(), 8);
}
