//! Counts kept in a file: read whole or not at all, written whole or not at all.
//!
//! Text, so that a person can set a count: a first line that says what it is, one line for each
//! counter with its name and count, and a last line with how many there were, without which the
//! file is not believed. It is replaced by renaming a new one over it. A thread of its own writes
//! it, since a flash card may take a second and the gateway has one thread for everything.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest time that pulses are in memory only. Longer would lose more, shorter would wear out a
/// flash card.
pub const SAVE_EVERY: Duration = Duration::from_secs(60);

const FIRST_LINE: &str = "wellhead counts 1";
/// No file of counts of one chip comes near this.
const FILE_LEN_MAX: u64 = 65_536;

/// Counts by the name of their point.
pub(super) type Counts = BTreeMap<String, u64>;

/// What was found where counts are kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Counts; none if there is no file yet.
    Counts(Counts),
    /// A file that can't be believed. It was moved to this place and counting starts from 0.
    Damaged(PathBuf),
}

/// Reads the file.
///
/// # Errors
/// If it is there and can't be read; then nothing may be counted, since it would be overwritten.
pub(super) fn load(path: &Path) -> io::Result<Found> {
    let length = match fs::metadata(path) {
        Ok(about) => about.len(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Found::Counts(Counts::new())),
        Err(e) => return Err(e),
    };
    if length <= FILE_LEN_MAX
        && let Some(counts) = parse(&fs::read(path)?)
    {
        return Ok(Found::Counts(counts));
    }
    let aside = path.with_extension("damaged");
    fs::rename(path, &aside)?;
    Ok(Found::Damaged(aside))
}

fn parse(bytes: &[u8]) -> Option<Counts> {
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    if lines.next()? != FIRST_LINE {
        return None;
    }
    let mut counts = Counts::new();
    loop {
        match lines.next()?.rsplit_once(' ')? {
            ("end", n) => {
                let whole = n.parse() == Ok(counts.len()) && lines.next().is_none();
                return whole.then_some(counts);
            }
            (name, count) => counts.insert(name.to_owned(), count.parse().ok()?),
        };
    }
}

fn text(counts: &Counts) -> String {
    let lines: String = counts.iter().map(|(name, count)| format!("{name} {count}\n")).collect();
    format!("{FIRST_LINE}\n{lines}end {}\n", counts.len())
}

fn save(path: &Path, counts: &Counts) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(text(counts).as_bytes())?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// The thread that writes. Dropping it waits until the last counts are written.
#[derive(Debug)]
pub(super) struct Keeper {
    jobs: Option<mpsc::Sender<Counts>>,
    done: mpsc::Receiver<io::Result<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives none.
    pub(super) fn start(path: PathBuf) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel::<Counts>();
        let (tell, done) = mpsc::channel();
        let thread = std::thread::Builder::new().name("counts".into()).spawn(move || {
            while let Ok(mut counts) = waiting.recv() {
                // What was counted meanwhile replaces what waits.
                while let Ok(newer) = waiting.try_recv() {
                    counts = newer;
                }
                // Nobody listens any more when the driver ends.
                let _ = tell.send(save(&path, &counts));
            }
        })?;
        Ok(Self { jobs: Some(jobs), done, thread: Some(thread) })
    }

    /// Hands over counts to be written.
    pub(super) fn keep(&self, counts: Counts) {
        if let Some(jobs) = &self.jobs {
            // Fails only if the thread is gone, which `results` then tells.
            let _ = jobs.send(counts);
        }
    }

    /// What came of writing since the last call.
    pub(super) fn results(&self) -> impl Iterator<Item = io::Result<()>> {
        let mut gone = false;
        std::iter::from_fn(move || match self.done.try_recv() {
            Ok(result) => Some(result),
            Err(mpsc::TryRecvError::Disconnected) if !gone => {
                gone = true;
                Some(Err(io::Error::other("the thread that writes counts is gone")))
            }
            Err(_) => None,
        })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It ends when the last job is done; it has no way to panic.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_survive_the_file_and_every_shorter_file_is_refused() {
        let counts = Counts::from([("gas".into(), u64::MAX), ("water main".into(), 7)]);
        let whole = text(&counts);
        assert_eq!(parse(whole.as_bytes()), Some(counts));
        // The last character is a line end, which may go missing without harm.
        for length in 0..whole.len() - 1 {
            assert_eq!(parse(&whole.as_bytes()[..length]), None, "cut at {length}");
        }
        let empty = "wellhead counts 1\nend 0\n";
        assert_eq!(parse(empty.as_bytes()), Some(Counts::new()));
        for wrong in ["wellhead counts 1\ngas -1\nend 1\n", "wellhead counts 1\nend 0\ngas 1\n"] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("counts");
        fs::write(&path, b"wellhead counts 1\ngas 12").unwrap();
        let aside = folder.path().join("counts.damaged");
        assert_eq!(load(&path).unwrap(), Found::Damaged(aside.clone()));
        assert_eq!(fs::read(&aside).unwrap(), b"wellhead counts 1\ngas 12");
        assert_eq!(load(&path).unwrap(), Found::Counts(Counts::new()));
    }

    #[test]
    fn the_last_counts_handed_over_are_in_the_file_when_the_keeper_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("counts");
        let keeper = Keeper::start(path.clone()).unwrap();
        for n in 0..50 {
            keeper.keep(Counts::from([("gas".into(), n)]));
        }
        drop(keeper);
        assert_eq!(load(&path).unwrap(), Found::Counts(Counts::from([("gas".into(), 49)])));
        assert!(!path.with_extension("new").exists());
    }

    proptest! {
        #[test]
        fn any_bytes_are_counts_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
