//! What may be asked of an account's object, each with the one kind of answer that fits: how callers see
//! [`Command`] and [`Answer`].

use super::command::{
    AccountSpend, Admission, Admit, Answer, CallRecord, Command, Forget, Inspect, Learned, Page, Settle,
    Spend,
};
use crate::domain::plan::CallLimits;

/// A question to an account's object.
pub trait Ask: Send {
    type Answer: Send;

    fn command(self) -> Command;

    /// What the answer says.
    ///
    /// # Errors
    /// The answer, when it is of another kind than the question's.
    fn of(answer: Answer) -> Result<Self::Answer, Answer>;
}

/// Several calls, decided one after the other with nothing in between; answered in this order.
#[derive(Clone, Debug)]
pub struct AdmitAll(pub Vec<Admit>);

/// A request that is no call, against the plan's calls a minute.
#[derive(Clone, Copy, Debug)]
pub struct Count(pub CallLimits);

/// The number of the directory's rows as they are now; ask before reading them.
#[derive(Clone, Copy, Debug)]
pub struct Epoch;

/// Before the directory is written. Answered once it is on disk.
#[derive(Clone, Copy, Debug)]
pub struct BeginWrite;

/// After. If the writer dies in between, the object does this by itself.
#[derive(Clone, Copy, Debug)]
pub struct EndWrite;

/// What all agents together have spent this month.
#[derive(Clone, Copy, Debug)]
pub struct InspectAccount;

/// Do what is due by now.
#[derive(Clone, Copy, Debug)]
pub struct Wake;

/// Keep copies of these. Answered once they are on disk.
#[derive(Clone, Debug)]
pub struct Learn(pub Vec<Learned>);

/// A line for each: the question, how it is a command, how its answer is taken, and what that says.
macro_rules! asks {
    ($($ask:ty: $from:pat => $command:expr, $answer:pat => $value:expr, $kind:ty;)+) => {$(
        impl Ask for $ask {
            type Answer = $kind;

            fn command(self) -> Command {
                let $from = self;
                $command
            }

            fn of(answer: Answer) -> Result<$kind, Answer> {
                match answer {
                    $answer => Ok($value),
                    other => Err(other),
                }
            }
        }
    )+};
}

asks! {
    Admit: ask => Command::Admit(ask), Answer::Admission(admission) => admission, Admission;
    AdmitAll: AdmitAll(all) => Command::AdmitAll(all), Answer::Admissions(all) => all, Vec<Admission>;
    Count: Count(limits) => Command::Count(limits), Answer::Admission(admission) => admission, Admission;
    Settle: settle => Command::Settle(settle), Answer::Settled => (), ();
    Epoch: Self => Command::Epoch, Answer::Epoch(epoch) => epoch, u64;
    BeginWrite: Self => Command::BeginWrite, Answer::Epoch(epoch) => epoch, u64;
    EndWrite: Self => Command::EndWrite, Answer::Epoch(epoch) => epoch, u64;
    Inspect: ask => Command::Inspect(ask), Answer::Spend(spend) => spend, Spend;
    InspectAccount: Self => Command::InspectAccount, Answer::AccountSpend(spend) => spend, AccountSpend;
    Page: page => Command::Calls(page), Answer::Calls(calls) => calls, Vec<CallRecord>;
    Wake: Self => Command::Wake, Answer::Woken => (), ();
    Forget: forget => Command::Forget(forget), Answer::Settled => (), ();
    Learn: Learn(things) => Command::Learn(things), Answer::Learned => (), ();
}
