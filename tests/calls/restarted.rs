//! A world as it was, under other settings of its operator.

use std::future::Future;
use std::sync::Arc;

use retinue::domain::time::Millis;
use retinue::ports::{Settings, Wake, World};

use crate::support::FakeWorld;

#[derive(Clone)]
pub struct Restarted {
    pub world: FakeWorld,
    pub settings: Arc<Settings>,
}

impl World for Restarted {
    type Directory = <FakeWorld as World>::Directory;
    type Accounts = <FakeWorld as World>::Accounts;
    type Threads = <FakeWorld as World>::Threads;
    type Dispatch = <FakeWorld as World>::Dispatch;
    type Backups = <FakeWorld as World>::Backups;
    type Knowledge = <FakeWorld as World>::Knowledge;
    type Upstream = <FakeWorld as World>::Upstream;
    type Replies = <FakeWorld as World>::Replies;

    fn directory(&self) -> &Self::Directory {
        self.world.directory()
    }

    fn accounts(&self) -> &Self::Accounts {
        self.world.accounts()
    }

    fn threads(&self) -> &Self::Threads {
        self.world.threads()
    }

    fn dispatch(&self) -> &Self::Dispatch {
        self.world.dispatch()
    }

    fn backups(&self) -> &Self::Backups {
        self.world.backups()
    }

    fn knowledge(&self) -> &Self::Knowledge {
        self.world.knowledge()
    }

    fn upstream(&self) -> &Self::Upstream {
        self.world.upstream()
    }

    fn replies(&self) -> &Self::Replies {
        self.world.replies()
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn now(&self) -> Millis {
        self.world.now()
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        self.world.random()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.world.spawn(task);
    }

    async fn sleep(&self, ms: u64) {
        self.world.sleep(ms).await;
    }

    fn signal(&self) -> (Wake, impl Future<Output = ()> + Send) {
        self.world.signal()
    }

    fn log(&self, line: &str) {
        self.world.log(line);
    }
}
