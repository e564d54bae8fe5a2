//! What the services' errors are to a client, and how each is mended.

use axum::http::{HeaderValue, header};

use super::{Kind, Problem};
use crate::domain::account::Role;
use crate::domain::agent::Status;
use crate::domain::declared::webhooks;
use crate::domain::run::input::NotTaken;
use crate::domain::thread::command::Resolved;
use crate::domain::vault;
use crate::http::{advice, rate_limit};
use crate::ports::Settings;
use crate::service::authenticate;
use crate::service::call;
use crate::service::denied::Denied;
use crate::service::failure::{Failure, Thing};
use crate::service::threads;

impl From<authenticate::Error> for Problem {
    fn from(error: authenticate::Error) -> Self {
        let detail = match error {
            authenticate::Error::Unavailable(error) => return Self::unavailable(error.0),
            authenticate::Error::WeakOperatorKey => {
                let least = Settings::MIN_OPERATOR_KEY;
                let detail = format!(
                    "The secret OPERATOR_KEY has fewer than {least} characters, so it opens nothing. Set a longer one, such \
                     as `openssl rand -hex 24` prints."
                );
                return Self::new(Kind::Misconfigured, detail);
            }
            authenticate::Error::Missing => {
                "Send a key as `Authorization: Bearer <key>` or in `x-api-key`.".to_owned()
            }
            authenticate::Error::Malformed(invalid) => format!("The key cannot be right: {invalid}."),
            authenticate::Error::Rejected => {
                "The key is not valid here: it is unknown, expired or revoked, or switched off because the account's \
                 plan has no room for it. An admin of the account can issue another."
                    .to_owned()
            }
        };
        let bearer = HeaderValue::from_static(REALM);
        Self::new(Kind::Unauthenticated, detail).with_header(header::WWW_AUTHENTICATE, bearer)
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let detail = match denied {
            Denied::Scope(scope) => {
                let detail = format!(
                    "The key lacks the scope `{}`. An admin can issue one that has it.",
                    scope.name()
                );
                return Self::new(Kind::Forbidden, detail);
            }
            Denied::Role(Role::Admin) => "This needs a key of role admin.",
            Denied::Role(Role::Member) => "This needs a key of role member or admin.",
            Denied::Role(Role::Caller) => "This needs a key of the account.",
            Denied::OperatorIsNoAccount => {
                "The operator's key acts for no account here. Issue a key of the account with \
                 POST /api/v1/accounts/{account}/keys and use that."
            }
            Denied::OperatorOnly => "Only the operator's key may do this.",
            Denied::Suspended => {
                "The account is suspended: its configuration can be read, not changed. Ask the operator."
            }
        };
        Self::new(Kind::Forbidden, detail)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(denied) => denied.into(),
            Failure::Invalid(errors) => Self::invalid(errors),
            Failure::Unreadable(why) => {
                Self::new(Kind::InvalidRequest, format!("The body is no file of agents: {why}."))
            }
            Failure::Missing(thing) => Self::new(Kind::NotFound, missing(thing)),
            Failure::PlatformsOwn(thing) => Self::new(
                Kind::NotFound,
                format!(
                    "The account has no {0} of its own here: the platform offers this one, and only its operator can \
                     delete it.",
                    thing.name()
                ),
            ),
            Failure::NoBudget => Self::new(
                Kind::NotFound,
                "The agent has no budget. Set one with PUT /api/v1/agents/{agent}/budget.",
            ),
            Failure::Taken(thing) => Self::new(
                Kind::Conflict,
                format!("Another {0} has this {1}. Choose another {1}.", thing.name(), name_of(thing)),
            ),
            Failure::Contended(thing) => Self::new(
                Kind::Conflict,
                format!(
                    "The {} is being changed by others at the same time. Read it and try again.",
                    thing.name()
                ),
            )
            .retry_after(1),
            Failure::Precondition(thing) => Self::new(
                Kind::PreconditionFailed,
                format!(
                    "The {} is not as If-Match or If-None-Match wants it. Read it and make the change again.",
                    thing.name()
                ),
            ),
            Failure::PlanFull(thing, most) => Self::new(
                Kind::PlanLimitExceeded,
                format!(
                    "The account's plan allows no more: its limit `{}` is {most}. GET /api/v1/account shows what is \
                     used; a higher plan has room for more.",
                    thing.limit()
                ),
            ),
            Failure::NoMove(from, to) => Self::new(Kind::Conflict, no_move(from, to)),
            Failure::HandsToGone(agents) => Self::new(
                Kind::Conflict,
                format!(
                    "It hands off to agents that are archived: {}. Restore them first, or add ?force=true, which restores \
                     it without these hand-offs.",
                    agents.join(", ")
                ),
            ),
            Failure::PlanLacks(feature) => Self::new(
                Kind::PlanLimitExceeded,
                format!(
                    "The account's plan does not have `{}`. GET /api/v1/account shows its features.",
                    feature.name()
                ),
            ),
            Failure::NoMember => Self::new(
                Kind::NotFound,
                "This key acts for no member, so it has no profile. An admin can issue one that does: \
                 POST /api/v1/accounts/{account}/keys with `member`.",
            ),
            Failure::HandedTo(agents) => Self::new(
                Kind::Conflict,
                format!(
                    "Other agents hand off to it: {}. Change them first, or add ?force=true, which removes it there.",
                    agents.join(", ")
                ),
            ),
            Failure::TestFailed(field) => Self::new(
                Kind::Conflict,
                format!(
                    "The test of operation {field} found another value, so nothing was changed. Read it again."
                ),
            ),
            Failure::NamedBy(thing, lines) => Self::new(
                Kind::Conflict,
                format!(
                    "{} name this {}: {}. Change them first, or add ?force=true: they go on without it.",
                    if thing == Thing::Declared(&webhooks::FACTS) { "Agents" } else { "Model lines" },
                    thing.name(),
                    some(&lines)
                ),
            ),
            Failure::NotEnabled(thing) => Self::new(
                Kind::Conflict,
                format!(
                    "The {} is not enabled. Change that first: PATCH {{\"enabled\": true}}.",
                    thing.name()
                ),
            ),
            Failure::Held => Self::new(
                Kind::LegalHold,
                "There is a legal hold on this person: nothing of them is deleted. An admin can take it away.",
            ),
            Failure::Full(Thing::Memory, most) => Self::new(
                Kind::Conflict,
                format!("There are {most} memories here, as many as may be. Delete some first."),
            ),
            Failure::Full(thing, most) => Self::new(
                Kind::Conflict,
                format!(
                    "The account has {most} of these, the most it may have. Delete another {} first.",
                    thing.name()
                ),
            ),
            Failure::Vault(error) => vault(error),
            Failure::Unavailable(error) => Self::unavailable(error.0),
        }
    }
}

impl From<threads::Error> for Problem {
    fn from(error: threads::Error) -> Self {
        let detail = sentence(&error.to_string());
        match error {
            threads::Error::NotFound(_) => Self::new(Kind::NotFound, detail),
            threads::Error::Busy(_) => Self::new(Kind::ThreadBusy, detail),
            threads::Error::NothingSaid => Self::in_field("message", "is required: what the run is about"),
            threads::Error::Invalid(faults) => Self::invalid(faults),
            threads::Error::Conflict(_) | threads::Error::NotLast => Self::new(Kind::Conflict, detail),
            threads::Error::NotTaken { at, why, ref resolved, .. } => {
                let kind = match why {
                    NotTaken::NeverAsked => Kind::NotFound,
                    NotTaken::AlreadyResolved => Kind::AlreadyResolved,
                    NotTaken::RunEnded => Kind::RunEnded,
                    NotTaken::Twice | NotTaken::NoRetry | NotTaken::NotWaiting | NotTaken::NotBegun => {
                        Kind::ValidationFailed
                    }
                };
                let at = Self::at(format!("inputs[{at}]"), detail);
                Self { kind, inputs: resolved.iter().map(Resolved::to_json).collect(), ..at }
            }
            threads::Error::KeyReused => Self::new(Kind::IdempotencyKeyReused, detail),
            threads::Error::Held => Self::new(Kind::LegalHold, detail),
            threads::Error::PlanFull(..) => Self::new(Kind::PlanLimitExceeded, detail),
            threads::Error::TooMany(_) => Self::new(Kind::Conflict, detail),
            threads::Error::TooFast { retry_after_s, .. } => {
                Self::new(Kind::RateLimited, detail).retry_after(retry_after_s).should_retry(true)
            }
            threads::Error::FutureCursor => Self::new(Kind::InvalidCursor, detail),
            threads::Error::ExpiredCursor => Self::new(Kind::EventsExpired, detail),
            threads::Error::Vault(error) => vault(error),
            threads::Error::Call(error) => Self::from(error),
            threads::Error::NotByToken | threads::Error::OnlyByToken => Self::new(Kind::Forbidden, detail),
            threads::Error::Anonymous | threads::Error::TokenEnded => {
                Self::new(Kind::Unauthenticated, detail)
                    .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(REALM))
            }
            threads::Error::Unavailable(words) => {
                Self::new(Kind::Unavailable, "The service is not available right now; try again.")
                    .with_internal(words.to_string())
            }
        }
    }
}

impl From<call::Error> for Problem {
    fn from(error: call::Error) -> Self {
        let should_retry = should_retry(&error);
        Self::of_call(error).should_retry(should_retry)
    }
}

/// Whether the same call may be answered a moment later, with nothing repaired.
fn should_retry(error: &call::Error) -> bool {
    match error {
        call::Error::Withheld { error, .. } => should_retry(error),
        call::Error::Concurrency { .. }
        | call::Error::Rate(_)
        | call::Error::Unavailable
        | call::Error::UpstreamTimeout
        | call::Error::Upstream(_) => true,
        // One that has no money left says no time.
        call::Error::Busy { is_limited, retry_after_s, given, .. } => {
            !*is_limited || retry_after_s.is_some() || !given.is_unpaid
        }
        _ => false,
    }
}

impl Problem {
    fn of_call(error: call::Error) -> Self {
        let detail = sentence(&advice::call(&error));
        let kind = match error {
            call::Error::Unauthenticated(_) => {
                return Self::new(Kind::Unauthenticated, detail)
                    .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(REALM));
            }
            call::Error::Concurrency { .. } => {
                return Self::new(Kind::ConcurrencyExceeded, detail).retry_after(1);
            }
            call::Error::Rate(quota) => {
                let problem = Self::new(Kind::RateLimited, detail);
                let limited = rate_limit::headers(&quota).into_iter();
                return limited.fold(problem.retry_after(quota.reset_s), |problem, (name, value)| {
                    problem.with_header(name, value)
                });
            }
            call::Error::Unavailable | call::Error::IsRun => {
                return Self::new(Kind::Unavailable, detail).retry_after(1);
            }
            call::Error::Variables(errors) | call::Error::Input(errors) | call::Error::NotTaken(errors) => {
                return Self::invalid(errors);
            }
            call::Error::Rejected { given, .. } => {
                return Self::new(Kind::UpstreamRejected, detail).given(given);
            }
            call::Error::Busy { is_limited, retry_after_s, given, .. } => {
                let kind = if is_limited { Kind::UpstreamRateLimited } else { Kind::UpstreamError };
                let problem = Self::new(kind, detail);
                let problem = if is_limited { problem.given(given) } else { problem };
                return retry_after_s.into_iter().fold(problem, Self::retry_after);
            }
            call::Error::Withheld { error, .. } => {
                let mut problem = Self { detail, ..Self::of_call(*error) };
                problem.headers.retain(|(name, _)| !rate_limit::NAMES.contains(name));
                return problem;
            }
            call::Error::KeyNotForAgent
            | call::Error::KeyLacksScope(_)
            | call::Error::TokenNeedsThread
            | call::Error::SwitchedOff(_)
            | call::Error::AccountSuspended => Kind::Forbidden,
            call::Error::OriginNotAllowed(_) => Kind::OriginNotAllowed,
            call::Error::NoSuchAgent | call::Error::NoSuchVersion(_) => Kind::NotFound,
            call::Error::NotActive { .. } => Kind::AgentNotActive,
            call::Error::Archived(_) => Kind::AgentArchived,
            call::Error::NoSuchModel { .. } => Kind::ModelNotFound,
            call::Error::NoEmbeddings => {
                return Self::new(Kind::InvalidRequest, detail)
                    .given(call::Given::of("model_not_supported", "model"));
            }
            call::Error::Unsupported(_) => Kind::UnsupportedCapability,
            call::Error::Unpriced { .. } => Kind::UnpricedModel,
            call::Error::RunBudget { .. } | call::Error::BudgetExceeded { .. } => Kind::BudgetExceeded,
            call::Error::Loop => Kind::InvalidRequest,
            call::Error::BrokenLine(_) => Kind::ModelNotFound,
            call::Error::Unreachable(_) | call::Error::UpstreamDenies(_) => Kind::UpstreamDenied,
            call::Error::Upstream(_) => Kind::UpstreamError,
            call::Error::UpstreamTimeout => Kind::UpstreamTimeout,
        };
        Self::new(kind, detail)
    }
}

/// With a capital and a full stop, as details are written.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase).into_iter().flatten();
    let mut sentence: String = first.chain(chars).collect();
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

/// The most names of what stands in the way.
const MAX_SHOWN: usize = 50;
const REALM: &str = "Bearer realm=\"retinue\"";

/// What distinguishes a thing of the kind.
const fn name_of(thing: Thing) -> &'static str {
    match thing {
        Thing::Declared(kind) => kind.distinct,
        _ => "slug",
    }
}

fn missing(thing: Thing) -> String {
    let text = match thing {
        Thing::Account => "There is no such account.",
        Thing::Agent => "The account has no such agent. GET /api/v1/agents lists them.",
        Thing::Flag => "There is no such flag. GET /api/v1/flags lists them.",
        Thing::Key => "The account has no such key.",
        Thing::Memory => "There is no such memory here; GET /api/v1/memories?user= lists a person's.",
        Thing::Version => "The agent has no such version. GET /api/v1/agents/{agent}/versions lists them.",
        Thing::Erasure => "There is no such erasure. GET /api/v1/erasures lists them.",
        Thing::Hold => "There is no legal hold on this person. GET /api/v1/holds lists them.",
        Thing::Delivery => {
            "There is no such message to this webhook. GET /api/v1/webhooks/{name}/deliveries lists them."
        }
        Thing::Declared(kind) => {
            let (word, first_word) = (kind.singular, kind.first_words().last().copied().unwrap_or_default());
            return format!("The account has no such {word}. GET /api/v1/{first_word} lists them.");
        }
    };
    text.to_owned()
}

/// The first of a list, and the number of the others.
fn some(names: &[String]) -> String {
    let shown = names.iter().take(MAX_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn no_move(from: Status, to: Status) -> String {
    let words = |all: &[Status], joint: &str| -> String {
        all.iter().map(|status| status.name()).collect::<Vec<_>>().join(joint)
    };
    match (from.moves(), from.way_to(to).as_slice()) {
        ([], _) => "The agent is archived: POST /api/v1/agents/{agent}/restore brings it back.".to_owned(),
        (moves, []) => {
            format!("The agent is {}: from there it can become {}.", from.name(), words(moves, " or "))
        }
        (_, way) => format!(
            "The agent is {}. The way to {} is {}: move it step by step.",
            from.name(),
            to.name(),
            words(way, ", then ")
        ),
    }
}

fn vault(error: vault::Error) -> Problem {
    let detail = "The platform cannot keep provider keys or sign threads' tokens. Its operator has to set MASTER_KEY; the log says how.";
    Problem::new(Kind::Misconfigured, detail).with_internal(error.to_string())
}
