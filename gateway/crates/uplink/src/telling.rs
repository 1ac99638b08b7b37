//! What an uplink logs of itself, and the events that tell the same.

use crate::core::Notice;
use crate::ending::{Ended, Why};
use crate::message::{self, Event};
use crate::shared::{EVENTS, Inner, Shared};
use std::time::Duration;

impl Shared {
    /// Logs a notice and makes the event that tells it.
    pub(crate) fn told(&self, inner: &mut Inner, notice: Notice) -> Option<Event> {
        let uplink = &*self.config.name;
        match notice {
            Notice::Gap(r) => {
                tracing::error!(uplink, stream = %r.stream, boot = %r.boot, first = r.first,
                    last = r.last, samples = r.samples, "Batches lost to a bound");
                let n = r.last - r.first + 1;
                let text = format!("{n} batches of {} are lost", r.stream);
                let zh = format!("{} 的 {n} 批数据已丢失", r.stream);
                Some(ranged(Event::new("gap", text).zh(zh), &r))
            }
            Notice::Refused { range: r, reason } => {
                if !inner.refused_told {
                    inner.refused_told = true;
                    tracing::error!(uplink, stream = %r.stream, reason,
                        "The broker refuses publishes; they wait in the cache");
                }
                // An event about a refused event would be refused too, and so on for ever.
                if &*r.stream == EVENTS {
                    return None;
                }
                let text = format!("the broker refused {} ({reason})", r.stream);
                let topic = format!("{}/{}", self.config.root, r.stream);
                let zh = format!("服务器拒绝接收 {}（{reason}）", r.stream);
                let event = ranged(Event::new("publish_refused", text).zh(zh), &r);
                Some(event.with("topic", topic).with("reason", reason))
            }
            Notice::CacheFailed(error) => {
                tracing::error!(uplink, error, "Cache not written; going on from memory");
                let event = Event::new("cache_failed", "the cache can't be written");
                Some(event.zh("缓存无法写入").with("error", error))
            }
            Notice::CacheRecovered => {
                tracing::info!(uplink, "Cache written again");
                Some(
                    Event::new("cache_recovered", "the cache is written again")
                        .zh("缓存已可重新写入"),
                )
            }
        }
    }

    /// Tells that there is no connection: loud where that is `new`.
    pub(crate) fn tell_lost(&self, ended: &Ended, new: bool, attempt: u64) {
        let config = &self.config;
        let (uplink, host, port, error) =
            (&*config.name, &*config.host, config.port, &*ended.error);
        match ended.why {
            Why::LoginRefused if new => tracing::error!(
                uplink,
                host,
                port,
                error,
                "Broker refuses the login; check username and password_file"
            ),
            Why::TakenOver | Why::Closed | Why::Other if new => tracing::warn!(
                uplink,
                host,
                port,
                error,
                "Broker not reached; batches go to the cache"
            ),
            _ => tracing::debug!(uplink, host, port, error, attempt, "Broker not reached"),
        }
    }

    /// Tells that another client seems to have this one's id.
    pub(crate) fn tell_contested(&self, inner: &mut Inner, now: Duration) {
        let c = inner.closings;
        let (uplink, client_id, times) = (&*self.config.name, &*self.config.client_id, c.in_a_row);
        match c.taken_over {
            true => tracing::error!(
                uplink,
                client_id,
                "Another client took the session over; does \
                another box have the same site and gateway id?"
            ),
            false => tracing::error!(
                uplink,
                client_id,
                times,
                "Broker closes each connection soon \
                after it took it; does another box have the same site and gateway id?"
            ),
        }
        self.seal_event(inner, now, &message::contested(client_id, times, c.taken_over));
    }

    /// Tells once that a connection lasts again, after those that the broker ended soon.
    pub(crate) fn tell_settled(&self, inner: &mut Inner, now: Duration) {
        let Some(times) = inner.closings.settled() else { return };
        let (uplink, client_id) = (&*self.config.name, &*self.config.client_id);
        tracing::info!(uplink, client_id, times, "The connection lasts again");
        self.seal_event(inner, now, &message::settled(client_id, times));
    }
}

fn ranged(event: Event, r: &crate::gaps::Range) -> Event {
    event
        .with("stream", &*r.stream)
        .with("boot", &*r.boot)
        .with("first", r.first)
        .with("last", r.last)
        .with("samples", r.samples)
}
