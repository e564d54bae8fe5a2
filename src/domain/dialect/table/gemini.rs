//! Google's protocol: generations of Gemini, and Gemma.

use super::{NEWEST, Row, SAME, row};
use crate::domain::dialect::knobs::{Alphabet, Back, CallIds, Naming, Schema, Taken, Thinking, Turns};
use crate::domain::dialect::patch::Traits;
use crate::domain::dialect::version::Version;
use crate::domain::provider::Wire;

const fn gemini(models: &'static [&'static str], below: Version, traits: Traits) -> Row {
    Row { models, below, ..row(Wire::Gemini, traits) }
}

/// No model takes them any more.
const PENALTIES: &[&str] = &["presence_penalty", "frequency_penalty"];

pub static ROWS: [Row; 10] = [
    // What every model takes, Gemma included.
    row(
        Wire::Gemini,
        Traits {
            user: Some(false),
            turns: Some(Turns::Alternating),
            user_first: Some(true),
            call_ids_sent: Some(CallIds::Issued),
            tool_names: Some(Naming::new(Alphabet::Identifier, 1, 64)),
            thinking: Some(Thinking::Absent),
            reasoning_back: Some(Back::Proof),
            parallel_tool_calls: Some(false),
            strict_tools: Some(false),
            schema: Some(Schema::LoneRefs),
            format_with_tools: Some(false),
            image_url_to_any: Some(true),
            file_data: Some(true),
            file_url: Some(true),
            file_id: Some(true),
            audio: Some(true),
            ..SAME
        },
    ),
    gemini(
        &["*gemini*"],
        NEWEST,
        Traits {
            temperature: Some(Taken::Never),
            top_p: Some(Taken::Never),
            call_ids_sent: Some(CallIds::All),
            signed_calls: Some(true),
            thinking: Some(Thinking::Level { minimal: false }),
            format_with_tools: Some(true),
            ..SAME
        },
    ),
    Row { from: (2, 5), without: PENALTIES, ..gemini(&["*gemini*"], NEWEST, SAME) },
    gemini(&["*gemini*"], (3, 7), Traits { thinking: Some(Thinking::Level { minimal: true }), ..SAME }),
    gemini(&["*gemini*pro*"], NEWEST, Traits { thinking: Some(Thinking::Level { minimal: false }), ..SAME }),
    gemini(
        &["*gemini*"],
        (3, 6),
        Traits { temperature: Some(Taken::Always), top_p: Some(Taken::Always), ..SAME },
    ),
    Row {
        from: (3, 5),
        ..gemini(
            &["*gemini*lite*"],
            (3, 6),
            Traits { temperature: Some(Taken::Never), top_p: Some(Taken::Never), ..SAME },
        )
    },
    gemini(
        &["*gemini*"],
        (3, 0),
        Traits {
            call_ids_sent: Some(CallIds::Issued),
            signed_calls: Some(false),
            thinking: Some(Thinking::BudgetTokens { least: 0 }),
            format_with_tools: Some(false),
            ..SAME
        },
    ),
    gemini(
        &["*gemini*pro*"],
        (3, 0),
        Traits { thinking: Some(Thinking::BudgetTokens { least: 128 }), ..SAME },
    ),
    gemini(&["*gemini*"], (2, 5), Traits { thinking: Some(Thinking::Absent), ..SAME }),
];
