use proptest::prelude::*;

use super::*;
use crate::domain::message::{Image, ImageSource, ToolCall};
use crate::domain::thread::transcript::sendable;

const SMALL: Bounds = Bounds { all: 40_000, brief: 8_000, looked: 60_000 };

/// The run that is at work in these tests.
const RUN: u32 = 7;

#[derive(Debug, Default)]
struct History {
    items: Vec<Item>,
    task: Option<Task>,
    calls: usize,
}

impl History {
    fn add(&mut self, run: u32, step: u32, message: Message) {
        let position = self.items.len() as u64 + 1;
        self.items.push(Item {
            position,
            run,
            entry: 0,
            step,
            at: Millis(0),
            message,
            stands_for: None,
            by: None,
        });
    }

    fn say(&mut self, run: u32, text: String) {
        self.add(run, 0, Message::user(text));
    }

    /// A step with so many calls, each with an output of so many bytes.
    fn step(&mut self, run: u32, step: u32, outputs: &[usize]) {
        self.add(run, step, Message::Assistant { parts: vec![AssistantPart::reasoning("hm")] });
        let ids: Vec<String> =
            outputs.iter().enumerate().map(|(n, _)| format!("call-{}-{n}", self.calls)).collect();
        self.calls += 1;
        for id in &ids {
            let parts = vec![AssistantPart::ToolCall(ToolCall::new(id, "f", "{}"))];
            self.add(run, step, Message::Assistant { parts });
        }
        for (id, bytes) in ids.iter().zip(outputs) {
            self.add(run, step, Message::tool(id, "x".repeat(*bytes)));
        }
    }

    /// The run begins with these.
    fn begin(&mut self, input: &[usize]) {
        let first = self.items.len() as u64 + 1;
        for (n, bytes) in input.iter().enumerate() {
            self.say(RUN, format!("task {n} {}", "t".repeat(*bytes)));
        }
        let bytes = self.items[first as usize - 1..].iter().map(size).sum();
        self.task = Some(Task { first, items: input.len() as u64, bytes });
    }

    /// As the thread's object does it.
    fn sent(&self) -> (Vec<Message>, LeftOut) {
        let mut window = Window::new(SMALL, self.task.unwrap(), 0);
        for item in self.items.iter().rev() {
            if !window.take(item.clone(), size(item)) {
                break;
            }
        }
        let within = |(from, until): (u64, u64)| {
            self.items.iter().filter(move |item| (from..=until).contains(&item.position))
        };
        if let Some(missing) = window.missing() {
            window.take_task(within(missing).cloned());
        }
        let chosen = window.chosen();
        let counted = chosen.gaps.map(|gap| gap.map_or(0, |gap| within(gap).count() as u64));
        let Sent { messages, left_out, .. } = chosen.sent(None, counted);
        (messages, left_out)
    }
}

fn size(item: &Item) -> u64 {
    stored::write(&item.message).len() as u64
}

fn bytes(messages: &[Message]) -> u64 {
    messages.iter().map(|message| stored::write(message).len() as u64).sum()
}

fn text(message: &Message) -> &str {
    match message {
        Message::User { parts, .. } | Message::Tool { parts, .. } => match parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        },
        _ => "",
    }
}

fn texts(messages: &[Message]) -> Vec<String> {
    let short = |message: &Message| match message {
        Message::Assistant { parts } => format!("turn of {}", AssistantPart::calls_of(parts).count()),
        Message::Tool { .. } if text(message).starts_with('x') => "output".to_owned(),
        message => text(message).chars().take(28).collect(),
    };
    messages.iter().map(short).collect()
}

#[test]
fn what_is_newest_is_sent_item_by_item() {
    let mut history = History::default();
    history.say(1, "My name is Ada".to_owned());
    history.add(1, 1, Message::assistant("Hello Ada"));
    history.say(0, format!("first {}", "p".repeat(25_000)));
    history.say(0, format!("second {}", "p".repeat(25_000)));
    history.begin(&[10]);
    let (messages, left_out) = history.sent();
    assert_eq!(
        texts(&messages),
        ["[3 earlier items of this con", &format!("second {}", "p".repeat(21)), "task 0 tttttttttt"]
    );
    assert_eq!(left_out, LeftOut { items: 3, ..LeftOut::default() });
    let warning = left_out.warning().unwrap();
    assert_eq!((warning.field.as_str(), warning.code), ("messages", Code::LeftOut));
    assert!(warning.message.contains("3 items left out"), "{}", warning.message);
    assert_eq!(LeftOut::default().warning(), None);
}

#[test]
fn a_run_that_is_too_long_keeps_its_input_and_what_it_called() {
    let mut history = History::default();
    history.say(1, "Earlier".to_owned());
    history.begin(&[10]);
    for step in 1..=10 {
        history.step(RUN, step, &[4_000]);
    }
    let (messages, left_out) = history.sent();
    let texts = texts(&messages);
    assert_eq!(texts[..2], ["[1 earlier items of this con", "task 0 tttttttttt"]);
    assert_eq!(texts.iter().filter(|text| *text == "turn of 1").count(), 10, "every call is known");
    let whole: Vec<bool> = texts[2..].iter().skip(1).step_by(2).map(|text| text == "output").collect();
    assert!(whole.is_sorted() && whole[9] && !whole[0], "the oldest outputs go first: {texts:?}");
    assert_eq!(
        left_out,
        LeftOut { items: 1, outputs: whole.iter().filter(|whole| !**whole).count() as u64, media: 0 }
    );
    assert!(text(&messages[3]).contains("does not fit: 4"), "{texts:?}");
}

#[test]
fn outputs_of_one_step_that_are_too_much_together_are_cut_from_the_oldest_on() {
    let mut history = History::default();
    history.begin(&[10]);
    history.step(RUN, 1, &[9_000; 8]);
    let (messages, left_out) = history.sent();
    assert_eq!(texts(&messages)[..2], ["task 0 tttttttttt", "turn of 8"]);
    let whole = messages.iter().filter(|message| text(message).starts_with('x')).count();
    assert!((2..=4).contains(&whole) && left_out.outputs == 8 - whole as u64, "{left_out:?}");
    assert!(text(messages.last().unwrap()).starts_with('x'));
}

#[test]
fn a_run_of_too_many_steps_leaves_out_whole_ones() {
    let mut history = History::default();
    history.begin(&[10, 10]);
    for step in 1..=200 {
        history.step(RUN, step, &[500, 500]);
    }
    let (messages, left_out) = history.sent();
    let texts = texts(&messages);
    assert_eq!(texts[..2], ["task 0 tttttttttt", "task 1 tttttttttt"]);
    assert!(texts[2].starts_with('[') && texts[3] == "turn of 2", "{texts:?}");
    let turns = texts.iter().filter(|text| *text == "turn of 2").count() as u64;
    assert_eq!(left_out.items, (200 - turns) * 5, "no half turns");
}

/// What stands before the run and in it: people, and steps with their outputs.
fn any_part(most: usize) -> impl Strategy<Value = (bool, Vec<usize>)> {
    (any::<bool>(), prop::collection::vec(0..most, 1..5))
}

fn any_history() -> impl Strategy<Value = History> {
    let before = prop::collection::vec(any_part(6_000), 0..8);
    let input = prop::collection::vec(0_usize..7_000, 1..4);
    let inside = prop::collection::vec(any_part(9_000), 0..16);
    (before, input, inside).prop_map(|(before, input, inside)| {
        let mut history = History::default();
        for (n, (is_said, bytes)) in before.into_iter().enumerate() {
            if is_said {
                history.say(u32::try_from(n).unwrap() % 3, "b".repeat(bytes[0]));
            } else {
                history.step(u32::try_from(n).unwrap() % 3, u32::try_from(n).unwrap() + 1, &bytes);
            }
        }
        history.begin(&input);
        for (n, (is_said, bytes)) in (1..).zip(inside) {
            if is_said {
                history.say(RUN, "s".repeat(bytes[0]));
            }
            history.step(RUN, n, &bytes);
        }
        history
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whatever_the_history_the_run_s_input_is_sent_with_pairs_and_no_more_than_fits(history in any_history()) {
        let (messages, left_out) = history.sent();
        prop_assert!(bytes(&messages) <= SMALL.all, "{} bytes", bytes(&messages));
        let task = history.task.unwrap();
        for item in &history.items {
            if (task.first..task.first + task.items).contains(&item.position) {
                prop_assert!(messages.contains(&item.message), "the input is not sent");
            }
        }
        let mut open = Vec::new();
        for message in &messages {
            match message {
                Message::Assistant { parts } => {
                    prop_assert!(open.is_empty());
                    open = AssistantPart::calls_of(parts).map(|call| call.id.clone()).collect();
                    prop_assert!(parts.iter().any(|part| matches!(part, AssistantPart::Reasoning(_))), "half a turn");
                }
                Message::Tool { call_id, .. } => {
                    let at = open.iter().position(|id| id == call_id);
                    prop_assert!(at.is_some(), "a result without a call");
                    open.remove(at.unwrap());
                    prop_assert!(!text(message).contains("There is no result"), "a result is lost");
                }
                _ => prop_assert!(open.is_empty(), "a call without a result"),
            }
        }
        prop_assert!(open.is_empty());
        let marks = messages.iter().filter(|message| text(message).contains("left out here")).count();
        prop_assert_eq!(marks > 0, left_out.items > 0);
        let all: u64 = history.items.iter().map(|item| size(item) + 3 * BESIDE).sum();
        if all <= SMALL.all - SMALL.brief - WORDS {
            prop_assert_eq!(left_out, LeftOut::default());
            prop_assert_eq!(messages, sendable(history.items));
        }
    }
}

#[test]
fn what_was_said_before_a_run_is_counted_and_can_do_without_its_media() {
    let picture = || {
        let source = ImageSource::Url("https://example.com/a.png".to_owned());
        Part::Image(Image { source, detail: None })
    };
    let said = |parts| Message::User { name: None, parts };
    let item = |position, run, message| Item {
        position,
        run,
        entry: 1,
        step: 0,
        at: Millis(0),
        message,
        stands_for: None,
        by: None,
    };
    let items = [
        item(1, 1, said(vec![Part::Text("Look".to_owned()), picture()])),
        item(2, 1, Message::Assistant { parts: vec![AssistantPart::text("A cat")] }),
        item(3, 2, said(vec![picture()])),
    ];
    let mut window = Window::new(BOUNDS, Task { first: 3, items: 1, bytes: size(&items[2]) }, 0);
    for item in items.iter().rev() {
        assert!(window.take(item.clone(), size(item)));
    }
    let Sent { mut messages, earlier, .. } = window.chosen().sent(None, [0, 0]);
    assert_eq!((messages.len(), earlier), (3, 2));
    assert!(has_media(&messages[..earlier]));
    assert_eq!(leave_out_media(&mut messages[..earlier]), 1);
    assert!(!has_media(&messages[..earlier]) && has_media(&messages));
    assert!(format!("{:?}", messages[0]).contains("[Here stood an image"), "{messages:?}");
    let left_out = LeftOut { items: 2, media: 1, outputs: 0 };
    let words = left_out.warning().unwrap().message;
    assert!(words.contains("2 items left out") && words.contains("1 images"), "{words}");
}
