//! Lists as they are asked for and answered: `?limit&cursor`, `{"data": […], "next_cursor": …}`.

use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::service::page::{Page, Request};

use super::body::Json;
use super::query::query;

/// The query of a list. Numbers are read by the service, so that all faults are told at once.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many, from 1 to 200; 50 when left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    #[param(inline)]
    format: Option<Format>,
}

/// `object` when left out; as an `array` the rows alone, with the next cursor in the header `x-next-cursor`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ListFormat)]
pub enum Format {
    #[default]
    Object,
    Array,
}

/// A page as it was asked for.
#[derive(Debug)]
pub struct Listed<T>(pub List<T>, pub Format);

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        let Self(list, format) = self;
        if format == Format::Object {
            return Json(list).into_response();
        }
        let cursor = list.next_cursor.and_then(|cursor| HeaderValue::try_from(cursor).ok());
        (cursor.map(|cursor| [(NEXT_CURSOR, cursor)]), Json(list.data)).into_response()
    }
}

const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");

query!(PageQuery);

/// The form of a list that is shown whole.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FormatQuery {
    #[param(inline)]
    format: Option<Format>,
}

query!(FormatQuery);

impl FormatQuery {
    /// All rows in the format that was asked for.
    pub fn whole<T>(&self, data: Vec<T>) -> Listed<T> {
        Listed(List { data, next_cursor: None }, self.format.unwrap_or_default())
    }
}

impl PageQuery {
    pub fn request(&self) -> Request {
        Request { limit: self.limit.clone(), cursor: self.cursor.clone() }
    }

    /// The page in the format that was asked for.
    pub fn answer<R, T>(&self, page: Page<R>, render: impl FnMut(R) -> T) -> Listed<T> {
        Listed(List::of(page, render), self.format.unwrap_or_default())
    }
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    pub data: Vec<T>,
    /// Give it as `cursor` to get the next page; null at the end.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    pub fn of<R>(page: Page<R>, render: impl FnMut(R) -> T) -> Self {
        Self { data: page.rows.into_iter().map(render).collect(), next_cursor: page.next_cursor }
    }
}
