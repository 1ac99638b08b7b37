//! The uplink as a pure machine: what happened and what time it is go in, what to send and what
//! to ask of the cache come out. No socket, no file, no clock in here, so that every order of
//! acknowledgements, failures and restarts can be tried by a property test.
//!
//! A batch is sealed once and then lives in exactly one of these places, until an acknowledgement
//! or the bound on memory ends it:
//!
//! ```text
//! seal ─► queue ─────► flight (live) ──ack──► gone
//!           │ late        │ late
//!           ▼             ▼
//!         writing ────► cache ─► backlog ─► flight (history) ──ack──► removed from the cache
//! ```

use crate::backlog::Backlog;
use crate::encode::Beginnings;
use crate::gaps::{Range, Ranges};
use crate::pace::Pace;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use wellhead_store::{EntryId, Mark};

/// An acknowledgement later than this is late, and the batch goes to the cache.
pub(crate) const LATE: Duration = Duration::from_secs(1);
/// With no acknowledgement at all for this long, the connection is given up.
pub(crate) const STALLED_AFTER: Duration = Duration::from_secs(30);
/// History in flight, so that a live batch never waits behind more than this on a slow link.
const HISTORY_BYTES_IN_FLIGHT: usize = 512 * 1024;
/// Replies waiting for a connection; beyond, the oldest goes.
const NOTES_MAX: usize = 256;
/// Losses are told together, at most this often.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Room for an MQTT publish header around topic and payload.
const PACKET_OVERHEAD: usize = 32;

/// What the broker allows on this connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Online {
    /// Publishes in flight at most.
    pub(crate) quota: usize,
    /// Bytes in one packet at most.
    pub(crate) packet_max: usize,
}

/// A sealed batch in memory.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// Order of sealing over all streams.
    pub(crate) ord: u64,
    pub(crate) stream: usize,
    pub(crate) seq: u64,
    pub(crate) samples: u32,
    pub(crate) time_ms: i64,
    pub(crate) sealed: Duration,
    /// The live message, opening brace included.
    pub(crate) message: Bytes,
}

/// A message outside the numbered streams: status, catalog, health, a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) retain: bool,
    pub(crate) correlation: Option<Bytes>,
    /// Sent again after a lost connection; others are written afresh then.
    pub(crate) keep: bool,
}

/// How far an unacknowledged live batch is safe on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    No,
    Writing,
    Cached(EntryId),
}

#[derive(Debug)]
pub(crate) enum Load {
    /// A batch that memory holds.
    Sealed(Batch, Kept),
    /// History from the cache.
    Cached {
        id: EntryId,
        range: Range,
    },
    Note(Note),
}

impl Load {
    fn is_in_window(&self) -> bool {
        matches!(self, Load::Sealed(..))
    }
}

#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) sent: Duration,
    pub(crate) bytes: usize,
    /// Sent as history: from the cache, or from memory while the cache can't take it.
    pub(crate) history: bool,
    pub(crate) load: Load,
}

/// A publish to make. `token` comes back with its acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outbound {
    pub(crate) token: u64,
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) retain: bool,
    pub(crate) correlation: Option<Bytes>,
}

/// Something the outside must hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Batches that no consumer will see.
    Gap(Range),
    /// The broker refused these; they stay in the cache and get another try.
    Refused {
        range: Range,
        reason: &'static str,
    },
    CacheFailed(String),
    CacheRecovered,
}

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: Arc<str>,
    /// For encoding its samples, which is done outside; nothing here looks at it.
    pub(crate) beginnings: Beginnings,
    pub(crate) seq_next: u64,
    delivered: u64,
    marked: u64,
}

/// Counts since the start, in batches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sealed and numbered.
    pub sealed: u64,
    /// Acknowledged by the broker, live or as history.
    pub delivered: u64,
    /// Of these, from the backlog.
    pub delivered_history: u64,
    /// Written to the cache because the acknowledgement was late.
    pub spilled: u64,
    /// Answered by the broker with a refusal.
    pub refused: u64,
    /// Lost to a bound (memory or disk) before delivery; told as gaps.
    pub dropped: u64,
}

/// See the module page.
#[derive(Debug)]
pub(crate) struct Core {
    root: String,
    pub(crate) boot: Arc<str>,
    pub(crate) window_bytes_max: usize,
    pub(crate) streams: Vec<Stream>,
    ord_next: u64,
    token_next: u64,
    /// Sealed, not sent, oldest first; those older than [`LATE`] wait for the cache.
    pub(crate) queue: VecDeque<Batch>,
    pub(crate) queue_bytes: usize,
    /// Batches sealed before this one were on their way to the cache once. If it did not take
    /// them they are history all the same: younger ones may have gone out as live meanwhile.
    pub(crate) history_before: u64,
    /// By token, so in the order of sending.
    pub(crate) flights: BTreeMap<u64, Flight>,
    /// Bytes of batches in flight that memory alone holds.
    pub(crate) flight_bytes: usize,
    history_flights: usize,
    history_bytes: usize,
    last_ack: Duration,
    pub(crate) ack_latency: Duration,
    urgent: VecDeque<Note>,
    routine: VecDeque<Note>,
    online: Option<Online>,
    pub(crate) backlog: Backlog,
    pub(crate) spill: crate::spill::Spill,
    pub(crate) gaps: Ranges,
    refusals: Vec<(Range, &'static str)>,
    pub(crate) notices: Vec<Notice>,
    tell_from: Duration,
    pub(crate) draining: bool,
    pace: Pace,
    pub(crate) counts: Counts,
}

impl Core {
    pub(crate) fn new(root: String, boot: Arc<str>, window_bytes_max: usize) -> Self {
        Self {
            root,
            boot,
            window_bytes_max,
            streams: Vec::new(),
            ord_next: 0,
            token_next: 1,
            queue: VecDeque::new(),
            queue_bytes: 0,
            history_before: 0,
            flights: BTreeMap::new(),
            flight_bytes: 0,
            history_flights: 0,
            history_bytes: 0,
            last_ack: Duration::ZERO,
            ack_latency: Duration::ZERO,
            urgent: VecDeque::new(),
            routine: VecDeque::new(),
            online: None,
            backlog: Backlog::default(),
            spill: crate::spill::Spill::default(),
            gaps: Ranges::default(),
            refusals: Vec::new(),
            notices: Vec::new(),
            tell_from: Duration::ZERO,
            draining: false,
            pace: Pace::new(),
            counts: Counts::default(),
        }
    }

    /// The index of a stream, which is made on first mention.
    pub(crate) fn stream(&mut self, name: &str) -> usize {
        if let Some(i) = self.streams.iter().position(|s| &*s.name == name) {
            return i;
        }
        self.streams.push(Stream {
            name: name.into(),
            beginnings: Beginnings::default(),
            seq_next: 1,
            delivered: 0,
            marked: 0,
        });
        self.streams.len() - 1
    }

    /// Takes the next batch of a stream, encoded with the number `seq_next` already in it.
    pub(crate) fn seal(
        &mut self,
        now: Duration,
        stream: usize,
        samples: u32,
        time_ms: i64,
        message: Bytes,
    ) {
        let Some(s) = self.streams.get_mut(stream) else { return };
        let seq = s.seq_next;
        s.seq_next += 1;
        self.counts.sealed += 1;
        self.queue_bytes += message.len();
        let ord = self.ord_next;
        self.ord_next += 1;
        self.queue.push_back(Batch { ord, stream, seq, samples, time_ms, sealed: now, message });
        // Only what waits can be dropped: a batch in flight or being written is nearly safe. Both
        // are bounded to parts of the window, so there is always something that waits.
        while self.window_bytes() > self.window_bytes_max
            && let Some(oldest) = self.queue.pop_front()
        {
            self.queue_bytes -= oldest.message.len();
            self.lose(&oldest);
        }
    }

    /// Bytes of batches held in memory.
    pub(crate) fn window_bytes(&self) -> usize {
        self.queue_bytes + self.flight_bytes + self.spill.bytes
    }

    /// Batches held in memory and not in the cache.
    pub(crate) fn window_batches(&self) -> usize {
        let live = |f: &&Flight| matches!(f.load, Load::Sealed(_, Kept::No));
        self.queue.len() + self.flights.values().filter(live).count()
    }

    pub(crate) fn range_of(&self, b: &Batch) -> Range {
        Range {
            stream: self.streams[b.stream].name.clone(),
            boot: self.boot.clone(),
            first: b.seq,
            last: b.seq,
            samples: u64::from(b.samples),
        }
    }

    pub(crate) fn lose(&mut self, b: &Batch) {
        let range = self.range_of(b);
        self.lose_range(range);
    }

    pub(crate) fn lose_range(&mut self, range: Range) {
        self.counts.dropped += range.last - range.first + 1;
        self.gaps.add(range);
    }

    /// Puts a note before everything else (`urgent`) or behind what is live.
    pub(crate) fn note(&mut self, note: Note, urgent: bool) {
        let notes = if urgent { &mut self.urgent } else { &mut self.routine };
        notes.push_back(note);
        if urgent && notes.len() > NOTES_MAX {
            notes.pop_front();
        }
    }

    pub(crate) fn is_online(&self) -> bool {
        self.online.is_some()
    }

    /// A connection stands. What was on a dead one starts again.
    pub(crate) fn connected(&mut self, now: Duration, online: Online) {
        self.disconnected();
        self.online = Some(online);
        self.last_ack = now;
        self.backlog.unpark();
        self.backlog.rewind();
    }

    /// The connection is gone, and with it all that was in flight and not acknowledged.
    pub(crate) fn disconnected(&mut self) {
        self.online = None;
        self.urgent.retain(|n| n.keep);
        self.routine.clear();
        let flights = std::mem::take(&mut self.flights);
        (self.flight_bytes, self.history_flights, self.history_bytes) = (0, 0, 0);
        for (token, flight) in flights.into_iter().rev() {
            match flight.load {
                Load::Sealed(b, Kept::No) => {
                    self.queue_bytes += b.message.len();
                    self.queue.push_front(b);
                }
                Load::Sealed(_, Kept::Writing) => self.spill.landed(token),
                Load::Note(n) if n.keep => self.urgent.push_front(n),
                Load::Sealed(_, Kept::Cached(_)) | Load::Cached { .. } | Load::Note(_) => {}
            }
        }
        // Batches held back for lack of a cache may be older than those just put in front.
        self.queue.make_contiguous().sort_by_key(|b| b.ord);
        self.backlog.rewind();
    }

    /// The next publish, if the broker may have one more now: replies and status first, then
    /// what is live, then catalogs, then history with what is left of the quota.
    pub(crate) fn next_send(&mut self, now: Duration) -> Option<Outbound> {
        let online = self.online?;
        if self.flights.len() >= online.quota {
            return None;
        }
        if let Some(n) = self.urgent.pop_front() {
            return Some(self.send_note(now, n));
        }
        while let Some(b) = self.take_live(now) {
            if self.fits(&b, online) {
                let (topic, payload) = (self.topic(b.stream), b.message.clone());
                return Some(self.launch(now, topic, payload, Load::Sealed(b, Kept::No), false));
            }
            self.refuse(now, Load::Sealed(b, Kept::No), "packet_too_large");
        }
        if let Some(n) = self.routine.pop_front() {
            return Some(self.send_note(now, n));
        }
        self.next_history(now, online)
    }

    fn topic(&self, stream: usize) -> String {
        [self.root.as_str(), "/", &self.streams[stream].name].concat()
    }

    fn fits(&self, b: &Batch, online: Online) -> bool {
        let name = self.streams[b.stream].name.len();
        b.message.len() + self.root.len() + name + PACKET_OVERHEAD <= online.packet_max
    }

    fn send_note(&mut self, now: Duration, n: Note) -> Outbound {
        let correlation = n.correlation.clone();
        let mut out =
            self.launch(now, n.topic.clone(), n.payload.clone(), Load::Note(n.clone()), false);
        (out.retain, out.correlation) = (n.retain, correlation);
        out
    }

    /// Whether a batch that waits can no longer go out as live.
    fn is_history(&self, now: Duration, b: &Batch) -> bool {
        b.ord < self.history_before || now.saturating_sub(b.sealed) >= LATE
    }

    /// The oldest batch that is not late yet; late ones belong to the cache.
    fn take_live(&mut self, now: Duration) -> Option<Batch> {
        let i = self.queue.partition_point(|b| self.is_history(now, b));
        let bytes = self.queue.get(i)?.message.len();
        if !self.flights.is_empty() && self.flight_bytes + bytes > self.window_bytes_max / 4 {
            return None;
        }
        let b = self.queue.remove(i)?;
        self.queue_bytes -= bytes;
        Some(b)
    }

    /// Whether history waits for its pace; it is to be looked for again after [`crate::pace::PACE`].
    pub(crate) fn is_paced(&self) -> bool {
        self.is_online() && self.pace.is_spent()
    }

    fn next_history(&mut self, now: Duration, online: Online) -> Option<Outbound> {
        let reserve = if online.quota > 1 { (online.quota / 4).max(1) } else { 0 };
        if self.draining
            || self.history_flights >= online.quota - reserve
            || self.history_bytes >= HISTORY_BYTES_IN_FLIGHT
            || !self.pace.allows(now)
        {
            return None;
        }
        while let Some((id, entry)) = self.backlog.front() {
            // The same batch still flies as live. Passing it would let a later one overtake it
            // in the backlog, should the connection die: so the backlog waits.
            let id = *id;
            let (size, topic) = (entry.payload.len(), [&self.root, "/", &*entry.stream].concat());
            if self.flies(id) {
                return None;
            }
            let (_, entry) = self.backlog.pop()?;
            let range = Range {
                stream: entry.stream.clone(),
                boot: entry.boot.clone(),
                first: entry.seq,
                last: entry.seq,
                samples: u64::from(entry.samples),
            };
            let load = Load::Cached { id, range };
            if size + topic.len() + PACKET_OVERHEAD <= online.packet_max {
                return Some(self.launch(now, topic, history(&entry.payload), load, true));
            }
            self.refuse(now, load, "packet_too_large");
        }
        self.next_held(now, online)
    }

    /// History straight from memory, while the cache can't take it and has nothing older to give.
    fn next_held(&mut self, now: Duration, online: Online) -> Option<Outbound> {
        let nothing_older = self.backlog.is_exhausted() || self.backlog.is_unreadable();
        let nothing_older = nothing_older && !self.spill.is_writing() && !self.overtakes_live();
        if !self.spill.is_failed() || !nothing_older {
            return None;
        }
        while self.queue.front().is_some_and(|b| self.is_history(now, b)) {
            let b = self.queue.pop_front()?;
            self.queue_bytes -= b.message.len();
            if self.fits(&b, online) {
                let topic = self.topic(b.stream);
                let payload = history(&b.message.slice(1..));
                return Some(self.launch(now, topic, payload, Load::Sealed(b, Kept::No), true));
            }
            self.refuse(now, Load::Sealed(b, Kept::No), "packet_too_large");
        }
        None
    }

    /// Whether an older batch than the front of the queue still flies as live. Should the
    /// connection die, it would come as history behind this one.
    fn overtakes_live(&self) -> bool {
        let Some(front) = self.queue.front() else { return false };
        let older =
            |f: &Flight| !f.history && matches!(&f.load, Load::Sealed(b, _) if b.ord < front.ord);
        self.flights.values().any(older)
    }

    fn flies(&self, id: EntryId) -> bool {
        self.flights
            .values()
            .any(|f| matches!(f.load, Load::Sealed(_, Kept::Cached(other)) if other == id))
    }

    fn launch(
        &mut self,
        now: Duration,
        topic: String,
        payload: Bytes,
        load: Load,
        history: bool,
    ) -> Outbound {
        let token = self.token_next;
        self.token_next += 1;
        let bytes = payload.len();
        if history {
            self.history_flights += 1;
            self.history_bytes += bytes;
            self.pace.spend(bytes);
        }
        if load.is_in_window() {
            self.flight_bytes += bytes;
        }
        if self.flights.is_empty() {
            self.last_ack = now;
        }
        self.flights.insert(token, Flight { sent: now, bytes, history, load });
        Outbound { token, topic, payload, retain: false, correlation: None }
    }

    /// The broker answered a publish; `refusal` is its reason if it did not take it.
    pub(crate) fn answered(&mut self, now: Duration, token: u64, refusal: Option<&'static str>) {
        let Some(flight) = self.flights.remove(&token) else { return };
        self.last_ack = now;
        if flight.load.is_in_window() {
            self.flight_bytes -= flight.bytes;
        }
        if flight.history {
            self.history_flights -= 1;
            self.history_bytes -= flight.bytes;
        }
        if let Some(reason) = refusal {
            if let Load::Sealed(_, Kept::Writing) = flight.load {
                self.spill.refused(token);
            }
            self.refuse(now, flight.load, reason);
            return;
        }
        if matches!(flight.load, Load::Note(_)) {
            return;
        }
        self.counts.delivered += 1;
        self.counts.delivered_history += u64::from(flight.history);
        match flight.load {
            Load::Sealed(b, kept) => {
                if !flight.history {
                    self.ack_latency = now.saturating_sub(flight.sent);
                }
                let s = &mut self.streams[b.stream];
                s.delivered = s.delivered.max(b.seq);
                match kept {
                    Kept::No => {}
                    Kept::Writing => self.spill.delivered(token),
                    Kept::Cached(id) => self.backlog.acked(id),
                }
            }
            Load::Cached { id, .. } => self.backlog.acked(id),
            Load::Note(_) => {}
        }
    }

    /// A refused batch is told and set aside in the cache, for another try on the next
    /// connection: an access list that was wrong may be right by then.
    fn refuse(&mut self, now: Duration, load: Load, reason: &'static str) {
        let range = match load {
            Load::Sealed(b, kept) => {
                let range = self.range_of(&b);
                match kept {
                    Kept::No => self.spill.park(b),
                    Kept::Writing => {}
                    Kept::Cached(id) => self.park(now, id),
                }
                range
            }
            Load::Cached { id, range } => {
                self.park(now, id);
                range
            }
            Load::Note(_) => return,
        };
        self.counts.refused += 1;
        let joined = self.refusals.iter_mut().rev().find(|(r, why)| {
            *why == reason
                && r.stream == range.stream
                && r.boot == range.boot
                && r.last < range.first
        });
        match joined {
            Some((r, _)) if r.last + 1 == range.first => {
                r.last = range.last;
                r.samples += range.samples;
            }
            _ => self.refusals.push((range, reason)),
        }
    }

    pub(crate) fn park(&mut self, now: Duration, id: EntryId) {
        if let Some(given_up) = self.backlog.park(now, id) {
            // Which numbers these were is known to nobody any more but to the refusal that was
            // told when they were parked.
            self.counts.dropped += 1;
            self.backlog.acked(given_up);
        }
    }

    /// What must be told now. Losses are told only when the telling itself can be kept: on a
    /// connection or in the cache.
    pub(crate) fn take_notices(&mut self, now: Duration) -> Vec<Notice> {
        let mut out = std::mem::take(&mut self.notices);
        let tellable = self.online.is_some() || !self.spill.is_failed();
        if (self.gaps.is_empty() && self.refusals.is_empty()) || now < self.tell_from || !tellable {
            return out;
        }
        self.tell_from = now + TELL_EVERY;
        out.extend(self.gaps.take().into_iter().map(Notice::Gap));
        let refusals = std::mem::take(&mut self.refusals);
        out.extend(refusals.into_iter().map(|(range, reason)| Notice::Refused { range, reason }));
        out
    }

    /// Whether the broker has left publishes unanswered for so long that the connection is dead.
    pub(crate) fn is_stalled(&self, now: Duration) -> bool {
        !self.flights.is_empty() && now.saturating_sub(self.last_ack) >= STALLED_AFTER
    }

    /// Streams delivered further than the cache was last told.
    pub(crate) fn take_marks(&mut self) -> Vec<Mark> {
        let boot = &self.boot;
        let moved = self.streams.iter_mut().filter(|s| s.delivered > s.marked);
        moved
            .map(|s| {
                s.marked = s.delivered;
                Mark { stream: s.name.clone(), boot: boot.clone(), seq: s.delivered }
            })
            .collect()
    }

    /// Whether live batches or notes are still waiting for the broker.
    pub(crate) fn awaits_broker(&self) -> bool {
        let pending = |f: &Flight| !matches!(f.load, Load::Cached { .. });
        !self.queue.is_empty() || !self.urgent.is_empty() || self.flights.values().any(pending)
    }

    /// Whether history is on its way or waiting.
    pub(crate) fn has_backlog(&self) -> bool {
        self.history_flights > 0 || !self.backlog.is_exhausted()
    }

    /// Gives refused batches another try on a connection that lasts.
    pub(crate) fn retry_parked(&mut self, now: Duration) {
        if self.history_flights == 0 && self.backlog.is_exhausted() && self.backlog.unpark_due(now)
        {
            self.backlog.unpark();
            self.backlog.rewind();
        }
    }
}

/// The backlog's form of a body.
fn history(body: &[u8]) -> Bytes {
    const PREFIX: &[u8] = br#"{"hist":true,"#;
    let mut m = Vec::with_capacity(PREFIX.len() + body.len());
    m.extend_from_slice(PREFIX);
    m.extend_from_slice(body);
    m.into()
}
