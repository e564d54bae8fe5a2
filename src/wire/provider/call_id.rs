//! Identifiers of tool calls that bring Gemini's thought signature back.
//!
//! A signature is issued with a function call and, from Gemini 3 on, demanded when the call is sent again. Clients
//! send a call's identifier back untouched, whatever it is, so it takes the signature along:
//! `<identifier>__thought__<signature>`, the signature in base64url without padding. Only letters, digits, `_` and
//! `-` are used, because other providers that may get the same conversation accept no more.

/// What stands between the identifier and the signature.
const MARK: &str = "__thought__";

/// An identifier for a call of this reply.
///
/// Older models issue none. One is made then of the reply's identifier and the call's number in it, because clients
/// expect no two calls of a conversation to share theirs.
pub(super) fn issue(
    given: Option<&str>,
    reply: Option<&str>,
    number: u32,
    signature: Option<&str>,
) -> String {
    let usable = |id: &&str| !id.is_empty() && id.chars().all(is_word);
    let id = match (given.filter(|id| !id.is_empty()), reply.filter(usable)) {
        (Some(id), _) => id.to_owned(),
        (None, Some(reply)) => format!("call_{reply}_{number}"),
        (None, None) => format!("call_{number}"),
    };
    match signature.and_then(to_url) {
        Some(signature) => format!("{id}{MARK}{signature}"),
        None => id,
    }
}

/// The provider's identifier and the signature in a neutral one.
pub(super) fn read(id: &str) -> (&str, Option<String>) {
    match id.split_once(MARK) {
        Some((id, signature)) => (id, from_url(signature)),
        None => (id, None),
    }
}

/// The identifier alone, for providers that know nothing of signatures: they bound an identifier's length.
pub(super) fn bare(id: &str) -> &str {
    id.split_once(MARK).map_or(id, |(id, _)| id)
}

/// Base64 in whichever alphabet, as base64url without padding. `None` for what is no base64.
fn to_url(signature: &str) -> Option<String> {
    let digits = signature.trim_end_matches('=');
    let url = digits.chars().map(|digit| match digit {
        '+' => Some('-'),
        '/' => Some('_'),
        digit => is_word(digit).then_some(digit),
    });
    url.collect::<Option<String>>().filter(|url| !url.is_empty() && url.len() % 4 != 1)
}

/// Base64url as the API wrote it: in the standard alphabet, with padding.
fn from_url(url: &str) -> Option<String> {
    let mut signature = to_url(url)?.replace('-', "+").replace('_', "/");
    while signature.len() % 4 != 0 {
        signature.push('=');
    }
    Some(signature)
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_signature_comes_back_as_it_was_issued() {
        let id = issue(None, Some("JniLacKq-0"), 2, Some("Eqo+Cqc/Ab4="));
        assert_eq!(id, "call_JniLacKq-0_2__thought__Eqo-Cqc_Ab4");
        assert_eq!(read(&id), ("call_JniLacKq-0_2", Some("Eqo+Cqc/Ab4=".to_owned())));
        assert_eq!(bare(&id), "call_JniLacKq-0_2");
    }

    #[test]
    fn the_providers_own_identifier_is_kept() {
        assert_eq!(issue(Some("8f2b1a3c"), Some("r"), 0, None), "8f2b1a3c");
        assert_eq!(read("8f2b1a3c"), ("8f2b1a3c", None));
        assert_eq!(bare("8f2b1a3c"), "8f2b1a3c");
        assert_eq!(issue(Some(""), None, 3, None), "call_3");
        assert_eq!(issue(None, Some("no word"), 3, None), "call_3");
    }

    #[test]
    fn what_is_no_base64_is_no_signature() {
        for signature in ["", "=", "a", "<signature>", "äöü"] {
            assert_eq!(issue(Some("a"), None, 0, Some(signature)), "a", "{signature}");
            assert_eq!(read(&format!("a__thought__{signature}")), ("a", None), "{signature}");
        }
    }

    proptest! {
        #[test]
        fn every_signature_survives_in_the_alphabet_of_other_providers(
            bytes in prop::collection::vec(any::<u8>(), 1..200),
        ) {
            use base64::Engine as _;
            let signature = base64::engine::general_purpose::STANDARD.encode(bytes);
            let id = issue(Some("id"), None, 0, Some(&signature));
            prop_assert!(id.chars().all(is_word));
            prop_assert_eq!(read(&id), ("id", Some(signature)));
        }

        #[test]
        fn any_identifier_can_be_read(id in "\\PC*") {
            let _ = read(&id);
        }
    }
}
