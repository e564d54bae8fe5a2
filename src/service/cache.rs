//! What an isolate remembers of the directory between calls.

/// Filled by the call path.
#[derive(Debug, Default)]
pub struct Cache {}
