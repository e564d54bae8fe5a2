//! Secrets that are known by how they look, whatever they are called.
//!
//! What keys of model providers look like is known to [`redact`](crate::domain::redact::redact); here stands what else a
//! configuration of an agent has. Each look needs a tail that no ordinary word has, so that a text that only speaks of such
//! things stays.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// Beginnings of private keys: certificates and public keys are no secrets.
const KEYS: [&str; 4] =
    ["PRIVATE KEY-----", "PRIVATE KEY BLOCK-----", "PuTTY-User-Key-File-", "AGE-SECRET-KEY-1"];
/// `-----BEGIN ` in base64.
const ARMOUR: &str = "LS0tLS1CRUdJTi";
/// `PRIVATE KEY` in base64, by how many bytes of three stand before it: the letters that it fills alone.
const PRIVATE_KEY: [&str; 3] = ["UFJJVkFURSBLRV", "BSSVZBVEUgS0VZ", "QUklWQVRFIEtFW"];
/// Addresses that let whoever knows them write: what comes after is the secret. Of their makers' documentation, 2026-11.
const WEBHOOKS: [&str; 14] = [
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "hooks.slack.com/triggers/",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    "webhook.office.com/webhookb2/",
    "outlook.office.com/webhook/",
    "outlook.office365.com/webhook/",
    "api.telegram.org/bot",
    "hooks.zapier.com/hooks/catch/",
    "open.feishu.cn/open-apis/bot/v2/hook/",
    "open.larksuite.com/open-apis/bot/v2/hook/",
    "maker.ifttt.com/use/",
    "api.day.app/",
];
/// How tokens of services begin that agents' tools use.
const TOKENS: [&str; 38] = [
    "SG.",
    "shpat_",
    "shpss_",
    "npm_",
    "pypi-",
    "dop_v1_",
    "xoxp-",
    "xoxa-",
    "xoxe-",
    "xoxs-",
    "xapp-",
    "ghs_",
    "ghu_",
    "ghr_",
    "glptt-",
    "gldt-",
    "sq0atp-",
    "sq0csp-",
    "rk_test_",
    "whsec_",
    "lin_api_",
    "ntn_",
    "PMAK-",
    "hvs.",
    "figd_",
    "figo_",
    "tvly-",
    "lsv2_",
    "e2b_",
    "jina_",
    "GOCSPX-",
    "sbp_",
    "pcsk_",
    "apify_api_",
    "dckr_pat_",
    "ATATT3",
    "sntrys_",
    "fo1_",
];
/// So many behind a beginning make a token.
const TAIL: usize = 16;
/// The fewest characters of the secret part of an address.
const MIN_PLACE: usize = 8;
/// The fewest characters of a signature in an address.
const MIN_SIGNATURE: usize = 20;

/// Whether a text has something in it that looks like a secret.
pub fn has(text: &str) -> bool {
    KEYS.iter().any(|key| text.contains(key))
        || armoured_key(text)
        || WEBHOOKS.iter().any(|place| follows(text, place))
        || text.split(|c: char| !is_of_token(c)).any(is_token)
        || signature(text)
        || basic(text)
        || user_option(text)
        || data_source(text)
}

/// A PEM file in base64, on one line or on several, with a private key in it.
fn armoured_key(text: &str) -> bool {
    text.contains(ARMOUR) && {
        let joined: String = text.split_whitespace().collect();
        PRIVATE_KEY.iter().any(|key| joined.contains(key))
    }
}

/// Whether a secret part comes after this place of a URL.
fn follows(text: &str, place: &str) -> bool {
    text.match_indices(place).any(|(at, _)| {
        let rest = &text[at + place.len()..];
        rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"-_/@.:%".contains(b)).count() >= MIN_PLACE
    })
}

const fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')
}

fn is_token(word: &str) -> bool {
    let is_long = |rest: &str| rest.len() >= TAIL && rest.bytes().any(|b| b.is_ascii_digit());
    // Of a list of settings, such as `token:SG.…`, the last part is the value.
    let value = word.rsplit(':').next().unwrap_or(word);
    TOKENS.iter().any(|token| value.strip_prefix(token).is_some_and(is_long)) || is_bot_token(word)
}

/// Telegram's: `123456789:AA…` with 35 characters.
fn is_bot_token(word: &str) -> bool {
    const LENGTH: usize = 35;
    word.split_once(':').is_some_and(|(id, rest)| {
        (8..=10).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit()) && rest.len() == LENGTH
    })
}

/// A signed address: `?sig=…` of Azure, `&X-Amz-Signature=…` of AWS.
fn signature(text: &str) -> bool {
    let names = ["?sig=", "&sig=", "X-Amz-Signature=", "X-Goog-Signature="];
    names.iter().any(|name| {
        text.match_indices(name).any(|(at, _)| {
            let rest = &text[at + name.len()..];
            rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"%-_+/".contains(b)).count()
                >= MIN_SIGNATURE
        })
    })
}

/// `Basic dXNlcjpwYXNzd29yZA==`: what is a user and a password in base64.
fn basic(text: &str) -> bool {
    let mut words = text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ','));
    let mut is_next = false;
    words.any(|word| {
        let is_value = std::mem::replace(&mut is_next, word.eq_ignore_ascii_case("basic"));
        is_value && is_pair(word)
    })
}

fn is_pair(word: &str) -> bool {
    let decoded = STANDARD.decode(word).or_else(|_| STANDARD_NO_PAD.decode(word));
    decoded.is_ok_and(|bytes| {
        bytes.contains(&b':')
            && std::str::from_utf8(&bytes).is_ok_and(|text| !text.contains(char::is_control))
    })
}

/// `curl -u user:password`.
fn user_option(text: &str) -> bool {
    let mut is_next = false;
    text.split_whitespace().any(|word| {
        let is_value = std::mem::replace(&mut is_next, matches!(word, "-u" | "--user" | "--proxy-user"));
        let pair = word.trim_matches(['"', '\'']).split_once(':');
        is_value && pair.is_some_and(|(user, password)| !user.is_empty() && is_said(password))
    })
}

/// `user:password@tcp(host:3306)/db`, as Go's drivers take it.
fn data_source(text: &str) -> bool {
    ["@tcp(", "@unix("].iter().filter_map(|place| text.split_once(place)).any(|(before, _)| {
        let user = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=')).next();
        user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| is_said(password))
    })
}

/// Whether it is no placeholder.
fn is_said(password: &str) -> bool {
    !password.is_empty() && !password.starts_with(['$', '{', '<', '*'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_looks() {
        let made = |start: &str| format!("{start}{}", "a1b2".repeat(8));
        let mut texts = vec![
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----".to_owned(),
            "-----BEGIN RSA PRIVATE KEY-----\\nMIIE".to_owned(),
            "-----BEGIN PGP PRIVATE KEY BLOCK-----".to_owned(),
            "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t".to_owned(),
            "Basic dXNlcjpwYXNzd29yZA==".to_owned(),
            "curl -H 'Authorization: Basic dXNlcjpwYXNzd29yZA' https://a.example".to_owned(),
            "https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXX".to_owned(),
            "post to https://discord.com/api/webhooks/123/abcDEF please".to_owned(),
            "https://acme.webhook.office.com/webhookb2/0f-1@2/IncomingWebhook/3/4".to_owned(),
            "https://x.logic.azure.com/workflows/1/triggers/manual?sp=a&sig=abcdefghijklmnopqrstuvwxyz"
                .to_owned(),
            "curl -u admin:hunter2 https://a.example".to_owned(),
            "root:hunter2@tcp(127.0.0.1:3306)/shop".to_owned(),
            format!("123456789:{}", "A".repeat(35)),
        ];
        texts.extend(["SG.", "npm_", "whsec_", "lsv2_", "xoxp-", "GOCSPX-"].map(made));
        let certificate = "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----\n";
        for before in ["", certificate, &format!("{certificate}\n"), &format!("{certificate}\r\n")] {
            for kind in ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "] {
                let encoded = STANDARD.encode(format!("{before}-----BEGIN {kind}PRIVATE KEY-----\nMIIE"));
                let (first, rest) = encoded.split_at(encoded.len() / 2);
                texts.extend([format!("{first}\n  {rest}"), encoded]);
            }
        }
        for text in texts {
            assert!(has(&text), "{text}");
        }
    }

    #[test]
    fn what_only_speaks_of_secrets_stays() {
        for text in [
            "Use Basic authentication: it is base64.",
            "basic skills: reading",
            "-----BEGIN CERTIFICATE-----\nMIIE",
            "-----BEGIN PUBLIC KEY-----\nMIIE",
            "Ask for the private key, and never print it.",
            "https://hooks.slack.com/services/${SLACK_HOOK}",
            "https://hooks.slack.com/services/<id>",
            "https://discord.com/developers/docs/resources/webhook",
            "Mention npm_config and whsec_ in the answer; run npm_lifecycle_event_of_the_package",
            "curl -u $USER:$PASS https://a.example",
            "curl --user <user>:<password> https://a.example",
            "user:${DB_PASS}@tcp(db:3306)/shop",
            "At 12:30 the ship leaves; 1234:5678",
            "https://a.example/?q=signature&signed=1",
        ] {
            assert!(!has(text), "{text}");
            assert!(!has(&STANDARD.encode(text)), "{text} in base64");
        }
    }
}
