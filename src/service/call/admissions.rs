//! Admissions on their way from this isolate to the accounts' objects.
//!
//! While one call asks an account's object, others that come meanwhile wait for its answer and then ask together, the
//! first of them for all: under load one hop admits many calls, and a call that is alone waits for nobody. The object
//! decides them one after the other in one step, so a budget is as exact as with a hop each.
//!
//! No call depends on another for long. The first in the line asks after a moment, whether or not the one before has its
//! answer; whoever went along with a request that was lost asks alone. A question names its call, so asking twice holds
//! once.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::select;

use crate::domain::admission::ask::AdmitAll;
use crate::domain::admission::command::{Admission, Admit};
use crate::domain::ids::AccountId;
use crate::domain::time::Millis;
use crate::ports::{Accounts, Unavailable, Wake, World};
use crate::service::App;
use crate::service::batch::{Batches, Rules};

/// The most that waiting for the one before may add to a call.
const LINGER_MS: u64 = 5;
/// Whoever went along with another, or stands behind the first, and has no answer after this long asks alone.
const PATIENCE_MS: u64 = 3_000;
/// The most questions of one hop, the leader's own included.
const MAX_TOGETHER: usize = 64;
/// Those who wait watch by themselves, for no longer than their patience.
const RULES: Rules = Rules { most: MAX_TOGETHER - 1, lost: None };

/// Who waits, by account; an account is listed while somebody asks its object.
pub struct Admissions {
    batches: Batches<Waiting>,
}

struct Waiting {
    question: Admit,
    seat: Arc<Seat>,
}

impl Default for Admissions {
    fn default() -> Self {
        Self { batches: Batches::new(RULES) }
    }
}

/// Where one who waits is given its turn.
#[derive(Default)]
struct Seat(Mutex<State>);

#[derive(Default)]
struct State {
    turn: Option<Turn>,
    wake: Option<Wake>,
}

enum Turn {
    Answered(Admission),
    /// Asks for itself and for all that wait behind it.
    Leads,
    /// Asks for itself: the one that it went along with got no answer.
    Alone,
}

impl Seat {
    fn give(&self, turn: Turn) {
        let wake = {
            let mut state = self.lock();
            state.turn = Some(turn);
            state.wake.take()
        };
        if let Some(wake) = wake {
            wake();
        }
    }

    /// Whom to wake when the turn comes; at once if it has come.
    fn wake_by(&self, wake: Wake) {
        let mut state = self.lock();
        if state.turn.is_none() {
            state.wake = Some(wake);
        } else {
            drop(state);
            wake();
        }
    }

    fn take(&self) -> Option<Turn> {
        self.lock().turn.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admissions {
    /// A seat in the line and its place; `None` where nobody asks: then the caller does, for the line.
    fn join(&self, account: AccountId, question: &Admit) -> Option<(Arc<Seat>, usize)> {
        let mut seat = None;
        let place = self.batches.join(
            account,
            // No clock is needed, see `RULES`.
            Millis::default,
            || Waiting { question: question.clone(), seat: seat.insert(Arc::<Seat>::default()).clone() },
        )?;
        seat.map(|seat| (seat, place))
    }

    /// Gives up a place in the line; whether there was one.
    fn leave(&self, account: AccountId, seat: &Arc<Seat>) -> bool {
        self.batches.leave(account, |waiting| Arc::ptr_eq(&waiting.seat, seat))
    }

    /// One that asked has its answer, or gives up: the first of the line asks next.
    fn pass_on(&self, account: AccountId) {
        if let Some(next) = self.batches.pass_on(account) {
            next.seat.give(Turn::Leads);
        }
    }
}

/// Asks the account's object, with others where others ask too. The settlements that go along stay in the question for
/// the next try, because the answer may be lost.
///
/// # Errors
/// [`Unavailable`]; the call may be admitted all the same.
pub async fn ask<W: World>(
    app: &App<W>,
    account: AccountId,
    question: &mut Admit,
) -> Result<Admission, Unavailable> {
    let Some((seat, place)) = app.admissions.join(account, question) else {
        return lead(app, account, question).await;
    };
    match (Waits { app, account, seat }).turn(place == 0).await {
        Turn::Answered(admission) => Ok(admission),
        Turn::Leads => lead(app, account, question).await,
        Turn::Alone => ask_alone(app, account, question).await,
    }
}

/// As [`ask`], by a hop of its own.
///
/// # Errors
/// [`Unavailable`].
pub async fn ask_alone<W: World>(
    app: &App<W>,
    account: AccountId,
    question: &mut Admit,
) -> Result<Admission, Unavailable> {
    attach_ended(app, account, question);
    app.world.accounts().ask(account, question.clone()).await
}

async fn lead<W: World>(
    app: &App<W>,
    account: AccountId,
    question: &mut Admit,
) -> Result<Admission, Unavailable> {
    attach_ended(app, account, question);
    let mut followers = Followers { app, account, seats: VecDeque::new() };
    let taken = app.admissions.batches.take(account);
    if taken.is_empty() {
        return app.world.accounts().ask(account, question.clone()).await;
    }
    let mut questions = vec![question.clone()];
    for Waiting { question, seat } in taken {
        questions.push(question);
        followers.seats.push_back(seat);
    }
    let mut answers = app.world.accounts().ask(account, AdmitAll(questions)).await?.into_iter();
    let own = answers.next().ok_or_else(unanswered)?;
    for answer in answers {
        if let Some(seat) = followers.seats.pop_front() {
            seat.give(Turn::Answered(answer));
        }
    }
    Ok(own)
}

/// The calls that have ended go along with the next admission.
fn attach_ended<W: World>(app: &App<W>, account: AccountId, question: &mut Admit) {
    if question.ended.is_empty() {
        question.ended = app.settlements.for_admission(account);
    }
}

fn unanswered() -> Unavailable {
    Unavailable("the account object did not answer every question".to_owned())
}

/// A place in the line; given up when its call is abandoned.
struct Waits<'a, W: World> {
    app: &'a App<W>,
    account: AccountId,
    seat: Arc<Seat>,
}

impl<W: World> Waits<'_, W> {
    async fn turn(&self, is_first: bool) -> Turn {
        let world = &self.app.world;
        let (wake, woken) = world.signal();
        self.seat.wake_by(wake);
        let mut woken = pin!(woken);
        let patience = if is_first { &[LINGER_MS, PATIENCE_MS][..] } else { &[PATIENCE_MS] };
        for ms in patience {
            select(woken.as_mut(), pin!(world.sleep(*ms))).await;
            if let Some(turn) = self.seat.take() {
                return turn;
            }
            if self.app.admissions.leave(self.account, &self.seat) {
                return Turn::Leads;
            }
        }
        Turn::Alone
    }
}

impl<W: World> Drop for Waits<'_, W> {
    fn drop(&mut self) {
        match self.seat.take() {
            Some(Turn::Leads) => self.app.admissions.pass_on(self.account),
            Some(_) => {}
            None => {
                self.app.admissions.leave(self.account, &self.seat);
            }
        }
    }
}

/// Those that go along with one, while they have no answer. However it ends, they are told, and the line goes on.
struct Followers<'a, W: World> {
    app: &'a App<W>,
    account: AccountId,
    seats: VecDeque<Arc<Seat>>,
}

impl<W: World> Drop for Followers<'_, W> {
    fn drop(&mut self) {
        for seat in self.seats.drain(..) {
            seat.give(Turn::Alone);
        }
        self.app.admissions.pass_on(self.account);
    }
}
