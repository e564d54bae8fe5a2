//! What an operation of a face asks of who calls it.

use super::scope::Scope;

/// What an operation of a face asks of who calls it: a key that may call the agent and has the scope, or else one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// What a key must have.
    pub scope: Scope,
    /// Whether a key does at all.
    pub key: bool,
    /// Whether a token of the thread does.
    pub token: bool,
    /// Whether a public agent needs neither.
    pub anonymous: bool,
}

impl Right {
    /// A call; with a token or an anonymous caller's thread only on that.
    pub const CALL: Self = Self { scope: Scope::Calls, key: true, token: true, anonymous: true };
    /// A call on a thread, which has an owner.
    pub const CALL_ON_THREAD: Self = Self { anonymous: false, ..Self::CALL };

    /// Of a key with this scope, and of nobody else.
    pub const fn of_key(scope: Scope) -> Self {
        Self { scope, key: true, token: false, anonymous: false }
    }

    /// Of a key with this scope, or a token of the thread.
    pub const fn of_thread(scope: Scope) -> Self {
        Self { scope, key: true, token: true, anonymous: false }
    }

    /// Of a token of a thread, which was issued with a key of this scope, and of nobody else.
    pub const fn of_token(scope: Scope) -> Self {
        Self { scope, key: false, token: true, anonymous: false }
    }
}
