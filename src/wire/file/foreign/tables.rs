//! The systems, in the order in which their marks are looked at, and where the fields of their agents go.

use serde_json::{Map, Value};

use super::rule::Rule;
use super::rules::{
    ADK, AGNO, AMAZON_Q, AUTOGEN, AUTOMAGIK, CAGENT, CREWAI, DECLARATIVE, DIFY, LANGCHAIN, LANGGRAPH, LETTA,
    LIBRECHAT, MARKDOWN, OPENAI, OTHER, PORTABLE, PYDANTIC_AI, SKILL, SYSTEM_AGENTS, VOICE_AGENTS,
};
use super::value::{BODY, has};
use super::variables::Braces;
use super::{Part, System, autogen, chain, letta, no_agent, open, recognize};

const fn system(
    name: &'static str,
    title: &'static str,
    is: fn(&Map<String, Value>) -> bool,
    open: fn(Map<String, Value>) -> Vec<Part>,
    rules: &'static [Rule],
    braces: Braces,
) -> System {
    System { name, title, is, open, rules, braces }
}

/// Every system. An entry whose marks others share comes after them.
pub static SYSTEMS: [System; 26] = [
    system("rules", "an editor", recognize::rules_of_files, open::rules_of_files, &[], Braces::Double),
    system("no-agent", "", no_agent::is, no_agent::open, &[], Braces::Double),
    system("dify", "Dify", recognize::dify, open::dify, DIFY, Braces::Double),
    system("skill", "Agent Skills", is_skill, open::skill, SKILL, Braces::Double),
    system("markdown", "Claude Code and Copilot", is_markdown, open::one, MARKDOWN, Braces::Double),
    system("letta", "Letta", recognize::letta, letta::open, LETTA, Braces::Double),
    system("autogen", "AutoGen", recognize::autogen, autogen::open, AUTOGEN, Braces::Double),
    system(
        "agent-framework",
        "Microsoft Agent Framework",
        recognize::agent_framework,
        open::agent_framework,
        DECLARATIVE,
        Braces::Double,
    ),
    system(
        "semantic-kernel",
        "Semantic Kernel",
        recognize::semantic_kernel,
        open::semantic_kernel,
        DECLARATIVE,
        Braces::Dollar,
    ),
    system(
        "langchain",
        "LangChain and LangSmith",
        recognize::langchain,
        chain::open,
        LANGCHAIN,
        Braces::Single,
    ),
    system("langgraph", "LangGraph", recognize::langgraph, open::langgraph, LANGGRAPH, Braces::Single),
    system("openai", "OpenAI", recognize::openai, open::openai, OPENAI, Braces::Double),
    system("automagik-hive", "Automagik Hive", recognize::hive, open::hive, AGNO, Braces::Double),
    system("automagik", "Automagik", recognize::automagik, open::list, AUTOMAGIK, Braces::Double),
    system(
        "system-agents",
        "a list of system agents",
        recognize::system_agents,
        open::list,
        SYSTEM_AGENTS,
        Braces::Double,
    ),
    system("portable", "a portable agent file", recognize::portable, open::one, PORTABLE, Braces::Double),
    system(
        "voice-agents",
        "a list of voice agents",
        recognize::voice_agents,
        open::voice_agents,
        VOICE_AGENTS,
        Braces::Double,
    ),
    system("crewai", "CrewAI", recognize::crewai, open::crewai, CREWAI, Braces::Single),
    system("cagent", "Docker cagent", recognize::cagent, open::cagent, CAGENT, Braces::Double),
    system("adk", "Google ADK", recognize::adk, open::adk, ADK, Braces::Single),
    system("amazon-q", "Amazon Q", recognize::amazon_q, open::one, AMAZON_Q, Braces::Double),
    system("librechat", "LibreChat", recognize::librechat, open::librechat, LIBRECHAT, Braces::Double),
    system("pydantic-ai", "Pydantic AI", recognize::pydantic_ai, open::one, PYDANTIC_AI, Braces::Double),
    system("agno", "Agno", recognize::agno, open::one, AGNO, Braces::Double),
    system("graph", "a graph editor", recognize::graph, open::graph, &[], Braces::Double),
    system("other", "another system", never, open::list, OTHER, Braces::Double),
];

/// Our own way of writing, as it is named where a file might be taken for another's. Its rules are not needed:
/// [`Entry::read`](super::super::Entry::read) reads it.
pub static OURS: System = system("retinue", "Retinue", never, open::one, &[], Braces::Double);

fn is_markdown(f: &Map<String, Value>) -> bool {
    f.contains_key(BODY)
}

/// A skill's front matter has a name, a description and what may be done; an agent's has tools or a model.
fn is_skill(f: &Map<String, Value>) -> bool {
    f.contains_key(BODY)
        && has(f, &["allowed-tools", "license", "compatibility"])
        && !has(f, &["model", "tools", "color"])
}

/// Only by its name.
fn never(_: &Map<String, Value>) -> bool {
    false
}
