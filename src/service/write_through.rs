//! The order of a control-plane write: the account's object, the directory, the object again.
//!
//! The object's epoch advances before and after the directory changes, so that no row read meanwhile is taken for
//! a current one. Creating an account needs neither: nobody has read its rows.

use std::future::Future;

use crate::domain::admission::ask::{BeginWrite, EndWrite};
use crate::domain::ids::AccountId;
use crate::ports::{Accounts, Unavailable, World};

use super::App;

impl<W: World> App<W> {
    /// Runs `write`, which changes the account's rows, between the two steps of its object.
    ///
    /// The second step is taken even when the write failed, because it may have been persisted all the same. If
    /// that step fails, or this is never polled again, the object takes it by itself; so it is not an error.
    pub(super) async fn write_through<T, E: From<Unavailable>>(
        &self,
        account: AccountId,
        write: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        self.world.accounts().ask(account, BeginWrite).await?;
        let result = write.await;
        if let Err(error) = self.world.accounts().ask(account, EndWrite).await {
            self.world.log(&format!("account {account}: end of a write left to the object: {error}"));
        }
        result
    }

    /// For a write that takes long: the object, which ends a begun write by itself after a minute, counts from now.
    ///
    /// # Errors
    /// [`Unavailable`]; go no further then, because the end of what is written later may be nobody's.
    pub(super) async fn prolong_write(&self, account: AccountId) -> Result<(), Unavailable> {
        self.write_through(account, async { Ok(()) }).await
    }
}
