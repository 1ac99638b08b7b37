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
        let released = self.bytes > 0 && fs::remove_file(&self.path).is_ok();
        if released {
            tracing::warn!(bytes = self.bytes, "Disk full: cache reserve released");
            let _ = self.path.parent().map(sync_dir); // only the space matters, not when
        }
        released
    }
}
