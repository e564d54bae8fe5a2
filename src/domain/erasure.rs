//! What becomes of what is kept of a person: it is erased, or a legal hold keeps it.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::ids::{AccountId, ErasureId};
use super::time::Millis;

/// The most characters of why there is a hold.
pub const MAX_REASON: usize = 1_000;

/// A person as a receipt names them: 64 hexadecimal digits, SHA-256 of the account's id, a zero byte and the user. Who has the
/// name can tell whose receipt it is; the receipt does not tell the name.
pub fn digest(account: AccountId, user: &str) -> String {
    let hash =
        Sha256::new().chain_update(account.to_string()).chain_update([0]).chain_update(user).finalize();
    hash.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// How far an erasure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ErasureStatus)]
pub enum Status {
    Running,
    /// A legal hold stops it. It goes on when that is taken away.
    Held,
    Done,
}

/// What an erasure has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Erasure)]
pub struct Receipt {
    #[schema(value_type = String, format = "uuid")]
    pub id: ErasureId,
    /// SHA-256 of the account's id, a zero byte and the user, in hexadecimal: whose receipt it is can be told by who has the name.
    #[schema(example = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef")]
    pub user_digest: String,
    pub status: Status,
    /// The key that asked for it, or `operator`.
    pub requested_by: String,
    /// What was there by then is erased.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Millis,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Millis>,
    /// Threads that were deleted.
    pub threads: u32,
    /// Runs in threads of others of which nothing that was said is left.
    pub runs: u32,
    /// Memories that were deleted.
    pub memories: u32,
    /// What they said in runs of others, and of theirs in forks of threads of others.
    #[serde(default)]
    pub items: u32,
}

/// A legal hold: nothing of this person is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub user: String,
    pub reason: Option<String>,
    /// Who placed it: a key's id, or `operator`.
    pub placed_by: String,
    pub placed_at: Millis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_tells_persons_and_accounts_apart() {
        let [one, two] = [1, 2].map(|n| AccountId::new(Millis(1), [n; 10]));
        assert_eq!(digest(one, "ada"), digest(one, "ada"));
        let digests = [digest(one, "ada"), digest(one, "Ada"), digest(two, "ada"), digest(one, "")];
        assert_eq!(digests.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
        assert!(digests.iter().all(|digest| digest.len() == 64));
    }
}
