//! An answer on its way through a client and back: what a provider wants again over a tool turn reaches it.

use serde_json::{Value, json};

use super::client::openai::{self, Envelope, StreamEncoder};
use super::provider::{Decoder, Renamed, Target, decode, encode};
use crate::domain::dialect;
use crate::domain::message::{ChatReply, Gather, Usage};
use crate::domain::money::Nanos;
use crate::domain::provider::Wire;

const ENVELOPE: Envelope<'_> =
    Envelope { id: "c1", created_s: 1, model: "helper", warnings: &[], cached: false };
const USAGE: Usage = Usage {
    input_tokens: 1,
    cached_input_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 1,
    reasoning_tokens: 0,
    hour_write_tokens: 0,
    audio_input_tokens: 0,
};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/fixtures/", $name)).as_slice()
    };
}

/// The message that a client gets, whole.
fn whole(reply: &ChatReply) -> Value {
    let body: Value = serde_json::from_slice(&openai::reply(&ENVELOPE, reply, &USAGE, Nanos::ZERO)).unwrap();
    body["choices"][0]["message"].clone()
}

/// The message that a client puts together of a stream: texts are joined, lists by their entries' `index`.
fn streamed(wire: Wire, stream: &[u8]) -> Value {
    let (mut events, mut out) = (Vec::new(), Vec::new());
    let mut decoder = Decoder::new(wire, Renamed::default());
    decoder.feed(stream, &mut events).unwrap();
    decoder.finish(&mut events).unwrap();
    let mut encoder = StreamEncoder::new(&ENVELOPE, false);
    events.iter().for_each(|event| encoder.event(event, &mut out));
    let text = String::from_utf8(out).unwrap();
    let mut message = json!({});
    for line in text.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let chunk: Value = serde_json::from_str(line).unwrap();
        join(&mut message, &chunk["choices"][0]["delta"]);
    }
    message
}

fn join(whole: &mut Value, delta: &Value) {
    for (name, value) in delta.as_object().unwrap() {
        match (whole.get_mut(name), value) {
            (Some(Value::String(text)), Value::String(more)) if name != "role" => text.push_str(more),
            (Some(Value::Array(list)), Value::Array(more)) => more.iter().for_each(|entry| {
                let same = list
                    .iter_mut()
                    .find(|one| entry.get("index").is_some() && one["index"] == entry["index"]);
                match same {
                    Some(one) => join(one, entry),
                    None => list.push(entry.clone()),
                }
            }),
            (Some(Value::Object(_)), Value::Object(_)) => join(&mut whole[name], value),
            _ => whole[name] = value.clone(),
        }
    }
}

/// What this model is sent when the client sends the message back with its tools' results.
fn sent_back(wire: Wire, provider: &str, code: &str, message: &Value) -> Value {
    let mut messages = vec![json!({"role": "user", "content": "Hi"}), message.clone()];
    for call in message["tool_calls"].as_array().unwrap() {
        messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "ok"}));
    }
    let body = json!({"model": "helper", "messages": messages});
    let request = openai::parse(body.to_string().as_bytes()).unwrap().request;
    let dialect = &dialect::resolve(wire, provider, None, code, None);
    let sent = encode(Target { dialect, code }, &request, false);
    serde_json::from_slice(&sent.outgoing.body).unwrap()
}

/// The client's message, whole and streamed.
fn messages(wire: Wire, json: &[u8], sse: &[u8]) -> [Value; 2] {
    [whole(&decode(wire, &Renamed::default(), json).unwrap()), streamed(wire, sse)]
}

#[test]
fn anthropics_thinking_comes_back_signed() {
    for message in messages(Wire::Anthropic, fixture!("anthropic/pair.json"), fixture!("anthropic/pair.sse"))
    {
        let body = sent_back(Wire::Anthropic, "anthropic", "claude-sonnet-4-6", &message);
        let content = body["messages"][1]["content"].as_array().unwrap();
        let thoughts = json!([
            {"type": "thinking", "thinking": "Rings: Saturn.", "signature": "c2lnMQ=="},
            {"type": "redacted_thinking", "data": "ZW5j"},
            {"type": "thinking", "thinking": "", "signature": "c2lnMg=="},
        ]);
        assert_eq!(content[..3], thoughts.as_array().unwrap()[..], "{message}");
        assert_eq!((&content[3]["type"], &content[4]["type"]), (&json!("text"), &json!("tool_use")));
        // Elsewhere a proof of Anthropic's is of no use.
        let gemini = sent_back(Wire::Gemini, "gemini", "gemini-3.8-flash", &message);
        assert!(!gemini.to_string().contains("c2lnMQ"), "{gemini}");
        let deepseek = sent_back(Wire::OpenAi, "deepseek", "deepseek-v4-pro", &message);
        assert_eq!(deepseek["messages"][1]["reasoning_content"], "Rings: Saturn.");
        assert!(!deepseek.to_string().contains("c2lnMQ"), "{deepseek}");
        let router = sent_back(Wire::OpenAi, "openrouter", "anthropic/claude-sonnet-4.6", &message);
        assert_eq!(router["messages"][1]["reasoning_details"][0]["signature"], "c2lnMQ==");
    }
}

#[test]
fn geminis_signatures_come_back_on_their_parts() {
    for message in messages(Wire::Gemini, fixture!("gemini/pair.json"), fixture!("gemini/pair.sse")) {
        let call = &message["tool_calls"][0];
        assert_eq!(call["extra_content"]["google"]["thought_signature"], "Z29vZw==");
        let parts =
            sent_back(Wire::Gemini, "gemini", "gemini-3.8-flash", &message)["contents"][1]["parts"].clone();
        assert_eq!(
            (&parts[0]["text"], &parts[0]["thoughtSignature"]),
            (&json!("Saturn has rings. Looking."), &json!("dGV4dA=="))
        );
        assert_eq!(
            (&parts[1]["functionCall"]["id"], &parts[1]["thoughtSignature"]),
            (&json!("fc1"), &json!("Z29vZw=="))
        );
        // A client that keeps nothing but the identifier brings it back all the same.
        let mut bare = message.clone();
        for call in bare["tool_calls"].as_array_mut().unwrap() {
            call.as_object_mut().unwrap().remove("extra_content");
        }
        let parts =
            sent_back(Wire::Gemini, "gemini", "gemini-3.8-flash", &bare)["contents"][1]["parts"].clone();
        assert_eq!(parts[1]["thoughtSignature"], "Z29vZw==");
        let openai = sent_back(Wire::OpenAi, "openai", "gpt-4.1", &message);
        assert_eq!(openai["messages"][1]["tool_calls"][0]["id"], "fc1");
        assert!(!openai.to_string().contains("Z29vZw"), "{openai}");
        let google = sent_back(Wire::OpenAi, "google-openai", "gemini-3.8-flash", &message);
        let google = &google["messages"][1]["tool_calls"][0]["extra_content"]["google"];
        assert_eq!(google["thought_signature"], "Z29vZw==");
    }
}

#[test]
fn geminis_signature_behind_the_calls_comes_back_there() {
    let parts = r#"{"text":"Looking."},{"functionCall":{"id":"fc1","name":"f","args":{}},"thoughtSignature":"Z29vZw=="},
        {"functionCall":{"id":"fc2","name":"f","args":{}}},{"text":"","thoughtSignature":"ZW5k"}"#;
    let json = format!(r#"{{"candidates":[{{"content":{{"parts":[{parts}]}},"finishReason":"STOP"}}]}}"#);
    let sse = format!("data: {}\n\n", json.replace('\n', ""));
    for message in messages(Wire::Gemini, json.as_bytes(), sse.as_bytes()) {
        assert_eq!(message["content"], "Looking.");
        let sent = sent_back(Wire::Gemini, "gemini", "gemini-3.8-flash", &message);
        let parts = &sent["contents"][1]["parts"];
        assert_eq!(parts[0], json!({"text": "Looking."}), "{message}");
        assert_eq!(parts[1]["thoughtSignature"], "Z29vZw==");
        assert_eq!(parts[3], json!({"text": "", "thoughtSignature": "ZW5k"}), "{sent}");
        let openai = sent_back(Wire::OpenAi, "openai", "gpt-4.1", &message);
        assert_eq!(openai["messages"][1]["content"], "Looking.");
        let anthropic = sent_back(Wire::Anthropic, "anthropic", "claude-sonnet-4-6", &message);
        assert_eq!(anthropic["messages"][1]["content"].as_array().unwrap().len(), 3, "{anthropic}");
    }
    // In a transcript, which is kept in events' order.
    let mut gather = Gather::default();
    let mut events = Vec::new();
    let mut decoder = Decoder::new(Wire::Gemini, Renamed::default());
    decoder.feed(sse.as_bytes(), &mut events).unwrap();
    events.into_iter().for_each(|event| gather.push(event).unwrap());
    assert_eq!(
        gather.finish().choices,
        decode(Wire::Gemini, &Renamed::default(), json.as_bytes()).unwrap().choices
    );
}

#[test]
fn openrouters_details_come_back_entry_by_entry() {
    for message in messages(Wire::OpenAi, fixture!("openai/pair.json"), fixture!("openai/pair.sse")) {
        let body = sent_back(Wire::OpenAi, "openrouter", "anthropic/claude-sonnet-4.6", &message);
        let details = json!([
            {"type": "reasoning.text", "text": "Rings: Saturn.", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0},
            {"type": "reasoning.encrypted", "data": "ZW5j", "format": "anthropic-claude-v1", "index": 1},
        ]);
        assert_eq!(body["messages"][1]["reasoning_details"], details);
        assert_eq!(message["annotations"][0]["url_citation"]["url"], "https://a.example.com/saturn");
        assert_eq!(
            message["annotations"][1],
            json!({"type": "file_citation", "file_citation": {"file_id": "f1"}})
        );
        // They are Anthropic's, so Anthropic itself understands them.
        let anthropic = sent_back(Wire::Anthropic, "anthropic", "claude-sonnet-4-6", &message);
        assert_eq!(anthropic["messages"][1]["content"][0]["signature"], "c2ln");
    }
}

#[test]
fn plain_reasoning_comes_back_under_the_servers_own_name() {
    let stream = b"data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"Hm\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":{\"reasoning_content\":\".\",\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}\n\n\
        data: [DONE]\n\n";
    let message = streamed(Wire::OpenAi, stream);
    assert_eq!(message["reasoning_content"], "Hm.");
    for (provider, field) in
        [("deepseek", "reasoning_content"), ("groq", "reasoning"), ("vllm", "reasoning_content")]
    {
        assert_eq!(
            sent_back(Wire::OpenAi, provider, "m", &message)["messages"][1][field],
            "Hm.",
            "{provider}"
        );
    }
    let openai = sent_back(Wire::OpenAi, "openai", "gpt-4.1", &message);
    assert!(!openai.to_string().contains("Hm."), "{openai}");
}

#[test]
fn a_reply_gathered_of_its_own_stream_is_the_same_for_a_client() {
    for (wire, json, sse) in [
        (Wire::OpenAi, fixture!("openai/pair.json"), fixture!("openai/pair.sse")),
        (Wire::Anthropic, fixture!("anthropic/pair.json"), fixture!("anthropic/pair.sse")),
        (Wire::Gemini, fixture!("gemini/pair.json"), fixture!("gemini/pair.sse")),
    ] {
        let (mut events, mut gather) = (Vec::new(), Gather::default());
        let mut decoder = Decoder::new(wire, Renamed::default());
        decoder.feed(sse, &mut events).unwrap();
        events.into_iter().for_each(|event| gather.push(event).unwrap());
        let reply = decode(wire, &Renamed::default(), json).unwrap();
        assert_eq!(whole(&gather.finish()), whole(&reply), "{wire}");
    }
}
