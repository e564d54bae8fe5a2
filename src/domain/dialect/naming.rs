//! Names and identifiers in the alphabet and the length that a server takes.
//!
//! One that does not fit becomes one made of its hash: the same each time, so that a call and its result still belong
//! together, and another for another.

use std::borrow::Cow;

use super::knobs::{Alphabet, Naming};

/// Digits of the hash; 62¹¹ > 2⁶⁴.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HASH_LEN: usize = 11;

impl Naming {
    /// The longest and the shortest that a rule may demand.
    pub const LENGTHS: std::ops::RangeInclusive<u16> = 1..=512;

    pub const fn new(alphabet: Alphabet, min: u16, max: u16) -> Self {
        Self { alphabet, min, max }
    }

    /// The name itself where it fits, otherwise one that does.
    pub fn fit(self, name: &str) -> Cow<'_, str> {
        if self.fits(name) { Cow::Borrowed(name) } else { Cow::Owned(self.substitute(name)) }
    }

    pub fn fits(self, name: &str) -> bool {
        let length = (usize::from(self.min)..=usize::from(self.max)).contains(&name.chars().count());
        let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        length
            && match self.alphabet {
                Alphabet::Any => true,
                Alphabet::Words => name.bytes().all(word),
                Alphabet::Identifier => {
                    name.bytes().all(word)
                        && name
                            .bytes()
                            .next()
                            .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
                }
                Alphabet::Dotted => name.bytes().all(|byte| word(byte) || byte == b'.'),
                Alphabet::Alphanumeric => name.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            }
    }

    /// As much of the name as can stay, for people, and its hash.
    fn substitute(self, name: &str) -> String {
        let (min, max) = (usize::from(self.min), usize::from(self.max));
        let has_separators = self.alphabet != Alphabet::Alphanumeric;
        let allowed = |c: &char| c.is_ascii_alphanumeric() || (has_separators && matches!(c, '_' | '-'));
        let room = max.saturating_sub(HASH_LEN + 1);
        let mut substitute: String = if has_separators && room > 0 {
            // A letter comes first whatever the name begins with.
            let kept = name.chars().filter(allowed).skip_while(|c| !c.is_ascii_alphabetic()).take(room);
            let kept: String = kept.collect();
            if kept.is_empty() { "x_".chars().take(room).collect() } else { kept + "_" }
        } else {
            String::new()
        };
        let mut hash = hash(name);
        let length = (substitute.len() + HASH_LEN).clamp(min, max);
        while substitute.len() < length {
            if hash == 0 {
                hash = u64::MAX;
            }
            substitute.push(char::from(DIGITS[(hash % 62) as usize]));
            hash /= 62;
        }
        substitute
    }
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MISTRAL: Naming = Naming::new(Alphabet::Alphanumeric, 9, 9);
    const OPENAI: Naming = Naming::new(Alphabet::Words, 1, 64);

    #[test]
    fn what_fits_stays_and_what_does_not_is_the_same_each_time() {
        assert_eq!(OPENAI.fit("toolu_01ABCdef"), "toolu_01ABCdef");
        let mapped = MISTRAL.fit("toolu_01ABCdef");
        assert_eq!((mapped.len(), mapped.clone()), (9, MISTRAL.fit("toolu_01ABCdef")));
        assert_eq!(MISTRAL.fit("abcdef123"), "abcdef123");
        assert_ne!(MISTRAL.fit("call_1"), MISTRAL.fit("call_2"));
        assert_ne!(OPENAI.fit("a b"), OPENAI.fit("a/b"));
        assert!(OPENAI.fit("get weather").starts_with("getweather_"));
    }

    proptest! {
        #[test]
        fn whatever_is_fitted_fits(
            name in "\\PC{0,80}",
            alphabet in prop::sample::select(vec![
                Alphabet::Any, Alphabet::Words, Alphabet::Dotted, Alphabet::Identifier, Alphabet::Alphanumeric,
            ]),
            (min, max) in (1..100_u16, 0..100_u16).prop_map(|(min, more)| (min, min + more)),
        ) {
            let naming = Naming::new(alphabet, min, max);
            let fitted = naming.fit(&name);
            // Too short for a hash and a letter: digits alone.
            prop_assume!(alphabet != Alphabet::Identifier || max > 12);
            prop_assert!(naming.fits(&fitted), "{} of {:?}", fitted, naming);
        }
    }
}
