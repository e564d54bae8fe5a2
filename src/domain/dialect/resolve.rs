//! The rows that apply, laid over one another.

use std::borrow::Cow;

use super::family::family;
use super::patch::{Dialect, Patch};
use super::table::{self, Row};
use super::version::version;
use crate::domain::extra;
use crate::domain::glob::glob;
use crate::domain::provider::Wire;

/// The dialect of one model at one provider. `host` is that of its address; `own` is what the account says of it.
pub fn resolve(wire: Wire, name: &str, host: Option<&str>, code: &str, own: Option<&Patch>) -> Dialect {
    let family = family(wire, name, host);
    let mut dialect = Dialect::new(wire);
    dialect.extras = extra::TABLE.iter().map(|extra| extra.name_at(family).map(Cow::Borrowed)).collect();
    let code = code.to_ascii_lowercase();
    for row in table::ROWS.iter().copied().flatten().filter(|row| row.holds(wire, family, &code)) {
        dialect.lay(&row.traits);
        for name in row.without {
            if let Some(taken) = extra::Extra::find(name).and_then(|place| dialect.extras.get_mut(place)) {
                *taken = None;
            }
        }
    }
    if let Some(own) = own {
        dialect.lay_own(own);
        for of_model in own.models.iter().filter(|of_model| glob(&of_model.model.to_ascii_lowercase(), &code))
        {
            dialect.lay_own(&of_model.dialect);
        }
    }
    dialect
}

impl Dialect {
    /// The dialect of a server of this wire of which nothing is known.
    pub fn plain(wire: Wire) -> Self {
        resolve(wire, "", None, "", None)
    }

    /// The places of the extras that are taken.
    pub fn taken(&self) -> u64 {
        let places = self.extras.iter().enumerate().filter(|(_, name)| name.is_some());
        places.fold(0, |mask, (place, _)| mask | 1 << place)
    }

    /// What the server calls the extra at this place of the table.
    pub fn extra(&self, place: usize) -> Option<&str> {
        self.extras.get(place)?.as_deref()
    }
}

impl Row {
    fn holds(&self, wire: Wire, family: &str, code: &str) -> bool {
        let by_version = || {
            let version = version(code).unwrap_or((u8::MAX, 0));
            self.from <= version && version < self.below
        };
        self.wire == wire
            && (self.families.is_empty() || self.families.contains(&family))
            && (self.models.is_empty() || self.models.iter().any(|pattern| glob(pattern, code)))
            && by_version()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LimitField, Prefill, System};
    use super::*;

    #[test]
    fn an_accounts_own_words_win_and_those_for_a_model_over_them() {
        let own: Patch = serde_json::from_str(
            r#"{"system": "one", "limit_field": "max_completion_tokens", "extras": {"top_k": "topk", "store": ""},
                "models": [{"model": "GLM-*", "dialect": {"limit_field": "max_tokens", "prefill": "refused"}}]}"#,
        )
        .unwrap();
        let of = |code| resolve(Wire::OpenAi, "mine", None, code, Some(&own));
        let (other, glm) = (of("qwen-3"), of("glm-5"));
        assert_eq!((other.system, glm.system), (System::One, System::One));
        assert_eq!(other.limit_field, LimitField::MaxCompletionTokens);
        assert_eq!(glm.limit_field, LimitField::MaxTokens);
        assert_eq!((other.prefill, glm.prefill), (Prefill::Taken, Prefill::Refused));
        let place = |name| extra::Extra::find(name).unwrap();
        assert_eq!(other.extra(place("top_k")), Some("topk"));
        assert_eq!(other.extra(place("store")), None);
        assert_eq!(other.extra(place("min_p")), Some("min_p"));
    }
}
