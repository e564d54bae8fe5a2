//! The key in a request: `Authorization: Bearer` or `x-api-key`.

use axum::http::{HeaderMap, header};

/// The key as it was presented; `None` when there is none. A bearer token wins over `x-api-key`.
pub fn presented(headers: &HeaderMap) -> Option<&str> {
    bearer(headers)
        .or_else(|| headers.get("x-api-key")?.to_str().ok())
        .map(str::trim)
        .filter(|key| !key.is_empty())
}

/// RFC 9110, §11.1: the scheme's case does not matter.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_key_is_found_where_clients_put_it() {
        for pairs in [
            &[("authorization", "Bearer k")][..],
            &[("authorization", "bearer  k ")],
            &[("x-api-key", "k")],
            &[("authorization", "Basic dTpw"), ("x-api-key", "k")],
            &[("authorization", "Bearer k"), ("x-api-key", "other")],
        ] {
            assert_eq!(presented(&headers(pairs)), Some("k"), "{pairs:?}");
        }
        for pairs in
            [&[][..], &[("authorization", "Bearer ")], &[("authorization", "k")], &[("x-api-key", "é")]]
        {
            assert_eq!(presented(&headers(pairs)), None, "{pairs:?}");
        }
    }
}
