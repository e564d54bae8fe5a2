use serde_json::json;

use super::*;

#[test]
fn secrets_are_known_in_json_headers_pairs_and_numbers() {
    for (name, value) in [
        ("credentials", json!(r#"{"user":"a","password":"hunter2"}"#)),
        ("GOOGLE", json!(r#"{"type":"service_account","private_key":"abc"}"#)),
        ("args", json!(["--header", "Authorization: Basic dXNlcjpwYXNzd29yZA=="])),
        ("line", json!("X-Api-Key:abc")),
        ("headers", json!([["X-Api-Key", "abc"]])),
        ("api_key", json!(4_815_162_342_u64)),
        ("DB_PASS", json!("hunter22")),
        ("smtpPass", json!("hunter22")),
        ("DB_PASS", json!(12_345_678)),
        ("MYSQL_PWD", json!("hunter22")),
        ("line", json!("export DB_PASS=hunter22")),
        ("args", json!(["--db-pass=hunter22"])),
        ("basic", json!("Basic dXNlcjpwYXNzd29yZA==")),
        ("webhook", json!("https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXX")),
        ("env", json!({"PEM": "-----BEGIN PRIVATE KEY-----\nMIIE"})),
    ] {
        assert!(holds_secret(name, &value), "{name}: {value}");
    }
    for (name, value) in [
        ("credentials", json!("{{secrets.mail}}")),
        ("api_key", json!("<your-key>")),
        ("api_key", json!("{API_KEY}")),
        ("note", json!("{\"tone\": \"dry\"}")),
        ("line", json!("Authorization: Bearer $TOKEN")),
        ("headers", json!([["Accept", "text/plain"]])),
        ("max_tokens", json!(100)),
        ("primary_key", json!(7)),
        ("first_pass", json!("outline")),
        ("second_pass", json!("Read all of it again.")),
        ("DB_PASS", json!("${DB_PASS}")),
        ("pass_rate", json!("0.95-or-more")),
        ("bypass", json!("everything")),
        ("max_pass", json!(3)),
    ] {
        assert!(!holds_secret(name, &value), "{name}: {value}");
    }
}

#[test]
fn secrets_are_known_by_their_names() {
    for name in [
        "api_key",
        "apiKey",
        "APIKEY",
        "x-api-key",
        "OPENAI_API_KEY",
        "openaiApiKey",
        "token",
        "accessToken",
        "github_token",
        "client_secret",
        "password",
        "db_passwd",
        "credentials",
        "Authorization",
        "Cookie",
        "bearer",
        "bearer_token",
        "private-key",
        "connection_string",
        "connectionString",
        "key",
    ] {
        assert!(is_secret(name, &json!("abc")), "{name}");
        assert!(!is_secret(name, &json!("")) && !is_secret(name, &json!("${FROM_THERE}")), "{name}");
    }
    for name in [
        "max_tokens",
        "token_limit",
        "tokenLimit",
        "keywords",
        "keyboard",
        "monkey",
        "output_key",
        "author",
        "primary_key",
        "tokenizer",
        "secretary",
        "api_key_env",
        "temperature",
    ] {
        assert!(!is_secret(name, &json!("abc")), "{name}");
    }
    assert!(is_secret("password", &json!(1234)) && is_secret("tokens", &json!(["abc"])));
    assert!(is_secret("secrets", &json!({"A": "x"})) && !is_secret("tokens", &json!(900)));
}

#[test]
fn secrets_are_known_by_where_they_stand_and_how_they_look() {
    for text in [
        "sk-proj-1234567890",
        "API_KEY=abc",
        "postgres://me:hidden@db/x",
        "https://a.example/?token=abc",
        "https://a.example/mcp?a=1&api_key=abc",
        "Server=db;Password=abc",
        "X-Api-Key: abc",
        "--api-key=abc",
        "use API_KEY=abc here",
        "p: https://0123456789abcdef0123@git.example/x",
    ] {
        assert!(has_secret(text), "{text}");
    }
    for text in [
        "https://a.example/?q=token",
        "sorted(x, key=lambda a: a)",
        "git@host:path",
        "ssh://git@host/x",
        "https://a.example/?key=${KEY}",
        "MODE=x",
        "API_KEY=$API_KEY",
        "Ask for the token: it is in the mail",
        "https://${USER}:${PASS}@a.example",
        "mailto:a@b.example",
    ] {
        assert!(!has_secret(text), "{text}");
    }
}
