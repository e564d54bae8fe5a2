//! Secrets that are written otherwise than they are sent: escaped, spaced, in other case, as base64 or hex.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{PIECE, Secret, Spans};

/// So many characters of base64 or hex hold about a piece.
const PIECE_BASE64: usize = 12;
const PIECE_HEX: usize = 16;
/// How often a text is taken for escaped once more.
const MAX_ROUNDS: usize = 3;

/// Marks the places of these secrets' pieces in any other form. A secret shorter than a piece is no key, and is not
/// looked for: it would be found in ordinary words.
pub(super) fn otherwise(text: &str, secrets: &[&Secret], hidden: &mut Spans) {
    let plain: Vec<Vec<u8>> = secrets
        .iter()
        .map(|secret| Reading::new(secret.expose()).bytes)
        .filter(|secret| secret.len() >= PIECE)
        .collect();
    if plain.is_empty() {
        return;
    }
    let exposed =
        || secrets.iter().map(|secret| secret.expose().trim()).filter(|secret| secret.len() >= PIECE);
    let base64: Vec<Vec<u8>> = exposed().flat_map(base64).collect();
    let hex: Vec<Vec<u8>> = exposed().map(hex).collect();
    let sets = [(PIECE, &plain), (PIECE_BASE64, &base64), (PIECE_HEX, &hex)]
        .map(|(length, forms)| (length, forms.iter().flat_map(|form| form.windows(length)).collect()));
    let mut reading = Reading::new(text);
    for _ in 0..=MAX_ROUNDS {
        for (length, pieces) in &sets {
            reading.mark(*length, pieces, hidden);
        }
        match reading.unescaped() {
            Some(unescaped) => reading = unescaped,
            None => return,
        }
    }
}

/// What is in the base64 of any text with the secret in it, at each of the three places it may begin: its first and last
/// characters hold bits of what stands beside it. In both alphabets, without regard to case.
fn base64(secret: &str) -> impl Iterator<Item = Vec<u8>> {
    let forms = (0..3).map(|shift| {
        let encoded = STANDARD_NO_PAD.encode([&[0; 2][..shift], secret.as_bytes()].concat());
        let own = (shift * 8).div_ceil(6)..(shift + secret.len()) * 8 / 6;
        encoded.get(own).unwrap_or_default().to_ascii_lowercase().into_bytes()
    });
    forms.flat_map(|form| {
        let other = form.iter().map(|byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            other => *other,
        });
        [other.collect(), form]
    })
}

fn hex(secret: &str) -> Vec<u8> {
    let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
    secret.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The visible ASCII characters of a text in lower case, each with its place in the text.
pub(super) struct Reading {
    bytes: Vec<u8>,
    /// Begin and end.
    places: Vec<(usize, usize)>,
}

impl Reading {
    fn new(text: &str) -> Self {
        let mut reading = Self { bytes: Vec::new(), places: Vec::new() };
        for (at, byte) in text.bytes().enumerate() {
            reading.push(byte, (at, at + 1));
        }
        reading
    }

    fn push(&mut self, byte: u8, place: (usize, usize)) {
        if byte.is_ascii_graphic() {
            self.bytes.push(byte.to_ascii_lowercase());
            self.places.push(place);
        }
    }

    fn mark(&self, length: usize, pieces: &BTreeSet<&[u8]>, hidden: &mut Spans) {
        for (at, window) in self.bytes.windows(length).enumerate() {
            if pieces.contains(window) {
                hidden.add(self.places[at].0, self.places[at + length - 1].1);
            }
        }
    }

    /// With one layer of escapes undone; `None` if there are none.
    fn unescaped(&self) -> Option<Self> {
        let mut reading = Self { bytes: Vec::new(), places: Vec::new() };
        let (mut at, mut has_escapes) = (0, false);
        while at < self.bytes.len() {
            let (byte, length) = escape(&self.bytes[at..]).unwrap_or((self.bytes[at], 1));
            has_escapes |= length > 1;
            reading.push(byte, (self.places[at].0, self.places[at + length - 1].1));
            at += length;
        }
        has_escapes.then_some(reading)
    }
}

/// The character of an escape that the text begins with, and the escape's length: `%2b`, `&#43;`, `&#x2b;`, `&amp;`,
/// `\u002b`, `\x2b`, `\/`. A character that is not visible ASCII is 0.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    let number = |digits: &[u8], radix| {
        let is_number = digits.iter().all(|digit| char::from(*digit).is_digit(radix));
        let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()?;
        is_number.then(|| u8::try_from(code).unwrap_or(0))
    };
    match text {
        [b'%', rest @ ..] => Some((number(rest.get(..2)?, 16)?, 3)),
        [b'\\', b'u', rest @ ..] => Some((number(rest.get(..4)?, 16)?, 6)),
        [b'\\', b'x', rest @ ..] => Some((number(rest.get(..2)?, 16)?, 4)),
        [b'\\', b'b' | b'f' | b'n' | b'r' | b't', ..] => Some((0, 2)),
        [b'\\', other, ..] => Some((*other, 2)),
        [b'&', rest @ ..] => {
            let end = rest.iter().take(10).position(|byte| *byte == b';')?;
            let byte = match &rest[..end] {
                [b'#', b'x', digits @ ..] => number(digits, 16)?,
                [b'#', digits @ ..] => number(digits, 10)?,
                b"amp" => b'&',
                b"lt" => b'<',
                b"gt" => b'>',
                b"quot" => b'"',
                b"apos" => b'\'',
                _ => return None,
            };
            Some((byte, end + 2))
        }
        _ => None,
    }
}
