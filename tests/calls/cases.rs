//! Calls as data: what a client sends, what the provider answers, and what each then gets to see. A case that was reported
//! becomes a file, and fails until its kind is right.
//!
//! In `tests/fixtures/calls/`, each file a list of cases: `provider` (`name`, `wire`, `model`: fields of its row), `agent`
//! (fields), `body`, `replies` (`status`, `retry_after_s`, `body`, or `stream`: frames, and `unterminated`: the
//! last one's text; in the order in which the provider is
//! asked), `sent` (for each of these requests values by JSON Pointer, null: absent) and `client` (`status`, `headers`,
//! `body` by pointer; of a stream its chunks in a list). `{"$repeat": [text, times]}` stands for a long text.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::ask::{Face, Reply};
use crate::stage::Stage;
use crate::support::{Script, Turn};

#[tokio::test]
async fn every_reported_case_is_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calls");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut faults = Vec::new();
    for file in files {
        let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        for case in cases {
            let of = format!("{}: {}", file.file_name().unwrap().display(), case["case"].as_str().unwrap());
            faults.extend(run(&case).await.into_iter().map(|fault| format!("{of}\n    {fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A word that is misspelt would expect nothing, and so would a case without expectations.
fn misread(case: &Value) -> Vec<String> {
    let known = [
        ("", &["case", "provider", "agent", "model", "body", "replies", "sent", "client"][..]),
        ("/client", &["status", "headers", "body"]),
    ];
    let mut faults = Vec::new();
    for (place, names) in known {
        let given = members(case.pointer(place).unwrap_or(&Value::Null));
        let unknown = given.keys().filter(|name| !names.contains(&name.as_str()));
        faults.extend(unknown.map(|name| format!("the case has an unknown member {place}/{name}")));
    }
    let sent = case["sent"].as_array().into_iter().flatten();
    let expects = sent.chain([&case["client"]["body"]]).any(|expected| !members(expected).is_empty());
    if !expects {
        faults.push("the case expects nothing".to_owned());
    }
    faults
}

async fn run(case: &Value) -> Vec<String> {
    let mut faults = misread(case);
    let stage = Stage::new().await;
    furnish(&stage, case).await;
    for reply in case["replies"].as_array().unwrap() {
        stage.then(turn(reply));
    }
    let reply = ask(&stage, case).await;
    let asked = stage.take_asked();
    let sent: Vec<Value> = asked.iter().map(|asked| serde_json::from_slice(&asked.body).unwrap()).collect();
    let expected = case["sent"].as_array().unwrap();
    if sent.len() != expected.len() {
        faults.push(format!("asked {} times, not {}", sent.len(), expected.len()));
    }
    for (sent, expected) in sent.iter().zip(expected) {
        faults.extend(differences("sent", sent, expected));
    }
    let client = &case["client"];
    if client["status"] != reply.status.as_u16() {
        faults.push(format!("the client got {}: {}", reply.status, reply.text()));
    }
    for (name, value) in members(&client["headers"]) {
        if reply.header(&name) != value.as_str().unwrap() {
            faults.push(format!("{name}: {:?}, not {value}", reply.header(&name)));
        }
    }
    faults.extend(differences("client", &read(&reply), &client["body"]));
    faults
}

/// The provider, its models and the agent of a case.
pub async fn furnish(stage: &Stage, case: &Value) {
    for provider in case["provider"].as_array().unwrap_or(&vec![case["provider"].clone()]) {
        let name = provider["name"].as_str().unwrap();
        let mut row = json!({"wire": provider["wire"], "base_url": format!("https://{name}.example.com/v1"), "api_key": "sk-1"});
        if let Some(dialect) = provider.get("dialect") {
            row["dialect"] = dialect.clone();
        }
        let put = stage
            .api
            .put(&format!("/api/v1/providers/{name}"))
            .key(&stage.acme.admin)
            .json(&row)
            .send()
            .await;
        assert!(put.status.is_success(), "{put:?}");
    }
    let line = case["agent"]["model"].as_str().unwrap();
    for entry in line.split(", ") {
        let (provider, code) = entry.split_once(':').unwrap();
        let code = code.split('?').next().unwrap();
        let mut fields = json!({"context_tokens": 128_000, "max_output_tokens": 16_384,
            "capabilities": ["images", "tools", "json_schema", "streaming", "reasoning"]});
        fields.as_object_mut().unwrap().extend(members(&case["model"]));
        stage.model(&format!("{provider}/{}", code.replace('/', "%2F")), &fields).await;
    }
    let mut agent = json!({"budget": null});
    agent.as_object_mut().unwrap().extend(members(&case["agent"]));
    stage.agent("asked", &agent).await;
}

pub async fn ask(stage: &Stage, case: &Value) -> Reply {
    let mut body = Face::Completions.body("asked");
    body.as_object_mut().unwrap().extend(members(&repeated(case["body"].clone())));
    stage.ask(Face::Completions, "asked").json(&body).send().await
}

pub fn turn(reply: &Value) -> Turn {
    let status = reply["status"].as_u64().unwrap_or(200).try_into().unwrap();
    let retry_after_ms = reply["retry_after_s"].as_u64().map(|seconds| seconds * 1_000);
    let chunks = match reply["stream"].as_array() {
        Some(frames) => {
            let frames = frames.iter().map(|data| format!("data: {}\n\n", text(data)));
            let unterminated = reply["unterminated"].as_str().map(str::to_owned);
            frames.chain(unterminated).map(|frame| Ok(frame.into())).collect()
        }
        None => vec![Ok(text(&reply["body"]).into())],
    };
    Turn::Replies(Script { status, retry_after_ms, chunks })
}

/// JSON, or a text as it is.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A stream's chunks in a list.
fn read(reply: &Reply) -> Value {
    if reply.header("content-type") != "text/event-stream" {
        return reply.json();
    }
    let data = reply.text().lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data))).collect()
}

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn differences(what: &str, is: &Value, expected: &Value) -> Vec<String> {
    let differs = |(pointer, value): (String, Value)| {
        let found = is.pointer(&pointer).unwrap_or(&Value::Null);
        (*found != value).then(|| format!("{what} {pointer}: {found}, not {value}"))
    };
    members(expected).into_iter().filter_map(differs).collect()
}

fn repeated(value: Value) -> Value {
    match value {
        Value::Object(members) if members.contains_key("$repeat") => {
            let (text, times) =
                (members["$repeat"][0].as_str().unwrap(), members["$repeat"][1].as_u64().unwrap());
            json!(text.repeat(times.try_into().unwrap()))
        }
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, repeated(value))).collect(),
        Value::Array(items) => items.into_iter().map(repeated).collect(),
        other => other,
    }
}
