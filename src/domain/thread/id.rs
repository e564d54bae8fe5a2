//! Names of threads, runs and their entries. Nothing is looked up on the way to an object: the thread's key stands in each
//! of them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::once::Hash;
use crate::domain::ids::{AccountId, AgentId};
use crate::domain::time::Millis;

/// The key of a thread: a UUID of version 7 where we chose it, of version 8 where the client named the
/// thread or the request that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ThreadKey(Uuid);

/// A client's own name for a thread: 1 to 128 of `A-Z`, `a-z`, `0-9` and `. _ : -`, and not in the form of a UUID, so that
/// `{thread}` in a path is a name or an id and never both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ThreadName(String);

/// Why a text is no thread's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a thread's name has 1 to 128 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', and is not a UUID")]
pub struct InvalidName;

impl ThreadKey {
    /// Of a thread that the client has not named.
    pub fn new(now: Millis, random: [u8; 10]) -> Self {
        Self(Builder::from_unix_timestamp_millis(now.0.max(0).cast_unsigned(), &random).into_uuid())
    }

    /// Of the account's thread with this name.
    pub fn of_name(account: AccountId, name: &ThreadName) -> Self {
        let digest = Sha256::new().chain_update(account.to_string()).chain_update(&name.0).finalize();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest).for_each(|(byte, of)| *byte = of);
        Self(Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Of the thread that an agent's caller makes by a request to this path, under an idempotency key and without a name.
    pub fn of_request(account: AccountId, agent: AgentId, path: &str, key: Hash) -> Self {
        let [account, agent, key] = [account.to_string(), agent.to_string(), key.to_string()];
        let parts = ["request", &account, &agent, path, &key];
        Self(Hash::of(&parts.map(str::as_bytes)).uuid())
    }

    /// Whether we have chosen it: then no request makes it a second time.
    pub fn is_ours(self) -> bool {
        self.0.get_version_num() == 7
    }

    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    pub const fn of_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Of the thread of the child that a call begins: the same however often it is begun.
    pub fn of_call(call: EntryId) -> Self {
        Self(Hash::of(&[b"child", call.to_string().as_bytes()]).uuid())
    }

    /// Reads a key with or without hyphens; `None` when the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let key = Uuid::try_parse(text).ok()?;
        matches!(key.get_version_num(), 7 | 8).then_some(Self(key))
    }
}

impl fmt::Display for ThreadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl ThreadName {
    const MAX_LEN: usize = 128;

    /// # Errors
    /// [`InvalidName`].
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let fits = (1..=Self::MAX_LEN).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'))
            && Uuid::try_parse(text).is_err()
            // Addresses lose these on their way.
            && !matches!(text, "." | "..");
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidName) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ThreadName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::parse(&text)
    }
}

impl From<ThreadName> for String {
    fn from(name: ThreadName) -> Self {
        name.0
    }
}

/// How a path names a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadRef {
    Key(ThreadKey),
    Name(ThreadName),
}

impl ThreadRef {
    /// `None` when the text can be neither.
    pub fn parse(text: &str) -> Option<Self> {
        ThreadKey::parse(text).map(Self::Key).or_else(|| ThreadName::parse(text).ok().map(Self::Name))
    }

    pub fn key(&self, account: AccountId) -> ThreadKey {
        match self {
            Self::Key(key) => *key,
            Self::Name(name) => ThreadKey::of_name(account, name),
        }
    }
}

/// A run: its thread's key as 32 digits of base 16, and its number in the thread as 8. What was appended without a run
/// belongs to number 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId {
    pub thread: ThreadKey,
    pub number: u32,
}

impl RunId {
    /// `None` when the text is no run's id.
    pub fn parse(text: &str) -> Option<Self> {
        let (key, number) = text.split_at_checked(32)?;
        let is_plain =
            text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        let number = u32::from_str_radix(number, 16).ok().filter(|_| is_plain)?;
        Some(Self { thread: ThreadKey::parse(key)?, number })
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:08x}", self.thread.0.as_simple(), self.number)
    }
}

/// What belongs to a run: an item, or something that it asks for. The run's id, a hyphen and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    pub run: RunId,
    pub number: u32,
}

impl EntryId {
    /// The run that answers this call of another agent: the first one of its own thread.
    pub fn child(self) -> RunId {
        RunId { thread: ThreadKey::of_call(self), number: 1 }
    }

    /// `None` when the text is no entry's id.
    pub fn parse(text: &str) -> Option<Self> {
        let (run, number) = text.split_once('-')?;
        let is_plain = !number.starts_with(['+', '0']) || number == "0";
        Some(Self { run: RunId::parse(run)?, number: number.parse().ok().filter(|_| is_plain)? })
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.run, self.number)
    }
}

macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom("this is no id of a run or an entry"))
            }
        }
    )*};
}

as_text!(RunId, EntryId);

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u8) -> AccountId {
        AccountId::new(Millis(1), [n; 10])
    }

    #[test]
    fn a_name_is_one_thread_in_its_account_and_another_in_every_other() {
        let name = ThreadName::parse("customer-42").unwrap();
        let key = ThreadKey::of_name(account(1), &name);
        assert_eq!(key, ThreadKey::of_name(account(1), &name));
        assert_ne!(key, ThreadKey::of_name(account(2), &name));
        assert_ne!(key, ThreadKey::of_name(account(1), &ThreadName::parse("customer-43").unwrap()));
        assert_eq!(key.to_string().as_bytes()[14], b'8');
        assert_eq!(ThreadRef::parse(&key.to_string()), Some(ThreadRef::Key(key)));
    }

    #[test]
    fn a_text_is_a_name_or_an_id_and_never_both() {
        let key = ThreadKey::new(Millis(1), [7; 10]);
        for text in [key.to_string(), key.0.as_simple().to_string(), key.to_string().to_uppercase()] {
            assert_eq!(ThreadRef::parse(&text), Some(ThreadRef::Key(key)), "{text}");
            assert!(ThreadName::parse(&text).is_err());
        }
        for text in ["", " ", "a/b", "ü", "a b", &"x".repeat(129)] {
            assert_eq!(ThreadRef::parse(text), None, "{text}");
        }
        for text in ["a", "tel:+49".trim_end_matches("+49"), "A.b_c:d-9", &"x".repeat(128)] {
            assert!(matches!(ThreadRef::parse(text), Some(ThreadRef::Name(_))), "{text}");
        }
        // No version of ours: no thread has it, and no name may look like it.
        assert_eq!(ThreadRef::parse("00000000-0000-4000-8000-000000000000"), None);
    }

    #[test]
    fn ids_lead_home() {
        let thread = ThreadKey::new(Millis(1_795_262_400_000), [9; 10]);
        let run = RunId { thread, number: 0x1f };
        assert_eq!(run.to_string().len(), 40);
        assert_eq!(RunId::parse(&run.to_string()), Some(run));
        let entry = EntryId { run, number: 12 };
        assert_eq!(EntryId::parse(&entry.to_string()), Some(entry));
        let child = entry.child();
        assert_eq!((child, child.number), (entry.child(), 1));
        assert_ne!(child.thread, EntryId { run, number: 13 }.child().thread);
        assert_eq!(RunId::parse(&child.to_string()), Some(child));
        let text = run.to_string();
        for wrong in
            [&text[1..], &format!("{text}0"), &text.to_uppercase(), &text.replace("0000001f", "+000001f")]
        {
            assert_eq!(RunId::parse(wrong), None, "{wrong}");
        }
        for wrong in [format!("{text}-"), format!("{text}-+1"), format!("{text}-01"), text.clone()] {
            assert_eq!(EntryId::parse(&wrong), None, "{wrong}");
        }
    }
}
