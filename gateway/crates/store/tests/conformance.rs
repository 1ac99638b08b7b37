//! Every cache against the model.

use proptest::prelude::*;
use wellhead_store::conformance::{actions, check};
use wellhead_store::{CacheConfig, MemoryCache, SledCache};

fn config(dir: &tempfile::TempDir) -> CacheConfig {
    CacheConfig { reserve_bytes: 0, ..CacheConfig::new(dir.path().join("cache"), 32 << 20) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_cache_on_disk_behaves_as_the_model(actions in actions(9_000)) {
        let dir = tempfile::tempdir().unwrap();
        let cache = SledCache::open(config(&dir)).unwrap().0;
        check(cache, &actions, |closed| {
            drop(closed);
            let (cache, report) = SledCache::open(config(&dir)).unwrap();
            assert_eq!(report.incidents, []);
            Some(cache)
        })?;
    }

    #[test]
    fn the_cache_in_memory_behaves_as_the_model(actions in actions(9_000)) {
        check(MemoryCache::new(100_000), &actions, |_| None)?;
    }
}
