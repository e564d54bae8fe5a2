//! `cache_control`: how Anthropic's protocol and OpenRouter's mark what is worth caching.

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::domain::message::{CachePoint, CacheTtl};
use crate::wire::client::object::objects;

/// `{"type": "ephemeral", "ttl": "1h"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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

/// The same, as it is read.
struct Body {
    kind: Option<Kind>,
    ttl: Option<CacheTtl>,
}

objects! {
    Body, "an object with `type`: `ephemeral`" { kind as "type", ttl }
}

impl<'de> Deserialize<'de> for CacheControl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Body { kind, ttl } = Body::deserialize(deserializer)?;
        Ok(Self { kind: kind.ok_or_else(|| D::Error::missing_field("type"))?, ttl })
    }
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
