//! What a message says: the run as it is shown to whoever asks for it.

use serde_json::{Value, json};

use crate::domain::dispatch::notice::Posting;
use crate::domain::thread::view::RunView;
use crate::domain::time::Millis;

/// The most bytes of a message; what it leaves out stands in the run.
const MAX_BODY: usize = 64 * 1_024;
/// What is left out, in this order.
const LONG: [&str; 7] = ["request", "message", "output", "output_errors", "waiting_on", "warnings", "error"];

/// What a message says of a run.
pub fn of_run(posting: &Posting, run: &RunView) -> String {
    let mut data = json!(run);
    let mut text = written(&posting.event, posting.created_at, &data);
    let mut omitted = Vec::new();
    for field in LONG {
        if text.len() <= MAX_BODY {
            break;
        }
        let Some(there) = data.get_mut(field) else { continue };
        *there = if there.is_array() { json!([]) } else { Value::Null };
        omitted.push(field);
        data["omitted"] = json!(omitted);
        text = written(&posting.event, posting.created_at, &data);
    }
    text
}

/// A message of this kind.
pub fn written(event: &str, at: Millis, data: &Value) -> String {
    json!({"type": event, "timestamp": at, "data": data}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountId, AgentId};
    use crate::domain::money::Nanos;
    use crate::domain::run::state::Status;
    use crate::domain::run::terms::Priority;
    use crate::domain::thread::id::{RunId, ThreadKey};
    use crate::domain::webhook::{Runs, Webhook};

    fn run(message: String) -> RunView {
        let thread = ThreadKey::new(Millis(1), [1; 10]);
        RunView {
            id: RunId { thread, number: 1 },
            thread_id: thread,
            agent_id: AgentId::new(Millis(1), [2; 10]),
            agent_version: 1,
            user: None,
            status: Status::Completed,
            paused_from: None,
            waiting_on: Vec::new(),
            reason: None,
            error: None,
            warnings: Vec::new(),
            message: Some(message),
            typed: false,
            output: None,
            output_errors: Vec::new(),
            request: None,
            priority: Priority::Normal,
            cost_usd: Nanos::new(5),
            steps: 1,
            tool_calls: 0,
            created_at: Millis(1),
            started_at: None,
            ended_at: None,
        }
    }

    fn posting() -> Posting {
        let webhook = Webhook {
            url: "https://a.example.com".to_owned(),
            events: Vec::new(),
            runs: Runs::All,
            enabled: true,
            description: None,
            secrets: Vec::new(),
            disabled: None,
        };
        Posting {
            account: AccountId::new(Millis(1), [3; 10]),
            id: "msg_1".to_owned(),
            name: "crm".to_owned(),
            webhook,
            event: "run.completed".to_owned(),
            run: None,
            created_at: Millis(0),
            body: None,
        }
    }

    #[test]
    fn a_message_has_the_run_as_it_is_shown() {
        let said: Value = serde_json::from_str(&of_run(&posting(), &run("Hi".to_owned()))).unwrap();
        assert_eq!(said["type"], "run.completed");
        assert_eq!(said["timestamp"], "1970-01-01T00:00:00.000Z");
        assert_eq!(said["data"], json!(run("Hi".to_owned())));
    }

    #[test]
    fn what_is_too_long_is_left_out_and_named() {
        let run =
            RunView { waiting_on: vec![json!({"arguments": "a".repeat(10)})], ..run("ü".repeat(40_000)) };
        let said = of_run(&posting(), &run);
        assert!(said.len() <= MAX_BODY);
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!((&said["data"]["message"], &said["data"]["omitted"]), (&Value::Null, &json!(["message"])));
        assert_eq!(said["data"]["waiting_on"], json!(run.waiting_on));
        assert_eq!(said["data"]["id"], run.id.to_string());
    }
}
