//! The search of a CJ/T 188 line, which the standard has for a single meter only, over an in-memory
//! line under paused time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wellhead_driver::{DeviceError, Line};
use wellhead_sensors::Timing;
use wellhead_sensors::cjt188::{Address, IdentifierOrder, find_address};

const NEAR: [u8; 7] = [0x44, 0x33, 0x22, 0x11, 0x00, 0x33, 0x78];
const FAR: [u8; 7] = [0x3B, 0x33, 0x22, 0x11, 0x00, 0x33, 0x78];

/// What the meter of an address answers to a request for it (control 83).
fn told(address: [u8; 7]) -> Vec<u8> {
    let mut frame = vec![0x68, 0x20];
    frame.extend(address);
    frame.extend([0x83, 0x03, 0x0A, 0x81, 0x00]);
    frame.push(frame.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)));
    frame.push(0x16);
    frame
}

/// Asks a line on which these bytes come, so long after the request.
async fn asked(answers: Vec<(Duration, Vec<u8>)>) -> Result<(Address, u8), DeviceError> {
    let (near, mut far) = tokio::io::duplex(4096);
    tokio::spawn(async move {
        let mut request = [0; 64];
        let _length = far.read(&mut request).await.unwrap();
        for (after, bytes) in answers {
            tokio::time::sleep(after).await;
            far.write_all(&bytes).await.unwrap();
        }
        // The line stays open.
        std::future::pending::<()>().await;
    });
    let timing = Timing {
        response_timeout: Duration::from_millis(500),
        pause: Duration::ZERO,
        late_window: Duration::ZERO,
        mode: None,
    };
    find_address(&mut Line::over(near), IdentifierOrder::LowFirst, timing).await
}

fn after(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test(start_paused = true)]
async fn the_only_meter_is_found_behind_noise_and_leading_bytes() {
    let mut bytes = vec![0x00, 0xFE, 0xFE, 0xFE];
    bytes.extend(told(NEAR));
    let (address, kind) = asked(vec![(after(50), bytes)]).await.unwrap();
    assert_eq!((address.to_string(), kind), ("78330011223344".into(), 0x20));
}

#[tokio::test(start_paused = true)]
async fn two_meters_that_answer_one_after_the_other_are_never_taken_for_one() {
    let answers = vec![(after(50), told(NEAR)), (after(200), told(FAR))];
    let several = DeviceError::BadReply("several meters answer at once");
    assert_eq!(asked(answers).await, Err(several.clone()));
    // The second is cut off by the end of the time, or by the first.
    let half = told(FAR)[..6].to_vec();
    assert_eq!(asked(vec![(after(50), told(NEAR)), (after(200), half)]).await, Err(several));
}

#[tokio::test(start_paused = true)]
async fn two_meters_that_drown_each_other_are_no_meter() {
    let mixed = told(NEAR).iter().zip(told(FAR)).map(|(a, b)| a & b).collect();
    let refused = asked(vec![(after(50), mixed)]).await;
    assert_eq!(refused, Err(DeviceError::BadReply("wrong checksum")));
    let silent = asked(Vec::new()).await;
    assert!(matches!(silent, Err(DeviceError::NoReply(_))), "{silent:?}");
}
