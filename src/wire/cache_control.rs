//! `cache_control`: how Anthropic's protocol and OpenRouter's mark what is worth caching.

use serde::{Deserialize, Serialize};

use crate::domain::message::{CachePoint, CacheTtl};

/// `{"type": "ephemeral", "ttl": "1h"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(expecting = "an object with `type`: `ephemeral`")]
pub struct CacheControl {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<CacheTtl>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Ephemeral,
}

impl CacheControl {
    pub const fn of(point: CachePoint) -> Self {
        Self { kind: Kind::Ephemeral, ttl: point.ttl }
    }
}

impl From<CacheControl> for CachePoint {
    fn from(control: CacheControl) -> Self {
        Self { ttl: control.ttl }
    }
}
