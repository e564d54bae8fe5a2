//! Lists of threads and runs, from the account's index.

use super::Visitor;
use crate::domain::dispatch::command::{Answer, Command, List, Order, Position};
use crate::domain::dispatch::entry::Kind;
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::ids::AgentId;
use crate::domain::run::state::Status;
use crate::domain::thread::view::ThreadStatus;
use crate::domain::time::Millis;
use crate::ports::{AgentRef, Agents, Directory, Dispatch, Unavailable, World};
use crate::service::App;
use crate::service::failure::Failure;
use crate::service::page::{Cut, Page, Request};
use crate::service::unexpected::name_of;

/// The most entries of a page.
const MAX_LIMIT: u32 = 100;

/// Which threads or runs are asked for, as it was written; what is given must all be so.
#[derive(Clone, Debug, Default)]
pub struct Narrow {
    /// Slug or id. Only members choose.
    pub agent: Option<String>,
    pub status: Option<String>,
    pub user: Option<String>,
    /// A whole label, or the part before its colon.
    pub label: Option<String>,
    pub order: Option<String>,
    pub since: Option<String>,
    pub until: Option<String>,
}

/// A page of what lists show, as JSON.
#[derive(Debug)]
pub struct Listing {
    pub page: Page<String>,
    /// How far behind the index may be, in milliseconds.
    pub lag_ms: u64,
}

impl Visitor {
    /// Threads or runs, newest first: those of the agent that is called, or those of the account.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn list<W: World>(
        &self,
        app: &App<W>,
        kind: Kind,
        narrow: &Narrow,
        page: &Request,
    ) -> Result<Listing, Failure> {
        let (mut list, cut) = parse(kind, narrow, page)?;
        list.agent = match (self.agent(), &narrow.agent) {
            (Some(agent), _) => Some(agent),
            (None, None) => None,
            (None, Some(named)) => Some(self.agent_named(app, named).await?),
        };
        list.limit = cut.limit();
        match app.world.dispatch().ask(self.account, Command::List(list)).await? {
            Answer::Listed(listed) => {
                let order = order_of(narrow);
                let next_cursor = listed.next.map(|next| cursor(kind, order, &next));
                Ok(Listing { page: Page { rows: listed.entries, next_cursor }, lag_ms: listed.lag_ms })
            }
            other => Err(Unavailable(format!("the index answered {} to a list", name_of(&other))).into()),
        }
    }

    /// Also an archived one, by its id.
    async fn agent_named<W: World>(&self, app: &App<W>, named: &str) -> Result<AgentId, Failure> {
        let tenant = app.world.directory().tenant(self.account);
        let agent = match AgentRef::parse(named) {
            Some(named) => tenant.agent_ever(&named).await?,
            None => None,
        };
        let field = "agent".to_owned();
        let message = "is no agent of this account: give a slug or an id".to_owned();
        agent.ok_or_else(|| Failure::Invalid(vec![FieldError { field, message }]))
    }
}

fn order_of(narrow: &Narrow) -> Order {
    if narrow.order.as_deref() == Some("updated") { Order::Updated } else { Order::Created }
}

/// All faults at once.
fn parse(kind: Kind, narrow: &Narrow, page: &Request) -> Result<(List, Cut<Position>), Failure> {
    let mut errors = FieldErrors::default();
    let order = order_of(narrow);
    let statuses: Vec<&str> = match kind {
        Kind::Thread => ThreadStatus::ALL.iter().map(|status| status.name()).collect(),
        Kind::Run => Status::ALL.iter().map(|status| status.name()).collect(),
    };
    if narrow.status.as_deref().is_some_and(|status| !statuses.contains(&status)) {
        errors.add("status", format!("write one of {}", statuses.join(", ")));
    }
    match (narrow.order.as_deref(), kind) {
        (None | Some("created"), _) | (Some("updated"), Kind::Thread) => {}
        (Some(_), Kind::Thread) => errors.add("order", "write created or updated"),
        (Some(_), Kind::Run) => errors.add("order", "write created: runs are listed by when they were made"),
    }
    let mut moment = |name: &str, text: &Option<String>| {
        let moment = text.as_deref().map(Millis::parse_rfc3339)?;
        if moment.is_none() {
            errors.add(name, "write a moment such as 2026-11-21T09:30:00Z");
        }
        moment
    };
    let (since, until) = (moment("since", &narrow.since), moment("until", &narrow.until));
    let cut = page.parse_up_to(MAX_LIMIT, |text| position(kind, order, text));
    let cut = match (errors.finish(), cut) {
        (Ok(()), cut) => cut?,
        (Err(mut faults), Err(Failure::Invalid(more))) => {
            faults.extend(more);
            return Err(Failure::Invalid(faults));
        }
        (Err(faults), _) => return Err(Failure::Invalid(faults)),
    };
    let newest = Position::until(until.filter(|until| *until < Position::NEWEST).unwrap_or(Position::NEWEST));
    let list = List {
        kind,
        order,
        agent: None,
        status: narrow.status.clone(),
        user: narrow.user.clone(),
        label: narrow.label.clone(),
        since: since.unwrap_or(Millis(0)),
        after: cut.after.clone().unwrap_or(newest),
        limit: 0,
    };
    Ok((list, cut))
}

/// A cursor names the list and the order that it is of: in another it would skip what it should not.
fn cursor(kind: Kind, order: Order, at: &Position) -> String {
    format!("{}{}.{}", mark(kind, order), at.at.0, at.id)
}

const fn mark(kind: Kind, order: Order) -> char {
    match (kind, order) {
        (Kind::Thread, Order::Created) => 'c',
        (Kind::Thread, Order::Updated) => 'u',
        (Kind::Run, _) => 'r',
    }
}

fn position(kind: Kind, order: Order, text: &str) -> Option<Position> {
    let (at, id) = text.strip_prefix(mark(kind, order))?.split_once('.')?;
    let at = at.parse().ok().filter(|at| (0..=Position::NEWEST.0).contains(at))?;
    let is_id = id.len() <= 40 && id.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    is_id.then(|| Position { at: Millis(at), id: id.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_in_the_list_and_the_order_that_it_is_of() {
        let at = Position { at: Millis(1_795_262_400_000), id: "0199f000".into() };
        let lists =
            [(Kind::Thread, Order::Created), (Kind::Thread, Order::Updated), (Kind::Run, Order::Created)];
        for (kind, order) in lists {
            let text = cursor(kind, order, &at);
            for (other, by) in lists {
                let read = position(other, by, &text);
                assert_eq!(read.is_some(), (other, by) == (kind, order), "{text}");
                assert!(read.is_none_or(|read| read == at));
            }
        }
        for wrong in [
            "",
            "c",
            "c1",
            "c-1.0",
            "c1.g",
            "c9007199254740993.a",
            "c1.0'",
            &format!("c1.{}", "a".repeat(41)),
        ] {
            assert_eq!(position(Kind::Thread, Order::Created, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_fault_of_a_list_is_named_at_once() {
        let some = |text: &str| Some(text.to_owned());
        let narrow = Narrow {
            status: some("idle"),
            order: some("updated"),
            since: some("yesterday"),
            until: some("2026-13-01T00:00:00Z"),
            ..Narrow::default()
        };
        let page = Request { limit: some("101"), cursor: some("x") };
        let Err(Failure::Invalid(faults)) = parse(Kind::Run, &narrow, &page) else { panic!() };
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["status", "order", "since", "until", "limit", "cursor"]);
        let narrow = Narrow { since: None, until: some("2026-11-21T09:30:00Z"), ..narrow };
        let (list, _) = parse(Kind::Thread, &narrow, &Request::default()).unwrap();
        assert_eq!((list.order, list.after.id.as_str()), (Order::Updated, ""));
    }
}
