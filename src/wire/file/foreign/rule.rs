//! Where the fields of another system's agents go, as data.

/// A dotted path in the source, and where its value goes.
pub type Rule = (&'static str, To);

/// Where a value goes. What no rule names is parked.
#[derive(Clone, Copy, Debug)]
pub enum To {
    Name,
    /// The agent's name in URLs, and one by which others of its file call it.
    Slug,
    /// Only a name by which others of its file call it.
    Key,
    /// The same, and no other agent's of its system.
    Id,
    /// The team that it is in: with its name it is no other agent's.
    Team,
    Type,
    /// Type and slug, both in kebab case.
    TypeAndSlug,
    Description,
    /// A part of the instructions, under this heading; without one where it is empty.
    Text(&'static str),
    /// A code, a list of them, or an object with a provider, a code and parameters.
    Model,
    Provider,
    /// An object with sampling parameters; what else it has stays where it is.
    Params,
    Tools,
    /// Tools in a text with blanks or commas between them.
    Words,
    Handoffs,
    /// Agents that this one needs and does not hand off to: parked.
    Needs,
    Status,
    /// `false` is inactive.
    IsActive,
    /// An object: what it has stays in `config`, except sampling parameters.
    Config,
    /// The instructions, if the agent has no other; kept as well.
    TextIfNone,
    /// The instructions, if the agent has no other; else kept.
    OtherText,
    /// The model, if the agent has no other; else kept.
    ModelIfNone,
    /// It is our own field of this name.
    Same,
    /// It is our own field of this name if it reads as that; else the source's own, and kept.
    Ours,
    /// It is the source's own, and kept.
    Keep,
    /// Memory that its system puts into the prompt: a part of the instructions as far as they have room.
    Memory,
    /// Declares variables: see [`Mapper::variables`].
    Variables,
    /// The schema of its answers.
    Output,
    /// It says nothing of the agent.
    Drop(&'static str),
    /// What it says of the agent has no place here.
    Lose(&'static str),
}

const GIVEN_HERE: &str = "this account gives its own";
/// What rows of other systems' databases say of themselves.
pub const OWN: [Rule; 10] = [
    ("_id", To::Drop(GIVEN_HERE)),
    ("__v", To::Drop(GIVEN_HERE)),
    ("created_at", To::Drop(GIVEN_HERE)),
    ("createdAt", To::Drop(GIVEN_HERE)),
    ("updated_at", To::Drop(GIVEN_HERE)),
    ("updatedAt", To::Drop(GIVEN_HERE)),
    ("organization_id", To::Drop(GIVEN_HERE)),
    ("project_id", To::Drop(GIVEN_HERE)),
    ("user_id", To::Drop(GIVEN_HERE)),
    ("$schema", To::Drop("it says how the source is checked")),
];
