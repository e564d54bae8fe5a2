//! A dialect, and what differs from one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::knobs::{
    Alphabet, Back, CallIds, Format, LimitField, Lowest, Naming, Prefill, Schema, SeedField, System, Taken,
    Thinking, Turns,
};
use crate::domain::extra;
use crate::domain::field_error::FieldErrors;
use crate::domain::provider::Wire;

/// The fields that codecs write, and those that change what a request costs: no extra is sent under their names.
const WRITTEN: [&str; 48] = [
    "audio",
    "best_of",
    "candidateCount",
    "contents",
    "function_call",
    "functions",
    "generationConfig",
    "input",
    "instructions",
    "maxOutputTokens",
    "max_completion_tokens",
    "max_new_tokens",
    "max_output_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "models",
    "n",
    "output_config",
    "parallel_tool_calls",
    "plugins",
    "prompt",
    "provider",
    "reasoning",
    "reasoning_effort",
    "responseSchema",
    "response_format",
    "response_schema",
    "seed",
    "stop",
    "stopSequences",
    "stop_sequences",
    "stream",
    "stream_options",
    "system",
    "systemInstruction",
    "temperature",
    "thinking",
    "thinkingConfig",
    "toolConfig",
    "tool_choice",
    "tools",
    "topP",
    "top_p",
    "user",
    "web_search_options",
];

macro_rules! dialect {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $default:expr;)*) => {
        /// What one server takes for one model.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Dialect {
            pub wire: Wire,
            $($(#[$doc])* pub $name: $kind,)*
            /// What the server calls each extra of [`extra::TABLE`]; `None`: it is not taken.
            pub extras: Vec<Option<Cow<'static, str>>>,
        }

        /// What a row of the table says; `None`: what the rows before say.
        #[derive(Clone, Copy, Debug, Default)]
        pub(super) struct Traits {
            $(pub $name: Option<$kind>,)*
        }

        impl Traits {
            pub const SAME: Self = Self { $($name: None,)* };
        }

        /// What an account says of its own server: the fields that differ from what the table says.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
        #[serde(default, deny_unknown_fields)]
        #[schema(as = Dialect)]
        pub struct Patch {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<$kind>,)*
            /// What the server calls an extra; an empty name: it is not taken.
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            pub extras: BTreeMap<String, String>,
            /// What differs for models of a pattern; the later wins.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub models: Vec<ModelPatch>,
        }

        impl Dialect {
            pub(super) fn new(wire: Wire) -> Self {
                Self { wire, $($name: $default,)* extras: Vec::new() }
            }

            pub(super) fn lay(&mut self, traits: &Traits) {
                $(if let Some(value) = traits.$name { self.$name = value; })*
            }

            pub(super) fn lay_own(&mut self, patch: &Patch) {
                self.lay(&Traits { $($name: patch.$name,)* });
                for (name, there) in &patch.extras {
                    if let Some(taken) = extra::Extra::find(name).and_then(|place| self.extras.get_mut(place)) {
                        *taken = (!there.is_empty()).then(|| Cow::Owned(there.clone()));
                    }
                }
            }
        }
    };
}

dialect! {
    /// The field of the answer's limit, on the OpenAI wire.
    limit_field: LimitField = LimitField::MaxTokens;
    /// A limit must be sent.
    limit_required: bool = false;
    temperature: Taken = Taken::Always;
    /// A higher temperature is sent as this one.
    max_temperature: f64 = 2.0;
    top_p: Taken = Taken::Always;
    /// `temperature` and `top_p` may be sent together; otherwise temperature wins.
    temperature_with_top_p: bool = true;
    stop: bool = true;
    seed_field: SeedField = SeedField::Seed;
    /// More than one choice.
    several_choices: bool = true;
    /// The client's name for its end user.
    user: bool = true;
    system: System = System::Many;
    turns: Turns = Turns::Any;
    /// The first message after the instructions must be the user's.
    user_first: bool = false;
    /// A user's message may follow a tool's result; otherwise a word of the assistant's stands between them.
    user_after_results: bool = true;
    prefill: Prefill = Prefill::Taken;
    /// OpenAI's models take no more than 40, and gateways pass calls on to them.
    call_ids: Naming = Naming::new(Alphabet::Any, 1, 40);
    call_ids_sent: CallIds = CallIds::All;
    tool_names: Naming = Naming::new(Alphabet::Words, 1, 64);
    /// Names of properties in the schemas of tools.
    property_keys: Naming = Naming::new(Alphabet::Any, 1, 512);
    /// A call that another model made must have a signature, if only a made-up one.
    signed_calls: bool = false;
    thinking: Thinking = Thinking::Effort { lowest: Lowest::Both, xhigh: true, max: true };
    /// It may think and have tools; otherwise it thinks only where there are none.
    thinking_with_tools: bool = true;
    reasoning_back: Back = Back::Nowhere;
    /// `tool_choice` may force a tool; otherwise it is asked for in words.
    forced_tools: bool = true;
    parallel_tool_calls: bool = true;
    strict_tools: bool = true;
    /// A strict schema may have objects of any members; otherwise it is sent without `strict`.
    strict_open_maps: bool = true;
    /// Images may stand in a tool's result; otherwise they follow it in a user's message.
    images_in_results: bool = false;
    schema: Schema = Schema::Any;
    response_format: Format = Format::JsonSchema;
    /// A response format may go together with tools; otherwise it is asked for in words.
    format_with_tools: bool = true;
    /// A response format may be asked of a stream; otherwise it is asked for in words.
    format_with_stream: bool = true;
    /// `stream_options.include_usage`; where it is not taken usage comes unasked.
    stream_usage: bool = true;
    /// Images by their URL, which the server fetches.
    image_url: bool = true;
    /// What an image's URL leads to may be something else, such as a PDF file or a film.
    image_url_to_any: bool = false;
    /// Files by their bytes.
    file_data: bool = false;
    /// Files by their URL.
    file_url: bool = false;
    /// Files by the server's own identifier.
    file_id: bool = false;
    audio: bool = false;
    /// `cache_control` marks what is worth caching.
    cache_points: bool = false;
}

/// What differs for some of a provider's models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModelDialect)]
pub struct ModelPatch {
    /// A pattern of model codes, in which `*` stands for anything.
    pub model: String,
    #[schema(no_recursion)]
    pub dialect: Patch,
}

impl Patch {
    const MAX_MODELS: usize = 32;
    const MAX_PATTERN_LEN: usize = 100;
    const MAX_NAME_LEN: usize = 64;

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Notes what is wrong with a patch that an account wrote; `at` is its field.
    pub fn check(&self, at: &str, errors: &mut FieldErrors) {
        self.check_values(at, errors);
        if self.models.len() > Self::MAX_MODELS {
            errors.add(&format!("{at}.models"), format!("has at most {} patterns", Self::MAX_MODELS));
        }
        for (number, of_model) in self.models.iter().take(Self::MAX_MODELS).enumerate() {
            let at = format!("{at}.models[{number}]");
            if of_model.model.is_empty() || of_model.model.len() > Self::MAX_PATTERN_LEN {
                errors.add(
                    &format!("{at}.model"),
                    format!("is a pattern of 1 to {} characters, such as `glm-*`", Self::MAX_PATTERN_LEN),
                );
            }
            if !of_model.dialect.models.is_empty() {
                errors.add(&format!("{at}.dialect.models"), "patterns do not stand in patterns");
            }
            of_model.dialect.check_values(&format!("{at}.dialect"), errors);
        }
    }

    fn check_values(&self, at: &str, errors: &mut FieldErrors) {
        for (field, naming) in [
            ("call_ids", self.call_ids),
            ("tool_names", self.tool_names),
            ("property_keys", self.property_keys),
        ] {
            let Some(Naming { alphabet, min, max }) = naming else { continue };
            let short = if alphabet == Alphabet::Identifier { 13 } else { min };
            if !Naming::LENGTHS.contains(&min) || !Naming::LENGTHS.contains(&max) || max < min.max(short) {
                errors.add(
                    &format!("{at}.{field}"),
                    "`min` and `max` lie between 1 and 512, and `max` is not less",
                );
            }
        }
        if self.max_temperature.is_some_and(|most| !(0.0..=2.0).contains(&most)) {
            errors.add(&format!("{at}.max_temperature"), "must lie between 0 and 2");
        }
        for (name, there) in &self.extras {
            let shown: String = name.chars().take(Self::MAX_NAME_LEN).collect();
            let field = format!("{at}.extras.{shown}");
            match extra::Extra::find(name).map(|place| &extra::TABLE[place]) {
                Some(extra) if !extra.is_taken_anywhere() && !there.is_empty() => {
                    errors.add(
                        &field,
                        "is billed beyond tokens, which no budget could hold: it is not passed on",
                    );
                }
                Some(_) => {}
                None => {
                    let known: Vec<_> = extra::TABLE.iter().map(|extra| extra.name).collect();
                    errors.add(&field, format!("is not an extra; there are {}", known.join(", ")));
                }
            }
            if there.len() > Self::MAX_NAME_LEN
                || !there.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            {
                errors
                    .add(&field, "the name there has letters, digits and `_`; an empty one: it is not taken");
            }
            // A caller's value must not take the place of what was counted, held and written by us.
            let is_anothers = extra::TABLE.iter().any(|extra| extra.name == there && extra.name != name);
            if WRITTEN.contains(&there.as_str()) || is_anothers {
                errors.add(
                    &field,
                    format!("`{there}` is another field of the request: an extra cannot have its name"),
                );
            }
            let twice = self.extras.iter().any(|(other, taken)| other < name && taken == there);
            if !there.is_empty() && twice {
                errors.add(&field, format!("another extra has the name `{there}` already"));
            }
        }
    }
}
