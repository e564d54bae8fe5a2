//! The Worker's side of the one hop: a command to the account's object, an answer back.

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use worker::ObjectNamespace;
use worker::send::IntoSendFuture;

use super::crossing;
use crate::domain::admission::command::{
    AccountSpend, Admission, Admit, Answer, CallRecord, Command, Inspect, Page, Settle, Spend,
};
use crate::domain::ids::AccountId;
use crate::ports::{Accounts, Unavailable};

/// The namespace of account objects.
#[derive(Clone, Debug)]
pub struct AccountClient {
    namespace: ObjectNamespace,
}

impl AccountClient {
    pub const fn new(namespace: ObjectNamespace) -> Self {
        Self { namespace }
    }

    async fn ask(&self, account: AccountId, command: &Command) -> Result<Answer, Unavailable> {
        self.exchange(account, command).into_send().await.map_err(|error| Unavailable(error.to_string()))
    }

    async fn exchange(&self, account: AccountId, command: &Command) -> worker::Result<Answer> {
        let objects: &JsValue = self.namespace.as_ref();
        let answer = crossing::ask(objects, &account.to_string(), &serde_json::to_string(command)?);
        let text = JsFuture::from(answer).await?.as_string().unwrap_or_default();
        Ok(serde_json::from_str(&text)?)
    }
}

/// An answer of another kind than the question's.
fn mismatched(answer: &Answer) -> Unavailable {
    Unavailable(format!("the account object answered {answer:?}"))
}

impl Accounts for AccountClient {
    async fn admit(
        &self,
        account: AccountId,
        mut questions: Vec<Admit>,
    ) -> Result<Vec<Admission>, Unavailable> {
        let command = match (questions.pop(), questions.is_empty()) {
            (Some(only), true) => Command::Admit(only),
            (last, _) => {
                questions.extend(last);
                Command::AdmitAll(questions)
            }
        };
        match self.ask(account, &command).await? {
            Answer::Admission(admission) => Ok(vec![admission]),
            Answer::Admissions(admissions) => Ok(admissions),
            other => Err(mismatched(&other)),
        }
    }

    async fn settle(&self, account: AccountId, settle: Settle) -> Result<(), Unavailable> {
        match self.ask(account, &Command::Settle(settle)).await? {
            Answer::Settled => Ok(()),
            other => Err(mismatched(&other)),
        }
    }

    async fn epoch(&self, account: AccountId) -> Result<u64, Unavailable> {
        self.ask_epoch(account, Command::Epoch).await
    }

    async fn begin_write(&self, account: AccountId) -> Result<(), Unavailable> {
        self.ask_epoch(account, Command::BeginWrite).await.map(|_| ())
    }

    async fn end_write(&self, account: AccountId) -> Result<(), Unavailable> {
        self.ask_epoch(account, Command::EndWrite).await.map(|_| ())
    }

    async fn spend(&self, account: AccountId, inspect: Inspect) -> Result<Spend, Unavailable> {
        match self.ask(account, &Command::Inspect(inspect)).await? {
            Answer::Spend(spend) => Ok(spend),
            other => Err(mismatched(&other)),
        }
    }

    async fn account_spend(&self, account: AccountId) -> Result<AccountSpend, Unavailable> {
        match self.ask(account, &Command::InspectAccount).await? {
            Answer::AccountSpend(spend) => Ok(spend),
            other => Err(mismatched(&other)),
        }
    }

    async fn calls(&self, account: AccountId, page: Page) -> Result<Vec<CallRecord>, Unavailable> {
        match self.ask(account, &Command::Calls(page)).await? {
            Answer::Calls(calls) => Ok(calls),
            other => Err(mismatched(&other)),
        }
    }
}

impl AccountClient {
    async fn ask_epoch(&self, account: AccountId, command: Command) -> Result<u64, Unavailable> {
        match self.ask(account, &command).await? {
            Answer::Epoch(epoch) => Ok(epoch),
            other => Err(mismatched(&other)),
        }
    }
}
