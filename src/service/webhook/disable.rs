//! A webhook whose receiver is gone: the directory learns that it is switched off.

use crate::domain::change::{Action, Actor, Subject};
use crate::domain::declared::webhooks::FACTS;
use crate::domain::dispatch::effect::Outcome;
use crate::domain::ids::AccountId;
use crate::domain::webhook::Disabled;
use crate::ports::{Declarations, Directory, World, WriteError};
use crate::service::App;
use crate::service::declared::webhooks::{Row, Webhooks, declaration, read};
use crate::service::declared::{Kind, deliver_now};
use crate::service::retry::{CONTENDED, written_at};

/// Switches a webhook off, if it still has this address.
pub async fn disable<W: World>(
    app: &App<W>,
    account: AccountId,
    webhook: &str,
    url: &str,
    why: &Disabled,
) -> Outcome {
    let mut tries = CONTENDED.begin();
    loop {
        match once(app, account, webhook, url, why).await {
            Ok(()) => return Outcome::Done,
            Err(WriteError::Moved) if tries.again(&app.world).await => {}
            Err(error) => {
                app.world.log(&format!("webhook {webhook} of {account} could not be disabled: {error}"));
                return Outcome::Undone;
            }
        }
    }
}

async fn once<W: World>(
    app: &App<W>,
    account: AccountId,
    webhook: &str,
    url: &str,
    why: &Disabled,
) -> Result<(), WriteError> {
    let tenant = app.world.directory().tenant(account);
    let Some(found) = tenant.declaration(&FACTS, webhook).await? else { return Ok(()) };
    let was = read(&found)?;
    // Of one that is written since, the receiver was asked before.
    if !was.webhook.enabled || was.webhook.url != url || was.updated_at > why.at {
        return Ok(());
    }
    let at = written_at(app.world.now(), Some(was.updated_at));
    let is = Row { webhook: was.webhook.disabled(why.clone()), updated_at: at, ..was.clone() };
    let (before, after) = (Webhooks::logged(&was), Webhooks::logged(&is));
    let subject = Subject::of(&FACTS);
    let change = app.change(Actor::Operator, Action::Update, subject, webhook, Some(before), Some(after));
    let row = declaration(&is);
    let write = tenant.put_declaration(&FACTS, &row, Some(was.updated_at), &change);
    app.write_through(account, write).await?;
    // Otherwise the sweep brings it.
    if let Err(error) = deliver_now(app, account).await {
        app.world.log(&format!("account {account}: its objects receive declarations later: {error}"));
    }
    Ok(())
}
