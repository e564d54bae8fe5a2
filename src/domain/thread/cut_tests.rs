use proptest::prelude::*;

use super::*;
use crate::domain::message::ToolCall;
use crate::domain::thread::transcript::sendable;
use crate::domain::time::Millis;

/// A conversation in letters, a run's items under its number: `u` somebody speaks, `a` the agent does, `c` it calls a tool, `r` that
/// has its result, `o` it is given the result of a call that the run before has left to its client. What has no number is appended
/// without a run.
fn items(history: &str) -> Vec<Item> {
    let mut items = Vec::new();
    for (n, word) in history.split_whitespace().enumerate() {
        let (kind, number) = word.split_at(1);
        let (run, id): (u32, _) = (number.parse().unwrap_or(0), format!("call-{number}"));
        let message = match kind {
            "u" => Message::user("x".repeat(84)),
            "a" => Message::assistant("x".repeat(84)),
            "c" => Message::Assistant { parts: vec![AssistantPart::ToolCall(ToolCall::new(&id, "f", "{}"))] },
            "o" => Message::tool(format!("call-{}", run - 1), "x".repeat(1_000)),
            _ => Message::tool(id, "x".repeat(1_000)),
        };
        let position = n as u64 + 1;
        let step = u32::from(run > 0 && !matches!(kind, "u" | "o"));
        items.push(Item {
            position,
            run,
            entry: 1,
            step,
            at: Millis(0),
            message,
            stands_for: None,
            by: None,
        });
    }
    items
}

fn cut_before(history: &str, before: Option<u32>, behind: Option<u32>) -> Vec<u64> {
    let marks: Vec<Mark> = items(history).iter().map(Mark::of).collect();
    let all = marks.iter().zip(cuts(&marks, before, behind));
    all.filter_map(|(mark, cut)| cut.then_some(mark.position)).collect()
}

#[test]
fn a_cut_stands_before_a_run_or_before_what_somebody_says_outside_of_one() {
    assert_eq!(cut_before("u1 c1 r1 a1 u2 a2", None, Some(3)), [1, 5]);
    // Appended: by the side of a run, and between two.
    assert_eq!(cut_before("u1 c1 u r1 a1 u a u u2", None, Some(3)), [1, 6, 8, 9]);
    // Without any run.
    assert_eq!(cut_before("u a u c u r a u", None, None), [1, 3, 8]);
    // The run goes on, or may go on, behind the last item.
    assert_eq!(cut_before("u1 c1 u", None, Some(1)), [1]);
    assert_eq!(cut_before("u1 c1 u", None, None), [1]);
    assert_eq!(cut_before("a1 u2", Some(1), Some(3)), [2]);
}

#[test]
fn a_call_that_a_run_has_left_to_its_client_stays_with_its_result() {
    assert_eq!(cut_before("u1 c1 o2 a2 u3 a3", None, Some(4)), [1, 5]);
    assert_eq!(cut_before("u1 c1 o2 c2 o3 a3 u4", None, Some(5)), [1, 7]);
    let marks: Vec<Mark> = items("u1 c1 o2 u3").iter().map(Mark::of).collect();
    assert!(!marks[2].may_begin(marks.get(1)) && marks[3].may_begin(marks.get(2)));
}

fn scanned(history: &str, first: u64, keep: u64, refused: u32, horizon: Horizon) -> Horizon {
    let room = Room { keep, bytes: u64::MAX / 4, chunk: 0, summary_tokens: 0 };
    let mut scan = Scan::new(horizon, room, refused, (9, first));
    for item in items(history).iter().rev() {
        if !scan.take(item, weight_of(&item.message)) {
            break;
        }
    }
    let before = scan.oldest().unwrap_or(first);
    let before =
        items(history).iter().rfind(|item| item.position < before && item.run > 0).map(|item| item.run);
    scan.done(before)
}

#[test]
fn as_many_whole_runs_stay_as_there_is_room_for() {
    let until = |history: &str, first, keep| scanned(history, first, keep, 0, Horizon::default()).until;
    // Each item weighs a hundred.
    let history = "u1 a1 u2 a2 u3 a3 u9";
    assert_eq!(until(history, 7, 700), 0, "all of it has room");
    assert_eq!(until(history, 7, 600), 2);
    assert_eq!(until(history, 7, 500), 2);
    assert_eq!(until(history, 7, 300), 4);
    assert_eq!(until(history, 7, 150), 4, "the last run stays, up to twice as much");
    assert_eq!(until(history, 7, 140), 6);
    // A result is not parted from its call.
    assert_eq!(until("u1 a1 u2 c2 r2 a2 u9", 7, 700), 2);
    assert_eq!(until("u1 a1 u c r a u9", 7, 700), 2);
    let further = Horizon { until: 4, summed: 2, ..Horizon::default() };
    assert_eq!(scanned(history, 7, 10_000, 0, further), further);
}

#[test]
fn of_a_run_that_is_too_long_by_itself_the_older_outputs_become_a_word() {
    let history = "u1 a1 u9 c9 r9 c9 r9 c9 r9";
    let brief = |keep, refused| {
        let Horizon { until, brief, .. } = scanned(history, 3, keep, refused, Horizon::default());
        (until, brief)
    };
    assert_eq!(brief(1_700, 0), (2, 0), "it has room");
    assert_eq!(brief(1_400, 0), (2, 7));
    assert_eq!(brief(500, 0), (2, 8), "the model has not answered to the last one");
    assert_eq!(brief(500, 1), (2, 8));
    assert_eq!(brief(0, LAST_RESORT), (2, 9));
}

#[test]
fn a_run_whose_calls_alone_are_too_much_begins_otherwise_only_for_several_outputs() {
    let brief = |outputs: usize, brief, refused| {
        let history = format!("u9{}", " c9 r9".repeat(40 + outputs));
        scanned(&history, 1, 4_000, refused, Horizon { brief, ..Horizon::default() }).brief
    };
    // Forty calls whose outputs are words, and the last of them.
    let words = 81;
    assert_eq!(brief(1, words, 0), words, "the model has not answered to it");
    assert_eq!(brief(2, words, 0), words, "one output is not worth it");
    let dropped = (3..20).find(|outputs| brief(*outputs, words, 0) > words).unwrap();
    assert_eq!(dropped, 6, "two beyond what stays are");
    assert!(brief(5, words, 1) > words, "where the provider refuses it every one helps");
}

fn any_history() -> impl Strategy<Value = (String, u64)> {
    let run = |n: u32| {
        let with_tools = format!("u{n} c{n} r{n} a{n}");
        prop_oneof![
            Just(format!("u{n} a{n}")),
            Just(with_tools.clone()),
            Just(with_tools.replacen(' ', " u ", 2)),
            Just(format!("u{n}")),
            Just("u a".to_owned()),
            Just("u c r a".to_owned()),
            Just("a".to_owned()),
        ]
    };
    let runs = (1..8_u32).map(run).collect::<Vec<_>>();
    (runs, 0..8_usize).prop_map(|(runs, count)| {
        let before = runs.into_iter().take(count).collect::<Vec<_>>().join(" ");
        let first = before.split_whitespace().count() as u64 + 1;
        (format!("{before} u9 c9 r9"), first)
    })
}

proptest! {
    #[test]
    fn wherever_it_is_cut_runs_are_whole_and_pairs_stay_together(
        (history, first) in any_history(), keep in 0_u64..4_000, refused in 0..3_u32,
    ) {
        let all = items(&history);
        let horizon = scanned(&history, first, keep, refused, Horizon::default());
        prop_assert!(horizon.until < first);
        let (gone, stays): (Vec<&Item>, Vec<&Item>) = all.iter().partition(|item| item.position <= horizon.until);
        for item in &stays {
            prop_assert!(item.run == 0 || gone.iter().all(|other| other.run != item.run), "{horizon:?} {history}");
        }
        let results = stays.iter().filter(|item| matches!(item.message, Message::Tool { .. })).count();
        let sent = sendable(stays.into_iter().cloned());
        prop_assert_eq!(sent.iter().filter(|message| matches!(message, Message::Tool { .. })).count(), results);
        // It stays there until there is more.
        let again = scanned(&history, first, keep, refused, horizon);
        prop_assert!(again == horizon || refused == 0, "{again:?} after {horizon:?}");
    }
}
