//! The Worker's side of the one hop: a command to an account's object, an answer back.

use std::future::Future;

use super::wire;
use crate::domain::admission::command::{
    AccountSpend, Admission, Admit, Answer, CallRecord, Command, Inspect, Page, Settle, Spend, VERSION,
};
use crate::domain::ids::AccountId;
use crate::ports::{Accounts, Unavailable};

/// What carries a command to an account's object.
pub trait Hop: Send + Sync {
    /// The answer's text.
    ///
    /// # Errors
    /// [`Unavailable`] when the object did not answer, or refused with these words.
    fn ask(
        &self,
        account: AccountId,
        command: String,
    ) -> impl Future<Output = Result<String, Unavailable>> + Send;
}

async fn exchange(hop: &impl Hop, account: AccountId, command: Command) -> Result<Answer, Unavailable> {
    let unreadable = |error: serde_json::Error| Unavailable(error.to_string());
    let text = wire::encode(VERSION, &command).map_err(unreadable)?;
    wire::decode(&hop.ask(account, text).await?).map_err(unreadable)
}

/// An answer of another kind than the question's.
fn mismatched(answer: &Answer) -> Unavailable {
    Unavailable(format!("the account object answered {answer:?}"))
}

/// Asks, and takes the one kind of answer that fits.
macro_rules! ask {
    ($hop:expr, $account:expr, $command:expr, $answer:pat => $value:expr) => {
        match exchange($hop, $account, $command).await? {
            $answer => Ok($value),
            other => Err(mismatched(&other)),
        }
    };
}

impl<H: Hop> Accounts for H {
    async fn admit(
        &self,
        account: AccountId,
        mut questions: Vec<Admit>,
    ) -> Result<Vec<Admission>, Unavailable> {
        if questions.len() > 1 {
            return ask!(self, account, Command::AdmitAll(questions), Answer::Admissions(all) => all);
        }
        let Some(only) = questions.pop() else { return Ok(Vec::new()) };
        ask!(self, account, Command::Admit(only), Answer::Admission(admission) => vec![admission])
    }

    async fn settle(&self, account: AccountId, settle: Settle) -> Result<(), Unavailable> {
        ask!(self, account, Command::Settle(settle), Answer::Settled => ())
    }

    async fn epoch(&self, account: AccountId) -> Result<u64, Unavailable> {
        ask!(self, account, Command::Epoch, Answer::Epoch(epoch) => epoch)
    }

    async fn begin_write(&self, account: AccountId) -> Result<(), Unavailable> {
        ask!(self, account, Command::BeginWrite, Answer::Epoch(_) => ())
    }

    async fn end_write(&self, account: AccountId) -> Result<(), Unavailable> {
        ask!(self, account, Command::EndWrite, Answer::Epoch(_) => ())
    }

    async fn spend(&self, account: AccountId, inspect: Inspect) -> Result<Spend, Unavailable> {
        ask!(self, account, Command::Inspect(inspect), Answer::Spend(spend) => spend)
    }

    async fn account_spend(&self, account: AccountId) -> Result<AccountSpend, Unavailable> {
        ask!(self, account, Command::InspectAccount, Answer::AccountSpend(spend) => spend)
    }

    async fn calls(&self, account: AccountId, page: Page) -> Result<Vec<CallRecord>, Unavailable> {
        ask!(self, account, Command::Calls(page), Answer::Calls(calls) => calls)
    }

    async fn wake(&self, account: AccountId) -> Result<(), Unavailable> {
        ask!(self, account, Command::Wake, Answer::Woken => ())
    }
}
