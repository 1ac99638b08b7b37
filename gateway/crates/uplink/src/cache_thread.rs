//! The cache on a thread of its own: it waits for the disk, the event loop must not.

use crate::spill::Job;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use wellhead_store::{Appended, Cache, Entry, EntryId, Incident, Stats};

/// Answers in the order of the jobs. At most one job of each kind is under way, so neither
/// channel needs a bound of its own.
#[derive(Debug)]
pub(crate) enum Done {
    Appended(Result<Appended, String>),
    Read {
        generation: u64,
        result: Result<Vec<(EntryId, Entry)>, String>,
    },
    Removed(Result<(), String>),
    Stats(Stats),
    Closed(Result<(), String>),
    /// Damage met while answering.
    Damaged(Vec<Incident>),
}

/// Starts the thread. It ends after [`Job::Close`] or when the sender is dropped.
pub(crate) fn start(
    mut cache: Box<dyn Cache>,
) -> std::io::Result<(mpsc::Sender<Job>, UnboundedReceiver<Done>)> {
    let (jobs, todo) = mpsc::channel::<Job>();
    let (tell, done) = unbounded_channel();
    std::thread::Builder::new().name("cache".into()).spawn(move || {
        while let Ok(job) = todo.recv() {
            let closing = matches!(job, Job::Close { .. });
            let done = work(&mut *cache, job, &tell);
            if closing {
                // Whoever hears of it may open the folder anew.
                drop(cache);
                return answer(&tell, done);
            }
            answer(&tell, done);
        }
    })?;
    Ok((jobs, done))
}

/// The receiver is gone only when nobody wants the answer any more.
fn answer(tell: &UnboundedSender<Done>, done: Option<Done>) {
    let _ = done.map(|done| tell.send(done));
}

fn work(cache: &mut dyn Cache, job: Job, tell: &UnboundedSender<Done>) -> Option<Done> {
    let done = match job {
        Job::Append(entries) => Done::Appended(guarded(|| cache.append(&entries))),
        Job::Read(r) => {
            let result = guarded(|| cache.read(r.after, r.bytes_max));
            Done::Read { generation: r.generation, result }
        }
        Job::Remove(ids) => Done::Removed(guarded(|| cache.remove(&ids))),
        Job::Marks(marks) => {
            let result = guarded(|| {
                cache.note_delivered(&marks);
                cache.sync()
            });
            if let Err(error) = result {
                tracing::debug!(%error, "Delivered numbers not noted");
            }
            return None;
        }
        Job::Stats => match guarded(|| Ok::<_, std::convert::Infallible>(cache.stats())) {
            Ok(stats) => Done::Stats(stats),
            Err(_) => return None,
        },
        Job::Close { clean } => Done::Closed(guarded(|| cache.close(clean))),
    };
    let incidents = cache.take_incidents();
    if !incidents.is_empty() {
        answer(tell, Some(Done::Damaged(incidents)));
    }
    Some(done)
}

/// A panic inside the store costs this one request, not the uplink.
fn guarded<T, E: std::fmt::Display>(f: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result.map_err(|e| e.to_string()),
        Err(panic) => {
            let said = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
            let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(format!("the cache panicked: {}", said.unwrap_or_default()))
        }
    }
}
