//! What a client is told of its calls a minute: `RateLimit-Policy` and `RateLimit`, of the IETF's draft
//! `draft-ietf-httpapi-ratelimit-headers-11`, Structured Fields (RFC 9651).

use axum::http::{HeaderName, HeaderValue};

use crate::service::call::Quota;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STANDING: HeaderName = HeaderName::from_static("ratelimit");
/// All of them.
pub const NAMES: [HeaderName; 2] = [POLICY, STANDING];

/// The policy is named `calls` and counted for the whole account: `q` calls in any `w` seconds; of those `r` are left,
/// and no more for `t` seconds.
pub fn headers(quota: &Quota) -> Vec<(HeaderName, HeaderValue)> {
    let policy = format!("\"calls\";q={};w=60", quota.limit);
    let standing = format!("\"calls\";r={};t={}", quota.remaining, quota.reset_s);
    let named = [(POLICY, policy), (STANDING, standing)].into_iter();
    named.filter_map(|(name, value)| Some((name, HeaderValue::try_from(value).ok()?))).collect()
}
