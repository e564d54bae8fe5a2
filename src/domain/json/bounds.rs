//! How many values a text of JSON may have: what is built of one takes many times the bytes that it is written in.

use memchr::memchr2;

/// The most values of a text: objects, lists and what is in them.
pub const MAX_VALUES: usize = 200_000;

/// Whether the text has at most [`MAX_VALUES`] values. Nothing is built for that; what is no JSON is somebody else's fault to
/// find.
pub fn has_few_values(text: &[u8]) -> bool {
    if text.len() <= MAX_VALUES {
        return true;
    }
    let (mut rest, mut marks) = (text, 0);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => rest = behind_string(rest),
            b',' | b'{' | b'[' => marks += 1,
            _ => {}
        }
        if marks > MAX_VALUES {
            return false;
        }
    }
    true
}

/// What follows the quote that ends a string.
fn behind_string(mut inside: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', inside) {
        match inside[at] {
            b'"' => return &inside[at + 1..],
            _ => inside = inside.get(at + 2..).unwrap_or_default(),
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_and_texts_are_not() {
        let list = |entry: &str, n: usize| format!("[{}{entry}]", format!("{entry},").repeat(n - 1));
        for (text, fits) in [
            (list("0", MAX_VALUES), true),
            (list("0", MAX_VALUES + 1), false),
            (list("{}", MAX_VALUES / 2), true),
            (list("{}", MAX_VALUES / 2 + 1), false),
            (format!("[\"{}\"]", ",".repeat(2 * MAX_VALUES)), true),
            (format!("[\"\\\"{}\\\\\",\"{}\"]", "[".repeat(2 * MAX_VALUES), ",".repeat(9)), true),
            (format!("[\"\\\\\",{}0]", "0,".repeat(MAX_VALUES)), false),
            (format!("\"{}\\", ",".repeat(2 * MAX_VALUES)), true),
        ] {
            assert_eq!(has_few_values(text.as_bytes()), fits, "{:.20} of {} bytes", text, text.len());
        }
    }
}
