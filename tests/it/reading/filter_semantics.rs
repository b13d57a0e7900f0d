//! Meaning of random filters and orders: the databases find the rows that a loop over all rows finds.

mod generated;
mod terms;

use std::collections::{BTreeMap, HashMap, HashSet};

use annograph::{
    app::App,
    domain::{
        access::Actor,
        annotation::{self, Filter, Leaves, OrderKey, Parent, Query, index},
        filter::{AnswerFilter, EnumFilter, IdFilter, Range},
        page::{Arguments, Cursor, Ordering, Page},
    },
};
use each_database::each_database;
use entity::{annotation as row, project_member::Role, task, user};
use label_studio::region::Answer;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};

use self::generated::{Case, FILTERS, RESULTS, cases};
use crate::support::{Client, TestApp};

/// The filter, as anybody would read it.
fn holds(filter: &Filter, row: &row::Model, seen: &HashSet<i64>) -> bool {
    let Leaves {
        id,
        unique_id,
        task_id,
        project_id,
        completed_by_id,
        updated_by_id,
        was_cancelled,
        ground_truth,
        last_action,
        created_at,
        updated_at,
        lead_time,
        import_id,
        has_label,
        has_region_type,
        region_count,
        last_created_by_id,
        draft_created_at,
        parent_prediction_id,
        parent_annotation_id,
        version,
        has_answer,
    } = &filter.leaves;
    let (_, labels, kinds, answers) = RESULTS
        .iter()
        .find(|(text, ..)| *text == row.result)
        .unwrap();
    let person = |id: Option<i64>| id.filter(|id| seen.contains(id));
    is_id(id, Some(row.id))
        && is_value(unique_id, &[row.unique_id])
        && is_id(task_id, Some(row.task_id))
        && is_id(project_id, Some(row.project_id))
        && is_id(completed_by_id, person(row.completed_by_id))
        && is_id(updated_by_id, person(row.updated_by_id))
        && was_cancelled.is_none_or(|is| is == row.was_cancelled)
        && ground_truth.is_none_or(|is| is == row.ground_truth)
        && is_value(last_action, row.last_action.as_slice())
        && is_within(created_at, Some(row.created_at))
        && is_within(updated_at, Some(row.updated_at))
        && is_within(lead_time, row.lead_time)
        && is_id(import_id, row.import_id)
        && is_value(
            has_label,
            &labels
                .iter()
                .map(|label| (*label).to_owned())
                .collect::<Vec<_>>(),
        )
        && is_value(has_region_type, kinds)
        && is_within(region_count, Some(row.region_count))
        && is_id(last_created_by_id, person(row.last_created_by_id))
        && is_within(draft_created_at, row.draft_created_at)
        && is_id(parent_prediction_id, row.parent_prediction_id)
        && is_id(parent_annotation_id, row.parent_annotation_id)
        && is_within(version, Some(row.version))
        && is_answered(has_answer, answers)
        && filter
            .and
            .iter()
            .flatten()
            .all(|filter| holds(filter, row, seen))
        && filter
            .or
            .as_ref()
            .is_none_or(|any| any.iter().any(|filter| holds(filter, row, seen)))
        && filter
            .not
            .as_ref()
            .is_none_or(|filter| !holds(filter, row, seen))
}

fn is_id(filter: &Option<IdFilter>, id: Option<i64>) -> bool {
    let Some(filter) = filter else { return true };
    let says_nothing = filter.eq.is_none() && filter.is_in.is_none();
    says_nothing || id.is_some_and(|id| filter.matches(id))
}

fn is_value<T: PartialEq>(filter: &Option<EnumFilter<T>>, values: &[T]) -> bool {
    let Some(filter) = filter else { return true };
    let says_nothing = filter.eq.is_none() && filter.is_in.is_none();
    says_nothing || values.iter().any(|value| filter.matches(value))
}

fn is_answered(filter: &Option<AnswerFilter>, answers: &[(&str, &str)]) -> bool {
    let Some(filter) = filter else { return true };
    let answers = answers.iter().filter(|(name, _)| *name == filter.from_name);
    let mut answers = answers.map(|(_, text)| generated::answer(text));
    let eq = |answer: &Answer| filter.eq.as_ref().is_none_or(|eq| eq == answer);
    let one_of = |answer: &Answer| {
        let list = filter.is_in.as_ref();
        list.is_none_or(|list| list.contains(answer))
    };
    let contains = |answer: &Answer| {
        let texts: Vec<String> = match answer {
            Answer::Text(text) => vec![text.to_lowercase()],
            Answer::Path(levels) => levels.iter().map(|it| it.to_lowercase()).collect(),
            Answer::Number(_) => vec![],
        };
        let part = filter.contains.as_ref().map(|part| part.to_lowercase());
        part.is_none_or(|part| texts.iter().any(|text| text.contains(&part)))
    };
    answers.any(|answer| eq(&answer) && one_of(&answer) && contains(&answer))
}

fn is_within<T: PartialOrd + Copy>(range: &Option<Range<T>>, value: Option<T>) -> bool {
    let Some(Range { gte, gt, lte, lt }) = range else {
        return true;
    };
    let bound = |bound: &Option<T>, holds: fn(&T, &T) -> bool| {
        bound.is_none_or(|bound| value.is_some_and(|value| holds(&value, &bound)))
    };
    bound(gte, T::ge) && bound(gt, T::gt) && bound(lte, T::le) && bound(lt, T::lt)
}

/// In the order of a list; those without a lead time are less than all others.
fn sorted(mut rows: Vec<row::Model>, order: Ordering<OrderKey>) -> Vec<i64> {
    rows.sort_by(|one, other| {
        let by_key = match order.key {
            OrderKey::Id => std::cmp::Ordering::Equal,
            OrderKey::CreatedAt => one.created_at.cmp(&other.created_at),
            OrderKey::UpdatedAt => one.updated_at.cmp(&other.updated_at),
            OrderKey::LeadTime => one.lead_time.partial_cmp(&other.lead_time).unwrap(),
        };
        by_key.then(one.id.cmp(&other.id))
    });
    if order.descending {
        rows.reverse();
    }
    rows.iter().map(|row| row.id).collect()
}

/// Projects 1 to 3 with tasks 1 to 6. Users: 1 is the admin, 2 is ann in projects 1 and 2, 3 is bob in 2; 4 is
/// somebody whom ann never met.
async fn people(app: &TestApp) -> (Client, Vec<Actor>) {
    for _ in 0..3 {
        let (project, _) = app.project_with_task().await;
        app.task(&project).await;
    }
    let ann = app.member("1", "ann", Role::Annotator).await;
    app.member("2", "bob", Role::Annotator).await;
    app.member("3", "eve", Role::Annotator).await;
    let add = "mutation { addProjectMember(projectId: 2, userId: 2, role: VIEWER) { role } }";
    app.admin.run(add).await.ok();
    // The admin left, too.
    for project in [1, 2] {
        let remove = format!(
            "mutation {{ removeProjectMember(projectId: {project}, userId: 1) {{ role }} }}"
        );
        app.admin.run(&remove).await.ok();
    }
    let users = user::Entity::find().all(app.app.db.writer()).await.unwrap();
    let actor = |user| Actor {
        user,
        token_id: 0,
        token_expires_at: None,
    };
    (ann, users.into_iter().take(2).map(actor).collect())
}

async fn store(app: &App, rows: &[row::Model]) {
    let txn = app.db.begin().await.unwrap();
    row::Entity::delete_many().exec(&*txn).await.unwrap();
    for row in rows {
        row.clone()
            .into_active_model()
            .reset_all()
            .insert(&*txn)
            .await
            .unwrap();
    }
    // The counters of tasks, as writes through the domain keep them.
    let count = |cancelled: &str| {
        format!(
            "(SELECT count(*) FROM annotation WHERE task_id = task.id AND {cancelled} was_cancelled)"
        )
    };
    let counters = format!(
        "UPDATE task SET total_annotations = {}, cancelled_annotations = {}",
        count("NOT"),
        count("")
    );
    txn.execute_unprepared(&counters).await.unwrap();
    let new: Vec<_> = rows.iter().map(|row| (None, row)).collect();
    index::write(&txn, &new, &HashMap::new()).await.unwrap();
    txn.commit().await.unwrap();
}

async fn walk(app: &App, actor: &Actor, query: &Query, size: i32, backwards: bool) -> Vec<i64> {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let arguments = match backwards {
            false => Arguments {
                first: Some(size),
                after: cursor,
                ..Default::default()
            },
            true => Arguments {
                last: Some(size),
                before: cursor,
                ..Default::default()
            },
        };
        let page = Page::of(&arguments, &query.filter, query.order).unwrap();
        let slice = annotation::list(app, actor, query, &page).await.unwrap();
        let ids = slice.rows.iter().map(|row| row.id);
        let more = match backwards {
            false => {
                all.extend(ids);
                cursor = slice.cursors.last().map(Cursor::encode);
                slice.has_next
            }
            true => {
                all.extend(ids.rev());
                cursor = slice.cursors.first().map(Cursor::encode);
                slice.has_previous
            }
        };
        if !more {
            break;
        }
    }
    if backwards {
        all.reverse();
    }
    all
}

/// Compares every list of a case with a loop over all rows, and counts the lists that find some.
async fn compare(
    app: &App,
    actors: &[Actor],
    rows: &[row::Model],
    (filter, order, size, backwards): Case,
    results: u64,
) -> usize {
    let mut found_some = 0;
    for (actor, projects, seen) in [
        (&actors[0], &[1, 2, 3][..], &[1, 2, 3, 4][..]),
        (&actors[1], &[1, 2][..], &[2, 3][..]),
    ] {
        let seen: HashSet<i64> = seen.iter().copied().collect();
        let query = Query {
            filter: filter.clone(),
            order,
            results,
        };
        let matching =
            |row: &&row::Model| projects.contains(&row.project_id) && holds(&filter, row, &seen);
        let expected: Vec<row::Model> = rows.iter().filter(matching).cloned().collect();
        found_some += usize::from(!expected.is_empty());
        let about = format!(
            "{filter:?} {order:?} by {} of {rows:#?}",
            actor.user.username
        );
        let count = annotation::count(app, actor, &filter).await.unwrap();
        assert_eq!(count, expected.len() as u64, "{about}");
        let found = walk(app, actor, &query, size, backwards).await;
        assert_eq!(found, sorted(expected.clone(), order), "{about}");
        for (parent, ids, key) in [
            (
                Parent::Project,
                1..=3,
                (|row| row.project_id) as fn(&row::Model) -> i64,
            ),
            (Parent::Task, 1..=6, |row| row.task_id),
        ] {
            let ids: Vec<i64> = ids.collect();
            let mut by_parent: BTreeMap<i64, Vec<row::Model>> = BTreeMap::new();
            for row in &expected {
                by_parent.entry(key(row)).or_default().push(row.clone());
            }
            let arguments = Arguments {
                first: Some(100),
                ..Default::default()
            };
            let page = Page::of(&arguments, &filter, order).unwrap();
            let lists = annotation::list_per_parent(app, actor, parent, &ids, &query, &page)
                .await
                .unwrap();
            let counts = annotation::count_per_parent(app, actor, parent, &ids, &filter)
                .await
                .unwrap();
            for id in ids {
                let expected = sorted(by_parent.remove(&id).unwrap_or_default(), order);
                let found: Vec<i64> = lists[&id]
                    .as_ref()
                    .unwrap()
                    .rows
                    .iter()
                    .map(|row| row.id)
                    .collect();
                assert_eq!(
                    counts.get(&id).copied().unwrap_or(0),
                    expected.len() as i64,
                    "{about}"
                );
                assert_eq!(found, expected, "{parent:?} {id}: {about}");
            }
        }
    }
    found_some
}

#[each_database]
async fn databases_find_what_a_loop_finds(test: TestApp) {
    let app = &test.app;
    let (_, actors) = people(&test).await;
    assert_eq!(
        task::Entity::find()
            .all(app.db.writer())
            .await
            .unwrap()
            .len(),
        6
    );
    let mut rows = vec![];
    let mut found_some = 0;
    for (number, (new, case)) in cases().into_iter().enumerate() {
        if let Some(new) = new {
            rows = new;
            store(app, &rows).await;
        }
        found_some += compare(app, &actors, &rows, case, (number % 2) as u64).await;
    }
    assert!(
        found_some > FILTERS / 4,
        "filters that find nothing tell nothing"
    );
}
