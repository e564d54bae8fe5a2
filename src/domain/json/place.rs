//! Where a value stands, and what is said of it there.

use std::fmt;

use serde::de::Unexpected;
use serde_json::Value;

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
pub enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    /// As `budget.limit_usd` and `tools[1]`. Of names that a client made up the first characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, name) => write!(f, "{name:.64}"),
            Self::Key(parent, name) => write!(f, "{parent}.{name:.64}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// What does not fit, in serde's words.
#[derive(Debug)]
pub struct Fault {
    pub message: String,
    pub path: Option<String>,
}

impl Fault {
    /// The innermost place wins.
    pub fn at(mut self, path: &Path<'_>) -> Self {
        self.path.get_or_insert_with(|| path.to_string());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), path: None }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        match found {
            Unexpected::Unit => Self::custom(format_args!("invalid type: null, expected {expected}")),
            Unexpected::Float(number) => {
                let number = Value::from(number);
                Self::custom(format_args!("invalid type: floating point `{number}`, expected {expected}"))
            }
            found => Self::custom(format_args!("invalid type: {found}, expected {expected}")),
        }
    }
}
