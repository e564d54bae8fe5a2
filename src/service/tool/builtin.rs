//! Tools that need nothing but the product. An agent has those that its `tools` name.

use serde::Deserialize;

use crate::domain::calculate::calculate;
use crate::domain::run::tool::Effect;
use crate::domain::thread::effect::Progress;
use crate::ports::{Performed, World};
use crate::service::App;

/// A tool of the product.
#[derive(Debug)]
pub struct Builtin {
    pub name: &'static str,
    pub description: &'static str,
    /// A JSON Schema.
    pub parameters: &'static str,
    pub effect: Effect,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Calculate,
    CurrentTime,
    ReportProgress,
    TakeNote,
}

const ALL: [Builtin; 4] = [
    Builtin {
        name: "calculate",
        description: "Calculates with exact decimals of up to 28 digits: + - * / % (remainder) ^ (whole exponents), parentheses, \
                      and abs, ceil, floor, round(x, places), min, max. For instance: round((19.99 * 3 - 5) * 1.19, 2)",
        parameters: r#"{"type":"object","properties":{"expression":{"type":"string"}},"required":["expression"],
"additionalProperties":false}"#,
        effect: Effect::Pure,
        what: What::Calculate,
    },
    Builtin {
        name: "current_time",
        description: "The present moment in UTC.",
        parameters: r#"{"type":"object","properties":{},"additionalProperties":false}"#,
        effect: Effect::Pure,
        what: What::CurrentTime,
    },
    Builtin {
        name: "report_progress",
        description: "Tells whoever watches how far the work is, in a sentence.",
        parameters: MESSAGE,
        effect: Effect::Idempotent,
        what: What::ReportProgress,
    },
    Builtin {
        name: "take_note",
        description: "Writes down something for later in this conversation.",
        parameters: MESSAGE,
        effect: Effect::Pure,
        what: What::TakeNote,
    },
];

const MESSAGE: &str = r#"{"type":"object","properties":{"message":{"type":"string"}},"required":["message"],
"additionalProperties":false}"#;

#[derive(Deserialize)]
struct Said {
    message: String,
}

#[derive(Deserialize)]
struct Expression {
    expression: String,
}

/// The built-in tool of this name.
pub fn builtin(name: &str) -> Option<&'static Builtin> {
    static TABLE: [Builtin; 4] = ALL;
    TABLE.iter().find(|builtin| builtin.name == name)
}

impl Builtin {
    /// What the tool answers.
    ///
    /// # Errors
    /// Words for the model.
    #[expect(clippy::unused_async, reason = "others will wait")]
    pub async fn call<W: World>(
        &self,
        app: &App<W>,
        object: &impl Performed,
        id: &str,
        arguments: &str,
    ) -> Result<String, String> {
        let said = || serde_json::from_str::<Said>(arguments).map_err(|error| error.to_string());
        match self.what {
            What::Calculate => {
                let asked: Expression = serde_json::from_str(arguments).map_err(|error| error.to_string())?;
                calculate(&asked.expression)
            }
            What::CurrentTime => Ok(app.world.now().to_rfc3339()),
            What::ReportProgress => {
                let shown = object.progress(id, Progress::Report(said()?.message));
                shown.map(|()| "Said.".to_owned()).map_err(|_| "It could not be shown.".to_owned())
            }
            // The note stands in the transcript, as the call that it is.
            What::TakeNote => said().map(|_| "Noted.".to_owned()),
        }
    }
}
