//! A block: entries committed together, compressed and checked.
//!
//! ```text
//! 0   "WB"            magic
//! 2   u8              format version, 1
//! 3   u8              0
//! 4   u32 LE          CRC-32 (IEEE) of everything after it
//! 8   u32 LE          entries
//! 12  u32 LE          directory, bytes before compression
//! 16  u32 LE          directory, bytes as stored
//! 20  u32 LE          payloads, bytes before compression
//! 24  lz4 block       directory: names, then one line an entry
//! ..  lz4 block       payloads, one after another
//! ```
//! The directory (LEB128 integers) names each (boot, stream) once: count, then length and bytes of
//! both. A line is: name index, seq (zigzag difference to the previous of that name), samples,
//! time (zigzag difference to the previous line), payload length. It can be read without touching
//! the payloads, which is what opening and dropping need.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::entry::{BOOT_BYTES_MAX, Entry, PAYLOAD_BYTES_MAX, STREAM_BYTES_MAX};

const MAGIC: &[u8; 2] = b"WB";
const VERSION: u8 = 1;
const HEADER_BYTES: usize = 24;
/// The largest stored block. It keeps any page of the store inside its log, see [`crate::disk`].
pub(crate) const BLOCK_BYTES_MAX: usize = 96 * 1024;
/// Bounds on what a reader allocates for any input.
const ENTRIES_MAX: usize = 16 * 1024;
const DIRECTORY_BYTES_MAX: usize = 256 * 1024;
const PAYLOADS_BYTES_MAX: usize = 512 * 1024;

/// Why bytes are not a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Too short, or not begun by the magic.
    #[error("not a cache block")]
    NotABlock,
    /// Written by another version of the format.
    #[error("block format {0} is not known, this program reads format 1")]
    Version(u8),
    /// The check over the contents fails.
    #[error("checksum mismatch")]
    Checksum,
    /// The checksum holds, the contents do not.
    #[error("malformed block: {0}")]
    Malformed(&'static str),
}

/// One line of a block's directory: an entry without its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) boot: Arc<str>,
    pub(crate) stream: Arc<str>,
    pub(crate) seq: u64,
    pub(crate) samples: u32,
    pub(crate) time_ms: i64,
    payload_len: usize,
}

impl Line {
    pub(crate) fn of(e: &Entry) -> Self {
        Self {
            boot: e.boot.clone(),
            stream: e.stream.clone(),
            seq: e.seq,
            samples: e.samples,
            time_ms: e.time_ms,
            payload_len: e.payload.len(),
        }
    }
}

/// Encodes `entries` (already within the limits of an entry) into as few blocks as fit, each with
/// the number of entries it took. Every block is read back before it is let out.
pub(crate) fn encode_blocks(entries: &[Entry]) -> Result<Vec<(usize, Vec<u8>)>, BlockError> {
    let mut blocks = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let mut n = fitting(rest);
        let block = loop {
            match encode(&rest[..n])? {
                Some(block) => break block,
                None if n == 1 => return Err(BlockError::Malformed("one entry exceeds a block")),
                None => n /= 2,
            }
        };
        if directory(&block)?.len() != n {
            return Err(BlockError::Malformed("a block did not read back as written"));
        }
        blocks.push((n, block));
        rest = &rest[n..];
    }
    Ok(blocks)
}

/// How many entries from the front stay within the uncompressed bounds; at least one.
fn fitting(entries: &[Entry]) -> usize {
    let mut payloads = 0;
    let fits = |e: &&Entry| {
        payloads += e.payload.len();
        payloads <= PAYLOADS_BYTES_MAX
    };
    entries.iter().take(ENTRIES_MAX).take_while(fits).count().max(1)
}

/// One block of all `entries`, or `None` when they are too many for one.
fn encode(entries: &[Entry]) -> Result<Option<Vec<u8>>, BlockError> {
    let dir = encode_directory(entries);
    if dir.len() > DIRECTORY_BYTES_MAX {
        return Ok(None);
    }
    let mut payloads = Vec::with_capacity(entries.iter().map(|e| e.payload.len()).sum());
    for e in entries {
        payloads.extend_from_slice(&e.payload);
    }
    let dir_stored = lz4_flex::block::compress(&dir);
    let stored = lz4_flex::block::compress(&payloads);
    let total = HEADER_BYTES + dir_stored.len() + stored.len();
    if total > BLOCK_BYTES_MAX {
        return Ok(None);
    }
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[VERSION, 0, 0, 0, 0, 0]);
    for n in [entries.len(), dir.len(), dir_stored.len(), payloads.len()] {
        let n = u32::try_from(n).map_err(|_| BlockError::Malformed("length over 32 bits"))?;
        out.extend_from_slice(&n.to_le_bytes());
    }
    out.extend_from_slice(&dir_stored);
    out.extend_from_slice(&stored);
    let crc = crc32fast::hash(&out[8..]);
    out[4..8].copy_from_slice(&crc.to_le_bytes());
    Ok(Some(out))
}

fn encode_directory(entries: &[Entry]) -> Vec<u8> {
    let mut index: HashMap<(&str, &str), usize> = HashMap::new();
    let mut names = Vec::new();
    let mut lines = Vec::with_capacity(entries.len() * 8);
    let mut seq_before: Vec<u64> = Vec::new();
    let mut time_before = 0i64;
    for e in entries {
        let next = index.len();
        let i = *index.entry((&e.boot, &e.stream)).or_insert(next);
        if i == next {
            for text in [&e.boot, &e.stream] {
                put(&mut names, text.len() as u64);
                names.extend_from_slice(text.as_bytes());
            }
            seq_before.push(0);
        }
        put(&mut lines, i as u64);
        put(&mut lines, zigzag(e.seq.wrapping_sub(seq_before[i]) as i64));
        put(&mut lines, u64::from(e.samples));
        put(&mut lines, zigzag(e.time_ms.wrapping_sub(time_before)));
        put(&mut lines, e.payload.len() as u64);
        seq_before[i] = e.seq;
        time_before = e.time_ms;
    }
    let mut out = Vec::with_capacity(names.len() + lines.len() + 4);
    put(&mut out, index.len() as u64);
    out.extend_from_slice(&names);
    out.extend_from_slice(&lines);
    out
}

/// Reads a block back. Any input is answered with an error or the entries that were written; what
/// is allocated is bounded (under 8 MiB) whatever the input claims.
///
/// # Errors
/// See [`BlockError`].
pub fn decode_block(bytes: &[u8]) -> Result<Vec<Entry>, BlockError> {
    let lines = directory(bytes)?;
    let payloads = Bytes::from(payloads(bytes)?);
    let mut at = 0;
    let entry = |line: Line| {
        let from = at;
        at += line.payload_len; // bounded by `directory`: the lengths add up to the payloads
        Entry {
            stream: line.stream,
            boot: line.boot,
            seq: line.seq,
            samples: line.samples,
            time_ms: line.time_ms,
            payload: payloads.slice(from..at),
        }
    };
    Ok(lines.into_iter().map(entry).collect())
}

/// What a damaged block claims to have held; nothing vouches for it.
pub(crate) fn entries_claimed(bytes: &[u8]) -> Option<u32> {
    let n = field(bytes, 8).ok()?;
    (bytes.starts_with(MAGIC) && n > 0 && n <= ENTRIES_MAX).then_some(n as u32)
}

/// Checks a block and reads its directory, leaving the payloads compressed.
pub(crate) fn directory(bytes: &[u8]) -> Result<Vec<Line>, BlockError> {
    check(bytes)?;
    let entries = field(bytes, 8)?;
    let (raw, stored, payloads) = (field(bytes, 12)?, field(bytes, 16)?, field(bytes, 20)?);
    if entries > ENTRIES_MAX || raw > DIRECTORY_BYTES_MAX || payloads > PAYLOADS_BYTES_MAX {
        return Err(BlockError::Malformed("a length is over its limit"));
    }
    let end = HEADER_BYTES.saturating_add(stored);
    let dir = bytes.get(HEADER_BYTES..end).ok_or(BlockError::Malformed("directory cut short"))?;
    let dir = inflate(dir, raw)?;
    let lines = Lines { rest: &dir }.all(entries)?;
    if lines.iter().map(|l| l.payload_len).sum::<usize>() != payloads {
        return Err(BlockError::Malformed("payload lengths do not add up"));
    }
    Ok(lines)
}

fn payloads(bytes: &[u8]) -> Result<Vec<u8>, BlockError> {
    let (stored, raw) = (field(bytes, 16)?, field(bytes, 20)?);
    let body = bytes.get(HEADER_BYTES.saturating_add(stored)..);
    inflate(body.ok_or(BlockError::Malformed("payloads cut short"))?, raw)
}

fn check(bytes: &[u8]) -> Result<(), BlockError> {
    if bytes.len() < HEADER_BYTES || !bytes.starts_with(MAGIC) {
        return Err(BlockError::NotABlock);
    }
    if bytes[2] != VERSION {
        return Err(BlockError::Version(bytes[2]));
    }
    if field(bytes, 4)? as u32 != crc32fast::hash(&bytes[8..]) {
        return Err(BlockError::Checksum);
    }
    Ok(())
}

fn inflate(stored: &[u8], raw: usize) -> Result<Vec<u8>, BlockError> {
    match lz4_flex::block::decompress(stored, raw) {
        Ok(out) if out.len() == raw => Ok(out),
        _ => Err(BlockError::Malformed("compressed data does not unpack to its length")),
    }
}

fn field(bytes: &[u8], at: usize) -> Result<usize, BlockError> {
    let b = bytes.get(at..at + 4).and_then(|b| <[u8; 4]>::try_from(b).ok());
    b.map(|b| u32::from_le_bytes(b) as usize).ok_or(BlockError::NotABlock)
}

struct Lines<'a> {
    rest: &'a [u8],
}

impl Lines<'_> {
    fn all(mut self, entries: usize) -> Result<Vec<Line>, BlockError> {
        let count = self.length(entries)?;
        let mut names: Vec<(Arc<str>, Arc<str>, u64)> = Vec::with_capacity(count);
        for _ in 0..count {
            names.push((self.text(BOOT_BYTES_MAX)?, self.text(STREAM_BYTES_MAX)?, 0));
        }
        let mut time_ms = 0i64;
        let mut lines = Vec::with_capacity(entries);
        for _ in 0..entries {
            let name = self.int()? as usize;
            let (boot, stream, seq) =
                names.get_mut(name).ok_or(BlockError::Malformed("unknown stream"))?;
            *seq = seq.wrapping_add(unzigzag(self.int()?) as u64);
            let samples =
                u32::try_from(self.int()?).map_err(|_| BlockError::Malformed("sample count"))?;
            time_ms = time_ms.wrapping_add(unzigzag(self.int()?));
            let payload_len = self.length(PAYLOAD_BYTES_MAX)?;
            let (boot, stream, seq) = (boot.clone(), stream.clone(), *seq);
            lines.push(Line { boot, stream, seq, samples, time_ms, payload_len });
        }
        if self.rest.is_empty() { Ok(lines) } else { Err(BlockError::Malformed("data left over")) }
    }

    fn int(&mut self) -> Result<u64, BlockError> {
        get(&mut self.rest).ok_or(BlockError::Malformed("directory ends early"))
    }

    fn length(&mut self, max: usize) -> Result<usize, BlockError> {
        match self.int()? {
            n if n <= max as u64 => Ok(n as usize),
            _ => Err(BlockError::Malformed("a length is over its limit")),
        }
    }

    fn text(&mut self, max: usize) -> Result<Arc<str>, BlockError> {
        let len = self.length(max)?;
        let (head, tail) =
            self.rest.split_at_checked(len).ok_or(BlockError::Malformed("a name is cut short"))?;
        self.rest = tail;
        std::str::from_utf8(head).map(Arc::from).map_err(|_| BlockError::Malformed("a name"))
    }
}

/// Appends `n` as LEB128.
pub(crate) fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n as u8) | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Takes a LEB128 integer off the front.
pub(crate) fn get(bytes: &mut &[u8]) -> Option<u64> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let (&b, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(b & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        n |= bits << shift;
        if b & 0x80 == 0 {
            return Some(n);
        }
    }
    None
}

fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, payload: Vec<u8>) -> Entry {
        let (stream, boot) = ("data/hp1".into(), "1-0000000a".into());
        Entry { stream, boot, seq, samples: 3, time_ms: 10, payload: Bytes::from(payload) }
    }

    /// Bytes that do not compress, other ones for each seed.
    fn noise(seed: u64, len: usize) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(seed);
        (0..len).map(|_| rng.u8(..)).collect()
    }

    /// Reads all blocks back and tells how many entries each took.
    fn taken(entries: &[Entry]) -> Vec<usize> {
        let blocks = encode_blocks(entries).unwrap();
        let back: Vec<_> = blocks.iter().flat_map(|(_, b)| decode_block(b).unwrap()).collect();
        assert!(back == entries, "not what was written");
        assert!(blocks.iter().all(|(_, b)| b.len() <= BLOCK_BYTES_MAX));
        blocks.iter().map(|(n, _)| *n).collect()
    }

    /// Seals a block of any claims; `lengths` are those of the directory and of the payloads.
    fn sealed(entries: u32, lengths: (u32, u32), dir: &[u8], payloads: &[u8]) -> Vec<u8> {
        let dir = lz4_flex::block::compress(dir);
        let mut block = b"WB\x01\0\0\0\0\0".to_vec();
        for n in [entries, lengths.0, dir.len() as u32, lengths.1] {
            block.extend_from_slice(&n.to_le_bytes());
        }
        block.extend_from_slice(&dir);
        block.extend_from_slice(&lz4_flex::block::compress(payloads));
        let crc = crc32fast::hash(&block[8..]);
        block[4..8].copy_from_slice(&crc.to_le_bytes());
        block
    }

    /// A sealed block of this directory whose lengths are told right.
    fn of(entries: u32, dir: &[u8], payloads: &[u8]) -> Result<Vec<Entry>, BlockError> {
        let lengths = (dir.len() as u32, payloads.len() as u32);
        decode_block(&sealed(entries, lengths, dir, payloads))
    }

    const OVER: Result<Vec<Entry>, BlockError> =
        Err(BlockError::Malformed("a length is over its limit"));

    #[test]
    fn every_number_reads_back_as_written() {
        for shift in 0..64 {
            for n in [1u64 << shift, (1 << shift) - 1, u64::MAX >> shift, u64::MAX << shift] {
                let mut bytes = Vec::new();
                put(&mut bytes, n);
                assert_eq!(bytes.len(), (64 - n.leading_zeros()).div_ceil(7).max(1) as usize);
                bytes.push(9);
                let mut rest = &bytes[..];
                assert_eq!(get(&mut rest), Some(n));
                assert_eq!(rest, [9]);
                assert_eq!(unzigzag(zigzag(n as i64)), n as i64);
            }
        }
        assert_eq!([0, -1, 1, -2, i64::MIN].map(zigzag), [0, 1, 2, 3, u64::MAX]);
        let too_large: [&[u8]; 3] = [
            &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
            &[0x80],
        ];
        for mut bytes in too_large {
            assert_eq!(get(&mut bytes), None);
        }
    }

    #[test]
    fn entries_are_shared_out_to_as_few_blocks_as_fit() {
        assert_eq!(taken(&[]), [0; 0]);
        assert_eq!(taken(&[entry(1, Vec::new())]), [1]);
        let small: Vec<_> = (0..40).map(|i| entry(i, noise(i, 1_000))).collect();
        assert_eq!(taken(&small), [40]);
        // More than a block stores: halves, until they fit.
        let large: Vec<_> = (0..8).map(|i| entry(i, noise(i, 30_000))).collect();
        assert_eq!(taken(&large), [2, 3, 3], "4 do not fit in 96 KiB");
        // Well compressed: bounded by what a reader unpacks.
        let empty: Vec<_> = (0..20).map(|i| entry(i, vec![0; PAYLOAD_BYTES_MAX])).collect();
        assert_eq!(taken(&empty), [8, 8, 4]);
        let many: Vec<_> = (0..17_000).map(|i| entry(i, Vec::new())).collect();
        assert_eq!(taken(&many), [ENTRIES_MAX, 17_000 - ENTRIES_MAX]);
    }

    #[test]
    fn a_block_is_filled_to_the_byte() {
        let two = |len| [entry(1, noise(1, 60_000)), entry(2, noise(2, len))];
        let room = |len| BLOCK_BYTES_MAX - encode(&two(len)).unwrap().unwrap().len();
        // A byte more of noise is a byte more, but for a few.
        let first = room(30_000);
        let mut len = 30_000 + first - first / 100;
        while room(len) > 0 {
            len += room(len).div_ceil(2);
        }
        assert_eq!(taken(&two(len)), [2]);
        assert_eq!(taken(&two(len + 1)), [1, 1]);
    }

    #[test]
    fn a_directory_is_filled_to_the_byte() {
        let name = |i: u64, len| Entry { stream: format!("{i:0len$}").into(), ..entry(i, vec![]) };
        let mut entries: Vec<_> = (0..1_150).map(|i| name(i, 200)).collect();
        // A letter more is a byte more.
        let mut room = DIRECTORY_BYTES_MAX - encode_directory(&entries).len();
        for i in 0..1_150 {
            let more = room.min(55);
            entries[i as usize] = name(i, 200 + more);
            room -= more;
        }
        assert_eq!(encode_directory(&entries).len(), DIRECTORY_BYTES_MAX);
        assert_eq!(taken(&entries), [1_150]);
        entries[1_149] = name(1_149, 201);
        assert_eq!(taken(&entries), [575, 575]);
    }

    #[test]
    fn an_entry_that_fits_no_block_is_an_error() {
        let name: String = "x".repeat(DIRECTORY_BYTES_MAX);
        let e = Entry { stream: name.into(), ..entry(1, Vec::new()) };
        assert!(encode_blocks(&[e]).is_err());
    }

    #[test]
    fn a_claim_over_its_bound_is_refused_before_anything_is_unpacked() {
        let bounds = [(ENTRIES_MAX, 0, 0), (0, DIRECTORY_BYTES_MAX, 0), (0, 0, PAYLOADS_BYTES_MAX)];
        for (entries, dir, payloads) in bounds.map(|(e, d, p)| (e as u32, d as u32, p as u32)) {
            let claim = |more: u32| {
                let one = |n: u32| if n == 0 { 0 } else { n + more };
                decode_block(&sealed(one(entries), (one(dir), one(payloads)), &[], &[]))
            };
            assert_ne!(claim(0), OVER, "the bound itself is allowed");
            assert_eq!(claim(1), OVER);
        }
    }

    #[test]
    fn what_a_checksum_can_not_see_is_malformed() {
        // One name "b" "s", one line: that name, seq 1, 3 samples, time 1, 2 bytes of payload.
        let dir = [1, 1, b'b', 1, b's', 0, 2, 3, 2, 2];
        let read = of(1, &dir, b"hi").unwrap();
        assert_eq!((read.len(), read[0].seq, read[0].time_ms), (1, 1, 1));
        assert_eq!(&*read[0].payload, b"hi");
        let malformed = |what| Err(BlockError::Malformed(what));
        assert_eq!(of(1, &dir, b"hi!"), malformed("payload lengths do not add up"));
        assert_eq!(of(2, &dir, b"hi"), malformed("directory ends early"));
        assert_eq!(of(0, &[0, 0], b""), malformed("data left over"));
        assert_eq!(of(1, &[0, 0, 2, 3, 2, 0], b""), malformed("unknown stream"));
        assert_eq!(of(1, &[1, 9, b'b'], b""), malformed("a name is cut short"));
        assert_eq!(of(1, &[1, 1, 0xFF, 0], b""), malformed("a name"));
        assert_eq!(of(1, &[2], b""), OVER, "more names than entries");
        let longer = (dir.len() as u32 + 1, 2);
        let unpacked = malformed("compressed data does not unpack to its length");
        assert_eq!(decode_block(&sealed(1, longer, &dir, b"hi")), unpacked);
        for left in [HEADER_BYTES + 1, HEADER_BYTES] {
            let mut cut = sealed(1, (dir.len() as u32, 2), &dir, b"hi");
            cut.truncate(left);
            let crc = crc32fast::hash(&cut[8..]);
            cut[4..8].copy_from_slice(&crc.to_le_bytes());
            assert_eq!(decode_block(&cut), malformed("directory cut short"));
        }
    }

    #[test]
    fn what_is_no_block_is_told_by_kind() {
        let block = sealed(0, (1, 0), &[0], &[]);
        assert_eq!(decode_block(&block), Ok(Vec::new()));
        for short in [0, 1, 7, HEADER_BYTES - 1] {
            assert_eq!(decode_block(&block[..short]), Err(BlockError::NotABlock));
        }
        let changed = |at: usize, to: u8| {
            let mut bad = block.clone();
            bad[at] = to;
            decode_block(&bad)
        };
        assert_eq!(changed(0, b'w'), Err(BlockError::NotABlock));
        assert_eq!(changed(2, 2), Err(BlockError::Version(2)));
        assert_eq!(changed(8, 7), Err(BlockError::Checksum));
    }

    #[test]
    fn a_damaged_block_claims_only_what_it_could_have_held() {
        let claim = |entries: usize| {
            let mut block = sealed(entries as u32, (0, 0), &[], &[]);
            block[4] ^= 1;
            entries_claimed(&block)
        };
        assert_eq!(claim(0), None);
        assert_eq!(claim(1), Some(1));
        assert_eq!(claim(ENTRIES_MAX), Some(ENTRIES_MAX as u32));
        assert_eq!(claim(ENTRIES_MAX + 1), None);
        assert_eq!(entries_claimed(b"xx\x01\0\0\0\0\0\x05\0\0\0"), None);
        assert_eq!(entries_claimed(b"WB\x01"), None);
    }
}
