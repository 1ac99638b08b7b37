//! Hosts of their own on a network of their own.

use crate::{Child, eventually};
use std::path::PathBuf;
use std::process::Command;

/// A host: a network namespace without a name, kept by a process that ends with its input, so that
/// nothing is left of it whatever becomes of the test. Needs root and iproute2.
pub struct Host {
    /// `None` for the host that this process is on.
    keeper: Option<Child>,
}

impl Host {
    /// A host without interfaces.
    pub fn start() -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "cat"]);
        let host = Self { keeper: Some(Child::start("host", command)) };
        let ours = std::fs::read_link("/proc/self/ns/net").ok();
        eventually("a network namespace of its own", || {
            let its = std::fs::read_link(host.namespace()).ok();
            (its.is_some() && its != ours).then_some(())
        });
        host
    }

    /// The host that this process is on.
    pub fn here() -> Self {
        Self { keeper: None }
    }

    fn id(&self) -> u32 {
        self.keeper.as_ref().map_or_else(std::process::id, Child::id)
    }

    fn namespace(&self) -> PathBuf {
        format!("/proc/{}/ns/net", self.id()).into()
    }

    /// The same command, on this host.
    pub fn enter(&self, command: &Command) -> Command {
        let mut entered = Command::new("nsenter");
        entered.arg(format!("--net={}", self.namespace().display())).arg("--");
        entered.arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => entered.env(key, value),
                None => entered.env_remove(key),
            };
        }
        entered
    }

    /// Runs `ip` on this host, with words as on a command line.
    #[track_caller]
    pub fn ip(&self, words: &str) {
        let mut command = Command::new("ip");
        command.args(words.split(' '));
        let ran = self.enter(&command).status();
        assert!(ran.as_ref().is_ok_and(std::process::ExitStatus::success), "ip {words}: {ran:?}");
    }

    /// Joins this host's interface `here` to another's `eth0`, and gives that an address, as in
    /// `10.77.1.2/24`.
    pub fn join(&self, here: &str, other: &Host, address: &str) {
        let there = other.id();
        self.ip(&format!("link add {here} type veth peer name eth0 netns {there}"));
        self.ip(&format!("link set {here} up"));
        other.ip(&format!("addr add {address} brd + dev eth0"));
        other.ip("link set eth0 up");
        other.ip("link set lo up");
    }
}
