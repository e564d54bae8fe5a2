//! What this isolate remembers of the directory: its Worker and all of its objects share it, or each object would read anew
//! what the others know. Plain data, which an epoch voids; gone with the isolate or with a panic.

use std::sync::Arc;

use crate::service::cache::Cache;

thread_local! {
    static CACHE: Arc<Cache> = Arc::default();
}

pub fn cache() -> Arc<Cache> {
    CACHE.with(Arc::clone)
}
