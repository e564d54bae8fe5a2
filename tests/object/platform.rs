//! The platform as a host sees it: a disk that fails on demand, timers, an alarm and effects that the test
//! lets happen.

use std::collections::VecDeque;
use std::fmt::Debug;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use retinue::domain::time::Millis;
use retinue::object::host::{Host, Reply, Timer};
use retinue::object::machine::{Effect, Machine, Moment};
use retinue::object::sql::Error;

use crate::disk::Disk;

pub struct Platform<M: Machine> {
    pub disk: Disk,
    pub now: Millis,
    /// When it rings. It outlives the object.
    pub alarm: Option<Millis>,
    pub alarms_fail: bool,
    /// Effects that were asked for and not yet begun, oldest first. They die with the object.
    pub asked: VecDeque<Effect<M::Effect>>,
    /// What whoever operates it was told.
    pub log: Vec<String>,
    host: Host<M, Disk>,
    timers: Vec<Timer>,
    drawn: u64,
}

/// What an object says to a command.
pub enum Said<A> {
    Now(Result<A, Error>),
    Later(Answering<A>),
}

/// An answer that waits for a write.
pub struct Answering<A>(LocalBoxFuture<'static, Result<A, Error>>);

impl<A> Answering<A> {
    /// What has come of it; `None` for nothing yet.
    pub fn poll(&mut self) -> Option<Result<A, Error>> {
        (&mut self.0).now_or_never()
    }
}

impl<A: Debug> Said<A> {
    /// What was answered at once.
    #[track_caller]
    pub fn ok(self) -> A {
        match self {
            Self::Now(answer) => answer.unwrap(),
            Self::Later(_) => panic!("the answer waits for a write"),
        }
    }
}

impl<M: Machine<Answer: 'static>> Platform<M> {
    pub fn new(now: Millis) -> Self {
        Self::on(Disk::new(), now)
    }

    /// An object that starts on this disk.
    pub fn on(disk: Disk, now: Millis) -> Self {
        Self {
            host: Host::new(disk.clone()),
            disk,
            now,
            alarm: None,
            alarms_fail: false,
            asked: VecDeque::new(),
            log: Vec::new(),
            timers: Vec::new(),
            drawn: 0,
        }
    }

    pub fn command(&mut self, command: M::Command) -> Said<M::Answer> {
        match self.with(|host, moment| host.command(command, moment)) {
            Reply::Now(answer) => Said::Now(answer),
            Reply::Later(later) => Said::Later(Answering(later.wait().boxed_local())),
        }
    }

    /// A timer rings, if it was started.
    pub fn ring(&mut self, timer: Timer) {
        if let Some(at) = self.timers.iter().position(|started| *started == timer) {
            self.timers.remove(at);
            self.with(|host, moment| host.rang(timer, moment));
        }
    }

    /// The alarm rings, if it is due; again, if the object could not.
    pub fn ring_alarm(&mut self) -> bool {
        let is_due = self.alarm.take_if(|at| *at <= self.now).is_some();
        if is_due && self.with(|host, moment| host.wake(moment)).is_err() {
            self.with(|host, moment| host.wake(moment)).ok();
        }
        is_due
    }

    pub fn ended(&mut self, id: &str, outcome: M::Outcome) -> Result<bool, Error> {
        self.with(|host, moment| host.ended(id, outcome, moment))
    }

    /// Whoever performs an effect gives it up.
    pub fn let_go(&mut self, id: &str) {
        self.with(|host, _| host.let_go(id));
    }

    /// The object dies. Its disk and its alarm stay.
    pub fn crash(&mut self) {
        self.host = Host::new(self.disk.clone());
        self.timers.clear();
        self.asked.clear();
    }

    pub fn with<T>(&mut self, work: impl FnOnce(&mut Host<M, Disk>, &mut Moment<'_>) -> T) -> T {
        let Self { host, drawn, now, .. } = self;
        let mut random = || {
            *drawn += 1;
            let mut bytes = [0xff; 10];
            bytes[2..].copy_from_slice(&drawn.to_be_bytes());
            bytes
        };
        let done = work(host, &mut Moment { now: *now, random: &mut random });
        let todo = self.host.take_todo();
        self.timers.extend(todo.timers);
        match todo.alarm {
            Some(_) if self.alarms_fail => self.host.alarm_failed(),
            Some(at) => self.alarm = Some(at),
            None => {}
        }
        self.asked.extend(todo.effects);
        self.log.extend(todo.log);
        done
    }
}

impl<M: Machine<Command: Clone, Answer: Debug + 'static>> Platform<M> {
    /// What an object that starts now on the same disk answers. The disk's fault is for the one under test.
    pub fn restarted(&self, command: M::Command) -> M::Answer {
        let fault = self.disk.take_fault();
        let mut restarted = Self::on(self.disk.clone(), self.now);
        restarted.drawn = u64::MAX / 2;
        let said = restarted.command(command);
        self.disk.put_fault(fault);
        said.ok()
    }

    /// What the object answers to a question that changes nothing, and what one that starts now would.
    pub fn both(&mut self, command: &M::Command) -> [M::Answer; 2] {
        let fault = self.disk.take_fault();
        let said = self.command(command.clone());
        self.disk.put_fault(fault);
        [said.ok(), self.restarted(command.clone())]
    }
}
