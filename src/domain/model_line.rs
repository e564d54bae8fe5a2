//! The model line: one string that selects models, tried in order.
//!
//! `openai:gpt-4.1-mini?temperature=0.2, anthropic:claude-haiku-4-5` — the first colon ends the provider's name, the
//! first question mark the model's code; an entry without a colon is an alias of the account. Parsed once into a
//! type, with errors that point at the character.

use std::collections::BTreeSet;

use super::message::{ReasoningEffort, Sampling};
use super::provider::{ProviderName, Wire};
use super::slug::Slug;

/// A parsed model line: at least one entry.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelLine {
    pub items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Model(Entry),
    /// A name that the account defines; it stands for a line without aliases.
    Alias {
        name: String,
        at: usize,
    },
}

/// One model with the parameters the line sets for it. They yield to what a request sets itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub provider: ProviderName,
    pub code: String,
    pub params: Params,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_tokens: Option<u32>,
    pub seed: Option<i64>,
    pub reasoning_effort: Option<ReasoningEffort>,
    /// Bounds the whole attempt, its stream included.
    pub timeout_ms: Option<u64>,
}

/// What is wrong with a line, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {message}")]
pub struct ParseError {
    /// 1 for the first character.
    pub at: usize,
    pub message: String,
}

/// The most entries a line may have.
pub const MAX_ENTRIES: usize = 16;
/// The longest line in characters.
pub const MAX_CHARS: usize = 2_000;
/// The line of agents that name none, where neither the account nor the operator has said otherwise.
pub const PLATFORM_DEFAULT: &str = "openai:gpt-4.1-mini";
/// The parameters' names.
const PARAMS: [&str; 6] = ["temperature", "top_p", "max_tokens", "seed", "reasoning_effort", "timeout"];

impl ModelLine {
    /// # Errors
    /// [`ParseError`] with the position of the first character that does not fit.
    pub fn parse(line: &str) -> Result<Self, ParseError> {
        if line.chars().count() > MAX_CHARS {
            return Err(error(MAX_CHARS + 1, format!("a model line has at most {MAX_CHARS} characters")));
        }
        let mut items = Vec::new();
        let mut start = 0;
        for part in line.split(',') {
            items.push(item(&Cursor { line, start, text: part })?);
            start += part.len() + 1;
        }
        if items.len() > MAX_ENTRIES {
            return Err(error(1, format!("a model line has at most {MAX_ENTRIES} entries")));
        }
        Ok(Self { items })
    }

    /// The names of aliases that stand in these lines, each once; none of a line that does not parse.
    pub fn aliases_in<'a>(lines: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        let items = lines.into_iter().filter_map(|line| Self::parse(line).ok()).flat_map(|line| line.items);
        let alias = |item| match item {
            Item::Alias { name, .. } => Some(name),
            Item::Model(_) => None,
        };
        items.filter_map(alias).collect()
    }

    /// What stands in these lines and may be an alias, whether they parse or not: the entries without a colon, as far as a
    /// line may have any.
    pub fn names_in<'a>(lines: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        let entries = lines.into_iter().flat_map(|line| line.split(',').take(MAX_ENTRIES));
        let names = entries.map(|entry| entry.split('?').next().unwrap_or_default().trim());
        let is_name = |name: &&str| (1..=Slug::MAX_LEN).contains(&name.len()) && !name.contains(':');
        names.filter(is_name).map(str::to_owned).collect()
    }

    /// The line with every alias replaced by the entries it stands for; `lookup` gives an alias's line.
    ///
    /// # Errors
    /// [`ParseError`] at an alias that the account does not have, or whose own line does not parse or names another
    /// alias.
    pub fn expand(self, lookup: impl Fn(&str) -> Option<String>) -> Result<Vec<Entry>, ParseError> {
        let (entries, faults) = self.expand_known(lookup);
        faults.into_iter().next().map_or(Ok(entries), Err)
    }

    /// As far as it goes: without the aliases that the account does not have, or that do not parse.
    pub fn expand_known(self, lookup: impl Fn(&str) -> Option<String>) -> (Vec<Entry>, Vec<ParseError>) {
        let (mut entries, mut faults) = (Vec::new(), Vec::new());
        for item in self.items {
            match item {
                Item::Model(entry) => entries.push(entry),
                Item::Alias { name, at } => match expand_alias(&name, at, &lookup) {
                    Ok(found) => entries.extend(found),
                    Err(fault) => faults.push(fault),
                },
            }
        }
        (entries, faults)
    }

    /// Whether it names this model.
    pub fn names_model(&self, provider: &str, code: &str) -> bool {
        let is_it = |entry: &Entry| entry.provider.as_str() == provider && entry.code == code;
        self.items.iter().any(|item| matches!(item, Item::Model(entry) if is_it(entry)))
    }

    /// Whether it names this alias.
    pub fn names_alias(&self, alias: &str) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Alias { name, .. } if name == alias))
    }
}

fn expand_alias(
    name: &str,
    at: usize,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Entry>, ParseError> {
    let line = lookup(name).ok_or_else(|| {
        error(at, format!("`{name}` is not an alias of this account; write `provider:code` or define it"))
    })?;
    let inner =
        ModelLine::parse(&line).map_err(|e| error(at, format!("the alias `{name}` is broken: {e}")))?;
    let entries = inner.items.into_iter().map(|item| match item {
        Item::Model(entry) => Ok(entry),
        Item::Alias { name: other, .. } => {
            Err(error(at, format!("the alias `{name}` names `{other}`: an alias stands for models only")))
        }
    });
    entries.collect()
}

impl Params {
    /// Fills what the request leaves open.
    pub fn fill(&self, sampling: &mut Sampling) {
        sampling.temperature = sampling.temperature.or(self.temperature);
        sampling.top_p = sampling.top_p.or(self.top_p);
        sampling.max_output_tokens = match (sampling.max_output_tokens, self.max_tokens) {
            (Some(asked), Some(limit)) => Some(asked.min(limit)),
            (asked, limit) => asked.or(limit),
        };
        sampling.seed = sampling.seed.or(self.seed);
        sampling.reasoning_effort = sampling.reasoning_effort.or(self.reasoning_effort);
    }
}

/// Whether an account may call an alias so: as models' codes are written, but for the signs that mean something in a line or a
/// path.
pub fn is_alias_name(name: &str) -> bool {
    (1..=Slug::MAX_LEN).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// A piece of the line that remembers where it stands.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    line: &'a str,
    start: usize,
    text: &'a str,
}

impl<'a> Cursor<'a> {
    fn trim(self) -> Self {
        let text = self.text.trim_start();
        Self { start: self.start + (self.text.len() - text.len()), text: text.trim_end(), ..self }
    }

    fn split(self, at: char) -> (Self, Option<Self>) {
        match self.text.split_once(at) {
            None => (self, None),
            Some((before, after)) => {
                let start = self.start + before.len() + at.len_utf8();
                (Self { text: before, ..self }, Some(Self { start, text: after, ..self }))
            }
        }
    }

    /// The position of this piece, in characters from 1.
    fn at(self) -> usize {
        self.line[..self.start].chars().count() + 1
    }

    fn fail<T>(self, message: impl Into<String>) -> Result<T, ParseError> {
        Err(error(self.at(), message.into()))
    }

    fn find_bad(self, good: impl Fn(char) -> bool) -> Option<(usize, char)> {
        self.text.chars().enumerate().find(|(_, c)| !good(*c)).map(|(i, c)| (self.at() + i, c))
    }
}

const fn error(at: usize, message: String) -> ParseError {
    ParseError { at, message }
}

fn item(part: &Cursor<'_>) -> Result<Item, ParseError> {
    let part = part.trim();
    if part.text.is_empty() {
        return part.fail("an entry is missing; write `provider:code`");
    }
    let (name, query) = part.split('?');
    let (provider, code) = name.split(':');
    let provider = provider.trim();
    if code.is_none() && is_alias_name(provider.text) {
        return match query {
            Some(query) => query.fail("an alias takes no parameters"),
            None => Ok(Item::Alias { name: provider.text.to_owned(), at: provider.at() }),
        };
    }
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if let Some((at, c)) = provider.find_bad(good) {
        return Err(error(at, format!("`{c}` cannot stand in a provider's name (a-z, 0-9, -)")));
    }
    if provider.text.is_empty() {
        return provider.fail("the provider's name is missing before `:`");
    }
    let Some(code) = code.map(Cursor::trim) else {
        return provider.fail("this is no alias's name; write `provider:code`");
    };
    if code.text.is_empty() {
        return code.fail("the model's code is missing after `:`");
    }
    if let Some((at, c)) = code.find_bad(|c| c.is_ascii_alphanumeric() || "-_.:/@+".contains(c)) {
        return Err(error(at, format!("`{c}` cannot stand in a model's code")));
    }
    let Ok(provider) = ProviderName::parse(provider.text) else {
        return provider.fail(crate::domain::provider::InvalidName.to_string());
    };
    let params = query.map_or_else(|| Ok(Params::default()), params)?;
    // Google's own lists write it so, and its API takes both for the same model.
    let is_path = provider.implied_wire() == Wire::Gemini;
    let code =
        code.text.strip_prefix("models/").filter(|code| is_path && !code.is_empty()).unwrap_or(code.text);
    Ok(Item::Model(Entry { provider, code: code.to_owned(), params }))
}

fn params(query: Cursor<'_>) -> Result<Params, ParseError> {
    let mut params = Params::default();
    let mut seen = Vec::new();
    let mut rest = Some(query);
    while let Some(query) = rest {
        let (pair, more) = query.split('&');
        let (name, value) = pair.split('=');
        let Some(value) = value else { return pair.fail("a parameter is written `name=value`") };
        if seen.contains(&name.text) {
            return name.fail(format!("`{}` stands twice", name.text));
        }
        seen.push(name.text);
        set(&mut params, name, value)?;
        rest = more;
    }
    Ok(params)
}

fn set(params: &mut Params, name: Cursor<'_>, value: Cursor<'_>) -> Result<(), ParseError> {
    match name.text {
        "temperature" => params.temperature = Some(number(value, 0.0, 2.0)?),
        "top_p" => params.top_p = Some(number(value, 0.0, 1.0)?),
        "max_tokens" => params.max_tokens = Some(integer(value, 1, 10_000_000)?),
        "seed" => params.seed = Some(integer(value, i64::MIN >> 11, i64::MAX >> 10)?),
        "reasoning_effort" => params.reasoning_effort = Some(effort(value)?),
        "timeout" => params.timeout_ms = Some(milliseconds(number(value, 0.1, 900.0)?)),
        other => return name.fail(format!("unknown parameter `{other}`; known are {}", PARAMS.join(", "))),
    }
    Ok(())
}

/// From seconds between 0.1 and 900.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range was checked: 100 to 900,000"
)]
fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1_000.0).round() as u64
}

fn number(value: Cursor<'_>, min: f64, max: f64) -> Result<f64, ParseError> {
    match value.text.parse::<f64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => value.fail(format!("write a number from {min} to {max}")),
    }
}

fn integer<T>(value: Cursor<'_>, min: T, max: T) -> Result<T, ParseError>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    match value.text.parse::<T>() {
        Ok(number) if number >= min && number <= max => Ok(number),
        _ => value.fail(format!("write a whole number from {min} to {max}")),
    }
}

fn effort(value: Cursor<'_>) -> Result<ReasoningEffort, ParseError> {
    Ok(match value.text {
        "none" => ReasoningEffort::None,
        "minimal" => ReasoningEffort::Minimal,
        "low" => ReasoningEffort::Low,
        "medium" => ReasoningEffort::Medium,
        "high" => ReasoningEffort::High,
        "xhigh" => ReasoningEffort::Xhigh,
        "max" => ReasoningEffort::Max,
        _ => return value.fail("reasoning_effort is none, minimal, low, medium, high, xhigh or max"),
    })
}

#[cfg(test)]
#[path = "model_line_tests.rs"]
mod tests;
