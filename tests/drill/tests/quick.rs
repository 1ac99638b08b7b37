//! The drill as `make test` runs it: shorter, and all of it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use wellhead_drill::report::{self, Outcome};
use wellhead_drill::scenario::{Scenario, Settings};

fn wellhead() -> PathBuf {
    wellhead_drill::wellhead_beside().expect("no wellhead: cargo build --workspace --bins")
}

fn drill(scenarios: &[Scenario], wellhead: PathBuf, dir: &Path) -> Vec<Outcome> {
    let settings = Settings::quick(wellhead, dir.to_owned(), 1);
    let outcomes = wellhead_drill::run(scenarios, &settings).unwrap();
    for (scenario, outcome) in scenarios.iter().zip(&outcomes) {
        print!("{}", outcome.text(&scenario.title(&settings)));
    }
    outcomes
}

#[test]
fn outages_kills_and_power_cuts_cost_no_more_than_promised() {
    let dir = tempfile::tempdir().unwrap();
    let outcomes = drill(&Scenario::ALL, wellhead(), dir.path());
    let kept = outcomes.iter().all(Outcome::kept);
    assert!(kept, "{}\n{outcomes:#?}", report::verdict(&outcomes));
}

/// Proves the test above: it sees what a gateway loses.
#[test]
fn gateway_that_forgets_its_cache_breaks_the_promise() {
    let dir = tempfile::tempdir().unwrap();
    let forgetful = wrapped(dir.path(), "rm -rf \"$(dirname \"$2\")/data/cache\"");
    let outcomes = drill(&[Scenario::OutageKill], forgetful, dir.path());
    let [Outcome::Judged(judgement)] = outcomes.as_slice() else { panic!("{outcomes:#?}") };
    assert!(judgement.rows.iter().any(|row| row.lost > 0), "{judgement:#?}");
    assert!(!outcomes[0].kept());
}

/// Proves that the power cuts are some: a gateway that does not wait for the disk fails them.
#[test]
fn gateway_that_never_syncs_fails_the_power_cuts() {
    let dir = tempfile::tempdir().unwrap();
    let (source, library) = (dir.path().join("never.c"), dir.path().join("never.so"));
    let never = "int fsync(int f) { return 0; }\nint fdatasync(int f) { return 0; }\n\
                 int sync_file_range(int f, long o, long n, unsigned w) { return 0; }\n";
    std::fs::write(&source, never).unwrap();
    let mut cc = Command::new("cc");
    let built = cc.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status().unwrap();
    assert!(built.success());
    let preload = format!("export LD_PRELOAD='{}'", library.display());
    let outcomes = drill(&[Scenario::PowerCuts], wrapped(dir.path(), &preload), dir.path());
    match outcomes.as_slice() {
        [Outcome::Judged(judgement)] => {
            assert!(judgement.rows.iter().any(|row| row.lost > 0), "{judgement:#?}");
        }
        [Outcome::Skipped(_)] => {}
        other => panic!("{other:#?}"),
    }
}

/// The gateway's program with a line of shell before it.
fn wrapped(dir: &Path, line: &str) -> PathBuf {
    let path = dir.join("wrapped");
    let script = format!("#!/bin/sh\n{line}\nexec '{}' \"$@\"\n", wellhead().display());
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}
