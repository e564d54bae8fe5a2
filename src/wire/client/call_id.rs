//! Identifiers of tool calls that carry Gemini's thought signature.
//!
//! A signature is issued with a function call and, from Gemini 3 on, demanded when the call is sent again. Its place in
//! OpenAI's protocol is `extra_content`, which many clients drop; but all send a call's identifier back untouched, so
//! it carries the signature as well: `<identifier>__thought__<signature>`, in base64url without padding.

use std::borrow::Cow;

/// What stands between the identifier and the signature.
const MARK: &str = "__thought__";

/// The identifier with its signature, for the client.
pub(in crate::wire) fn signed<'a>(id: &'a str, signature: Option<&str>) -> Cow<'a, str> {
    match signature.and_then(to_url) {
        Some(signature) => Cow::Owned(format!("{id}{MARK}{signature}")),
        None => Cow::Borrowed(id),
    }
}

/// The provider's identifier and the signature in the client's.
pub(in crate::wire) fn read(id: &str) -> (&str, Option<String>) {
    match id.split_once(MARK) {
        Some((id, signature)) => (id, from_url(signature)),
        None => (id, None),
    }
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
        let id = signed("call_JniLacKq-0_2", Some("Eqo+Cqc/Ab4="));
        assert_eq!(id, "call_JniLacKq-0_2__thought__Eqo-Cqc_Ab4");
        assert_eq!(read(&id), ("call_JniLacKq-0_2", Some("Eqo+Cqc/Ab4=".to_owned())));
    }

    #[test]
    fn an_identifier_without_a_signature_is_the_providers_own() {
        assert_eq!(signed("8f2b1a3c", None), "8f2b1a3c");
        assert_eq!(read("8f2b1a3c"), ("8f2b1a3c", None));
    }

    #[test]
    fn what_is_no_base64_is_no_signature() {
        for signature in ["", "=", "a", "<signature>", "äöü"] {
            assert_eq!(signed("a", Some(signature)), "a", "{signature}");
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
            let id = signed("id", Some(&signature));
            prop_assert!(id.chars().all(is_word));
            prop_assert_eq!(read(&id), ("id", Some(signature)));
        }

        #[test]
        fn any_identifier_can_be_read(id in "\\PC*") {
            let _ = read(&id);
        }
    }
}
