//! Where answers are kept: in the test process, over either transport.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use retinue::ports::{Replies, Unavailable};

use super::faults::SECRET;

#[derive(Clone, Default)]
pub struct FakeReplies {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// By key: what is kept, and for how many seconds.
    kept: BTreeMap<String, (Vec<u8>, u32)>,
    is_down: bool,
    is_hanging: bool,
}

impl FakeReplies {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Everything that is kept, and for how many seconds. It is kept past its time: whoever reads it must see that.
    pub fn kept(&self) -> Vec<(Vec<u8>, u32)> {
        self.lock().kept.values().cloned().collect()
    }

    pub fn keys(&self) -> Vec<String> {
        self.lock().kept.keys().cloned().collect()
    }

    /// Waits until so many answers are kept: they are put after the reply.
    pub async fn until(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.lock().kept.len() < count && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(self.lock().kept.len(), count);
    }

    /// Changes every answer that is kept.
    pub fn spoil(&self, change: impl Fn(&mut Vec<u8>)) {
        self.lock().kept.values_mut().for_each(|(content, _)| change(content));
    }

    /// From now on nothing is kept and nothing is found, or it is again.
    pub fn set_down(&self, is_down: bool) {
        self.lock().is_down = is_down;
    }

    /// From now on nobody who looks is answered, or they are again.
    pub fn set_hanging(&self, is_hanging: bool) {
        self.lock().is_hanging = is_hanging;
    }

    /// Ends when those who look are answered.
    pub async fn answers(&self) {
        while self.lock().is_hanging {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub fn find(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        let inner = self.lock();
        inner.check()?;
        Ok(inner.kept.get(key).map(|(content, _)| content.clone()))
    }

    pub fn keep(&self, key: &str, content: Vec<u8>, ttl_s: u32) -> Result<(), Unavailable> {
        let mut inner = self.lock();
        inner.check()?;
        inner.kept.insert(key.to_owned(), (content, ttl_s));
        Ok(())
    }
}

impl Inner {
    fn check(&self) -> Result<(), Unavailable> {
        if self.is_down { Err(Unavailable(format!("{SECRET}: no cache"))) } else { Ok(()) }
    }
}

impl Replies for FakeReplies {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.answers().await;
        self.find(key)
    }

    async fn put(&self, key: &str, content: Vec<u8>, ttl_s: u32) -> Result<(), Unavailable> {
        self.keep(key, content, ttl_s)
    }
}
