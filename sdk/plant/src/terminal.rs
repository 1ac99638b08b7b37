//! A pseudo-terminal that stands for an RS-485 line, with a symbolic link to it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The plant's end of the line.
#[derive(Debug)]
pub(crate) struct Terminal {
    end: AsyncFd<File>,
    /// The other end stays open here too, so that the line survives masters that come and go.
    _other: File,
}

/// The symbolic link to the other end; removed when dropped.
#[derive(Debug)]
pub(crate) struct Link(PathBuf);

impl Link {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _gone_already: io::Result<()> = std::fs::remove_file(&self.0);
    }
}

/// Makes a pseudo-terminal and links `path` to it. A link left by a plant that was killed is
/// replaced; anything else at that path is an error.
pub(crate) fn open(path: &Path) -> io::Result<(Link, Terminal)> {
    let end: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&end)?;
    unlockpt(&end)?;
    let name = ptsname(&end, Vec::new())?;
    let name = name.to_str().map_err(io::Error::other)?;
    let other = File::options().read(true).write(true).open(name)?;
    // Bytes as they are: no echo, no line editing, no translation.
    let mut mode = tcgetattr(&other)?;
    mode.make_raw();
    tcsetattr(&other, OptionalActions::Now, &mode)?;
    fcntl_setfl(&end, fcntl_getfl(&end)? | OFlags::NONBLOCK)?;
    if path.is_symlink() {
        std::fs::remove_file(path)?;
    }
    std::os::unix::fs::symlink(name, path)?;
    #[expect(deprecated, reason = "its successor is unsafe; a File keeps its one descriptor")]
    let end = AsyncFd::new(File::from(end))?;
    Ok((Link(path.to_owned()), Terminal { end, _other: other }))
}

impl AsyncRead for Terminal {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.end.poll_read_ready(cx))?;
            let unfilled = buf.initialize_unfilled();
            if let Ok(read) = ready.try_io(|end| end.get_ref().read(unfilled)) {
                return Poll::Ready(read.map(|count| buf.advance(count)));
            }
        }
    }
}

impl AsyncWrite for Terminal {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut ready = ready!(self.end.poll_write_ready(cx))?;
            if let Ok(written) = ready.try_io(|end| end.get_ref().write(bytes)) {
                return Poll::Ready(written);
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
