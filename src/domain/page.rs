//! Keyset pages: the same cut through every list, forwards and backwards, alone or one per parent.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IdenStatic, Iterable, ModelTrait,
    Order, QueryFilter, QueryTrait, Select, Value,
    sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, UnionType},
};

use sha2::{Digest, Sha256};

use crate::error::{Problem, ProblemCode, Result};

/// Rows of a page when the client does not say.
pub const DEFAULT_SIZE: i32 = 50;
/// The largest page.
pub const MAX_SIZE: i32 = 100;

/// `first`, `after`, `last`, `before` as the client sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Arguments {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
}

/// A checked request for one page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    size: u64,
    backwards: bool,
    /// The row to start behind, as (order key, id).
    start: Option<(Option<i64>, i64)>,
    /// Stands for filter and order; a cursor of another one is refused.
    fingerprint: u32,
}

/// The rows of one page, in the list's order.
#[derive(Clone, Debug)]
pub struct Slice<M> {
    pub rows: Vec<M>,
    pub has_next: bool,
    pub has_previous: bool,
    /// In the order of `rows`.
    pub cursors: Vec<String>,
}

/// What a list is ordered by; ties are broken by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OrderKey {
    #[default]
    Id,
    CreatedAt,
    UpdatedAt,
}

/// The order of a list: ascending by id unless the client says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ordering {
    pub key: OrderKey,
    pub descending: bool,
}

/// Where a list's order lies in its table. `key` is a column of instants, or `None` to order by `id`
/// alone.
#[derive(Clone, Copy)]
pub struct Columns<C> {
    pub key: Option<C>,
    pub id: C,
    pub descending: bool,
}

impl<M> Default for Slice<M> {
    fn default() -> Self {
        Self {
            rows: vec![],
            has_next: false,
            has_previous: false,
            cursors: vec![],
        }
    }
}

impl Page {
    /// Checks the arguments of a list whose filter and order are `scope`.
    pub fn new(arguments: &Arguments, scope: &impl std::fmt::Debug) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let Arguments {
            first,
            after,
            last,
            before,
        } = arguments;
        for (name, size) in [("first", first), ("last", last)] {
            if size.is_some_and(|size| !(0..=MAX_SIZE).contains(&size)) {
                problems.push(Problem::new(
                    [name],
                    ProblemCode::OutOfBounds,
                    format!("a page has 0 to {MAX_SIZE} items"),
                ));
            }
        }
        for (one, other, clash) in [
            ("last", "first", first.is_some() && last.is_some()),
            ("before", "after", after.is_some() && before.is_some()),
            ("before", "first", first.is_some() && before.is_some()),
            ("after", "last", last.is_some() && after.is_some()),
        ] {
            if clash {
                problems.push(Problem::new(
                    [one],
                    ProblemCode::InvalidFormat,
                    format!("`{one}` and `{other}` can't be used together: page forwards with `first` and `after`, or backwards with `last` and `before`"),
                ));
            }
        }
        let fingerprint = fingerprint(scope);
        let mut start = None;
        for (name, cursor) in [("after", after), ("before", before)] {
            let Some(cursor) = cursor else { continue };
            match decode(cursor) {
                Some((made_for, key, id)) if made_for == fingerprint => start = Some((key, id)),
                Some(_) => problems.push(Problem::new(
                    [name],
                    ProblemCode::InvalidFormat,
                    "the cursor comes from a list with another filter or order",
                )),
                None => problems.push(Problem::new(
                    [name],
                    ProblemCode::InvalidFormat,
                    "this is no cursor of this server",
                )),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let backwards = last.is_some() || before.is_some();
        let size = if backwards { last } else { first }.unwrap_or(DEFAULT_SIZE);
        Ok(Self {
            size: u64::try_from(size).expect("checked to be within 0 and the maximum"),
            backwards,
            start,
            fingerprint,
        })
    }

    /// The page of one list.
    pub async fn fetch<E>(
        &self,
        db: &impl ConnectionTrait,
        select: Select<E>,
        columns: Columns<E::Column>,
    ) -> Result<Slice<E::Model>>
    where
        E: EntityTrait,
        E::Model: Send + Sync,
    {
        let rows = E::Model::find_by_statement(
            db.get_database_backend().build(&self.cut(select, columns)),
        )
        .all(db)
        .await?;
        Ok(self.slice::<E>(rows, columns))
    }

    /// The same page of one list per parent, in a fixed number of statements: a `UNION ALL` of small
    /// index scans, so that the cost follows the pages and not the lists behind them.
    pub async fn fetch_per_parent<E>(
        &self,
        db: &impl ConnectionTrait,
        select: &Select<E>,
        columns: Columns<E::Column>,
        parent: E::Column,
        parents: &[i64],
    ) -> Result<HashMap<i64, Slice<E::Model>>>
    where
        E: EntityTrait,
        E::Model: Send + Sync,
    {
        // SQLite joins at most 500 selects, and takes 32,766 parameters.
        let one = db
            .get_database_backend()
            .build(&self.cut(select.clone(), columns));
        let parameters = one.values.map_or(0, |values| values.0.len()) + 1;
        let at_once = (30_000 / parameters).clamp(1, 400);
        let mut by_parent: HashMap<i64, Vec<E::Model>> = HashMap::new();
        for parents in parents.chunks(at_once) {
            let mut pages = parents.iter().map(|id| {
                let cut = self.cut(select.clone().filter(parent.eq(*id)), columns);
                Query::select()
                    .columns(E::Column::iter().map(|column| Alias::new(column.as_str())))
                    .from_subquery(cut, Alias::new("page"))
                    .take()
            });
            let mut all = pages.next().expect("chunks are never empty");
            for page in pages {
                all.union(UnionType::All, page);
            }
            let rows = E::Model::find_by_statement(db.get_database_backend().build(&all))
                .all(db)
                .await?;
            for row in rows {
                let Value::BigInt(Some(id)) = row.get(parent) else {
                    continue;
                };
                by_parent.entry(id).or_default().push(row);
            }
        }
        Ok(parents
            .iter()
            .map(|id| {
                let rows = by_parent.remove(id).unwrap_or_default();
                (*id, self.slice::<E>(rows, columns))
            })
            .collect())
    }

    /// One row more than the page holds, read from its start in its direction.
    fn cut<E: EntityTrait>(
        &self,
        select: Select<E>,
        columns: Columns<E::Column>,
    ) -> SelectStatement {
        let Columns {
            key,
            id,
            descending,
        } = columns;
        let downwards = descending != self.backwards;
        let order = if downwards { Order::Desc } else { Order::Asc };
        let mut query = select.into_query();
        if let Some((start_key, start_id)) = self.start {
            let (row, start) = match key.zip(start_key.and_then(instant)) {
                Some((key, at)) => (
                    Expr::tuple([
                        Expr::col(key.as_column_ref()),
                        Expr::col(id.as_column_ref()),
                    ]),
                    Expr::tuple([Expr::value(at), Expr::value(start_id)]),
                ),
                None => (Expr::col(id.as_column_ref()), Expr::value(start_id)),
            };
            query.and_where(if downwards {
                row.lt(start)
            } else {
                row.gt(start)
            });
        }
        if let Some(key) = key {
            query.order_by(key.as_column_ref(), order.clone());
        }
        query
            .order_by(id.as_column_ref(), order)
            .limit(self.size + 1);
        query
    }

    fn slice<E: EntityTrait>(
        &self,
        mut rows: Vec<E::Model>,
        columns: Columns<E::Column>,
    ) -> Slice<E::Model> {
        let more = rows.len() as u64 > self.size;
        rows.truncate(usize::try_from(self.size).expect("a page size fits"));
        if self.backwards {
            rows.reverse();
        }
        let behind_start = self.start.is_some();
        let (has_next, has_previous) = if self.backwards {
            (behind_start, more)
        } else {
            (more, behind_start)
        };
        let cursors = rows
            .iter()
            .map(|row| {
                encode(
                    self.fingerprint,
                    sort_key::<E>(row, columns),
                    number(&row.get(columns.id)),
                )
            })
            .collect();
        Slice {
            rows,
            has_next,
            has_previous,
            cursors,
        }
    }
}

fn sort_key<E: EntityTrait>(row: &E::Model, columns: Columns<E::Column>) -> Option<i64> {
    match row.get(columns.key?) {
        Value::ChronoDateTimeUtc(Some(at)) => Some(at.timestamp_micros()),
        _ => None,
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::BigInt(Some(id)) => *id,
        Value::Int(Some(id)) => (*id).into(),
        _ => 0,
    }
}

fn instant(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
}

/// The same for the same scope, whatever release computes it.
fn fingerprint(scope: &impl std::fmt::Debug) -> u32 {
    let digest = Sha256::digest(format!("{scope:?}"));
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

fn encode(fingerprint: u32, key: Option<i64>, id: i64) -> String {
    let key = key.map(|key| key.to_string()).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(format!("1:{fingerprint:x}:{key}:{id}"))
}

fn decode(cursor: &str) -> Option<(u32, Option<i64>, i64)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut parts = text.split(':');
    let (Some("1"), Some(fingerprint), Some(key), Some(id), None) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) else {
        return None;
    };
    let key = match key {
        "" => None,
        key => {
            let micros = key.parse().ok()?;
            // A forged one could name an instant that the database can't hold.
            instant(micros).filter(|at| (1..=9999).contains(&at.year()))?;
            Some(micros)
        }
    };
    Some((
        u32::from_str_radix(fingerprint, 16).ok()?,
        key,
        id.parse().ok()?,
    ))
}
