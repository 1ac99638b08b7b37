//! The highest number of each stream known durable or delivered, for the latest boots, and the
//! small file that keeps it.
//!
//! ```text
//! 0   "WM"     magic
//! 2   u8       format version, 1
//! 3   u8       1 after a clean stop, else 0
//! 4   u32 LE   CRC-32 (IEEE) of byte 3 and everything from 8 on
//! 8   u64 LE   the next block number
//! 16  u64 LE   entries held at a clean stop: sled can lose some to damage without a word
//! 24  LEB128   boots, oldest first: length and bytes of the boot, number of streams, then of each
//!              stream length, bytes, highest number
//! ```
//! Written beside, synced and renamed over, so that it is always wholly the old or the new one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use crate::block::{get, put};
use crate::boot::BootId;
use crate::entry::Mark;

/// Boots whose marks are kept; the oldest is forgotten first.
const BOOTS_MAX: usize = 8;
/// Streams kept of one boot. A gateway has one per device and a few more.
const STREAMS_MAX: usize = 16_384;
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Boots ordered by their counter, and by text where it has none.
type BootKey = (u64, Arc<str>);

/// What the marks file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    boots: BTreeMap<BootKey, BTreeMap<Arc<str>, u64>>,
    pub(crate) next_block: u64,
    pub(crate) clean: bool,
    /// Entries held; means something only when `clean`.
    pub(crate) held: u64,
}

impl Marks {
    /// Raises a mark; tells whether that changed anything.
    pub(crate) fn raise(&mut self, boot: &Arc<str>, stream: &Arc<str>, seq: u64) -> bool {
        let key = (BootId::counter_of(boot), boot.clone());
        if !self.boots.contains_key(&key) {
            let oldest = self.boots.first_key_value().map(|(k, _)| k.clone());
            match oldest {
                Some(k) if self.boots.len() >= BOOTS_MAX && k > key => return false,
                Some(k) if self.boots.len() >= BOOTS_MAX => drop(self.boots.remove(&k)),
                _ => {}
            }
        }
        let streams = self.boots.entry(key).or_default();
        let room = streams.len() < STREAMS_MAX;
        match streams.get_mut(stream) {
            Some(mark) if *mark >= seq => false,
            Some(mark) => {
                *mark = seq;
                true
            }
            None if room => streams.insert(stream.clone(), seq).is_none(),
            None => false,
        }
    }

    pub(crate) fn list(&self) -> Vec<Mark> {
        let of_boot = |((_, boot), streams): (&BootKey, &BTreeMap<Arc<str>, u64>)| {
            let mark = |(stream, seq): (&Arc<str>, &u64)| Mark {
                stream: stream.clone(),
                boot: boot.clone(),
                seq: *seq,
            };
            streams.iter().map(mark).collect::<Vec<_>>()
        };
        self.boots.iter().flat_map(of_boot).collect()
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = b"WM\x01".to_vec();
        out.push(u8::from(self.clean));
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.next_block.to_le_bytes());
        out.extend_from_slice(&self.held.to_le_bytes());
        put(&mut out, self.boots.len() as u64);
        for ((_, boot), streams) in &self.boots {
            put_text(&mut out, boot);
            put(&mut out, streams.len() as u64);
            for (stream, seq) in streams {
                put_text(&mut out, stream);
                put(&mut out, *seq);
            }
        }
        let crc = check_of(&out);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the contents of a marks file; `None` if anything about them is wrong.
    fn decode(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(b"WM\x01") || bytes.len() < 24 {
            return None;
        }
        if u32::from_le_bytes(bytes[4..8].try_into().ok()?) != check_of(bytes) {
            return None;
        }
        let mut marks = Self {
            next_block: u64::from_le_bytes(bytes[8..16].try_into().ok()?),
            clean: bytes[3] == 1,
            held: u64::from_le_bytes(bytes[16..24].try_into().ok()?),
            ..Self::default()
        };
        let mut rest = &bytes[24..];
        for _ in 0..get(&mut rest)? {
            let boot = get_text(&mut rest)?;
            for _ in 0..get(&mut rest)? {
                let stream = get_text(&mut rest)?;
                marks.raise(&boot, &stream, get(&mut rest)?);
            }
        }
        rest.is_empty().then_some(marks)
    }

    /// Reads the file: `None` when there is none, an inner `None` when it is damaged.
    pub(crate) fn load(path: &Path) -> io::Result<Option<Option<Self>>> {
        match fs::metadata(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
            Ok(m) if m.len() > FILE_BYTES_MAX => Ok(Some(None)),
            Ok(_) => Ok(Some(Self::decode(&fs::read(path)?))),
        }
    }

    /// Replaces the file, durably; returns how many bytes that took.
    pub(crate) fn save(&self, path: &Path) -> io::Result<u64> {
        let bytes = self.encode();
        replace_file(path, &bytes)?;
        Ok(bytes.len() as u64)
    }
}

/// Writes beside, syncs, renames over and syncs the directory: after a crash the file is wholly
/// the old one or wholly the new one.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let tmp = path.with_extension("new");
    let written = File::create(&tmp).and_then(|mut f| {
        f.write_all(bytes)?;
        f.sync_all()
    });
    if let Err(e) = written {
        let _ = fs::remove_file(&tmp); // a half-written one only takes room on a full disk
        return Err(e);
    }
    fs::rename(&tmp, path)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Makes names created or removed in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn check_of(bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&bytes[3..4]);
    crc.update(&bytes[8..]);
    crc.finalize()
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn get_text(bytes: &mut &[u8]) -> Option<Arc<str>> {
    let len = usize::try_from(get(bytes)?).ok()?;
    let (head, tail) = bytes.split_at_checked(len)?;
    *bytes = tail;
    std::str::from_utf8(head).ok().map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raise(m: &mut Marks, boot: &str, stream: &str, seq: u64) -> bool {
        m.raise(&boot.into(), &stream.into(), seq)
    }

    #[test]
    fn marks_only_rise() {
        let mut m = Marks::default();
        assert!(raise(&mut m, "1-a", "data/hp1", 5));
        assert!(!raise(&mut m, "1-a", "data/hp1", 4));
        assert_eq!(m.list()[0].seq, 5);
    }

    #[test]
    fn only_the_latest_boots_are_kept_by_number() {
        let mut m = Marks::default();
        for boot in 1..=20 {
            raise(&mut m, &format!("{boot}-x"), "event", 1);
        }
        raise(&mut m, "3-x", "event", 9);
        let boots: Vec<_> = m.list().into_iter().map(|m| m.boot.to_string()).collect();
        assert_eq!(boots, (13..=20).map(|b| format!("{b}-x")).collect::<Vec<_>>());
    }

    #[test]
    fn any_flipped_byte_of_the_file_is_noticed() {
        let mut m = Marks { next_block: 77, clean: true, ..Marks::default() };
        raise(&mut m, "2-b", "data/hp1", 300);
        let bytes = m.encode();
        assert_eq!(Marks::decode(&bytes), Some(m));
        for i in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[i] ^= 0x10;
            assert_eq!(Marks::decode(&bad), None, "byte {i}");
        }
    }

    #[test]
    fn a_boot_and_a_stream_beyond_the_bounds_are_not_taken() {
        let mut m = Marks::default();
        for boot in 11..=18 {
            assert!(raise(&mut m, &format!("{boot}-x"), "event", 1), "{boot}");
        }
        assert!(!raise(&mut m, "10-x", "event", 1), "older than all that are kept");
        assert!(raise(&mut m, "11-x", "event", 2), "the oldest kept still rises");
        assert!(raise(&mut m, "19-x", "event", 1), "a newer one takes the place of the oldest");
        assert!(!m.list().iter().any(|m| &*m.boot == "11-x"));
        for i in 0..STREAMS_MAX {
            assert!(raise(&mut m, "20-x", &format!("data/d{i}"), 1));
        }
        assert!(!raise(&mut m, "20-x", "data/one_more", 1));
        assert!(raise(&mut m, "20-x", "data/d7", 2), "those kept still rise");
        assert!(!raise(&mut m, "20-x", "data/d7", 2), "the same is no rise");
    }

    #[test]
    fn the_file_reads_back_as_saved_and_a_damaged_one_is_told_from_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("marks");
        assert_eq!(Marks::load(&path).unwrap(), None);
        for (clean, held) in [(true, 12), (false, 0)] {
            let mut m = Marks { next_block: 77, clean, held, ..Marks::default() };
            raise(&mut m, "2-b", "data/hp1", 300);
            raise(&mut m, "3-c", "event", u64::MAX);
            let written = m.save(&path).unwrap();
            assert_eq!(written, fs::metadata(&path).unwrap().len());
            assert_eq!(Marks::load(&path).unwrap(), Some(Some(m)));
            assert!(!path.with_extension("new").exists());
        }
        fs::write(&path, b"").unwrap();
        assert_eq!(Marks::load(&path).unwrap(), Some(None));
        // Not a file that could be read: an error, and none that looks like a first start.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(Marks::load(&path).is_err());
        assert!(Marks::load(&dir.path().join("marks/x\0y")).is_err());
        assert!(Marks::default().save(&dir.path().join("nowhere/marks")).is_err());
    }

    #[test]
    fn marks_cut_short_are_damaged() {
        let mut m = Marks::default();
        assert_eq!(Marks::decode(&m.encode()), Some(m.clone()), "none at all");
        raise(&mut m, "2-b", "data/hp1", 300);
        let bytes = m.encode();
        for len in 0..bytes.len() {
            let mut cut = bytes[..len].to_vec();
            if len >= 8 {
                let crc = check_of(&cut);
                cut[4..8].copy_from_slice(&crc.to_le_bytes());
            }
            assert_eq!(Marks::decode(&cut), None, "{len} bytes");
        }
    }
}
