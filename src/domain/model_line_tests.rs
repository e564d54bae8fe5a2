use proptest::prelude::*;

use super::*;

fn entries(line: &str) -> Vec<Entry> {
    ModelLine::parse(line).unwrap().expand(|_| None).unwrap()
}

fn fails(line: &str, at: usize, part: &str) {
    let error = ModelLine::parse(line).unwrap_err();
    assert_eq!(error.at, at, "{line}: {error}");
    assert!(error.message.contains(part), "{line}: {error}");
}

#[test]
fn a_line_is_read_in_order_with_its_parameters() {
    let line = "openai:gpt-4.1-mini?temperature=0.2&timeout=1.5, workers-ai:@cf/meta/llama-3.1-8b, openrouter:meta/llama:free";
    let read = entries(line);
    assert_eq!(read.len(), 3);
    assert_eq!((read[0].params.temperature, read[0].params.timeout_ms), (Some(0.2), Some(1_500)));
    assert_eq!((read[1].provider.as_str(), read[1].code.as_str()), ("workers-ai", "@cf/meta/llama-3.1-8b"));
    assert_eq!(read[2].code, "meta/llama:free", "only the first colon splits");
}

#[test]
fn an_error_points_at_the_character() {
    fails("", 1, "missing");
    fails("openai:gpt-4,", 14, "missing");
    fails("openai:gpt-4, anthropic:", 25, "code is missing");
    fails("Öpenai:x", 1, "provider's name");
    fails("opénai:x", 3, "`é`");
    fails("openai:gpt 4", 11, "` `");
    fails("openai:x?temprature=1", 10, "unknown parameter `temprature`; known are temperature");
    fails("openai:x?temperature=3", 22, "from 0 to 2");
    fails("openai:x?temperature=NaN", 22, "from 0 to 2");
    fails("openai:x?max_tokens=-1", 21, "whole number");
    fails("openai:x?seed", 10, "name=value");
    fails("openai:x?seed=1&seed=2", 17, "twice");
    fails("fast?seed=1", 6, "alias takes no parameters");
    fails(&"a,".repeat(17), 35, "missing");
    fails(&"x".repeat(2_001), 2_001, "at most 2000");
}

#[test]
fn aliases_stand_for_lines_of_models() {
    let lookup = |name: &str| match name {
        "fast" => Some("openai:a, openai:b".to_owned()),
        "loop" => Some("fast".to_owned()),
        _ => None,
    };
    let expand = |line: &str| ModelLine::parse(line).unwrap().expand(lookup);
    let codes: Vec<_> = expand("fast, openai:c").unwrap().into_iter().map(|e| e.code).collect();
    assert_eq!(codes, ["a", "b", "c"]);
    assert_eq!(expand("openai:c, slow").unwrap_err().at, 11);
    assert!(expand("loop").unwrap_err().message.contains("stands for models only"));
}

#[test]
fn the_request_wins_over_the_line_but_never_raises_its_output_limit() {
    let params = Params { temperature: Some(0.1), max_tokens: Some(100), ..Params::default() };
    let mut sampling =
        Sampling { temperature: Some(0.9), max_output_tokens: Some(500), ..Sampling::default() };
    params.fill(&mut sampling);
    assert_eq!((sampling.temperature, sampling.max_output_tokens), (Some(0.9), Some(100)));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(line in "\\PC{0,80}") {
        if let Err(error) = ModelLine::parse(&line) {
            prop_assert!(error.at >= 1 && error.at <= line.chars().count() + 1);
        }
    }
}
