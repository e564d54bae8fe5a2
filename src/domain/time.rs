//! Time: integer milliseconds since the epoch in code and storage, RFC 3339 in JSON, calendar periods in UTC.
//!
//! There is no clock here: the present arrives as an argument.

use chrono::{DateTime, Datelike, Months, NaiveTime, SecondsFormat, Utc};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

impl Millis {
    pub const fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; zero when it lies in the future.
    pub const fn since(self, earlier: Self) -> u64 {
        if self.0 > earlier.0 { (self.0 - earlier.0).cast_unsigned() } else { 0 }
    }

    /// Midnight (UTC) of this moment's day.
    pub fn start_of_day(self) -> Self {
        Self(self.0 - self.0.rem_euclid(DAY_MS))
    }

    pub fn start_of_next_day(self) -> Self {
        self.start_of_day().plus(DAY_MS)
    }

    /// Midnight (UTC) of the first day of this moment's month.
    pub fn start_of_month(self) -> Self {
        let date = self.date_time();
        date.date_naive()
            .with_day(1)
            .map_or(self, |first| Self(first.and_time(NaiveTime::MIN).and_utc().timestamp_millis()))
    }

    pub fn start_of_next_month(self) -> Self {
        let next = self.start_of_month().date_time().checked_add_months(Months::new(1));
        next.map_or(self, |moment| Self(moment.timestamp_millis()))
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-21T09:30:00.000Z`.
    pub fn to_rfc3339(self) -> String {
        self.date_time().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// The day in UTC: `2026-11-21`.
    pub fn to_date(self) -> String {
        self.date_time().format("%Y-%m-%d").to_string()
    }

    /// Reads an RFC 3339 moment with any offset; `None` when it is not one.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|moment| Self(moment.timestamp_millis()))
    }

    fn date_time(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).ok_or_else(|| {
            serde::de::Error::custom("write a moment as RFC 3339, such as 2026-12-31T00:00:00Z")
        })
    }
}

/// For messages between our own parts: `#[serde(with = "time::as_integer")]` writes milliseconds.
pub mod as_integer {
    use super::{Deserialize, Deserializer, Millis, Serializer};

    pub fn serialize<S: Serializer>(moment: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(moment.0)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Millis, D::Error> {
        i64::deserialize(deserializer).map(Millis)
    }
}

/// The same of a moment that may be missing.
pub mod as_optional_integer {
    use super::{Deserialize, Deserializer, Millis, Serialize, Serializer};

    pub fn serialize<S: Serializer>(moment: &Option<Millis>, serializer: S) -> Result<S::Ok, S::Error> {
        moment.map(|moment| moment.0).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Millis>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        Millis::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn periods_begin_and_end_at_utc_midnight() {
        let leap = at("2028-02-29T23:59:59.999Z");
        assert_eq!(leap.start_of_day(), at("2028-02-29T00:00:00Z"));
        assert_eq!(leap.start_of_next_day(), at("2028-03-01T00:00:00Z"));
        assert_eq!(leap.start_of_month(), at("2028-02-01T00:00:00Z"));
        assert_eq!(leap.start_of_next_month(), at("2028-03-01T00:00:00Z"));
        assert_eq!(at("2026-12-31T12:00:00Z").start_of_next_month(), at("2027-01-01T00:00:00Z"));
        assert_eq!(at("1969-12-31T12:00:00Z").start_of_day(), at("1969-12-31T00:00:00Z"));
    }

    #[test]
    fn offsets_are_read_and_utc_is_written() {
        assert_eq!(at("2026-11-21T10:30:00+01:00").to_rfc3339(), "2026-11-21T09:30:00.000Z");
        assert_eq!(Millis::parse_rfc3339("yesterday"), None);
    }
}
