//! Models as people write them: `gpt-4.1-mini`, `openai/gpt-4o`, `Claude Sonnet 4.5`, `models/gemini-2.5-pro`.
//!
//! A text is looked up in the models that the account sees. It names one of them, or a provider and a code that the
//! catalogue lacks, or neither; then the error offers the nearest lines. Nothing is guessed between two models. A line that
//! is already written as `provider:code` never comes here.

use super::json;
use super::model_line::{Item, MAX_ENTRIES, ModelLine};
use super::provider::ProviderName;

/// The providers and codes of the models that an account sees.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    models: Vec<Model>,
}

#[derive(Clone, Debug)]
struct Model {
    provider: String,
    code: String,
    /// The code without case and signs.
    bare: String,
}

/// A model that a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// `provider:code`
    pub model: String,
    pub sure: Sure,
}

/// How a text led to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sure {
    /// The catalogue has it.
    Listed,
    /// The text names the provider; the catalogue has no such code of it.
    Provider,
    /// Only the code's beginning (`gpt-`, `claude-`) says whose it is; the catalogue does not have it.
    Maker,
}

/// Why a text names no model, with the lines that may have been meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub text: String,
    /// Lines such as `openai:gpt-4o`: those that all fit, else the most similar.
    pub nearest: Vec<String>,
    pub is_ambiguous: bool,
}

/// That a text names no model, or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    None,
    Several,
}

/// How many lines an error offers.
const OFFERED: usize = 3;
/// The longest text that is compared with every code.
const MAX_CHARS: usize = 128;

/// Providers' names in other systems, for ours. A name that stands for itself is a provider of which only the account knows
/// the address.
const PROVIDERS: [(&str, &str); 46] = [
    ("amazon-bedrock", "bedrock"),
    ("anthropic-claude", "anthropic"),
    ("aws-bedrock", "bedrock"),
    ("azure", "azure"),
    ("azure-ai", "azure"),
    ("azure-openai", "azure"),
    ("azureopenai", "azure"),
    ("bedrock", "bedrock"),
    ("bedrock-converse", "bedrock"),
    ("claude", "anthropic"),
    ("dashscope", "dashscope"),
    ("databricks", "databricks"),
    ("dmr", "dmr"),
    ("fireworks-ai", "fireworks"),
    ("gemini-api", "gemini"),
    ("github", "github"),
    ("github-copilot", "github-copilot"),
    ("google-ai", "gemini"),
    ("google-ai-studio", "gemini"),
    ("google-genai", "gemini"),
    ("google-gla", "gemini"),
    ("google-vertex", "vertex"),
    ("google-vertexai", "vertex"),
    ("hosted-vllm", "vllm"),
    ("hyperbolic", "hyperbolic"),
    ("litellm", "litellm"),
    ("lm-studio", "lm-studio"),
    ("lmstudio", "lm-studio"),
    ("minimax", "minimax"),
    ("mistralai", "mistral"),
    ("moonshotai", "moonshot"),
    ("novita", "novita"),
    ("ollama", "ollama"),
    ("ollama-chat", "ollama"),
    ("openai-chat", "openai"),
    ("openai-responses", "openai"),
    ("requesty", "requesty"),
    ("sagemaker", "sagemaker"),
    ("together-ai", "together"),
    ("togetherai", "together"),
    ("tongyi", "dashscope"),
    ("vertex", "vertex"),
    ("vertex-ai", "vertex"),
    ("vllm", "vllm"),
    ("watsonx", "watsonx"),
    ("x-ai", "xai"),
];

/// What stands before the names of models that are called through something.
const AROUND: [&str; 3] = ["models/", "gateway/", "litellm/"];
/// What Amazon Bedrock's codes begin with: a region that calls stay in, and the maker.
const REGIONS: [&str; 9] = ["us", "us-gov", "eu", "apac", "jp", "au", "ca", "sa", "global"];
const BEDROCK: [&str; 15] = [
    "ai21",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "google",
    "luma",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "nvidia",
    "openai",
    "qwen",
    "writer",
];

/// Beginnings of codes, and the provider whose codes alone begin so.
const MAKERS: [(&str, &str); 18] = [
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-davinci-", "openai"),
    ("claude-", "anthropic"),
    ("gemini-", "gemini"),
    ("mistral-", "mistral"),
    ("codestral-", "mistral"),
    ("ministral-", "mistral"),
    ("magistral-", "mistral"),
    ("devstral-", "mistral"),
    ("pixtral-", "mistral"),
    ("grok-", "xai"),
    ("deepseek-", "deepseek"),
    ("command-", "cohere"),
    ("sonar", "perplexity"),
];

/// Words that stand for the newest model of a family.
const FAMILIES: [(&str, &str); 4] = [
    ("opus", "claude-opus-"),
    ("sonnet", "claude-sonnet-"),
    ("haiku", "claude-haiku-"),
    ("fable", "claude-fable-"),
];

impl Catalogue {
    /// Of providers and codes.
    pub fn new(models: impl IntoIterator<Item = (String, String)>) -> Self {
        let model = |(provider, code): (String, String)| Model { bare: bare(&code), provider, code };
        Self { models: models.into_iter().map(model).collect() }
    }

    /// A model line in which every entry stands for a model or is one of the account's aliases. Entries that are written as
    /// `provider:code`, aliases and parameters stay as they are, and so does what has a colon and is none of these: what is
    /// wrong with it and where, [`ModelLine::parse`] says.
    ///
    /// # Errors
    /// [`Unknown`] of the first entry that names no model, or of which only the maker is known.
    pub fn line(&self, line: &str, is_alias: impl Fn(&str) -> bool) -> Result<String, Unknown> {
        let entry = |entry: &str| {
            let (name, query) =
                entry.split_once('?').map_or((entry, None), |(name, query)| (name, Some(query)));
            let name = name.trim();
            if name.is_empty() || is_alias(name) || is_written(name) {
                return Ok(entry.trim().to_owned());
            }
            let named = match self.find(name) {
                Ok(named) if named.sure != Sure::Maker => named,
                Err(_) if name.contains(':') => return Ok(entry.trim().to_owned()),
                Ok(_) => return Err(self.unknown(name)),
                Err(missed) => return Err(self.missed(name, missed)),
            };
            Ok(query.map_or_else(|| named.model.clone(), |query| format!("{}?{query}", named.model)))
        };
        // What is too long is refused as that, and not looked up entry by entry.
        if line.split(',').nth(MAX_ENTRIES).is_some() {
            return Ok(line.to_owned());
        }
        line.split(',').map(entry).collect::<Result<Vec<_>, _>>().map(|entries| entries.join(", "))
    }

    /// The one model that a text names.
    ///
    /// # Errors
    /// [`Unknown`] when it names none or several.
    pub fn model(&self, text: &str) -> Result<Named, Unknown> {
        self.find(text).map_err(|missed| self.missed(text, missed))
    }

    /// [`Self::model`], without the lines that may have been meant: those are compared with the whole catalogue.
    ///
    /// # Errors
    /// [`Missed`] when it names none or several.
    pub fn find(&self, text: &str) -> Result<Named, Missed> {
        let plain = plain(text);
        if plain.len() > MAX_CHARS {
            return Err(Missed::None);
        }
        let apart = [':', '/'].into_iter().find_map(|sign| self.apart(plain, sign));
        if let Some((provider, code)) = &apart
            && let Some(listed) = self.one(|model| model.provider == *provider && model.code == *code)
        {
            return Ok(listed);
        }
        let exactly = |model: &&Model| model.code == plain;
        if self.models.iter().any(|model| exactly(&model)) {
            return self.one(|model| exactly(&model)).ok_or(Missed::Several);
        }
        if let Some((provider, code)) = apart {
            let wanted = bare(code);
            let similar = self.one(|model| model.provider == provider && model.bare == wanted);
            return similar.or_else(|| written(&provider, code, Sure::Provider)).ok_or(Missed::None);
        }
        if let Some(named) = by_form(plain) {
            return Ok(named);
        }
        let wanted = bare(plain);
        let similar = |model: &&Model| model.bare == wanted;
        if !wanted.is_empty() && self.models.iter().any(|model| similar(&model)) {
            return self.one(|model| similar(&model)).ok_or(Missed::Several);
        }
        self.newest(plain).or_else(|| by_maker(plain)).ok_or(Missed::None)
    }

    /// Why a text was missed, with the lines that may have been meant.
    pub fn missed(&self, text: &str, missed: Missed) -> Unknown {
        let (code, bare) = (plain(text), bare(plain(text)));
        match missed {
            Missed::None => self.unknown(text),
            Missed::Several if self.models.iter().any(|model| model.code == code) => {
                self.several(text, |model| model.code == code)
            }
            Missed::Several => self.several(text, |model| model.bare == bare),
        }
    }

    /// The text's provider, in our word, and its code, where a known provider stands before the sign.
    fn apart<'a>(&self, text: &'a str, sign: char) -> Option<(String, &'a str)> {
        let (before, code) = text.split_once(sign)?;
        let provider = self.provider(before.trim())?;
        Some((provider, code.trim())).filter(|(_, code)| !code.is_empty())
    }

    /// A provider's name in ours, if it is known: well known, of the catalogue, or of another system.
    pub fn provider(&self, text: &str) -> Option<String> {
        let name = provider_name(text)?;
        let is_known = name.well_known().is_some()
            || PROVIDERS.iter().any(|(_, own)| *own == name.as_str())
            || self.models.iter().any(|model| model.provider == name.as_str());
        is_known.then(|| name.as_str().to_owned())
    }

    fn one(&self, fits: impl Fn(&Model) -> bool) -> Option<Named> {
        let mut found = self.models.iter().filter(|model| fits(model));
        match (found.next(), found.next()) {
            (Some(model), None) => Some(Named { model: model.line(), sure: Sure::Listed }),
            _ => None,
        }
    }

    /// Of a word such as `sonnet`, the model with the highest version.
    fn newest(&self, word: &str) -> Option<Named> {
        let word = word.to_ascii_lowercase();
        let (_, family) = FAMILIES.iter().find(|(known, _)| *known == word)?;
        let versions = self.models.iter().filter_map(|model| {
            let version = model.code.strip_prefix(family).filter(|_| model.provider == "anthropic")?;
            let numbers: Vec<u32> = version.split(['-', '.']).map_while(|part| part.parse().ok()).collect();
            // A date is no version.
            (!numbers.is_empty() && numbers.iter().all(|number| *number < 1_000)).then_some((numbers, model))
        });
        let (_, model) = versions.max_by(|(one, _), (other, _)| one.cmp(other))?;
        Some(Named { model: model.line(), sure: Sure::Listed })
    }

    fn several(&self, text: &str, fits: impl Fn(&&Model) -> bool) -> Unknown {
        let nearest = self.models.iter().filter(|model| fits(model)).take(OFFERED).map(Model::line).collect();
        Unknown { text: shown(text), nearest, is_ambiguous: true }
    }

    /// That a text names no model, with the most similar ones.
    pub fn unknown(&self, text: &str) -> Unknown {
        let code = plain(text).rsplit(['/', ':']).next().unwrap_or_default();
        let wanted: String = bare(code).chars().take(MAX_CHARS).collect();
        let mut measured: Vec<(usize, &Model)> =
            self.models.iter().map(|model| (json::distance(&wanted, &model.bare), model)).collect();
        measured
            .sort_by(|(one, a), (other, b)| (one, &a.provider, &a.code).cmp(&(other, &b.provider, &b.code)));
        let nearest = measured.iter().take(OFFERED).map(|(_, model)| model.line()).collect();
        Unknown { text: shown(text), nearest, is_ambiguous: false }
    }
}

impl Model {
    fn line(&self) -> String {
        format!("{}:{}", self.provider, self.code)
    }
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<String> = self.nearest.iter().map(|line| format!("`{line}`")).collect();
        let lines = lines.join(", ");
        match (self.is_ambiguous, self.nearest.is_empty()) {
            (true, _) => write!(f, "`{}` is a model of several providers: write one of {lines}", self.text),
            (false, true) => {
                write!(f, "`{}` is no model that is known here: write `provider:code`", self.text)
            }
            (false, false) => write!(
                f,
                "`{}` is neither a model of the catalogue nor an alias of this account: write `provider:code`, such as {lines}",
                self.text
            ),
        }
    }
}

impl std::error::Error for Unknown {}

/// A provider's name as other systems write it, in our form.
pub fn provider_name(text: &str) -> Option<ProviderName> {
    let name = text.to_ascii_lowercase().replace(['_', ' ', '.'], "-");
    let own = PROVIDERS.iter().find(|(other, _)| *other == name).map_or(name.as_str(), |(_, own)| own);
    ProviderName::parse(own).ok()
}

/// A provider and a code as a model line, if they can be one.
pub fn written(provider: &str, code: &str, sure: Sure) -> Option<Named> {
    let model = format!("{provider}:{code}");
    is_written(&model).then_some(Named { model, sure })
}

/// Whether a text is one model as a line has it.
fn is_written(text: &str) -> bool {
    ModelLine::parse(text).is_ok_and(|line| matches!(line.items.as_slice(), [Item::Model(_)]))
}

fn by_maker(code: &str) -> Option<Named> {
    let code = code.to_ascii_lowercase().replace(' ', "-");
    let (_, provider) = MAKERS.iter().find(|(beginning, _)| code.starts_with(beginning))?;
    written(provider, &code, Sure::Maker)
}

/// A code that only one provider's are written like.
fn by_form(code: &str) -> Option<Named> {
    if code.starts_with("@cf/") || code.starts_with("@hf/") {
        return written("workers-ai", code, Sure::Provider);
    }
    // `us.anthropic.claude-sonnet-4-20250514-v1:0`, with or without the region.
    let (first, rest) = code.split_once('.')?;
    let maker = if REGIONS.contains(&first) { rest.split_once('.')?.0 } else { first };
    let is_versioned = code.rsplit_once(':').is_none_or(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()));
    (BEDROCK.contains(&maker) && is_versioned).then(|| written("bedrock", code, Sure::Provider)).flatten()
}

/// Without what people put around a name: `models/`, `gateway/`, `(copilot)`.
fn plain(text: &str) -> &str {
    let text = text.trim();
    let text = AROUND.iter().find_map(|around| text.strip_prefix(around)).unwrap_or(text);
    text.split_once(" (").map_or(text, |(name, _)| name).trim_end()
}

/// Letters and digits in lower case, so that `Claude Sonnet 4.5` is `claude-sonnet-4-5`.
fn bare(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
#[path = "model_name_tests.rs"]
mod tests;
