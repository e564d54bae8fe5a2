//! What can be done about what the services report: the texts that name the API's URLs.

use crate::service::agents::Fault;
use crate::service::call;
use crate::service::call::reach::Unreachable;

/// Why a call was not served, and what mends it.
pub fn call(error: &call::Error) -> String {
    let advice = match error {
        call::Error::NotActive { agent, to, .. } => {
            let status = to.name();
            format!(
                "; an admin can change that: POST /api/v1/agents/{agent}/status {{\"status\": \"{status}\"}}"
            )
        }
        call::Error::Archived(id) => {
            format!("; an admin can bring it back: POST /api/v1/agents/{id}/restore")
        }
        call::Error::Unpriced { of: None, .. } => {
            ": write a model of the platform's catalogue (GET /api/v1/models), or PUT a provider of the account's own".to_owned()
        }
        call::Error::Unpriced { provider, code, .. } => {
            format!(
                ": set one with PUT /api/v1/models/{provider}/{code}; it counts where the account's own provider answers"
            )
        }
        call::Error::Unreachable(why) => return unreachable(why),
        _ => String::new(),
    };
    format!("{error}{advice}")
}

/// Why calls of an agent cannot work, and what mends it.
pub fn fault(fault: &Fault) -> String {
    match fault {
        Fault::Unreachable(why) => unreachable(why),
        Fault::NoKey(name) => format!("{fault}; an admin must PUT /api/v1/providers/{name}"),
        Fault::Unpriced { provider, code } => {
            format!(
                "{fault}; an admin must PUT /api/v1/models/{provider}/{code}, which counts at a provider of the account's own"
            )
        }
        Fault::Unlisted { .. } => {
            format!(
                "{fault}; write a listed model (GET /api/v1/models), or PUT a provider of the account's own"
            )
        }
        Fault::NoSecret { .. } => format!("{fault}; give it with the agent's `tools`"),
        Fault::BrokenLine(_) | Fault::NoBinding(_) | Fault::Retired { .. } | Fault::NoAgent { .. } => {
            fault.to_string()
        }
    }
}

fn unreachable(why: &Unreachable) -> String {
    match why {
        Unreachable::NotConfigured(name) | Unreachable::NoBaseUrl(name) => {
            format!("{why}; an admin must PUT /api/v1/providers/{name}")
        }
        Unreachable::Sealed(_) => format!("{why}; an admin must PUT it again"),
        Unreachable::Refused { .. } => why.to_string(),
    }
}
