//! Why a request is denied to a known caller.

use crate::domain::account::Role;
use crate::domain::scope::Scope;

/// Why somebody recognized may not do this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("needs role {}", .0.name())]
    Role(Role),
    #[error("lacks the scope {}", .0.name())]
    Scope(Scope),
    #[error("the operator is no account")]
    OperatorIsNoAccount,
    #[error("only for the operator")]
    OperatorOnly,
    /// Its configuration may be read, not written.
    #[error("the account is suspended")]
    Suspended,
}
