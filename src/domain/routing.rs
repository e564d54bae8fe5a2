//! Which models a request can go to, and what each may cost.

use super::bound;
use super::message::{ChatRequest, Message, Part, ResponseFormat};
use super::model::{Capabilities, Capability, Model};
use super::model_line::Params;
use super::money::Nanos;
use super::provider::Wire;

/// An answer shorter than this is not worth a call: the output limit is never shrunk below it.
const MIN_OUTPUT_TOKENS: u64 = 16;

/// What a request needs of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    pub capabilities: Capabilities,
    /// More than one choice.
    pub choices: bool,
    /// A strict upper bound of the prompt's tokens, instructions included.
    pub input_bound: u64,
    /// What the prompt's tokens are likely to be.
    pub input_estimate: u64,
}

impl Needs {
    pub fn of(request: &ChatRequest, instructions: &str, stream: bool) -> Self {
        let mut capabilities = Capabilities::default();
        let mut need = |needed: bool, capability| {
            if needed {
                capabilities = capabilities.with(capability);
            }
        };
        need(request.messages.iter().any(has_image), Capability::Images);
        need(!request.tools.is_empty(), Capability::Tools);
        need(matches!(request.response_format, ResponseFormat::JsonSchema { .. }), Capability::JsonSchema);
        need(stream, Capability::Streaming);
        Self {
            capabilities,
            choices: request.sampling.n.is_some_and(|n| n > 1),
            input_bound: bound::input_tokens(request) + bound::system_message(instructions),
            input_estimate: bound::likely_input_tokens(request, instructions),
        }
    }

    /// What this model lacks for the request, in words; empty when it will do.
    pub fn lacking(&self, wire: Wire, model: Option<&Model>) -> Vec<String> {
        let known = model.map_or(Capabilities::UNKNOWN, |model| model.capabilities);
        let mut lacking: Vec<String> =
            known.missing(self.capabilities).map(|capability| capability.name().to_owned()).collect();
        if self.choices && !matches!(wire, Wire::OpenAi | Wire::Gemini) {
            lacking.push("several choices (n > 1)".to_owned());
        }
        if let Some(model) = model.filter(|model| self.input_estimate > model.context_tokens) {
            lacking.push(format!(
                "a context of about {} tokens (has {})",
                self.input_estimate, model.context_tokens
            ));
        }
        lacking
    }
}

fn has_image(message: &Message) -> bool {
    matches!(message, Message::User { parts } if parts.iter().any(|part| matches!(part, Part::Image(_))))
}

/// What one attempt may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub want: Nanos,
    pub floor: Nanos,
    /// Tokens each choice may have if all of `want` is granted; `None` without a known model or a limit.
    pub output_limit: Option<u64>,
    /// Whether the request or the line asked for a limit.
    pub limit_asked: bool,
    choices: u64,
    input_bound: u64,
}

impl Plan {
    /// For one entry of the line. A model without a price costs nothing that we know of.
    pub fn new(request: &ChatRequest, params: &Params, needs: &Needs, model: Option<&Model>) -> Self {
        let mut sampling = request.sampling.clone();
        params.fill(&mut sampling);
        let asked = sampling.max_output_tokens.map(u64::from);
        let choices = u64::from(sampling.n.unwrap_or(1).max(1));
        let input_bound = needs.input_bound;
        let plan = |want, floor, output_limit| Self {
            want,
            floor,
            output_limit,
            limit_asked: asked.is_some(),
            choices,
            input_bound,
        };
        let Some(model) = model else { return plan(Nanos::ZERO, Nanos::ZERO, asked) };
        let limit = asked.unwrap_or_else(|| room(model, needs)).min(model.max_output_tokens).max(1);
        let ceiling = |output: u64| model.price.ceiling(input_bound, output.saturating_mul(choices));
        plan(ceiling(limit), ceiling(limit.min(MIN_OUTPUT_TOKENS)), Some(limit))
    }

    /// The output limit that a grant pays for.
    pub fn affordable(&self, model: Option<&Model>, granted: Nanos) -> Option<u64> {
        let limit = self.output_limit?;
        let Some(model) = model.filter(|_| granted < self.want) else { return Some(limit) };
        let output = model.price.affordable_output(self.input_bound, granted).unwrap_or(0);
        Some(limit.min(output / self.choices))
    }
}

/// The longest answer that a provider takes as a limit: where the catalogue's limit is the whole context, prompt and
/// answer share it.
fn room(model: &Model, needs: &Needs) -> u64 {
    if model.max_output_tokens < model.context_tokens {
        return model.max_output_tokens;
    }
    model.context_tokens.saturating_sub(needs.input_estimate).max(MIN_OUTPUT_TOKENS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::{Image, ImageSource, Sampling};
    use crate::domain::price::Price;

    fn model(capabilities: Capabilities) -> Model {
        Model {
            provider: "p".into(),
            code: "m".into(),
            price: Price::flat(1_000_000, 2_000_000, None),
            context_tokens: 1_000,
            max_output_tokens: 100,
            capabilities,
        }
    }

    fn request(text: &str) -> ChatRequest {
        ChatRequest {
            messages: vec![Message::User { parts: vec![Part::Text(text.into())] }],
            ..ChatRequest::default()
        }
    }

    #[test]
    fn what_a_request_needs_and_a_model_lacks_is_named() {
        let mut asked = request("look");
        let source = ImageSource::Url("https://a.example/b.png".into());
        asked.messages.push(Message::User { parts: vec![Part::Image(Image { source, detail: None })] });
        asked.sampling.n = Some(2);
        let needs = Needs::of(&asked, "Be kind.", true);
        let able = Capabilities::default().with(Capability::Images);
        assert_eq!(
            needs.lacking(Wire::Anthropic, Some(&model(able))),
            ["streaming", "several choices (n > 1)", "a context of about 1031 tokens (has 1000)"]
        );
        assert!(
            needs.lacking(Wire::OpenAi, None).is_empty(),
            "of an unknown model nothing is known to be missing"
        );
    }

    #[test]
    fn a_plan_shrinks_to_what_is_granted() {
        let asked = ChatRequest {
            sampling: Sampling { max_output_tokens: Some(500), n: Some(2), ..Sampling::default() },
            ..request("hi")
        };
        let needs = Needs::of(&asked, "", false);
        let model = model(Capabilities::UNKNOWN);
        let plan = Plan::new(&asked, &Params::default(), &needs, Some(&model));
        assert_eq!(plan.output_limit, Some(100), "the model's own limit");
        assert_eq!(plan.want.get(), needs.input_bound + 2 * 2 * 100);
        assert_eq!(plan.floor.get(), needs.input_bound + 2 * 2 * 16);
        let granted = Nanos::new(plan.want.get() - 2 * 2 * 60);
        assert_eq!(plan.affordable(Some(&model), granted), Some(40));
    }
}
