//! The verdict must be able to fail: made-up deliveries, each with one thing wrong.

use super::*;

const ROOM: &str = "data/room";
const BOOT: &str = "1-aa";

/// Message `seq` with one count of the same value, answered and delivered at `seq` seconds.
fn sample(boot: &str, seq: u64, count: u32, hist: bool) -> Delivery {
    Delivery {
        stream: ROOM.into(),
        boot: boot.into(),
        seq,
        hist,
        at_ms: u64::from(count) * 1000,
        counts: vec![count],
        told: Vec::new(),
        content: u64::from(count),
    }
}

fn event(boot: &str, seq: u64, told: Told) -> Delivery {
    let stream = "event".into();
    let boot = boot.into();
    let content = seq;
    Delivery { stream, boot, seq, hist: false, at_ms: 0, counts: vec![], told: vec![told], content }
}

fn start(boot: &str, before: Option<(&str, u64)>) -> Delivery {
    let last = before.iter().map(|(_, seq)| (ROOM.to_owned(), *seq)).collect();
    let before = before.map(|(boot, _)| boot.to_owned());
    event(boot, 1, Told::Restart { before, last })
}

/// Counts 1 to `answered`, one a second.
fn evidence(answered: u32, deliveries: Vec<Delivery>) -> Evidence {
    let answer = |count| Answer { count, wall_ms: u64::from(count) * 1000 };
    let answered = BTreeMap::from([(ROOM.to_owned(), (1..=answered).map(answer).collect())]);
    Evidence { answered, deliveries, ..Evidence::default() }
}

/// One run, all live and in order.
fn whole(n: u32) -> Evidence {
    let samples = (1..=n).map(|c| sample(BOOT, u64::from(c), c, false));
    evidence(n, std::iter::once(start(BOOT, None)).chain(samples).collect())
}

/// Run 1 gave counts 1 to 10; of these `kept` came. Killed at 10.5 s, back at 12.5 s as run 2,
/// which gave 13 to 15; 11 and 12 were answered to nobody who lived.
fn killed(kept: u32, safe: u64) -> Evidence {
    let mut deliveries = vec![start(BOOT, None)];
    deliveries.extend((1..=kept).map(|c| sample(BOOT, u64::from(c), c, false)));
    deliveries.push(start("2-bb", Some((BOOT, safe))));
    deliveries.extend((13..=15).map(|c| sample("2-bb", u64::from(c) - 12, c, false)));
    let kills = vec![Kill { at_ms: 10_500, back_ms: 12_500, fair: true }];
    Evidence { kills, ..evidence(15, deliveries) }
}

fn room(judgement: &Judgement) -> Row {
    judgement.rows.iter().find(|r| r.stream == ROOM).unwrap().clone()
}

#[track_caller]
fn only_fault(evidence: &Evidence, text: &str) -> Row {
    let judgement = judge(evidence);
    assert_eq!(judgement.faults.len(), 1, "{:#?}", judgement.faults);
    assert!(judgement.faults[0].contains(text), "{:#?}", judgement.faults);
    room(&judgement)
}

#[test]
fn everything_delivered_is_no_fault() {
    let judgement = judge(&whole(9));
    assert_eq!(judgement.faults, Vec::<String>::new());
    let row = room(&judgement);
    assert_eq!((row.answered, row.delivered, row.lost), (9, 9, 0));
}

#[test]
fn loss_without_a_kill_is_a_fault() {
    let mut e = whole(9);
    e.deliveries.pop();
    assert_eq!(only_fault(&e, "1 answers lost: data/room 9").lost, 1);
}

#[test]
fn loss_within_the_window_of_a_kill_is_allowed() {
    let judgement = judge(&killed(8, 8));
    assert_eq!(judgement.faults, Vec::<String>::new());
    let row = room(&judgement);
    assert_eq!((row.lost_allowed, row.lost), (4, 0)); // 9 and 10, and 11 and 12 to a dead process
}

#[test]
fn loss_before_the_window_of_a_kill_is_a_fault() {
    let row = only_fault(&killed(7, 7), "data/room 8, 2.5 s before the next kill");
    assert_eq!((row.lost_allowed, row.lost), (4, 1));
}

#[test]
fn loss_after_the_restart_is_a_fault() {
    let mut e = killed(10, 10);
    e.deliveries.pop();
    assert_eq!(only_fault(&e, "answers lost: data/room 15").lost, 1);
}

#[test]
fn loss_before_an_unfair_kill_is_counted_and_not_judged() {
    let mut e = killed(7, 7);
    e.kills[0].fair = false;
    let judgement = judge(&e);
    assert_eq!(judgement.faults, Vec::<String>::new());
    assert_eq!(room(&judgement).lost_unjudged, 1);
    assert!(judgement.remarks[0].contains("1 of 1 kills not judged"), "{:?}", judgement.remarks);
}

#[test]
fn unfair_kill_excuses_nothing_before_the_kill_before_it_or_after_itself() {
    let mut e = killed(7, 7);
    e.kills.push(Kill { at_ms: 14_500, back_ms: 14_600, fair: false });
    assert_eq!(only_fault(&e, "data/room 8").lost_unjudged, 0);
}

#[test]
fn number_told_safe_that_never_came_is_a_fault() {
    only_fault(&killed(8, 9), "numbers told safe never came: data/room 1-aa 9");
}

#[test]
fn hole_that_is_not_told_is_a_fault() {
    let mut e = whole(9);
    e.deliveries.remove(4);
    e.answered.get_mut(ROOM).unwrap().retain(|a| a.count != 4);
    only_fault(&e, "missing numbers not told: data/room 1-aa 4");
}

#[test]
fn hole_told_as_gap_is_no_fault_of_numbers() {
    let mut e = whole(9);
    e.deliveries.remove(4);
    let (stream, boot) = (ROOM.to_owned(), BOOT.to_owned());
    e.deliveries.push(event(BOOT, 2, Told::Gap { stream, boot, first: 4, last: 4 }));
    only_fault(&e, "1 answers lost: data/room 4");
}

#[test]
fn start_that_is_not_told_is_a_fault() {
    let mut e = killed(10, 10);
    e.deliveries.retain(|d| d.stream != "event" || d.boot == BOOT);
    only_fault(&e, "the start of run 2-bb was not told");
}

#[test]
fn repeat_is_counted_and_heals_nothing() {
    let mut e = whole(9);
    e.deliveries.push(sample(BOOT, 3, 3, true));
    let judgement = judge(&e);
    assert_eq!(judgement.faults, Vec::<String>::new());
    assert_eq!((room(&judgement).repeated, room(&judgement).backlog), (1, 0));
}

#[test]
fn number_used_for_two_messages_is_a_fault() {
    let mut e = whole(9);
    e.deliveries.push(Delivery { content: 77, ..sample(BOOT, 3, 3, false) });
    only_fault(&e, "numbers used for two messages: data/room 1-aa 3");
}

#[test]
fn count_under_two_numbers_is_a_fault() {
    let mut e = whole(9);
    e.deliveries.push(sample(BOOT, 10, 9, false));
    only_fault(&e, "counts under two numbers: data/room 9");
}

#[test]
fn count_that_the_plant_never_gave_is_a_fault() {
    let mut e = whole(9);
    e.deliveries.push(sample(BOOT, 10, 10, false));
    only_fault(&e, "counts that the plant never gave: data/room 10");
}

#[test]
fn misorder_within_live_or_backlog_is_a_fault() {
    for hist in [false, true] {
        let mut e = whole(9);
        e.deliveries.iter_mut().skip(1).for_each(|d| d.hist = hist);
        e.deliveries.swap(4, 5);
        assert_eq!(only_fault(&e, "1 messages out of order").misordered, 1);
    }
}

#[test]
fn older_run_after_a_younger_one_is_misorder() {
    let mut e = killed(10, 10);
    e.deliveries.swap(10, 12);
    assert!(judge(&e).faults[0].contains("out of order"));
}

/// Counts 4 to 6 as backlog after the return at 7 s, and 7 to 9 live around it.
fn returned(order: &[u32]) -> Evidence {
    let mut e = whole(9);
    e.deliveries.truncate(4);
    let at = |(place, count): (usize, &u32)| Delivery {
        at_ms: 7000 + place as u64,
        ..sample(BOOT, u64::from(*count), *count, (4..7).contains(count))
    };
    e.deliveries.extend(order.iter().enumerate().map(at));
    e.returns_ms = vec![7000];
    e
}

#[test]
fn live_passes_the_backlog() {
    let judgement = judge(&returned(&[7, 4, 5, 8, 6, 9]));
    assert_eq!(judgement.faults, Vec::<String>::new());
    assert_eq!(judgement.remarks, ["2 live messages passed a backlog of 3"]);
}

#[test]
fn backlog_before_anything_live_is_a_fault() {
    only_fault(&returned(&[4, 5, 6, 7, 8, 9]), "3 messages of backlog came before anything live");
}

#[test]
fn return_without_backlog_is_a_fault() {
    let mut e = whole(9);
    e.returns_ms = vec![5000];
    only_fault(&e, "no backlog came");
}
