//! Anthropic's protocol: generations of Claude, and other makers' models behind it.

use super::{NEWEST, Row, SAME, WORDS_64, row};
use crate::domain::dialect::knobs::{
    Alphabet, Back, Format, Naming, Prefill, Quiet, Schema, SeedField, Taken, Thinking, Turns,
};
use crate::domain::dialect::patch::Traits;
use crate::domain::dialect::version::Version;
use crate::domain::provider::Wire;

const fn claude(models: &'static [&'static str], below: Version, traits: Traits) -> Row {
    Row { models, below, ..row(Wire::Anthropic, traits) }
}

pub static ROWS: [Row; 13] = [
    // What all that speak the protocol understand.
    row(
        Wire::Anthropic,
        Traits {
            limit_required: Some(true),
            temperature: Some(Taken::WithoutReasoning),
            max_temperature: Some(1.0),
            top_p: Some(Taken::WithoutReasoning),
            seed_field: Some(SeedField::None),
            several_choices: Some(false),
            turns: Some(Turns::Alternating),
            call_ids: Some(WORDS_64),
            tool_names: Some(Naming::new(Alphabet::Words, 1, 128)),
            property_keys: Some(Naming::new(Alphabet::Dotted, 1, 64)),
            thinking: Some(Thinking::Budget),
            reasoning_back: Some(Back::Proof),
            strict_tools: Some(false),
            images_in_results: Some(true),
            schema: Some(Schema::PlainTop),
            response_format: Some(Format::Words),
            file_data: Some(true),
            file_url: Some(true),
            file_id: Some(true),
            cache_points: Some(true),
            ..SAME
        },
    ),
    claude(
        &["*claude*"],
        NEWEST,
        Traits {
            temperature: Some(Taken::Never),
            top_p: Some(Taken::Never),
            temperature_with_top_p: Some(false),
            prefill: Some(Prefill::Refused),
            thinking: Some(Thinking::Adaptive { quiet: Quiet::LowEffort, xhigh: true }),
            forced_tools: Some(false),
            strict_tools: Some(true),
            response_format: Some(Format::SchemaOnly),
            ..SAME
        },
    ),
    claude(
        &["*claude*sonnet*"],
        NEWEST,
        Traits { thinking: Some(Thinking::Adaptive { quiet: Quiet::BetweenTools, xhigh: true }), ..SAME },
    ),
    claude(
        &["*claude*"],
        (5, 1),
        Traits {
            thinking: Some(Thinking::Adaptive { quiet: Quiet::Disabled, xhigh: true }),
            forced_tools: Some(true),
            ..SAME
        },
    ),
    claude(
        &["*claude*haiku*"],
        NEWEST,
        Traits {
            thinking: Some(Thinking::Adaptive { quiet: Quiet::Disabled, xhigh: true }),
            forced_tools: Some(true),
            ..SAME
        },
    ),
    claude(
        &["*claude*fable*", "*claude*mythos*"],
        NEWEST,
        Traits { thinking: Some(Thinking::Adaptive { quiet: Quiet::LowEffort, xhigh: true }), ..SAME },
    ),
    claude(
        &["*claude*"],
        (5, 0),
        Traits { thinking: Some(Thinking::Adaptive { quiet: Quiet::Silence, xhigh: true }), ..SAME },
    ),
    claude(
        &["*claude*"],
        (4, 7),
        Traits {
            temperature: Some(Taken::WithoutReasoning),
            top_p: Some(Taken::WithoutReasoning),
            thinking: Some(Thinking::Adaptive { quiet: Quiet::Silence, xhigh: false }),
            ..SAME
        },
    ),
    claude(
        &["*claude*"],
        (4, 6),
        Traits { prefill: Some(Prefill::Taken), thinking: Some(Thinking::Budget), ..SAME },
    ),
    claude(
        &["*claude*"],
        (4, 5),
        Traits { strict_tools: Some(false), response_format: Some(Format::Words), ..SAME },
    ),
    claude(&["*claude*"], (3, 7), Traits { thinking: Some(Thinking::Absent), ..SAME }),
    // Servers of other makers that speak the protocol.
    claude(
        &["*kimi*", "*glm*", "*minimax*", "*deepseek*", "*qwen*"],
        NEWEST,
        Traits { file_id: Some(false), ..SAME },
    ),
    claude(&["*deepseek*"], NEWEST, Traits { file_data: Some(false), file_url: Some(false), ..SAME }),
];
