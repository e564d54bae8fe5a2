//! Who speaks in the runs of others, and how what they said goes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::kept::{Kept, Meta};
use super::{Thread, Work, at_once};
use crate::domain::thread::command::Answer;
use crate::domain::thread::item::Item;
use crate::domain::thread::voice::{By, Spoken};
use crate::domain::time::Millis;
use crate::object::machine::{Decision, Durability};
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

/// How many items go at once.
const MAX_AT_ONCE: u32 = 500;

/// A person who says something, and the number of their voice.
#[derive(Debug)]
pub(super) struct Speaker {
    user: String,
    number: u32,
    /// When they said the first that is left; `None`: they have said nothing.
    since: Option<Millis>,
}

/// What somebody is saying in somebody else's run.
#[derive(Debug)]
pub(super) struct Speech {
    run: u32,
    pub spoken: Spoken,
    /// The calls that they answer.
    pub calls: Vec<String>,
}

impl Speaker {
    /// Whether nothing is left of what they said by then.
    pub fn is_silent(&self, until: Millis) -> bool {
        self.since.is_none_or(|since| since > until)
    }
}

impl Speech {
    pub const fn of(run: u32, spoken: Spoken) -> Self {
        Self { run, spoken, calls: Vec::new() }
    }
}

impl Thread {
    /// A person as one who speaks here.
    ///
    /// # Errors
    /// [`Error`].
    pub(super) fn speaker(&self, sql: &impl Sql, user: &str) -> Result<Speaker, Error> {
        let voices = &self.work.batch.voices;
        let unwritten = voices.iter().find(|(_, (of, _))| of == user);
        let known = match unwritten {
            Some((number, (_, since))) => Some((*number, *since)),
            None => store::voice_of(sql, user)?,
        };
        let (number, since) = match known {
            Some((number, since)) => (number, Some(since)),
            None => (self.last_voice(sql)?.saturating_add(1), None),
        };
        Ok(Speaker { user: user.to_owned(), number, since })
    }

    /// # Errors
    /// [`Error`].
    pub(super) fn last_voice(&self, sql: &impl Sql) -> Result<u32, Error> {
        let unwritten = self.work.batch.voices.keys().next_back().copied().unwrap_or_default();
        Ok(store::last_voice(sql)?.max(unwritten))
    }

    /// Who has said what is copied from another thread; `known` are those who were there before.
    ///
    /// # Errors
    /// [`Error`].
    pub(super) fn copied_by(
        &mut self,
        sql: &impl Sql,
        by: &By,
        known: &mut BTreeMap<String, (u32, Millis)>,
    ) -> Result<Spoken, Error> {
        let voice = match known.get(&by.user) {
            Some((voice, since)) if *since <= by.at => *voice,
            _ => {
                let speaker = self.speaker(sql, &by.user)?;
                let since = self.work.note_voice(&speaker, by.at);
                known.insert(by.user.clone(), (speaker.number, since));
                speaker.number
            }
        };
        Ok(Spoken { voice, at: by.at, of_run: by.of_run })
    }

    /// Nothing is left of what a person has said by then in runs of others.
    ///
    /// # Errors
    /// [`Error`], of reading; nothing is forgotten then.
    pub(super) fn hush(
        &mut self,
        sql: &impl Sql,
        user: &str,
        until: Millis,
        now: Millis,
    ) -> Result<Decision<Self>, Error> {
        let speaker = self.speaker(sql, user)?;
        if speaker.is_silent(until) {
            return Ok(at_once(Answer::Cleared(0)));
        }
        if let Some(run) = self.summing() {
            // What is being summed up may have what is to go: it is asked again.
            return Ok(at_once(Answer::Busy(run)));
        }
        let voice = speaker.number;
        let items = store::said_by(sql, voice, until, MAX_AT_ONCE + 1)?;
        let is_last = items.len() <= MAX_AT_ONCE as usize;
        let (of_open, left) = self.work.hush_open(voice, until);
        if let Some(first) = items.first() {
            self.forget_summaries(*first);
        }
        let goes = |spoken: &Spoken| spoken.voice == voice && spoken.at <= until;
        if let Some(meta) = self.meta.as_mut().filter(|meta| meta.titled_in.as_ref().is_some_and(goes)) {
            (meta.about.title, meta.titled_by, meta.titled_in) = (None, None, None);
            meta.updated_at = now;
        }
        let open = self.work.open.keys().copied().collect();
        let batch = &mut self.work.batch;
        batch.hush.push(store::Hush { voice, until, most: MAX_AT_ONCE, open, left });
        batch.scrub |= is_last;
        batch.has_thread = true;
        let gone = u32::try_from(items.len()).unwrap_or(u32::MAX).min(MAX_AT_ONCE).saturating_add(of_open);
        let answer = if gone > 0 { Answer::Hushed(gone) } else { Answer::Cleared(0) };
        Ok(Decision { durability: Durability::Now, ..at_once(answer) })
    }
}

impl Work {
    /// From now on what is said in a run is this person's, if the run is somebody else's.
    pub(super) fn speak(&mut self, run: u32, by: Option<&Speaker>, now: Millis) {
        let is_others = |speaker: &&Speaker| {
            let kept = self.open.get(&run);
            kept.is_some_and(|kept| kept.run.terms.user.as_ref() != Some(&speaker.user))
        };
        let Some(speaker) = by.filter(is_others) else { return };
        self.note_voice(speaker, now);
        let spoken = Spoken { voice: speaker.number, at: now, of_run: false };
        self.speech = Some(Speech::of(run, spoken));
    }

    /// Somebody has spoken here at a moment; since when.
    fn note_voice(&mut self, speaker: &Speaker, at: Millis) -> Millis {
        let since = speaker.since.map_or(at, |since| since.min(at));
        if speaker.since != Some(since) {
            self.batch.voices.insert(speaker.number, (speaker.user.clone(), since));
            self.batch.has_thread = true;
        }
        since
    }

    /// Who says what is written in a run.
    pub(super) fn spoken(&self, run: u32, call: Option<&str>) -> Option<Spoken> {
        let speech = self.speech.as_ref().filter(|speech| speech.run == run)?;
        call.is_none_or(|call| speech.calls.iter().any(|given| given == call)).then_some(speech.spoken)
    }

    /// What somebody has said by then goes where it is no item yet: how much that was, and when they said the first of what stays.
    fn hush_open(&mut self, voice: u32, until: Millis) -> (u32, Option<Millis>) {
        let (mut gone, mut left) = (0_u32, None::<Millis>);
        let mut goes = |by: Option<&Spoken>| {
            let Some(by) = by.filter(|by| by.voice == voice) else { return false };
            if by.at <= until {
                gone += 1;
            } else {
                left = Some(left.map_or(by.at, |left| left.min(by.at)));
            }
            by.at <= until
        };
        for kept in self.open.values_mut() {
            let before = (kept.said.len(), kept.input.len());
            kept.said.retain(|said| !goes(said.by.as_ref()));
            retain_input(kept, &mut goes);
            if (kept.said.len(), kept.input.len()) != before {
                self.batch.runs.insert(kept.run.number);
            }
        }
        (gone, left)
    }
}

fn retain_input(kept: &mut Kept, goes: &mut impl FnMut(Option<&Spoken>) -> bool) {
    let (input, by) = (std::mem::take(&mut kept.input), std::mem::take(&mut kept.input_by));
    for (number, text) in (0..).zip(input) {
        let spoken = by.get(&number);
        if goes(spoken) {
            continue;
        }
        if let (Some(spoken), Ok(place)) = (spoken, u32::try_from(kept.input.len())) {
            kept.input_by.insert(place, *spoken);
        }
        kept.input.push(text);
    }
}

/// Whose words the items of a thread are, for a copy of them.
#[derive(Debug, Default)]
pub(super) struct Names {
    voices: BTreeMap<u32, Option<String>>,
    runs: BTreeMap<u32, Option<By>>,
}

impl Names {
    /// # Errors
    /// [`Error`].
    pub(super) fn of(&mut self, sql: &impl Sql, item: &Item) -> Result<Option<By>, Error> {
        match item.by {
            Some(spoken) => self.of_voice(sql, spoken),
            None => self.of_run(sql, item.run),
        }
    }

    fn of_voice(&mut self, sql: &impl Sql, spoken: Spoken) -> Result<Option<By>, Error> {
        let Spoken { voice, at, of_run } = spoken;
        let user = match self.voices.entry(voice) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(store::voice(sql, voice)?.map(|(user, _)| user)),
        };
        Ok(user.clone().map(|user| By { user, at, of_run }))
    }

    fn of_run(&mut self, sql: &impl Sql, run: u32) -> Result<Option<By>, Error> {
        let by = match self.runs.entry(run) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(if run > 0 { store::speaker_of(sql, run)? } else { None }),
        };
        Ok(by.clone())
    }

    /// Whose words the thread's title is made of.
    ///
    /// # Errors
    /// [`Error`].
    pub(super) fn of_title(&mut self, sql: &impl Sql, meta: &Meta) -> Result<Option<By>, Error> {
        match (meta.titled_in, meta.titled_by) {
            (Some(spoken), _) => self.of_voice(sql, spoken),
            (None, Some(run)) => self.of_run(sql, run),
            (None, None) => Ok(None),
        }
    }
}
