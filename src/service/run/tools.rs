//! What the model of a run may call, and how each call is carried out.

use serde_json::{Value, json};

use crate::domain::message::ToolCall as Called;
use crate::domain::message::{JsonText, Part, Tool};
use crate::domain::money::Nanos;
use crate::domain::run::terms::Terms;
use crate::domain::run::tool::{ClientTool, How};
use crate::domain::thread::effect::{Outcome, ToolCall};
use crate::ports::{Performed, World};
use crate::service::App;
use crate::service::call::bundle::Bundle;
use crate::service::tool::{self, Builtin};

/// A tool that the model may call.
#[derive(Clone, Debug)]
pub enum Offer {
    Client(ClientTool),
    Builtin(&'static Builtin),
}

impl Offer {
    fn name(&self) -> &str {
        match self {
            Self::Client(tool) => &tool.name,
            Self::Builtin(builtin) => builtin.name,
        }
    }

    /// As the model is offered it.
    pub fn tool(&self) -> Tool {
        let (description, parameters) = match self {
            Self::Client(tool) => (tool.description.clone(), tool.parameters.clone()),
            Self::Builtin(builtin) => {
                (Some(builtin.description.to_owned()), JsonText::parse(builtin.parameters))
            }
        };
        Tool {
            name: self.name().to_owned(),
            description,
            parameters: parameters.and_then(|json| json.raw().map(ToOwned::to_owned)),
            strict: None,
            cache: None,
        }
    }
}

/// What the model may call: the client's tools of this run, and those of the agent that we know.
pub fn offered(bundle: &Bundle, terms: &Terms) -> Vec<Offer> {
    let client = terms.tools.iter().cloned().map(Offer::Client);
    let own = bundle.agent.definition.tools.iter().filter_map(|name| tool::builtin(name)).map(Offer::Builtin);
    let mut offered: Vec<Offer> = client.collect();
    for offer in own {
        if !offered.iter().any(|other| other.name() == offer.name()) {
            offered.push(offer);
        }
    }
    offered
}

/// How a call is carried out, or why it is not.
pub fn how(_: &Bundle, offered: &[Offer], call: &Called) -> How {
    let Some(offer) = offered.iter().find(|offer| offer.name() == call.name) else {
        let known: Vec<&str> = offered.iter().map(Offer::name).collect();
        return How::Invalid(format!(
            "There is no tool `{:.64}`. There are: {}.",
            call.name,
            known.join(", ")
        ));
    };
    if !serde_json::from_str::<Value>(&call.arguments).is_ok_and(|arguments| arguments.is_object()) {
        return How::Invalid("The arguments are no JSON object.".to_owned());
    }
    match offer {
        Offer::Client(_) => How::Client,
        Offer::Builtin(builtin) => How::Ours(builtin.effect),
    }
}

/// Makes a call.
pub async fn call<W: World>(app: &App<W>, object: &impl Performed, id: &str, asked: ToolCall) -> Outcome {
    let started = app.world.now();
    let result = match tool::builtin(&asked.call.name) {
        Some(builtin) => builtin.call(app, object, id, &asked.call.arguments).await,
        None => Err(format!("There is no tool `{:.64}` any more.", asked.call.name)),
    };
    let is_error = result.is_err();
    let text = result.unwrap_or_else(|words| words);
    let journal = json!({
        "name": asked.call.name, "arguments": asked.call.arguments, "attempt": asked.call.attempt, "is_error": is_error,
        "started_at": started, "bytes": text.len(),
    });
    Outcome::Tool { output: vec![Part::Text(text)], is_error, cost: Nanos::ZERO, journal }
}
