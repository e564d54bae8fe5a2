//! Failures on demand: the n-th operation of a name, before or after it was persisted.
//!
//! Operations are the names of queries (`INSERT_AGENT`) and of what objects are asked (`begin_write`).

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// On which side of its effect an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Before,
    /// It is persisted; the answer is lost.
    After,
}

/// The failures planned, and a log of what was done.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    planned: Vec<Planned>,
    done: Vec<String>,
    meddlers: Vec<(String, Box<dyn FnMut() + Send>)>,
}

#[derive(Debug)]
struct Planned {
    operation: String,
    countdown: u32,
    when: When,
}

/// Stands for every operation.
pub const ANY: &str = "*";

/// What only the log may say.
pub const SECRET: &str = "internal-address-10.0.0.1";

impl Faults {
    /// Fails the `nth` operation of this name from now, 1 for the next; `*` is any.
    pub fn plan(&self, operation: &str, nth: u32, when: When) {
        let operation = operation.to_owned();
        self.0.lock().unwrap().planned.push(Planned { operation, countdown: nth, when });
    }

    /// Nothing that was planned fails any more.
    pub fn end(&self) {
        self.0.lock().unwrap().planned.clear();
    }

    /// Lets somebody else do something right before each operation of this name.
    pub fn meddle(&self, operation: &str, meddler: impl FnMut() + Send + 'static) {
        self.0.lock().unwrap().meddlers.push((operation.to_owned(), Box::new(meddler)));
    }

    /// Notes that these operations happen together, and says whether they fail.
    pub fn meet(&self, operations: &[&str]) -> Option<When> {
        let mut inner = self.0.lock().unwrap();
        inner.done.extend(operations.iter().map(|&name| name.to_owned()));
        for (operation, meddle) in &mut inner.meddlers {
            if operations.contains(&operation.as_str()) {
                meddle();
            }
        }
        let mut failure = None;
        inner.planned.retain_mut(|planned| {
            if planned.operation == ANY || operations.contains(&planned.operation.as_str()) {
                planned.countdown -= 1;
                if planned.countdown == 0 {
                    failure = Some(planned.when);
                }
            }
            planned.countdown > 0
        });
        failure
    }

    /// Every operation since the last call, in order.
    pub fn take_done(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().done)
    }

    /// Waits until every planned failure has happened: what goes on after a reply may meet it.
    pub async fn until_all_met(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.all_met() {
            assert!(Instant::now() < deadline, "a planned failure has not happened");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Whether every planned failure has happened.
    pub fn all_met(&self) -> bool {
        self.0.lock().unwrap().planned.is_empty()
    }
}
