//! A call between its admission and its settlement: it owns the hold, and settles it exactly once.

use crate::domain::admission::command::{Admission, Admit, CallRecord, CallStatus, UsageKind};
use crate::domain::flag::Flag;
use crate::domain::ids::{AccountId, AgentId, CallId, KeyId};
use crate::domain::message::Usage;
use crate::domain::model::Capability;
use crate::domain::money::Nanos;
use crate::domain::provider::Wire;
use crate::domain::routing::{Needs, Plan};
use crate::domain::thread::id::RunId;
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::call;
use crate::service::call::bundle::Candidate;
use crate::service::call::count::Count;
use crate::service::call::error::Error;
use crate::service::call::question;
use crate::service::call::resolve::Resolved;
use crate::service::call::until::Until;
use crate::service::call::via::Via;
use crate::service::{App, settlements};

/// What a call has cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub usage: Usage,
    pub kind: UsageKind,
    /// With what earlier attempts of the same call have cost.
    pub cost: Nanos,
}

impl Receipt {
    /// Of an answer that is given again.
    pub const FREE: Self = Self {
        usage: Usage {
            input_tokens: 0,
            cached_input_tokens: 0,
            cache_write_tokens: 0,
            hour_write_tokens: 0,
            audio_input_tokens: 0,
            output_tokens: 0,
            reasoning_tokens: 0,
        },
        kind: UsageKind::Reported,
        cost: Nanos::ZERO,
    };
}

/// What was seen of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub count: Count,
    /// Bytes of everything that was generated.
    pub bytes: u64,
    /// It came to its documented end.
    pub whole: bool,
}

/// Whether the provider bills the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    No,
    Maybe,
    Used(Usage),
}

pub struct InFlight<W: World> {
    app: App<W>,
    account: AccountId,
    call: CallId,
    agent: AgentId,
    key: Option<KeyId>,
    version: u32,
    /// Asked again when the call moves to another entry.
    question: Admit,
    /// Whether that may go along with those of other calls.
    is_batched: bool,
    pub admitted_at: Millis,
    /// What the object holds for the call.
    held: Nanos,
    /// Held for the running attempt.
    granted: Nanos,
    /// What earlier attempts cost or may have cost.
    charged: Nanos,
    /// What those of them used that reported an error with a count.
    used: Usage,
    /// Whether what one of them cost is not known.
    is_guessed: bool,
    model: String,
    is_settled: bool,
    via: Via,
    /// The run that makes the call.
    run: Option<RunId>,
    /// The most that the call may cost, where its run says so.
    most: Option<Nanos>,
    /// How long the answer is listened to.
    until: Until,
}

impl<W: World> InFlight<W> {
    pub fn new(
        app: &App<W>,
        resolved: &Resolved,
        question: Admit,
        granted: Nanos,
        now: Millis,
        via: Via,
    ) -> Self {
        Self {
            app: app.clone(),
            account: resolved.account,
            call: question.call,
            agent: question.agent,
            key: question.key,
            version: question.version,
            admitted_at: now,
            held: granted,
            granted,
            charged: Nanos::ZERO,
            used: Usage::default(),
            is_guessed: false,
            model: question.model.clone(),
            is_batched: resolved.bundle.flags.has(Flag::BatchedAdmissions),
            question,
            is_settled: false,
            via,
            run: None,
            most: None,
            until: Until::EVER,
        }
    }

    /// The same, of a run that has so much left.
    pub const fn of_run(mut self, run: Option<RunId>, most: Option<Nanos>) -> Self {
        (self.run, self.most) = (run, most);
        self
    }

    /// The same, whose answer is listened to so long.
    pub fn heard(mut self, until: Until) -> Self {
        self.until = until;
        self
    }

    pub const fn until(&self) -> &Until {
        &self.until
    }

    pub const fn app(&self) -> &App<W> {
        &self.app
    }

    pub const fn via(&self) -> &Via {
        &self.via
    }

    pub const fn granted(&self) -> Nanos {
        self.granted
    }

    /// Whether the agent, the account's plan or the run limits what may be spent.
    pub const fn has_budget(&self) -> bool {
        self.question.budget.is_some() || self.question.limits.monthly_spend.is_some() || self.most.is_some()
    }

    /// Goes on to another entry. The hold serves again where it is large enough and untouched; otherwise the account's
    /// object is asked.
    ///
    /// # Errors
    /// Why the object refuses another attempt.
    pub async fn move_to(&mut self, candidate: &Candidate, plan: &Plan) -> Result<(), Error> {
        if self.charged == Nanos::ZERO && plan.want <= self.granted {
            self.model.clone_from(&candidate.label);
            return Ok(());
        }
        let mut question = Admit {
            model: candidate.label.clone(),
            want: plan.want,
            floor: plan.floor,
            again: true,
            charged: self.charged,
            ..self.question.clone()
        };
        question::within(&mut question, self.most)?;
        match call::ask(&self.app, self.account, question, self.is_batched).await? {
            Admission::Granted { amount, .. } => {
                self.granted = amount;
                self.held = self.charged + amount;
                self.model.clone_from(&candidate.label);
                Ok(())
            }
            Admission::Refused(refusal) => {
                self.granted = Nanos::ZERO;
                Err(call::refused(&self.app, refusal))
            }
            Admission::Stale { .. } => Err(Error::Unavailable),
        }
    }

    /// An attempt has failed; what it may have cost stays with the call.
    pub fn charge(&mut self, candidate: &Candidate, needs: &Needs, ran: Ran) {
        let cost = match ran {
            Ran::No => return,
            Ran::Maybe => {
                self.is_guessed = true;
                self.granted
            }
            Ran::Used(usage) => {
                let usage = counted(usage, candidate, needs);
                self.used = self.used.plus(usage);
                candidate.model.as_ref().map_or(Nanos::ZERO, |model| model.price.cost(&usage))
            }
        };
        self.charged += cost;
        self.granted = self.granted - cost;
    }

    pub fn has_charges(&self) -> bool {
        self.charged > Nanos::ZERO
    }

    /// What the call costs, as far as what was seen shows.
    pub fn receipt(&self, candidate: &Candidate, needs: &Needs, seen: &Seen) -> Receipt {
        let price = candidate.model.as_ref().map(|model| model.price);
        let cost_of = |usage: &Usage| price.map_or(Nanos::ZERO, |price| price.cost(usage));
        // A prompt has tokens, and so has an answer: a count without them is no count.
        let is_count = |u: &Usage| u.input_tokens > 0 && (u.output_tokens > 0 || seen.bytes == 0);
        if let Count::Final(usage) = seen.count
            && is_count(&usage)
        {
            let usage = counted(usage, candidate, needs);
            return self.bill(usage, UsageKind::Reported, cost_of(&usage));
        }
        let hides_tokens = candidate.model.as_ref().is_none_or(|m| m.capabilities.has(Capability::Reasoning));
        if seen.whole && !hides_tokens && seen.count != Count::Early {
            // A token has at least one byte, so the bytes seen bound the tokens.
            let input_tokens = needs.input_bound_at(&candidate.dialect, candidate.model.as_ref());
            let usage = Usage { input_tokens, output_tokens: seen.bytes, ..Usage::default() };
            return self.bill(usage, UsageKind::Estimated, cost_of(&usage).min(self.granted));
        }
        self.bill(Usage::default(), UsageKind::Missing, self.granted)
    }

    fn bill(&self, usage: Usage, kind: UsageKind, cost: Nanos) -> Receipt {
        if cost > self.granted {
            let over = format!("call {} cost {cost} USD, more than the {} held", self.call, self.granted);
            self.app.world.log(&over);
        }
        // A sum with a part that is guessed is no report.
        let kind = match kind {
            UsageKind::Reported if self.is_guessed => UsageKind::Estimated,
            kind => kind,
        };
        Receipt { usage, kind, cost: self.charged + cost }
    }

    /// The call was answered, wholly or until it broke off.
    pub fn settle(mut self, status: CallStatus, receipt: &Receipt, first_token_at: Option<Millis>) {
        let record = self.record(status, receipt, first_token_at);
        self.send(record);
    }

    /// No entry of the line has answered; what that cost.
    pub fn settle_failed(mut self) -> Nanos {
        let kind = if self.is_guessed { UsageKind::Missing } else { UsageKind::Reported };
        let receipt = Receipt { usage: self.used, kind, cost: self.charged };
        let record = self.record(CallStatus::UpstreamError, &receipt, None);
        self.send(record);
        receipt.cost
    }

    /// The call's row in the ledger.
    fn record(&self, status: CallStatus, receipt: &Receipt, first_token_at: Option<Millis>) -> CallRecord {
        let world = &self.app.world;
        let ms = |moment: Millis| u32::try_from(moment.since(self.admitted_at)).unwrap_or(u32::MAX);
        CallRecord {
            call: self.call,
            agent: self.agent,
            key: self.key,
            version: self.version,
            model: self.model.clone(),
            status,
            usage: receipt.kind,
            tokens: receipt.usage,
            held: self.held,
            cost: receipt.cost,
            at: self.admitted_at,
            first_token_ms: first_token_at.map(ms),
            duration_ms: ms(world.now()),
            run: self.run,
        }
    }

    /// The thread of a run delivers the settlements of its calls.
    fn send(&mut self, record: CallRecord) {
        self.is_settled = true;
        match self.run {
            Some(_) => self.app.settlements.keep(self.account, record),
            None => settlements::deliver(&self.app, self.account, record),
        }
    }
}

/// A provider's count as it is billed.
fn counted(usage: Usage, candidate: &Candidate, needs: &Needs) -> Usage {
    let mut usage = usage.bounded();
    // Other servers than Anthropic's do not count apart what is kept for an hour.
    if needs.hour_cache && candidate.dialect.wire != Wire::Anthropic {
        usage.hour_write_tokens = usage.cache_write_tokens;
    }
    usage
}

impl<W: World> Drop for InFlight<W> {
    /// The call was abandoned halfway: the provider may have run, so the hold is charged now instead of when it
    /// expires.
    fn drop(&mut self) {
        if !self.is_settled {
            let receipt = Receipt {
                usage: Usage::default(),
                kind: UsageKind::Missing,
                cost: self.charged + self.granted,
            };
            let record = self.record(CallStatus::Interrupted, &receipt, None);
            settlements::deliver(&self.app, self.account, record);
        }
    }
}
