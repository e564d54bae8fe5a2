//! The Worker's side of the one hop: a question to an account's object as a command's text, an answer back.

use std::future::Future;

use super::wire;
use crate::domain::admission::Ask;
use crate::domain::admission::command::VERSION;
use crate::domain::ids::AccountId;
use crate::ports::{Accounts, Unavailable};

/// What carries a command to an account's object.
pub trait Hop: Send + Sync {
    /// The answer's text.
    ///
    /// # Errors
    /// [`Unavailable`] when the object did not answer, or refused with these words.
    fn carry(
        &self,
        account: AccountId,
        command: String,
    ) -> impl Future<Output = Result<String, Unavailable>> + Send;
}

impl<H: Hop> Accounts for H {
    async fn ask<A: Ask>(&self, account: AccountId, question: A) -> Result<A::Answer, Unavailable> {
        let unreadable = |error: serde_json::Error| Unavailable(error.to_string());
        let text = wire::encode(VERSION, &question.command()).map_err(unreadable)?;
        let answer = wire::decode(&self.carry(account, text).await?).map_err(unreadable)?;
        A::of(answer).map_err(|other| Unavailable(format!("the account's object answered {other:?}")))
    }
}
