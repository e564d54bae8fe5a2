use super::*;

fn catalogue() -> Catalogue {
    let models = [
        ("openai", "gpt-4o"),
        ("openai", "gpt-4.1"),
        ("openai", "gpt-4.1-mini"),
        ("openai", "gpt-4.1-mini-2025-04-14"),
        ("anthropic", "claude-sonnet-4-5"),
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("anthropic", "claude-sonnet-5"),
        ("anthropic", "claude-haiku-4-5"),
        ("gemini", "gemini-2.5-pro"),
        ("groq", "openai/gpt-oss-120b"),
        ("workers-ai", "@cf/openai/gpt-oss-120b"),
        ("own", "shared"),
        ("other", "shared"),
    ];
    Catalogue::new(models.map(|(provider, code)| (provider.to_owned(), code.to_owned())))
}

fn model(text: &str) -> String {
    catalogue().model(text).map_or_else(|unknown| unknown.to_string(), |named| named.model)
}

#[test]
fn models_are_found_as_people_write_them() {
    for (text, expected) in [
        ("gpt-4.1-mini", "openai:gpt-4.1-mini"),
        ("gpt-4.1", "openai:gpt-4.1"),
        ("GPT-4.1", "openai:gpt-4.1"),
        ("openai/gpt-4o", "openai:gpt-4o"),
        ("OpenAI/GPT-4o", "openai:gpt-4o"),
        ("openai: gpt-4o", "openai:gpt-4o"),
        ("Claude Sonnet 4.5", "anthropic:claude-sonnet-4-5"),
        ("Claude Sonnet 4.5 (copilot)", "anthropic:claude-sonnet-4-5"),
        ("anthropic/claude-sonnet-4.5", "anthropic:claude-sonnet-4-5"),
        ("models/gemini-2.5-pro", "gemini:gemini-2.5-pro"),
        ("google_genai:gemini-2.5-pro", "gemini:gemini-2.5-pro"),
        ("google-gla:gemini-2.5-pro", "gemini:gemini-2.5-pro"),
        ("openai/gpt-oss-120b", "groq:openai/gpt-oss-120b"),
        ("@cf/openai/gpt-oss-120b", "workers-ai:@cf/openai/gpt-oss-120b"),
        ("sonnet", "anthropic:claude-sonnet-5"),
        ("haiku", "anthropic:claude-haiku-4-5"),
    ] {
        assert_eq!(
            catalogue().model(text).unwrap(),
            Named { model: expected.into(), sure: Sure::Listed },
            "{text}"
        );
    }
}

#[test]
fn a_provider_that_is_named_counts_without_the_catalogue() {
    for (text, expected) in [
        ("openai/gpt-3.5-turbo", "openai:gpt-3.5-turbo"),
        ("openrouter/anthropic/claude-3.5-sonnet", "openrouter:anthropic/claude-3.5-sonnet"),
        ("ollama/llama3.2:3b", "ollama:llama3.2:3b"),
        ("azure/gpt-4o", "azure:gpt-4o"),
        ("bedrock/anthropic.claude-3-haiku-20240307-v1:0", "bedrock:anthropic.claude-3-haiku-20240307-v1:0"),
        ("x-ai/grok-2", "xai:grok-2"),
    ] {
        assert_eq!(
            catalogue().model(text).unwrap(),
            Named { model: expected.into(), sure: Sure::Provider },
            "{text}"
        );
    }
    assert_eq!(
        catalogue().model("gpt-4").unwrap(),
        Named { model: "openai:gpt-4".into(), sure: Sure::Maker }
    );
}

#[test]
fn what_names_no_model_is_answered_with_the_nearest_lines() {
    let unknown = catalogue().model("claud-sonnet-4-5").unwrap_err();
    assert_eq!(unknown.nearest[0], "anthropic:claude-sonnet-4-5");
    assert!(unknown.to_string().starts_with("`claud-sonnet-4-5` is neither a model"), "{unknown}");
    assert!(unknown.to_string().contains("such as `anthropic:claude-sonnet-4-5`, "), "{unknown}");
    for text in ["meta-llama/Llama-3-8b", "", " ", "/", ":", "?", "my deployment", "客服", &"x".repeat(9_999)]
    {
        assert_eq!(catalogue().model(text).unwrap_err().nearest.len(), OFFERED, "{text:.20}");
    }
    assert_eq!(
        model("shared"),
        "`shared` is a model of several providers: write one of `own:shared`, `other:shared`"
    );
    assert_eq!(Catalogue::default().model("x").unwrap_err().nearest, Vec::<String>::new());
}

#[test]
fn a_line_keeps_what_is_written_its_aliases_and_its_parameters() {
    let line = |text: &str| catalogue().line(text, |name| name == "fast" || name == "gpt-4o.mini");
    for (text, expected) in [
        ("gpt-4o?temperature=0.2, openai/gpt-4.1", "openai:gpt-4o?temperature=0.2, openai:gpt-4.1"),
        ("fast, gpt-4o.mini,gpt-4o", "fast, gpt-4o.mini, openai:gpt-4o"),
        ("local:any ,gpt-4o", "local:any, openai:gpt-4o"),
    ] {
        assert_eq!(line(text).unwrap(), expected);
    }
    let long = "gpt-4o,".repeat(100_000);
    assert_eq!(line(&long).unwrap(), long, "its length is what is wrong with it");
    assert_eq!(line("fast, gpt-4.1-mnii").unwrap_err().nearest[0], "openai:gpt-4.1-mini");
    for text in ["fast,", "no provider:x", "fast?temperature=9"] {
        assert_eq!(
            line(text).unwrap(),
            text.replace(',', ", "),
            "what the line's own check refuses is left to it"
        );
    }
}

#[test]
fn names_of_providers_lead_to_names_of_ours() {
    for (other, own) in PROVIDERS {
        let name = provider_name(other).unwrap();
        assert_eq!(name.as_str(), own);
        assert!(name.well_known().is_some() || PROVIDERS.contains(&(own, own)) || own == "vllm", "{own}");
    }
    assert!(
        PROVIDERS.is_sorted()
            && MAKERS.iter().all(|(_, own)| provider_name(own).unwrap().well_known().is_some())
    );
}
