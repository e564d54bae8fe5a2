//! Hashes of passwords, by which passwords can be tried.

use super::tables::HASHES;

/// The fewest characters of a password's hash.
const MIN: usize = 20;
/// The digits of MySQL's, and of each half of Windows'.
const MYSQL: usize = 40;
const WINDOWS: usize = 32;
/// How hashes begin that have neither a name of crypt's nor a dollar before it; what comes is long.
const BEGINS: [&str; 14] = [
    "{SHA}",
    "{SSHA}",
    "{SHA256}",
    "{SSHA256}",
    "{SHA512}",
    "{SSHA512}",
    "{MD5}",
    "{SMD5}",
    "{CRYPT}",
    "{PBKDF2",
    "grub.pbkdf2.",
    "SCRAM-SHA-1$",
    "SCRAM-SHA-256$",
    "$P$B",
];
/// Kinds as frameworks name them: `pbkdf2_sha256$870000$…`, `scrypt:32768:8:1$…`.
const FRAMEWORKS: [&str; 6] = ["pbkdf2", "scrypt", "bcrypt", "argon2", "md5$", "sha1$"];

/// `user:$apr1$…` and the like, as `htpasswd`, crypt, frameworks and databases write them.
pub(super) fn has(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(' | ')')).any(|word| {
        let word = word.trim_matches([',', ';', '.']);
        let parts = || {
            word.char_indices().filter(|(_, c)| matches!(c, ':' | '=' | ',')).map(|(at, _)| &word[at + 1..])
        };
        std::iter::once(word).chain(parts()).any(is_one) || is_windows(word)
    })
}

fn is_one(word: &str) -> bool {
    is_crypt(word)
        || BEGINS.iter().any(|begin| word.strip_prefix(begin).is_some_and(is_long))
        || ["$P$", "$H$", "$S$"].iter().any(|begin| word.strip_prefix(begin).is_some_and(is_portable))
        || is_framework(word)
        || word.strip_prefix("$A$005$").is_some_and(is_long)
        || word.strip_prefix("md5").is_some_and(|hash| is_hex(hash, WINDOWS))
        || word
            .strip_prefix('*')
            .is_some_and(|hash| is_hex(hash, MYSQL) && !hash.bytes().any(|b| b.is_ascii_lowercase()))
}

/// `$6$salt$hash`, also with parameters between.
fn is_crypt(word: &str) -> bool {
    let named =
        word.strip_prefix('$').or(word.strip_prefix("{ARGON2}$")).and_then(|rest| rest.split_once('$'));
    let hash = named.filter(|(name, _)| HASHES.contains(name)).and_then(|(_, rest)| rest.rsplit('$').next());
    let end = |hash: &str| hash.find([':', ',']).unwrap_or(hash.len());
    hash.is_some_and(|hash| is_hash(&hash[..end(hash)]))
}

/// PHP's and Drupal's: 31 characters or more after the sign.
fn is_portable(hash: &str) -> bool {
    const PORTABLE: usize = 30;
    hash.len() >= PORTABLE && hash.bytes().all(|b| b.is_ascii_alphanumeric() || b"./".contains(&b))
}

fn is_framework(word: &str) -> bool {
    FRAMEWORKS.iter().any(|name| word.starts_with(name))
        && word.rsplit_once('$').is_some_and(|(_, hash)| is_hash(hash))
}

/// A line of a dump: `user:500:LM:NT:::`.
fn is_windows(word: &str) -> bool {
    let mut parts = word.split(':').peekable();
    std::iter::from_fn(|| parts.next().map(|part| (part, parts.peek().copied())))
        .any(|(part, next)| is_hex(part, WINDOWS) && next.is_some_and(|next| is_hex(next, WINDOWS)))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_hash(hash: &str) -> bool {
    hash.len() >= MIN && hash.bytes().all(|b| b.is_ascii_alphanumeric() || b"./+=_-".contains(&b))
}

fn is_long(rest: &str) -> bool {
    rest.len() >= MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_passwords_are_known_whoever_wrote_them() {
        let (base64, hex) = ("a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6", "0123456789abcdef".repeat(8));
        for hash in [
            format!("$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ${base64}"),
            format!("pbkdf2_sha256$870000$salt${base64}="),
            format!("scrypt:32768:8:1$salt${hex}"),
            format!("pbkdf2:sha256:600000$salt${hex}"),
            format!("$P$B{}", &hex[..30]),
            format!("$S$D{}", &hex[..51]),
            format!("{{SSHA512}}{base64}"),
            format!("{{CRYPT}}$6$salt${base64}"),
            format!("grub.pbkdf2.sha512.10000.{}.{}", hex.to_uppercase(), hex.to_uppercase()),
            format!("*{}", hex[..40].to_uppercase()),
            format!("SCRAM-SHA-256$4096:{base64}$a=:b="),
            format!("$6$rounds=5000$salt1234${base64}"),
        ] {
            for text in [
                hash.clone(),
                format!("bob:{hash}"),
                format!("users: \"bob:{hash}\", x"),
                format!("PW={hash}"),
            ] {
                assert!(has(&text), "{text}");
            }
        }
        assert!(has(&format!("Administrator:500:{}:{}:::", &hex[..32], &hex[..32])));
        for text in [
            &hex,
            "scrypt is slow: use it",
            "*BOLD* text",
            "costs $5$ or $6",
            "pbkdf2_sha256$870000",
            "a:{SHA}",
        ] {
            assert!(!has(text), "{text}");
        }
    }
}
