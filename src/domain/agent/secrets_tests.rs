use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::domain::time::Millis;

const TOKEN: &str = "Bearer 0123456789abcdefghij";

struct Bench {
    master: MasterKey,
    nonces: AtomicU8,
}

impl Bench {
    fn new() -> Self {
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        Self { master: MasterKey::parse(key).unwrap(), nonces: AtomicU8::new(0) }
    }

    /// The tools with what is kept of them, or what is wrong.
    fn seal(
        &self,
        mut tools: Vec<Tool>,
        stored: &Secrets,
        unknown: Unknown,
    ) -> Result<(Vec<Tool>, Secrets), String> {
        let sealer = Sealer {
            account: Some(account()),
            master: Ok(&self.master),
            nonce: &|| [self.nonces.fetch_add(1, Ordering::Relaxed); 12],
            loopback: Loopback::Refused,
            unknown,
        };
        let mut errors = FieldErrors::default();
        let secrets = sealer.seal(&mut tools, stored, &mut errors).unwrap();
        match errors.finish() {
            Ok(()) => Ok((tools, secrets)),
            Err(faults) => Err(format!("{}: {}", faults[0].field, faults[0].message)),
        }
    }

    fn sealed(&self, tools: Vec<Tool>, stored: &Secrets) -> (Vec<Tool>, Secrets) {
        self.seal(tools, stored, Unknown::Refused).unwrap()
    }

    fn opened(&self, secrets: &Secrets, place: (&str, &str, &str)) -> Option<String> {
        let kept = secrets.find(place.0, place.1)?;
        kept.open(&self.master, account(), place).unwrap().map(|secret| secret.expose().to_owned())
    }
}

fn account() -> AccountId {
    AccountId::new(Millis(1_000), [1; 10])
}

fn tools(name: &str, host: &str, headers: &Value) -> Vec<Tool> {
    let tool = json!({"type": "http", "name": name, "description": "d", "url": format!("https://{host}/v1"),
        "headers": headers});
    serde_json::from_value(json!(["current_time", tool])).unwrap()
}

fn value(tools: &[Tool], header: &str) -> String {
    json!(tools)[1]["headers"][header].as_str().unwrap().to_owned()
}

const PLACE: (&str, &str, &str) = ("mail", "authorization", "https://a.example.com");

#[test]
fn a_credential_is_sealed_and_another_header_is_not() {
    let bench = Bench::new();
    let written = tools("mail", "a.example.com", &json!({"Authorization": TOKEN, "x-team": "mail"}));
    let (sealed, secrets) = bench.sealed(written, &Secrets::default());
    assert_eq!(
        (value(&sealed, "Authorization"), value(&sealed, "x-team")),
        ("…ghij".to_owned(), "mail".to_owned())
    );
    assert_eq!(bench.opened(&secrets, PLACE).as_deref(), Some(TOKEN));
    assert!(!format!("{secrets:?} {}", json!(secrets)).contains("0123456789"));
    let again: Secrets = serde_json::from_value(json!(secrets)).unwrap();
    assert_eq!(again, secrets);
}

#[test]
fn what_is_stored_stays_where_its_mask_or_the_same_value_comes_back() {
    let bench = Bench::new();
    let (_, secrets) =
        bench.sealed(tools("mail", "a.example.com", &json!({"authorization": TOKEN})), &Secrets::default());
    for written in ["…ghij", "…", "…of another one", TOKEN] {
        let same = tools("mail", "A.example.com:443", &json!({"AUTHORIZATION": written}));
        let (shown, kept) = bench.sealed(same, &secrets);
        assert_eq!((value(&shown, "AUTHORIZATION"), &kept), ("…ghij".to_owned(), &secrets), "{written}");
    }
    let other = tools("mail", "a.example.com", &json!({"authorization": "Bearer zyxwvutsrqponmlk"}));
    let (shown, kept) = bench.sealed(other, &secrets);
    assert_eq!(value(&shown, "authorization"), "…nmlk");
    assert_eq!(bench.opened(&kept, PLACE).as_deref(), Some("Bearer zyxwvutsrqponmlk"));
    let without = tools("mail", "a.example.com", &json!({"x-team": "mail"}));
    assert!(bench.sealed(without, &secrets).1.is_empty(), "a header that goes takes its value along");
}

#[test]
fn a_mask_is_no_way_to_send_a_secret_elsewhere() {
    let bench = Bench::new();
    let (_, secrets) =
        bench.sealed(tools("mail", "a.example.com", &json!({"authorization": TOKEN})), &Secrets::default());
    for (name, host, header) in [
        ("mail", "b.example.com", "authorization"),
        ("mail", "a.example.com:8443", "authorization"),
        ("mail", "a.example.com.b.example.com", "authorization"),
        ("post", "a.example.com", "authorization"),
        ("mail", "a.example.com", "x-echo"),
    ] {
        let moved = || tools(name, host, &json!({header: "…ghij"}));
        let refused = bench.seal(moved(), &secrets, Unknown::Refused).unwrap_err();
        assert!(refused.starts_with(&format!("tools[1].headers.{header}: is masked")), "{refused}");
        let (shown, kept) = bench.seal(moved(), &secrets, Unknown::Awaited).unwrap();
        assert_eq!(value(&shown, header), "…");
        assert!(kept.find(name, header).unwrap().is_awaited());
    }
}

#[test]
fn what_is_awaited_may_be_sent_back_and_given() {
    let bench = Bench::new();
    let masked = tools("mail", "a.example.com", &json!({"authorization": "…"}));
    let (_, awaited) = bench.seal(masked, &Secrets::default(), Unknown::Awaited).unwrap();
    assert_eq!(bench.opened(&awaited, PLACE), None);
    let (_, still) = bench.sealed(tools("mail", "b.example.com", &json!({"authorization": "…"})), &awaited);
    assert!(still.find("mail", "authorization").unwrap().is_awaited());
    let (_, given) = bench.sealed(tools("mail", "a.example.com", &json!({"authorization": TOKEN})), &awaited);
    assert_eq!(bench.opened(&given, PLACE).as_deref(), Some(TOKEN));
}

#[test]
fn an_older_version_has_the_newest_value_for_the_same_server_and_its_own_for_another() {
    let bench = Bench::new();
    let none = Secrets::default();
    let (mut old_tools, old) =
        bench.sealed(tools("mail", "a.example.com", &json!({"authorization": TOKEN})), &none);
    let new = json!({"authorization": "Bearer zyxwvutsrqponmlk"});
    let (_, rotated) = bench.sealed(tools("mail", "a.example.com", &new), &old);
    let (_, moved) = bench.sealed(tools("mail", "b.example.com", &new), &old);

    let mut of_old = old.clone();
    of_old.renew(&mut old_tools, &moved);
    assert_eq!((&of_old, value(&old_tools, "authorization")), (&old, "…ghij".to_owned()));
    of_old.renew(&mut old_tools, &rotated);
    assert_eq!((&of_old, value(&old_tools, "authorization")), (&rotated, "…nmlk".to_owned()));
}
