use super::*;
use crate::domain::message::{CachePoint, CacheTtl, Sampling};
use crate::domain::provider::Wire;

fn model(capabilities: Capabilities) -> Model {
    Model {
        provider: "p".into(),
        code: "m".into(),
        price: Price::flat(1_000_000, 2_000_000, None),
        context_tokens: 1_000,
        max_output_tokens: 100,
        capabilities,
        is_retired: false,
    }
}

fn request(text: &str) -> ChatRequest {
    ChatRequest {
        messages: vec![Message::User { name: None, parts: vec![Part::Text(text.into())] }],
        ..ChatRequest::default()
    }
}

#[test]
fn what_a_request_needs_and_a_model_lacks_is_named() {
    let mut asked = request("look");
    let source = ImageSource::Url("https://a.example.com/b.png".into());
    asked
        .messages
        .push(Message::User { name: None, parts: vec![Part::Image(Image { source, detail: None })] });
    asked.sampling.n = Some(2);
    let needs = Needs::of(&asked, "Be kind.", true);
    let able = Capabilities::default().with(Capability::Images);
    assert_eq!(
        needs.lacking(&Dialect::plain(Wire::Anthropic), Some(&model(able))),
        ["streaming", "several choices (n > 1)"]
    );
    assert!(
        needs.lacking(&Dialect::plain(Wire::OpenAi), None).is_empty(),
        "of an unknown model nothing is known to be missing"
    );
}

#[test]
fn what_is_kept_for_an_hour_is_held_at_its_price() {
    let hour = Part::CachePoint(CachePoint { ttl: Some(CacheTtl::OneHour) });
    let mut asked = request("hi");
    let mut model = model(Capabilities::UNKNOWN);
    model.price.base.cache_write = Some(1_250_000);
    let held = |asked: &ChatRequest| {
        let needs = Needs::of(asked, "", false);
        let plan = Plan::new(asked, &Params::default(), &needs, &Dialect::plain(Wire::OpenAi), Some(&model));
        (needs.input_bound, plan.want.get() - 2 * 100)
    };
    let (bound, want) = held(&asked);
    assert_eq!(want, (bound * 1_250).div_ceil(1_000));
    asked.messages.push(Message::User { name: None, parts: vec![Part::Text("x".into()), hour] });
    let (bound, want) = held(&asked);
    assert_eq!(want, bound * 2);
}

#[test]
fn what_is_opaque_is_held_at_the_context_of_the_model() {
    let source = FileSource::Data("A".repeat(4_000));
    let file = File { source, name: None, media_type: Some("application/pdf".into()) };
    let mut asked = request("hi");
    let plain = Needs::of(&asked, "", false).input_bound;
    asked
        .messages
        .push(Message::User { name: None, parts: vec![Part::File(file.clone()), Part::File(file)] });
    let needs = Needs::of(&asked, "", false);
    let of_a_message = 16;
    assert_eq!(
        needs.input_bound_at(&Dialect::plain(Wire::OpenAi), Some(&model(Capabilities::UNKNOWN))),
        plain + of_a_message + 1_000
    );
    assert_eq!(needs.input_bound_at(&Dialect::plain(Wire::OpenAi), None), needs.input_bound);
    assert!(needs.input_bound > 2_000_000);
}

#[test]
fn an_image_by_url_may_be_anything_to_gemini() {
    let at = |url: &str| {
        let image = Image { source: ImageSource::Url(url.into()), detail: None };
        let asked = ChatRequest {
            messages: vec![Message::User { name: None, parts: vec![Part::Image(image)] }],
            ..ChatRequest::default()
        };
        Needs::of(&asked, "", false)
    };
    let huge = Model { context_tokens: 1_000_000, ..model(Capabilities::UNKNOWN) };
    let bound = |needs: &Needs, wire| {
        needs.input_bound_at(
            &Dialect { image_url_to_any: wire == Wire::Gemini, ..Dialect::plain(wire) },
            Some(&huge),
        )
    };
    for (url, is_film) in [
        ("https://a.example.com/b.png", false),
        ("https://a.example.com/b.JPG?x=y.pdf", false),
        ("https://a.example.com/b.pdf", true),
        ("https://a.example.com/b", true),
        ("https://www.YouTube.com/watch.png?v=x", true),
        ("https://youtu.be:443/x.png", true),
    ] {
        let needs = at(url);
        assert!(bound(&needs, Wire::OpenAi) < 60_000, "{url}");
        assert_eq!(bound(&needs, Wire::Gemini) > 1_000_000, is_film, "{url}");
    }
    let uploaded = at("https://GenerativeLanguage.googleapis.com:443/v1beta/files/abc");
    assert!(uploaded.protocol.file_id, "an identifier by another name");
    assert!(!at("https://a.example.com/b.png").protocol.file_id);
}

#[test]
fn what_is_predicted_is_held_as_output() {
    let mut asked = request("hi");
    let model = model(Capabilities::UNKNOWN);
    let held = |asked: &ChatRequest| {
        let needs = Needs::of(asked, "", false);
        let plan = Plan::new(asked, &Params::default(), &needs, &Dialect::plain(Wire::OpenAi), Some(&model));
        (needs.input_bound, plan)
    };
    let (plain, _) = held(&asked);
    let text = r#"{"type":"content","content":"abc"}"#;
    let place = extra::Extra::find("prediction").unwrap();
    assert!(asked.extras.put(place, serde_json::from_str(text).unwrap()).is_ok());
    let (bound, plan) = held(&asked);
    let bytes = text.len() as u64;
    assert_eq!(bound, plain + bytes);
    assert_eq!(plan.want.get(), bound + 2 * (100 + bytes));
    let granted = Nanos::new(plan.want.get() - 2 * 60);
    assert_eq!(plan.affordable(Some(&model), granted), Some(40));
}

#[test]
fn a_plan_shrinks_to_what_is_granted() {
    let asked = ChatRequest {
        sampling: Sampling { max_output_tokens: Some(500), n: Some(2), ..Sampling::default() },
        ..request("hi")
    };
    let needs = Needs::of(&asked, "", false);
    let model = model(Capabilities::UNKNOWN);
    let plan = Plan::new(&asked, &Params::default(), &needs, &Dialect::plain(Wire::OpenAi), Some(&model));
    assert_eq!(plan.output_limit, Some(100), "the model's own limit");
    assert_eq!(plan.want.get(), needs.input_bound + 2 * 2 * 100);
    assert_eq!(plan.floor.get(), needs.input_bound + 2 * 2 * 16);
    let granted = Nanos::new(plan.want.get() - 2 * 2 * 60);
    assert_eq!(plan.affordable(Some(&model), granted), Some(40));
}
