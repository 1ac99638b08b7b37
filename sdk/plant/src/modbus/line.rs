//! The loop on one connection or serial line: bytes in, requests, replies out when they are due.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::exchange::{Latency, Memory, exchange};
use super::frame::{self, Parsed};
use crate::fault::Line;
use crate::serve::Shared;

/// Quiet that ends an RTU frame. Far longer than 3.5 characters at any speed, since neither a
/// pseudo-terminal nor TCP keeps a sender's timing; only noise ever waits for it.
const SILENCE: Duration = Duration::from_millis(20);

struct Outgoing {
    due: Instant,
    bytes: Vec<u8>,
    poll: Option<(u8, u32)>,
}

/// Serves until the peer leaves or `cut` changes.
pub(crate) async fn serve<S>(
    shared: &Shared,
    mut stream: S,
    line: Line,
    latency: Latency,
    mut cut: watch::Receiver<u64>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut inbox = Vec::with_capacity(512);
    let mut outbox: VecDeque<Outgoing> = VecDeque::new();
    let mut memory = Memory::default();
    loop {
        let due = outbox.front().map(|outgoing| outgoing.due);
        let quiet = line != Line::Tcp && !inbox.is_empty();
        tokio::select! {
            biased;
            _ = cut.changed() => return,
            () = wait(due), if due.is_some() => {
                let Some(outgoing) = outbox.pop_front() else { continue };
                if stream.write_all(&outgoing.bytes).await.is_err() {
                    return;
                }
                if let Some((unit, poll)) = outgoing.poll {
                    shared.sent(unit, poll);
                }
            }
            read = read_or_silence(&mut stream, &mut inbox, quiet) => {
                let silent = match read {
                    Read::Bytes => false,
                    Read::Silence => true,
                    Read::End => return,
                };
                let last = outbox.back().map(|outgoing| outgoing.due);
                handle(shared, line, latency, &mut memory, &mut inbox, silent, last, &mut outbox);
            }
        }
    }
}

enum Read {
    Bytes,
    Silence,
    End,
}

async fn wait(due: Option<Instant>) {
    if let Some(due) = due
        && due > Instant::now()
    {
        sleep_until(due).await;
    }
}

async fn read_or_silence<S: AsyncRead + Unpin>(
    stream: &mut S,
    inbox: &mut Vec<u8>,
    quiet_ends: bool,
) -> Read {
    let read = stream.read_buf(inbox);
    let read = if quiet_ends {
        match timeout(SILENCE, read).await {
            Ok(read) => read,
            Err(_) => return Read::Silence,
        }
    } else {
        read.await
    };
    match read {
        Ok(0) | Err(_) => Read::End,
        Ok(_) => Read::Bytes,
    }
}

#[expect(clippy::too_many_arguments, reason = "the state of one connection, borrowed apart")]
fn handle(
    shared: &Shared,
    line: Line,
    latency: Latency,
    memory: &mut Memory,
    inbox: &mut Vec<u8>,
    silent: bool,
    last_due: Option<Instant>,
    outbox: &mut VecDeque<Outgoing>,
) {
    let mut last_due = last_due.unwrap_or_else(Instant::now);
    while !inbox.is_empty() {
        let parsed = match line {
            Line::Tcp => frame::parse_tcp(inbox),
            _ => frame::parse_rtu(inbox, silent),
        };
        match parsed {
            Parsed::Incomplete => return,
            Parsed::Junk(count) => drop(inbox.drain(..count)),
            Parsed::Request(header, request, taken) => {
                inbox.drain(..taken);
                let now = Instant::now();
                let replies =
                    exchange(&mut shared.room_at(now), memory, line, latency, header, &request);
                for reply in replies {
                    // One device after the other, as on a real line: no reply overtakes another.
                    last_due = last_due.max(now + reply.after);
                    let due = last_due;
                    outbox.push_back(Outgoing { due, bytes: reply.bytes, poll: reply.poll });
                }
            }
        }
    }
}
