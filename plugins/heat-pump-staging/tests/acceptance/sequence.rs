//! H1 and H2: the order of 1.16.

use std::time::Duration;

use crate::bench::{ORDER, one, three};

#[test]
fn h1_starts_in_the_order_of_1_16_and_never_past_a_proof_that_is_missing() {
    let mut whole = one();
    whole.minutes(10);
    assert_eq!(whole.order(true), ORDER);
    assert!(whole.runs(0));

    for (number, withheld) in ORDER.iter().enumerate() {
        let mut bench = one();
        bench.withheld.insert((withheld, 0));
        // Long enough for the automatic retry too.
        bench.minutes(55);
        let mut reached = bench.order(true);
        let first = reached[..=number].to_vec();
        assert_eq!(first, ORDER[..=number], "{withheld} withheld");
        reached.sort_unstable();
        reached.dedup();
        assert_eq!(reached.len(), number + 1, "{withheld} withheld: {reached:?}");
        assert!(!bench.runs(0), "{withheld} withheld");
        assert!(bench.host.alarm("unit_1"), "{withheld} withheld: no alarm");
        assert!(!bench.on("unit_enable", 0), "{withheld} withheld");
        assert!(!bench.on("source_pump", 0), "{withheld} withheld: its pumps run on for nothing");
    }
}

#[test]
fn h2_stops_in_exactly_the_reverse_order_with_the_pumps_running_on() {
    let mut bench = one();
    bench.mains(300.0, 44.0);
    bench.minutes(30);
    assert!(bench.runs(0));
    bench.host.set("call", false);
    bench.minutes(30);
    let mut reverse = ORDER;
    reverse.reverse();
    assert_eq!(bench.order(false), reverse);
    let off: Vec<_> = bench.log.iter().filter(|change| !change.on).map(|c| c.at).collect();
    assert!(off[1] - off[0] >= Duration::from_secs(300), "{:?}", off[1] - off[0]);
    assert!(off.windows(2).all(|pair| pair[0] < pair[1]), "two steps at once: {off:?}");
}

#[test]
fn lost_proof_of_a_running_unit_stops_it_within_ten_seconds_with_an_alarm() {
    for role in &ORDER[..4] {
        let mut bench = one();
        bench.minutes(10);
        assert!(bench.runs(0));
        bench.withheld.insert((role, 0));
        bench.step();
        let lost = bench.clock;
        bench.until("the unit is off", |bench| !bench.on("unit_enable", 0));
        assert!(bench.clock - lost <= Duration::from_secs(10), "{role}");
        assert!(bench.host.alarm("unit_1"), "{role}");
        assert!(bench.host.alarms()["unit_1"].zh.contains("未确认"), "{role}");
    }
}

#[test]
fn pumps_shared_with_a_running_unit_stay_on_when_another_stops() {
    let mut bench = three();
    bench.mains(900.0, 42.0);
    bench.until("all run", |bench| bench.running() == 3);
    bench.mains(300.0, 44.0);
    bench.until("one is left", |bench| bench.running() == 1);
    let stopped = bench.clock;
    bench.minutes(20);
    for role in &ORDER[..4] {
        let dropped = bench.log.iter().any(|c| c.role == *role && !c.on && c.at <= stopped);
        assert!(!dropped && bench.on(role, 0), "{role}");
    }
}

#[test]
fn load_secondary_pump_goes_on_while_there_is_a_call() {
    let mut bench = one();
    bench.mains(300.0, 44.0);
    bench.until("it runs", |bench| bench.runs(0));
    bench.mains(50.0, 44.0);
    bench.until("it is off", |bench| bench.state(0) == "off");
    assert!(bench.on("load_secondary_pump", 0) && !bench.on("load_primary_pump", 0));
    bench.host.set("call", false);
    bench.step();
    assert!(!bench.on("load_secondary_pump", 0));
}

#[test]
fn machine_that_does_not_stop_keeps_its_pumps_and_raises_an_alarm() {
    let mut bench = one();
    bench.minutes(20);
    bench.by_hand.insert(0);
    bench.host.set("call", false);
    bench.minutes(60);
    assert!(!bench.on("unit_enable", 0) && bench.runs(0));
    assert!(ORDER[..4].iter().all(|role| bench.on(role, 0)));
    assert!(bench.host.alarm("unit_1"));
    bench.by_hand.clear();
    bench.minutes(30);
    assert!(!bench.on("source_pump", 0) && !bench.host.alarm("unit_1"));
}

#[test]
fn fault_is_retried_once_and_then_waits_for_a_person() {
    let mut bench = crate::bench::Bench::new(1, [1, 1, 1, 1], crate::bench::ONE, |builder| {
        builder.bind("fault_reset", 1)
    });
    bench.host.set("fault_reset", false);
    bench.minutes(10);
    bench.host.set(("unit_fault", 0), true);
    bench.step();
    assert!(!bench.on("unit_enable", 0), "stops at once");
    bench.host.set(("unit_fault", 0), false);
    bench.minutes(29);
    assert_eq!(bench.state(0), "fault");
    bench.until("the retry", |bench| bench.runs(0));
    bench.host.set(("unit_fault", 0), true);
    bench.step();
    bench.host.set(("unit_fault", 0), false);
    bench.minutes(600);
    assert_eq!(bench.state(0), "fault", "a second fault is not retried");
    bench.host.set("fault_reset", true);
    bench.step();
    bench.host.set("fault_reset", false);
    bench.until("it runs again", |bench| bench.runs(0));
}
