//! What Control must still know after a power cut: which commands have run, which outputs somebody
//! holds away from their safe value, and the timers and counts that protect machines.
//!
//! Written before a command runs and before an output is turned on or off or comes to be held, so
//! that a command runs at most once and nothing is held that a restarted gateway does not know
//! of; everything else within a minute. Output writes are rare (a few an hour), so one small file,
//! replaced whole, is enough.

use crate::files;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use wellhead_control::Saved;
use wellhead_model::Timestamp;

/// Commands remembered at most; the ones that expire first are forgotten first.
const COMMANDS_MAX: usize = 10_000;
/// Replies remembered at most; the oldest are forgotten first.
const REPLIES_MAX: usize = 100;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    /// Command ids with the time after which they would be refused as expired anyway.
    ran: BTreeMap<String, i64>,
    /// What the last commands came to, oldest first.
    #[serde(default)]
    replies: VecDeque<First>,
    /// What Control must still know: who holds what, timers, counts.
    #[serde(default)]
    control: Saved,
}

/// What the first delivery of a command came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct First {
    id: String,
    /// What it asked for; another command may have its id.
    pub asked: String,
    /// How it was answered.
    pub reply: Json,
}

/// See the module.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    content: Content,
}

impl Ledger {
    /// Reads the file if there is one. A damaged one is moved aside and returned as a warning:
    /// what it held is unknown, and the plant's own watchdogs must act.
    pub fn open(path: PathBuf) -> (Self, Option<String>) {
        let (content, warning) = match std::fs::read(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => (Content::default(), None),
            Err(e) => (Content::default(), Some(format!("can't read {}: {e}", path.display()))),
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(content) => (content, None),
                Err(e) => {
                    let aside = path.with_extension("damaged");
                    let kept = match std::fs::rename(&path, &aside) {
                        Ok(()) => format!("kept as {}", aside.display()),
                        Err(e) => format!("could not be moved aside: {e}"),
                    };
                    let text = format!("{} is damaged ({e}), {kept}", path.display());
                    (Content::default(), Some(text))
                }
            },
        };
        (Self { path, content }, warning)
    }

    /// `None` if this command never ran; otherwise what it came to, if that is known.
    pub fn delivered(&self, command: &str) -> Option<Option<&First>> {
        let first = self.content.replies.iter().rev().find(|r| r.id == command);
        (first.is_some() || self.content.ran.contains_key(command)).then_some(first)
    }

    /// Keeps what a command came to that was noted down before it ran.
    ///
    /// # Errors
    /// If the file can't be written; then it is known until the next restart.
    pub fn conclude(&mut self, command: &str, asked: String, reply: Json) -> std::io::Result<()> {
        let replies = &mut self.content.replies;
        while replies.len() >= REPLIES_MAX {
            replies.pop_front();
        }
        replies.push_back(First { id: command.to_owned(), asked, reply });
        self.save()
    }

    /// What Control knew when it was last kept.
    pub fn saved(&self) -> &Saved {
        &self.content.control
    }

    /// Keeps, durably, what Control knows, and that a command is about to run.
    ///
    /// # Errors
    /// If the file can't be written; then the command counts as not run.
    pub fn keep(
        &mut self,
        control: Saved,
        command: Option<(&str, Timestamp)>,
        now: Timestamp,
    ) -> std::io::Result<()> {
        self.content.control = control;
        let Some((id, expires)) = command else { return self.save() };
        self.content.ran.retain(|_, expires| *expires >= now.0);
        while self.content.ran.len() >= COMMANDS_MAX {
            let first = self.content.ran.iter().min_by_key(|(_, e)| **e).map(|(id, _)| id.clone());
            first.map(|id| self.content.ran.remove(&id));
        }
        self.content.ran.insert(id.to_owned(), expires.0);
        let result = self.save();
        if result.is_err() {
            self.content.ran.remove(id);
        }
        result
    }

    fn save(&self) -> std::io::Result<()> {
        let bytes = serde_json::to_vec_pretty(&self.content).map_err(std::io::Error::other)?;
        files::replace(&self.path, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wellhead_control::SavedOutput;

    fn held(point: &str) -> Saved {
        let output = SavedOutput { held_by: Some("mqtt".into()), on: true, ..Default::default() };
        Saved { outputs: BTreeMap::from([(point.to_owned(), output)]), ..Default::default() }
    }

    #[test]
    fn what_ran_and_what_is_held_survive_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outputs.json");
        let (mut l, warning) = Ledger::open(path.clone());
        assert_eq!(warning, None);
        let command = Some(("c1", Timestamp(500)));
        l.keep(held("hp1/setpoint"), command, Timestamp(0)).unwrap();
        let (mut l, _) = Ledger::open(path.clone());
        assert_eq!(l.delivered("c1"), Some(None));
        assert_eq!(*l.saved(), held("hp1/setpoint"));
        l.keep(held("hp1/run"), Some(("c2", Timestamp(900))), Timestamp(501)).unwrap();
        let (l, _) = Ledger::open(path);
        assert_eq!(l.delivered("c1"), None, "expired, so it would be refused anyway");
        assert_eq!(*l.saved(), held("hp1/run"));
    }

    #[test]
    fn a_command_that_could_not_be_noted_has_not_run() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gone/outputs.json");
        let (mut l, _) = Ledger::open(path);
        assert!(l.keep(Saved::default(), Some(("c1", Timestamp(500))), Timestamp(0)).is_err());
        assert_eq!(l.delivered("c1"), None);
    }

    #[test]
    fn the_last_replies_survive_a_restart_and_older_ones_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outputs.json");
        let (mut l, _) = Ledger::open(path.clone());
        for n in 0..=REPLIES_MAX {
            let id = format!("c{n}");
            l.keep(Saved::default(), Some((&id, Timestamp(500))), Timestamp(0)).unwrap();
            l.conclude(&id, "x".into(), n.into()).unwrap();
        }
        let (l, _) = Ledger::open(path);
        let reply = |id| l.delivered(id).map(|first| first.map(|f| f.reply.clone()));
        assert_eq!(reply("c0"), Some(None), "known to have run, no more");
        assert_eq!(reply("c1"), Some(Some(1.into())));
        assert_eq!(reply("c100"), Some(Some(100.into())));
        assert_eq!(reply("never noted"), None);
    }

    #[test]
    fn a_damaged_ledger_is_kept_aside_and_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outputs.json");
        std::fs::write(&path, b"{\"ran\":").unwrap();
        let (l, warning) = Ledger::open(path.clone());
        assert!(warning.unwrap().contains("damaged"));
        assert_eq!(*l.saved(), Saved::default());
        assert!(dir.path().join("outputs.damaged").exists());
    }
}
