//! The wires: what protocol an upstream API speaks.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The protocol an upstream API speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wire {
    /// `POST {base}/chat/completions`, OpenAI's and its many imitators'.
    #[serde(rename = "openai")]
    OpenAi,
    /// `POST {base}/messages`.
    Anthropic,
    /// `POST {base}/models/{code}:generateContent`.
    Gemini,
    /// Cloudflare's models, by binding: no URL and no key.
    WorkersAi,
}

impl Wire {
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Anthropic, Self::Gemini, Self::WorkersAi];

    /// The name in JSON and in the directory.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::WorkersAi => "workers-ai",
        }
    }

    /// `None` when there is no such wire.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wire| wire.as_str() == text)
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wires_are_written_as_they_are_stored() {
        for wire in Wire::ALL {
            assert_eq!(serde_json::to_string(&wire).unwrap(), format!("\"{wire}\""));
            assert_eq!(serde_json::from_str::<Wire>(&format!("\"{wire}\"")).unwrap(), wire);
            assert_eq!(Wire::parse(wire.as_str()), Some(wire));
        }
        assert_eq!(Wire::parse("OpenAI"), None);
    }
}
