//! How many tokens a request has, by the provider's own count: Anthropic's `POST /messages/count_tokens` and Gemini's
//! `:countTokens`, which bill nothing.
//!
//! Source: Anthropic's and Google's API references, read 2026-11. OpenAI counts requests of its Responses API alone, and
//! Workers AI counts nothing.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Outgoing;
use crate::domain::provider::Wire;
use crate::wire::to_json;

/// What Anthropic counts of a request; it refuses other fields.
const COUNTED: [&str; 7] =
    ["model", "messages", "system", "tools", "tool_choice", "thinking", "output_config"];

/// Whether providers of this wire count.
pub const fn is_there(wire: Wire) -> bool {
    matches!(wire, Wire::Anthropic | Wire::Gemini)
}

/// Makes of a request for an answer one for its count; `None` where the provider does not count.
pub fn of(wire: Wire, code: &str, asked: Outgoing) -> Option<Outgoing> {
    let body = || serde_json::from_slice::<Map<String, Value>>(&asked.body).ok();
    let (path, body) = match wire {
        Wire::Anthropic => {
            let mut body = body()?;
            body.retain(|field, _| COUNTED.contains(&field.as_str()));
            ("/messages/count_tokens".to_owned(), to_json(&body))
        }
        Wire::Gemini => {
            let path = asked.path.strip_suffix(":generateContent")?;
            let model = if code.contains('/') { code.to_owned() } else { format!("models/{code}") };
            let mut body = body()?;
            body.insert("model".to_owned(), json!(model));
            (format!("{path}:countTokens"), to_json(&json!({ "generateContentRequest": body })))
        }
        Wire::OpenAi | Wire::WorkersAi => return None,
    };
    Some(Outgoing { path, body: Bytes::from(body), ..asked })
}

/// Reads the count.
pub fn read(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Counted {
        #[serde(alias = "totalTokens")]
        input_tokens: u64,
    }

    serde_json::from_slice(body).ok().map(|counted: Counted| counted.input_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, body: &Value) -> Outgoing {
        Outgoing { path: path.to_owned(), headers: vec![("a", "b".to_owned())], body: to_json(body).into() }
    }

    #[test]
    fn what_is_counted_is_asked_and_nothing_else() {
        let body = json!({"model": "m", "max_tokens": 9, "stream": true, "temperature": 1, "messages": [], "tools": []});
        let outgoing = of(Wire::Anthropic, "m", asked("/messages", &body)).unwrap();
        let sent: Value = serde_json::from_slice(&outgoing.body).unwrap();
        assert_eq!(sent, json!({"model": "m", "messages": [], "tools": []}));
        assert_eq!((outgoing.path.as_str(), outgoing.headers.len()), ("/messages/count_tokens", 1));

        for (code, path, model) in
            [("g", "/models/g", "models/g"), ("tunedModels/mine", "/tunedModels/mine", "tunedModels/mine")]
        {
            let asked = asked(&format!("{path}:generateContent"), &json!({"contents": []}));
            let outgoing = of(Wire::Gemini, code, asked).unwrap();
            let sent: Value = serde_json::from_slice(&outgoing.body).unwrap();
            assert_eq!(sent, json!({"generateContentRequest": {"contents": [], "model": model}}));
            assert_eq!(outgoing.path, format!("{path}:countTokens"));
        }

        for wire in [Wire::OpenAi, Wire::WorkersAi] {
            assert!(of(wire, "m", asked("/x", &json!({}))).is_none());
        }
    }

    #[test]
    fn a_count_is_read_and_nothing_else_is_one() {
        assert_eq!(read(b"{\"input_tokens\":7}"), Some(7));
        assert_eq!(read(b"{\"totalTokens\":8,\"promptTokensDetails\":[]}"), Some(8));
        for body in ["", "{}", "{\"input_tokens\":-1}", "{\"error\":{}}", "7"] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}
