//! An agent's instructions made ready to be filled for a call.
//!
//! Cut and looked up once, so that a call without variables costs one copy of the text. A value is text: what stands in
//! braces in it is not filled again, so no caller and no variable can name another. The filled text has a limit, because
//! short instructions can name a long value many times.
//!
//! Not here: which names instructions may use at all; that is checked when they are saved
//! ([`super::agent::Known`]).

use std::collections::BTreeMap;

use super::account::Account;
use super::agent::{Definition, MAX_VARIABLE};
use super::field_error::{FieldError, FieldErrors};
use super::instructions::{self, Piece};
use super::json;
use super::time::Millis;

/// The most bytes of filled instructions: as written they have at most 400,000 (100,000 characters of 4).
pub const MAX_BYTES: usize = 1024 * 1024;
/// The most unknown names that a refusal tells.
const MAX_TOLD: usize = 8;
/// How much of a name that is none, and how many of those that are, a refusal tells.
const MAX_SHOWN: usize = 64;
/// How many names a mistyped one is compared with.
const MAX_COMPARED: usize = 256;

/// Instructions, cut, with what the agent and the account say of their variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    pieces: Vec<Written>,
    /// What the pieces point to, and every variable that calls may pass.
    variables: Vec<Variable>,
    /// Where a name is among the variables.
    places: BTreeMap<String, usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Written {
    Text(String),
    /// An index into the variables.
    Variable(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Variable {
    name: String,
    /// Declared by the agent, so that a call may pass it.
    is_declared: bool,
    /// The instructions name it.
    is_named: bool,
    value: Value,
}

/// What a variable has when the call passes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    /// The day of the call.
    Today,
    /// The call must pass it.
    Missing,
}

/// What a call passes.
#[derive(Clone, Copy, Debug)]
pub struct Passed<'a> {
    /// The field of the request, for naming faults.
    pub field: &'static str,
    pub values: &'a BTreeMap<String, String>,
    /// Whether the field is for variables alone, so that an unknown name is a mistake.
    pub is_only_variables: bool,
}

impl Prompt {
    /// An agent's own declarations come before the account's variables, and those before what is built in. A name that
    /// nobody knows (any more) is left as it is written.
    pub fn new(definition: &Definition, account: &Account) -> Self {
        let mut prompt = Self { pieces: Vec::new(), variables: Vec::new(), places: BTreeMap::new() };
        for (name, default) in definition.variables() {
            let value = default.map_or(Value::Missing, |text| Value::Text(text.to_owned()));
            prompt.add(Variable { name: name.to_owned(), is_declared: true, is_named: false, value });
        }
        for piece in instructions::pieces(&definition.instructions) {
            prompt.push(piece, |name| undeclared(name, definition, account));
        }
        prompt
    }

    fn push(&mut self, piece: Piece<'_>, undeclared: impl Fn(&str) -> Option<Value>) {
        let text = match piece {
            Piece::Text(text) => text,
            Piece::Variable { name, written } => match self.index(name, undeclared) {
                Some(index) => return self.pieces.push(Written::Variable(index)),
                None => written,
            },
        };
        match self.pieces.last_mut() {
            Some(Written::Text(before)) => before.push_str(text),
            _ => self.pieces.push(Written::Text(text.to_owned())),
        }
    }

    fn index(&mut self, name: &str, undeclared: impl Fn(&str) -> Option<Value>) -> Option<usize> {
        if let Some(index) = self.places.get(name).copied() {
            self.variables[index].is_named = true;
            return Some(index);
        }
        let value = undeclared(name)?;
        Some(self.add(Variable { name: name.to_owned(), is_declared: false, is_named: true, value }))
    }

    fn add(&mut self, variable: Variable) -> usize {
        let index = self.variables.len();
        self.places.insert(variable.name.clone(), index);
        self.variables.push(variable);
        index
    }

    /// The instructions of one call, with what else they end with after a blank line.
    ///
    /// # Errors
    /// Every variable that the call passes and may not, and every one that it must pass and does not.
    pub fn fill(
        &self,
        passed: &Passed<'_>,
        now: Millis,
        end: Option<&str>,
    ) -> Result<String, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        self.check(passed, &mut errors);
        let today = if self.names_today() { now.to_date() } else { String::new() };
        let values: Vec<&str> = self.variables.iter().map(|v| v.text(passed, &today, &mut errors)).collect();
        let texts = || {
            self.pieces.iter().map(|piece| match piece {
                Written::Text(text) => text.as_str(),
                Written::Variable(index) => values.get(*index).copied().unwrap_or_default(),
            })
        };
        let end = end.filter(|end| !end.is_empty()).map_or(["", ""], |end| ["\n\n", end]);
        let bytes: usize = texts().chain(end).map(str::len).sum();
        if bytes > MAX_BYTES {
            let what =
                format!("the agent's instructions, filled in, have {bytes} bytes; at most {MAX_BYTES}");
            errors.add(passed.field, what);
        }
        errors.finish()?;
        let mut filled = String::with_capacity(bytes);
        filled.extend(texts().chain(end));
        Ok(filled)
    }

    fn names_today(&self) -> bool {
        self.variables.iter().any(|variable| variable.value == Value::Today)
    }

    fn declared(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().filter(|variable| variable.is_declared).map(|variable| variable.name.as_str())
    }

    fn check(&self, passed: &Passed<'_>, errors: &mut FieldErrors) {
        let mut unknown = 0;
        for (name, value) in passed.values {
            if self.places.get(name).is_some_and(|index| self.variables[*index].is_declared) {
                errors.length(&format!("{}.{name}", passed.field), value, 0, MAX_VARIABLE);
            } else if passed.is_only_variables && unknown < MAX_TOLD {
                unknown += 1;
                let shown: String = name.chars().take(MAX_SHOWN).collect();
                errors.add(&format!("{}.{shown}", passed.field), self.not_declared(name));
            }
        }
    }

    fn not_declared(&self, name: &str) -> String {
        if let Some(nearest) = json::nearest(name, self.declared().take(MAX_COMPARED)) {
            return format!("is no variable of this agent; did you mean `{nearest}`?");
        }
        let known: Vec<&str> = self.declared().take(MAX_SHOWN).collect();
        if known.is_empty() {
            "is no variable of this agent, which declares none in config.variables".to_owned()
        } else {
            format!("is no variable of this agent; there are {}", known.join(", "))
        }
    }
}

impl Variable {
    fn text<'a>(&'a self, passed: &Passed<'a>, today: &'a str, errors: &mut FieldErrors) -> &'a str {
        if let Some(text) = passed.values.get(&self.name).filter(|_| self.is_declared) {
            return text;
        }
        match &self.value {
            Value::Text(text) => text,
            Value::Today => today,
            Value::Missing => {
                if self.is_named {
                    let field = format!("{}.{}", passed.field, self.name);
                    errors.add(&field, "is required by the agent's instructions");
                }
                ""
            }
        }
    }
}

fn undeclared(name: &str, definition: &Definition, account: &Account) -> Option<Value> {
    let text = match (account.variables.get(name), name) {
        (Some(text), _) => text,
        (None, "account_name") => &account.name,
        (None, "agent_name") => &definition.name,
        (None, "today") => return Some(Value::Today),
        (None, _) => return None,
    };
    Some(Value::Text(text.clone()))
}

#[cfg(test)]
#[path = "prompt_tests.rs"]
mod tests;
