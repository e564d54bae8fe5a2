//! What of a transcript the model is sent, where all of it is too much: what is newest, and always the running run's input.
//!
//! Items come newest first, and are taken as long as they fit. Where the running run itself is too long, the outputs of its
//! older tool calls are replaced by a word each, so that the model still knows what it did. What is left out is counted, and a
//! word stands in its place. These bounds are for what no request takes; a thread's [horizon](super::compaction) is narrower.

use super::item::Item;
use super::transcript::sendable_behind;
use crate::domain::message::{AssistantPart, Message, Part, stored};
use crate::domain::time::Millis;
use crate::domain::warning::{Code, Warning};

/// How much is sent, in bytes of messages as they are kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// All together: more than any context takes, and than the body of one request.
    pub all: u64,
    /// Kept free for what a run that is too long did before, without the outputs.
    pub brief: u64,
    /// The most that is read for that.
    pub looked: u64,
}

pub const BOUNDS: Bounds =
    Bounds { all: 6 * 1_024 * 1_024, brief: 1_024 * 1_024, looked: 16 * 1_024 * 1_024 };

/// What an item may need beside its own bytes: the result of a call that has none.
const BESIDE: u64 = 256;
/// For the words about what is left out.
const WORDS: u64 = 1_024;
/// Items that are left out are counted up to this.
pub const MOST_COUNTED: u32 = 1_000;

/// Where the input of a run stands: it is written in one go.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// The run's first position.
    pub first: u64,
    pub items: u64,
    pub bytes: u64,
}

/// What a model was not sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// At most [`MOST_COUNTED`] at each of two places.
    pub items: u64,
    /// Outputs of tool calls that a word stands for.
    pub outputs: u64,
    /// Images, files and sounds that a word stands for, because no model of the line takes them.
    pub media: u64,
}

impl LeftOut {
    pub fn warning(self) -> Option<Warning> {
        let too_long = [
            (self.items > 0).then(|| format!("{} items left out", amount(self.items))),
            (self.outputs > 0).then(|| format!("outputs of {} tool calls left out", self.outputs)),
        ];
        let too_long: Vec<String> = too_long.into_iter().flatten().collect();
        let said = [
            (!too_long.is_empty()).then(|| {
                format!("the thread is longer than what a model is sent: {}", too_long.join(", "))
            }),
            (self.media > 0).then(|| {
                let media = self.media;
                format!("no model of this agent takes {media} images, files or sounds of earlier messages: left out")
            }),
        ];
        let said: Vec<String> = said.into_iter().flatten().collect();
        (!said.is_empty()).then(|| Warning::new("messages", Code::LeftOut, said.join("; ")))
    }
}

/// The first item that was not taken.
#[derive(Clone, Copy, Debug)]
struct Stop {
    is_of_run: bool,
    /// Its run and step.
    of: (u32, u32),
}

/// A part of a transcript that is being chosen.
#[derive(Debug)]
pub struct Window {
    bounds: Bounds,
    /// The first position of the running run, and the first behind its input.
    run: (u64, u64),
    left: u64,
    looked: u64,
    /// Outputs are not sent any more.
    is_brief: bool,
    /// Nor are those up to this position.
    brief: u64,
    outputs: u64,
    stopped: Option<Stop>,
    /// Newest first: of the run behind its input; its input; before the run.
    newer: Vec<Item>,
    task: Vec<Item>,
    older: Vec<Item>,
}

impl Window {
    /// Outputs up to the position `brief` are not sent.
    pub fn new(bounds: Bounds, task: Task, brief: u64) -> Self {
        let room = bounds.all.saturating_sub(bounds.brief + WORDS);
        let needed = task.bytes + task.items * BESIDE;
        // More than anybody can say at once is cut as everything is.
        let (items, needed) = if needed <= room { (task.items, needed) } else { (0, 0) };
        Self {
            bounds,
            run: (task.first, task.first + items),
            left: bounds.all.saturating_sub(WORDS + needed),
            looked: 0,
            is_brief: false,
            brief,
            outputs: 0,
            stopped: None,
            newer: Vec::new(),
            task: Vec::new(),
            older: Vec::new(),
        }
    }

    /// The most bytes that are to be read next.
    pub fn room(&self) -> u64 {
        if self.is_brief { self.bounds.brief } else { self.left }
    }

    /// Takes the next older item, which has so many bytes; whether there is room for more.
    pub fn take(&mut self, mut item: Item, mut bytes: u64) -> bool {
        let (begins, behind) = self.run;
        if item.position <= self.brief
            && let Some(short) = in_brief(&item.message, bytes)
        {
            (item.message, bytes) = (short, BESIDE);
            self.outputs += 1;
        }
        if (begins..behind).contains(&item.position) {
            self.task.push(item);
            return true;
        }
        let is_of_run = item.position >= behind;
        let needed = need(&item.message, bytes);
        self.is_brief |= is_of_run && needed + self.bounds.brief > self.left;
        let of = (item.run, item.step);
        let taken = match (is_of_run, self.is_brief) {
            (true, true) => self.briefly(item, bytes),
            // A run that does not fit leaves no room for what was before it.
            (false, true) => None,
            (_, false) => (needed <= self.left).then_some((item, needed)),
        };
        let Some((item, needed)) = taken else {
            self.stopped = Some(Stop { is_of_run, of });
            return false;
        };
        self.left -= needed;
        if is_of_run {
            self.newer.push(item)
        } else {
            self.older.push(item)
        }
        true
    }

    /// An item of the running run without what it can be without, and what it needs; `None` where that is too much.
    fn briefly(&mut self, mut item: Item, bytes: u64) -> Option<(Item, u64)> {
        self.looked = self.looked.saturating_add(bytes);
        let mut needed = need(&item.message, bytes);
        let brief = in_brief(&item.message, bytes);
        let is_output = brief.is_some();
        if let Some(brief) = brief {
            needed = stored::write(&brief).len() as u64 + BESIDE;
            item.message = brief;
        }
        if needed > self.left || self.looked > self.bounds.looked {
            return None;
        }
        self.outputs += u64::from(is_output);
        Some((item, needed))
    }

    /// The run's input, as far as it was not taken on the way.
    pub fn missing(&self) -> Option<(u64, u64)> {
        let (begins, behind) = self.run;
        (self.task.is_empty() && begins < behind).then(|| (begins, behind - 1))
    }

    /// Takes the run's input, in order.
    pub fn take_task(&mut self, items: impl DoubleEndedIterator<Item = Item>) {
        self.task = items.rev().collect();
    }

    /// Ends the choice. What is left is in order.
    #[must_use]
    pub fn chosen(mut self) -> Chosen {
        for items in [&mut self.newer, &mut self.task, &mut self.older] {
            items.reverse();
        }
        let is_cut_inside = self.stopped.is_some_and(|stop| stop.is_of_run);
        if let Some(Stop { of, .. }) = self.stopped {
            trim(if is_cut_inside { &mut self.newer } else { &mut self.older }, of);
        }
        let (begins, behind) = self.run;
        let first_of = |items: &[Item], or: u64| items.first().map_or(or, |item| item.position);
        let before = self.stopped.map(|_| (1, first_of(&self.older, begins).saturating_sub(1)));
        let inside = is_cut_inside.then(|| (behind, first_of(&self.newer, u64::MAX).saturating_sub(1)));
        Chosen {
            older: self.older,
            task: self.task,
            newer: self.newer,
            outputs: self.outputs,
            gaps: [before, inside],
            is_cut: self.stopped.is_some() || self.is_brief,
        }
    }
}

/// What was chosen.
#[derive(Debug)]
pub struct Chosen {
    older: Vec<Item>,
    task: Vec<Item>,
    newer: Vec<Item>,
    outputs: u64,
    /// Where items are left out, from and up to these positions: before the run, and between its input and what is newer.
    pub gaps: [Option<(u64, u64)>; 2],
    /// More was to be sent than the bounds let through.
    pub is_cut: bool,
}

impl Chosen {
    /// The items that are chosen, in order.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.older.iter().chain(&self.task).chain(&self.newer)
    }

    /// What a model is sent, where so many items are left out in the gaps; first of all `head`.
    pub fn sent(self, head: Option<Message>, left_out: [u64; 2]) -> Sent {
        let [before_all, before_newer] = left_out.map(|items| (items > 0).then(|| mark(items)));
        let of_run = self.task.into_iter().chain(before_newer).chain(self.newer);
        let head = head.map(said);
        let (messages, earlier) =
            sendable_behind(head.into_iter().chain(before_all).chain(self.older), of_run);
        Sent {
            messages,
            earlier,
            left_out: LeftOut { items: left_out.iter().sum(), outputs: self.outputs, media: 0 },
            is_cut: self.is_cut,
        }
    }
}

/// The transcript as a model is sent it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub messages: Vec<Message>,
    /// How many of them were there before the run.
    pub earlier: usize,
    pub left_out: LeftOut,
    /// More was to be sent than one request takes.
    pub is_cut: bool,
}

/// Whether there is an image, a file or a sound.
pub fn has_media(messages: &[Message]) -> bool {
    messages.iter().flat_map(Message::given).any(|part| media(part).is_some())
}

/// Puts a word in the place of each image, file and sound; how many there were.
pub fn leave_out_media(messages: &mut [Message]) -> u64 {
    let mut count = 0;
    for message in messages {
        let (Message::User { parts, .. } | Message::Tool { parts, .. }) = message else { continue };
        for part in parts {
            let Some(kind) = media(part) else { continue };
            *part = Part::Text(format!("[Here stood {kind}, which this model does not take.]"));
            count += 1;
        }
    }
    count
}

const fn media(part: &Part) -> Option<&'static str> {
    match part {
        Part::Image(_) => Some("an image"),
        Part::File(_) => Some("a file"),
        Part::Audio(_) => Some("a sound"),
        Part::Text(_) | Part::Json(_) | Part::CachePoint(_) => None,
    }
}

/// What stands for items that are left out.
fn mark(left_out: u64) -> Item {
    let items = amount(left_out);
    let words =
        format!("[{items} earlier items of this conversation are left out here, because they do not fit.]");
    said(Message::user(words))
}

/// What stands nowhere in the transcript.
const fn said(message: Message) -> Item {
    Item { position: 0, run: 0, entry: 0, step: 0, at: Millis(0), message, stands_for: None, by: None }
}

/// The output of a tool in a word, where that is shorter; `bytes` are those of the whole message.
pub fn in_brief(message: &Message, bytes: u64) -> Option<Message> {
    let Message::Tool { call_id, is_error, .. } = message else { return None };
    let words = format!("[This output is left out, because it does not fit: {bytes} bytes.]");
    let parts = vec![Part::Text(words)];
    let brief = Message::Tool { call_id: call_id.clone(), parts, is_error: *is_error };
    (stored::write(&brief).len() < usize::try_from(bytes).unwrap_or(usize::MAX)).then_some(brief)
}

fn amount(items: u64) -> String {
    if items < MOST_COUNTED.into() { items.to_string() } else { format!("{items} or more") }
}

/// The most bytes that a message can become.
fn need(message: &Message, bytes: u64) -> u64 {
    let again = match message {
        // The id stands in the result once more.
        Message::Assistant { parts } => {
            AssistantPart::calls_of(parts).map(|call| call.id.len() as u64 + BESIDE).sum()
        }
        _ => 0,
    };
    bytes + again + BESIDE
}

/// Removes what belongs to a turn whose first pieces are not there.
fn trim(items: &mut Vec<Item>, cut: (u32, u32)) {
    let is_part = |item: &Item| match item.message {
        Message::Tool { .. } => true,
        Message::Assistant { .. } => item.step > 0 && (item.run, item.step) == cut,
        Message::System { .. } | Message::User { .. } => false,
    };
    let whole = items.iter().position(|item| !is_part(item)).unwrap_or(items.len());
    items.drain(..whole);
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
