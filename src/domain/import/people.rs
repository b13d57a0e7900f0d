//! Resolution of people named in a file: to existing users by the user map or e-mail address, else to users without
//! sign-in, a user per id in the file.

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

/// People named in a file.
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
    /// First item that names the person.
    place: Place,
}

/// User on whose behalf people are resolved; absent for an operator. Only users visible to the actor are matched, and
/// neither the answer nor the rows reveal further users.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    pub actor: &'a Actor,
    /// Project that receives the import.
    pub project_id: i64,
}

/// Treatment of people who match neither the map nor an e-mail address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmapped {
    /// Creates users without sign-in, so that annotations keep an author.
    #[default]
    Create,
    /// Refuses the file.
    Refuse,
}

/// Resolution of a person named in the file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    /// Person's id in the file.
    pub source_id: Option<i64>,
    pub source_email: Option<String>,
    pub user_id: i64,
    pub username: String,
    pub kind: MatchKind,
}

/// Reason why a user of the file became a user of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum MatchKind {
    /// Named by the user map.
    Mapped,
    /// Same e-mail address.
    Email,
    /// Created by an earlier import for the same id.
    Known,
    /// Created by this import.
    Created,
}

/// Users that stand for the people of a file.
#[derive(Debug, Default)]
pub struct Resolved {
    pub ids: HashMap<Source, i64>,
    pub matches: Vec<Match>,
    pub created_users: Vec<i64>,
    pub added_members: Vec<i64>,
}

impl People {
    /// Adds a mention. A second e-mail address for the same id is a problem.
    pub fn add(&mut self, mut mention: Mention, problems: &mut Problems) {
        // A name with `@` is likely an e-mail address, whereas all users see display names.
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

    /// Finds or creates a user for each person. `map` maps an id or e-mail address of the file to an existing user,
    /// by username or id.
    pub async fn resolve(
        mut self,
        app: &App,
        txn: &DatabaseTransaction,
        map: &BTreeMap<String, String>,
        unmapped: Unmapped,
        caller: Option<Caller<'_>>,
        at: DateTime<Utc>,
    ) -> Result<Resolved, Failure> {
        // Collects the problems of all people, so that an operator can complete the map at once.
        let mut problems = Problems::default();
        let mut resolved = Resolved::default();
        for (id, person) in &self.by_id {
            // The file may name the same person by id in an item and by e-mail address elsewhere.
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
    /// Adds users without sign-in to the project, so that members see their names. Grants no access, since these
    /// users can't sign in.
    pub async fn add_members(
        &mut self,
        txn: &DatabaseTransaction,
        project_id: i64,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        // Sorts for a fixed order of locks: two imports with the same people must not deadlock.
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

/// Finds the existing user of a person, among the users visible to the caller.
async fn find(
    app: &App,
    txn: &DatabaseTransaction,
    person: &Person,
    map: &BTreeMap<String, String>,
    caller: Option<Caller<'_>>,
    problems: &mut Problems,
) -> Result<Option<(user::Model, MatchKind)>, Error> {
    // The map has precedence over addresses: an operator can correct a wrong address in the file.
    let keys = [person.id.map(|id| id.to_string()), person.email.clone()];
    for key in keys.into_iter().flatten() {
        let Some(name) = map.get(&key) else { continue };
        match domain::user::by_name(app, name).await {
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

/// Returns the user if visible to the caller.
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

/// Returns the user found, or creates a user without sign-in.
async fn choose(
    txn: &DatabaseTransaction,
    found: Option<(user::Model, MatchKind)>,
    person: &Person,
    unmapped: Unmapped,
    caller: Option<Caller<'_>>,
    at: DateTime<Utc>,
    problems: &mut Problems,
) -> Result<Option<Match>, Error> {
    // The same id can come from a different system and stand for a different person: two different addresses tell the
    // persons apart.
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
            // The id belongs to a different person of an earlier import, so the new user does not claim the id.
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

/// Finds or creates the user without sign-in who stands for a person within a project, independent of all further
/// users. The user claims neither the id nor the address; later imports find the user by name.
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

/// Derives the name from the address, or from the id of a person without an address.
fn stand_in_name(person: &Person, project_id: i64) -> String {
    let id = person.email.is_none().then_some(person.id).flatten();
    // A digest reveals neither id nor address, and yields the same name in later imports.
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
    // Usernames are unique: appends a number until the name is free.
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
