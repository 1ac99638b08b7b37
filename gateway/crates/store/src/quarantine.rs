//! Sets a damaged store aside for whoever wants to look, under the time it was last written.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

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
    let mut n = 2;
    while path.exists() {
        path = parent.join(format!("{prefix}{stamp}-{n}"));
        n += 1;
    }
    fs::rename(dir, &path)?;
    Ok(path)
}

/// `20260203T040506Z`, from seconds since 1970.
fn utc(seconds: i64) -> String {
    let (days, s) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Civil date from days (Hinnant, "chrono-compatible low-level date algorithms"): years begin
    // in March, so that the leap day is the last.
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (h, m, s) = (s / 3_600, s / 60 % 60, s % 60);
    format!("{year:04}{month:02}{day:02}T{h:02}{m:02}{s:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_civil_utc() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_770_091_506, "20260203T040506Z"),
            (4_107_542_399, "21000228T235959Z"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }

    #[test]
    fn only_the_newest_damaged_stores_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("blocks");
        let mut aside = Vec::new();
        for _ in 0..4 {
            fs::create_dir(&store).unwrap();
            aside.push(set_aside(&store).unwrap());
        }
        assert!(!store.exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), KEPT_MAX);
        assert!(aside[3].exists());
    }
}
