//! Every cache against the model.

use proptest::prelude::*;
use wellhead_store::conformance::{actions, check};
use wellhead_store::{CacheConfig, MemoryCache, SledCache};

fn config(dir: &tempfile::TempDir) -> CacheConfig {
    CacheConfig { reserve_bytes: 0, ..CacheConfig::new(dir.path().join("cache"), 32 << 20) }
}

/// Failures print their input, small enough to be kept as a test of its own.
fn cases(n: u32) -> ProptestConfig {
    ProptestConfig { cases: n, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(48))]

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

proptest! {
    #![proptest_config(cases(256))]

    /// Damage that passes no checksum, and damage whose checksum was made right again.
    #[test]
    fn decoding_any_bytes_ends_in_an_answer(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        raw_dir in 0..2_000u32,
    ) {
        let mut block = b"WB\x01\0\0\0\0\0".to_vec();
        block.extend_from_slice(&3u32.to_le_bytes());
        block.extend_from_slice(&raw_dir.to_le_bytes());
        block.extend_from_slice(&(bytes.len() as u32 / 2).to_le_bytes());
        block.extend_from_slice(&(raw_dir * 3).to_le_bytes());
        block.extend_from_slice(&bytes);
        let crc = crc32fast::hash(&block[8..]);
        block[4..8].copy_from_slice(&crc.to_le_bytes());
        let _ = wellhead_store::decode_block(&block);
        let _ = wellhead_store::decode_block(&bytes);
    }
}
