//! Which models a request can go to, and what each may cost.

use super::bound;
use super::dialect::{Dialect, Prefill, Schema};
use super::extra;
use super::message::{
    AssistantPart, ChatRequest, File, FileSource, Image, ImageSource, Message, Part, ResponseFormat,
};
use super::model::{Capabilities, Capability, Model};
use super::model_line::Params;
use super::money::Nanos;
use super::price::Price;
use super::provider;

/// An answer shorter than this is not worth a call: the output limit is never shrunk below it.
const MIN_OUTPUT_TOKENS: u64 = 16;

/// What a budget's own limit leaves to an answer at least.
const LEAST_ROOM: u64 = 1_024;

/// What a request needs of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    pub capabilities: Capabilities,
    /// What the server's protocol must have a place for.
    pub protocol: Protocol,
    /// Places in [`extra::TABLE`] of extras that must not be left out.
    pub extras: u64,
    /// It has a provider's cache keep something for an hour.
    pub hour_cache: bool,
    /// It may have the model hear something: a file may be of sound.
    pub sound: bool,
    /// A strict upper bound of the prompt's tokens, instructions included.
    pub input_bound: u64,
    /// As much of it as only a model's context bounds.
    pub opaque_bound: u64,
    /// What comes on top of both where an image's URL may lead to anything.
    pub fetched_bound: u64,
    /// What comes on top where references in schemas are expanded.
    pub copied_bound: u64,
    /// What may be billed as output beside the answers.
    pub predicted_bound: u64,
    /// What the prompt's tokens are likely to be: a guess, by which nothing is refused.
    pub input_estimate: u64,
}

/// What a request needs of a server's protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protocol {
    /// More than one choice.
    pub choices: bool,
    pub image_url: bool,
    pub file_data: bool,
    pub file_url: bool,
    pub file_id: bool,
    pub audio: bool,
    /// The last message is the assistant's, to be continued.
    pub prefill: bool,
}

impl Protocol {
    fn of(request: &ChatRequest) -> Self {
        let has = |fits: fn(&Part) -> bool| request.messages.iter().flat_map(Message::given).any(fits);
        let last = request.messages.iter().rev().find(|message| !matches!(message, Message::System { .. }));
        let is_begun = |parts: &[AssistantPart]| {
            AssistantPart::text_of(parts).is_some_and(|text| !text.trim().is_empty())
        };
        Self {
            choices: request.sampling.n.is_some_and(|n| n > 1),
            image_url: has(|part| matches!(part, Part::Image(Image { source: ImageSource::Url(_), .. }))),
            file_data: has(|part| matches!(part, Part::File(File { source: FileSource::Data(_), .. }))),
            file_url: has(|part| matches!(part, Part::File(File { source: FileSource::Url(_), .. }))),
            file_id: has(is_identified),
            audio: has(|part| matches!(part, Part::Audio(_))),
            prefill: matches!(last, Some(Message::Assistant { parts }) if is_begun(parts)),
        }
    }

    /// What this server has no place for, in words.
    fn lacking(self, dialect: &Dialect) -> impl Iterator<Item = &'static str> {
        let lacking = [
            (self.choices && !dialect.several_choices, "several choices (n > 1)"),
            (self.image_url && !dialect.image_url, "images by URL (send a data: URL)"),
            (self.file_data && !dialect.file_data, "files by their bytes"),
            (self.file_url && !dialect.file_url, "files by URL"),
            (self.file_id && !dialect.file_id, "files by file_id"),
            (self.audio && !dialect.audio, "audio"),
            (
                self.prefill && dialect.prefill == Prefill::Refused,
                "an answer begun for it (a last message of role assistant)",
            ),
        ];
        lacking.into_iter().filter(|(is_lacking, _)| *is_lacking).map(|(_, words)| words)
    }
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
        let has_schema = matches!(request.response_format, ResponseFormat::JsonSchema { .. });
        need(has_schema && !request.is_checked, Capability::JsonSchema);
        need(stream, Capability::Streaming);
        let input_bound = bound::input_tokens(request, instructions);
        Self {
            capabilities,
            protocol: Protocol::of(request),
            extras: request.extras.refusable(),
            hour_cache: request.caches_for_an_hour(),
            sound: request.messages.iter().flat_map(Message::given).any(is_heard),
            input_bound,
            opaque_bound: bound::opaque_tokens(request),
            fetched_bound: bound::fetched_tokens(request),
            copied_bound: bound::copied_tokens(request),
            predicted_bound: bound::predicted_tokens(request),
            input_estimate: bound::likely_input_tokens(request, instructions, input_bound),
        }
    }

    /// Of a request that has no answer but what it is itself, such as a vector: at most so many tokens.
    pub fn of_input(input_bound: u64) -> Self {
        Self {
            capabilities: Capabilities::default(),
            protocol: Protocol::default(),
            extras: 0,
            hour_cache: false,
            sound: false,
            input_bound,
            opaque_bound: 0,
            fetched_bound: 0,
            copied_bound: 0,
            predicted_bound: 0,
            input_estimate: input_bound,
        }
    }

    /// The bound at this entry's model, which reads no more of what is opaque than its context.
    pub fn input_bound_at(&self, dialect: &Dialect, model: Option<&Model>) -> u64 {
        let fetched = if dialect.image_url_to_any { self.fetched_bound } else { 0 };
        let opaque = self.opaque_bound.saturating_add(fetched);
        let beyond = model.map_or(0, |model| opaque.saturating_sub(model.context_tokens));
        let copied = if dialect.schema == Schema::LoneRefs { self.copied_bound } else { 0 };
        self.input_bound.saturating_add(fetched).saturating_add(copied).saturating_sub(beyond)
    }

    /// What this model lacks for the request, in words; empty when it will do.
    pub fn lacking(&self, dialect: &Dialect, model: Option<&Model>) -> Vec<String> {
        let known = model.map_or(Capabilities::UNKNOWN, |model| model.capabilities);
        let mut lacking: Vec<String> =
            known.missing(self.capabilities).map(|capability| capability.name().to_owned()).collect();
        lacking.extend(self.protocol.lacking(dialect).map(str::to_owned));
        lacking
    }

    /// Whether the prompt is likely to be more than this model reads: a guess, which only puts it behind others.
    pub fn is_likely_too_long(&self, model: Option<&Model>) -> bool {
        model.is_some_and(|model| self.input_estimate > model.context_tokens)
    }

    /// The extras that must not be left out and that this server does not take.
    pub fn refused_extras(&self, dialect: &Dialect) -> impl Iterator<Item = &'static str> + use<> {
        let refused = if self.extras == 0 { 0 } else { self.extras & !dialect.taken() };
        extra::TABLE
            .iter()
            .enumerate()
            .filter(move |(place, _)| refused >> place & 1 == 1)
            .map(|(_, e)| e.name)
    }
}

/// Whether a provider knows it by an identifier: also as an address of the provider's own.
fn is_identified(part: &Part) -> bool {
    match part {
        Part::File(File { source: FileSource::Id(_), .. }) => true,
        Part::File(File { source: FileSource::Url(url), .. })
        | Part::Image(Image { source: ImageSource::Url(url), .. }) => provider::is_of_api(url),
        _ => false,
    }
}

fn is_heard(part: &Part) -> bool {
    match part {
        Part::Audio(_) | Part::File(_) => true,
        Part::Image(image) => matches!(image.source, ImageSource::Url(_)),
        Part::Text(_) | Part::Json(_) | Part::CachePoint(_) => false,
    }
}

fn has_image(message: &Message) -> bool {
    message.given().iter().any(|part| matches!(part, Part::Image(_)))
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
    /// How many answers are asked for.
    pub choices: u64,
    input_bound: u64,
    predicted_bound: u64,
    hour_cache: bool,
    sound: bool,
}

impl Plan {
    /// For one entry of the line. A model without a price costs nothing that we know of.
    pub fn new(
        request: &ChatRequest,
        params: &Params,
        needs: &Needs,
        dialect: &Dialect,
        model: Option<&Model>,
    ) -> Self {
        let mut sampling = request.sampling.clone();
        params.fill(&mut sampling);
        let asked = sampling.max_output_tokens.map(u64::from);
        let choices = u64::from(sampling.n.unwrap_or(1).max(1));
        let input_bound = needs.input_bound_at(dialect, model);
        let plan = |want, floor, output_limit| Self {
            want,
            floor,
            output_limit,
            limit_asked: asked.is_some(),
            choices,
            input_bound,
            predicted_bound: needs.predicted_bound,
            hour_cache: needs.hour_cache,
            sound: needs.sound,
        };
        let Some(model) = model else { return plan(Nanos::ZERO, Nanos::ZERO, asked) };
        let limit = asked.unwrap_or_else(|| room(model, needs)).min(model.max_output_tokens).max(1);
        let price = priced(model, needs.hour_cache, needs.sound);
        let written = |output: u64| output.saturating_mul(choices).saturating_add(needs.predicted_bound);
        let ceiling = |output: u64| price.ceiling(input_bound, written(output));
        plan(ceiling(limit), ceiling(limit.min(MIN_OUTPUT_TOKENS)), Some(limit))
    }

    /// For a request whose prompt is all that costs.
    pub fn of_input(needs: &Needs, model: Option<&Model>) -> Self {
        let want = model.map_or(Nanos::ZERO, |model| model.price.ceiling(needs.input_bound, 0));
        Self {
            want,
            floor: want,
            output_limit: None,
            limit_asked: false,
            choices: 1,
            input_bound: needs.input_bound,
            predicted_bound: 0,
            hour_cache: false,
            sound: false,
        }
    }

    /// The output limit that a grant pays for.
    pub fn affordable(&self, model: Option<&Model>, granted: Nanos) -> Option<u64> {
        let limit = self.output_limit?;
        let Some(model) = model.filter(|_| granted < self.want) else { return Some(limit) };
        let price = priced(model, self.hour_cache, self.sound);
        let output = price.affordable_output(self.input_bound, granted).unwrap_or(0);
        Some(limit.min(output.saturating_sub(self.predicted_bound) / self.choices))
    }
}

fn priced(model: &Model, hour_cache: bool, sound: bool) -> Price {
    let price = if hour_cache { model.price.for_an_hour() } else { model.price };
    if sound { price.for_sound() } else { price }
}

/// The longest answer that a provider takes as a limit beside this prompt. Where the guess leaves next to nothing it is
/// not believed: an answer that is cut short is worse than a request that the provider refuses and is sent again.
fn room(model: &Model, needs: &Needs) -> u64 {
    let left = model.context_tokens.saturating_sub(needs.input_estimate);
    if left < LEAST_ROOM { model.max_output_tokens } else { left }
}

#[cfg(test)]
#[path = "routing_tests.rs"]
mod tests;
