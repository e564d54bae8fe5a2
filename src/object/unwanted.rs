//! Effects whose end nobody waits for any more, and who performs them: they learn it while the object is in memory.

use std::collections::BTreeMap;
use std::future::{Future, pending};

use futures_channel::oneshot;

use super::machine::EffectId;

/// Who performs an effect and wants to know when it is wanted no more.
#[derive(Debug, Default)]
pub struct Unwanted {
    performed: BTreeMap<EffectId, oneshot::Sender<()>>,
}

impl Unwanted {
    /// Ends when [`Self::tell`] names the effect, and only then.
    pub fn of(&mut self, effect: &str) -> impl Future<Output = ()> + Send + use<> {
        let (sender, told) = oneshot::channel();
        self.performed.insert(effect.to_owned(), sender);
        async {
            if told.await.is_err() {
                pending::<()>().await;
            }
        }
    }

    /// These are wanted no more.
    pub fn tell(&mut self, effects: &[EffectId]) {
        for effect in effects {
            if let Some(sender) = self.performed.remove(effect) {
                // Who has stopped need not learn it.
                let _ = sender.send(());
            }
        }
    }

    /// It is performed no more.
    pub fn end(&mut self, effect: &str) {
        self.performed.remove(effect);
    }
}
