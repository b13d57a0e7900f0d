//! Chunks of a file, which several threads prepare, go in as if one thread had read the file.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use annograph::{
    domain::import::{self, Failure, Target},
    error::dotted,
};
use each_database::each_database;
use entity::{annotation, task};
use sea_orm::{EntityTrait, PaginatorTrait, QueryOrder};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::{import_text, into_new_project};
use crate::{reading::check_index, support::TestApp};

fn file(items: impl IntoIterator<Item = Value>) -> String {
    let items: Vec<Value> = items.into_iter().collect();
    json!(items).to_string()
}

#[each_database]
async fn problems_have_the_order_of_the_file(test: TestApp) {
    let before = test.dump().await;
    let item = |index: usize| {
        let author = |author: Value| json!({ "data": {}, "annotations": [{ "result": [], "completed_by": author }] });
        match index % 7 {
            3 => json!({ "data": 1 }),
            // A second address of the same person, which only a comparison of items finds.
            5 => author(json!({ "id": 7, "email": format!("{index}@example.com") })),
            6 => author(json!(true)),
            _ => json!({ "data": { "index": index } }),
        }
    };
    let expected = (0..800).filter_map(|index| match index % 7 {
        3 => Some(format!("{index}.data")),
        5 if index > 5 => Some(format!("{index}")),
        6 => Some(format!("{index}.annotations.0.completed_by")),
        _ => None,
    });
    let refused = match import_text(&test.app, file((0..800).map(item))).await {
        Err(Failure::Refused(problems)) => problems,
        other => panic!("expected problems, not {other:?}"),
    };
    let places = refused.told.iter().map(|problem| dotted(&problem.path));
    assert_eq!(places.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert_eq!(test.dump().await, before);
}

#[each_database]
async fn notes_have_the_order_of_the_file(test: TestApp) {
    let items = (0..1_200).map(|index| {
        let truth = json!({ "result": [], "ground_truth": index % 400 == 0 });
        json!({ "data": {}, "created_at": "2026-01-01T00:00:00", "annotations": [truth, truth] })
    });
    let summary = import_text(&test.app, file(items)).await.unwrap();
    let changed = [0, 400, 800].map(|index| format!("{index}.annotations.0.ground_truth"));
    let read = (0..997).map(|index| format!("{index}.created_at"));
    let expected: Vec<String> = changed.into_iter().chain(read).collect();
    let places = summary.notes.told.iter().map(|note| dotted(&note.path));
    assert_eq!(places.collect::<Vec<_>>(), expected);
    assert_eq!(summary.notes.more, 203);
}

#[each_database]
async fn items_larger_than_all_room_stay_in_order(test: TestApp) {
    let sizes = [1, 9 << 20, 2, 300 << 10, 9 << 20, 3];
    let items = sizes.map(|size| json!({ "data": { "text": "x".repeat(size) } }));
    import_text(&test.app, file(items)).await.unwrap();
    let tasks = task::Entity::find().order_by_asc(task::Column::Id);
    let tasks = tasks.all(test.app.db.writer()).await.unwrap();
    let stored = tasks
        .iter()
        .map(|task| task.data.len() - r#"{"text":""}"#.len());
    assert_eq!(stored.collect::<Vec<_>>(), sizes);
}

/// File that calls a function in the midst of the second pass.
struct Hooked<F> {
    file: Cursor<Vec<u8>>,
    passes: usize,
    hook: Option<F>,
}

impl<F: FnOnce()> Read for Hooked<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let is_half = self.file.position() > self.file.get_ref().len() as u64 / 2;
        if self.passes == 2
            && is_half
            && let Some(hook) = self.hook.take()
        {
            hook();
        }
        self.file.read(buffer)
    }
}

impl<F> Seek for Hooked<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.passes += usize::from(matches!(to, SeekFrom::Start(_)));
        self.file.seek(to)
    }
}

fn config(object: &str) -> String {
    format!(
        r#"<View><Labels name="l" toName="o"><Label value="Speech"/></Labels><{object} name="o" value="$o"/></View>"#
    )
}

#[each_database]
async fn a_config_that_changes_meanwhile_decides_the_index(test: TestApp) {
    const ITEMS: usize = 2_400;
    let create = "mutation($config: String!) { createProject(input: { title: \"T\", labelConfig: $config }) { id } }";
    let created = test
        .admin
        .run_with(create, json!({ "config": config("Text") }));
    let project = created.await.data()["createProject"]["id"].clone();
    let span = json!({ "id": "s1", "type": "labels", "from_name": "l", "to_name": "o",
        "value": { "start": 0, "end": 4, "labels": ["Speech"] } });
    let items = (0..ITEMS).map(
        |index| json!({ "data": { "o": format!("text {index}") }, "annotations": [{ "result": [span] }] }),
    );
    let (admin, runtime, id) = (test.admin.clone(), Handle::current(), project.clone());
    let source = Hooked {
        file: Cursor::new(file(items).into_bytes()),
        passes: 0,
        hook: Some(move || {
            let update = "mutation($id: ID!, $config: String!) { updateProject(id: $id, input: { labelConfig: $config }) { id } }";
            let variables = json!({ "id": id, "config": config("Audio") });
            let updated = runtime.block_on(admin.run_with(update, variables));
            assert_eq!(updated.data()["updateProject"]["id"], id);
        }),
    };
    let options = import::Options {
        target: Target::Project(project.as_str().unwrap().parse().unwrap()),
        ..into_new_project()
    };
    import::run(&test.app, source, &options, |_| {})
        .await
        .unwrap();
    let db = test.app.db.writer();
    let stored = annotation::Entity::find().count(db).await.unwrap();
    assert_eq!(stored, ITEMS as u64);
    let audio = "{ annotations(filter: { hasRegionType: { eq: AUDIO } }) { totalCount } }";
    let answer = test.admin.run(audio).await;
    assert_eq!(answer.data()["annotations"]["totalCount"], ITEMS);
    check_index(&test).await;
}
