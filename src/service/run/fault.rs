//! What an error of a call means for its run.

use serde_json::{Value, json};

use crate::domain::run::compacting::REJECTED;
use crate::domain::run::happening::Fault;
use crate::domain::run::state::Failure;
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::call::Error;
use crate::wire::provider::TOO_LONG;

/// A call of a run on its way.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    pub at: Millis,
    /// What is said of errors is read by a caller who is none of the account's.
    pub is_of_stranger: bool,
}

/// What an error of a call means for its run, and the journal with it.
pub(super) fn of<W: World>(app: &App<W>, error: Error, begun: Begun, mut journal: Value) -> (Fault, Value) {
    let said = if begun.is_of_stranger {
        app.world.log(&format!("a run of a stranger's: {error}"));
        error.clone().for_stranger().to_string()
    } else {
        error.to_string()
    };
    journal["error"] = json!(said);
    let [noise] = app.world.random();
    (fault(&error, &said, app.world.now(), noise), journal)
}

/// What an error of a call means for its run, in the words that its caller reads.
fn fault(error: &Error, said: &str, now: Millis, noise: u8) -> Fault {
    let failure = |code: &str| Failure::new(code, said);
    let transient = |code, at| Fault::Transient { failure: failure(code), at, broke_off: None };
    let in_seconds = |s: u32| Some(now.plus(i64::from(s) * 1_000));
    match error {
        // Others of the agent or the account hold for a moment what most of them will not spend.
        Error::BudgetExceeded { is_held: true, .. } => Fault::Place { at: None, noise },
        Error::BudgetExceeded { resets_at, .. } => Fault::Budget { resets_at: *resets_at },
        Error::RunBudget { .. } => Fault::RunBudget,
        Error::Concurrency { .. } => Fault::Place { at: None, noise },
        Error::Rate(quota) => Fault::Place { at: in_seconds(quota.reset_s), noise },
        Error::Busy { is_limited, retry_after_s, given, .. } if !given.is_unpaid => {
            let code = if *is_limited { "upstream_rate_limited" } else { "upstream_error" };
            transient(code, retry_after_s.and_then(in_seconds))
        }
        Error::Upstream(_) => transient("upstream_error", None),
        Error::UpstreamTimeout => transient("upstream_timeout", None),
        Error::Unavailable => transient("unavailable", None),
        Error::Unauthenticated(_) | Error::KeyNotForAgent | Error::KeyLacksScope(_) => {
            Fault::Final(failure("unauthenticated"))
        }
        Error::AccountSuspended => Fault::Final(failure("account_suspended")),
        Error::NotActive { .. } => Fault::Final(failure("agent_not_active")),
        Error::Archived(_) => Fault::Final(failure("agent_archived")),
        Error::NoSuchAgent | Error::NoSuchVersion(_) => Fault::Final(failure("not_found")),
        Error::Rejected { given, .. } if given.code.as_deref() == Some(TOO_LONG) => {
            Fault::TooLong(failure(REJECTED))
        }
        Error::Rejected { .. } => Fault::Final(failure(REJECTED)),
        Error::NoSuchModel { .. } | Error::BrokenLine(_) => Fault::Final(failure("model_not_found")),
        Error::Unsupported(_) => Fault::Final(failure("unsupported_capability")),
        Error::Unpriced { .. } => Fault::Final(failure("unpriced_model")),
        Error::Variables(_) | Error::Input(_) | Error::NotTaken(_) => {
            Fault::Final(failure("validation_failed"))
        }
        Error::Unreachable(_) | Error::UpstreamDenies(_) => Fault::Final(failure("upstream_denied")),
        _ => Fault::Final(failure("invalid_request")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::call;

    #[test]
    fn what_may_pass_is_tried_again_and_what_stays_ends_the_run() {
        let busy = |is_unpaid| Error::Busy {
            message: "later".to_owned(),
            is_limited: true,
            retry_after_s: Some(7),
            given: Box::new(call::Given { is_unpaid, ..call::Given::default() }),
        };
        let now = Millis(1_000);
        assert!(matches!(fault(&busy(false), "", now, 0), Fault::Transient { at: Some(Millis(8_000)), .. }));
        assert!(matches!(fault(&busy(true), "", now, 0), Fault::Final(_)));
        assert!(matches!(fault(&Error::UpstreamTimeout, "", now, 0), Fault::Transient { at: None, .. }));
        assert!(matches!(fault(&Error::AccountSuspended, "", now, 0), Fault::Final(_)));
    }
}
