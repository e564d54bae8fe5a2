//! The secret of a webhook, and the signatures that it makes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::domain::secret::Secret;

/// How secrets begin.
const PREFIX: &str = "whsec_";
/// The bytes of a block of HMAC-SHA256, which is also the most that a secret may have.
const BLOCK: usize = 64;
const LEAST: usize = 24;

/// Why a text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write whsec_ and 24 to 64 random bytes in base64, or leave it out: then one is made")]
pub struct Invalid;

/// Makes a secret of random bytes.
pub fn made(random: [u8; 32]) -> Secret {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(random)))
}

/// Reads a secret, with or without `whsec_` before it, and writes it with that.
///
/// # Errors
/// [`Invalid`].
pub fn parse(given: &Secret) -> Result<Secret, Invalid> {
    let encoded = given.expose().strip_prefix(PREFIX).unwrap_or(given.expose());
    let bytes = STANDARD.decode(encoded).map_err(|_| Invalid)?;
    if (LEAST..=BLOCK).contains(&bytes.len()) {
        Ok(Secret::new(format!("{PREFIX}{}", STANDARD.encode(bytes))))
    } else {
        Err(Invalid)
    }
}

/// The signature of a message under a secret, as a header has it; `timestamp` in seconds.
///
/// # Errors
/// [`Invalid`], of a secret that is none.
pub fn sign(secret: &Secret, id: &str, timestamp: i64, body: &str) -> Result<String, Invalid> {
    let encoded = secret.expose().strip_prefix(PREFIX).ok_or(Invalid)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| Invalid)?;
    let mut key = [0; BLOCK];
    if bytes.len() > BLOCK {
        return Err(Invalid);
    }
    // A key that is shorter than a block is filled with zeros (RFC 2104).
    key.iter_mut().zip(&bytes).for_each(|(byte, of)| *byte = *of);
    let mac: Hmac<Sha256> = Mac::new(&key.into());
    let mac = mac.chain_update(format!("{id}.{timestamp}.")).chain_update(body);
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    /// From the tests of Standard Webhooks' own libraries.
    #[test]
    fn a_message_is_signed_as_the_standards_libraries_do() {
        let secret = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned()));
    }

    #[test]
    fn secrets_have_24_to_64_bytes() {
        for (bytes, fits) in [(23, false), (24, true), (64, true), (65, false)] {
            let text = STANDARD.encode(vec![7; bytes]);
            for given in [text.clone(), format!("whsec_{text}")] {
                let parsed = parse(&secret(&given));
                assert_eq!(parsed.is_ok(), fits, "{bytes}");
                assert!(parsed.is_ok_and(|parsed| parsed.expose() == format!("whsec_{text}")) == fits);
            }
        }
        assert!(parse(&secret("whsec_")).is_err() && parse(&secret("secret")).is_err());
        assert_eq!(parse(&made([9; 32])).map(|secret| secret.expose().len()), Ok(50));
    }
}
