//! Aliases: an account's own names that stand for a model line in its agents.

use super::field_error::{FieldError, FieldErrors};
use super::model_line::{Entry, Item, ModelLine, ParseError, is_alias_name};
use super::time::Millis;

/// A name of the account's that stands for a model line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    pub name: String,
    pub line: String,
    pub updated_at: Millis,
}

impl Alias {
    /// The most of an account: the resolution of each call reads them all.
    pub const MOST: u32 = 100;

    /// Whether a name and a line make an alias.
    ///
    /// # Errors
    /// Both fields' faults, as `name` and `model`. What may be a model as people write it is none: that is looked up.
    pub fn check(name: &str, line: &str) -> Result<(), Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        if !is_alias_name(name) {
            let what = "an alias has 1 to 63 characters of a-z, A-Z, 0-9 and -_. , a letter or a digit first";
            errors.add("name", what);
        }
        errors.take("model", models_only(line));
        errors.finish()
    }

    /// The models that it stands for.
    ///
    /// # Errors
    /// [`ParseError`] when the line does not parse or names another alias.
    pub fn entries(&self) -> Result<Vec<Entry>, ParseError> {
        ModelLine::parse(&self.line)?.expand(|_| None)
    }
}

/// The line that a name stands for among these aliases.
pub fn line_of(aliases: &[Alias], name: &str) -> Option<String> {
    aliases.iter().find(|alias| alias.name == name).map(|alias| alias.line.clone())
}

/// Of a line that is written as models, or may be one.
fn models_only(line: &str) -> Result<(), ParseError> {
    let is_bare = |entry: &str| !entry.trim().is_empty() && !entry.contains(':');
    if line.split(',').any(is_bare) { Ok(()) } else { only_models(line) }
}

/// One alias may not lead to another.
///
/// # Errors
/// [`ParseError`].
pub fn only_models(line: &str) -> Result<(), ParseError> {
    let parsed = ModelLine::parse(line)?;
    let inner = parsed.items.into_iter().find_map(|item| match item {
        Item::Alias { name, at } => Some(ParseError {
            at,
            message: format!("`{name}`: an alias stands for models only, as `provider:code`"),
        }),
        Item::Model(_) => None,
    });
    inner.map_or(Ok(()), Err)
}
