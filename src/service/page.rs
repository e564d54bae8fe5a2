//! Pages of a list: how many rows, and where the next page goes on.

use crate::domain::field_error::FieldErrors;

use super::failure::Failure;

/// Rows of a page when nothing is said.
pub const DEFAULT_LIMIT: u32 = 50;
/// The most rows of a page.
pub const MAX_LIMIT: u32 = 200;

/// Which page is asked for, as it was written.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub limit: Option<String>,
    pub cursor: Option<String>,
}

/// A page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Gets the next page; `None` at the end.
    pub next_cursor: Option<String>,
}

/// A request understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut<C> {
    limit: u32,
    pub(super) after: Option<C>,
}

impl Request {
    pub(super) fn parse<C>(&self, cursor: impl Fn(&str) -> Option<C>) -> Result<Cut<C>, Failure> {
        self.parse_up_to(MAX_LIMIT, cursor)
    }

    /// The same of a list whose pages are shorter.
    pub(super) fn parse_up_to<C>(
        &self,
        most: u32,
        cursor: impl Fn(&str) -> Option<C>,
    ) -> Result<Cut<C>, Failure> {
        let mut errors = FieldErrors::default();
        let limit = match self.limit.as_deref().map(str::parse::<u32>) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=most).contains(&limit) => limit,
            Some(_) => {
                errors.add("limit", format!("write a whole number from 1 to {most}"));
                DEFAULT_LIMIT
            }
        };
        let after = self.cursor.as_deref().map(cursor);
        if after.as_ref().is_some_and(Option::is_none) {
            errors.add("cursor", "is not a cursor of this list: give next_cursor as it was answered");
        }
        errors.finish()?;
        Ok(Cut { limit, after: after.flatten() })
    }
}

impl Request {
    /// The page of a list that is short enough to be read as a whole: all of it, when neither `limit` nor `cursor` says
    /// otherwise.
    pub(super) fn of_whole<T>(
        &self,
        mut rows: Vec<T>,
        name: impl Fn(&T) -> String,
    ) -> Result<Page<T>, Failure> {
        let cut = self.parse(|cursor| Some(cursor.to_owned()))?;
        if self.limit.is_none() && self.cursor.is_none() {
            return Ok(Page { rows, next_cursor: None });
        }
        if let Some(after) = &cut.after {
            rows.retain(|row| name(row) > *after);
        }
        Ok(cut.page(rows, name))
    }
}

impl<C> Cut<C> {
    /// The rows of the page.
    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    /// One row more than the page has, to know whether there is a next one.
    pub(super) const fn fetch(&self) -> u32 {
        self.limit + 1
    }

    /// The page of what was fetched; `cursor` names the last row on it.
    pub(super) fn page<T>(&self, mut rows: Vec<T>, cursor: impl Fn(&T) -> String) -> Page<T> {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(cursor);
        Page { rows, next_cursor }
    }
}
