//! How an effect has ended is said until the object has written it.

use super::App;
use super::retry::Policy;
use crate::ports::{Unavailable, World};

/// How often it is said, where it cannot be written: for about a minute.
const ENDS: Policy = Policy { tries: 12, first_pause_ms: 100, most_ms: 10_000, jitter_percent: 25 };

/// Says how the effect of this id has ended; whether it was open, or `None` where that could not be written at all.
pub async fn said<W: World>(
    app: &App<W>,
    id: &str,
    mut say: impl FnMut() -> Result<bool, Unavailable>,
) -> Option<bool> {
    let mut tries = ENDS.begin();
    loop {
        match say() {
            Ok(was_open) => return Some(was_open),
            Err(error) => app.world.log(&format!("the end of {id} is not written: {error}")),
        }
        if !tries.again(&app.world).await {
            return None;
        }
    }
}
