//! Dump of a database, as text to compare.

use annograph::app::App;
use sea_orm::{DbBackend, EntityTrait, IdenStatic, Iterable, ModelTrait, QueryOrder};

pub async fn everything(app: &App) -> String {
    let mut text = String::new();
    macro_rules! tables {
        ($($table:ident),*) => {
            $( text.push_str(&table::<entity::$table::Entity>(app).await); )*
        };
    }
    tables!(
        user,
        api_token,
        project,
        project_member,
        import_job,
        task,
        prediction,
        annotation,
        annotation_answer,
        annotation_revision,
        annotation_term,
        annotation_term_fill,
        annotation_tombstone,
        annotation_draft,
        replaced_draft,
        annotation_review,
        event_log,
        idempotency_key
    );
    text.push_str(&log(app).await);
    text
}

/// Revisions with or without an event number, as the sequencer assigns numbers in the background.
async fn log(app: &App) -> String {
    let db = app.db.writer();
    let events = entity::event::Entity::find().all(db).await.unwrap();
    let mut revisions: Vec<i64> = events.iter().map(|event| event.revision_id).collect();
    if app.db.backend() == DbBackend::Postgres {
        let waiting = entity::outbox::Entity::find().all(db).await.unwrap();
        revisions.extend(waiting.iter().map(|row| row.revision_id));
    }
    revisions.sort_unstable();
    revisions.dedup();
    format!("events {revisions:?}\n")
}

async fn table<E: EntityTrait>(app: &App) -> String
where
    E::Model: Send + Sync,
{
    let mut query = E::find();
    for key in E::PrimaryKey::iter() {
        use sea_orm::PrimaryKeyToColumn;
        query = query.order_by_asc(key.into_column());
    }
    let rows = query.all(app.db.writer()).await.unwrap();
    let mut text = format!("{}\n", E::default().as_str());
    for row in rows {
        for column in E::Column::iter().filter(|column| column.as_str() != "last_used_at") {
            text.push_str(&format!("  {}={:?}", column.as_str(), row.get(column)));
        }
        text.push('\n');
    }
    text
}
