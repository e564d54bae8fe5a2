//! An agent that a body names: what is said where there is none of that name.

use super::mount::AccountCaller;
use crate::domain::json;
use crate::domain::scope::Scope;
use crate::http::problem::{Kind, Problem};
use crate::ports::{AccountRef, World};
use crate::service::App;
use crate::service::call;

/// How many agents are named where none has the name that was asked for.
const MOST_NAMED: usize = 10;

/// The name by which a key asks for an agent of its account.
#[derive(Debug)]
pub struct NamedAgent {
    account: Option<AccountRef>,
    key: Option<String>,
    name: String,
}

impl NamedAgent {
    pub fn of(asker: &AccountCaller, name: Option<&str>) -> Self {
        let name = name.unwrap_or_default().chars().take(64).collect();
        Self { account: asker.account.clone(), key: asker.key.clone(), name }
    }

    /// A problem that there is no such agent, with those that the key may call.
    pub async fn instead<W: World>(self, app: &App<W>, mut problem: Problem) -> Problem {
        if problem.kind != Kind::NotFound {
            return problem;
        }
        let callable = call::callable(app, self.account.as_ref(), self.key.as_deref(), Scope::Calls).await;
        let Ok(callable) = callable else { return problem };
        let slugs: Vec<&str> = callable.agents.iter().map(|(slug, _)| slug.as_str()).collect();
        let near = json::nearest(&self.name, slugs.iter().copied());
        problem.detail = match (near, slugs.as_slice()) {
            (Some(near), _) => format!("There is no agent `{}` here; did you mean `{near}`?", self.name),
            (None, []) => return problem,
            (None, slugs) => format!(
                "There is no agent `{}` here. `model` names an agent that the key may call, such as {}.",
                self.name,
                slugs.iter().take(MOST_NAMED).map(|slug| format!("`{slug}`")).collect::<Vec<_>>().join(", ")
            ),
        };
        problem
    }
}
