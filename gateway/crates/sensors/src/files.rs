//! The kernel's files, read beside the runtime.
//!
//! The program runs on one thread, and a file of the kernel may take the bus behind it three
//! quarters of a second to read, or for ever where a driver hangs. So each reading of a device has
//! a thread of its own, which ends with it; the runtime's own blocking threads would not do, since
//! the program waits for them when it ends.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use wellhead_driver::DeviceError;

/// No file read here is longer.
const FILE_LEN_MAX: u64 = 16 * 1024;

/// At most one reading at a time.
#[derive(Debug)]
pub(crate) struct Aside<T> {
    running: Option<oneshot::Receiver<T>>,
}

impl<T: Send + 'static> Aside<T> {
    pub(crate) fn new() -> Self {
        Self { running: None }
    }

    /// Does `work` on a thread of its own and waits for it. After a wait that was too long or was
    /// given up, the next one begins when that work has ended; what it brought is thrown away,
    /// since nobody could say how old it is.
    pub(crate) async fn run(
        &mut self,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, DeviceError> {
        let deadline = Instant::now() + limit;
        if let Some(earlier) = &mut self.running {
            let ended = timeout_at(deadline, earlier).await;
            if ended.is_err() {
                return Err(DeviceError::NoReply(limit));
            }
            self.running = None;
        }
        let (tell, told) = oneshot::channel();
        let thread = std::thread::Builder::new().name("files".into()).stack_size(128 * 1024);
        let spawned = thread.spawn(move || {
            // Nobody waits any more after the limit.
            let _unheard: Result<(), T> = tell.send(work());
        });
        if let Err(error) = spawned {
            let error = error.to_string();
            return Err(DeviceError::Unreachable { target: "a thread".into(), error });
        }
        let told = self.running.insert(told);
        let Ok(ended) = timeout_at(deadline, told).await else {
            return Err(DeviceError::NoReply(limit));
        };
        self.running = None;
        ended.map_err(|_| DeviceError::BadReply("the reading of files broke off"))
    }
}

/// A file's text; bytes that are no text become U+FFFD, which no parser takes for a number.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_LEN_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
