//! Declared kinds: what an account configures besides its agents. One file a kind: how a thing of it is written and
//! shown, and what makes it valid.
//!
//! The kit of [`crate::service::declared`] does the rest from the kind's [`Facts`]: it lists, shows, writes, changes and
//! deletes under `ETag` and `If-Match`, logs the change, advances the epoch, tells the objects, keeps to the limits, and
//! exports and imports. Routes and the OpenAPI document follow from the same facts.

pub mod aliases;
pub mod members;
pub mod models;
pub mod providers;
pub mod templates;
pub mod webhooks;

use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::account::Role;
use super::field_error::FieldErrors;
use super::plan::Feature;

/// A kind whose things are one JSON object each, kept in the table that all such kinds share: a file and a line in
/// [`crate::service::declared::Kinds`] make it.
///
/// Its things are named by slugs. Serde reads and writes the object; refuse unknown fields.
pub trait Declared:
    Serialize + DeserializeOwned + ToSchema + Clone + PartialEq + Send + Sync + 'static
{
    const FACTS: Facts;

    /// Notes what serde could not find wrong.
    fn check(&self, errors: &mut FieldErrors) {
        let _ = errors;
    }
}

/// What is known of a kind besides its things.
#[derive(Debug)]
pub struct Facts {
    /// In sentences and in the change log: `alias`.
    pub singular: &'static str,
    /// The singular with its article: `an alias`.
    pub one: &'static str,
    /// In files: `aliases`.
    pub plural: &'static str,
    /// The first words of its paths under the API's root; the first one is the main one.
    pub paths: &'static [&'static str],
    /// The parts of a path that name a thing.
    pub parameters: &'static [Parameter],
    /// How the operations' ids call one thing and several.
    pub ids: (&'static str, &'static str),
    /// The group of the OpenAPI document.
    pub tag: &'static str,
    pub about: About,
    /// What the list can be narrowed by.
    pub filters: &'static [Filter],
    /// Who may read it; admins write it.
    pub readers: Role,
    /// Whether the platform has things of this kind too, which its operator writes and every account reads.
    pub is_offered: bool,
    pub naming: Naming,
    /// What must differ between two of an account, for the message of a conflict.
    pub distinct: &'static str,
    /// Whether calls read it: a write then holds from the next call.
    pub reaches_calls: bool,
    /// Whether model lines or agents name its things: one that is named is only deleted by force.
    pub is_named_in_lines: bool,
    /// What the plan must have for the account to write it.
    pub feature: Option<Feature>,
    pub limit: Limit,
    /// The objects that keep a copy.
    pub audience: Audience,
    /// Whether it is exported and imported.
    pub is_exported: bool,
    /// Fields that are written and never shown: in a patch, null removes the stored value.
    pub secrets: &'static [&'static str],
    /// Fields of type object that a patch replaces as a whole.
    pub whole: &'static [&'static str],
    /// Fields of type object, at any depth, in which a patch's null is a value.
    pub with_nulls: &'static [&'static str],
}

/// A part of a path.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub about: &'static str,
    /// Whether it holds what is left of the path, slashes included. Only the last can.
    pub is_rest: bool,
}

/// What the document says of the operations, after the first sentence that says the same of every kind.
#[derive(Debug)]
pub struct About {
    pub list: &'static str,
    pub get: &'static str,
    pub create: &'static str,
    pub put: &'static str,
    pub patch: &'static str,
    pub delete: &'static str,
}

impl About {
    /// Nothing but the first sentences.
    pub const NONE: Self = Self { list: "", get: "", create: "", put: "", patch: "", delete: "" };
}

/// A parameter of the list's query.
#[derive(Debug)]
pub struct Filter {
    pub name: &'static str,
    pub about: &'static str,
    /// The words that it takes, several of them as `a,b` or by repeating the parameter.
    pub words: &'static [&'static str],
}

/// Who chooses a thing's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// The client, in the path of a PUT.
    ByClient,
    /// The platform, in answer to a POST.
    ByPlatform,
}

/// How many things of a kind an account may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The same on every plan.
    Fixed(u32),
    /// What the account's plan says; where that says nothing, this.
    Plan(Option<u32>),
}

/// The objects that keep a copy of a kind's things and receive each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    None,
    /// The account's object.
    Account,
    /// Its dispatch object.
    Dispatch,
}

impl Facts {
    /// Of a kind that admins write, members read and calls do not, named by slugs.
    pub const fn new(singular: &'static str, one: &'static str, plural: &'static str) -> Self {
        Self {
            singular,
            one,
            plural,
            paths: &[],
            parameters: &[Parameter { name: "name", about: "1 to 63 of a-z, 0-9 and '-'", is_rest: false }],
            ids: (singular, plural),
            tag: "configuration",
            about: About::NONE,
            filters: &[],
            readers: Role::Member,
            is_offered: false,
            naming: Naming::ByClient,
            distinct: "name",
            reaches_calls: false,
            is_named_in_lines: false,
            feature: None,
            limit: Limit::Plan(Some(100)),
            audience: Audience::None,
            is_exported: true,
            secrets: &[],
            whole: &[],
            with_nulls: &[],
        }
    }

    /// The first words of its paths; the plural, when nothing else is said.
    pub fn first_words(&self) -> Vec<&'static str> {
        if self.paths.is_empty() { vec![self.plural] } else { self.paths.to_vec() }
    }
}

/// Two of the same word are of the same kind.
impl PartialEq for Facts {
    fn eq(&self, other: &Self) -> bool {
        self.singular == other.singular
    }
}

impl Eq for Facts {}
