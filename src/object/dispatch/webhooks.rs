//! Who hears of what has become of runs, and what becomes of messages to them.
//!
//! A run's end is told once, when its entry comes to it; a wait once by its number. The row of the run remembers both, so what
//! threads say late or twice makes no second message. The notice is written in the batch of the entry.

use super::sender::{UnderWay, WEBHOOK};
use super::{Dispatch, Write};
use crate::domain::admission::command::Learned;
use crate::domain::dispatch::command::Answer;
use crate::domain::dispatch::effect::{Effect, Outcome};
use crate::domain::dispatch::entry::Entry;
use crate::domain::dispatch::notice::{NoticeView, Posting, State, TEST, Trial};
use crate::domain::ids::AccountId;
use crate::domain::thread::id::RunId;
use crate::domain::time::Millis;
use crate::domain::webhook::{Disabled, Event, Webhook, message_id, schedule};
use crate::object::machine::{self, Effects, Moment};
use crate::object::sql::{Error, Sql};
use crate::object::store::dispatch::notices::{self as store, Notice, Tried};
use crate::object::store::dispatch::{Row, learned};

/// Nobody hears of a run that ended so long ago, such as one from before there was an index.
const OLD_MS: i64 = 3 * 24 * 60 * 60 * 1_000;

impl Dispatch {
    /// Notes who hears of what has become of a run; `row` is what is written of it.
    pub(super) fn tell(
        &mut self,
        run: RunId,
        entry: &Entry,
        before: Option<&Row>,
        row: &mut Row,
        now: Millis,
    ) {
        row.heard_wait = before.map_or(0, |before| before.heard_wait);
        let Some((event, nth)) = happened(entry, before) else { return };
        row.heard_wait = row.heard_wait.max(nth);
        let is_originals = self.copied_at.is_some_and(|at| entry.updated_at <= at);
        if is_originals || nth == 0 && entry.updated_at.plus(OLD_MS) < now {
            return;
        }
        let hears =
            self.sender.webhooks().filter(|(name, webhook)| webhook.hears(name, event, &entry.webhooks));
        let names: Vec<String> = hears.map(|(name, _)| name.to_owned()).collect();
        for webhook in names {
            let id = message_id(run, event, nth, &webhook);
            let event = event.name().to_owned();
            self.send(Notice { id, webhook, run: Some(run), event, at: now, body: None });
        }
    }

    fn send(&mut self, notice: Notice) {
        self.sender.changed(&notice.webhook);
        self.batch.push(Write::Notice(notice));
    }

    /// Declared things are so now.
    pub(super) fn learn(
        &mut self,
        sql: &impl Sql,
        account: AccountId,
        things: Vec<Learned>,
    ) -> Result<(), Error> {
        if self.account != Some(account) {
            self.account = Some(account);
            self.batch.push(Write::Account(account));
        }
        for thing in things {
            let known = learned::revision(sql, &thing.kind, &thing.name)?;
            if known.is_some_and(|known| known >= thing.revision) {
                continue;
            }
            if thing.kind == WEBHOOK {
                self.learn_webhook(&thing);
            }
            self.batch.push(Write::Learn(thing));
        }
        Ok(())
    }

    fn learn_webhook(&mut self, thing: &Learned) {
        let Learned { name, revision, body, .. } = thing;
        let webhook: Option<Webhook> = body.as_deref().and_then(|body| serde_json::from_str(body).ok());
        let is_off = webhook.as_ref().is_some_and(|webhook| !webhook.enabled);
        self.sender.learn(name, *revision, webhook);
        if body.is_none() {
            self.batch.push(Write::ForgetWebhook(name.clone()));
        } else if is_off {
            self.batch.push(Write::Kill(name.clone(), "the webhook was disabled".to_owned()));
        }
    }

    /// Sends a message of which no run is the cause.
    pub(super) fn try_out(&mut self, trial: Trial, now: Millis) -> Answer {
        let Trial { webhook, id, body } = trial;
        if !self.sender.is_enabled(&webhook) {
            return Answer::NotEnabled;
        }
        let view = NoticeView {
            id: id.clone(),
            event: TEST.to_owned(),
            run: None,
            status: State::Pending,
            attempts: 0,
            last_status: None,
            last_error: None,
            next_at: Some(now),
            created_at: now,
            ended_at: None,
        };
        self.send(Notice { id, webhook, run: None, event: TEST.to_owned(), at: now, body: Some(body) });
        Answer::Notice(Box::new(view))
    }

    /// Sends a message again, from the first attempt on.
    pub(super) fn resend(
        &mut self,
        sql: &impl Sql,
        webhook: &str,
        id: String,
        now: Millis,
    ) -> Result<Answer, Error> {
        let Some(view) = store::view(sql, &id, webhook)? else { return Ok(Answer::NoSuchNotice) };
        if !self.sender.is_enabled(webhook) {
            return Ok(Answer::NotEnabled);
        }
        self.sender.begin_anew(&id, now);
        self.sender.changed(webhook);
        self.batch.push(Write::Again(id));
        let (status, next_at) = (State::Pending, Some(now));
        Ok(Answer::Notice(Box::new(NoticeView { status, attempts: 0, next_at, ended_at: None, ..view })))
    }

    /// What it takes to send a notice; `None` where it is not to be sent any more.
    ///
    /// # Errors
    /// [`Error`].
    pub fn posting(&self, sql: &impl Sql, notice: &str) -> Result<Option<Posting>, Error> {
        let Some(letter) = store::letter(sql, notice)? else { return Ok(None) };
        let webhook = self.sender.webhook(&letter.webhook).filter(|(_, webhook)| webhook.enabled);
        let Some((account, (_, webhook))) = self.account.zip(webhook) else { return Ok(None) };
        Ok(Some(Posting {
            account,
            id: notice.to_owned(),
            name: letter.webhook,
            webhook: webhook.clone(),
            event: letter.event,
            run: letter.run,
            created_at: letter.created_at,
            body: letter.body,
        }))
    }

    /// A notice was sent, or could not be.
    pub(super) fn sent(&mut self, nth: u32, outcome: &Outcome, moment: &mut Moment<'_>) -> Effects<Self> {
        let is_taken =
            matches!(outcome, Outcome::Answered { status: 200..300, .. } | Outcome::Gone | Outcome::Done);
        let Some(under_way) = self.sender.end(nth, !is_taken) else { return Vec::new() };
        let (now, name) = (moment.now, &under_way.webhook);
        let ended = |state, status, error: Option<&str>| Tried {
            id: under_way.notice.clone(),
            state,
            attempts: under_way.attempts.saturating_add(1),
            first_at: under_way.first_at,
            due_at: None,
            ended_at: Some(now),
            last_status: status,
            last_error: error.map(str::to_owned),
        };
        match outcome {
            Outcome::Done | Outcome::Cleared(_) | Outcome::Counted(_) => {}
            Outcome::Gone => self.batch.push(Write::ForgetNotice(under_way.notice.clone())),
            Outcome::Answered { status: status @ 200..300, .. } => {
                self.batch.push(Write::Tried(ended(State::Sent, Some(*status), None)));
            }
            Outcome::Answered { status: status @ 410, .. } => {
                let tried = ended(State::Dead, Some(*status), Some(GONE));
                let disabled = self.disable(&under_way);
                // Another address is asked from now on.
                if disabled.is_empty() && self.sender.is_enabled(name) {
                    self.try_again(name, tried, None, moment);
                } else {
                    self.batch.push(Write::Tried(tried));
                }
                return disabled;
            }
            Outcome::Answered { status, retry_after_ms } => {
                let why = match status {
                    300..400 => format!("the receiver answered {status}: redirects are not followed"),
                    _ => format!("the receiver answered {status}"),
                };
                let tried = ended(State::Dead, Some(*status), Some(&why));
                self.try_again(name, tried, *retry_after_ms, moment);
            }
            Outcome::Failed(why) => self.try_again(name, ended(State::Dead, None, Some(why)), None, moment),
            Outcome::Undone => {
                self.try_again(name, ended(State::Dead, None, Some("it was not sent")), None, moment);
            }
        }
        Vec::new()
    }

    /// After an attempt in vain: the next one, unless it was the last or the webhook was switched off meanwhile.
    fn try_again(
        &mut self,
        webhook: &str,
        tried: Tried,
        retry_after_ms: Option<u64>,
        moment: &mut Moment<'_>,
    ) {
        let [noise, ..] = (moment.random)();
        let next = schedule::next_at(tried.attempts, tried.first_at, moment.now, retry_after_ms, noise)
            .filter(|_| self.sender.is_enabled(webhook));
        self.batch.push(Write::Tried(match next {
            None => tried,
            due_at => Tried { state: State::Pending, due_at, ended_at: None, ..tried },
        }));
    }

    /// The receiver is gone: nothing more is sent to it, and the directory learns that.
    fn disable(&mut self, under_way: &UnderWay) -> Effects<Self> {
        let name = &under_way.webhook;
        let is_asked = |webhook: &Webhook| webhook.enabled && webhook.url == under_way.url;
        let Some((revision, webhook)) = self.sender.webhook(name).filter(|(_, webhook)| is_asked(webhook))
        else {
            return Vec::new();
        };
        // When it was asked: what was written since is of a webhook that was not.
        let why = Disabled { at: under_way.since, reason: GONE.to_owned() };
        let (url, disabled) = (webhook.url.clone(), webhook.disabled(why.clone()));
        let copy = Learned {
            kind: WEBHOOK.to_owned(),
            name: name.clone(),
            revision,
            body: serde_json::to_string(&disabled).ok(),
        };
        self.sender.learn(name, revision, Some(disabled));
        self.batch.push(Write::Learn(copy));
        self.batch.push(Write::Kill(name.clone(), GONE.to_owned()));
        let Some(account) = self.account else { return Vec::new() };
        let what = Effect::Disable { account, webhook: name.clone(), url, why };
        vec![machine::Effect { id: what.id(), what }]
    }
}

/// Why a webhook is switched off by itself.
const GONE: &str = "the receiver answered 410: it is gone";

/// What a webhook hears of a run, and the number of the wait.
fn happened(entry: &Entry, before: Option<&Row>) -> Option<(Event, u32)> {
    if let Some(event) = Event::of_end(&entry.status) {
        let was_over = before.is_some_and(|before| Event::of_end(&before.status).is_some());
        return (!was_over).then_some((event, 0));
    }
    let wait = entry.wait?;
    (before.map_or(0, |before| before.heard_wait) < wait).then_some((Event::Waiting, wait))
}
