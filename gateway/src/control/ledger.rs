//! What Control must still know after a power cut: which commands have run, and which outputs
//! somebody holds away from their safe value.
//!
//! Written before a command acts, so that it can run at most once and nothing is held that a
//! restarted gateway does not know of. Output writes are rare (a few an hour), so one small
//! file, replaced whole, is enough.

use crate::files;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use wellhead_model::Timestamp;

/// Commands remembered at most; the ones that expire first are forgotten first.
const COMMANDS_MAX: usize = 10_000;

/// An output somebody holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Who.
    pub source: String,
    /// By which command.
    pub command: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    /// Command ids with the time after which they would be refused as expired anyway.
    ran: BTreeMap<String, i64>,
    /// By the whole name of the point.
    holds: BTreeMap<String, Hold>,
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

    /// Whether this command has run.
    pub fn has_run(&self, command: &str) -> bool {
        self.content.ran.contains_key(command)
    }

    /// The outputs that were held.
    pub fn holds(&self) -> &BTreeMap<String, Hold> {
        &self.content.holds
    }

    /// Notes, durably, that a command is about to run and hold a point.
    pub fn begin(
        &mut self,
        point: &str,
        hold: Hold,
        expires: Timestamp,
        now: Timestamp,
    ) -> std::io::Result<()> {
        self.content.ran.retain(|_, expires| *expires >= now.0);
        while self.content.ran.len() >= COMMANDS_MAX {
            let first = self.content.ran.iter().min_by_key(|(_, e)| **e).map(|(id, _)| id.clone());
            first.map(|id| self.content.ran.remove(&id));
        }
        self.content.ran.insert(hold.command.clone(), expires.0);
        self.content.holds.insert(point.to_owned(), hold);
        self.save()
    }

    /// Notes, durably, that a point is back at its safe value.
    pub fn release(&mut self, point: &str) -> std::io::Result<()> {
        match self.content.holds.remove(point) {
            Some(_) => self.save(),
            None => Ok(()),
        }
    }

    fn save(&self) -> std::io::Result<()> {
        let bytes = serde_json::to_vec_pretty(&self.content).map_err(std::io::Error::other)?;
        files::replace(&self.path, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(command: &str) -> Hold {
        Hold { source: "mqtt".into(), command: command.into() }
    }

    #[test]
    fn what_ran_and_what_is_held_survive_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outputs.json");
        let (mut l, warning) = Ledger::open(path.clone());
        assert_eq!(warning, None);
        l.begin("hp1/setpoint", hold("c1"), Timestamp(500), Timestamp(0)).unwrap();
        let (mut l, _) = Ledger::open(path.clone());
        assert!(l.has_run("c1"));
        assert_eq!(l.holds().get("hp1/setpoint"), Some(&hold("c1")));
        l.release("hp1/setpoint").unwrap();
        l.begin("hp1/enable", hold("c2"), Timestamp(900), Timestamp(501)).unwrap();
        let (l, _) = Ledger::open(path);
        assert!(!l.has_run("c1"), "expired, so it would be refused anyway");
        assert_eq!(l.holds().keys().collect::<Vec<_>>(), ["hp1/enable"]);
    }

    #[test]
    fn a_damaged_ledger_is_kept_aside_and_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outputs.json");
        std::fs::write(&path, b"{\"ran\":").unwrap();
        let (l, warning) = Ledger::open(path.clone());
        assert!(warning.unwrap().contains("damaged"));
        assert!(l.holds().is_empty());
        assert!(dir.path().join("outputs.damaged").exists());
    }
}
