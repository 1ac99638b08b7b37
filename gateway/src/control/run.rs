//! Runs one command to its end: admits it, puts its value into its slot, waits for the device, and
//! keeps what it came to for whoever delivers it again.

use super::{Command, Control, Done, HOLD_MAX, Own, Refusal, Sent, lock, reply, to_json};
use crate::hub::Event;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;
use wellhead_control::{Manner, OutputId, Request};
use wellhead_model::Value;

/// A command may not be dated further ahead than this; its id must be remembered that long.
const EXPIRY_AHEAD_MAX_MS: i64 = 24 * 3600 * 1000;
/// An expiry before this, some day of 1973, was meant in seconds.
const SECONDS_BEFORE: i64 = 100_000_000_000;

impl Control {
    /// Runs one command to its end.
    pub async fn command(self: &Arc<Self>, c: &Command, retained: bool) -> Result<Done, Refusal> {
        let result = self.run(c, retained).await;
        self.audit(c, &result);
        result
    }

    /// Keeps what a command came to that was noted down, and so never runs again.
    fn remember(&self, c: &Command, result: &Result<Done, Refusal>) {
        let now = self.hub.clock().now().utc;
        let reply = reply(Some(&c.id), result, now);
        if let Err(error) = lock(&self.ledger).conclude(&c.id, asked(c), reply) {
            // It is answered all the same; only a restart forgets the answer.
            tracing::debug!(command = %c.id, %error, "Can't keep what a command came to");
        }
    }

    /// Refuses what ran before, with what it came to then.
    fn is_new(&self, c: &Command) -> Result<(), Refusal> {
        match lock(&self.ledger).delivered(&c.id) {
            None => Ok(()),
            Some(None) => Err(Refusal::Duplicate(None)),
            Some(Some(first)) if first.asked == asked(c) => {
                Err(Refusal::Duplicate(Some(Box::new(first.reply.clone()))))
            }
            Some(Some(_)) => Err(Refusal::IdReused),
        }
    }

    async fn run(self: &Arc<Self>, c: &Command, retained: bool) -> Result<Done, Refusal> {
        self.admissible(c, retained)?;
        let (wrote, own) = self.place_command(c)?;
        let result = self.finish(own).await.map(|shows| Done { wrote, shows });
        // The sender of one that failed was told so; it must not come true later.
        let ended = result.as_ref().map(|_| ()).map_err(|_| FAILED);
        let mut core = lock(&self.core);
        // By name: a reload may have moved it meanwhile, or taken it away with all its slots.
        if let Ok(output) = self.output(&core, &c.point) {
            core.judge.conclude(&request(c, output, &why(c)), ended);
        }
        drop(core);
        self.wake.notify.notify_one();
        self.remember(c, &result);
        result
    }

    /// Puts a command's value into its slot and sends it off, or refuses it; nothing in between.
    fn place_command(self: &Arc<Self>, c: &Command) -> Result<(Value, Sent), Refusal> {
        let mut core = lock(&self.core);
        let now = self.clock.now();
        let output = self.output(&core, &c.point)?;
        // Again, now that nobody else can be in between.
        self.is_new(c)?;
        let place = core.outputs.get(output.0 as usize);
        let (device, _) = place.ok_or_else(|| Refusal::UnknownPoint(c.point.clone()))?;
        let room = self.room(device)?;
        core.look(&self.hub, now);
        let why = why(c);
        let request = request(c, output, &why);
        core.judge.request(&request, now)?;
        let own = Own { id: &c.id, expires: c.expires, output, room };
        let (sent, kept) = self.turn(&mut core, Some(own), now);
        drop(core);
        let mut own = None;
        for sent in sent {
            match &sent.value {
                Some(wrote) if sent.ticket.output == output && own.is_none() => {
                    own = Some((wrote.clone(), sent));
                }
                _ => self.follow(sent),
            }
        }
        // One to safe is on its way, kept or not.
        own.ok_or_else(|| {
            lock(&self.core).judge.conclude(&request, Err(FAILED));
            match kept {
                Err(error) => Refusal::Ledger(error.to_string()),
                Ok(()) => Refusal::NoResult(Duration::ZERO),
            }
        })
    }

    fn admissible(&self, c: &Command, retained: bool) -> Result<(), Refusal> {
        if !self.enabled {
            return Err(Refusal::Disabled);
        }
        if retained {
            return Err(Refusal::Retained);
        }
        self.is_new(c)?;
        let late = self.clock.now().utc.0.saturating_sub(c.expires.0);
        if late > 0 {
            return Err(Refusal::Expired { late_ms: late, seconds: c.expires.0 < SECONDS_BEFORE });
        }
        if late < -EXPIRY_AHEAD_MAX_MS {
            return Err(Refusal::ExpiryTooFar);
        }
        if c.hold > HOLD_MAX {
            return Err(Refusal::HoldTooLong);
        }
        Ok(())
    }

    /// Answers what was no command at all, and audits it.
    pub fn malformed(&self, source: &str, id: Option<&str>, why: &str) -> Json {
        tracing::info!(source, why, "Malformed command");
        let event = Event::new("audit", format!("{source} sent no command: {why}"));
        let event = event.zh(format!("{source} 发来的不是命令：{why}"));
        let event = event.with("source", source).with("ok", false).with("code", "malformed");
        self.hub.event(event);
        let t = self.clock.now().utc.0;
        json!({ "v": 1, "id": id, "ok": false, "code": "malformed", "t": t, "text": why })
    }

    fn audit(&self, c: &Command, result: &Result<Done, Refusal>) {
        let (source, point) = (&c.source, &c.point);
        let (ok, code, text, zh) = match result {
            Ok(Done { wrote, .. }) => (
                true,
                "done",
                format!("{source} wrote {wrote} to {point}"),
                format!("{source} 将 {point} 写为 {wrote}"),
            ),
            Err(e) => {
                let (value, why) = (&c.value, e.text_zh());
                let text = format!("{source} could not write {value} to {point}: {e}");
                (false, e.code(), text, format!("{source} 未能将 {point} 写为 {value}：{why}"))
            }
        };
        tracing::info!(point = %c.point, source = %c.source, command = %c.id, code, "Command");
        let event = Event::new("audit", text)
            .zh(zh)
            .with("point", &*c.point)
            .with("source", &*c.source)
            .with("command", &*c.id)
            .with("slot", c.slot.number())
            .with("ok", ok)
            .with("code", code);
        self.hub.event(event);
    }
}

/// Why a failed command's value is withdrawn.
const FAILED: &str = "the command failed";

/// What a command asks for, to tell its second delivery from another one with its id.
fn asked(c: &Command) -> String {
    let (value, hold) = (to_json(&c.value), c.hold.as_secs_f64());
    json!([c.point, value, c.expires.0, hold, c.slot.number()]).to_string()
}

/// A command's name to the judge. Ids run once, so it is the only one of that name.
fn why(c: &Command) -> String {
    format!("command {}", c.id)
}

fn request<'a>(c: &'a Command, output: OutputId, why: &'a str) -> Request<'a> {
    let (slot, source, value) = (c.slot, &*c.source, Some(&c.value));
    Request { output, slot, source, why, value, ttl: c.hold, manner: Manner::Once }
}
