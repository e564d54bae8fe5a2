use proptest::prelude::*;

use super::*;
use crate::domain::time::Millis;

fn master(byte: u8) -> MasterKey {
    MasterKey::parse(&STANDARD.encode([byte; 32])).unwrap()
}

fn account(byte: u8) -> AccountId {
    AccountId::new(Millis(1_000), [byte; 10])
}

fn provider(name: &str) -> ProviderName {
    ProviderName::parse(name).unwrap()
}

fn secret() -> Secret {
    Secret::new("sk-ant-0123456789".to_owned())
}

fn sealed() -> Sealed {
    master(1).seal(account(1), Place::ProviderKey(&provider("openai")), [7; 12], &secret()).unwrap()
}

#[test]
fn what_is_sealed_opens() {
    let opened = master(1).open(account(1), Place::ProviderKey(&provider("openai")), &sealed()).unwrap();
    assert_eq!(opened.expose(), secret().expose());
}

#[test]
fn nothing_else_opens_it() {
    let cannot = |key: MasterKey, of, name: &str| {
        assert_eq!(
            key.open(of, Place::ProviderKey(&provider(name)), &sealed()).err(),
            Some(Error::CannotOpen)
        );
    };
    cannot(master(2), account(1), "openai");
    cannot(master(1), account(2), "openai");
    cannot(master(1), account(1), "groq");
}

#[test]
fn a_tools_header_opens_for_the_tool_the_header_and_the_server_that_it_was_sealed_for() {
    let place = |tool, header, origin| Place::ToolHeader { tool, header, origin };
    let own = place("mail", "x-key", "https://a.example.com");
    let sealed = master(1).seal(account(1), own, [7; 12], &secret()).unwrap();
    assert_eq!(master(1).open(account(1), own, &sealed).unwrap().expose(), secret().expose());
    for other in [
        place("post", "x-key", "https://a.example.com"),
        place("mail", "x-echo", "https://a.example.com"),
        place("mail", "x-key", "https://b.example.com"),
        place("mailx", "-key", "https://a.example.com"),
        Place::ProviderKey(&provider("openai")),
    ] {
        assert_eq!(master(1).open(account(1), other, &sealed).err(), Some(Error::CannotOpen), "{other:?}");
    }
    assert_eq!(master(1).open(account(2), own, &sealed).err(), Some(Error::CannotOpen));
}

#[test]
fn damaged_rows_do_not_open() {
    let whole = sealed();
    for (nonce, ciphertext) in [
        ("", whole.ciphertext.as_str()),
        ("AAAA", &whole.ciphertext),
        ("AAAAAAAAAAAAAAAA", &whole.ciphertext),
        (&whole.nonce, ""),
        (&whole.nonce, "AAAA"),
        (&whole.nonce, "not base64!"),
        (&whole.nonce, &whole.ciphertext[4..]),
    ] {
        let row = Sealed { nonce: nonce.to_owned(), ciphertext: ciphertext.to_owned() };
        assert_eq!(
            master(1).open(account(1), Place::ProviderKey(&provider("openai")), &row).err(),
            Some(Error::CannotOpen),
            "{row:?}"
        );
    }
}

#[test]
fn the_ciphertext_is_what_aes_gcm_gives_elsewhere() {
    // Computed with node's crypto: key 32 × 01, nonce 12 × 07, the associated data spelled out by hand.
    let row = Sealed {
        nonce: "BwcHBwcHBwcHBwcH".to_owned(),
        ciphertext: "/pjHxWHanJEoqDcEk/ZQ8p6qj4cGOCP6wLFJK1mOf9HX".to_owned(),
    };
    assert_eq!(sealed(), row);
}

#[test]
fn a_master_key_is_32_bytes_in_base64() {
    for blank in ["", "  ", "\n"] {
        assert_eq!(MasterKey::parse(blank).err(), Some(Error::Missing));
    }
    for wrong in [STANDARD.encode([0; 31]), STANDARD.encode([0; 33]), "x".repeat(44), "secret".to_owned()] {
        assert_eq!(MasterKey::parse(&wrong).err(), Some(Error::Invalid), "{wrong}");
    }
    assert!(MasterKey::parse(&format!(" {}\n", STANDARD.encode([9; 32]))).is_ok());
}

#[test]
fn a_master_key_does_not_print() {
    assert_eq!(format!("{:?}", master(65)), "MasterKey(…)");
}

#[test]
fn a_secret_that_nobody_gives_is_refused() {
    let long = Secret::new("x".repeat(MAX_LEN + 1));
    assert_eq!(
        master(1).seal(account(1), Place::ProviderKey(&provider("openai")), [0; 12], &long),
        Err(Error::TooLong)
    );
}

proptest! {
    #[test]
    fn any_secret_comes_back_and_any_flipped_bit_is_noticed(text in ".{0,200}", nonce: [u8; 12], bit: prop::sample::Index) {
        let (key, of, name) = (master(3), account(3), provider("my-server"));
        let mut row = key.seal(of, Place::ProviderKey(&name), nonce, &Secret::new(text.clone())).unwrap();
        let opened = key.open(of, Place::ProviderKey(&name), &row).unwrap();
        prop_assert_eq!(opened.expose(), &text);

        let mut bytes = STANDARD.decode(&row.ciphertext).unwrap();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        row.ciphertext = STANDARD.encode(bytes);
        prop_assert_eq!(key.open(of, Place::ProviderKey(&name), &row).err(), Some(Error::CannotOpen));
    }
}
