//! Which run of the gateway this is.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::marks::replace_file;

const FILE: &str = "boot";

/// A run of the gateway: a counter, joined with a random number so that two boxes restored from
/// one image, or one box restored to its past, never number alike. Written `12-9f3a61c2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootId {
    /// Rises with every start.
    pub counter: u64,
    /// Drawn anew at every start.
    pub random: u32,
}

impl BootId {
    /// The counter in the text of a boot id; 0 when it has none.
    pub(crate) fn counter_of(text: &str) -> u64 {
        text.split('-').next().and_then(|n| n.parse().ok()).unwrap_or(0)
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:08x}", self.counter, self.random)
    }
}

/// The text is not a boot id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a boot id such as 12-9f3a61c2")]
pub struct BootIdError(String);

impl FromStr for BootId {
    type Err = BootIdError;

    fn from_str(s: &str) -> Result<Self, BootIdError> {
        let parse = || {
            let (counter, random) = s.split_once('-')?;
            if random.len() != 8 {
                return None;
            }
            let random = u32::from_str_radix(random, 16).ok()?;
            Some(Self { counter: counter.parse().ok()?, random })
        };
        parse().ok_or_else(|| BootIdError(s.into()))
    }
}

/// The boot number could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep the boot number in {}: {source}", path.display())]
pub struct BootError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Numbers the runs of the gateway, in a file outside the cache directory.
pub struct BootCounter;

impl BootCounter {
    /// Takes the next number and makes it durable before it is used. `seen` is the highest counter
    /// known elsewhere (the cache's marks): a missing or damaged file never leads back below it.
    ///
    /// # Errors
    /// When the file cannot be written; no number is taken then.
    pub fn next_boot(
        state_dir: &Path,
        random: &mut fastrand::Rng,
        seen: u64,
    ) -> Result<BootId, BootError> {
        let path = state_dir.join(FILE);
        let failed = |source| BootError { path: path.clone(), source };
        let last = match fs::read(&path) {
            Ok(bytes) => decode(&bytes).unwrap_or_else(|| {
                tracing::warn!(path = %path.display(), seen, "Boot number damaged, counting on");
                0
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
            Err(e) => return Err(failed(e)),
        };
        let counter = last.max(seen).saturating_add(1);
        fs::create_dir_all(state_dir).map_err(failed)?;
        replace_file(&path, encode(counter).as_bytes()).map_err(failed)?;
        Ok(BootId { counter, random: random.u32(..) })
    }

    /// The highest counter among boot ids, for `seen`.
    pub fn highest<'a>(boots: impl IntoIterator<Item = &'a str>) -> u64 {
        boots.into_iter().map(BootId::counter_of).max().unwrap_or(0)
    }
}

/// The number and its CRC-32: `12 5f3a61c2`.
fn encode(counter: u64) -> String {
    format!("{counter} {:08x}\n", crc32fast::hash(counter.to_string().as_bytes()))
}

fn decode(bytes: &[u8]) -> Option<u64> {
    let counter = std::str::from_utf8(bytes).ok()?.split(' ').next()?.parse().ok()?;
    (encode(counter).as_bytes() == bytes).then_some(counter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(dir: &Path, seen: u64) -> BootId {
        BootCounter::next_boot(dir, &mut fastrand::Rng::with_seed(1), seen).unwrap()
    }

    #[test]
    fn the_counter_rises_with_every_start() {
        let dir = tempfile::tempdir().unwrap();
        let counters = [0, 0, 0].map(|seen| next(dir.path(), seen).counter);
        assert_eq!(counters, [1, 2, 3]);
    }

    #[test]
    fn a_damaged_or_missing_file_never_leads_back_below_what_the_cache_saw() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(next(dir.path(), 41).counter, 42);
        for bad in ["", "4", "43 00000000\n", "-1 x\n", "43"] {
            fs::write(dir.path().join(FILE), bad).unwrap();
            assert_eq!(next(dir.path(), 42).counter, 43, "{bad:?}");
        }
        fs::remove_file(dir.path().join(FILE)).unwrap();
        assert_eq!(next(dir.path(), 43).counter, 44);
    }

    #[test]
    fn a_restored_image_does_not_repeat_an_id() {
        let dir = tempfile::tempdir().unwrap();
        let mut rng = fastrand::Rng::with_seed(7);
        let mut start = || BootCounter::next_boot(dir.path(), &mut rng, 0).unwrap();
        start();
        let image = fs::read(dir.path().join(FILE)).unwrap();
        let before = start();
        fs::write(dir.path().join(FILE), image).unwrap();
        let after = start();
        assert_eq!(before.counter, after.counter);
        assert_ne!(before, after);
    }

    #[test]
    fn ids_read_back_as_written() {
        let id = BootId { counter: 12, random: 0x0f3a_61c2 };
        assert_eq!(id.to_string(), "12-0f3a61c2");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("12".parse::<BootId>().is_err());
        assert!("12-9f".parse::<BootId>().is_err());
        assert_eq!(BootCounter::highest(["2-x", "12-9f3a61c2", "none", "7-a"]), 12);
        assert_eq!(BootCounter::highest([]), 0);
    }

    #[test]
    fn a_file_that_can_not_be_read_is_an_error_and_takes_no_number() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(FILE)).unwrap();
        let error = BootCounter::next_boot(dir.path(), &mut fastrand::Rng::with_seed(1), 0);
        assert_eq!(error.unwrap_err().path, dir.path().join(FILE));
    }

    #[test]
    fn a_file_that_could_be_replaced_but_not_read_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        std::os::unix::fs::symlink(FILE, &path).unwrap(); // leads nowhere but to itself
        assert!(BootCounter::next_boot(dir.path(), &mut fastrand::Rng::with_seed(1), 0).is_err());
        assert!(path.is_symlink());
    }
}
