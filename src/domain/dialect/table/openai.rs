//! OpenAI's protocol: its models wherever they are served, and the servers that speak it.

use super::{Row, SAME, WORDS_64, row};
use crate::domain::dialect::knobs::{
    Alphabet, Back, Format, LimitField, Lowest, Naming, Prefill, Schema, SeedField, System, Taken, Thinking,
    Turns,
};
use crate::domain::dialect::patch::Traits;
use crate::domain::provider::Wire;

/// What sampling and scoring models that think refuse.
const PENALTIES: &[&str] = &["presence_penalty", "frequency_penalty"];
const SCORES: &[&str] =
    &["logprobs", "top_logprobs", "logit_bias", "presence_penalty", "frequency_penalty", "prediction"];
const BIAS: &[&str] = &["logit_bias", "presence_penalty", "frequency_penalty", "prediction"];
const O_SERIES: &[&str] = &["o1*", "o3*", "o4*", "*/o1*", "*/o3*", "*/o4*"];
const GPT_5: &[&str] = &["gpt-5*", "*/gpt-5*"];

const fn efforts(lowest: Lowest, highest: Highest) -> Option<Thinking> {
    let (xhigh, max) = match highest {
        Highest::High => (false, false),
        Highest::Xhigh => (true, false),
        Highest::Max => (true, true),
    };
    Some(Thinking::Effort { lowest, xhigh, max })
}

enum Highest {
    High,
    Xhigh,
    Max,
}

const fn openai(families: &'static [&'static str], models: &'static [&'static str], traits: Traits) -> Row {
    Row { families, models, ..row(Wire::OpenAi, traits) }
}

pub static ROWS: [Row; 42] = [
    // Models, whoever serves them.
    Row {
        without: SCORES,
        ..openai(
            &[],
            O_SERIES,
            Traits {
                limit_field: Some(LimitField::MaxCompletionTokens),
                temperature: Some(Taken::Never),
                top_p: Some(Taken::Never),
                stop: Some(false),
                parallel_tool_calls: Some(false),
                thinking: efforts(Lowest::Low, Highest::High),
                ..SAME
            },
        )
    },
    Row {
        below: (5, 1),
        without: SCORES,
        ..openai(
            &[],
            GPT_5,
            Traits {
                limit_field: Some(LimitField::MaxCompletionTokens),
                temperature: Some(Taken::Never),
                top_p: Some(Taken::Never),
                stop: Some(false),
                thinking: efforts(Lowest::Minimal, Highest::High),
                ..SAME
            },
        )
    },
    Row {
        from: (5, 1),
        without: BIAS,
        ..openai(
            &[],
            GPT_5,
            Traits {
                limit_field: Some(LimitField::MaxCompletionTokens),
                temperature: Some(Taken::WithoutReasoning),
                top_p: Some(Taken::WithoutReasoning),
                stop: Some(false),
                thinking: efforts(Lowest::None, Highest::High),
                ..SAME
            },
        )
    },
    Row {
        from: (5, 2),
        ..openai(&[], GPT_5, Traits { thinking: efforts(Lowest::None, Highest::Xhigh), ..SAME })
    },
    Row {
        from: (5, 6),
        ..openai(&[], GPT_5, Traits { thinking: efforts(Lowest::None, Highest::Max), ..SAME })
    },
    // By this protocol they think or have tools, and from 5.5 on they think unasked.
    Row {
        from: (5, 4),
        ..openai(&["openai", "azure"], GPT_5, Traits { thinking_with_tools: Some(false), ..SAME })
    },
    // They always think.
    openai(
        &[],
        &["*gpt-5*-pro*", "*gpt-5*-codex*"],
        Traits { temperature: Some(Taken::Never), top_p: Some(Taken::Never), ..SAME },
    ),
    // They never think.
    openai(
        &[],
        &["*gpt-5*-chat*"],
        Traits {
            temperature: Some(Taken::Always),
            top_p: Some(Taken::Always),
            stop: Some(true),
            thinking: Some(Thinking::Absent),
            ..SAME
        },
    ),
    // Their templates take one system message, first.
    openai(&[], &["*qwen3*"], Traits { system: Some(System::One), ..SAME }),
    openai(&[], &["*gpt-oss*"], Traits { thinking: efforts(Lowest::Low, Highest::High), ..SAME }),
    // Servers.
    openai(
        &["openai", "azure"],
        &[],
        Traits {
            limit_field: Some(LimitField::MaxCompletionTokens),
            strict_open_maps: Some(false),
            schema: Some(Schema::PlainTop),
            file_data: Some(true),
            file_id: Some(true),
            ..SAME
        },
    ),
    openai(&["openai", "azure"], &["gpt*audio*"], Traits { audio: Some(true), ..SAME }),
    openai(
        &["openrouter"],
        &[],
        Traits {
            several_choices: Some(false),
            reasoning_back: Some(Back::ReasoningDetails),
            file_data: Some(true),
            file_url: Some(true),
            audio: Some(true),
            cache_points: Some(true),
            ..SAME
        },
    ),
    openai(
        &["openrouter"],
        &["openai/*"],
        Traits { strict_open_maps: Some(false), schema: Some(Schema::PlainTop), ..SAME },
    ),
    Row { from: (2, 5), without: PENALTIES, ..openai(&["openrouter"], &["google/gemini*"], SAME) },
    openai(&["openrouter"], &["*claude*"], Traits { call_ids: Some(WORDS_64), ..SAME }),
    Row {
        from: (4, 6),
        ..openai(&["openrouter"], &["*claude*"], Traits { prefill: Some(Prefill::Refused), ..SAME })
    },
    openai(&["google-openai"], &[], Traits { signed_calls: Some(true), ..SAME }),
    // What serves open weights renders a chat template, and many of those take one system message, first, and the
    // user after it.
    openai(
        &["vllm"],
        &[],
        Traits {
            system: Some(System::One),
            turns: Some(Turns::Alternating),
            user_first: Some(true),
            reasoning_back: Some(Back::ReasoningContent),
            audio: Some(true),
            ..SAME
        },
    ),
    openai(
        &["vllm"],
        &["*mistral*", "*magistral*", "*ministral*", "*devstral*"],
        Traits {
            call_ids: Some(Naming::new(Alphabet::Alphanumeric, 9, 9)),
            user_after_results: Some(false),
            ..SAME
        },
    ),
    openai(
        &["ollama"],
        &[],
        Traits {
            image_url: Some(false),
            several_choices: Some(false),
            user: Some(false),
            reasoning_back: Some(Back::Reasoning),
            ..SAME
        },
    ),
    openai(
        &["mistral"],
        &[],
        Traits {
            // Instructions stand before the answers, and nobody but the model speaks after a tool.
            system: Some(System::One),
            user_after_results: Some(false),
            seed_field: Some(SeedField::RandomSeed),
            user: Some(false),
            prefill: Some(Prefill::Prefix),
            call_ids: Some(Naming::new(Alphabet::Alphanumeric, 9, 9)),
            reasoning_back: Some(Back::ThinkingPart),
            stream_usage: Some(false),
            ..SAME
        },
    ),
    openai(
        &["deepseek"],
        &[],
        Traits {
            several_choices: Some(false),
            user: Some(false),
            thinking: efforts(Lowest::Low, Highest::Max),
            reasoning_back: Some(Back::ReasoningContentAlways),
            response_format: Some(Format::JsonObject),
            ..SAME
        },
    ),
    Row { without: &["logprobs", "top_logprobs"], ..openai(&["deepseek"], &["*reasoner*"], SAME) },
    // They think, and refuse a forced tool then.
    openai(&["deepseek"], &["*reasoner*", "*v4*"], Traits { forced_tools: Some(false), ..SAME }),
    openai(
        &["moonshot"],
        &[],
        Traits {
            max_temperature: Some(1.0),
            user: Some(false),
            reasoning_back: Some(Back::ReasoningContentAlways),
            ..SAME
        },
    ),
    // They take no value but their own default.
    openai(
        &["moonshot"],
        &["kimi-k2.*", "kimi-k3*", "kimi*thinking*"],
        Traits {
            temperature: Some(Taken::Never),
            top_p: Some(Taken::Never),
            several_choices: Some(false),
            forced_tools: Some(false),
            ..SAME
        },
    ),
    openai(
        &["groq"],
        &[],
        Traits {
            limit_field: Some(LimitField::MaxCompletionTokens),
            several_choices: Some(false),
            reasoning_back: Some(Back::Reasoning),
            format_with_tools: Some(false),
            ..SAME
        },
    ),
    // Its words for it are `none` and `default`, which is what it does unasked.
    openai(&["groq"], &["*qwen3*"], Traits { thinking: Some(Thinking::Absent), ..SAME }),
    openai(&["xai"], &[], Traits { limit_field: Some(LimitField::MaxCompletionTokens), ..SAME }),
    Row {
        without: PENALTIES,
        ..openai(
            &["xai"],
            &["grok-3-mini*", "grok-4*", "grok-code*", "grok-latest"],
            Traits { stop: Some(false), thinking: Some(Thinking::Absent), ..SAME },
        )
    },
    openai(&["xai"], &["*non-reasoning*"], Traits { stop: Some(true), ..SAME }),
    openai(&["xai"], &["grok-3-mini*"], Traits { thinking: efforts(Lowest::Low, Highest::High), ..SAME }),
    openai(
        &["xai"],
        &["grok-4.3*", "grok-latest"],
        Traits { thinking: efforts(Lowest::None, Highest::High), ..SAME },
    ),
    openai(&["together"], &[], Traits { reasoning_back: Some(Back::Reasoning), ..SAME }),
    openai(&["fireworks"], &[], Traits { reasoning_back: Some(Back::ReasoningContent), ..SAME }),
    openai(
        &["cerebras"],
        &[],
        Traits {
            limit_field: Some(LimitField::MaxCompletionTokens),
            several_choices: Some(false),
            reasoning_back: Some(Back::Reasoning),
            ..SAME
        },
    ),
    openai(&["cohere"], &[], Traits { several_choices: Some(false), ..SAME }),
    openai(
        &["deepinfra", "nvidia", "nebius", "huggingface"],
        &[],
        Traits { reasoning_back: Some(Back::ReasoningContent), ..SAME },
    ),
    openai(
        &["sambanova"],
        &[],
        Traits { several_choices: Some(false), reasoning_back: Some(Back::Reasoning), ..SAME },
    ),
    openai(
        &["perplexity"],
        &[],
        Traits {
            system: Some(System::One),
            turns: Some(Turns::Alternating),
            user_first: Some(true),
            several_choices: Some(false),
            ..SAME
        },
    ),
    openai(&["other"], &[], Traits { reasoning_back: Some(Back::ReasoningContent), ..SAME }),
];
