//! Taking the agents out of a document, where a document is not one agent; and refusing what is none.

use serde_json::{Map, Value};

use super::value::{self, at, is_object_at, str_at, take};
use super::{Part, Source};
use crate::domain::agent::{Fields as AgentFields, Modality, Status};
use crate::wire::file::park;

type Fields = Map<String, Value>;

/// The most models of an agent, and values of a model.
const MAX_VALUES: usize = 128;

pub fn one(f: Fields) -> Vec<Part> {
    vec![f.into()]
}

pub fn refused(name: Option<&str>, what: impl Into<String>) -> Vec<Part> {
    let shown = |name: &str| park::shown(name).chars().take(64).collect();
    vec![Part::Refused { name: name.map(shown), what: what.into() }]
}

/// An agent under a key of its document, which is its name unless its fields say another.
fn keyed(key: String, fields: Fields) -> Part {
    let mut source = Source { fields, ..Source::default() };
    if park::is_secret_name(&key, &key, &mut source.report) {
        return Part::Agent(Box::new(source));
    }
    let preset = AgentFields { name: value::line(&key), ..AgentFields::default() };
    Part::Agent(Box::new(Source { preset, keys: vec![key], ..source }))
}

/// The objects of `agents`, or the document itself.
pub fn list(mut f: Fields) -> Vec<Part> {
    match f.get("agents") {
        Some(Value::Array(_)) => {
            let agents = value::objects(f.remove("agents").unwrap_or_default());
            agents.into_iter().map(Part::from).collect()
        }
        _ => one(f),
    }
}

/// One, or the page that its server answers.
pub fn librechat(mut f: Fields) -> Vec<Part> {
    match f.remove("data") {
        Some(Value::Array(agents)) if str_at(&f, "object") == Some("list") => {
            value::objects(agents.into()).into_iter().map(Part::from).collect()
        }
        Some(data) => {
            f.insert("data".to_owned(), data);
            list(f)
        }
        None => list(f),
    }
}

/// Their format's default for what goes between a person and the agent is voice alone.
pub fn voice_agents(f: Fields) -> Vec<Part> {
    let mut parts = list(f);
    for part in &mut parts {
        if let Part::Agent(source) = part
            && source.fields.get("modality").is_none_or(Value::is_null)
        {
            source.preset.modality = Some(Modality::AudioOnly);
        }
    }
    parts
}

/// Taken in switched off, until there are skills.
pub fn skill(fields: Fields) -> Vec<Part> {
    let preset = AgentFields {
        kind: Some("skill".to_owned()),
        status: Some(Status::Inactive),
        ..AgentFields::default()
    };
    vec![Part::Agent(Box::new(Source { fields, preset, ..Source::default() }))]
}

pub fn dify(mut f: Fields) -> Vec<Part> {
    let mode = str_at(&f, "app.mode").unwrap_or_default().to_owned();
    if !matches!(mode.as_str(), "agent-chat" | "chat" | "completion" | "agent")
        || !f.contains_key("model_config")
    {
        let what = if mode == "advanced-chat" { "a chat flow" } else { "a workflow" };
        return refused(str_at(&f, "app.name"), format!("{what} (`mode: {mode:.32}`)"));
    }
    if str_at(&f, "model_config.prompt_type") == Some("advanced") {
        advanced_prompt(&mut f);
    }
    // `provider_type`, `tool_label` … of a tool say nothing that its name does not.
    if let Some(tools) = take(&mut f, "model_config.agent_mode.tools") {
        f.insert("tools".to_owned(), tools);
    }
    one(f)
}

/// In expert mode the prompt is a list of messages, or one text; the simple one stays as it was left, and says nothing.
fn advanced_prompt(f: &mut Fields) {
    let Some(Value::Object(config)) = f.get_mut("model_config") else { return };
    let mut found = Vec::new();
    if let Some(Value::Array(messages)) =
        config.get_mut("chat_prompt_config").and_then(|chat| chat.get_mut("prompt"))
    {
        messages.retain(|message| {
            let is_system = message.get("role").and_then(Value::as_str) == Some("system");
            let text = message.get("text").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
            found.extend(text.filter(|_| is_system).map(str::to_owned));
            !is_system
        });
    }
    if found.is_empty() {
        let whole = take(config, "completion_prompt_config.prompt.text");
        found.extend(whole.as_ref().and_then(Value::as_str).map(str::to_owned));
    }
    let text = found.join("\n\n");
    if !text.trim().is_empty() {
        let simple = config.insert("pre_prompt".to_owned(), text.into());
        let is_said = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
        if let Some(simple) = simple.filter(is_said) {
            config.insert("simple_prompt".to_owned(), simple);
        }
    }
}

pub fn agent_framework(mut f: Fields) -> Vec<Part> {
    let inner = match f.get("template") {
        Some(Value::Object(template)) if template.contains_key("kind") => take(&mut f, "template"),
        _ => None,
    };
    if let Some(Value::Object(template)) = inner {
        let outer = std::mem::replace(&mut f, template);
        value::lay(&mut f, "(outer)", outer);
    }
    let kind = str_at(&f, "kind").unwrap_or_default().to_ascii_lowercase();
    match kind.as_str() {
        "workflow" => refused(str_at(&f, "name"), "a workflow (`kind: Workflow`)"),
        "hosted" | "container" => refused(str_at(&f, "name"), "a container that runs code (`kind: hosted`)"),
        _ if f.contains_key("trigger") => {
            refused(str_at(&f, "name"), "a workflow (it has a `trigger` with actions)")
        }
        _ => one(f),
    }
}

/// A prompt's settings stand in a file beside its text, which alone is no agent's.
pub fn semantic_kernel(f: Fields) -> Vec<Part> {
    let is_settings = ["execution_settings", "input_variables"].iter().any(|name| f.contains_key(*name));
    let has_text = ["template", "instructions", "prompt"].iter().any(|name| f.contains_key(*name));
    if is_settings && !has_text {
        return refused(str_at(&f, "name"), "the settings of a prompt, without its text (`skprompt.txt`),");
    }
    one(f)
}

pub fn langgraph(mut f: Fields) -> Vec<Part> {
    if f.contains_key("graphs") {
        return refused(None, "a deployment of graphs (`langgraph.json`)");
    }
    let has_text = ["system_prompt", "prompt", "instructions", "system_message"].iter().any(|name| {
        at(&f, &format!("config.configurable.{name}")).is_some()
            || at(&f, &format!("context.{name}")).is_some()
    });
    if !has_text {
        return refused(str_at(&f, "name"), "a configuration of a graph, without a prompt,");
    }
    if let Some(Value::Object(configurable)) =
        take(&mut f, "config.configurable").or_else(|| take(&mut f, "context"))
    {
        value::lay(&mut f, "configurable", configurable);
    }
    one(f)
}

pub fn openai(mut f: Fields) -> Vec<Part> {
    if str_at(&f, "object") == Some("list") {
        return value::objects(f.remove("data").unwrap_or_default()).into_iter().flat_map(openai).collect();
    }
    if str_at(&f, "object") == Some("prompt")
        && !f.contains_key("messages")
        && !f.contains_key("instructions")
    {
        return refused(str_at(&f, "id"), "a reference to a stored prompt, without its text,");
    }
    for name in ["messages", "input"] {
        let Some(Value::Array(messages)) = f.remove(name) else { continue };
        let role =
            |message: &Value| message.get("role").and_then(Value::as_str).unwrap_or_default().to_owned();
        let (system, others): (Vec<_>, Vec<_>) = messages
            .into_iter()
            .partition(|message| matches!(role(message).as_str(), "system" | "developer"));
        let text: Vec<String> = system.iter().filter_map(value::text).collect();
        f.entry("instructions").or_insert_with(|| text.join("\n\n").into());
        if !others.is_empty() {
            f.insert("messages".to_owned(), others.into());
        }
        break;
    }
    one(f)
}

pub fn hive(mut f: Fields) -> Vec<Part> {
    for (part, what) in [("workflow", "a workflow"), ("tool", "a tool")] {
        if at(&f, part).is_some_and(Value::is_object) {
            return refused(str_at(&f, &format!("{part}.name")), what);
        }
    }
    let is_team = f.contains_key("team");
    let place = if is_team { "team" } else { "agent" };
    if let Some(Value::Object(head)) = take(&mut f, place) {
        value::lay(&mut f, place, head);
    }
    if is_team {
        f.entry("type").or_insert_with(|| "router".into());
    }
    one(f)
}

pub fn crewai(mut f: Fields) -> Vec<Part> {
    if f.contains_key("backstory") {
        return one(f);
    }
    let mut apart = Vec::new();
    let members = match ["agents", "roles"].into_iter().find(|name| is_object_at(&f, name)) {
        Some(name) => {
            let members = take(&mut f, name);
            apart.extend(f.keys().cloned());
            members.map(value::objects).unwrap_or_default().pop().unwrap_or_default()
        }
        None => f,
    };
    let members = without_holders(members, &mut apart);
    if members.values().all(|task| task.get("expected_output").is_some()) {
        return refused(None, "a list of tasks (the agents are in `agents.yaml`)");
    }
    let is_agent = |value: &Value| ["role", "goal", "backstory"].iter().any(|name| value.get(name).is_some());
    let is_any = !members.values().any(is_agent);
    let mut parts = Vec::new();
    for (key, value) in members {
        match value {
            value if !is_any && !is_agent(&value) => apart.push(key),
            Value::Object(fields) => parts.push(keyed(key, fields)),
            _ => apart.push(key),
        }
    }
    said_apart(parts, &apart)
}

/// Without what only holds what the others share; its keys go to `apart`.
fn without_holders(members: Fields, apart: &mut Vec<String>) -> Fields {
    let (holders, members): (Fields, Fields) =
        members.into_iter().partition(|(key, _)| value::is_holder(key));
    apart.extend(holders.into_iter().map(|(key, _)| key));
    members
}

/// Says in the first agent's report what is none.
fn said_apart(mut parts: Vec<Part>, apart: &[String]) -> Vec<Part> {
    if let Some(Part::Agent(source)) = parts.first_mut() {
        for key in apart {
            match value::is_holder(key) {
                true => source.report.formal(key, "others of the file share it"),
                false => source.report.dropped(key, "it is no agent"),
            }
        }
    }
    parts
}

/// Models are defined beside the agents, which name them.
pub fn cagent(mut f: Fields) -> Vec<Part> {
    let models = match f.remove("models") {
        Some(Value::Object(models)) => models,
        _ => Fields::new(),
    };
    let Some(Value::Object(agents)) = f.remove("agents") else { return Vec::new() };
    let mut apart = Vec::new();
    let agents = without_holders(agents, &mut apart);
    let f = without_holders(f, &mut apart);
    let count = agents.len();
    let agent = |(key, value): (String, Value)| {
        let Value::Object(mut fields) = value else { return None };
        let instead = take(&mut fields, "fallback.models");
        let instead = instead.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
        if let Some(Value::String(names)) = fields.get("model") {
            let names = names.split(',').map(str::trim).chain(instead).take(MAX_VALUES);
            let named: Vec<Value> = names.map(|name| model_of(name, &models)).collect();
            fields.insert("model".to_owned(), named.into());
        }
        // What the file says of all its agents goes with the one that leads them.
        if key == "root" || count == 1 {
            if !models.is_empty() {
                fields.insert("models".to_owned(), models.clone().into());
            }
            for (name, value) in &f {
                fields.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        let mut part = keyed(key, fields);
        if let Part::Agent(source) = &mut part
            && source.preset.name.as_deref() == Some("root")
        {
            // It says what the agent is in the file; the file's name says which it is.
            source.preset.name = None;
        }
        Some(part)
    };
    said_apart(agents.into_iter().filter_map(agent).collect(), &apart)
}

/// What a definition says in single values, which are all that a model line has; a name without one is a provider's and a
/// code, or a code.
fn model_of(name: &str, models: &Fields) -> Value {
    const MAX_VALUE: usize = 256;
    let is_small = |value: &Value| match value {
        Value::String(text) => text.len() <= MAX_VALUE,
        Value::Number(_) | Value::Bool(_) => true,
        _ => false,
    };
    match (models.get(name).and_then(Value::as_object), name.split_once('/')) {
        (Some(model), _) => {
            let small = model.iter().filter(|(_, value)| is_small(value)).take(MAX_VALUES);
            Value::Object(small.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        (None, Some((provider, code))) => serde_json::json!({"provider": provider, "model": code}),
        (None, None) => name.into(),
    }
}

pub fn adk(mut f: Fields) -> Vec<Part> {
    let class =
        str_at(&f, "agent_class").unwrap_or("LlmAgent").rsplit('.').next().unwrap_or_default().to_owned();
    if let Some(what) = no_agent_of_adk(&f, &class) {
        return refused(str_at(&f, "name"), format!("{what} (`agent_class: {class:.64}`)"));
    }
    for place in ["model", "model_code"] {
        if let Some(model) = f.get_mut(place) {
            unwrap_adapter(model);
        }
    }
    // Members that are written inside their leader.
    let Some(Value::Array(members)) = f.remove("agents") else { return one(f) };
    let names: Vec<Value> = members.iter().filter_map(value::name).map(Value::from).collect();
    f.entry("sub_agents").or_insert_with(|| names.into());
    std::iter::once(f.into()).chain(value::objects(members.into()).into_iter().flat_map(adk)).collect()
}

/// What an agent of a class is that is no agent of a model.
fn no_agent_of_adk(f: &Fields, class: &str) -> Option<&'static str> {
    const WORKFLOWS: [&str; 6] =
        ["SequentialAgent", "ParallelAgent", "LoopAgent", "GraphAgent", "Workflow", "WorkflowAgent"];
    let is_graph = ["nodes", "edges", "start_node"].iter().any(|name| f.contains_key(*name));
    let is_told = ["instruction", "static_instruction", "global_instruction", "model", "model_code"]
        .iter()
        .any(|name| f.contains_key(*name));
    match class {
        "LlmAgent" | "Agent" if !is_graph => None,
        _ if is_graph || WORKFLOWS.contains(&class) => Some("a workflow"),
        "RemoteA2aAgent" => Some("an agent that another server has"),
        // A class of the file's author may take what a model's agent takes.
        _ => (!is_told).then_some("code"),
    }
}

/// The model that an adapter's class is made with: `{name: …LiteLlm, args: [{name: model, value}]}`, `LiteLlm(model="…")`.
fn unwrap_adapter(model: &mut Value) {
    let found = match &*model {
        Value::String(text) => text
            .split_once("model=")
            .filter(|(class, _)| class.trim_end().ends_with('('))
            .map(|(_, rest)| rest.trim_start_matches(['"', '\'']))
            .map(|rest| Value::from(rest.split(['"', '\'', ',', ')']).next().unwrap_or_default())),
        Value::Object(fields) => fields.get("args").and_then(Value::as_array).map(|args| {
            let pair = |arg: &Value| Some((arg.get("name")?.as_str()?.to_owned(), arg.get("value")?.clone()));
            Value::Object(args.iter().filter_map(pair).collect())
        }),
        _ => None,
    };
    if let Some(found) = found {
        *model = found;
    }
}

pub fn rules_of_files(f: Fields) -> Vec<Part> {
    let mark = ["applyTo", "globs", "alwaysApply"].into_iter().find(|name| f.contains_key(*name));
    refused(str_at(&f, "name"), format!("a rule for files (`{}`)", mark.unwrap_or_default()))
}

pub fn graph(f: Fields) -> Vec<Part> {
    refused(str_at(&f, "name"), "a workflow: a graph of steps")
}
