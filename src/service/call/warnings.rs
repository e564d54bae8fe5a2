//! Which warnings a client is shown: those of fields that it set itself, and of names that nobody knows.

use crate::domain::extra::Extras;
use crate::domain::message::Sampling;
use crate::domain::warning::{Code, Warning};

/// The warnings of an attempt that are the client's business; `asked` is the sampling without the line's parameters, which
/// are the agent's.
pub fn of_client(
    warnings: Vec<Warning>,
    (asked, sent): (&Sampling, &Sampling),
    extras: &Extras,
) -> Vec<Warning> {
    let mut shown = warnings;
    shown.extend(shortened(asked, sent));
    shown.retain(|warning| match warning.field.as_str() {
        "temperature" => asked.temperature.is_some(),
        "top_p" => asked.top_p.is_some(),
        "seed" => asked.seed.is_some(),
        "reasoning_effort" => asked.reasoning_effort.is_some(),
        "stop" => !asked.stop.is_empty(),
        _ => true,
    });
    shown.extend(unknown_fields(extras));
    shown
}

/// The names in a request that nobody knows.
pub fn unknown_fields(extras: &Extras) -> impl Iterator<Item = Warning> + '_ {
    let named = extras.unknown.iter().map(|name| {
        let message = format!("`{name}` is not a field that is known here: it was left out");
        Warning::new(name, Code::UnknownField, message)
    });
    let more = (extras.more_unknown > 0).then(|| {
        let message = format!("and {} more fields that are not known here", extras.more_unknown);
        Warning::new("", Code::UnknownField, message)
    });
    named.chain(more)
}

/// An answer that may be shorter than the client allowed it to be.
fn shortened(asked: &Sampling, sent: &Sampling) -> Option<Warning> {
    let (asked, sent) = asked.max_output_tokens.zip(sent.max_output_tokens)?;
    let message = format!(
        "{asked} tokens were asked for and {sent} sent: more the model, the agent's line or what is left of the budget does \
         not allow"
    );
    (sent < asked).then(|| Warning::new("max_tokens", Code::Adapted, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_agents_line_sets_is_not_the_clients_business() {
        let warnings = || vec![Warning::not_taken("temperature"), Warning::not_taken("top_k")];
        let asked = Sampling { temperature: Some(0.2), ..Sampling::default() };
        assert_eq!(of_client(warnings(), (&asked, &asked), &Extras::default()), warnings());
        let none = Sampling::default();
        let shown = of_client(warnings(), (&none, &none), &Extras::default());
        assert_eq!(shown, [Warning::not_taken("top_k")]);
    }

    #[test]
    fn unknown_names_are_shown_and_how_many_more_there_are() {
        let mut extras = Extras::default();
        (0..20).for_each(|number| extras.put_unknown(|| format!("x{number}")));
        let none = Sampling::default();
        let shown = of_client(Vec::new(), (&none, &none), &extras);
        assert_eq!((shown.len(), shown[0].field.as_str(), shown[0].code), (17, "x0", Code::UnknownField));
        assert_eq!(shown[16].message, "and 4 more fields that are not known here");
    }

    #[test]
    fn a_limit_that_was_lowered_is_shown() {
        let of = |limit| Sampling { max_output_tokens: limit, ..Sampling::default() };
        let shown = |asked, sent| of_client(Vec::new(), (&of(asked), &of(sent)), &Extras::default());
        assert_eq!(shown(Some(9), Some(4))[0].field, "max_tokens");
        for (asked, sent) in [(Some(9), Some(9)), (None, Some(4)), (Some(9), None)] {
            assert!(shown(asked, sent).is_empty());
        }
    }
}
