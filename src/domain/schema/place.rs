//! Where a value stands.

use std::fmt::Write;

/// The most characters of a place that are written: names in it may be the model's.
const MAX_CHARS: usize = 200;

#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    Root,
    Key(&'a Self, &'a str),
    Index(&'a Self, usize),
}

impl Place<'_> {
    /// As a JSON Pointer (RFC 6901), empty at the top; the first characters of one that is long.
    pub fn pointer(&self) -> String {
        let mut written = String::new();
        self.write(&mut written, &|written, step| match step {
            Step::Key(name) => {
                written.push('/');
                written.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Step::Index(at) => drop(write!(written, "/{at}")),
        });
        cut(written)
    }

    /// As fields of a request are named: `properties.age.minimum`, `anyOf[0]`, below a field.
    pub fn field(&self, field: &str) -> String {
        let mut written = field.to_owned();
        self.write(&mut written, &|written, step| match step {
            Step::Key(name) => {
                written.push('.');
                written.push_str(name);
            }
            Step::Index(at) => drop(write!(written, "[{at}]")),
        });
        cut(written)
    }

    fn write(&self, written: &mut String, step: &dyn Fn(&mut String, Step<'_>)) {
        match self {
            Self::Root => {}
            Self::Key(parent, name) => {
                parent.write(written, step);
                step(written, Step::Key(name));
            }
            Self::Index(parent, at) => {
                parent.write(written, step);
                step(written, Step::Index(*at));
            }
        }
    }
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// The first characters of a text that may be the model's or a client's.
pub fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}
