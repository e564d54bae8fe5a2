//! Extras: fields of a request that only some providers take.
//!
//! They pass through as they were written, to the providers that [`TABLE`] lists, under the name there. What becomes
//! of one elsewhere is [`Otherwise`]; nothing vanishes silently. To add an extra, add a line.

use serde_json::value::RawValue;

use super::message::JsonText;

/// A field that some providers take.
#[derive(Debug)]
pub struct Extra {
    /// As OpenAI's protocol writes it.
    pub name: &'static str,
    pub shape: Shape,
    pub otherwise: Otherwise,
    /// It says how the answer is drawn: where `top_p` is not taken this is not, either.
    pub is_drawn: bool,
    /// Families of servers ([`super::dialect`]), separated by blanks, and the name there; empty for the same.
    takers: &'static [(&'static str, &'static str)],
}

/// What happens where an extra is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// It is left out, with a warning: the answer is as good without.
    Warn,
    /// The entry of the line is passed over; when none is left, the request is refused by the field's name.
    Refuse,
}

/// Which values are passed on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    Bool,
    /// Both ends are included.
    Number(f64, f64),
    Integer(i64, i64),
    OneOf(&'static [&'static str]),
    /// At most so many characters.
    Text(usize),
    /// An object of at most so many bytes.
    Object(usize),
}

/// `other` is a server whose family is unknown, somebody's own: it is sent what its clients write.
const OPENAI: &str = "openai azure openrouter other";
/// Servers that run open weights.
const OPEN: &str = "openrouter vllm together fireworks deepinfra huggingface other";
const PENALTIES: &str = "openai azure openrouter vllm ollama mistral deepseek moonshot groq xai together fireworks \
    cohere deepinfra huggingface nvidia sambanova perplexity nebius workers-ai other";

/// Not in it, on purpose: what is billed beyond tokens, since no budget could hold it (`web_search_options`,
/// `service_tier: priority`, OpenRouter's `plugins`), and what chooses another model than the line does (OpenRouter's
/// `models`, `provider`, `route`). Sources: the API references of the providers named, read 2026-11.
#[rustfmt::skip]
pub static TABLE: [Extra; 23] = [
    extra("logprobs", Shape::Bool, Otherwise::Refuse, &[(OPENAI, ""), ("vllm ollama deepseek xai fireworks nebius", ""), ("gemini", "responseLogprobs")]),
    extra("top_logprobs", Shape::Integer(0, 20), Otherwise::Refuse, &[(OPENAI, ""), ("vllm ollama deepseek xai fireworks nebius", ""), ("gemini", "logprobs")]),
    extra("logit_bias", Shape::Object(16 * 1024), Otherwise::Refuse, &[(OPENAI, ""), ("vllm together fireworks nebius", "")]),
    drawn("presence_penalty", Shape::Number(-2.0, 2.0), Otherwise::Warn, &[(PENALTIES, ""), ("gemini", "presencePenalty")]),
    drawn("frequency_penalty", Shape::Number(-2.0, 2.0), Otherwise::Warn, &[(PENALTIES, ""), ("gemini", "frequencyPenalty")]),
    drawn("repetition_penalty", Shape::Number(0.0, 10.0), Otherwise::Warn, &[(OPEN, ""), ("workers-ai", "")]),
    drawn("top_k", Shape::Integer(-1, 1_000_000), Otherwise::Warn, &[(OPEN, ""), ("anthropic workers-ai", ""), ("gemini", "topK")]),
    drawn("min_p", Shape::Number(0.0, 1.0), Otherwise::Warn, &[(OPEN, "")]),
    drawn("top_a", Shape::Number(0.0, 1.0), Otherwise::Warn, &[("openrouter other", "")]),
    extra("service_tier", Shape::OneOf(&["auto", "default", "flex"]), Otherwise::Warn, &[(OPENAI, ""), ("groq", "")]),
    extra("store", Shape::Bool, Otherwise::Warn, &[("openai azure other", "")]),
    extra("prompt_cache_key", Shape::Text(1_024), Otherwise::Warn, &[(OPENAI, ""), ("moonshot", "")]),
    extra("prompt_cache_retention", Shape::Text(32), Otherwise::Warn, &[("openai azure other", "")]),
    extra("safety_identifier", Shape::Text(512), Otherwise::Warn, &[("openai azure moonshot other", "")]),
    extra("verbosity", Shape::OneOf(&["low", "medium", "high"]), Otherwise::Warn, &[(OPENAI, "")]),
    extra("prediction", Shape::Object(1024 * 1024), Otherwise::Warn, &[(OPENAI, ""), ("mistral fireworks", "")]),
    extra("web_search_options", Shape::Object(16 * 1024), Otherwise::Refuse, &[]),
    extra("thinking", Shape::Object(1_024), Otherwise::Warn, &[("deepseek moonshot other", "")]),
    extra("reasoning", Shape::Object(1_024), Otherwise::Warn, &[("openrouter ollama other", "")]),
    extra("reasoning_format", Shape::OneOf(&["hidden", "parsed", "raw"]), Otherwise::Warn, &[("groq other", "")]),
    extra("chat_template_kwargs", Shape::Object(16 * 1024), Otherwise::Warn, &[("vllm nvidia workers-ai other", "")]),
    extra("safe_prompt", Shape::Bool, Otherwise::Warn, &[("mistral other", "")]),
    extra("prompt_mode", Shape::OneOf(&["reasoning"]), Otherwise::Warn, &[("mistral other", "")]),
];

const fn extra(
    name: &'static str,
    shape: Shape,
    otherwise: Otherwise,
    takers: &'static [(&'static str, &'static str)],
) -> Extra {
    Extra { name, shape, otherwise, is_drawn: false, takers }
}

const fn drawn(
    name: &'static str,
    shape: Shape,
    otherwise: Otherwise,
    takers: &'static [(&'static str, &'static str)],
) -> Extra {
    Extra { is_drawn: true, ..extra(name, shape, otherwise, takers) }
}

impl Extra {
    /// The extra's place in [`TABLE`].
    pub fn find(name: &str) -> Option<usize> {
        TABLE.iter().position(|extra| extra.name == name)
    }

    /// The name of the field at servers of this family; `None` where it is not taken.
    pub fn name_at(&self, family: &str) -> Option<&'static str> {
        let (_, name) =
            self.takers.iter().find(|(families, _)| families.split(' ').any(|one| one == family))?;
        Some(if name.is_empty() { self.name } else { name })
    }

    /// Whether any provider takes it.
    pub const fn is_taken_anywhere(&self) -> bool {
        !self.takers.is_empty()
    }
}

impl Shape {
    /// # Errors
    /// What the value should be, in words.
    pub fn check(self, value: &RawValue) -> Result<(), String> {
        let json = value.get();
        let fits = match self {
            Self::Bool => matches!(json, "true" | "false"),
            Self::Number(least, most) => {
                json.parse::<f64>().is_ok_and(|number| (least..=most).contains(&number))
            }
            Self::Integer(least, most) => {
                json.parse::<i64>().is_ok_and(|number| (least..=most).contains(&number))
            }
            Self::OneOf(words) => text(json).is_some_and(|text| words.contains(&text.as_str())),
            Self::Text(most) => text(json).is_some_and(|text| text.chars().count() <= most),
            Self::Object(most) => json.starts_with('{') && json.len() <= most,
        };
        if fits { Ok(()) } else { Err(self.in_words()) }
    }

    fn in_words(self) -> String {
        match self {
            Self::Bool => "must be true or false".to_owned(),
            Self::Number(least, most) => format!("must be a number from {least} to {most}"),
            Self::Integer(least, most) => format!("must be an integer from {least} to {most}"),
            Self::OneOf(words) => format!("must be one of {}", words.join(", ")),
            Self::Text(most) => format!("must be a string of at most {most} characters"),
            Self::Object(most) => format!("must be an object of at most {most} bytes"),
        }
    }
}

fn text(json: &str) -> Option<String> {
    if json.starts_with('"') { serde_json::from_str(json).ok() } else { None }
}

/// The extras of one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extras {
    /// By their place in [`TABLE`], each once.
    set: Vec<(usize, JsonText)>,
    /// Names that nobody here knows, shortened; at most [`Extras::MOST_UNKNOWN`].
    pub unknown: Vec<String>,
    /// How many names more were left out of `unknown`.
    pub more_unknown: usize,
}

impl Extras {
    pub const MOST_UNKNOWN: usize = 16;
    const NAME_CHARS: usize = 64;

    /// Takes the value of the extra at this place; `null` is absence.
    ///
    /// # Errors
    /// What the value should be, in words.
    pub fn put(&mut self, place: usize, value: Box<RawValue>) -> Result<(), String> {
        if value.get() == "null" {
            return Ok(());
        }
        TABLE[place].shape.check(&value)?;
        self.set.push((place, value.into()));
        Ok(())
    }

    /// Notes a field that nobody here knows; beyond the first of them the name is not asked for.
    pub fn put_unknown(&mut self, name: impl FnOnce() -> String) {
        if self.unknown.len() < Self::MOST_UNKNOWN {
            let mut name = name();
            if let Some((end, _)) = name.char_indices().nth(Self::NAME_CHARS) {
                name.truncate(end);
            }
            self.unknown.push(name);
        } else {
            self.more_unknown += 1;
        }
    }

    /// Takes over what others have noted.
    pub fn join_unknown(&mut self, noted: Self) {
        self.unknown = noted.unknown;
        self.more_unknown = noted.more_unknown;
    }

    pub fn iter(&self) -> impl Iterator<Item = (usize, &JsonText)> {
        self.set.iter().map(|(place, value)| (*place, value))
    }

    /// The value of the extra of this name, as JSON.
    pub fn get(&self, name: &str) -> Option<&JsonText> {
        self.iter().find_map(|(place, value)| (TABLE[place].name == name).then_some(value))
    }

    pub fn has(&self, place: usize) -> bool {
        self.set.iter().any(|(set, _)| *set == place)
    }

    /// The places of those that must not be left out.
    pub fn refusable(&self) -> u64 {
        let refusable = self.set.iter().filter(|(place, _)| TABLE[*place].otherwise == Otherwise::Refuse);
        refusable.fold(0, |mask, (place, _)| mask | 1 << place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dialect::FAMILIES;

    #[test]
    fn every_line_of_the_table_can_be_found_and_names_families_there_are() {
        assert!(TABLE.len() <= 64, "places are bits of a u64");
        for (place, extra) in TABLE.iter().enumerate() {
            assert_eq!(Extra::find(extra.name), Some(place), "`{}` stands twice", extra.name);
            for family in extra.takers.iter().flat_map(|(families, _)| families.split(' ')) {
                assert!(FAMILIES.contains(&family), "{}: {family}", extra.name);
            }
            assert_eq!(extra.name_at("other").is_some(), extra.is_taken_anywhere(), "{}", extra.name);
        }
    }

    #[test]
    fn a_value_of_another_shape_is_refused_in_words() {
        let check = |name: &str, json: &str| {
            let raw = RawValue::from_string(json.to_owned()).unwrap();
            TABLE[Extra::find(name).unwrap()].shape.check(&raw).err()
        };
        for (name, sound, unsound, words) in [
            ("logprobs", "true", "\"true\"", "must be true or false"),
            ("min_p", "0.05", "1.5", "must be a number from 0 to 1"),
            ("min_p", "1e-1", "\"0\"", "must be a number from 0 to 1"),
            ("top_logprobs", "20", "21", "must be an integer from 0 to 20"),
            ("top_logprobs", "0", "1.5", "must be an integer from 0 to 20"),
            ("service_tier", "\"flex\"", "\"priority\"", "must be one of auto, default, flex"),
            ("logit_bias", "{\"50256\":-100}", "[]", "must be an object of at most 16384 bytes"),
        ] {
            assert_eq!(check(name, sound), None, "{name}");
            assert_eq!(check(name, unsound).as_deref(), Some(words), "{name}");
        }
        assert!(check("prompt_cache_retention", &format!("\"{}\"", "ü".repeat(32))).is_none());
        assert!(check("prompt_cache_retention", &format!("\"{}\"", "ü".repeat(33))).is_some());
        assert!(check("logit_bias", &format!("{{\"{}\":1}}", "1".repeat(20_000))).is_some());
    }

    #[test]
    fn unknown_names_are_counted_and_not_kept_without_end() {
        let mut extras = Extras::default();
        (0..1_000).for_each(|number| extras.put_unknown(|| format!("{number}{}", "x".repeat(1_000))));
        assert_eq!((extras.unknown.len(), extras.more_unknown), (16, 984));
        assert!(extras.unknown.iter().all(|name| name.len() == 64));
    }
}
