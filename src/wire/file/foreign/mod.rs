//! Agents of other systems, as their files have them.
//!
//! A document's system is recognized by its marks, or named by `?format=`. Each is a row of [`SYSTEMS`]: how its documents
//! are known, how its agents are taken out of one, and where their fields go, as data ([`rule::To`]). What no rule names is
//! parked in `config.imported`. A document that is no agent, such as a workflow, is refused as what it is.

mod autogen;
mod chain;
mod letta;
mod mapper;
mod members;
mod no_agent;
mod open;
mod recognize;
mod rule;
mod rules;
mod tables;
mod value;
mod variables;

use serde_json::{Map, Value};

use crate::domain::agent::Fields;

pub use autogen::gallery::{number_of, numbered};
pub use mapper::Mapped;
use rule::Rule;
pub use tables::{OURS, SYSTEMS};
pub use value::{BODY, is_holder, truth};
use variables::Braces;

use super::report::Report;

/// Where the team of an agent stands.
const TEAM: &str = "team";

/// A system that agents move over from.
#[derive(Debug)]
pub struct System {
    /// Its word for `?format=`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Whether a document is one of its files.
    is: fn(&Map<String, Value>) -> bool,
    /// The agents of a document.
    open: fn(Map<String, Value>) -> Vec<Part>,
    rules: &'static [Rule],
    braces: Braces,
}

/// Something that an agent wants to use and that is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// `agent`, `tool` or `secret`.
    pub kind: &'static str,
    pub name: String,
    /// A range, where the file says one.
    pub version: Option<String>,
}

/// What tells an agent of its system apart from others of its name: an id, or the team that it is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Where the source has it, and `config.imported` keeps it.
    pub path: String,
    pub value: String,
    /// Of a team what the file calls it; it is numbered where several are called so.
    pub label: Option<String>,
}

impl Origin {
    /// Whether agents of several names have it: a team.
    pub fn is_shared(&self) -> bool {
        is_team(&self.path)
    }
}

/// Whether a path is that of an agent's team.
pub fn is_team(path: &str) -> bool {
    path == TEAM
}

/// What a document holds.
#[derive(Debug)]
pub enum Part {
    Agent(Box<Source>),
    /// It is no agent; what it is instead.
    Refused {
        name: Option<String>,
        what: String,
    },
}

/// An agent's own fields, apart from its document.
#[derive(Debug, Default)]
pub struct Source {
    fields: Map<String, Value>,
    /// What its place in the document says.
    preset: Fields,
    keys: Vec<String>,
    /// What the file calls its team.
    team: Option<String>,
    report: Report,
    /// Where it is not as its system usually has them.
    braces: Option<Braces>,
}

impl From<Map<String, Value>> for Part {
    fn from(fields: Map<String, Value>) -> Self {
        Self::Agent(Box::new(Source { fields, ..Source::default() }))
    }
}

impl System {
    /// The system of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SYSTEMS.iter().chain([&OURS]).find(|system| system.name == name)
    }

    /// The system that a document is of, by its marks.
    pub fn of(document: &Map<String, Value>) -> Option<&'static Self> {
        SYSTEMS.iter().find(|system| (system.is)(document))
    }

    /// Whether it is not another's, but our own way of writing.
    pub fn is_ours(&self) -> bool {
        self.name == OURS.name
    }

    /// The system that a list is of, by what may stand in one of its agents only.
    pub fn of_list(agents: &[Value]) -> Option<&'static Self> {
        recognize::is_voice_list(agents).then(|| Self::named("voice-agents")).flatten()
    }

    /// What one of its documents holds.
    pub fn open(&self, document: Map<String, Value>) -> Vec<Part> {
        without_refused(members::apart((self.open)(document), matches!(self.name, "agno" | "automagik-hive")))
    }

    /// An agent of one of its documents, in our fields.
    pub fn map(&self, source: Source) -> Mapped {
        mapper::map(source, self.rules, self.braces, self.name != "other")
    }
}

/// The system of a list whose documents are read together: AutoGen's teams are told apart by all the labels there are.
pub fn shared(list: &[Value], system: Option<&'static System>) -> Option<&'static System> {
    const TOGETHER: &str = "autogen";
    let is_of = |item: &Value| {
        let fields = item.as_object();
        fields.and_then(|fields| system.or_else(|| System::of(fields))).is_some_and(|of| of.name == TOGETHER)
    };
    let is_shared = list.len() > 1 && list.iter().all(is_of);
    is_shared.then(|| System::named(TOGETHER)).flatten()
}

/// What is no agent refuses no agent beside it in the same document: the first one's report says what it was.
fn without_refused(parts: Vec<Part>) -> Vec<Part> {
    let (mut agents, refused): (Vec<Part>, Vec<Part>) =
        parts.into_iter().partition(|part| matches!(part, Part::Agent(_)));
    let Some(Part::Agent(first)) = agents.first_mut() else { return refused };
    for part in refused {
        if let Part::Refused { name, what } = part {
            first.report.dropped(name.as_deref().unwrap_or("(file)"), &format!("it is {what}, not an agent"));
        }
    }
    agents
}
