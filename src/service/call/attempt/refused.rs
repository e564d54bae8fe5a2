//! What a provider's refusal is to the client, and whether the next entry of the line may do better.

use std::sync::Arc;

use super::{Failure, failure, is_transient};
use crate::domain::dialect::{Dialect, System, Turns};
use crate::domain::message::About;
use crate::domain::provider::Wire;
use crate::domain::redact::{HIDDEN, is_split, redact};
use crate::domain::secret::Secret;
use crate::ports::World;
use crate::service::call::bundle::Candidate;
use crate::service::call::error::{Error, Given};
use crate::service::call::in_flight::Ran;
use crate::wire::provider::{self, Refusal, Reported};

/// The most characters of a provider's words that are shown.
const MAX_WORDS: usize = 500;

/// The most characters of what a provider says of an answer as a whole.
const MAX_ABOUT: usize = 200;

/// Takes the line's keys out of what the provider says of its answer, as out of its errors.
pub fn clean_about(line: &[Arc<Candidate>], about: &mut About) {
    let said = [&mut about.service_tier, &mut about.system_fingerprint];
    for text in said.into_iter().flatten() {
        *text = redact(text, &keys(line)).chars().take(MAX_ABOUT).collect();
    }
}

/// The keys of the line's servers, each once.
fn keys(line: &[Arc<Candidate>]) -> Vec<&Secret> {
    let servers = line.iter().filter_map(|candidate| candidate.server.as_ref().ok());
    let mut keys: Vec<&Secret> = servers.filter_map(|server| server.key.as_ref()).collect();
    keys.sort_unstable_by_key(|key| key.expose());
    keys.dedup_by_key(|key| key.expose());
    keys
}

/// An error of a provider, read: a reply that is not a success, or an error in one that is.
pub struct Refused {
    pub status: u16,
    /// The provider's words to people, without secrets.
    pub message: String,
    pub refusal: Refusal,
    pub ran: Ran,
    retry_after_ms: Option<u64>,
    /// It came with status 200.
    is_reported: bool,
}

impl Refused {
    /// Reads the body of a reply with this status, which no provider bills; the keys of the whole line are taken out of it.
    pub fn read(line: &[Arc<Candidate>], status: u16, retry_after_ms: Option<u64>, body: &[u8]) -> Self {
        let Reported { message, refusal, .. } = provider::refused(body);
        // A context that is too small stays so, whoever takes that for a failure of its own.
        let status = if refusal.is_too_long && status >= 500 { 400 } else { status };
        let status = if refusal.is_denied && (400..500).contains(&status) { 401 } else { status };
        let cleaned = Self::clean(line, message, refusal);
        Self { status, retry_after_ms: retry_after_ms.or(cleaned.retry_after_ms), ..cleaned }
    }

    /// An error in an answer, which is billed as it says itself, else not at all.
    pub fn reported(line: &[Arc<Candidate>], error: Reported) -> Self {
        let Reported { message, status, refusal, usage } = error;
        let ran = usage.map_or(Ran::No, Ran::Used);
        Self { status, ran, is_reported: true, ..Self::clean(line, message, refusal) }
    }

    fn clean(line: &[Arc<Candidate>], message: String, mut refusal: Refusal) -> Self {
        let secrets = keys(line);
        let [code, param] = [&refusal.code, &refusal.param].map(|text| text.as_deref().unwrap_or_default());
        let message = if is_split([code, param, &message], &secrets) {
            (refusal.code, refusal.param) = (None, None);
            HIDDEN.to_owned()
        } else {
            let clean = |text: &str| redact(text, &secrets).into_owned();
            refusal.code = refusal.code.as_deref().map(clean);
            refusal.param = refusal.param.as_deref().map(clean);
            redact(&message, &secrets).chars().take(MAX_WORDS).collect()
        };
        let retry_after_ms = refusal.retry_after_ms;
        Self { status: 502, message, refusal, ran: Ran::No, retry_after_ms, is_reported: false }
    }

    /// Tells the operator.
    pub fn log<W: World>(&self, world: &W, candidate: &Candidate) {
        let verb = if self.is_reported { "reported" } else { "answered" };
        world.log(&format!("{} {verb} {}: {}", candidate.label, self.status, self.message));
    }

    /// What limit to send instead of one that the provider refuses as too much, and that nobody asked for: none, or, where
    /// one must be sent, what the provider says is left. `None`: the limit was not at fault.
    pub fn smaller_limit(&self, tokens: u32, is_required: bool) -> Option<Option<u32>> {
        let is_at_fault = self.ran == Ran::No
            && matches!(self.status, 400 | 413 | 422)
            && (self.refusal.is_too_long || self.refusal.is_limit_too_large(&self.message));
        match (is_at_fault, is_required) {
            (false, _) => None,
            (true, false) => Some(None),
            (true, true) => provider::room_left(&self.message, tokens).map(Some),
        }
    }

    /// As the end of an attempt.
    pub fn failure(self, candidate: &Candidate) -> Failure {
        let ran = self.ran;
        let (goes_on, error) = self.judge(candidate);
        failure(ran, goes_on, error)
    }

    /// Whether the next entry may do better, and what the client is shown.
    pub fn judge(self, candidate: &Candidate) -> (bool, Error) {
        let name = &candidate.provider;
        let Self { status, message, refusal, retry_after_ms, is_reported, .. } = self;
        let goes_on = is_transient(status);
        let retry_after_s =
            retry_after_ms.map(|ms| u32::try_from(ms.div_ceil(1_000)).unwrap_or(u32::MAX).max(1));
        // Another entry has another key, and another model.
        let denies = |words: String| (!refusal.is_policy, Error::UpstreamDenies(words));
        let needs_money =
            || format!("provider `{name}` wants to be paid first ({status}); an admin must see to it");
        match status {
            // The account there is empty; another provider's need not be.
            402 => (true, Error::UpstreamDenies(needs_money())),
            400..=499 if refusal.is_unpaid && status != 429 => (true, Error::UpstreamDenies(needs_money())),
            400 | 413 | 415 | 422 => {
                let goes_on = refusal.is_of_this_server(status, &message);
                let message =
                    if message.is_empty() { format!("it gave no reason ({status})") } else { message };
                let given = given(refusal, &candidate.dialect);
                (goes_on, Error::Rejected { status, message, given: Box::new(given) })
            }
            401 | 403 => {
                denies(format!("provider `{name}` refuses its key ({status}); an admin must mend it"))
            }
            404 => denies(format!("provider `{name}` does not know the model `{}`", candidate.code)),
            300..=399 => denies(format!("provider `{name}` redirects, which is not followed")),
            501 => denies(format!("provider `{name}` does not serve this request (501)")),
            429 => {
                let message = match refusal.is_unpaid {
                    true => needs_money(),
                    false => format!("provider `{name}` is over its rate limit (429)"),
                };
                let given = Box::new(Given { code: refusal.code, param: None, is_unpaid: refusal.is_unpaid });
                (goes_on, Error::Busy { message, is_limited: true, retry_after_s, given })
            }
            405..=499 if !goes_on => {
                denies(format!("provider `{name}` does not serve this request ({status})"))
            }
            _ => {
                let message = match is_reported {
                    true => format!("provider `{name}` reported an error"),
                    false => format!("provider `{name}` answered {status}"),
                };
                let given = Box::default();
                (goes_on, Error::Busy { message, is_limited: false, retry_after_s, given })
            }
        }
    }
}

/// The provider's code and field, the latter as the client numbers its messages: the agent's instructions, which stand
/// before them, are not the client's.
fn given(refusal: Refusal, dialect: &Dialect) -> Given {
    let is_numbered_alike =
        dialect.wire == Wire::OpenAi && dialect.system != System::One && dialect.turns == Turns::Any;
    let param = refusal.param.map(|param| match messages_place(&param) {
        Some((number, rest)) if is_numbered_alike && number > 0 => format!("messages[{}]{rest}", number - 1),
        Some(_) => "messages".to_owned(),
        None => param,
    });
    Given { code: refusal.code, param, is_unpaid: false }
}

/// The number in `messages[3].content` or `messages.3.content`, and what follows it.
fn messages_place(param: &str) -> Option<(u64, &str)> {
    let place = param.strip_prefix("messages")?.strip_prefix(['[', '.'])?;
    let digits = place.find(|c: char| !c.is_ascii_digit()).unwrap_or(place.len());
    let (number, rest) = place.split_at(digits);
    Some((number.parse().ok()?, rest.strip_prefix(']').unwrap_or(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(dialect: &Dialect, param: &str) -> String {
        let refusal = Refusal { param: Some(param.to_owned()), ..Refusal::default() };
        given(refusal, dialect).param.unwrap()
    }

    #[test]
    fn a_field_is_named_as_the_client_numbers_its_messages() {
        let openai = Dialect::plain(Wire::OpenAi);
        assert_eq!(param(&openai, "messages[3].content[0]"), "messages[2].content[0]");
        assert_eq!(param(&openai, "messages.1.tool_calls"), "messages[0].tool_calls");
        assert_eq!(param(&openai, "messages[0].content"), "messages", "the instructions are the agent's");
        assert_eq!(param(&openai, "tools[0].function"), "tools[0].function");
        assert_eq!(param(&openai, "messages"), "messages");
        let joined = Dialect { system: System::One, ..openai };
        assert_eq!(param(&joined, "messages[3].content"), "messages");
    }
}
