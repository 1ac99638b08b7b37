//! What a plugin must still know after a restart: what `save` returned, and its key-value store.
//!
//! One small file a plugin, replaced whole at most once a minute and when it stops, so that it
//! costs the flash little and is never half of two states.

use crate::files;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wellhead_plugin_host::Saved;

/// Written before the rest, so that another kind of file is told apart from a damaged one.
const MAGIC: [u8; 4] = *b"WPS1";

#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    /// Version of the plugin, and what it saved.
    saved: Option<(String, Vec<u8>)>,
    kv: BTreeMap<String, Vec<u8>>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Keep {
    path: PathBuf,
    /// What the file holds, to write nothing that is there already.
    written: Content,
}

/// What was kept: the state saved last, and the store.
pub(super) type Kept = (Option<Saved>, BTreeMap<String, Vec<u8>>);

impl Keep {
    /// Reads the file if there is one. A damaged one is moved aside and told; the plugin then
    /// starts as if it had never run.
    pub(super) fn open(folder: &Path, id: &str) -> (Self, Kept, Option<String>) {
        let path = folder.join(format!("{id}.state"));
        let (content, warning) = match std::fs::read(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => (Content::default(), None),
            Err(e) => (Content::default(), Some(format!("can't read {}: {e}", path.display()))),
            Ok(bytes) => match decode(&bytes) {
                Some(content) => (content, None),
                None => {
                    let aside = path.with_extension("damaged");
                    let kept = match std::fs::rename(&path, &aside) {
                        Ok(()) => format!("kept as {}", aside.display()),
                        Err(e) => format!("could not be moved aside: {e}"),
                    };
                    let text = format!("{} is damaged, {kept}", path.display());
                    (Content::default(), Some(text))
                }
            },
        };
        let saved = content.saved.clone().map(|(version, bytes)| Saved { version, bytes });
        let kept = (saved, content.kv.clone());
        (Self { path, written: content }, kept, warning)
    }

    /// Writes the file if anything changed.
    pub(super) fn write(
        &mut self,
        saved: Option<&Saved>,
        kv: &BTreeMap<String, Vec<u8>>,
    ) -> std::io::Result<()> {
        let saved = saved.map(|s| (s.version.clone(), s.bytes.clone()));
        let content = Content { saved, kv: kv.clone() };
        if content == self.written {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        files::replace(&self.path, &encode(&content)?)?;
        self.written = content;
        Ok(())
    }
}

fn encode(content: &Content) -> std::io::Result<Vec<u8>> {
    let body = postcard::to_allocvec(content).map_err(std::io::Error::other)?;
    let check = crc32fast::hash(&body).to_le_bytes();
    Ok([&MAGIC[..], &check, &body].concat())
}

fn decode(bytes: &[u8]) -> Option<Content> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let (check, body) = rest.split_first_chunk::<4>()?;
    (u32::from_le_bytes(*check) == crc32fast::hash(body)).then_some(())?;
    postcard::from_bytes(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(bytes: &[u8]) -> Saved {
        Saved { version: "0.1.0".into(), bytes: bytes.to_vec() }
    }

    #[test]
    fn state_and_store_survive_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let (mut keep, kept, warning) = Keep::open(dir.path(), "recharge");
        assert_eq!((kept, warning), ((None, BTreeMap::new()), None));
        let kv = BTreeMap::from([("a".to_owned(), b"1".to_vec())]);
        keep.write(Some(&saved(b"hours: 17")), &kv).unwrap();
        let (_, kept, warning) = Keep::open(dir.path(), "recharge");
        assert_eq!((kept, warning), ((Some(saved(b"hours: 17")), kv), None));
    }

    #[test]
    fn any_damaged_byte_is_told_and_the_file_kept_aside() {
        let dir = tempfile::tempdir().unwrap();
        let (mut keep, ..) = Keep::open(dir.path(), "p");
        keep.write(Some(&saved(b"state")), &BTreeMap::new()).unwrap();
        let path = dir.path().join("p.state");
        let good = std::fs::read(&path).unwrap();
        for i in 0..good.len() {
            let mut bad = good.clone();
            bad[i] ^= 0x10;
            std::fs::write(&path, &bad).unwrap();
            let (_, (state, _), warning) = Keep::open(dir.path(), "p");
            assert!(warning.unwrap().contains("damaged"), "byte {i}");
            assert_eq!(state, None);
            assert_eq!(std::fs::read(dir.path().join("p.damaged")).unwrap(), bad);
        }
    }
}
