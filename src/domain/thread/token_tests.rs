use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

const NOW: Millis = Millis(1_795_262_400_000);

fn signer(byte: u8) -> Signer {
    Signer::of(&MasterKey::parse(&STANDARD.encode([byte; 32])).unwrap())
}

fn token() -> ThreadToken {
    ThreadToken {
        account: AccountId::new(NOW, [1; 10]),
        agent: AgentId::new(NOW, [2; 10]),
        thread: ThreadKey::new(NOW, [3; 10]),
        key: Some(KeyId::new(NOW, [4; 10])),
        expires_at: NOW.plus(1_000),
        floor: 7,
        user: Some("ada".to_owned()),
    }
}

#[test]
fn a_token_says_what_was_signed() {
    for token in [token(), ThreadToken { key: None, user: None, ..token() }] {
        let text = signer(1).sign(&token);
        assert!(ThreadToken::is_meant(text.expose()));
        assert_eq!(signer(1).open(text.expose(), NOW), Ok(token));
    }
}

#[test]
fn the_longest_user_fits() {
    let token = ThreadToken { user: Some("😀".repeat(255)), ..token() };
    let text = signer(1).sign(&token);
    assert_eq!(signer(1).open(text.expose(), NOW), Ok(token));
    let longer = ThreadToken { user: Some("😀".repeat(300)), ..self::token() };
    assert_eq!(signer(1).open(signer(1).sign(&longer).expose(), NOW), Err(Invalid::Forged));
}

#[test]
fn a_token_ends_at_its_time() {
    let text = signer(1).sign(&token());
    assert!(signer(1).open(text.expose(), NOW.plus(999)).is_ok());
    assert_eq!(signer(1).open(text.expose(), NOW.plus(1_000)), Err(Invalid::Expired));
}

#[test]
fn another_deployment_signs_other_tokens() {
    let text = signer(2).sign(&token());
    assert_eq!(signer(1).open(text.expose(), NOW), Err(Invalid::Forged));
    let (master, purpose) = (MasterKey::parse(&STANDARD.encode([1; 32])).unwrap(), b"another purpose");
    assert_ne!(master.derive(PURPOSE), master.derive(purpose));
}

/// RFC 4231, test case 2, whose key is filled with zeros as ours is.
#[test]
fn the_signature_is_that_of_the_standard() {
    let mut key = [0; 32];
    key[..4].copy_from_slice(b"Jefe");
    let mac = vault::keyed(&key).chain_update("what do ya want for nothing?").finalize().into_bytes();
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

#[test]
fn nothing_prints_the_signing_key() {
    assert_eq!(format!("{:?}", signer(1)), "Signer(…)");
}

proptest! {
    #[test]
    fn what_was_changed_anywhere_is_refused(at in any::<prop::sample::Index>(), by in 1_u8..=255) {
        let text = signer(1).sign(&token());
        let mut bytes = URL_SAFE_NO_PAD.decode(&text.expose()[PREFIX.len()..]).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        let forged = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        prop_assert_eq!(signer(1).open(&forged, NOW), Err(Invalid::Forged));
    }

    #[test]
    fn what_was_cut_or_extended_is_refused(length in 0_usize..300, more in "[A-Za-z0-9_=-]{1,20}") {
        let text = signer(1).sign(&token());
        let text = text.expose();
        if length < text.len() {
            prop_assert_eq!(signer(1).open(&text[..length], NOW), Err(Invalid::Forged));
        }
        prop_assert_eq!(signer(1).open(&format!("{text}{more}"), NOW), Err(Invalid::Forged));
    }

    #[test]
    fn no_text_breaks_the_reader(text: String, tail in "retinue_thread_\\PC{0,200}") {
        prop_assert_eq!(signer(1).open(&text, NOW), Err(Invalid::Forged));
        prop_assert_eq!(signer(1).open(&tail, NOW), Err(Invalid::Forged));
    }
}
