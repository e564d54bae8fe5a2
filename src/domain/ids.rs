//! Identifiers: UUIDv7, one type per thing, so that an agent's id cannot be passed for an account's.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use super::time::Millis;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A UUIDv7 of this moment and these random bytes.
            pub fn new(now: Millis, random: [u8; 10]) -> Self {
                Self(Builder::from_unix_timestamp_millis(now.0.max(0).cast_unsigned(), &random).into_uuid())
            }

            /// When it was made, by the clock of who made it.
            pub const fn made_at(&self) -> Millis {
                Millis((self.0.as_u128() >> 80).cast_signed() as i64)
            }

            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }

            pub const fn of_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// `None` when the text is not a UUID.
            pub fn parse(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }
    };
}

id!(
    /// A tenant.
    AccountId
);
id!(
    /// An agent.
    AgentId
);
id!(
    /// An API key's row (not its secret).
    KeyId
);
id!(
    /// One governed call; settling is idempotent by it.
    CallId
);
id!(
    /// A row of the change log.
    ChangeId
);
id!(
    /// A person of an account.
    MemberId
);
id!(
    /// Something that is remembered.
    MemoryId
);
id!(
    /// The erasure of a person, and its receipt.
    ErasureId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_and_sort_by_time() {
        let early = CallId::new(Millis(1_000), [255; 10]);
        let late = CallId::new(Millis(1_001), [0; 10]);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(early.to_string().as_bytes()[14], b'7');
        assert_eq!(CallId::parse(&late.to_string()), Some(late));
        assert_eq!(CallId::parse("nonsense"), None);
    }
}
