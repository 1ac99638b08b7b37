//! Any bytes as a block of the cache: an error, or entries within their bounds that read the same
//! when they are written again.
//!
//! Input: mode, then 0: a block as it is; 1: a block whose checksum is made right here; 2: number
//! of entries and length of the directory (2 bytes each), directory, payloads, all uncompressed.
//! With damage alone the checksum would hide nearly all of the reader.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wellhead_store::{BOOT_BYTES_MAX, Entry, PAYLOAD_BYTES_MAX, STREAM_BYTES_MAX, decode_block};

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    let block = match mode % 3 {
        0 => rest.to_vec(),
        1 => checksummed(rest.to_vec()),
        _ => {
            let Some((&[e1, e2, d1, d2], rest)) = rest.split_first_chunk::<4>() else { return };
            let split = usize::from(u16::from_be_bytes([d1, d2])).min(rest.len());
            let (directory, payloads) = rest.split_at(split);
            block(u16::from_be_bytes([e1, e2]).into(), directory, payloads)
        }
    };
    let Ok(entries) = decode_block(&block) else { return };
    assert!(entries.len() <= 16 * 1024);
    assert!(entries.iter().map(|e| e.payload.len()).sum::<usize>() <= 512 * 1024);
    for e in &entries {
        assert!(e.payload.len() <= PAYLOAD_BYTES_MAX);
        assert!(e.boot.len() <= BOOT_BYTES_MAX);
        assert!(e.stream.len() <= STREAM_BYTES_MAX);
    }
    // A name for each line is the least compact directory; its bound may be passed by that.
    let directory = directory(&entries);
    if directory.len() <= 256 * 1024 {
        let payloads: Vec<u8> = entries.iter().flat_map(|e| e.payload.to_vec()).collect();
        let again = decode_block(&self::block(entries.len() as u32, &directory, &payloads));
        assert_eq!(again.as_ref(), Ok(&entries));
    }
});

/// A block as the documentation of the store draws it.
fn block(entries: u32, directory: &[u8], payloads: &[u8]) -> Vec<u8> {
    let stored = lz4_flex::block::compress(directory);
    let mut out = b"WB\x01\0\0\0\0\0".to_vec();
    for n in [entries, directory.len() as u32, stored.len() as u32, payloads.len() as u32] {
        out.extend_from_slice(&n.to_le_bytes());
    }
    out.extend_from_slice(&stored);
    out.extend_from_slice(&lz4_flex::block::compress(payloads));
    checksummed(out)
}

fn checksummed(mut block: Vec<u8>) -> Vec<u8> {
    if block.len() >= 8 {
        let crc = crc32fast::hash(&block[8..]);
        block[4..8].copy_from_slice(&crc.to_le_bytes());
    }
    block
}

/// One name for each line, so that every number is a difference to 0.
fn directory(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    leb128(&mut out, entries.len() as u64);
    for e in entries {
        for text in [&e.boot, &e.stream] {
            leb128(&mut out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
    }
    let mut time = 0;
    for (i, e) in entries.iter().enumerate() {
        leb128(&mut out, i as u64);
        leb128(&mut out, zigzag(e.seq as i64));
        leb128(&mut out, e.samples.into());
        leb128(&mut out, zigzag(e.time_ms.wrapping_sub(time)));
        leb128(&mut out, e.payload.len() as u64);
        time = e.time_ms;
    }
    out
}

fn leb128(out: &mut Vec<u8>, mut n: u64) {
    while n > 0x7f {
        out.push(n as u8 & 0x7f | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn zigzag(n: i64) -> u64 {
    if n < 0 { !(n as u64) << 1 | 1 } else { (n as u64) << 1 }
}
