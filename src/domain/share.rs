//! A share of a whole, such as 0.7.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A share in thousandths: equal shares are written alike, which binary fractions would not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u16);

impl Share {
    pub const fn of_thousandths(thousandths: u16) -> Self {
        Self(thousandths)
    }

    /// So much of a whole, rounded down.
    pub fn of(self, whole: u64) -> u64 {
        u64::try_from(u128::from(whole) * u128::from(self.0) / 1_000).unwrap_or(u64::MAX)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 1_000.0)
    }
}

impl<'de> Deserialize<'de> for Share {
    /// Rounds to thousandths; whoever has bounds checks them.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let thousandths = (f64::deserialize(deserializer)? * 1_000.0).round();
        if !(0.0..=f64::from(u16::MAX)).contains(&thousandths) {
            return Err(serde::de::Error::custom("this is no share: write a number such as 0.7"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in the range")]
        Ok(Self(thousandths as u16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_number_that_is_written_as_it_was_read() {
        for text in ["0.1", "0.7", "0.95", "0.333", "0.0", "1.0"] {
            let share: Share = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&share).unwrap(), text);
        }
        assert_eq!(serde_json::from_str::<Share>("0.70004").unwrap(), Share::of_thousandths(700));
        assert_eq!(Share::of_thousandths(700).of(u64::MAX), u64::MAX / 10 * 7 + 3);
        for text in ["-0.1", "70000", "\"0.7\"", "null", "1e300"] {
            assert!(serde_json::from_str::<Share>(text).is_err(), "{text}");
        }
    }
}
