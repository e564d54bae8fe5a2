//! What is sent to another object, one thing at a time, until it is confirmed. What there is to be sent, the thread's rows say.

use crate::domain::time::Millis;

/// How long after something was sent or confirmed the alarm rings: for one that was cut or hangs to be begun again, and for the
/// thread's row to say that it was confirmed, if nothing else has written it before; until then a restart sends it once more,
/// which changes nothing. The alarm of a run rings at about that time anyway.
const LOOK_MS: i64 = 25_000;

/// What memory knows of it.
#[derive(Debug)]
pub(super) struct Sending<T> {
    under_way: Option<UnderWay<T>>,
    /// After one that failed.
    again_at: Option<Millis>,
    /// When the last was confirmed of which the disk does not know.
    confirmed_at: Option<Millis>,
    /// How many were begun, which names each of them.
    count: u32,
}

#[derive(Debug)]
struct UnderWay<T> {
    nth: u32,
    since: Millis,
    what: T,
}

impl<T> Default for Sending<T> {
    fn default() -> Self {
        Self { under_way: None, again_at: None, confirmed_at: None, count: 0 }
    }
}

impl<T> Sending<T> {
    /// Takes over from one whose write failed: what that has begun may still end.
    pub const fn inherit(&mut self, fallen: &Self) {
        self.count = fallen.count;
    }

    pub fn wake(&mut self, now: Millis) {
        self.again_at.take_if(|at| *at <= now);
        self.under_way.take_if(|under_way| under_way.since.plus(LOOK_MS) <= now);
    }

    pub fn wake_at(&self) -> Option<Millis> {
        let since = self.under_way.as_ref().map(|under_way| under_way.since);
        let look_at = [since, self.confirmed_at].into_iter().flatten().min();
        [self.again_at, look_at.map(|at| at.plus(LOOK_MS))].into_iter().flatten().min()
    }

    /// Whether the thread's row is to be written for what was confirmed.
    pub const fn must_save(&self) -> bool {
        self.confirmed_at.is_some()
    }

    /// The thread's row is written.
    pub const fn saved(&mut self) {
        self.confirmed_at = None;
    }

    /// Whether another can begin.
    pub const fn is_free(&self) -> bool {
        self.under_way.is_none() && self.again_at.is_none()
    }

    /// Begins another, and says which it is.
    pub fn begin(&mut self, what: T, now: Millis) -> u32 {
        self.count = self.count.wrapping_add(1);
        self.under_way = Some(UnderWay { nth: self.count, since: now, what });
        self.count
    }

    pub fn under_way(&self) -> Option<&T> {
        self.under_way.as_ref().map(|under_way| &under_way.what)
    }

    pub fn under_way_mut(&mut self) -> Option<&mut T> {
        self.under_way.as_mut().map(|under_way| &mut under_way.what)
    }

    /// This one has ended; `None` where it is not the one that is under way.
    pub fn end(&mut self, nth: u32) -> Option<T> {
        self.under_way.take_if(|under_way| under_way.nth == nth).map(|under_way| under_way.what)
    }

    /// It was not taken.
    pub const fn failed(&mut self, again_at: Millis) {
        self.again_at = Some(again_at);
    }

    /// It was taken.
    pub const fn confirmed(&mut self, now: Millis) {
        self.confirmed_at = Some(now);
    }
}
