//! Where answers are kept for requests that come again.

use std::future::Future;

use super::failure::Unavailable;

/// Keeps bytes by a key of lower-case hex digits, near where they were put and as long as it likes: whoever gets them checks
/// whether they are still good.
pub trait Replies: Send + Sync {
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, Unavailable>> + Send;
    /// Keeps them for at most so many seconds.
    fn put(
        &self,
        key: &str,
        content: Vec<u8>,
        ttl_s: u32,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
}
