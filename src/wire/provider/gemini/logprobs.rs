//! Log probabilities, in the form of OpenAI's that the neutral model keeps.

use serde::Serialize;

use super::response::{Likelihood, LogprobsResult};
use crate::domain::message::JsonText;

#[derive(Serialize)]
struct Logprobs<'a> {
    content: Vec<Token<'a>>,
    refusal: Option<()>,
}

#[derive(Serialize)]
struct Token<'a> {
    #[serde(flatten)]
    chosen: Scored<'a>,
    top_logprobs: Vec<Scored<'a>>,
}

#[derive(Serialize)]
struct Scored<'a> {
    token: &'a str,
    logprob: f64,
    bytes: &'a [u8],
}

/// `None` without tokens.
pub(super) fn logprobs(result: &LogprobsResult) -> Option<JsonText> {
    let chosen = result.chosen_candidates.as_deref().unwrap_or_default();
    let top = result.top_candidates.as_deref().unwrap_or_default();
    let likeliest = |at: usize| {
        let place = top.get(at).and_then(|place| place.candidates.as_deref());
        place.unwrap_or_default().iter().map(scored).collect()
    };
    let tokens = chosen.iter().enumerate();
    let content: Vec<_> =
        tokens.map(|(at, token)| Token { chosen: scored(token), top_logprobs: likeliest(at) }).collect();
    if content.is_empty() {
        return None;
    }
    serde_json::to_string(&Logprobs { content, refusal: None }).ok().and_then(JsonText::parse)
}

fn scored(likelihood: &Likelihood) -> Scored<'_> {
    let token = likelihood.token.as_deref().unwrap_or_default();
    Scored { token, logprob: likelihood.log_probability.unwrap_or_default(), bytes: token.as_bytes() }
}
