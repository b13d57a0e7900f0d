//! Generated annotations, any number, by SQL: 40 projects, of which the first has nearly half of all annotations and
//! the last 20 are recent, and 100 users.

use annograph::{app::App, domain::annotation::index};
use chrono::{DateTime, Utc};
use entity::annotation;
use label_studio::config::Config;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

/// In projects 1, 14, 27 and 40.
pub const MEMBER: i64 = 12;

/// Labels with how many annotations have one: every so many. All have a rectangle.
const LABELS: [(&str, u32); 3] = [("half", 2), ("tenth", 10), ("rare", 20_000)];

/// Choices of the control `c` with how many annotations have one.
const ANSWERS: [(&str, u32); 2] = [("often", 2), ("seldom", 20_000)];

/// Annotations are made every 30 seconds from the beginning of 2025; there are few before this.
pub fn middle() -> DateTime<Utc> {
    "2025-01-01T12:00:00Z".parse().unwrap()
}

/// The numbers of the labels, and of rectangles.
fn terms() -> Vec<(i64, u32)> {
    let rectangle = r#"{"type":"rectangle","value":{"x":1,"y":1,"width":1,"height":1"#;
    let of = |result: String| -> Vec<i64> {
        let row = annotation::Model { result, ..model() };
        let rows = index::Rows::of(&row, &Config::default()).terms.into_iter();
        rows.map(|row| row.term.unwrap()).collect()
    };
    let kind = of(format!("[{rectangle}}}}}]"));
    let label = |(text, every): (&str, u32)| {
        let both = of(format!(r#"[{rectangle},"labels":["{text}"]}}}}]"#));
        (
            both.into_iter().find(|term| !kind.contains(term)).unwrap(),
            every,
        )
    };
    let labels = LABELS.into_iter().map(label);
    labels.chain([(kind[0], 1)]).collect()
}

/// Inserts of what the answers are found by.
fn answers() -> Vec<String> {
    let mut statements = Vec::new();
    for (text, every) in ANSWERS {
        let result =
            format!(r#"[{{"from_name":"c","type":"choices","value":{{"choices":["{text}"]}}}}]"#);
        let index::Rows { terms, answers } =
            index::Rows::of(&annotation::Model { result, ..model() }, &Config::default());
        // Small numbers are kinds of regions.
        let terms = terms.into_iter().map(|row| row.term.unwrap());
        let terms = terms.filter(|term| !(0..100).contains(term));
        statements.extend(terms.map(|term| {
            format!("INSERT INTO annotation_term (term, project_id, annotation_id) SELECT {term}, project_id, id FROM annotation WHERE id % {every} = 0")
        }));
        statements.extend(answers.into_iter().map(|row| {
            let (digest, name) = (row.digest.unwrap(), row.from_name.unwrap());
            format!("INSERT INTO annotation_answer (annotation_id, digest, from_name, folded) SELECT id, {digest}, '{name}', '{text}' FROM annotation WHERE id % {every} = 0")
        }));
    }
    statements
}

fn model() -> annotation::Model {
    annotation::Model {
        id: 1,
        unique_id: uuid::Uuid::nil(),
        task_id: 1,
        project_id: 1,
        result: String::new(),
        region_count: 0,
        completed_by_id: None,
        updated_by_id: None,
        last_created_by_id: None,
        last_action: None,
        was_cancelled: false,
        ground_truth: false,
        lead_time: None,
        created_at: middle(),
        updated_at: middle(),
        draft_created_at: None,
        import_id: None,
        parent_prediction_id: None,
        parent_annotation_id: None,
        version: 1,
        extra: None,
    }
}

pub async fn fill(app: &App, rows: u64) {
    let db = app.db.writer();
    let is_sqlite = app.db.backend() == DbBackend::Sqlite;
    let series = |count: u64| match is_sqlite {
        true => format!(
            "(WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < {count}) SELECT g FROM s) s"
        ),
        false => format!("generate_series(1, {count}::bigint) s(g)"),
    };
    let at = |seconds: &str| match is_sqlite {
        true => format!("strftime('%Y-%m-%dT%H:%M:%S+00:00', 1735689600 + {seconds}, 'unixepoch')"),
        false => format!("to_timestamp(1735689600 + {seconds})"),
    };
    let (bytes, uuid) = match is_sqlite {
        true => ("hex(randomblob(500))", "randomblob(16)"),
        false => ("repeat(md5(s.g::text), 31)", "gen_random_uuid()"),
    };
    let now = at("0");
    let young = rows - rows / 10;
    let project = format!(
        "CASE WHEN g % 10 < 4 THEN 1 WHEN g % 10 < 6 THEN 2 WHEN g > {young} THEN 20 + g % 21 ELSE 3 + g % 17 END"
    );
    let project_of_task = project.replace('g', "(2 * g)");
    let mut statements = vec![
        format!(
            "INSERT INTO \"user\" (id, username, display_name, role, can_sign_in, created_at) SELECT g, 'u' || g, '', 'member', true, {now} FROM {} WHERE g > 1",
            series(100)
        ),
        format!(
            "INSERT INTO project (id, title, description, label_config, created_at, updated_at) SELECT g, 'p' || g, '', '', {now}, {now} FROM {}",
            series(40)
        ),
        format!(
            "INSERT INTO project_member (project_id, user_id, role, created_at) SELECT p.id, u.id, 'annotator', {now} FROM project p, \"user\" u WHERE (p.id + u.id) % 13 = 0"
        ),
        format!(
            "INSERT INTO task (id, project_id, data, overlap, is_labeled, total_annotations, cancelled_annotations, total_predictions, created_at, updated_at) \
            SELECT g, {project_of_task}, '{{}}', 1, true, 2, 0, 0, {now}, {now} FROM {}",
            series(rows / 2 + 1)
        ),
        format!(
            "INSERT INTO annotation (id, unique_id, task_id, project_id, result, region_count, completed_by_id, updated_by_id, last_created_by_id, \
              last_action, was_cancelled, ground_truth, lead_time, created_at, updated_at, import_id, version) \
            SELECT g, {uuid}, (g + 1) / 2, {project}, {bytes}, g * 7919 % 13 + (CASE WHEN g % 5000 = 0 THEN 500 ELSE 0 END), \
              1 + g * 31 % 100, 1 + g * 37 % 100, 1 + g * 37 % 100, \
              CASE WHEN g % 9973 = 17 THEN 'rejected' WHEN g % 100 < 70 THEN 'submitted' WHEN g % 100 < 97 THEN 'updated' ELSE 'skipped' END, \
              g % 97 = 1, g % 500 = 0, CASE WHEN g % 11 = 3 THEN NULL ELSE g * 7919 % 100000 / 10.0 END, \
              {}, {}, CASE WHEN g % 3 = 0 THEN g END, 1 FROM {}",
            at("g * 30"),
            at("g * 30 + g * 7919 % 86400"),
            series(rows)
        ),
    ];
    for (term, every) in terms() {
        statements.push(format!(
            "INSERT INTO annotation_term (term, project_id, annotation_id) SELECT {term}, project_id, id FROM annotation WHERE id % {every} = 0"
        ));
    }
    statements.extend(answers());
    // Of many rows, an index is made faster than kept.
    let indexes = indexes(app).await;
    let without = indexes.iter().map(|(name, _)| format!("DROP INDEX {name}"));
    let mut all: Vec<String> = without.collect();
    all.append(&mut statements);
    all.extend(indexes.iter().map(|(_, create)| create.clone()));
    if !is_sqlite {
        all.push("VACUUM ANALYZE".to_owned());
    }
    for statement in all {
        db.execute_unprepared(&statement).await.unwrap();
    }
}

/// The indexes of annotations that are no keys, with how they are made.
async fn indexes(app: &App) -> Vec<(String, String)> {
    let backend = app.db.backend();
    let list = match backend {
        DbBackend::Sqlite => {
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND name LIKE 'ix_annotation%' AND sql IS NOT NULL"
        }
        _ => {
            "SELECT indexname AS name, indexdef AS sql FROM pg_indexes WHERE indexname LIKE 'ix_annotation%'"
        }
    };
    let list = Statement::from_string(backend, list);
    let rows = app.db.reader().query_all_raw(list).await.unwrap();
    let text = |row: &QueryResult, column| row.try_get::<String>("", column).unwrap();
    rows.iter()
        .map(|row| (text(row, "name"), text(row, "sql")))
        .collect()
}
