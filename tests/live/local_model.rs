//! One call to a real model on this machine, through an agent: nothing emulated, nothing scripted.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::harness::{Tokens, eventually, live, money};

/// Installing the model takes minutes on a slow line; one thread on a busy machine takes a while to answer.
const START_DEADLINE: Duration = Duration::from_secs(15 * 60);

/// llama.cpp's server with SmolLM2; it ends with its standard input, or with this.
struct LocalModel(Child);

impl Drop for LocalModel {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Starts `scripts/local-model`; its first line is its base URL.
async fn start() -> (LocalModel, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/local-model");
    let mut command = Command::new("bash");
    // The pipe closes when this process is gone, however it went.
    command.args(["-c", r#"exec 3<&0; "$1" </dev/null & read -r _ <&3; kill $!; wait"#, "bash"]).arg(script);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("bash is installed");
    let output = child.stdout.take().expect("it is piped");
    let model = LocalModel(child);
    let mut line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).map(|_| line.trim().to_owned())
    });
    let line = tokio::time::timeout(START_DEADLINE, &mut line).await.expect("the local model starts");
    (model, line.expect("reading does not panic").expect("the pipe can be read"))
}

#[test]
fn a_real_model_answers_through_an_agent_and_is_paid() {
    live(async |app| {
        let (model, base_url) = start().await;
        assert!(base_url.starts_with("http://127.0.0.1:"), "{base_url}");
        let account = app.account().await;
        account
            .put("/api/v1/providers/local", &json!({"wire": "openai", "base_url": base_url}))
            .await
            .expect(200);
        let price = json!({
            "input_usd_per_mtok": "1", "output_usd_per_mtok": "2", "context_tokens": 4096,
            "max_output_tokens": 1024, "capabilities": ["streaming"],
        });
        account.put("/api/v1/models/local/smollm2-135m-instruct", &price).await;
        let agent = account.agent("local:smollm2-135m-instruct?max_tokens=24&temperature=0");
        let agent = agent
            .with("instructions", json!("You are a helpful assistant."))
            .capped(1_000_000_000)
            .create()
            .await;

        let reply = agent.chat("Say hello.").await.expect(200).json();
        let said = reply["message"].as_str().unwrap_or_default().trim().to_owned();
        assert!(!said.is_empty(), "{reply}");
        let tokens = Tokens::of_usage(&reply["usage"]);
        assert!(tokens.input > 5 && (1..=24).contains(&tokens.output), "{tokens:?}");

        let stream = agent.stream("Say hello.").await;
        let id = stream.header("x-call-id").to_owned();
        let events = stream.all().await;
        let (done, deltas) = events.split_last().expect("a stream has events");
        assert_eq!((done.name.as_str(), deltas.is_empty()), ("done", false));

        let row = agent.settled_call(&id).await;
        assert_eq!(row["usage"], "reported", "{row}");
        let books = agent.closed_books().await;
        let cost = |call: &serde_json::Value| {
            let tokens = Tokens::of(call);
            (tokens.input - tokens.cached) * 1_000 + tokens.cached * 1_000 + tokens.output * 2_000
        };
        assert!(books.calls.iter().all(|call| money(&call["cost_usd"]) == cost(call)), "{:?}", books.calls);
        eventually("all is settled", crate::harness::DEADLINE, async || {
            (agent.budget().await.settled > 0).then_some(())
        })
        .await;
        drop(model);
    });
}
