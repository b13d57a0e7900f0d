//! First admin and token: created exactly once when several servers start together on an empty database.

use entity::{
    api_token::{self, Column},
    user::{self, Role},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{Created, MIN_LENGTH, commit, hash, put};
use crate::{
    app::App,
    db::{WriteTxn, advisory},
    domain::user as users,
    error::{Problem, ProblemCode, Result},
    instant,
};

/// Finds an admin who can sign in, preferably named `admin`, or else adds an admin. Fails with BAD_USER_INPUT when
/// the name `admin` belongs to a user who is not an admin.
pub async fn admin(app: &App) -> Result<user::Model> {
    let txn = begin(app).await?;
    let (txn, admin) = find_or_add(app, txn).await?;
    txn.commit().await?;
    Ok(admin)
}

/// Ensures that an admin can sign in. Returns the token if this call created a token: of several servers that start
/// together, a single server receives a token.
pub async fn make(app: &App) -> Result<Option<Created>> {
    // Most starts find an admin, so the check runs first without a lock.
    if admin_signs_in(app.db.reader()).await? {
        return Ok(None);
    }
    let txn = begin(app).await?;
    // Checks again under the lock: a server that held the lock before may have created the admin.
    if admin_signs_in(&*txn).await? {
        txn.rollback().await?;
        return Ok(None);
    }
    let (txn, admin) = find_or_add(app, txn).await?;
    let created = super::insert(&*txn, &admin, "first start", None).await?;
    txn.commit().await?;
    Ok(Some(created))
}

/// Refuses a text that could be guessed.
pub fn check(text: &str) -> Result<()> {
    if text.len() >= MIN_LENGTH {
        return Ok(());
    }
    let message = format!("a token has at least {MIN_LENGTH} characters");
    Err(Problem::new(["token"], ProblemCode::InvalidFormat, message).into())
}

/// Ensures that this text signs an admin in, even if the token was revoked or belonged to a different user.
pub async fn ensure(app: &App, name: &str, text: &str) -> Result<()> {
    let active = active_of_admins().filter(Column::Hash.eq(hash(text)));
    if active.one(app.db.reader()).await?.is_some() {
        return Ok(());
    }
    let txn = begin(app).await?;
    let (txn, admin) = find_or_add(app, txn).await?;
    put(&*txn, &admin, name, text).await?;
    commit(app, txn).await
}

async fn begin(app: &App) -> Result<WriteTxn> {
    let txn = app.db.begin().await?;
    // The advisory lock serialises servers that start together: no admin row exists yet that could be locked.
    advisory::lock(&*txn, advisory::FIRST_ADMIN).await?;
    Ok(txn)
}

async fn find_or_add(app: &App, txn: WriteTxn) -> Result<(WriteTxn, user::Model)> {
    let admins = user::Entity::find()
        .filter(user::Column::Role.eq(Role::Admin))
        .filter(user::Column::CanSignIn.eq(true))
        .order_by_asc(user::Column::Id)
        .all(&*txn)
        .await?;
    let mut found = admins.into_iter();
    let named = found.clone().find(|user| user.username == "admin");
    if let Some(admin) = named.or(found.next()) {
        return Ok((txn, admin));
    }
    let new = users::New {
        username: "admin".to_owned(),
        display_name: String::new(),
        email: None,
        role: Role::Admin,
    };
    match users::insert(&txn, &new).await {
        Ok(admin) => Ok((txn, admin)),
        Err(error) => {
            // On PostgreSQL a failed statement aborts the transaction, so the reason is read after the rollback.
            txn.rollback().await?;
            Err(users::explain_failed_write(app, error, &new.username, None, None).await)
        }
    }
}

/// Says whether any admin holds an active token.
async fn admin_signs_in(db: &impl ConnectionTrait) -> Result<bool> {
    Ok(active_of_admins().one(db).await?.is_some())
}

/// Selects the active tokens of admins.
fn active_of_admins() -> sea_orm::Select<api_token::Entity> {
    api_token::Entity::find()
        .inner_join(user::Entity)
        .filter(user::Column::Role.eq(Role::Admin))
        .filter(user::Column::CanSignIn.eq(true))
        .filter(super::is_active(instant::now()))
}
