//! What stands beside an answer, read so that a strange record never breaks the answer: of another type, it reads as
//! missing.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::value::RawValue;

/// A number of tokens; `None` for whatever is not one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Count(pub Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(count(<&RawValue>::deserialize(deserializer)?.get())))
    }
}

/// The number of a choice or a call, which some write as a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Index(pub Option<u32>);

impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let number = count(raw.get().trim_matches('"'));
        Ok(Self(number.map(|number| u32::try_from(number).unwrap_or(u32::MAX))))
    }
}

/// A record or a text; `None` for whatever is of another shape. A record is not read from a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lenient<T>(pub Option<T>);

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        Ok(Self(if raw.starts_with('[') { None } else { serde_json::from_str(raw).ok() }))
    }
}

/// A count, also one written with a point, as servers in languages without integers do.
fn count(text: &str) -> Option<u64> {
    if let Ok(count) = serde_json::from_str::<u64>(text) {
        return Some(count);
    }
    let number = serde_json::from_str::<f64>(text).ok()?;
    // 2^53: beyond it a float is no longer exact.
    ((0.0..=9_007_199_254_740_992.0).contains(&number)).then(|| number.ceil() as u64)
}
