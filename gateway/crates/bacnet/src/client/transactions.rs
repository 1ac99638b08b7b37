//! Requests on their way, each under its peer and invoke id. Pure: time comes in as an argument.
//!
//! A reply counts only for the peer that was asked, the number that was given and the service that
//! was called; anything else is a stray. A number whose request was repeated or given up rests
//! before it is used again, so that a late reply meets nobody.

use super::segments::{Assembly, Step};
use super::{Failure, Peer};
use crate::wire::{Apdu, abort_reason};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;

/// How long a number rests.
const REST: Duration = Duration::from_secs(60);
/// Peers that are remembered before idle ones are forgotten.
const PEERS_MAX: usize = 4096;
/// How long segments may stay away before the last acknowledgement is sent again. The first time
/// it is short, for senders that count their windows differently.
pub(super) const FIRST_SILENCE: Duration = Duration::from_millis(250);
const SILENCE: Duration = Duration::from_secs(1);
/// Silences within a segmented reply that are answered with the last acknowledgement.
const SILENCES_MAX: u32 = 3;

/// What a request ends in: the parameters of its result, empty where there are none.
pub(super) type Answer = Result<Vec<u8>, Failure>;

#[derive(Debug)]
struct Open {
    service: u8,
    answer: Option<oneshot::Sender<Answer>>,
    assembly: Option<Assembly>,
    heard: Instant,
    silences: u32,
}

#[derive(Debug)]
struct PeerState {
    turns: Arc<Semaphore>,
    next: u8,
    resting: VecDeque<(u8, Instant)>,
}

/// All requests on their way.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    open: HashMap<(Peer, u8), Open>,
    peers: HashMap<Peer, PeerState>,
}

/// What a received APDU calls for.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// It was for a request of ours.
    Taken,
    /// It was, and its sender waits for this.
    Reply(Apdu<'static>),
    /// It belongs to no request.
    Stray,
}

/// What is left to do after a time without a reply.
#[derive(Debug, PartialEq)]
pub(super) enum Quiet {
    /// Nothing came at all.
    Silent,
    /// Segments come; wait until then.
    Until(Instant),
    /// Segments came and stopped: tell how far, and wait until then.
    Again(Apdu<'static>, Instant),
    /// They stopped for good: tell that it is over.
    Stopped(Apdu<'static>),
}

impl Transactions {
    fn peer(&mut self, peer: Peer, in_flight_max: usize) -> &mut PeerState {
        if self.peers.len() >= PEERS_MAX && !self.peers.contains_key(&peer) {
            // Those that nobody waits for and whose numbers are all free are as good as new.
            let now = Instant::now();
            self.peers.retain(|_, s| {
                s.resting.retain(|(_, until)| *until > now);
                !s.resting.is_empty() || Arc::strong_count(&s.turns) > 1
            });
        }
        self.peers.entry(peer).or_insert_with(|| PeerState {
            turns: Arc::new(Semaphore::new(in_flight_max.clamp(1, 128))),
            next: 0,
            resting: VecDeque::new(),
        })
    }

    /// Bounds the requests on their way to one peer; the first to ask says how many.
    pub(super) fn turns(&mut self, peer: Peer, in_flight_max: usize) -> Arc<Semaphore> {
        self.peer(peer, in_flight_max).turns.clone()
    }

    /// Gives a request its number and the place where its answer will come.
    pub(super) fn begin(
        &mut self,
        peer: Peer,
        service: u8,
        now: Instant,
    ) -> (u8, oneshot::Receiver<Answer>) {
        let (answer, receiver) = oneshot::channel();
        let open = &self.open;
        let state = match self.peers.get_mut(&peer) {
            Some(state) => state,
            None => {
                self.peer(peer, 1);
                return self.begin(peer, service, now);
            }
        };
        while state.resting.front().is_some_and(|(_, until)| *until <= now) {
            state.resting.pop_front();
        }
        let taken = |n: u8| open.contains_key(&(peer, n));
        let rests = |n: u8| state.resting.iter().any(|(r, _)| *r == n);
        let from = state.next;
        let all = || (0..=255u8).map(|i| from.wrapping_add(i)).filter(|n| !taken(*n));
        // When all others rest, the one that has rested longest; 128 at most are on their way.
        let invoke = all()
            .find(|n| !rests(*n))
            .or_else(|| state.resting.iter().map(|(n, _)| *n).find(|n| !taken(*n)))
            .unwrap_or(from);
        state.next = invoke.wrapping_add(1);
        let new = Open { service, answer: Some(answer), assembly: None, heard: now, silences: 0 };
        self.open.insert((peer, invoke), new);
        (invoke, receiver)
    }

    /// Forgets a request. Its number rests unless it was answered the first time.
    pub(super) fn end(&mut self, peer: Peer, invoke: u8, clean: bool, now: Instant) {
        self.open.remove(&(peer, invoke));
        if !clean && let Some(state) = self.peers.get_mut(&peer) {
            state.resting.retain(|(n, _)| *n != invoke);
            state.resting.push_back((invoke, now + REST));
        }
    }

    /// Takes a reply of any kind.
    pub(super) fn take(&mut self, peer: Peer, apdu: &Apdu<'_>, now: Instant) -> Verdict {
        let (invoke, service, answer) = match apdu {
            Apdu::SimpleAck { invoke, service } => (*invoke, Some(*service), Ok(Vec::new())),
            Apdu::ComplexAck { invoke, service, segment: None, data } => {
                (*invoke, Some(*service), Ok(data.to_vec()))
            }
            Apdu::ComplexAck { invoke, service, segment: Some(segment), data } => {
                return self.take_segment(peer, *invoke, *service, *segment, data, now);
            }
            Apdu::Error { invoke, service, error } => {
                (*invoke, Some(*service), Err(Failure::Error(*error)))
            }
            Apdu::Reject { invoke, reason } => (*invoke, None, Err(Failure::Reject(*reason))),
            Apdu::Abort { server: true, invoke, reason } => {
                (*invoke, None, Err(Failure::Abort(*reason)))
            }
            // No request of ours goes out in segments.
            _ => return Verdict::Stray,
        };
        match self.open.get_mut(&(peer, invoke)) {
            Some(open) if service.is_none_or(|s| s == open.service) => {
                open.finish(answer);
                Verdict::Taken
            }
            _ => Verdict::Stray,
        }
    }

    fn take_segment(
        &mut self,
        peer: Peer,
        invoke: u8,
        service: u8,
        segment: crate::wire::Segment,
        data: &[u8],
        now: Instant,
    ) -> Verdict {
        let Some(open) = self.open.get_mut(&(peer, invoke)).filter(|o| o.service == service) else {
            // Whoever sends it has not heard that we are done; only an abort will stop it.
            let reason = abort_reason::INVALID_APDU_IN_THIS_STATE;
            return Verdict::Reply(Apdu::Abort { server: false, invoke, reason });
        };
        open.heard = now;
        open.silences = 0;
        let step = match &mut open.assembly {
            Some(assembly) => assembly.take(segment, data),
            None => match Assembly::begin(segment, data) {
                Some((assembly, step)) => {
                    open.assembly = Some(assembly);
                    step
                }
                None => return Verdict::Taken,
            },
        };
        let (number, window) = open.assembly.as_ref().map_or((0, 1), Assembly::place);
        let acknowledge = |negative| {
            Verdict::Reply(Apdu::SegmentAck { negative, server: false, invoke, number, window })
        };
        match step {
            Step::Wait => Verdict::Taken,
            Step::Ack => acknowledge(false),
            Step::Nak => acknowledge(true),
            Step::Done => {
                let data = open.assembly.take().map(Assembly::into_data).unwrap_or_default();
                open.finish(Ok(data));
                acknowledge(false)
            }
            Step::TooLong => {
                open.finish(Err(Failure::BadReply("an endless segmented reply")));
                let reason = abort_reason::BUFFER_OVERFLOW;
                Verdict::Reply(Apdu::Abort { server: false, invoke, reason })
            }
        }
    }

    /// What to do now that a wait has ended.
    pub(super) fn quiet(&mut self, peer: Peer, invoke: u8, now: Instant) -> Quiet {
        let Some(open) = self.open.get_mut(&(peer, invoke)) else { return Quiet::Silent };
        let Some(assembly) = &mut open.assembly else { return Quiet::Silent };
        let wait = if open.silences == 0 { FIRST_SILENCE } else { SILENCE };
        if now < open.heard + wait {
            return Quiet::Until(open.heard + wait);
        }
        if open.silences >= SILENCES_MAX {
            let reason = abort_reason::OTHER;
            return Quiet::Stopped(Apdu::Abort { server: false, invoke, reason });
        }
        open.silences += 1;
        open.heard = now;
        let (number, window) = assembly.again();
        let ack = Apdu::SegmentAck { negative: false, server: false, invoke, number, window };
        Quiet::Again(ack, now + SILENCE)
    }

    /// Ends all requests to peers that `concerned` picks.
    pub(super) fn fail(&mut self, concerned: impl Fn(&Peer) -> bool, failure: &Failure) {
        for ((peer, _), open) in &mut self.open {
            if concerned(peer) {
                open.finish(Err(failure.clone()));
            }
        }
    }
}

impl Open {
    fn finish(&mut self, answer: Answer) {
        self.assembly = None;
        if let Some(sender) = self.answer.take() {
            // Whoever asked may have given up just now.
            let _ = sender.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Error;

    fn peer(last: u8) -> Peer {
        Peer::ip(std::net::SocketAddrV4::new([10, 0, 0, last].into(), 47808))
    }

    const READ: u8 = 12;

    fn ack(invoke: u8, service: u8) -> Apdu<'static> {
        Apdu::ComplexAck { invoke, service, segment: None, data: b"x" }
    }

    #[test]
    fn only_the_peer_number_and_service_asked_for_are_taken() {
        let now = Instant::now();
        let mut t = Transactions::default();
        let (invoke, mut answer) = t.begin(peer(1), READ, now);
        assert_eq!(t.take(peer(2), &ack(invoke, READ), now), Verdict::Stray);
        assert_eq!(t.take(peer(1), &ack(invoke + 1, READ), now), Verdict::Stray);
        assert_eq!(t.take(peer(1), &ack(invoke, 14), now), Verdict::Stray);
        let error = Error { class: 1, code: 31 };
        let foreign = Apdu::Error { invoke, service: 15, error };
        assert_eq!(t.take(peer(1), &foreign, now), Verdict::Stray);
        let theirs = Apdu::Abort { server: false, invoke, reason: 0 };
        assert_eq!(t.take(peer(1), &theirs, now), Verdict::Stray, "of a request of its own");
        assert!(answer.try_recv().is_err());
        assert_eq!(t.take(peer(1), &ack(invoke, READ), now), Verdict::Taken);
        assert_eq!(answer.try_recv(), Ok(Ok(b"x".to_vec())));
    }

    #[test]
    fn a_number_given_up_rests_before_it_is_used_again() {
        let now = Instant::now();
        let mut t = Transactions::default();
        let (first, _) = t.begin(peer(1), READ, now);
        t.end(peer(1), first, false, now);
        for _ in 0..600 {
            let (n, _) = t.begin(peer(1), READ, now);
            assert_ne!(n, first);
            t.end(peer(1), n, true, now);
        }
        let later = now + REST;
        let used = (0..256).any(|_| {
            let (n, _) = t.begin(peer(1), READ, later);
            t.end(peer(1), n, true, later);
            n == first
        });
        assert!(used);
    }

    #[test]
    fn two_requests_on_their_way_never_share_a_number() {
        let now = Instant::now();
        let mut t = Transactions::default();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..128 {
            assert!(seen.insert(t.begin(peer(1), READ, now).0));
        }
        let (other, _) = t.begin(peer(2), READ, now);
        assert_eq!(other, 0, "each peer counts for itself");
    }

    #[test]
    fn a_segment_nobody_waits_for_is_answered_with_an_abort() {
        let now = Instant::now();
        let mut t = Transactions::default();
        let segment = Some(crate::wire::Segment { number: 3, window: 4, more: true });
        let stray = Apdu::ComplexAck { invoke: 9, service: READ, segment, data: b"x" };
        let abort = Apdu::Abort { server: false, invoke: 9, reason: 2 };
        assert_eq!(t.take(peer(1), &stray, now), Verdict::Reply(abort));
    }
}
