use proptest::prelude::*;

use super::*;

fn url(text: &str) -> CheckedUrl {
    check(text, Loopback::Allowed).unwrap()
}

/// What a path must not change.
fn server(url: &CheckedUrl) -> (String, String, Option<String>, Option<u16>) {
    let url = &url.0;
    let credentials = format!("{}:{:?}", url.username(), url.password());
    (url.scheme().to_owned(), credentials, url.host_str().map(str::to_owned), url.port())
}

#[test]
fn a_path_is_appended_below_the_url() {
    for (base, path, whole) in [
        ("https://api.example.com", "/v1", "https://api.example.com/v1"),
        ("https://api.example.com/", "/v1", "https://api.example.com/v1"),
        ("https://api.example.com/v1//", "/messages", "https://api.example.com/v1/messages"),
        ("https://api.example.com:8443/v1", "/m?alt=sse&b=", "https://api.example.com:8443/v1/m?alt=sse&b="),
        ("https://[2606:4700::1111]:8443", "/a", "https://[2606:4700::1111]:8443/a"),
        ("https://8.8.8.8", "/models/x:go", "https://8.8.8.8/models/x:go"),
        ("https://api.example.com/v1", "/a%2F..%2Fb", "https://api.example.com/v1/a%2F..%2Fb"),
        ("https://api.example.com/v1", "/a/...", "https://api.example.com/v1/a/..."),
        (
            "https://api.example.com/v1",
            "/?next=https://b.example.com",
            "https://api.example.com/v1/?next=https://b.example.com",
        ),
        ("https://api.example.com", "//b.example/x", "https://api.example.com//b.example/x"),
        ("http://localhost:8080/v1", "/@b.example", "http://localhost:8080/v1/@b.example"),
    ] {
        assert_eq!(url(base).append(path).map(|url| url.as_str().to_owned()), Ok(whole.to_owned()), "{path}");
    }
}

#[test]
fn a_path_that_would_leave_or_be_rewritten_is_refused() {
    let paths = [
        "",
        "v1",
        "@evil.example/",
        ".evil.example/",
        ":8443/",
        ":password@evil.example/",
        "?q",
        "#top",
        "/a#top",
        "/..",
        "/../admin",
        "/a/../../admin",
        "/a/../b",
        "/./a",
        "/%2e%2e/admin",
        "/%2E./admin",
        "/.%2e",
        "\\evil.example",
        "/\\evil.example",
        "/a\\..\\b",
        "/a?b=\\c",
        "/a\n/../b",
        "/a\tb",
        "/a b",
        "/a ",
        "/ü",
        "/a\u{0}",
    ];
    for base in
        ["https://api.example.com", "https://api.example.com:8443/v1/", "https://[2606:4700::1111]/v1"]
    {
        for path in paths {
            assert_eq!(url(base).append(path), Err(Refusal::Path), "{base} {path:?}");
        }
    }
    assert_eq!(url("https://api.example.com/v1?a=b").append("/c"), Err(Refusal::Query));
    assert_eq!(url("https://api.example.com/v1?").append("/c"), Err(Refusal::Query));
}

#[test]
fn an_operators_url_may_lead_anywhere() {
    for (text, whole) in [
        ("https://api.example.com/v1", "https://api.example.com/v1"),
        (" http://10.0.0.1:8000/v1/\n", "http://10.0.0.1:8000/v1/"),
        ("http://llm", "http://llm/"),
        ("http://llm.internal.:80/", "http://llm.internal./"),
        ("http://[fd00::1]:9000", "http://[fd00::1]:9000/"),
        ("http://0x7f.1:11434/v1", "http://127.0.0.1:11434/v1"),
    ] {
        assert_eq!(CheckedUrl::of_operator(text).map(|url| url.as_str().to_owned()), Ok(whole.to_owned()));
    }
}

#[test]
fn an_operators_url_that_could_not_be_opened_is_refused() {
    for (text, why) in [
        ("", Refusal::NotAUrl),
        ("llm:8000/v1", Refusal::Scheme),
        ("api.example.com", Refusal::NotAUrl),
        ("https://", Refusal::NotAUrl),
        ("https://a b.example", Refusal::NotAUrl),
        ("https:\\\\a.example", Refusal::NotAUrl),
        ("https://[::1", Refusal::NotAUrl),
        ("https://Bücher.example", Refusal::NotAscii),
        ("https://a.example.com:99999", Refusal::NotAUrl),
        ("https://a.example.com:0", Refusal::Port),
        ("ftp://a.example.com", Refusal::Scheme),
        ("file:///etc/passwd", Refusal::Scheme),
        ("https://user:pass@a.example/v1", Refusal::Credentials),
        ("https://user@a.example/v1", Refusal::Credentials),
        ("https://a.example.com/v1#top", Refusal::Fragment),
        (&format!("https://a.example.com/{}", "x".repeat(MAX_LEN)), Refusal::TooLong),
    ] {
        assert_eq!(CheckedUrl::of_operator(text), Err(why), "{text:?}");
    }
}

#[test]
fn a_url_prints_without_its_query_and_without_credentials() {
    let checked = url("https://api.example.com:8443/v1/a%20b?key=secret");
    assert_eq!(checked.to_string(), "https://api.example.com:8443/v1/a%20b");
    assert_eq!(format!("{checked:?}"), "CheckedUrl(https://api.example.com:8443/v1/a%20b)");
    assert_eq!(url("https://api.example.com/?key=secret").to_string(), "https://api.example.com/");
    let forced = CheckedUrl(Url::parse("https://user:secret@[2606:4700::1111]/v1?a#b").unwrap());
    assert_eq!(forced.to_string(), "https://[2606:4700::1111]/v1");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_path_leads_to_another_server(pieces in prop::collection::vec(
        prop::sample::select(vec![
            "/", "//", "\\", "..", ".", "%2e", "%2f", "@", ":", "#", "?", "a", "evil.example", "443", "\t", "[::1]", "ü",
        ]),
        0..8,
    )) {
        let path = pieces.concat();
        for base in ["https://api.example.com", "https://api.example.com:8443/v1", "https://8.8.8.8/v1/"] {
            let base = url(base);
            let Ok(whole) = base.append(&path) else { continue };
            prop_assert_eq!(server(&whole), server(&base));
            let below = base.path().trim_end_matches('/').to_owned() + "/";
            prop_assert!(whole.path().starts_with(&below), "{}", whole.as_str());
            prop_assert_eq!(check(whole.as_str(), Loopback::Refused).unwrap(), whole);
        }
    }
}
