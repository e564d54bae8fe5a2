//! Money: integer nano-dollars in code and storage, a decimal string of US dollars in JSON.
//!
//! No float ever touches an amount: JSON numbers are read by their digits.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

/// Nano-dollars in one US dollar.
const PER_USD: u64 = 1_000_000_000;

/// An amount of money in nano-dollars (1 USD = 10⁹), never negative.
///
/// Amounts cross JavaScript as f64, so everything that is stored stays below 2⁵³ (about nine million dollars).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(u64);

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("write an amount of US dollars such as \"12.50\"")]
    NotDecimal,
    #[error("an amount has at most 9 decimals (a nano-dollar)")]
    TooPrecise,
    #[error("an amount must be at most 9000000 dollars")]
    TooLarge,
}

impl Nanos {
    pub const ZERO: Self = Self(0);
    /// Nine million dollars: the largest amount below 2⁵³ nano-dollars that is a round figure.
    pub const MAX: Self = Self(9_000_000 * PER_USD);

    /// From nano-dollars, clamped to [`Nanos::MAX`].
    pub const fn new(nanos: u64) -> Self {
        if nanos > Self::MAX.0 { Self::MAX } else { Self(nanos) }
    }

    pub const fn get(self) -> u64 {
        self.0
    }

    /// Nano-dollars as the signed integer that SQLite stores.
    pub const fn to_i64(self) -> i64 {
        self.0.cast_signed()
    }

    /// From a stored integer; a negative one, which no constraint lets in, reads as zero.
    pub const fn from_i64(stored: i64) -> Self {
        if stored < 0 { Self::ZERO } else { Self::new(stored.cast_unsigned()) }
    }

    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Reads `12`, `12.5` or `0.000000001` dollars.
    ///
    /// # Errors
    /// [`ParseError`] for signs, exponents, more than nine decimals or more than [`Nanos::MAX`].
    pub fn parse_usd(text: &str) -> Result<Self, ParseError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(ParseError::NotDecimal);
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 9 {
            return Err(ParseError::TooPrecise);
        }
        let whole: u64 = whole.parse().map_err(|_| ParseError::TooLarge)?;
        let below: u64 = format!("{fraction:0<9}").parse().map_err(|_| ParseError::NotDecimal)?;
        let nanos =
            whole.checked_mul(PER_USD).and_then(|n| n.checked_add(below)).ok_or(ParseError::TooLarge)?;
        if nanos > Self::MAX.0 { Err(ParseError::TooLarge) } else { Ok(Self(nanos)) }
    }
}

impl fmt::Display for Nanos {
    /// US dollars with at least six and at most nine decimals: `0.000150`, `12.500000`, `0.000000001`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:09}", self.0 % PER_USD);
        let kept = fraction.trim_end_matches('0').len().max(6);
        write!(f, "{}.{}", self.0 / PER_USD, &fraction[..kept])
    }
}

impl Add for Nanos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Nanos {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Nanos {
    type Output = Self;
    /// Saturates at zero: an amount is never negative.
    fn sub(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}

impl std::iter::Sum for Nanos {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for Nanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Nanos {
    /// A JSON string or number of dollars.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Dollars)
    }
}

struct Dollars;

impl Visitor<'_> for Dollars {
    type Value = Nanos;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount of US dollars such as \"12.50\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Nanos, E> {
        Nanos::parse_usd(text).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Nanos, E> {
        self.visit_str(&whole.to_string())
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Nanos, E> {
        self.visit_str(&whole.to_string())
    }

    /// By the fewest digits that mean this number, which are those that were sent: it had at most 15. Rust writes
    /// them without an exponent.
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Nanos, E> {
        self.visit_str(&number.to_string())
    }
}

/// For messages between our own parts: `#[serde(with = "money::as_integer")]` writes nano-dollars.
pub mod as_integer {
    use super::{Deserialize, Deserializer, Nanos, Serializer};

    pub fn serialize<S: Serializer>(amount: &Nanos, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(amount.0)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Nanos, D::Error> {
        u64::deserialize(deserializer).map(Nanos::new)
    }
}

/// As [`as_integer`], for an amount that may be missing.
pub mod as_optional_integer {
    use super::{Deserialize, Deserializer, Nanos, Serialize, Serializer};

    pub fn serialize<S: Serializer>(amount: &Option<Nanos>, serializer: S) -> Result<S::Ok, S::Error> {
        amount.map(Nanos::get).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Nanos>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Nanos::new))
    }
}

/// What the document says of US dollars as they are taken: a JSON string or number.
#[derive(Debug)]
pub struct DollarsSchema;

impl PartialSchema for DollarsSchema {
    fn schema() -> RefOr<Schema> {
        let of = |kind| ObjectBuilder::new().schema_type(SchemaType::Type(kind));
        let text = of(Type::String).pattern(Some(r"^\d+(\.\d{1,9})?$"));
        let number = of(Type::Number).minimum(Some(0)).maximum(Some(9_000_000));
        let about = "US dollars, with at most 9 decimals.";
        let one = OneOfBuilder::new().item(text).item(number).description(Some(about));
        Schema::from(one.examples(["12.50"]).build()).into()
    }
}

impl ToSchema for DollarsSchema {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_and_print_to_the_nano_dollar() {
        for (text, nanos, printed) in [
            ("0", 0, "0.000000"),
            ("0.000150", 150_000, "0.000150"),
            ("12.5", 12_500_000_000, "12.500000"),
            ("0.000000001", 1, "0.000000001"),
            ("9000000", 9_000_000_000_000_000, "9000000.000000"),
        ] {
            let amount = Nanos::parse_usd(text).unwrap();
            assert_eq!((amount.get(), amount.to_string().as_str()), (nanos, printed));
        }
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in ["", "-1", "+1", "1e3", ".5", "5.", "1,5", "NaN", "0x1", " 1", "９"] {
            assert_eq!(Nanos::parse_usd(text), Err(ParseError::NotDecimal), "{text:?}");
        }
        assert_eq!(Nanos::parse_usd("0.0000000001"), Err(ParseError::TooPrecise));
        assert_eq!(Nanos::parse_usd("9000000.000000001"), Err(ParseError::TooLarge));
        assert_eq!(Nanos::parse_usd("99999999999999999999999"), Err(ParseError::TooLarge));
    }

    #[test]
    fn json_takes_strings_and_numbers_and_gives_strings() {
        let read = |json: &str| serde_json::from_str::<Nanos>(json);
        assert_eq!(read("\"1.25\"").unwrap(), read("1.25").unwrap());
        assert_eq!(read("0.00000125").unwrap(), Nanos::new(1_250), "serde_json prints it as 1.25e-6");
        assert!(read("-1e-6").is_err());
        assert!(read("-1").is_err() && read("1e300").is_err() && read("null").is_err());
        assert_eq!(serde_json::to_string(&Nanos::new(150_000)).unwrap(), "\"0.000150\"");
    }
}
