//! How much disk there is, and the reserve kept for the day there is none.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::marks::sync_dir;

/// Bytes allocated to everything below `path`; what vanishes meanwhile counts nothing.
pub(crate) fn allocated(path: &Path) -> u64 {
    let Ok(meta) = fs::symlink_metadata(path) else { return 0 };
    let own = meta.blocks() * 512;
    if !meta.is_dir() {
        return own;
    }
    let Ok(items) = fs::read_dir(path) else { return own };
    own + items.flatten().map(|i| allocated(&i.path())).sum::<u64>()
}

/// Bytes an ordinary user may still take on the disk of `path`.
pub(crate) fn free(path: &Path) -> io::Result<u64> {
    let v = rustix::fs::statvfs(path)?;
    Ok(v.f_bavail.saturating_mul(v.f_frsize))
}

/// A file that only takes space, given up when the disk is full so that what is held can be
/// delivered and removed, which needs a little room to write.
#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
    bytes: u64,
}

impl Reserve {
    pub(crate) fn new(path: PathBuf, bytes: u64) -> Self {
        Self { path, bytes }
    }

    fn held(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|m| m.len() == self.bytes)
    }

    /// Takes the space if there is twice as much and more; says whether it is held.
    pub(crate) fn take(&self, free: u64) -> bool {
        if self.bytes == 0 || self.held() {
            return true;
        }
        if free / 2 < self.bytes {
            return false;
        }
        let taken = File::create(&self.path).and_then(|f| {
            Ok(rustix::fs::fallocate(f, rustix::fs::FallocateFlags::empty(), 0, self.bytes)?)
        });
        if let Err(error) = &taken {
            tracing::debug!(%error, "Reserve not taken");
            let _ = fs::remove_file(&self.path);
        }
        taken.is_ok()
    }

    /// Gives the space back; says whether there was any.
    pub(crate) fn release(&self) -> bool {
        let released = fs::remove_file(&self.path).is_ok();
        if released {
            tracing::warn!(bytes = self.bytes, "Disk full: cache reserve released");
            let _ = self.path.parent().map(sync_dir); // only the space matters, not when
        }
        released
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn the_space_of_a_directory_is_that_of_all_in_it() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(allocated(&dir.path().join("nothing")), 0);
        let empty = allocated(dir.path());
        let below = dir.path().join("below");
        fs::create_dir(&below).unwrap();
        for file in [dir.path().join("a"), below.join("b")] {
            fs::write(&file, vec![7; MIB as usize]).unwrap();
            File::open(&file).unwrap().sync_all().unwrap(); // some file systems allocate late
            assert!((MIB..MIB + MIB / 8).contains(&allocated(&file)), "{}", allocated(&file));
        }
        let whole = allocated(dir.path());
        let files = allocated(&dir.path().join("a")) + allocated(&below.join("b"));
        let directories = allocated(&below) - allocated(&below.join("b")) + empty;
        assert_eq!(whole, files + directories);
        assert!(free(dir.path()).unwrap() > MIB, "these tests need more than that themselves");
        assert!(free(&dir.path().join("nothing")).is_err());
    }

    #[test]
    fn the_reserve_is_taken_when_there_is_twice_as_much_and_given_back_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reserve");
        let reserve = Reserve::new(path.clone(), MIB);
        assert!(!reserve.release(), "nothing to give back");
        assert!(!reserve.take(2 * MIB - 1));
        assert!(!path.exists());
        assert!(reserve.take(2 * MIB));
        assert_eq!(fs::metadata(&path).unwrap().len(), MIB);
        assert!(allocated(&path) >= MIB, "not a hole");
        assert!(reserve.take(0), "it is held");
        assert!(reserve.release());
        assert!(!path.exists());
        assert!(!reserve.release());
    }

    #[test]
    fn a_reserve_of_another_size_is_replaced_and_none_is_always_held() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reserve");
        assert!(Reserve::new(path.clone(), 2 * MIB).take(u64::MAX));
        assert!(!Reserve::new(path.clone(), MIB).take(0), "has to be taken anew");
        assert!(Reserve::new(path.clone(), MIB).take(u64::MAX));
        assert_eq!(fs::metadata(&path).unwrap().len(), MIB);
        let none = Reserve::new(path.clone(), 0);
        assert!(none.take(0));
        assert!(none.release(), "one of an earlier setting");
        assert!(none.take(u64::MAX));
        assert!(!path.exists());
        let nowhere = Reserve::new(dir.path().join("nowhere/reserve"), MIB);
        assert!(!nowhere.take(u64::MAX));
    }
}
