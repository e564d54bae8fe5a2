//! Lists as they are asked for and answered: `?limit&cursor`, `{"data": […], "next_cursor": …}`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::service::page::{Page, Request};

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
}

query!(PageQuery);

impl From<PageQuery> for Request {
    fn from(query: PageQuery) -> Self {
        Self { limit: query.limit, cursor: query.cursor }
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
