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
        "curl -H 'X-Api-Key: abc123secret' https://a.example",
        "curl -H \"X-Api-Key: abc\" https://a.example",
        "curl -H'X-Api-Key: abc' https://a.example",
        "curl --header 'PRIVATE-TOKEN: abc' https://a.example",
        "curl --header=\"X-Auth-Token: abc\" https://a.example",
        "curl --proxy-header 'Proxy-Authorization: Basic abc' https://a.example",
        "--header=X-Api-Key: abc",
        "-HX-Api-Key: abc",
        "curl -b 'sid=abc' https://a.example",
        "curl --cookie sid=abc https://a.example",
        "curl --oauth2-bearer abc1234 https://a.example",
        "tool --token abc1234 --fast",
        "mysql --password hunter2 -h db",
        "http a.example X-Api-Key:abc12345",
        "GET / HTTP/1.1\nHost: a.example\nX-Api-Key: abc12345\n",
        "the config is {\"api_key\": \"abc12345\"}, as said",
        "see https://a.example/?token=abc for more",
        "see (https://a.example/?a=b&key=abc).",
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
        "curl -H 'Accept: text/plain' -H \"X-Team: a1b2c3d4\" https://a.example",
        "curl -H \"X-Api-Key: $KEY\" https://a.example",
        "curl -H 'Authorization: Bearer ${TOKEN}' https://a.example",
        "curl --cookie \"sid=$SID\" https://a.example",
        "tool --max-tokens 100000 --token-limit 4096",
        "Pass it with --token to the tool, or with --api-key.",
        "max_tokens: 4096 and prompt_tokens: 123456789",
        "primary_key: order_id_2024, cache-key:user12345678",
        "Send the X-Api-Key: <your key> header; access_token: expires in 3600s",
        "Password: ask the admin. Token: required. Cookie: 2-week-expiry",
        "at 12:30:45 the job a:b12345678 ran; ratio 16:9, sha256:0123456789abcdef",
        "see https://a.example/?q=1&page=2 and \"https://a.example/?token=$TOKEN\".",
        "fix(auth): 0123456789abcdef0123456789abcdef01234567",
    ] {
        assert!(!has_secret(text), "{text}");
    }
}

#[test]
fn a_key_or_a_name_that_is_a_secret_is_known_and_one_that_speaks_of_secrets_stays() {
    // Where the place says it a secret may be of letters alone.
    for name in [
        "DB_PASS=sunshineMoon",
        "https://bob:sunshineMoon@mcp.x.io/sse",
        "api_key=sunshineMoon",
        "acme --token sunshineMoon",
        "X-Api-Key: sunshineMoon",
        "npx:--token:8aAQD6Y2H6DDtK",
        "prod 8aAQD6Y2H6DDtK",
        "acme#1234567890abcdef",
    ] {
        assert!(is_for_name(name), "{name}");
    }
    let key = "sk-proj-Zz9Yy8Xx7Ww6Vv5Uu4Tt3";
    for name in [key, "SG.a1b2c3d4a1b2c3d4.a1b2c3d4", "https://me:hunter2@a.example", "API_KEY=abc123"] {
        assert!(is_for_name(name), "{name}");
        assert_eq!(without_keys(&format!("a.b.{name}")).as_deref(), Some("a.b.…"));
        assert_eq!(without_keys(&format!("{name}.a.b")).as_deref(), Some("…"));
    }
    for name in [
        "auth:login",
        "tokens:list2",
        "secret:read",
        "api_key",
        "x-api-key",
        "mcp:files/read_v2",
        "sk-learn-models",
        "bearer",
        "0123456789abcdef0123456789abcdef01234567",
        "agent.with.dots.2",
        "Llama3Instruct (beta)",
        "The GPT4oMini2024",
    ] {
        assert!(!is_for_name(name), "{name}");
        assert_eq!(without_keys(&format!("a.{name}.b")), None);
    }
}

#[test]
fn an_option_and_a_user_after_it_are_a_secret_together() {
    assert!(is_option_with(&json!("-u"), "admin:hunter2") && is_option_with(&json!("--user"), "a b:hunter2"));
    for (option, value) in
        [("-u", "1000:1000"), ("-u", "admin"), ("-p", "80:8080"), ("--user", "$USER:$PASS")]
    {
        assert!(!is_option_with(&json!(option), value), "{option} {value}");
    }
    assert!(!is_option_with(&json!(null), "admin:hunter2"));
}
