//! A record of every call of every plugin: what it saw and what it asked for. Replayed, a plugin
//! must ask for the same, byte for byte.
//!
//! The file is `WELLHEAD-RECORD-1\n` and then frames, each a length (4 bytes, little-endian) and a
//! postcard of [`Frame`].

use crate::plugins::View;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::time::Duration;
use wellhead_model::{Mono, Now, Quality, Reason, Timestamp, Value};
use wellhead_plugin_host::{Holder, Outcome, Plugin};

const MAGIC: &[u8] = b"WELLHEAD-RECORD-1\n";
/// Longest frame: a view of many bindings with texts stays far below.
const FRAME_LEN_MAX: u32 = 1 << 20;

#[derive(Debug, Serialize, Deserialize)]
struct Frame {
    plugin: u16,
    utc_ms: i64,
    mono_ms: u64,
    readings: Vec<Reading>,
    holders: Vec<Held>,
    /// What came of it, in words; these are compared.
    asked: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Reading {
    /// Position in [`QUALITIES`].
    quality: u8,
    value: Option<Scalar>,
    age_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
enum Scalar {
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
}

#[derive(Debug, Serialize, Deserialize)]
enum Held {
    Nobody,
    ThisPlugin,
    Operator,
    Local,
    Protection(String),
    Other(String),
}

/// The qualities that a simulation has.
const QUALITIES: [Quality; 9] = [
    Quality::Good,
    Quality::Manual,
    Quality::Uncertain(Reason::Estimated),
    Quality::Bad(Reason::NotPolled),
    Quality::Bad(Reason::NoSensor),
    Quality::Bad(Reason::NotANumber),
    Quality::Bad(Reason::OutOfRange),
    Quality::Bad(Reason::UnknownState),
    Quality::Bad(Reason::NotComputed),
];

/// Writes a record.
#[derive(Debug)]
pub struct Recorder(BufWriter<std::fs::File>);

impl Recorder {
    /// Begins a file.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let file = std::fs::File::create(path)
            .with_context(|| format!("can't write {}", path.display()))?;
        let mut file = BufWriter::new(file);
        file.write_all(MAGIC)?;
        Ok(Self(file))
    }

    /// Notes a call.
    pub fn call(
        &mut self,
        plugin: usize,
        now: Now,
        view: &View,
        outcome: &Outcome,
    ) -> anyhow::Result<()> {
        let frame = Frame {
            plugin: u16::try_from(plugin)?,
            utc_ms: now.utc.0,
            mono_ms: u64::try_from(now.mono.0.as_millis())?,
            readings: view.readings().iter().map(reading).collect::<anyhow::Result<_>>()?,
            holders: view.holders().iter().map(held).collect(),
            asked: words(outcome),
        };
        let bytes = postcard::to_allocvec(&frame)?;
        self.0.write_all(&u32::try_from(bytes.len())?.to_le_bytes())?;
        self.0.write_all(&bytes)?;
        Ok(())
    }

    /// Writes what is left.
    pub fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.0.flush()?)
    }
}

/// What a call came to, as it is compared. The debug form names every field, so nothing that a
/// plugin asks for can differ unseen.
fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(effects) => format!("{effects:?}"),
        Outcome::Failed(fault, _) => format!("{fault}"),
        Outcome::Idle => String::new(),
    }
}

/// The first call that came out otherwise than recorded.
#[derive(Debug, thiserror::Error)]
#[error("call {call} of {plugin} asked for\n  {got}\nand was recorded with\n  {recorded}")]
pub struct ReplayError {
    call: u64,
    plugin: String,
    got: String,
    recorded: String,
}

/// Reads a record and calls plugins with what they saw then.
pub struct Replay(BufReader<std::fs::File>);

impl Replay {
    /// Opens a file.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file =
            std::fs::File::open(path).with_context(|| format!("can't read {}", path.display()))?;
        let mut file = BufReader::new(file);
        let mut magic = vec![0; MAGIC.len()];
        file.read_exact(&mut magic).ok().filter(|()| magic == MAGIC).with_context(|| {
            format!("{} is no record; `wellhead simulate --record` makes one", path.display())
        })?;
        Ok(Self(file))
    }

    /// Replays all calls; returns how many there were.
    ///
    /// # Errors
    /// The first difference, or a damaged record.
    pub fn run(mut self, plugins: &mut [(String, Plugin)]) -> anyhow::Result<u64> {
        let mut calls = 0;
        while let Some(frame) = self.next()? {
            let Some((name, plugin)) = plugins.get_mut(usize::from(frame.plugin)) else {
                anyhow::bail!("the record is of a site with more plugins than this one");
            };
            let mut view = view(&frame)?;
            let now = Now {
                utc: Timestamp(frame.utc_ms),
                mono: Mono(Duration::from_millis(frame.mono_ms)),
                synced: true,
            };
            let got = words(&plugin.run(view.seen(), now));
            calls += 1;
            if got != frame.asked {
                let (plugin, recorded) = (name.clone(), frame.asked);
                return Err(ReplayError { call: calls, plugin, got, recorded }.into());
            }
        }
        Ok(calls)
    }

    fn next(&mut self) -> anyhow::Result<Option<Frame>> {
        let mut length = [0; 4];
        match self.0.read_exact(&mut length) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(e) => return Err(e.into()),
        }
        let length = u32::from_le_bytes(length);
        anyhow::ensure!(length <= FRAME_LEN_MAX, "the record is damaged");
        let mut bytes = vec![0; length as usize];
        self.0.read_exact(&mut bytes).context("the record ends within a call")?;
        Ok(Some(postcard::from_bytes(&bytes).context("the record is damaged")?))
    }
}

fn reading(r: &wellhead_plugin_host::Reading) -> anyhow::Result<Reading> {
    let quality = QUALITIES.iter().position(|q| *q == r.quality);
    let quality =
        quality.with_context(|| format!("a simulation has no quality {:?}", r.quality))?;
    let value = match &r.value {
        None => None,
        Some(Value::Bool(b)) => Some(Scalar::Bool(*b)),
        Some(Value::Int(i)) => Some(Scalar::Int(*i)),
        Some(Value::UInt(u)) => Some(Scalar::UInt(*u)),
        Some(Value::Float(f)) => Some(Scalar::Float(f.get())),
        Some(Value::Text(t)) => Some(Scalar::Text(t.to_string())),
        Some(other) => anyhow::bail!("a value of a new kind: {other:?}"),
    };
    let age_ms = u64::try_from(r.age.as_millis())?;
    Ok(Reading { quality: u8::try_from(quality)?, value, age_ms })
}

fn held(h: &Holder) -> Held {
    match h {
        Holder::Nobody => Held::Nobody,
        Holder::ThisPlugin => Held::ThisPlugin,
        Holder::Operator => Held::Operator,
        Holder::Local => Held::Local,
        Holder::Protection(name) => Held::Protection(name.to_string()),
        Holder::Other(name) => Held::Other(name.to_string()),
    }
}

fn view(frame: &Frame) -> anyhow::Result<View> {
    let readings = frame.readings.iter().map(|r| {
        let quality = QUALITIES.get(usize::from(r.quality)).context("the record is damaged")?;
        let value = match &r.value {
            None => None,
            Some(Scalar::Bool(b)) => Some(Value::Bool(*b)),
            Some(Scalar::Int(i)) => Some(Value::Int(*i)),
            Some(Scalar::UInt(u)) => Some(Value::UInt(*u)),
            Some(Scalar::Float(f)) => Value::float(*f),
            Some(Scalar::Text(t)) => Some(Value::Text(t.as_str().into())),
        };
        let age = Duration::from_millis(r.age_ms);
        Ok(wellhead_plugin_host::Reading { value, quality: *quality, age })
    });
    let holders = frame.holders.iter().map(|h| match h {
        Held::Nobody => Holder::Nobody,
        Held::ThisPlugin => Holder::ThisPlugin,
        Held::Operator => Holder::Operator,
        Held::Local => Holder::Local,
        Held::Protection(name) => Holder::Protection(name.as_str().into()),
        Held::Other(name) => Holder::Other(name.as_str().into()),
    });
    Ok(View::recorded(readings.collect::<anyhow::Result<_>>()?, holders.collect()))
}
