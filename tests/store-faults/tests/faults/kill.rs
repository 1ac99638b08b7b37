//! kill -9 at any moment, recovery included.

use std::time::Duration;

use crate::writer::{Promise, Writer, missing};

const ROUNDS: usize = 25;

#[test]
fn nothing_acknowledged_is_lost_by_kills() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = fastrand::Rng::with_seed(2);
    let mut promise = Promise::default();
    for round in 0..ROUNDS {
        let mut writer = Writer::start(dir.path(), "synced", "drain", promise);
        assert!(writer.listen(rng.usize(1..30)), "the writer goes on until it is killed");
        std::thread::sleep(Duration::from_micros(rng.u64(..4_000))); // anywhere in a commit
        promise = writer.kill();
        assert_eq!(missing(dir.path(), promise), 0, "round {round}, {promise:?}");
    }
    println!("{ROUNDS} kills, {} entries acknowledged, none missing", promise.held);
}

#[test]
fn kills_during_recovery_lose_nothing_and_the_next_opens() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = fastrand::Rng::with_seed(3);
    let mut promise = Promise::default();
    for _ in 0..4 {
        let mut writer = Writer::start(dir.path(), "synced", "keep", promise);
        assert!(writer.listen(60));
        promise = writer.kill();
        for _ in 0..ROUNDS {
            let writer = Writer::start(dir.path(), "synced", "keep", promise);
            std::thread::sleep(Duration::from_micros(rng.u64(..30_000)));
            promise = writer.kill();
        }
        assert_eq!(missing(dir.path(), promise), 0, "{promise:?}");
    }
    println!("{} kills around recovery, {} entries, none missing", 4 * ROUNDS, promise.held);
}
