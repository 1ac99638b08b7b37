//! File systems of our own, where root and the kernel allow them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::writer::spawn;

pub(crate) struct Mount {
    at: PathBuf,
}

impl Mount {
    /// Mounts; says on standard output why not if it cannot be.
    pub(crate) fn new(options: &[&str], source: &Path, at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        run(Command::new("mount").args(options).arg(source).arg(at))?;
        Some(Self { at: at.into() })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run(Command::new("umount").arg(&self.at));
    }
}

/// Runs a command; prints what it said if it failed.
pub(crate) fn run(command: &mut Command) -> Option<()> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let said = match spawn(command).and_then(Child::wait_with_output) {
        Ok(out) if out.status.success() => return Some(()),
        Ok(out) => String::from_utf8_lossy(&out.stderr).into_owned(),
        Err(e) => e.to_string(),
    };
    println!("{command:?}: {said}");
    None
}
