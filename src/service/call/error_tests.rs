use super::*;
use crate::domain::agent;

/// What only the account's own may read: its money, limits, providers and settings, and advice to those who run it.
const WITHHELD: [&str; 12] = [
    "USD",
    "max_usd",
    "budget",
    "plan",
    "provider",
    "own:big",
    "admin",
    "operator",
    "allowed_origins",
    "/api/",
    "catalogue",
    "suspended",
];

/// A new kind of error is to be thought of here, and listed in [`all`] where a caller without a key can meet it.
const fn is_met_without_a_key(error: &Error) -> bool {
    match error {
        Error::KeyNotForAgent | Error::KeyLacksScope(_) | Error::Loop | Error::Withheld { .. } => false,
        Error::Unauthenticated(_)
        | Error::TokenNeedsThread
        | Error::OriginNotAllowed(_)
        | Error::AccountSuspended
        | Error::SwitchedOff(_)
        | Error::NoSuchAgent
        | Error::NoSuchVersion(_)
        | Error::NotActive { .. }
        | Error::Archived(_)
        | Error::NoSuchModel { .. }
        | Error::NoEmbeddings
        | Error::Variables(_)
        | Error::Input(_)
        | Error::NotTaken(_)
        | Error::Unsupported(_)
        | Error::Unpriced { .. }
        | Error::BudgetExceeded { .. }
        | Error::RunBudget { .. }
        | Error::Concurrency { .. }
        | Error::Rate(_)
        | Error::BrokenLine(_)
        | Error::Rejected { .. }
        | Error::Busy { .. }
        | Error::Unreachable(_)
        | Error::Upstream(_)
        | Error::UpstreamDenies(_)
        | Error::UpstreamTimeout
        | Error::Unavailable
        | Error::IsRun => true,
    }
}

/// Every error that a caller without a key can meet.
fn all() -> Vec<Error> {
    let name = || ProviderName::parse("own").unwrap();
    let lack = Lack { model: "own:big".into(), missing: vec!["images".into()] };
    let fault = FieldError { field: "variables.customer".into(), message: "is required".into() };
    let busy = |is_limited| Error::Busy {
        message: "provider `own` is over its rate limit (429)".into(),
        is_limited,
        retry_after_s: None,
        given: Box::default(),
    };
    let scopes = [Scope::Agent, Scope::Plan];
    let unpriced = [None, Some(Scope::Agent), Some(Scope::Plan)];
    let unpriced = unpriced.map(|of| Error::Unpriced { of, provider: name(), code: "big".into() });
    let mut all = vec![
        Error::Unauthenticated(KeyFault::Missing),
        Error::Unauthenticated(KeyFault::Malformed),
        Error::Unauthenticated(KeyFault::Refused),
        Error::Unauthenticated(KeyFault::ThreadToken),
        Error::Unauthenticated(KeyFault::BehindToken),
        Error::TokenNeedsThread,
        Error::OriginNotAllowed("https://evil.example".into()),
        Error::AccountSuspended,
        Error::SwitchedOff(Flag::ALL[0]),
        Error::NoSuchAgent,
        Error::NoSuchVersion(7),
        Error::NotActive {
            agent: Slug::parse("open").unwrap(),
            is: agent::Status::Draft,
            to: agent::Status::Published,
        },
        Error::Archived(AgentId::of_bytes([1; 16])),
        Error::NoSuchModel { name: "gpt-9".into(), known: vec!["open".into(), "own:big".into()] },
        Error::Variables(vec![fault.clone()]),
        Error::Input(vec![fault.clone()]),
        Error::NotTaken(vec![fault]),
        Error::Unsupported(vec![lack]),
        Error::RunBudget { left: Nanos::new(1) },
        Error::Rate(Quota { limit: 1, remaining: 0, reset_s: 7 }),
        Error::BrokenLine(ParseError { at: 1, message: "own:big is no model".into() }),
        Error::Rejected { status: 400, message: "own:big takes less".into(), given: Box::default() },
        busy(true),
        busy(false),
        Error::Unreachable(Unreachable::NotConfigured(name())),
        Error::Upstream("provider `own` cannot be reached".into()),
        Error::UpstreamDenies("provider `own` refuses its key (401); an admin must mend it".into()),
        Error::UpstreamTimeout,
        Error::Unavailable,
        Error::IsRun,
    ];
    all.extend(unpriced);
    all.extend(scopes.map(|of| Error::Concurrency { of, limit: 1 }));
    let held = [(Scope::Agent, false), (Scope::Agent, true), (Scope::Plan, false), (Scope::Plan, true)];
    all.extend(held.map(|(of, is_held)| Error::BudgetExceeded {
        of,
        is_held,
        limit: Nanos::new(1),
        remaining: Nanos::ZERO,
        period: Period::Day,
        resets_at: None,
    }));
    all
}

#[test]
fn a_stranger_reads_of_the_call_and_nothing_of_the_account_and_what_its_admins_should_do() {
    assert!(all().iter().all(is_met_without_a_key));
    for error in all() {
        let (known, words) = (error.to_string(), error.for_stranger().to_string());
        for word in WITHHELD {
            assert!(!words.contains(word), "`{word}` is nothing of a stranger's: {words} ({known})");
        }
    }
}
