//! Admissions on their way from this isolate to the accounts' objects.
//!
//! While one call asks an account's object, others that come meanwhile wait for it to be back and then ask together, the
//! first of them for all: under load one hop admits many calls, and a call that is alone waits for nobody. The object
//! decides them one after the other in one step, so a budget is as exact as with a hop each.
//!
//! No call depends on another for long. The first in the line goes after a moment, whether or not the one before is
//! back; whoever was taken along by a request that was lost asks by itself. A question names its call, so asking
//! twice holds once.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::select;

use crate::domain::admission::ask::AdmitAll;
use crate::domain::admission::command::{Admission, Admit};
use crate::domain::ids::AccountId;
use crate::ports::{Accounts, Unavailable, Wake, World};
use crate::service::App;

/// The most that waiting for the one before may add to a call.
const LINGER_MS: u64 = 5;
/// Whoever was taken along, or stands behind the first, and has no answer after this long asks by itself.
const PATIENCE_MS: u64 = 3_000;
/// The most that one hop asks.
const MAX_TOGETHER: usize = 64;

/// Who waits, by account; an account is listed while somebody asks its object.
#[derive(Default)]
pub struct Admissions {
    lines: Mutex<HashMap<AccountId, VecDeque<Waiting>>>,
}

struct Waiting {
    question: Admit,
    seat: Arc<Seat>,
}

/// Where one who waits is told its turn.
#[derive(Default)]
struct Seat(Mutex<Told>);

#[derive(Default)]
struct Told {
    turn: Option<Turn>,
    wake: Option<Wake>,
}

enum Turn {
    Answered(Admission),
    /// Asks for itself and for all that wait behind it.
    Leads,
    /// Asks for itself: the one that took it along got no answer.
    Alone,
}

impl Seat {
    fn tell(&self, turn: Turn) {
        let wake = {
            let mut told = self.lock();
            told.turn = Some(turn);
            told.wake.take()
        };
        if let Some(wake) = wake {
            wake();
        }
    }

    /// Whom to wake when the turn comes; at once if it has come.
    fn wake_by(&self, wake: Wake) {
        let mut told = self.lock();
        if told.turn.is_none() {
            told.wake = Some(wake);
        } else {
            drop(told);
            wake();
        }
    }

    fn take(&self) -> Option<Turn> {
        self.lock().turn.take()
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admissions {
    /// A seat in the line and whether it is the first; `None` where nobody asks: then the caller does, for the line.
    fn join(&self, account: AccountId, question: &Admit) -> Option<(Arc<Seat>, bool)> {
        let mut lines = self.lock();
        let Some(line) = lines.get_mut(&account) else {
            lines.insert(account, VecDeque::new());
            return None;
        };
        let seat = Arc::<Seat>::default();
        line.push_back(Waiting { question: question.clone(), seat: seat.clone() });
        Some((seat, line.len() == 1))
    }

    /// Gives up a place in the line; whether there was one.
    fn leave(&self, account: AccountId, seat: &Arc<Seat>) -> bool {
        let mut lines = self.lock();
        let Some(line) = lines.get_mut(&account) else { return false };
        let before = line.len();
        line.retain(|waiting| !Arc::ptr_eq(&waiting.seat, seat));
        line.len() < before
    }

    /// Who goes along with the one that sets out now.
    fn take(&self, account: AccountId) -> Vec<Waiting> {
        let mut lines = self.lock();
        let line = lines.entry(account).or_default();
        let fitting = line.len().min(MAX_TOGETHER - 1);
        line.drain(..fitting).collect()
    }

    /// One that asked is back: the first of the line goes next.
    fn hand_on(&self, account: AccountId) {
        let next = {
            let mut lines = self.lock();
            let next = lines.get_mut(&account).and_then(VecDeque::pop_front);
            if next.is_none() {
                lines.remove(&account);
            }
            next
        };
        if let Some(next) = next {
            next.seat.tell(Turn::Leads);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, VecDeque<Waiting>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the account's object, with others where others ask too. What an answer that was lost may have settled
/// stays in the question, for the next try.
///
/// # Errors
/// [`Unavailable`]; the call may be admitted all the same.
pub async fn ask<W: World>(
    app: &App<W>,
    account: AccountId,
    question: &mut Admit,
) -> Result<Admission, Unavailable> {
    let Some((seat, is_first)) = app.admissions.join(account, question) else {
        return lead(app, account, question).await;
    };
    let place = Place { app, account, seat };
    match place.turn(is_first).await {
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
    tell_ended(app, account, question);
    app.world.accounts().ask(account, question.clone()).await
}

async fn lead<W: World>(
    app: &App<W>,
    account: AccountId,
    question: &mut Admit,
) -> Result<Admission, Unavailable> {
    tell_ended(app, account, question);
    let mut party = Party { app, account, seats: VecDeque::new() };
    let taken = app.admissions.take(account);
    if taken.is_empty() {
        return app.world.accounts().ask(account, question.clone()).await;
    }
    let mut questions = vec![question.clone()];
    for Waiting { question, seat } in taken {
        questions.push(question);
        party.seats.push_back(seat);
    }
    let mut answers = app.world.accounts().ask(account, AdmitAll(questions)).await?.into_iter();
    let own = answers.next().ok_or_else(unanswered)?;
    for answer in answers {
        if let Some(seat) = party.seats.pop_front() {
            seat.tell(Turn::Answered(answer));
        }
    }
    Ok(own)
}

/// The calls that have ended go along with the next admission.
fn tell_ended<W: World>(app: &App<W>, account: AccountId, question: &mut Admit) {
    if question.ended.is_empty() {
        question.ended = app.settlements.tell(account);
    }
}

fn unanswered() -> Unavailable {
    Unavailable("the account object did not answer every question".to_owned())
}

/// A place in the line; given up when its call is abandoned.
struct Place<'a, W: World> {
    app: &'a App<W>,
    account: AccountId,
    seat: Arc<Seat>,
}

impl<W: World> Place<'_, W> {
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

impl<W: World> Drop for Place<'_, W> {
    fn drop(&mut self) {
        match self.seat.take() {
            Some(Turn::Leads) => self.app.admissions.hand_on(self.account),
            Some(_) => {}
            None => {
                self.app.admissions.leave(self.account, &self.seat);
            }
        }
    }
}

/// Those that one has taken along, while they have no answer. However it ends, they learn of it, and the line goes on.
struct Party<'a, W: World> {
    app: &'a App<W>,
    account: AccountId,
    seats: VecDeque<Arc<Seat>>,
}

impl<W: World> Drop for Party<'_, W> {
    fn drop(&mut self) {
        for seat in self.seats.drain(..) {
            seat.tell(Turn::Alone);
        }
        self.app.admissions.hand_on(self.account);
    }
}
