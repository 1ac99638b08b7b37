//! What commands print. The reader of either stream may go away before all is said (`| head`), and
//! the disk behind it may be full; neither may end the program in the middle of its work.

use std::fmt;
use std::io::{ErrorKind, Write};

/// Standard output did not take what there is to say.
#[derive(Debug, thiserror::Error)]
#[error("can't write to standard output")]
pub(crate) struct OutError(#[from] std::io::Error);

/// Prints to standard output. Whoever reads only the beginning has what he wants.
pub(crate) fn out(text: fmt::Arguments<'_>) -> Result<(), OutError> {
    Ok(write(&mut std::io::stdout().lock(), text)?)
}

/// Prints to standard error; there is nobody left to tell where that fails.
pub(crate) fn err(text: fmt::Arguments<'_>) {
    let _ = write(&mut std::io::stderr().lock(), text);
}

fn write(to: &mut impl Write, text: fmt::Arguments<'_>) -> std::io::Result<()> {
    match to.write_fmt(text).and_then(|()| to.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// `print!`, with its error.
macro_rules! out {
    ($($text:tt)*) => { $crate::commands::print::out(format_args!($($text)*)) };
}

/// `println!`, with its error.
macro_rules! outln {
    ($($text:tt)*) => { out!("{}\n", format_args!($($text)*)) };
}

/// `eprint!` that can't panic.
macro_rules! err {
    ($($text:tt)*) => { $crate::commands::print::err(format_args!($($text)*)) };
}

/// `eprintln!` that can't panic.
macro_rules! errln {
    ($($text:tt)*) => { err!("{}\n", format_args!($($text)*)) };
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_full_disk_is() {
        let write = |kind| write(&mut Broken(kind), format_args!("said\n"));
        assert!(write(ErrorKind::BrokenPipe).is_ok());
        let error = anyhow::Error::from(OutError(write(ErrorKind::StorageFull).unwrap_err()));
        assert_eq!(format!("{error:#}"), "can't write to standard output: no storage space");
    }
}
