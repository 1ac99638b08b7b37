//! Sets a damaged store aside for whoever wants to look, under the time it was last written.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// Damaged stores kept; the oldest is deleted first.
const KEPT_MAX: usize = 2;

/// Renames `dir` to `<dir>.damaged-<utc>` and returns the new path.
pub(crate) fn set_aside(dir: &Path) -> io::Result<PathBuf> {
    let written = fs::metadata(dir.join("db")).or_else(|_| fs::metadata(dir))?.mtime();
    let prefix = format!("{}.damaged-", dir.file_name().unwrap_or_default().to_string_lossy());
    let parent = dir.parent().unwrap_or(Path::new("."));
    let mut kept = Vec::new();
    for item in fs::read_dir(parent)? {
        let name = item?.file_name();
        if name.to_string_lossy().starts_with(&prefix) {
            kept.push(parent.join(name));
        }
    }
    kept.sort();
    let surplus = (kept.len() + 1).saturating_sub(KEPT_MAX);
    for old in kept.drain(..surplus) {
        fs::remove_dir_all(old)?;
    }
    let stamp = utc(written);
    let mut path = parent.join(format!("{prefix}{stamp}"));
    if path.exists() {
        path = parent.join(format!("{prefix}{stamp}-2")); // free: only one is left by now
    }
    fs::rename(dir, &path)?;
    Ok(path)
}

/// `20260203T040506Z`, from seconds since 1970; a time beyond all calendars counts as 1970.
fn utc(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn times_are_civil_utc() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_770_091_506, "20260203T040506Z"),
            (4_107_542_399, "21000228T235959Z"),
            (i64::MAX, "19700101T000000Z"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }

    #[test]
    fn only_the_newest_damaged_stores_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("blocks");
        let mut aside = Vec::new();
        for day in [0, 1, 2, 2] {
            fs::create_dir(&store).unwrap();
            let written = UNIX_EPOCH + Duration::from_secs(86_400 * day);
            fs::File::create(store.join("db")).unwrap().set_modified(written).unwrap();
            aside.push(set_aside(&store).unwrap());
        }
        assert!(!store.exists());
        let names = aside.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned());
        let expected = ["19700101T000000Z", "19700102T000000Z", "19700103T000000Z"];
        let expected = expected.into_iter().chain(["19700103T000000Z-2"]);
        assert!(names.eq(expected.map(|time| format!("blocks.damaged-{time}"))), "{aside:?}");
        let left: Vec<bool> = aside.iter().map(|p| p.exists()).collect();
        assert_eq!(left, [false, false, true, true]);
    }
}
