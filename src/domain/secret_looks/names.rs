//! Names that say that a secret stands under them.

/// Words of a name whose value is a secret, and that of each object below it.
const STRONG: [&str; 16] = [
    "secret",
    "secrets",
    "password",
    "passwords",
    "passwd",
    "pwd",
    "passphrase",
    "passcode",
    "jwt",
    "psk",
    "htpasswd",
    "credential",
    "credentials",
    "cookie",
    "cookies",
    "bearer",
];
/// Those of them whose value may be ordinary words.
const WORDY: [&str; 6] = ["credential", "credentials", "cookie", "cookies", "bearer", "jwt"];
/// Words of a name whose text is a secret.
const WEAK: [&str; 6] = ["key", "keys", "token", "tokens", "authorization", "auth"];
/// Words of a name whose text is a secret if nobody would write it by hand.
const SLIGHT: [&str; 8] = ["sid", "session", "sessionid", "signature", "hmac", "otp", "pat", "usertoken"];
/// What makes one name of two words in a text: `API key`.
const QUALIFIERS: [&str; 10] =
    ["api", "access", "secret", "private", "auth", "client", "refresh", "signing", "service", "license"];
/// Ends of names that are written without a sign between their words.
const ENDS: [&str; 17] = [
    "apikey",
    "apikeys",
    "authkey",
    "accesskey",
    "privatekey",
    "secretkey",
    "token",
    "password",
    "passwd",
    "clientsecret",
    "apisecret",
    "dbpass",
    "userpass",
    "smtppass",
    "authtoken",
    "pwd",
    "sshpass",
];
/// The end of a name that a password has: `DB_PASS`.
const PASS: &str = "pass";
/// What else a pass is, by the word before it.
const PASSES: [&str; 14] = [
    "first", "second", "third", "last", "final", "next", "single", "one", "two", "multi", "per", "each",
    "by", "must",
];
/// Words beside those by which a name says how many, which of a row, where it is, or what is done with it.
const HARMLESS: [&str; 55] = [
    "max",
    "min",
    "limit",
    "limits",
    "count",
    "budget",
    "usage",
    "window",
    "total",
    "num",
    "prompt",
    "completion",
    "output",
    "input",
    "primary",
    "foreign",
    "sort",
    "partition",
    "cache",
    "state",
    "result",
    "public",
    "index",
    "idempotency",
    "group",
    "env",
    "var",
    "name",
    "ref",
    "path",
    "file",
    "type",
    "url",
    // Tokens of texts and pages.
    "eos",
    "bos",
    "pad",
    "unk",
    "sep",
    "cls",
    "mask",
    "stop",
    "special",
    "page",
    "next",
    "continuation",
    // Keys of keyboards and tables.
    "shortcut",
    "hot",
    "field",
    "fields",
    // What people agree about secrets.
    "policy",
    "policies",
    "required",
    "rotation",
    "expiry",
    "length",
];

/// What a name says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    Nothing,
    /// It speaks of a secret: `key_points`, `TOKEN_STAGING`. Only what a machine made is one.
    About,
    /// One word, which may be another's: `key`, `token`.
    Weak,
    /// `DB_PASS`, but neither `first_pass` nor `allow_pass: yes`.
    Pass,
    /// `api_key`.
    Compound,
    /// `password`, all the way down.
    Strong,
}

/// What a name says.
pub fn naming(name: &str) -> Naming {
    let words = words(name);
    if words.iter().any(|word| HARMLESS.contains(&word.as_str())) {
        return if is_connection(name) { Naming::Strong } else { Naming::Nothing };
    }
    let is_number = |word: &&String| word.bytes().all(|byte| byte.is_ascii_digit());
    let own: Vec<&String> = words.iter().filter(|word| !is_number(word)).collect();
    let Some((last, before)) = own.split_last() else { return Naming::Nothing };
    let is_weak = |word: &str| WEAK.contains(&word);
    let is_end = |word: &str| !is_weak(word) && ENDS.iter().any(|end| word.ends_with(end));
    if is_connection(name) || own.iter().any(|word| STRONG.contains(&word.as_str())) {
        return Naming::Strong;
    }
    if is_end(last) || (is_weak(last) && !before.is_empty()) {
        return Naming::Compound;
    }
    if last.as_str() == PASS && !before.last().is_some_and(|word| PASSES.contains(&word.as_str())) {
        return Naming::Pass;
    }
    let is_slight = |word: &&String| SLIGHT.contains(&word.as_str()) || is_weak(word) || is_end(word);
    match is_weak(last) {
        true => Naming::Weak,
        false if own.iter().any(is_slight) => Naming::About,
        false => Naming::Nothing,
    }
}

/// What two words in a text say together, as `API key`; else what the second one says.
pub fn naming_of_two(first: &str, second: &str) -> Naming {
    let own = naming(second);
    let is_one = QUALIFIERS.contains(&first.to_ascii_lowercase().as_str());
    if own == Naming::Weak && is_one { Naming::Compound } else { own }
}

/// Whether what stands under this name is secret all the way down.
pub fn is_strong(name: &str) -> bool {
    naming(name) == Naming::Strong
}

/// Whether a name says that its text is a secret.
pub fn is_name(name: &str) -> bool {
    matches!(naming(name), Naming::Weak | Naming::Compound | Naming::Strong)
}

/// Whether ordinary words may stand under a name that is strong: `cookie: chocolate chip`, but no passphrase.
pub fn is_wordy(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|word| WORDY.contains(&word.as_str()))
        && !words.iter().any(|word| STRONG.contains(&word.as_str()) && !WORDY.contains(&word.as_str()))
}

/// `api_key`: YAML may take what stands there for a number.
pub fn is_key(name: &str) -> bool {
    let words = words(name);
    let is_of = |word: &String| matches!(word.as_str(), "api" | "access" | "private" | "secret");
    words.iter().any(is_of) && words.iter().any(|word| word == "key")
        || words.iter().any(|word| word == "apikey")
}

fn is_connection(name: &str) -> bool {
    name.to_ascii_lowercase().replace(['_', '-', ' '], "").contains("connectionstring")
}

/// `xApiKey`, `X-API-KEY` and `x_api_key` have the same words.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in name.chars() {
        if (!c.is_alphanumeric() || (c.is_uppercase() && was_small))
            && words.last().is_some_and(|word| !word.is_empty())
        {
            words.push(String::new());
        }
        was_small = c.is_lowercase();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_how_much_its_value_is_a_secret() {
        for (name, said) in [
            ("password", Naming::Strong),
            ("connection_string_url", Naming::Strong),
            ("x-api-key", Naming::Compound),
            ("OPENAI_API_KEY_2", Naming::Compound),
            ("PGPASSWORD", Naming::Compound),
            ("githubToken", Naming::Compound),
            ("DB_PASS", Naming::Pass),
            ("first_pass", Naming::Nothing),
            ("key", Naming::Weak),
            ("key_points", Naming::About),
            ("TOKEN_STAGING", Naming::About),
            ("eos_token", Naming::Nothing),
            ("shortcut_key", Naming::Nothing),
            ("password_policy", Naming::Nothing),
            ("access_key_rotation", Naming::Nothing),
            ("credentials_required", Naming::Nothing),
            ("monkey", Naming::Nothing),
        ] {
            assert_eq!(naming(name), said, "{name}");
        }
        assert_eq!(naming_of_two("API", "key"), Naming::Compound);
        assert_eq!(naming_of_two("the", "key"), Naming::Weak);
        assert!(is_wordy("Cookie") && !is_wordy("password") && !is_wordy("cookie_secret"));
    }
}
