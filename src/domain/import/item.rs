//! Item of a Label Studio file, checked and split into task, annotations, drafts and predictions
//! (<https://labelstud.io/guide/task_format.html>).

use chrono::{DateTime, Utc};
use entity::annotation::Action;
use sea_orm::ActiveEnum;
use uuid::Uuid;

use super::{
    fields::{Checker, Fields},
    keys,
    person::{self, Mention, Source},
    problems::{Notes, Place, Problems},
};
use crate::error::{Path, Problem, ProblemCode};

/// Task with annotations, drafts and predictions. Dates missing in the file are `None`.
#[derive(Debug)]
pub struct Task {
    pub place: Place,
    pub import_id: Option<i64>,
    pub data: String,
    pub meta: Option<String>,
    pub overlap: i32,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
    pub updated_by: Option<Source>,
    pub extra: Option<String>,
    pub annotations: Vec<Annotation>,
    pub drafts: Vec<Draft>,
    pub predictions: Vec<Prediction>,
    /// People named in the item.
    pub mentions: Vec<Mention>,
}

/// Annotation of an item, checked.
#[derive(Debug)]
pub struct Annotation {
    /// Name of the annotation's list in the task.
    pub list: &'static str,
    /// Index in that list.
    pub index: usize,
    /// Id in the file, to which parents refer.
    pub id: Option<i64>,
    pub import_id: Option<i64>,
    pub unique_id: Option<Uuid>,
    pub result: String,
    pub region_count: i32,
    pub completed_by: Option<Source>,
    pub updated_by: Option<Source>,
    pub last_created_by: Option<Source>,
    pub last_action: Action,
    pub was_cancelled: bool,
    pub ground_truth: bool,
    pub lead_time: Option<f64>,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
    pub draft_created_at: Option<DateTime<Utc>>,
    /// Ids in the file.
    pub parent_prediction: Option<i64>,
    pub parent_annotation: Option<i64>,
    pub extra: Option<String>,
}

/// Draft of an item, checked.
#[derive(Debug)]
pub struct Draft {
    /// Index in the task's list.
    pub index: usize,
    pub import_id: Option<i64>,
    /// Id in the file of the annotation that the draft changes.
    pub annotation: Option<i64>,
    pub user: Source,
    pub result: String,
    pub lead_time: Option<f64>,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
    pub extra: Option<String>,
}

/// Prediction of an item, checked.
#[derive(Debug)]
pub struct Prediction {
    /// Index in the task's list.
    pub index: usize,
    /// Id in the file, to which parents refer.
    pub id: Option<i64>,
    pub import_id: Option<i64>,
    pub result: String,
    pub score: Option<f64>,
    pub model_version: Option<String>,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
    pub extra: Option<String>,
}

/// Parses an item. With problems, returns `None` and adds all problems to `problems`, each path prefixed with the
/// item's index. Adds lenient readings to `notes`.
pub fn parse(
    place: Place,
    text: &[u8],
    problems: &mut Problems,
    notes: &mut Notes,
) -> Option<Task> {
    // Collects the item's problems apart: a task is returned only if no problem is its own.
    let mut wrong = Problems::default();
    let task = read(place, text, &mut wrong, notes);
    if wrong.is_empty() {
        return task;
    }
    for problem in wrong.told {
        problems.push(place.locate(problem));
    }
    problems.more += wrong.more;
    None
}

fn read(place: Place, text: &[u8], problems: &mut Problems, notes: &mut Notes) -> Option<Task> {
    let not_json = |path: Path, message: String| {
        Problem::new(place.path(path), ProblemCode::InvalidFormat, message)
    };
    let Ok(text) = str::from_utf8(text) else {
        problems.push(not_json(Path::new(), "not UTF-8".to_owned()));
        return None;
    };
    // Reports lossy values first, then continues with placeholders, so that all problems are reported at once.
    let safe = match json_fidelity::escape_lossy(text) {
        Ok(safe) => safe,
        Err(error) => {
            problems.push(not_json(error.path.clone(), format!("not JSON: {error}")));
            return None;
        }
    };
    let mut faults = Vec::new();
    if let std::borrow::Cow::Owned(safe) = &safe {
        for fault in json_fidelity::scan(safe).unwrap_or_default() {
            let path = place.path(fault.path);
            faults.push(path.clone());
            problems.push(Problem::new(path, fault.code, fault.message));
        }
    }
    let mut checker = Checker::new(problems, notes, place, &faults);
    task(safe.trim_ascii(), &mut checker)
}

fn task(text: &str, checker: &mut Checker) -> Option<Task> {
    let Some(mut fields) = Fields::of(text) else {
        checker.problem(ProblemCode::WrongType, "must be an object");
        return None;
    };
    // An item without `data` is the data itself, as Label Studio accepts: https://labelstud.io/guide/task_format.html
    if !fields.has("data") {
        keys::check_data_alone(&fields, checker);
        return Some(data_alone(text, checker));
    }
    let mut mentions = Vec::new();
    let id = checker.integer(&mut fields, "id");
    let import_id = checker.integer(&mut fields, "import_id").or(id);
    let data = checker.required_object(&mut fields, "data");
    let meta = checker.object(&mut fields, "meta");
    let overlap = overlap(&mut fields, checker);
    let created_at = checker.instant(&mut fields, "created_at");
    let updated_at = checker.instant(&mut fields, "updated_at");
    let updated_by = person::take(&mut fields, "updated_by", checker, &mut mentions);
    let list = keys::list_of_annotations(&mut fields, checker);
    let annotations = children(&mut fields, list, checker, |index, fields, checker| {
        Some(annotation(list, index, fields, checker, &mut mentions))
    });
    let drafts = children(&mut fields, "drafts", checker, |index, fields, checker| {
        draft(index, fields, checker, &mut mentions)
    });
    let predictions = children(
        &mut fields,
        "predictions",
        checker,
        |index, fields, checker| Some(prediction(index, fields, checker)),
    );
    // Derived fields: recounted from the imported rows, or references to the enclosing objects.
    for derived in [
        "total_annotations",
        "cancelled_annotations",
        "total_predictions",
        "is_labeled",
        "project",
    ] {
        fields.take(derived);
    }
    // Runs once all known fields are taken: only unknown keys can be misspelt.
    keys::note_misspelt(&fields, checker);
    Some(Task {
        place: checker.place(),
        import_id,
        data,
        meta,
        overlap,
        created_at,
        updated_at,
        updated_by,
        extra: fields.rest(),
        annotations,
        drafts,
        predictions,
        mentions,
    })
}

/// Builds a task whose data is the whole item.
fn data_alone(text: &str, checker: &Checker) -> Task {
    Task {
        place: checker.place(),
        import_id: None,
        data: text.to_owned(),
        meta: None,
        overlap: 1,
        created_at: None,
        updated_at: None,
        updated_by: None,
        extra: None,
        annotations: Vec::new(),
        drafts: Vec::new(),
        predictions: Vec::new(),
        mentions: Vec::new(),
    }
}

fn overlap(fields: &mut Fields, checker: &mut Checker) -> i32 {
    let Some(overlap) = checker.integer(fields, "overlap") else {
        return 1;
    };
    let valid = i32::try_from(overlap).ok().filter(|overlap| *overlap >= 1);
    valid.unwrap_or_else(|| {
        checker.within("overlap", |checker| {
            checker.problem(ProblemCode::OutOfBounds, "must be at least 1");
        });
        1
    })
}

/// Parses the objects of a list. Bare ids, as in some of Label Studio's exports, stay among the fields.
fn children<T>(
    fields: &mut Fields,
    name: &'static str,
    checker: &mut Checker,
    mut read: impl FnMut(usize, &mut Fields, &mut Checker) -> Option<T>,
) -> Vec<T> {
    let mut children = Vec::new();
    let Some(list) = fields.take(name) else {
        return children;
    };
    let mut bare_ids = Vec::new();
    checker.within(name, |checker| {
        for (index, item) in checker.items(list).into_iter().enumerate() {
            let item = item.get();
            // A bare id of an annotation would lose its result, so only drafts and predictions may be bare.
            if matches!(name, "drafts" | "predictions") && item.parse::<i64>().is_ok() {
                bare_ids.push(item);
                continue;
            }
            checker.within(index, |checker| match Fields::of(item) {
                Some(mut fields) => children.extend(read(index, &mut fields, checker)),
                None => checker.problem(ProblemCode::WrongType, "must be an object"),
            });
        }
    });
    // Puts the ids back into the fields, so that an export writes them again.
    if !bare_ids.is_empty() {
        fields.keep(name, format!("[{}]", bare_ids.join(",")));
    }
    children
}

fn annotation(
    list: &'static str,
    index: usize,
    fields: &mut Fields,
    checker: &mut Checker,
    mentions: &mut Vec<Mention>,
) -> Annotation {
    let id = checker.integer(fields, "id");
    let (result, region_count) = checker.regions(fields);
    let last_action = checker.one_of(fields, "last_action", |text| {
        Action::try_from_value(&text.to_owned()).ok()
    });
    // `skipped` and `honeypot` are flags of completions alone: elsewhere these names are unknown fields and stay in
    // `extra`.
    let (is_skipped, is_honeypot) = match list {
        keys::COMPLETIONS => keys::flags_of_completion(fields, checker),
        _ => (false, false),
    };
    let annotation = Annotation {
        list,
        index,
        id,
        import_id: checker.integer(fields, "import_id").or(id),
        unique_id: checker.uuid(fields, "unique_id"),
        result,
        region_count,
        completed_by: person::take(fields, "completed_by", checker, mentions),
        updated_by: person::take(fields, "updated_by", checker, mentions),
        last_created_by: person::take(fields, "last_created_by", checker, mentions),
        last_action: last_action.unwrap_or(Action::Imported),
        was_cancelled: checker.boolean(fields, "was_cancelled") | is_skipped,
        ground_truth: checker.boolean(fields, "ground_truth") | is_honeypot,
        lead_time: checker.seconds(fields, "lead_time"),
        created_at: checker.instant(fields, "created_at"),
        updated_at: checker.instant(fields, "updated_at"),
        draft_created_at: checker.instant(fields, "draft_created_at"),
        parent_prediction: checker.integer(fields, "parent_prediction"),
        parent_annotation: checker.integer(fields, "parent_annotation"),
        extra: None,
    };
    // References to the enclosing objects follow from the position, and must not stay in `extra`.
    for reference in ["task", "project"] {
        fields.take(reference);
    }
    Annotation {
        extra: fields.rest(),
        ..annotation
    }
}

fn draft(
    index: usize,
    fields: &mut Fields,
    checker: &mut Checker,
    mentions: &mut Vec<Mention>,
) -> Option<Draft> {
    let id = checker.integer(fields, "id");
    let import_id = checker.integer(fields, "import_id").or(id);
    let annotation = checker.integer(fields, "annotation");
    let (result, _) = checker.regions(fields);
    let lead_time = checker.seconds(fields, "lead_time");
    let created_at = checker.instant(fields, "created_at");
    let updated_at = checker.instant(fields, "updated_at");
    fields.take("task");
    let user = person::required(fields, "user", checker, mentions)?;
    Some(Draft {
        index,
        import_id,
        annotation,
        user,
        result,
        lead_time,
        created_at,
        updated_at,
        extra: fields.rest(),
    })
}

fn prediction(index: usize, fields: &mut Fields, checker: &mut Checker) -> Prediction {
    let id = checker.integer(fields, "id");
    let (result, _) = checker.regions(fields);
    let prediction = Prediction {
        index,
        id,
        import_id: checker.integer(fields, "import_id").or(id),
        result,
        score: checker.number(fields, "score"),
        model_version: checker.text(fields, "model_version"),
        created_at: checker.instant(fields, "created_at"),
        updated_at: checker.instant(fields, "updated_at"),
        extra: None,
    };
    for reference in ["task", "project"] {
        fields.take(reference);
    }
    Prediction {
        extra: fields.rest(),
        ..prediction
    }
}
