//! Commands and answers as they pass between a Worker and an object, which may be of different versions.
//!
//! `tests/fixtures/commands/vN/` holds each of them as version N writes it. A released file is never edited
//! (`scripts/test design`). Whoever adds a command or an answer records it as a file more:
//! `RECORD=learn cargo test --test object commands`. Whoever changes what one looks like raises [`VERSION`], and records all
//! of them in a new folder.

use std::path::PathBuf;

use retinue::domain::admission::command::{
    AccountSpend, Admission, Admit, Answer, CallRecord, CallStatus, Command, Forget, Inspect, Learned, Page,
    Rate, Refusal, Scope, Settle, Spend, UsageKind, VERSION,
};
use retinue::domain::budget::{Action, Budget, Period};
use retinue::domain::ids::{AgentId, CallId, KeyId};
use retinue::domain::message::Usage;
use retinue::domain::money::Nanos;
use retinue::domain::plan::CallLimits;
use retinue::domain::time::Millis;
use retinue::object::account::Account;
use retinue::object::host::{Host, Reply};
use retinue::object::machine::Moment;
use retinue::object::wire::{self, Response};
use serde_json::Value;

use crate::disk::Disk;

const NOW: Millis = Millis(1_795_262_400_000);

fn record(full: bool) -> CallRecord {
    CallRecord {
        call: CallId::new(NOW, [1; 10]),
        agent: AgentId::new(NOW, [2; 10]),
        key: full.then(|| KeyId::new(NOW, [3; 10])),
        version: 7,
        model: "openai:gpt-4.1-mini".to_owned(),
        status: if full { CallStatus::Ok } else { CallStatus::UpstreamError },
        usage: if full { UsageKind::Reported } else { UsageKind::Missing },
        tokens: Usage {
            input_tokens: 100,
            cached_input_tokens: 40,
            cache_write_tokens: 10,
            output_tokens: 20,
            reasoning_tokens: 5,
            hour_write_tokens: 0,
            audio_input_tokens: 0,
        },
        held: Nanos::new(2_000),
        cost: Nanos::new(1_500),
        at: NOW,
        first_token_ms: full.then_some(120),
        duration_ms: 900,
        run: None,
    }
}

fn learned(full: bool) -> Learned {
    let body = full.then(|| "{\"weight\":5}".to_owned());
    Learned { kind: "gadget".to_owned(), name: "torch".to_owned(), revision: 9, body }
}

fn admit(full: bool) -> Admit {
    let budget = Budget { limit: Nanos::new(1_000_000), period: Period::Day, action: Action::Block };
    let limits = CallLimits {
        calls_per_minute: Some(60),
        concurrent_calls: Some(8),
        monthly_spend: Some(Nanos::new(9_000_000)),
    };
    Admit {
        call: CallId::new(NOW, [1; 10]),
        agent: AgentId::new(NOW, [2; 10]),
        key: full.then(|| KeyId::new(NOW, [3; 10])),
        version: 7,
        model: "openai:gpt-4.1-mini".to_owned(),
        epoch: 12,
        want: Nanos::new(2_000),
        floor: Nanos::new(100),
        again: full,
        charged: Nanos::new(50),
        budget: full.then_some(budget),
        max_concurrency: full.then_some(3),
        limits: if full { limits } else { CallLimits::default() },
        ttl_ms: 60_000,
        ended: if full { vec![record(true)] } else { Vec::new() },
    }
}

fn commands() -> Vec<Command> {
    let budget = Budget { limit: Nanos::new(1_000_000), period: Period::Total, action: Action::Notify };
    let page = |full: bool| Page {
        agent: AgentId::new(NOW, [2; 10]),
        limit: 21,
        before: full.then(|| CallId::new(NOW, [1; 10])),
        ended: if full { vec![record(false)] } else { Vec::new() },
    };
    vec![
        Command::Admit(admit(true)),
        Command::Admit(admit(false)),
        Command::AdmitAll(vec![admit(false), admit(true)]),
        Command::Count(admit(true).limits),
        Command::Settle(Settle { records: vec![record(true), record(false)] }),
        Command::Epoch,
        Command::BeginWrite,
        Command::EndWrite,
        Command::Inspect(Inspect { agent: AgentId::new(NOW, [2; 10]), budget }),
        Command::InspectAccount,
        Command::Calls(page(true)),
        Command::Calls(page(false)),
        Command::Wake,
        Command::Learn(vec![learned(true), learned(false)]),
        Command::Forget(Forget {
            agents: vec![AgentId::new(NOW, [2; 10])],
            calls: vec![CallId::new(NOW, [1; 10])],
        }),
    ]
}

fn answers() -> Vec<Answer> {
    let rate = Rate { limit: 60, remaining: 59, resets_at: NOW };
    let budget = |of, resets_at| Refusal::Budget {
        of,
        period: Period::Month,
        limit: Nanos::new(1_000),
        remaining: Nanos::new(10),
        resets_at,
        is_held: false,
    };
    let refused = [
        budget(Scope::Agent, None),
        budget(Scope::Plan, Some(NOW)),
        Refusal::Concurrency { limit: 3, of: Scope::Agent },
        Refusal::Rate { limit: 60, resets_at: NOW },
        Refusal::Lapsed,
    ];
    let spend = |full: bool| Spend {
        settled: Nanos::new(10),
        held: Nanos::new(20),
        remaining: Nanos::new(30),
        resets_at: full.then_some(NOW),
        crossed_at: full.then_some(NOW),
        open_calls: 2,
    };
    let account =
        AccountSpend { settled: Nanos::new(1), held: Nanos::new(2), open_calls: 3, calls_in_minute: 4 };
    let granted = |rate| Admission::Granted { amount: Nanos::new(2_000), rate };
    let mut all = vec![
        Answer::Admission(granted(Some(rate))),
        Answer::Admissions(vec![granted(None), Admission::Stale { epoch: 13 }]),
        Answer::Settled,
        Answer::Epoch(13),
        Answer::Spend(spend(true)),
        Answer::Spend(spend(false)),
        Answer::AccountSpend(account),
        Answer::Calls(vec![record(true), record(false)]),
        Answer::Woken,
        Answer::Learned,
    ];
    all.extend(refused.map(|refusal| Answer::Admission(Admission::Refused(refusal))));
    all
}

/// Every command and answer is among those above: whoever adds one meets this.
const fn is_recorded(command: &Command, answer: &Answer) {
    match command {
        Command::Admit(_)
        | Command::AdmitAll(_)
        | Command::Count(_)
        | Command::Settle(_)
        | Command::Forget(_)
        | Command::Epoch
        | Command::BeginWrite
        | Command::EndWrite
        | Command::Inspect(_)
        | Command::InspectAccount
        | Command::Calls(_)
        | Command::Wake
        | Command::Learn(_) => {}
    }
    match answer {
        Answer::Admission(_)
        | Answer::Admissions(_)
        | Answer::Settled
        | Answer::Epoch(_)
        | Answer::Spend(_)
        | Answer::AccountSpend(_)
        | Answer::Calls(_)
        | Answer::Woken
        | Answer::Learned => {}
    }
}

/// Of an object; `""` is the account's.
fn folder(object: &str, version: u32) -> PathBuf {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/commands");
    fixtures.join(object).join(format!("v{version}"))
}

/// All that the version has recorded of them: what it began with (`commands.json`), and what was added since
/// (`commands_learn.json`).
pub fn recorded(object: &str, version: u32, of: &str) -> Vec<Value> {
    let folder = folder(object, version);
    let mut all = Vec::new();
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for file in files.map(|file| file.unwrap().path()) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        if name == of || name.starts_with(&format!("{of}_")) {
            let text = std::fs::read_to_string(&file).unwrap();
            all.extend(serde_json::from_str::<Vec<Value>>(&text).unwrap());
        }
    }
    all
}

pub fn check(object: &str, version: u32, of: &str, written: &[Value]) {
    let known = recorded(object, version, of);
    let new: Vec<_> = written.iter().filter(|one| !known.contains(one)).collect();
    if let Some(name) = std::env::var_os("RECORD").filter(|_| !new.is_empty()) {
        let text = serde_json::to_string_pretty(&new).unwrap();
        let file = format!("{of}_{}.json", name.to_str().unwrap());
        std::fs::write(folder(object, version).join(file), format!("{text}\n")).unwrap();
        return;
    }
    assert_eq!(new, Vec::<&Value>::new(), "not recorded: see the head of this file");
    let gone: Vec<_> = known.iter().filter(|one| !written.contains(one)).collect();
    assert_eq!(gone, Vec::<&Value>::new(), "{of} look otherwise than version {version} recorded them");
}

#[test]
fn what_is_written_is_what_this_version_recorded() {
    for (command, answer) in commands().iter().zip(&answers()) {
        is_recorded(command, answer);
    }
    let commands: Vec<_> = commands().iter().map(|one| serde_json::to_value(one).unwrap()).collect();
    let answers: Vec<_> = answers().iter().map(|one| serde_json::to_value(one).unwrap()).collect();
    check("", VERSION, "commands", &commands);
    check("", VERSION, "answers", &answers);
}

#[test]
fn what_this_and_the_version_before_wrote_is_read() {
    for version in VERSION.saturating_sub(1).max(1)..=VERSION {
        for command in recorded("", version, "commands") {
            wire::decode::<Command>(&format!("{version} {command}")).unwrap();
        }
        for answer in recorded("", version, "answers") {
            wire::decode::<Answer>(&format!("{version} {answer}")).unwrap();
        }
    }
    for command in commands() {
        let text = serde_json::to_string(&command).unwrap();
        assert_eq!(wire::decode::<Command>(&text).unwrap(), command);
    }
}

fn ask(text: &str) -> Response {
    let mut host = Host::<Account, Disk>::new(Disk::new());
    match wire::answer(&mut host, text, &mut Moment { now: NOW, random: &mut || [0; 10] }) {
        Reply::Now(response) => response,
        Reply::Later(_) => panic!("it waits"),
    }
}

#[test]
fn a_newer_versions_fields_are_passed_over() {
    let response = ask("2 {\"Inspect\":{\"agent\":\"0199f000-0000-7000-8000-000000000000\",\"pool\":\"x\",
        \"budget\":{\"limit\":5,\"period\":\"day\",\"action\":\"block\",\"shared\":true}}}");
    assert_eq!(response.status, 200, "{response:?}");
}

#[test]
fn a_command_that_is_not_known_is_answered_as_such() {
    for text in ["2 {\"Lease\":{\"resource\":\"device:one\"}}", "2 \"Forget\"", "1 {\"Admit\":{}}"] {
        let response = ask(text);
        assert_eq!(response.status, wire::UNKNOWN, "{response:?}");
        let versions = format!("version {} that version {VERSION} does not know", &text[..1]);
        assert!(response.text.contains(&versions), "{response:?}");
    }
    for text in ["", "1 ", "1 {", "Epoch", "{\"Admit\"", "1 {\"Epoch\":null} x", "99999999999 \"Epoch\""] {
        assert_eq!(ask(text).status, 400, "{text}");
    }
}

#[test]
fn the_first_release_reads_what_this_one_writes_and_writes_what_this_one_reads() {
    for command in commands() {
        // All that code does with a text.
        let text = serde_json::to_string(&command).unwrap();
        assert_eq!(wire::encode(1, &command).unwrap(), text);
        assert_eq!(wire::decode::<Command>(&text).unwrap(), command);
    }
    assert_eq!(ask("\"Epoch\"").text, "{\"Epoch\":1}");
}

#[test]
fn from_the_second_version_on_a_text_begins_with_its_version() {
    let text = wire::encode(2, &Command::Epoch).unwrap();
    assert_eq!(text, "2 \"Epoch\"");
    assert_eq!(wire::decode::<Command>(&text).unwrap(), Command::Epoch);
}
