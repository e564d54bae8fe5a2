//! `POST /v1/embeddings`: the request and the reply.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::embedding::{Embed, Inputs, MAX_DIMENSIONS, MAX_INPUTS, MAX_TOKENS, Vector};
use crate::domain::extra::Extras;
use crate::domain::message::Usage;
use crate::domain::money::Nanos;
use crate::domain::warning::Warning;
use crate::wire::client::object::objects;
use crate::wire::client::{Invalid, parsed};
use crate::wire::to_json;

const MAX_USER_CHARS: usize = 512;

/// A request for embeddings.
#[derive(Default, ToSchema)]
#[schema(as = EmbeddingsRequest, example = json!({"model": "triage", "input": "The sea"}))]
pub struct Body {
    /// The agent's slug or id, or a model of its `embeddings`.
    pub model: Option<String>,
    /// A text or up to 2,048 texts; each may be a list of numbers of tokens instead.
    #[schema(value_type = Value)]
    input: Option<Input>,
    #[schema(minimum = 1, maximum = 65_536)]
    pub dimensions: Option<i64>,
    /// `float` (when left out) or `base64`.
    pub encoding_format: Option<String>,
    pub user: Option<String>,
}

objects! {
    Body, "an object" { model, input, dimensions, encoding_format, user }
}

/// A request, read.
#[derive(Debug)]
pub struct Parsed {
    pub embed: Embed,
    pub model: Option<String>,
    /// What was left out.
    pub extras: Extras,
}

/// Reads a request's body.
///
/// # Errors
/// [`Invalid`] with the first fault found and where it is.
pub fn read(body: &[u8]) -> Result<Parsed, Invalid> {
    let (body, extras): (Body, Extras) = parsed::read(body, |_| false)?;
    let is_base64 = match body.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(Invalid::at("encoding_format", "write `float` or `base64`")),
    };
    let dimensions = match body.dimensions.map(u32::try_from) {
        None => None,
        Some(Ok(dimensions @ 1..=MAX_DIMENSIONS)) => Some(dimensions),
        Some(_) => return Err(Invalid::at("dimensions", format!("must be from 1 to {MAX_DIMENSIONS}"))),
    };
    let user = body.user;
    if user.as_ref().is_some_and(|user| user.chars().count() > MAX_USER_CHARS) {
        return Err(Invalid::at("user", format!("has at most {MAX_USER_CHARS} characters")));
    }
    let is_required =
        || Invalid::at("input", "is required: a text, or a list of texts or of lists of tokens");
    let inputs = body.input.ok_or_else(is_required)?;
    let inputs = inputs.list().map_err(|words| Invalid::at("input", words))?;
    let embed = Embed { inputs, dimensions, is_base64, user };
    Ok(Parsed { embed, model: body.model.filter(|model| !model.is_empty()), extras })
}

/// What `input` is as it comes, read to its bounds and no further: a short body may be a list of very many numbers.
enum Input {
    Text(String),
    Token(u32),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
    Lists(Vec<Vec<u32>>),
}

impl Input {
    fn list(self) -> Result<Inputs, &'static str> {
        match self {
            Self::Text(text) => Ok(Inputs::Texts(vec![text])),
            Self::Texts(all) => Ok(Inputs::Texts(all)),
            Self::Tokens(tokens) => Ok(Inputs::Tokens(vec![tokens])),
            Self::Lists(all) => Ok(Inputs::Tokens(all)),
            Self::Token(_) => Err("is a text, or a list of texts or of lists of tokens, and no number"),
        }
    }

    /// Takes one more of what the first was; what comes back does not fit.
    fn push(&mut self, next: Self) -> Result<(), &'static str> {
        match (self, next) {
            (Self::Texts(all), Self::Text(text)) => push(all, text, MAX_INPUTS, TOO_MANY),
            (Self::Tokens(all), Self::Token(token)) => push(all, token, MAX_TOKENS, TOO_LONG),
            (Self::Lists(all), Self::Tokens(tokens)) => push(all, tokens, MAX_INPUTS, TOO_MANY),
            _ => Err("entries of several kinds: write texts, or lists of numbers of tokens"),
        }
    }
}

const TOO_MANY: &str = "more than 2,048 entries";
const TOO_LONG: &str = "a list of more than 100,000 tokens";

fn push<T>(all: &mut Vec<T>, next: T, most: usize, words: &'static str) -> Result<(), &'static str> {
    if all.len() == most {
        return Err(words);
    }
    all.push(next);
    Ok(())
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InputVisitor)
    }
}

struct InputVisitor;

impl<'de> Visitor<'de> for InputVisitor {
    type Value = Input;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list of texts or lists of numbers of tokens, none of them empty")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Input, E> {
        if text.is_empty() {
            return Err(E::invalid_value(Unexpected::Str(text), &self));
        }
        Ok(Input::Text(text.to_owned()))
    }

    fn visit_u64<E: de::Error>(self, token: u64) -> Result<Input, E> {
        let token = u32::try_from(token).map_err(|_| E::invalid_value(Unexpected::Unsigned(token), &self))?;
        Ok(Input::Token(token))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Input, A::Error> {
        let Some(first) = list.next_element::<Input>()? else {
            return Err(de::Error::invalid_length(0, &self));
        };
        let mut all = match first {
            Input::Text(text) => Input::Texts(vec![text]),
            Input::Token(token) => Input::Tokens(vec![token]),
            Input::Tokens(tokens) => Input::Lists(vec![tokens]),
            Input::Texts(_) | Input::Lists(_) => {
                return Err(de::Error::invalid_type(Unexpected::Seq, &"a text or a number"));
            }
        };
        while let Some(next) = list.next_element::<Input>()? {
            all.push(next).map_err(de::Error::custom)?;
        }
        Ok(all)
    }
}

/// OpenAI's list of embeddings.
#[derive(Serialize, ToSchema)]
#[schema(as = Embeddings)]
pub struct Reply<'a> {
    #[schema(value_type = String, example = "list")]
    object: &'static str,
    data: Vec<One<'a>>,
    /// `provider:code` of the model that answered.
    model: &'a str,
    usage: Used,
    /// Ours: what was not done as the client asked.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [Warning],
}

#[derive(Serialize, ToSchema)]
#[schema(as = Embedding)]
struct One<'a> {
    #[schema(value_type = String, example = "embedding")]
    object: &'static str,
    index: usize,
    /// Numbers, or as base64 their four bytes each, the least first.
    #[schema(value_type = Value)]
    embedding: Shown<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Raw(&'a RawValue),
    Text(String),
    Numbers(Vec<f32>),
}

#[derive(Serialize, ToSchema)]
#[schema(as = EmbeddingsUsage)]
struct Used {
    prompt_tokens: u64,
    total_tokens: u64,
    /// Ours.
    #[schema(value_type = String)]
    cost_usd: Nanos,
}

/// Writes a reply, in the encoding that was asked for.
pub fn reply(
    vectors: &[Vector],
    is_base64: bool,
    model: &str,
    (usage, cost): (&Usage, Nanos),
    warnings: &[Warning],
) -> Vec<u8> {
    let data = vectors.iter().enumerate();
    let data =
        data.map(|(index, vector)| One { object: "embedding", index, embedding: shown(vector, is_base64) });
    let tokens = usage.input_tokens;
    to_json(&Reply {
        object: "list",
        data: data.collect(),
        model,
        usage: Used { prompt_tokens: tokens, total_tokens: tokens, cost_usd: cost },
        warnings,
    })
}

/// A server may answer in the other encoding than it was asked for.
fn shown(vector: &Vector, is_base64: bool) -> Shown<'_> {
    match vector {
        Vector::Numbers(raw) if is_base64 => match serde_json::from_str::<Vec<f32>>(raw.get()) {
            Ok(numbers) => {
                let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                Shown::Text(STANDARD.encode(bytes))
            }
            Err(_) => Shown::Raw(raw),
        },
        Vector::Numbers(raw) => Shown::Raw(raw),
        Vector::Base64(text) if is_base64 => Shown::Text(text.clone()),
        Vector::Base64(text) => {
            let bytes = STANDARD.decode(text).unwrap_or_default();
            let (numbers, _) = bytes.as_chunks::<4>();
            Shown::Numbers(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(input: &Value) -> Result<Inputs, Invalid> {
        read(json!({"model": "m", "input": input}).to_string().as_bytes()).map(|parsed| parsed.embed.inputs)
    }

    #[test]
    fn inputs_are_texts_or_tokens() {
        let texts = |all: &[&str]| Inputs::Texts(all.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(of(&json!("a")).unwrap(), texts(&["a"]));
        assert_eq!(of(&json!(["a", "b"])).unwrap(), texts(&["a", "b"]));
        assert_eq!(of(&json!([1, 2])).unwrap(), Inputs::Tokens(vec![vec![1, 2]]));
        assert_eq!(of(&json!([[1], [2, 3]])).unwrap(), Inputs::Tokens(vec![vec![1], vec![2, 3]]));
        let many = json!(vec!["a"; MAX_INPUTS + 1]);
        for fault in [
            json!(null),
            json!([]),
            json!(""),
            json!(["a", 1]),
            json!([["a"]]),
            json!([-1]),
            json!([[]]),
            many,
            json!(7),
            json!({"a": 1}),
            json!(["a", ["b"]]),
            json!([1, "a"]),
            json!([1.5]),
            json!([4_294_967_296_u64]),
            json!([[1], 2]),
            json!([[[1]]]),
            json!(vec![0; MAX_TOKENS + 1]),
            json!([vec![0; MAX_TOKENS + 1]]),
            json!(vec![[0]; MAX_INPUTS + 1]),
        ] {
            let param = of(&fault).unwrap_err().param;
            assert!(param.is_some_and(|param| param.starts_with("input")), "{fault:.40}");
        }
        assert_eq!(of(&json!(vec!["a"; MAX_INPUTS])).unwrap().len(), MAX_INPUTS);
        assert_eq!(of(&json!(vec![[0]; MAX_INPUTS])).unwrap().len(), MAX_INPUTS);
        assert_eq!(of(&json!(vec![0; MAX_TOKENS])).unwrap().len(), 1);
    }

    #[test]
    fn vectors_are_shown_in_the_encoding_that_was_asked_for() {
        let raw = RawValue::from_string("[1.0, -0.5]".to_owned()).unwrap();
        let vectors = [Vector::Numbers(raw), Vector::Base64("AACAPwAAAL8=".to_owned())];
        for (is_base64, expected) in [(false, json!([1.0, -0.5])), (true, json!("AACAPwAAAL8="))] {
            let used = Usage { input_tokens: 7, ..Usage::default() };
            let reply = reply(&vectors, is_base64, "a:b", (&used, Nanos::ZERO), &[]);
            let reply: Value = serde_json::from_slice(&reply).unwrap();
            assert_eq!(
                (&reply["data"][0]["embedding"], &reply["data"][1]["embedding"]),
                (&expected, &expected)
            );
            assert_eq!((&reply["data"][1]["index"], &reply["usage"]["total_tokens"]), (&json!(1), &json!(7)));
        }
    }
}
