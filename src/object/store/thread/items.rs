//! The transcript's rows.

use super::{MAX_TEXT, integer, json, number, read};
use crate::domain::message::stored;
use crate::domain::thread::item::Item;
use crate::domain::thread::voice::Spoken;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::{Query, queries};

queries! {
    /// `write_item`
    WRITE_ITEM = "INSERT INTO items (position, run, entry, step, at, bytes, message, stands_for, voice, said_at, of_run)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    /// `write_item`: what is too long for one row.
    WRITE_PIECE = "INSERT INTO pieces (position, piece, text) VALUES (?, ?, ?)";
    /// `items`, in order: how much they are, before any of it is read.
    SIZES_AFTER = "SELECT position, bytes FROM items WHERE position > ? ORDER BY position LIMIT ?";
    /// `items`, newest first.
    SIZES_BEFORE = "SELECT position, bytes FROM items WHERE position < ? ORDER BY position DESC LIMIT ?";
    /// `between`
    ITEMS_BETWEEN = "SELECT position, run, entry, step, at, bytes, stands_for, message, voice, said_at, of_run FROM items
        WHERE position BETWEEN ? AND ? ORDER BY position";
    /// `between`: the rest of a long message.
    PIECES = "SELECT text FROM pieces WHERE position = ? ORDER BY piece";
    /// `position_of`
    POSITION_OF = "SELECT position FROM items WHERE position >= ? AND run = ? AND entry = ? ORDER BY position LIMIT 1";
    /// `place_until`
    PLACE_UNTIL = "SELECT position, run, entry FROM items WHERE position <= ? ORDER BY position DESC LIMIT 1";
    /// `last_item`
    LAST_ITEM = "SELECT position FROM items ORDER BY position DESC LIMIT 1";
    /// `size_between`
    SIZE_BETWEEN = "SELECT count(*), coalesce(sum(bytes), 0) FROM
        (SELECT bytes FROM items WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?)";
    /// `messages_between`: how many, without summaries.
    MESSAGES_BETWEEN = "SELECT count(*) FROM
        (SELECT 1 FROM items WHERE position BETWEEN ? AND ? AND stands_for IS NULL ORDER BY position LIMIT ?)";
    /// `run_before`: of the last item before a position that has one.
    RUN_BEFORE = "SELECT run FROM items WHERE position < ? AND run > 0 ORDER BY position DESC LIMIT 1";
    /// `summary_until`
    SUMMARY_UNTIL = "SELECT position FROM items WHERE position <= ? AND stands_for IS NOT NULL
        ORDER BY position DESC LIMIT 1";
    /// `bytes`
    BYTES = "SELECT coalesce(sum(bytes), 0) FROM items WHERE position > 0";
    /// `take_back`
    BYTES_BACK = "SELECT coalesce(sum(bytes), 0) FROM items WHERE position >= ? AND run = ?";
    /// `take_back`: what a run wrote from its first item on.
    DELETE_ITEMS = "DELETE FROM items WHERE position >= ? AND run = ?";
    /// `delete_item`
    DELETE_ONE_ITEM = "DELETE FROM items WHERE position = ?";
    /// `delete_item`
    DELETE_PIECES_OF = "DELETE FROM pieces WHERE position = ?";
    /// `delete_summaries`
    BYTES_OF_SUMMARIES = "SELECT coalesce(sum(bytes), 0) FROM items WHERE position >= ? AND stands_for IS NOT NULL";
    /// `delete_summaries`
    DELETE_SUMMARIES = "DELETE FROM items WHERE position >= ? AND stands_for IS NOT NULL";
    /// `take_back`, `delete_summaries`
    DELETE_PIECES = "DELETE FROM pieces WHERE position >= ? AND position NOT IN (SELECT position FROM items WHERE position >= ?)";
}

pub(super) fn all() -> impl Iterator<Item = &'static Query> {
    QUERIES.iter()
}

/// # Errors
/// [`Error`].
pub fn last_item(sql: &impl Sql) -> Result<u64, Error> {
    number(sql, &LAST_ITEM).map(Option::unwrap_or_default)
}

/// How many items stand from a position up to another, and their bytes; no more than so many are counted.
///
/// # Errors
/// [`Error`].
pub fn size_between(sql: &impl Sql, from: u64, until: u64, limit: u32) -> Result<(u64, u64), Error> {
    let values = [integer(from), integer(until), Value::Integer(limit.into())];
    let rows = sql.query(&SIZE_BETWEEN, &values)?;
    let Some(row) = rows.first() else { return Ok((0, 0)) };
    let mut columns = Columns::of(row);
    Ok((columns.number()?, columns.number()?))
}

/// The bytes of all items.
///
/// # Errors
/// [`Error`].
pub fn bytes(sql: &impl Sql) -> Result<u64, Error> {
    number(sql, &BYTES).map(Option::unwrap_or_default)
}

/// Writes an item; its bytes.
///
/// # Errors
/// [`Error`].
pub fn write_item(sql: &impl Sql, item: &Item) -> Result<u64, Error> {
    let text = stored::write(&item.message);
    let mut pieces = cut(&text).into_iter();
    let numbers = [item.run, item.entry, item.step].map(|number| Value::Integer(number.into()));
    let [run, entry, step] = numbers;
    let (position, at, bytes) =
        (integer(item.position), Value::Integer(item.at.0), integer(text.len() as u64));
    let first = Value::Text(pieces.next().unwrap_or_default().to_owned());
    let stands_for = item.stands_for.as_ref().map_or(Ok(Value::Null), json)?;
    let mut values = vec![position.clone(), run, entry, step, at, bytes, first, stands_for];
    values.extend(item.by.map_or([Value::Null, Value::Null, Value::Null], |by| {
        [Value::Integer(by.voice.into()), Value::Integer(by.at.0), Value::Integer(by.of_run.into())]
    }));
    sql.query(&WRITE_ITEM, &values)?;
    for (n, piece) in pieces.enumerate() {
        sql.query(&WRITE_PIECE, &[position.clone(), integer(n as u64), Value::Text(piece.to_owned())])?;
    }
    Ok(text.len() as u64)
}

/// A text in pieces that a row takes.
fn cut(mut text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    while text.len() > MAX_TEXT {
        let (piece, rest) = text.split_at(text.floor_char_boundary(MAX_TEXT));
        pieces.push(piece);
        text = rest;
    }
    pieces.push(text);
    pieces
}

/// A part of the transcript.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    After(u64),
    /// Newest first.
    Before(u64),
}

/// At most `limit` items of a part, and no more than `bytes` bytes, but one at least; whether there are more.
///
/// # Errors
/// [`Error`].
pub fn items(sql: &impl Sql, part: Part, limit: u32, bytes: u64) -> Result<(Vec<Item>, bool), Error> {
    let (items, has_more) = sized_items(sql, part, limit, bytes)?;
    Ok((items.into_iter().map(|(item, _)| item).collect(), has_more))
}

/// The same, with their bytes.
///
/// # Errors
/// [`Error`].
pub fn sized_items(
    sql: &impl Sql,
    part: Part,
    limit: u32,
    bytes: u64,
) -> Result<(Vec<(Item, u64)>, bool), Error> {
    let (query, from) = match part {
        Part::After(position) => (&SIZES_AFTER, position),
        Part::Before(position) => (&SIZES_BEFORE, position),
    };
    let sizes = sql.query(query, &[integer(from), Value::Integer(i64::from(limit) + 1)])?;
    let (mut ends, mut read, mut count) = (None::<(u64, u64)>, 0_u64, 0);
    for row in &sizes {
        let mut columns = Columns::of(row);
        let (position, size): (u64, u64) = (columns.number()?, columns.number()?);
        read = read.saturating_add(size);
        if count >= limit as usize || read > bytes && count > 0 {
            break;
        }
        let (first, last) = ends.unwrap_or((position, position));
        ends = Some((first.min(position), last.max(position)));
        count += 1;
    }
    let Some((first, last)) = ends else { return Ok((Vec::new(), false)) };
    let mut items = between(sql, first, last)?;
    if matches!(part, Part::Before(_)) {
        items.reverse();
    }
    Ok((items, count < sizes.len()))
}

/// The items from a position up to another, in order, with their bytes.
///
/// # Errors
/// [`Error`].
pub fn between(sql: &impl Sql, first: u64, last: u64) -> Result<Vec<(Item, u64)>, Error> {
    let rows = sql.query(&ITEMS_BETWEEN, &[integer(first), integer(last)])?;
    rows.iter().map(|row| item(sql, row)).collect()
}

fn item(sql: &impl Sql, row: &[Value]) -> Result<(Item, u64), Error> {
    let mut columns = Columns::of(row);
    let position = columns.number()?;
    let (run, entry, step) = (columns.number()?, columns.number()?, columns.number()?);
    let at = Millis(columns.integer()?);
    let bytes: u64 = columns.number()?;
    let stands_for =
        columns.optional_text()?.map(|text| read("what an item stands for", text)).transpose()?;
    let first = columns.text()?;
    let message = if first.len() as u64 == bytes {
        stored::read(first)
    } else {
        let mut text = first.to_owned();
        for piece in sql.query(&PIECES, &[integer(position)])? {
            text.push_str(Columns::of(&piece).text()?);
        }
        stored::read(&text)
    };
    let message = message.map_err(|error| Error::Decode(format!("item {position}: {error}")))?;
    let (voice, said_at) = (columns.optional_integer()?, columns.optional_integer()?);
    let of_run = columns.optional_integer()? == Some(1);
    let spoken = |voice, at| Some(Spoken { voice: u32::try_from(voice).ok()?, at: Millis(at), of_run });
    let by = voice.zip(said_at).and_then(|(voice, at)| spoken(voice, at));
    Ok((Item { position, run, entry, step, at, message, stands_for, by }, bytes))
}

/// How many items stand from a position up to another that are no summaries; no more than so many are counted.
///
/// # Errors
/// [`Error`].
pub fn messages_between(sql: &impl Sql, from: u64, until: u64, limit: u32) -> Result<u64, Error> {
    let rows =
        sql.query(&MESSAGES_BETWEEN, &[integer(from), integer(until), Value::Integer(limit.into())])?;
    rows.first().map_or(Ok(0), |row| Columns::of(row).number())
}

/// The run of the last item before a position that has one.
///
/// # Errors
/// [`Error`].
pub fn run_before(sql: &impl Sql, position: u64) -> Result<Option<u32>, Error> {
    let rows = sql.query(&RUN_BEFORE, &[integer(position)])?;
    rows.first().map(|row| Columns::of(row).number()).transpose()
}

/// The newest summary up to a position.
///
/// # Errors
/// [`Error`].
pub fn summary_until(sql: &impl Sql, until: u64) -> Result<Option<Item>, Error> {
    let rows = sql.query(&SUMMARY_UNTIL, &[integer(until)])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let position: u64 = Columns::of(row).number()?;
    Ok(between(sql, position, position)?.into_iter().next().map(|(item, _)| item))
}

/// The position, run and entry of the last item up to a position.
///
/// # Errors
/// [`Error`].
pub fn place_until(sql: &impl Sql, until: u64) -> Result<Option<(u64, u32, u32)>, Error> {
    let rows = sql.query(&PLACE_UNTIL, &[integer(until)])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut columns = Columns::of(row);
    Ok(Some((columns.number()?, columns.number()?, columns.number()?)))
}

/// Where an item of a run stands, whose first item is at `from`.
///
/// # Errors
/// [`Error`].
pub fn position_of(sql: &impl Sql, from: u64, run: u32, entry: u32) -> Result<Option<u64>, Error> {
    let [run, entry] = [run, entry].map(|number| Value::Integer(number.into()));
    let rows = sql.query(&POSITION_OF, &[integer(from), run, entry])?;
    rows.first().map(|row| Columns::of(row).number()).transpose()
}

/// Takes back what a run wrote, from its first item on; how many bytes that were.
///
/// # Errors
/// [`Error`].
pub fn take_back(sql: &impl Sql, run: u32, from: u64) -> Result<u64, Error> {
    let those = [integer(from), Value::Integer(run.into())];
    let rows = sql.query(&BYTES_BACK, &those)?;
    let bytes = rows.first().map_or(Ok(0), |row| Columns::of(row).number())?;
    sql.query(&DELETE_ITEMS, &those)?;
    sql.query(&DELETE_PIECES, &[integer(from), integer(from)])?;
    Ok(bytes)
}

/// Removes one; how many bytes it was.
///
/// # Errors
/// [`Error`].
pub fn delete_item(sql: &impl Sql, position: u64) -> Result<u64, Error> {
    let (_, bytes) = size_between(sql, position, position, 1)?;
    sql.query(&DELETE_ONE_ITEM, &[integer(position)])?;
    sql.query(&DELETE_PIECES_OF, &[integer(position)])?;
    Ok(bytes)
}

/// Removes the summaries from a position on; how many bytes they were.
///
/// # Errors
/// [`Error`].
pub fn delete_summaries(sql: &impl Sql, from: u64) -> Result<u64, Error> {
    let rows = sql.query(&BYTES_OF_SUMMARIES, &[integer(from)])?;
    let bytes = rows.first().map_or(Ok(0), |row| Columns::of(row).number())?;
    sql.query(&DELETE_SUMMARIES, &[integer(from)])?;
    sql.query(&DELETE_PIECES, &[integer(from), integer(from)])?;
    Ok(bytes)
}
