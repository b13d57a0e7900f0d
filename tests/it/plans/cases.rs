//! Lists of annotations with the expected index of each.

use annograph::domain::{
    annotation::{Leaves, OrderKey},
    filter::{AnswerFilter, EnumFilter, IdFilter, Range},
};
use entity::annotation::Action;
use label_studio::region::{Answer, Kind};

use self::{
    OrderKey::{CreatedAt, Id, LeadTime, UpdatedAt},
    Place::{Admin, Member, Project, Task},
};
use super::data;

/// Where a list is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Admin,
    /// In four projects of forty, the largest among them.
    Member,
    Project,
    Task,
}

pub struct Case {
    pub name: &'static str,
    pub place: Place,
    pub leaves: Leaves,
    pub key: OrderKey,
    /// What SQLite names in its plan: an index, or a part of a sentence.
    pub index: String,
    /// The index has the list in order. Where it has not, SQLite walks on in order from a first page.
    pub in_order: bool,
    /// No index leads to the matches or has their order: PostgreSQL may read the whole table.
    pub is_walked: bool,
}

fn case(name: &'static str, place: Place, leaves: Leaves, key: OrderKey, index: &str) -> Case {
    Case {
        name,
        place,
        leaves,
        key,
        index: match index.split_once(' ') {
            Some(_) => index.to_owned(),
            None => format!("ix_annotation_{index}"),
        },
        in_order: true,
        is_walked: false,
    }
}

fn id(id: i64) -> Option<IdFilter> {
    Some(IdFilter {
        eq: Some(id.to_string()),
        is_in: None,
    })
}

fn eq<T>(value: T) -> Option<EnumFilter<T>> {
    Some(EnumFilter {
        eq: Some(value),
        is_in: None,
    })
}

fn gt<T>(bound: T) -> Option<Range<T>> {
    Some(Range {
        gte: None,
        gt: Some(bound),
        lte: None,
        lt: None,
    })
}

fn all() -> Leaves {
    Leaves::default()
}

pub fn cases() -> Vec<Case> {
    let mut all = orders();
    all.extend(few());
    all.extend(below_projects());
    all.extend(terms());
    all.extend(answers());
    all
}

fn orders() -> Vec<Case> {
    let mut cases = vec![
        case("all", Admin, all(), Id, " annotation"),
        case("all", Task, all(), Id, "task_id_id"),
        sorts(case(
            "all by createdAt",
            Task,
            all(),
            CreatedAt,
            "task_id_id",
        )),
    ];
    for (name, key, columns) in [
        ("all by createdAt", CreatedAt, "created_at_id"),
        ("all by updatedAt", UpdatedAt, "updated_at_id"),
    ] {
        let below = format!("project_id_{columns}");
        // By time of change, the list of an admin is merged from all projects.
        let whole = if key == UpdatedAt { &below } else { columns };
        cases.push(case(name, Admin, all(), key, whole));
        cases.push(case(name, Member, all(), key, &below));
        cases.push(case(name, Project, all(), key, &below));
    }
    for place in [Member, Project] {
        cases.push(case("all", place, all(), Id, "project_id_id"));
    }
    for (place, index) in [
        (Admin, " annotation"),
        (Member, PROJECT),
        (Project, PROJECT),
    ] {
        let by_lead_time = case("all by leadTime", place, all(), LeadTime, index);
        cases.push(walks(sorts(by_lead_time)));
    }
    cases
}

/// Any index that begins with the project.
const PROJECT: &str = "project_id";

/// Leaves that lead to few annotations, wherever these are, and those of the orders.
fn few() -> Vec<Case> {
    let leaves = |set: fn(&mut Leaves)| {
        let mut leaves = all();
        set(&mut leaves);
        leaves
    };
    let one = leaves(|it| it.id = id(7));
    let unique = leaves(|it| it.unique_id = eq(uuid::Uuid::nil()));
    let task = leaves(|it| it.task_id = id(7));
    let author = leaves(|it| it.completed_by_id = id(3));
    let companion = leaves(|it| it.completed_by_id = id(26));
    let updater = leaves(|it| it.updated_by_id = id(3));
    let imported = leaves(|it| it.import_id = id(9));
    let project = leaves(|it| it.project_id = id(1));
    let new = leaves(|it| it.created_at = gt(data::middle()));
    let changed = leaves(|it| it.updated_at = gt(data::middle()));
    let key = "INTEGER PRIMARY KEY";
    let unique_key = "INDEX sqlite_autoindex_annotation_1";
    let created = "project_id_created_at_id";
    vec![
        case("id", Admin, one.clone(), Id, key),
        case("id", Member, one, Id, key),
        case("uniqueId", Admin, unique, Id, unique_key),
        case("taskId", Admin, task.clone(), Id, "task_id_id"),
        case("taskId", Member, task, Id, "task_id_id"),
        case("completedById", Admin, author, Id, "completed_by_id_id"),
        case("completedById", Member, companion, Id, "completed_by_id_id"),
        walks(case("updatedById", Admin, updater, Id, " annotation")),
        sorts(case("importId", Admin, imported, Id, "import_id")),
        case("projectId", Admin, project.clone(), Id, "project_id_id"),
        case("projectId", Member, project, CreatedAt, created),
        case("createdAt", Admin, new.clone(), CreatedAt, "created_at_id"),
        case("createdAt", Project, new, CreatedAt, created),
        case(
            "updatedAt",
            Member,
            changed,
            UpdatedAt,
            "project_id_updated_at_id",
        ),
    ]
}

/// Leaves whose indexes begin with the project.
fn below_projects() -> Vec<Case> {
    let action = |action| Leaves {
        last_action: eq(action),
        ..all()
    };
    let cancelled = Leaves {
        was_cancelled: Some(true),
        ..all()
    };
    let truth = Leaves {
        ground_truth: Some(true),
        ..all()
    };
    let slow = Leaves {
        lead_time: gt(9_990.0),
        ..all()
    };
    let crowded = Leaves {
        region_count: gt(100),
        ..all()
    };
    let common = action(Action::Submitted);
    let by_count = "project_id_region_count_id";
    let in_order = "project_id_id";
    let mut cases = vec![
        walks(case("lastAction, common", Project, common, Id, in_order)),
        walks(sorts(case(
            "leadTime by leadTime",
            Project,
            slow.clone(),
            LeadTime,
            PROJECT,
        ))),
    ];
    for (place, in_order) in [
        (Admin, " annotation"),
        (Member, in_order),
        (Project, in_order),
    ] {
        let rejected = action(Action::Rejected);
        let (cancelled, truth) = (cancelled.clone(), truth.clone());
        cases.extend([
            walks(case("lastAction", place, rejected, Id, in_order)),
            case(
                "wasCancelled",
                place,
                cancelled,
                Id,
                "project_id_id_was_cancelled",
            ),
            case(
                "groundTruth",
                place,
                truth,
                Id,
                "project_id_id_ground_truth",
            ),
            walks(case("leadTime", place, slow.clone(), Id, in_order)),
            sorts(case("regionCount", place, crowded.clone(), Id, by_count)),
        ]);
    }
    cases
}

/// The key of the index of terms, in the order of the list.
const WALK: &str = "walked USING PRIMARY KEY (term=? AND project_id=?";

fn terms() -> Vec<Case> {
    let label = |text: &str| Leaves {
        has_label: eq(text.to_owned()),
        ..all()
    };
    let rectangles = Leaves {
        has_region_type: eq(Kind::Rectangle),
        ..all()
    };
    let index = "annotation_term USING PRIMARY KEY";
    let mut cases = vec![
        case("hasLabel", Task, label("half"), Id, "task_id_id"),
        case("hasRegionType, all", Project, rectangles, Id, WALK),
    ];
    for place in [Admin, Member, Project] {
        cases.extend([
            case("hasLabel, half", place, label("half"), Id, WALK),
            case("hasLabel, rare", place, label("rare"), Id, WALK),
            case(
                "hasLabel, half, by createdAt",
                place,
                label("half"),
                CreatedAt,
                index,
            ),
            case(
                "hasLabel, rare, by createdAt",
                place,
                label("rare"),
                CreatedAt,
                index,
            ),
        ]);
    }
    cases
}

fn answers() -> Vec<Case> {
    let answer = |eq: Option<&str>, part: Option<&str>| Leaves {
        has_answer: Some(AnswerFilter {
            from_name: "c".to_owned(),
            eq: eq.map(|text| Answer::Text(text.to_owned())),
            is_in: None,
            contains: part.map(str::to_owned),
        }),
        ..all()
    };
    let often = answer(Some("often"), None);
    let seldom = answer(Some("seldom"), None);
    let part = answer(None, Some("FTE"));
    let index = "annotation_term USING PRIMARY KEY";
    let mut cases = vec![
        case("hasAnswer", Task, often.clone(), Id, "task_id_id"),
        case(
            "hasAnswer contains",
            Project,
            part.clone(),
            Id,
            "project_id_id",
        ),
        case("hasAnswer contains", Task, part, Id, "task_id_id"),
    ];
    for place in [Admin, Member, Project] {
        cases.extend([
            case("hasAnswer, often", place, often.clone(), Id, WALK),
            case("hasAnswer, seldom", place, seldom.clone(), Id, WALK),
            case(
                "hasAnswer, seldom, by createdAt",
                place,
                seldom.clone(),
                CreatedAt,
                index,
            ),
        ]);
    }
    cases
}

/// The index has not the order of the list.
fn sorts(case: Case) -> Case {
    Case {
        in_order: false,
        ..case
    }
}

/// Each row of the list is compared, or all rows are sorted.
fn walks(case: Case) -> Case {
    Case {
        is_walked: true,
        ..case
    }
}
