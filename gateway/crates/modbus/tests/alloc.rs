//! A gateway polls for years: once warm, a poll takes no memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]
#![expect(unsafe_code, reason = "an allocator can't be counted any other way")]

mod common;

use common::{device, driver, point, registers};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::time::Duration;
use wellhead_driver::{Driver, Line, LineConfig, Readings, TcpConfig};
use wellhead_modbus::{Encoding, Framing, Table, codec::rtu};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(ptr, layout) }
    }
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Answers any read of `count` holding registers, on a thread of its own.
fn serve(framing: Framing, count: u8) -> Line {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut peer = listener.accept().unwrap().0;
        let mut request = vec![0; if framing == Framing::Tcp { 12 } else { 8 }];
        while peer.read_exact(&mut request).is_ok() {
            let mut pdu = vec![3, 2 * count];
            pdu.resize(2 + 2 * usize::from(count), b'A');
            let reply = match framing {
                Framing::Tcp => [&request[..4], &[0, 2 * count + 3, request[6]], &pdu].concat(),
                Framing::Rtu => {
                    let mut frame = [&request[..1], &pdu].concat();
                    let crc = rtu::crc(&frame).to_le_bytes();
                    frame.extend_from_slice(&crc);
                    frame
                }
            };
            if peer.write_all(&reply).is_err() {
                break;
            }
        }
    });
    let host = "127.0.0.1".into();
    let connect_timeout = Duration::from_secs(60);
    Line::new(LineConfig::Tcp(TcpConfig { host, port, connect_timeout, close_when_idle: false }))
}

#[tokio::test]
async fn a_warm_poll_allocates_nothing() {
    for framing in [Framing::Tcp, Framing::Rtu] {
        let mut points = registers(0, 80);
        points.push(point(80, Table::Holding, 80, Encoding::F64));
        points.push(point(81, Table::Holding, 84, Encoding::Text(16)));
        let mut spec = device(framing, points);
        spec.timing.response_timeout = Duration::from_secs(60);
        let mut line = serve(framing, 100);
        let mut hp = driver(spec);
        let mut readings = Readings::default();
        let mut before = 0;
        for poll in 0..200 {
            if poll == 100 {
                before = ALLOCATIONS.get();
            }
            readings.clear();
            hp.poll(&mut line, 0, &mut readings).await.unwrap();
            assert_eq!(readings.outcomes.len(), 82);
        }
        assert_eq!(ALLOCATIONS.get() - before, 0, "{framing:?}");
    }
}
