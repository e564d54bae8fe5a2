//! References of a schema to a place in itself: `#`, `#/$defs/address`.

use serde_json::{Map, Value};

/// The JSON Pointer that a reference is; `None` where it leads elsewhere.
pub fn pointer(reference: &str) -> Option<String> {
    let fragment = reference.strip_prefix('#')?;
    let pointer = unescaped(fragment)?;
    (pointer.is_empty() || pointer.starts_with('/')).then_some(pointer)
}

/// Without what URIs escape by per cent.
fn unescaped(fragment: &str) -> Option<String> {
    if !fragment.contains('%') {
        return Some(fragment.to_owned());
    }
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// What a schema refers to.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// The whole of it.
    Top,
    Part(&'a Value),
}

/// What stands at a JSON Pointer of a schema.
pub fn find<'a>(root: &'a Map<String, Value>, pointer: &str) -> Option<Target<'a>> {
    let Some(rest) = pointer.strip_prefix('/') else { return pointer.is_empty().then_some(Target::Top) };
    let (first, rest) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let first = root.get(&first.replace("~1", "/").replace("~0", "~"))?;
    first.pointer(rest).map(Target::Part)
}
