//! The drill as `make test` runs it: shorter, and all of it.

use wellhead_drill::report;
use wellhead_drill::scenario::{Scenario, Settings};

#[test]
fn outages_kills_and_power_cuts_cost_no_more_than_promised() {
    let wellhead = wellhead_drill::wellhead_beside();
    let wellhead = wellhead.expect("no wellhead: cargo build --workspace --bins");
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::quick(wellhead, dir.path().to_owned(), 1);
    let outcomes = wellhead_drill::run(&Scenario::ALL, &settings).unwrap();
    for (scenario, outcome) in Scenario::ALL.iter().zip(&outcomes) {
        print!("{}", outcome.text(&scenario.title(&settings)));
    }
    let kept = outcomes.iter().all(report::Outcome::kept);
    assert!(kept, "{}\n{outcomes:#?}", report::verdict(&outcomes));
}
