//! What a client is shown of a call whose attempts have all failed.

use super::error::Error;

/// How the attempts of one call have failed, and what the client is shown of them all.
#[derive(Default)]
pub struct Failures {
    /// Of the failures that pass if there are any, else of all.
    last: Option<Error>,
    attempts: usize,
    limited: usize,
    /// The shortest that a provider has said.
    retry_after_s: Option<u32>,
}

impl Failures {
    pub fn note(&mut self, error: Error) {
        self.attempts += 1;
        if let Error::Busy { is_limited, retry_after_s, .. } = &error {
            self.limited += usize::from(*is_limited);
            let shortest = self.retry_after_s.into_iter().chain(*retry_after_s).min();
            self.retry_after_s = shortest;
        }
        // Who may be answered a moment later is not shown what stays as it is.
        let stays = |error: &Error| matches!(error, Error::UpstreamDenies(_) | Error::Unreachable(_));
        if !stays(&error) || self.last.as_ref().is_none_or(stays) {
            self.last = Some(error);
        }
    }

    /// The last that passes, which is a rate limit only if each was.
    pub fn shown(self) -> Error {
        match self.last {
            Some(Error::Busy { message, given, .. }) => Error::Busy {
                message,
                is_limited: self.limited == self.attempts,
                retry_after_s: self.retry_after_s,
                given,
            },
            Some(error) => error,
            None => Error::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::call::error::Given;

    #[test]
    fn a_rate_limit_is_one_only_if_each_provider_said_so() {
        let busy = |is_limited, retry_after_s| Error::Busy {
            message: "m".to_owned(),
            is_limited,
            retry_after_s,
            given: Box::<Given>::default(),
        };
        let shown = |errors: Vec<Error>| {
            let mut failures = Failures::default();
            errors.into_iter().for_each(|error| failures.note(error));
            failures.shown()
        };
        assert_eq!(shown(vec![busy(true, Some(20)), busy(true, Some(7))]), busy(true, Some(7)));
        assert_eq!(shown(vec![busy(false, None), busy(true, Some(20))]), busy(false, Some(20)));
        assert_eq!(shown(vec![Error::UpstreamTimeout, busy(true, None)]), busy(false, None));
        assert_eq!(shown(vec![busy(true, Some(3)), Error::UpstreamTimeout]), Error::UpstreamTimeout);
        let denies = || Error::UpstreamDenies("m".to_owned());
        assert_eq!(shown(vec![Error::UpstreamTimeout, denies()]), Error::UpstreamTimeout);
        assert_eq!(shown(vec![busy(true, Some(3)), denies()]), busy(false, Some(3)));
        assert_eq!(shown(vec![denies(), denies()]), denies());
    }
}
