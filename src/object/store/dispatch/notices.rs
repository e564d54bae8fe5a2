//! Notices: messages to webhooks.

use crate::domain::dispatch::notice::{NoticeView, Notices, State};
use crate::domain::thread::id::RunId;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

/// What clients are shown of a notice.
macro_rules! shown {
    ($from:literal) => {
        concat!(
            "SELECT id, event, run, state, attempts, last_status, last_error, due_at, created_at, ended_at FROM ",
            $from
        )
    };
}

queries! {
    /// `due`
    NOTICES_DUE = "SELECT id, due_at, attempts, first_at FROM notices WHERE webhook = ? AND state = 0 ORDER BY due_at LIMIT ?";
    /// `insert`
    INSERT_NOTICE = "INSERT OR IGNORE INTO notices
        (id, webhook, run, event, state, attempts, created_at, due_at, ended_at, last_error, body)
        VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)";
    /// `tried`
    NOTICE_TRIED = "UPDATE notices SET state = ?, attempts = ?, first_at = ?, due_at = ?, ended_at = ?, last_status = ?,
        last_error = ? WHERE id = ?";
    /// `again`
    NOTICE_AGAIN = "UPDATE notices SET state = 0, attempts = 0, first_at = NULL, due_at = ?, ended_at = NULL WHERE id = ?";
    /// `set_body`
    NOTICE_BODY = "UPDATE notices SET body = ? WHERE id = ?";
    /// `give_up`
    GIVE_UP = "UPDATE notices SET state = 2, due_at = NULL, ended_at = ?, last_error = ? WHERE state = 0";
    /// `kill`
    KILL_NOTICES = "UPDATE notices SET state = 2, due_at = NULL, ended_at = ?, last_error = ? WHERE webhook = ? AND state = 0";
    /// `forget_webhook`
    DELETE_NOTICES_OF_WEBHOOK = "DELETE FROM notices WHERE webhook = ?";
    /// `forget_thread`: its runs' ids begin with its own.
    DELETE_NOTICES_OF_THREAD = "DELETE FROM notices WHERE run > ? AND run < ?";
    /// `forget_run`
    DELETE_NOTICES_OF_RUN = "DELETE FROM notices WHERE run = ?";
    /// `forget`
    DELETE_NOTICE = "DELETE FROM notices WHERE id = ?";
    /// `counts`
    COUNT_NOTICES = "SELECT count(*) FROM notices INDEXED BY notices_ended WHERE state BETWEEN 0 AND 2";
    /// `counts`
    COUNT_PENDING = "SELECT count(*) FROM notices INDEXED BY notices_ended WHERE state = 0";
    /// `evict`
    EVICT_NOTICE = "DELETE FROM notices WHERE id =
        (SELECT id FROM notices INDEXED BY notices_ended WHERE state = ? ORDER BY ended_at LIMIT 1) RETURNING id";
    /// `expire`
    EXPIRE_NOTICES = "DELETE FROM notices WHERE id IN (SELECT id FROM notices INDEXED BY notices_ended
        WHERE state = ? AND ended_at < ? ORDER BY ended_at LIMIT 1000)";
    /// `oldest`
    OLDEST_NOTICE = "SELECT ended_at FROM notices INDEXED BY notices_ended WHERE state = ? ORDER BY ended_at LIMIT 1";
    /// `page`
    NOTICES = shown!("notices WHERE webhook = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?");
    /// `page`
    NOTICES_IN_STATE = shown!("notices WHERE webhook = ? AND (created_at, id) < (?, ?) AND state = ?
        ORDER BY created_at DESC, id DESC LIMIT ?");
    /// `view`
    NOTICE = shown!("notices WHERE id = ? AND webhook = ?");
    /// `letter`
    LETTER = "SELECT webhook, event, run, created_at, body FROM notices WHERE id = ?";
}

/// The most notices that are kept. With bodies of at most 64 KB they have 640 MB; an object may have 10 GB.
pub const MAX_KEPT: u64 = 10_000;
/// The most of them that are to be sent.
pub const MAX_PENDING: u64 = 5_000;

/// A notice that is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub id: String,
    pub webhook: String,
    pub run: Option<RunId>,
    pub event: String,
    pub at: Millis,
    pub body: Option<String>,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    pub id: String,
    pub state: State,
    pub attempts: u32,
    pub first_at: Millis,
    /// Of a pending one.
    pub due_at: Option<Millis>,
    /// Of any other.
    pub ended_at: Option<Millis>,
    pub last_status: Option<u16>,
    pub last_error: Option<String>,
}

/// A notice that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub id: String,
    pub at: Millis,
    pub attempts: u32,
    pub first_at: Option<Millis>,
}

/// What is written of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub webhook: String,
    pub event: String,
    pub run: Option<RunId>,
    pub created_at: Millis,
    pub body: Option<String>,
}

const fn number_of(state: State) -> i64 {
    match state {
        State::Pending => 0,
        State::Sent => 1,
        State::Dead => 2,
    }
}

const fn state_of(number: i64) -> State {
    match number {
        0 => State::Pending,
        1 => State::Sent,
        _ => State::Dead,
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn optional(value: Option<&str>) -> Value {
    value.map_or(Value::Null, text)
}

fn moment(at: Option<Millis>) -> Value {
    at.map_or(Value::Null, |at| Value::Integer(at.0))
}

/// The first of a webhook's notices that are to be sent, at most so many.
///
/// # Errors
/// [`Error`]; here and below when SQLite refuses, or a row is not what this code writes.
pub fn due(sql: &impl Sql, webhook: &str, most: u32) -> Result<Vec<Due>, Error> {
    let rows = sql.query(&NOTICES_DUE, &[text(webhook), Value::Integer(most.into())])?;
    let read = |row: &Vec<Value>| {
        let mut columns = Columns::of(row);
        Ok(Due {
            id: columns.text()?.to_owned(),
            at: Millis(columns.integer()?),
            attempts: columns.number()?,
            first_at: columns.optional_integer()?.map(Millis),
        })
    };
    rows.iter().map(read).collect()
}

/// Keeps a notice, to be sent or, where `dead` says why not, given up already. One that is there stays as it is.
///
/// # Errors
/// [`Error`].
pub fn insert(sql: &impl Sql, notice: &Notice, dead: Option<&str>) -> Result<(), Error> {
    let state = if dead.is_some() { State::Dead } else { State::Pending };
    let values = [
        text(&notice.id),
        text(&notice.webhook),
        notice.run.map_or(Value::Null, |run| Value::Text(run.to_string())),
        text(&notice.event),
        Value::Integer(number_of(state)),
        Value::Integer(notice.at.0),
        moment(dead.is_none().then_some(notice.at)),
        moment(dead.is_some().then_some(notice.at)),
        optional(dead),
        optional(notice.body.as_deref()),
    ];
    sql.query(&INSERT_NOTICE, &values).map(drop)
}

/// # Errors
/// [`Error`].
pub fn tried(sql: &impl Sql, tried: &Tried) -> Result<(), Error> {
    let values = [
        Value::Integer(number_of(tried.state)),
        Value::Integer(tried.attempts.into()),
        Value::Integer(tried.first_at.0),
        moment(tried.due_at),
        moment(tried.ended_at),
        tried.last_status.map_or(Value::Null, |status| Value::Integer(status.into())),
        optional(tried.last_error.as_deref()),
        text(&tried.id),
    ];
    sql.query(&NOTICE_TRIED, &values).map(drop)
}

/// A notice begins anew, at this moment.
///
/// # Errors
/// [`Error`].
pub fn again(sql: &impl Sql, id: &str, now: Millis) -> Result<(), Error> {
    sql.query(&NOTICE_AGAIN, &[Value::Integer(now.0), text(id)]).map(drop)
}

/// # Errors
/// [`Error`].
pub fn set_body(sql: &impl Sql, id: &str, body: &str) -> Result<(), Error> {
    sql.query(&NOTICE_BODY, &[text(body), text(id)]).map(drop)
}

/// Gives up all that are to be sent; why.
///
/// # Errors
/// [`Error`].
pub fn give_up(sql: &impl Sql, why: &str, now: Millis) -> Result<(), Error> {
    sql.query(&GIVE_UP, &[Value::Integer(now.0), text(why)]).map(drop)
}

/// Gives up all of a webhook's notices that are to be sent; why.
///
/// # Errors
/// [`Error`].
pub fn kill(sql: &impl Sql, webhook: &str, why: &str, now: Millis) -> Result<(), Error> {
    sql.query(&KILL_NOTICES, &[Value::Integer(now.0), text(why), text(webhook)]).map(drop)
}

/// # Errors
/// [`Error`].
pub fn forget_webhook(sql: &impl Sql, webhook: &str) -> Result<(), Error> {
    sql.query(&DELETE_NOTICES_OF_WEBHOOK, &[text(webhook)]).map(drop)
}

/// Forgets what is about runs of this thread, whose 32 digits are given.
///
/// # Errors
/// [`Error`].
pub fn forget_thread(sql: &impl Sql, thread: &str) -> Result<(), Error> {
    sql.query(&DELETE_NOTICES_OF_THREAD, &[text(thread), Value::Text(format!("{thread}g"))]).map(drop)
}

/// Forgets what is about a run.
///
/// # Errors
/// [`Error`].
pub fn forget_run(sql: &impl Sql, run: &str) -> Result<(), Error> {
    sql.query(&DELETE_NOTICES_OF_RUN, &[text(run)]).map(drop)
}

/// # Errors
/// [`Error`].
pub fn forget(sql: &impl Sql, id: &str) -> Result<(), Error> {
    sql.query(&DELETE_NOTICE, &[text(id)]).map(drop)
}

/// How many there are, and how many of them are to be sent.
///
/// # Errors
/// [`Error`].
pub fn counts(sql: &impl Sql) -> Result<(u64, u64), Error> {
    let count = |query| {
        let rows = sql.query(query, &[])?;
        rows.first().map_or(Ok(0), |row| Columns::of(row).number())
    };
    Ok((count(&COUNT_NOTICES)?, count(&COUNT_PENDING)?))
}

/// Forgets the oldest that was sent, else the oldest that was given up; whether there was one.
///
/// # Errors
/// [`Error`].
pub fn evict(sql: &impl Sql) -> Result<bool, Error> {
    for state in [State::Sent, State::Dead] {
        if !sql.query(&EVICT_NOTICE, &[Value::Integer(number_of(state))])?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Forgets those in this state that ended before this moment, at most 1,000.
///
/// # Errors
/// [`Error`].
pub fn expire(sql: &impl Sql, state: State, before: Millis) -> Result<(), Error> {
    sql.query(&EXPIRE_NOTICES, &[Value::Integer(number_of(state)), Value::Integer(before.0)]).map(drop)
}

/// When the first of those in this state ended.
///
/// # Errors
/// [`Error`].
pub fn oldest(sql: &impl Sql, state: State) -> Result<Option<Millis>, Error> {
    let rows = sql.query(&OLDEST_NOTICE, &[Value::Integer(number_of(state))])?;
    rows.first().map(|row| Columns::of(row).integer().map(Millis)).transpose()
}

/// One more than the page has, so that it is known whether there are more.
///
/// # Errors
/// [`Error`].
pub fn page(sql: &impl Sql, list: &Notices) -> Result<Vec<NoticeView>, Error> {
    /// Behind every moment.
    const NEWEST: i64 = (1 << 53) - 1;
    let (at, id) = list.after.as_ref().map_or((NEWEST, ""), |after| (after.at.0, after.id.as_str()));
    let (at, limit) = (Value::Integer(at), Value::Integer(i64::from(list.limit) + 1));
    let rows = match list.status {
        None => sql.query(&NOTICES, &[text(&list.webhook), at, text(id), limit])?,
        Some(state) => {
            let state = Value::Integer(number_of(state));
            sql.query(&NOTICES_IN_STATE, &[text(&list.webhook), at, text(id), state, limit])?
        }
    };
    rows.iter().map(|row| view_of(row)).collect()
}

/// # Errors
/// [`Error`].
pub fn view(sql: &impl Sql, id: &str, webhook: &str) -> Result<Option<NoticeView>, Error> {
    let rows = sql.query(&NOTICE, &[text(id), text(webhook)])?;
    rows.first().map(|row| view_of(row)).transpose()
}

fn view_of(row: &[Value]) -> Result<NoticeView, Error> {
    let mut columns = Columns::of(row);
    let status = |number: i64| u16::try_from(number).unwrap_or_default();
    Ok(NoticeView {
        id: columns.text()?.to_owned(),
        event: columns.text()?.to_owned(),
        run: columns.optional_text()?.map(str::to_owned),
        status: state_of(columns.integer()?),
        attempts: columns.number()?,
        last_status: columns.optional_integer()?.map(status),
        last_error: columns.optional_text()?.map(str::to_owned),
        next_at: columns.optional_integer()?.map(Millis),
        created_at: Millis(columns.integer()?),
        ended_at: columns.optional_integer()?.map(Millis),
    })
}

/// # Errors
/// [`Error`].
pub fn letter(sql: &impl Sql, id: &str) -> Result<Option<Letter>, Error> {
    let rows = sql.query(&LETTER, &[text(id)])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut columns = Columns::of(row);
    Ok(Some(Letter {
        webhook: columns.text()?.to_owned(),
        event: columns.text()?.to_owned(),
        run: columns.optional(RunId::parse)?,
        created_at: Millis(columns.integer()?),
        body: columns.optional_text()?.map(str::to_owned),
    }))
}
