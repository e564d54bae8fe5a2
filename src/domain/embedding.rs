//! Texts as vectors: what a model is asked, and what it answers.

use serde_json::value::RawValue;

/// The most texts of a request; OpenAI's limit.
pub const MAX_INPUTS: usize = 2_048;
/// The most tokens that one input may have where it comes as their numbers.
pub const MAX_TOKENS: usize = 100_000;
pub const MAX_DIMENSIONS: u32 = 65_536;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Embed {
    pub inputs: Inputs,
    /// How many numbers a vector has; `None`: as many as the model's own.
    pub dimensions: Option<u32>,
    pub is_base64: bool,
    pub user: Option<String>,
}

/// What is to be made vectors; never empty.
#[derive(Clone, Debug, PartialEq)]
pub enum Inputs {
    Texts(Vec<String>),
    /// Each as the numbers of its tokens, which only the model's own provider understands.
    Tokens(Vec<Vec<u32>>),
}

/// A vector as it came, which is most of an answer and passes as it is: a list of numbers in JSON, or bytes in base64.
#[derive(Debug)]
pub enum Vector {
    Numbers(Box<RawValue>),
    Base64(String),
}

/// What models put around each text.
const PER_INPUT: u64 = 16;

impl Inputs {
    pub const fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Tokens(all) => all.len(),
        }
    }

    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A strict upper bound of their tokens, see [`super::bound`].
    pub fn bound(&self) -> u64 {
        let said: usize = match self {
            Self::Texts(texts) => texts.iter().map(String::len).sum(),
            Self::Tokens(all) => all.iter().map(Vec::len).sum(),
        };
        (said as u64).saturating_add((self.len() as u64).saturating_mul(PER_INPUT))
    }
}
