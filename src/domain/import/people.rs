//! Whom the people named in a file become: users of ours where a map or an e-mail address says so, else
//! users without sign-in, one per source id.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use entity::{
    project_member::{self, Role},
    user::{self, Column},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait,
    PaginatorTrait, QueryFilter, sea_query::OnConflict,
};
use sha2::{Digest, Sha256};

use super::{
    Failure,
    person::{Mention, Source},
    problems::{Place, Problems},
};
use crate::{
    app::App,
    domain::{self, access::Actor},
    error::{Error, Problem, ProblemCode},
};

/// Everybody whom a file names.
#[derive(Debug, Default)]
pub struct People {
    by_id: BTreeMap<i64, Person>,
    by_email: BTreeMap<String, Person>,
}

#[derive(Clone, Debug)]
struct Person {
    id: Option<i64>,
    email: Option<String>,
    display_name: String,
    /// The first item that names them.
    place: Place,
}

/// For whom people are looked for, when not for an operator: nobody else than the users that they see is found,
/// and nothing that is answered or made depends on anybody else.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    pub actor: &'a Actor,
    /// The project that is imported into.
    pub project_id: i64,
}

/// What becomes of people whom neither the map nor their e-mail address finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmapped {
    /// They become users without sign-in, so that their work keeps an author.
    #[default]
    Create,
    /// The file is refused.
    Refuse,
}

/// Whom somebody in the file became.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    /// Their id in the file.
    pub source_id: Option<i64>,
    pub source_email: Option<String>,
    pub user_id: i64,
    pub username: String,
    pub kind: MatchKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum MatchKind {
    /// The user map names them.
    Mapped,
    /// They have the same e-mail address.
    Email,
    /// An earlier import made this user for the same source id.
    Known,
    /// This import made the user.
    Created,
}

/// The users that stand for the people of a file.
#[derive(Debug, Default)]
pub struct Resolved {
    pub ids: HashMap<Source, i64>,
    pub matches: Vec<Match>,
    pub created_users: Vec<i64>,
    pub added_members: Vec<i64>,
}

impl People {
    /// Takes note of a person. A second e-mail address for one id is a problem.
    pub fn add(&mut self, mut mention: Mention, problems: &mut Problems) {
        // Most likely an e-mail address, and everybody sees the name.
        if mention.display_name.contains('@') {
            mention.display_name.clear();
        }
        let person = Person {
            id: None,
            email: mention.email,
            display_name: mention.display_name,
            place: mention.place,
        };
        let known = match mention.source {
            Source::Id(id) => self.by_id.entry(id).or_insert_with(|| Person {
                id: Some(id),
                ..person.clone()
            }),
            Source::Email(email) => self.by_email.entry(email).or_insert_with(|| person.clone()),
        };
        if known.display_name.is_empty() {
            known.display_name = person.display_name;
        }
        match (&known.email, person.email) {
            (Some(known), Some(email)) if *known != email => problems.push(mention.place.problem(
                ProblemCode::InvalidFormat,
                format!("names {email} by an id that stood for {known} before"),
            )),
            (None, Some(email)) => known.email = Some(email),
            _ => {}
        }
    }

    /// Finds or makes a user for each of them. `map` leads from a source id or an e-mail address to one
    /// of our users, by username or id.
    pub async fn resolve(
        mut self,
        app: &App,
        txn: &DatabaseTransaction,
        map: &BTreeMap<String, String>,
        unmapped: Unmapped,
        caller: Option<Caller<'_>>,
        at: DateTime<Utc>,
    ) -> Result<Resolved, Failure> {
        let mut problems = Problems::default();
        let mut resolved = Resolved::default();
        for (id, person) in &self.by_id {
            // The same person may go by id here and by e-mail address there.
            let alias = person
                .email
                .as_ref()
                .and_then(|email| self.by_email.remove(email));
            let found = find(app, txn, person, map, caller, &mut problems).await?;
            let Some(matched) =
                choose(txn, found, person, unmapped, caller, at, &mut problems).await?
            else {
                continue;
            };
            resolved.ids.insert(Source::Id(*id), matched.user_id);
            if let Some(email) = alias.and_then(|alias| alias.email) {
                resolved.ids.insert(Source::Email(email), matched.user_id);
            }
            resolved.matches.push(matched);
        }
        for (email, person) in &self.by_email {
            let found = find(app, txn, person, map, caller, &mut problems).await?;
            let Some(matched) =
                choose(txn, found, person, unmapped, caller, at, &mut problems).await?
            else {
                continue;
            };
            resolved
                .ids
                .insert(Source::Email(email.clone()), matched.user_id);
            resolved.matches.push(matched);
        }
        if !problems.is_empty() {
            return Err(Failure::Refused(problems));
        }
        let created = |matched: &&Match| matched.kind == MatchKind::Created;
        let created = resolved.matches.iter().filter(created);
        resolved.created_users = created.map(|matched| matched.user_id).collect();
        Ok(resolved)
    }
}

impl Resolved {
    /// Makes those who can't sign in members of the project, so that its members see them. It gives no
    /// access to anybody.
    pub async fn add_members(
        &mut self,
        txn: &DatabaseTransaction,
        project_id: i64,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let mut ids: Vec<i64> = self.ids.values().copied().collect();
        ids.sort_unstable();
        ids.dedup();
        for user_id in ids {
            let user = user::Entity::find_by_id(user_id).one(txn).await?;
            if user.is_none_or(|user| user.can_sign_in) {
                continue;
            }
            let member = project_member::ActiveModel {
                project_id: Set(project_id),
                user_id: Set(user_id),
                role: Set(Role::Annotator),
                created_at: Set(at),
                ..Default::default()
            };
            let key = [
                project_member::Column::ProjectId,
                project_member::Column::UserId,
            ];
            let added = project_member::Entity::insert(member)
                .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
                .exec_without_returning(txn)
                .await?;
            if added > 0 {
                self.added_members.push(user_id);
            }
        }
        Ok(())
    }
}

/// The user who stands for a person already, among those whom the caller sees.
async fn find(
    app: &App,
    txn: &DatabaseTransaction,
    person: &Person,
    map: &BTreeMap<String, String>,
    caller: Option<Caller<'_>>,
    problems: &mut Problems,
) -> Result<Option<(user::Model, MatchKind)>, Error> {
    let keys = [person.id.map(|id| id.to_string()), person.email.clone()];
    for key in keys.into_iter().flatten() {
        let Some(name) = map.get(&key) else { continue };
        match domain::user::named(app, name).await {
            Ok(user) => return Ok(Some((user, MatchKind::Mapped))),
            Err(Error::NotFound(_)) => problems.push(Problem::new(
                ["userMap", &key],
                ProblemCode::UnknownId,
                format!("there is no user {name}"),
            )),
            Err(error) => return Err(error),
        }
    }
    if let Some(email) = &person.email {
        let user = user::Entity::find().filter(Column::Email.eq(email));
        if let Some(user) = seen(txn, user.one(txn).await?, caller).await? {
            return Ok(Some((user, MatchKind::Email)));
        }
    }
    let Some(id) = person.id else { return Ok(None) };
    let user = user::Entity::find()
        .filter(Column::ImportId.eq(id))
        .one(txn)
        .await?;
    let user = seen(txn, user, caller).await?;
    Ok(user.map(|user| (user, MatchKind::Known)))
}

/// A user, when the caller sees them.
async fn seen(
    txn: &DatabaseTransaction,
    user: Option<user::Model>,
    caller: Option<Caller<'_>>,
) -> Result<Option<user::Model>, Error> {
    let (Some(caller), Some(row)) = (caller, &user) else {
        return Ok(user);
    };
    let visible = domain::user::visible_ids(txn, caller.actor, &[row.id]).await?;
    Ok(user.filter(|row| visible.contains(&row.id)))
}

/// The user who is found, or a new one without sign-in.
async fn choose(
    txn: &DatabaseTransaction,
    found: Option<(user::Model, MatchKind)>,
    person: &Person,
    unmapped: Unmapped,
    caller: Option<Caller<'_>>,
    at: DateTime<Utc>,
    problems: &mut Problems,
) -> Result<Option<Match>, Error> {
    // An id of another system may have been imported for somebody else.
    let is_known_otherwise = matches!(&found, Some((user, MatchKind::Known))
        if user.email.is_some() && person.email.is_some());
    let is_mapped = matches!(found, Some((_, MatchKind::Mapped | MatchKind::Email)));
    if unmapped == Unmapped::Refuse && !is_mapped {
        let name = match (&person.email, person.id) {
            (Some(email), _) => email.clone(),
            (None, id) => format!("the id {}", id.unwrap_or_default()),
        };
        problems.push(person.place.problem(
            ProblemCode::UnknownId,
            format!("names a user by {name}, whom no user of ours is mapped to"),
        ));
        return Ok(None);
    }
    let (user, kind) = match (found, caller) {
        (Some(found), _) if !is_known_otherwise => found,
        (_, Some(caller)) => stand_in(txn, person, caller.project_id, at).await?,
        (_, None) => {
            let import_id = person.id.filter(|_| !is_known_otherwise);
            let user = create(txn, person, import_id, at).await?;
            (user, MatchKind::Created)
        }
    };
    Ok(Some(Match {
        source_id: person.id,
        source_email: person.email.clone(),
        user_id: user.id,
        username: user.username,
        kind,
    }))
}

/// The user without sign-in who stands for a person in a project whatever other users there are. They reserve
/// neither the id nor the address, and the same person finds them again by their name.
async fn stand_in(
    txn: &DatabaseTransaction,
    person: &Person,
    project_id: i64,
    at: DateTime<Utc>,
) -> Result<(user::Model, MatchKind), Error> {
    let username = stand_in_name(person, project_id);
    let known = user::Entity::find().filter(Column::Username.eq(&username));
    if let Some(user) = known.one(txn).await? {
        return Ok((user, MatchKind::Known));
    }
    let user = user::ActiveModel {
        username: Set(username),
        display_name: Set(person.display_name.clone()),
        email: Set(None),
        role: Set(user::Role::Member),
        import_id: Set(None),
        can_sign_in: Set(false),
        created_at: Set(at),
        ..Default::default()
    };
    Ok((user.insert(txn).await?, MatchKind::Created))
}

/// An address tells people apart, and an id those without one, as everywhere in imports.
fn stand_in_name(person: &Person, project_id: i64) -> String {
    let id = person.email.is_none().then_some(person.id).flatten();
    let digest = Sha256::digest(format!("{:?}", (project_id, id, &person.email)));
    let hex = format!("{digest:x}");
    format!("imported-{}", &hex[..16])
}

async fn create(
    txn: &DatabaseTransaction,
    person: &Person,
    import_id: Option<i64>,
    at: DateTime<Utc>,
) -> Result<user::Model, Error> {
    let email_name = person
        .email
        .as_ref()
        .and_then(|email| email.split('@').next());
    let wanted = match (email_name, person.id) {
        (Some(name), _) if !name.is_empty() => name.chars().take(100).collect(),
        (_, Some(id)) => format!("imported-{id}"),
        _ => "imported".to_owned(),
    };
    let mut username = wanted.clone();
    for number in 2.. {
        let taken = user::Entity::find().filter(Column::Username.eq(&username));
        if taken.count(txn).await? == 0 {
            break;
        }
        username = format!("{wanted}-{number}");
    }
    let user = user::ActiveModel {
        username: Set(username),
        display_name: Set(person.display_name.clone()),
        email: Set(person.email.clone()),
        role: Set(user::Role::Member),
        import_id: Set(import_id),
        can_sign_in: Set(false),
        created_at: Set(at),
        ..Default::default()
    };
    Ok(user.insert(txn).await?)
}
