//! What a line promises between two exchanges.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use wellhead_driver::{
    DeviceError, Exchange, Line, LineConfig, Parity, SerialConfig, SerialMode, Step, TcpConfig,
};

const TIMEOUT: Duration = Duration::from_millis(200);
const LATE: Duration = Duration::from_millis(900);
const PAUSE: Duration = Duration::from_millis(30);
/// Far longer than anything takes; only keeps a failing test from hanging.
const GUARD: Duration = Duration::from_secs(60);
const UNFIT: DeviceError = DeviceError::BadReply("nothing received was the whole reply");

const FAST: SerialMode =
    SerialMode { baud: 115_200, data_bits: 8, parity: Parity::None, stop_bits: 1 };

fn exchange(station: u64) -> Exchange {
    Exchange {
        station,
        response_timeout: TIMEOUT,
        pause: Duration::ZERO,
        late_window: LATE,
        mode: None,
    }
}

/// A protocol for the tests: frames of a station and a value; `!` is no station.
async fn ask(line: &mut Line, x: &Exchange) -> Result<u8, DeviceError> {
    let station = x.station as u8;
    let framing = |bytes: &[u8]| match bytes {
        [b'!', ..] => Step::Broken("not a frame"),
        [_] | [] => Step::Need,
        [s, _, ..] if *s == station => Step::Reply(2),
        _ => Step::Skip(2),
    };
    line.exchange(x, &[station, b'?'], framing).await.map(|reply| reply[1])
}

fn memory() -> (Line, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(4096);
    (Line::over(ours), theirs)
}

async fn heard(peer: &mut (impl AsyncReadExt + Unpin)) -> [u8; 2] {
    let mut request = [0; 2];
    peer.read_exact(&mut request).await.unwrap();
    request
}

#[tokio::test(start_paused = true)]
async fn what_waited_in_the_input_belongs_to_nobody() {
    let (mut line, mut peer) = memory();
    peer.write_all(&[1, 13, 1]).await.unwrap();
    let x = exchange(1);
    let device = async {
        heard(&mut peer).await;
        peer.write_all(&[1, 42, 1, 99]).await.unwrap();
        heard(&mut peer).await;
        peer.write_all(&[1, 43]).await.unwrap();
    };
    let asks = async { (ask(&mut line, &x).await, ask(&mut line, &x).await) };
    assert_eq!(tokio::join!(asks, device).0, (Ok(42), Ok(43)));
}

#[tokio::test(start_paused = true)]
async fn a_silent_station_is_left_alone_for_its_late_window_and_its_neighbour_is_not() {
    let (mut line, mut peer) = memory();
    let start = Instant::now();
    let device = async {
        let mut times = Vec::new();
        for answer in [false, true, true] {
            let [station, _] = heard(&mut peer).await;
            times.push((station, start.elapsed()));
            if answer {
                peer.write_all(&[station, 42]).await.unwrap();
            }
        }
        times
    };
    let asks = async {
        assert_eq!(ask(&mut line, &exchange(1)).await, Err(DeviceError::NoReply(TIMEOUT)));
        assert_eq!(ask(&mut line, &exchange(2)).await, Ok(42));
        assert_eq!(ask(&mut line, &exchange(1)).await, Ok(42));
    };
    let times = tokio::join!(asks, device).1;
    assert_eq!(times.iter().map(|t| t.0).collect::<Vec<_>>(), [1, 2, 1]);
    assert!(times[1].1 < TIMEOUT + LATE, "{times:?}");
    assert!(times[2].1 >= TIMEOUT + LATE, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_exchange_leaves_its_reply_to_nobody() {
    for next in [1, 2] {
        let (mut line, mut peer) = memory();
        let start = Instant::now();
        let dropped = timeout(TIMEOUT / 4, ask(&mut line, &exchange(1))).await;
        assert!(dropped.is_err());
        let device = async {
            heard(&mut peer).await;
            sleep(TIMEOUT / 4).await;
            peer.write_all(&[1, 13]).await.unwrap();
            heard(&mut peer).await;
            peer.write_all(&[next, 42]).await.unwrap();
            start.elapsed()
        };
        let x = exchange(u64::from(next));
        let (read, asked) = tokio::join!(ask(&mut line, &x), device);
        assert_eq!(read, Ok(42), "station {next}");
        // Nobody talks over the answer; the station itself waits for its late window too.
        let wait = if next == 1 { TIMEOUT + LATE } else { TIMEOUT };
        assert!(asked >= wait, "station {next}: {asked:?}");
        assert!(next == 1 || asked < TIMEOUT + LATE, "station {next}: {asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_pause_is_kept_after_a_reply() {
    let (mut line, mut peer) = memory();
    let x = Exchange { pause: PAUSE, ..exchange(1) };
    let device = async {
        let mut times = Vec::new();
        for _ in 0..3 {
            heard(&mut peer).await;
            times.push(Instant::now());
            sleep(TIMEOUT / 2).await;
            peer.write_all(&[1, 42]).await.unwrap();
        }
        times
    };
    let asks = async {
        for _ in 0..3 {
            assert_eq!(ask(&mut line, &x).await, Ok(42));
        }
    };
    let times = tokio::join!(asks, device).1;
    for pair in times.windows(2) {
        assert!(pair[1] - pair[0] >= TIMEOUT / 2 + PAUSE, "{:?}", pair[1] - pair[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_broadcast_the_line_keeps_silent() {
    let (mut line, mut peer) = memory();
    let start = Instant::now();
    line.send_only(&exchange(0), &[0, b'!'], 3 * PAUSE).await.unwrap();
    let device = async {
        heard(&mut peer).await;
        heard(&mut peer).await;
        peer.write_all(&[1, 42]).await.unwrap();
        start.elapsed()
    };
    let x = exchange(1);
    let (read, asked) = tokio::join!(ask(&mut line, &x), device);
    assert_eq!(read, Ok(42));
    assert!(asked >= 3 * PAUSE, "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn an_endless_reply_is_cut_off() {
    let (mut line, mut peer) = memory();
    let x = exchange(1);
    let flood = async {
        // Ends with an error once the line is dropped.
        while peer.write_all(&[7; 512]).await.is_ok() {}
    };
    let framing = |_: &[u8]| Step::Need;
    tokio::select! {
        read = async { line.exchange(&x, &[1], framing).await.map(<[u8]>::to_vec) } =>
            assert_eq!(read, Err(DeviceError::BadReply("endless reply"))),
        () = flood => panic!("the line was dropped"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_ends_in_an_exchange_is_unreachable_and_not_silent() {
    let (mut line, mut peer) = memory();
    let x = exchange(1);
    let (read, ()) = tokio::join!(ask(&mut line, &x), async {
        heard(&mut peer).await;
        drop(peer);
    });
    let error = "closed by the device".into();
    assert_eq!(read, Err(DeviceError::Unreachable { target: "memory".into(), error }));
}

async fn listen() -> (TcpListener, Line) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, tcp(port))
}

fn tcp(port: u16) -> Line {
    Line::new(LineConfig::Tcp(TcpConfig {
        host: "127.0.0.1".into(),
        port,
        connect_timeout: GUARD,
        close_when_idle: false,
    }))
}

async fn accept(listener: &TcpListener) -> TcpStream {
    timeout(GUARD, listener.accept()).await.unwrap().unwrap().0
}

/// Runs exchanges that fail by `reply`, then one that must come over a session of its own or the
/// same, and be answered there.
async fn session_after(replies: &[&[u8]], expected: &DeviceError, new_session: bool) {
    let (listener, mut line) = listen().await;
    let response_timeout = match expected {
        DeviceError::NoReply(after) => *after,
        // Time enough for the peer to say what it has to say.
        _ => Duration::from_secs(1),
    };
    let silent = Exchange { response_timeout, late_window: Duration::ZERO, ..exchange(1) };
    let patient = Exchange { response_timeout: GUARD, ..silent.clone() };
    let device = async {
        let mut peer = accept(&listener).await;
        for reply in replies {
            heard(&mut peer).await;
            peer.write_all(reply).await.unwrap();
        }
        if new_session {
            let end = peer.read(&mut [0; 8]).await;
            assert!(matches!(end, Ok(0) | Err(_)), "the first session ends: {end:?}");
            peer = accept(&listener).await;
        }
        assert_eq!(heard(&mut peer).await, [1, b'?']);
        peer.write_all(&[1, 42]).await.unwrap();
        peer
    };
    let asks = async {
        for _ in replies {
            assert_eq!(ask(&mut line, &silent).await.as_ref(), Err(expected));
        }
        ask(&mut line, &patient).await
    };
    assert_eq!(tokio::join!(asks, device).0, Ok(42));
}

#[tokio::test]
async fn one_silent_exchange_keeps_the_session() {
    session_after(&[b""], &DeviceError::NoReply(Duration::from_millis(50)), false).await;
}

#[tokio::test]
async fn two_silent_exchanges_in_a_row_open_a_new_session() {
    session_after(&[b"", b""], &DeviceError::NoReply(Duration::from_millis(50)), true).await;
}

#[tokio::test]
async fn half_a_frame_opens_a_new_session() {
    session_after(&[&[1]], &UNFIT, true).await;
}

#[tokio::test]
async fn lost_framing_opens_a_new_session() {
    session_after(&[b"!!"], &DeviceError::BadReply("not a frame"), true).await;
}

#[tokio::test]
async fn a_dropped_exchange_opens_a_new_session() {
    let (listener, mut line) = listen().await;
    let x = Exchange { response_timeout: GUARD, late_window: Duration::ZERO, ..exchange(1) };
    let first = tokio::select! {
        read = ask(&mut line, &x) => panic!("{read:?}"),
        peer = async {
            let mut peer = accept(&listener).await;
            heard(&mut peer).await;
            peer
        } => peer,
    };
    // Another station: for its own late reply the first would be waited for.
    let x = Exchange { station: 2, ..x };
    let (read, _second) = tokio::join!(ask(&mut line, &x), async {
        let mut peer = accept(&listener).await;
        heard(&mut peer).await;
        peer.write_all(&[2, 42]).await.unwrap();
        peer
    });
    assert_eq!(read, Ok(42));
    drop(first);
}

#[tokio::test]
async fn a_host_that_was_away_is_found_again() {
    // Bound but not listening: connections are refused, and nobody else takes the port.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let mut line = tcp(address.port());
    let x = Exchange { response_timeout: GUARD, ..exchange(1) };
    let target = address.to_string();
    let error = ask(&mut line, &x).await.unwrap_err();
    assert!(matches!(&error, DeviceError::Unreachable { target: t, .. } if *t == target));
    let listener = socket.listen(8).unwrap();
    let device = async {
        let mut peer = accept(&listener).await;
        heard(&mut peer).await;
        peer.write_all(&[1, 42]).await.unwrap();
        peer
    };
    let asks = async {
        while let Err(e) = ask(&mut line, &x).await {
            assert!(matches!(e, DeviceError::Unreachable { .. }), "{e}");
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(GUARD, async { tokio::join!(asks, device) }).await.unwrap();
}

#[tokio::test]
async fn a_serial_port_forgets_what_came_before_the_request() {
    use std::os::fd::AsRawFd;
    let (mut device, mut end) = serial2::SerialPort::pair().unwrap();
    // The pair's second half keeps the terminal alive; the line opens it by its name.
    let path = std::fs::read_link(format!("/proc/self/fd/{}", end.as_raw_fd())).unwrap();
    device.set_read_timeout(GUARD).unwrap();
    let (next, polled) = std::sync::mpsc::channel();
    let device = std::thread::spawn(move || {
        for value in [42, 43] {
            let mut request = [0; 2];
            device.read_exact(&mut request).unwrap();
            assert_eq!(request, [1, b'?']);
            device.write_all(&[1, value]).unwrap();
            if polled.recv().is_ok() {
                // A late reply, twice.
                device.write_all(&[1, 98, 1, 99]).unwrap();
            }
        }
        device
    });
    let mut line = Line::new(LineConfig::Serial(SerialConfig { path, mode: FAST, rs485: false }));
    let x = Exchange { response_timeout: GUARD, ..exchange(1) };
    assert_eq!(ask(&mut line, &x).await, Ok(42));
    next.send(()).unwrap();
    drop(next);
    // The first of the two is taken here, so the second is known to wait in the port.
    let mut late = [0; 2];
    end.set_read_timeout(GUARD).unwrap();
    end.read_exact(&mut late).unwrap();
    assert_eq!(late, [1, 98]);
    assert_eq!(ask(&mut line, &x).await, Ok(43));
    device.join().unwrap();
}

#[test]
fn a_character_takes_its_bits_on_the_wire() {
    let mode = SerialMode { baud: 9600, data_bits: 8, parity: Parity::Even, stop_bits: 1 };
    assert_eq!(mode.character().as_micros(), 1145);
}

#[tokio::test]
async fn each_exchange_goes_out_at_the_speed_of_its_device() {
    use std::os::fd::AsRawFd;
    let (mut device, end) = serial2::SerialPort::pair().unwrap();
    let path = std::fs::read_link(format!("/proc/self/fd/{}", end.as_raw_fd())).unwrap();
    device.set_read_timeout(GUARD).unwrap();
    let device = std::thread::spawn(move || {
        let mut seen = Vec::new();
        let mut request = [0; 2];
        while device.read_exact(&mut request).is_ok() && request[0] != 9 {
            // Both ends of a terminal share one set of attributes; these are the line's.
            let set = end.get_configuration().unwrap();
            let baud = set.get_baud_rate().unwrap();
            seen.push((request[0], baud, set.get_stop_bits().unwrap()));
            device.write_all(&[request[0], 42]).unwrap();
        }
        device.write_all(&[9, 42]).unwrap();
        (seen, device, end)
    });
    let mut line = Line::new(LineConfig::Serial(SerialConfig { path, mode: FAST, rs485: false }));
    let own = |station, baud, stop_bits| Exchange {
        mode: Some(SerialMode { baud, stop_bits, ..FAST }),
        response_timeout: GUARD,
        ..exchange(station)
    };
    let usual = |station| Exchange { response_timeout: GUARD, ..exchange(station) };
    let slow = own(2, 2400, 2);
    for x in [&usual(1), &slow, &slow, &usual(1), &own(3, 300, 1)] {
        assert_eq!(ask(&mut line, x).await, Ok(42));
    }
    // A terminal has no wire for parity and refuses it: nothing may go out at the wrong one.
    let even = SerialMode { parity: Parity::Even, ..FAST };
    let refused = ask(&mut line, &Exchange { mode: Some(even), ..usual(4) }).await;
    assert!(matches!(refused, Err(DeviceError::Unreachable { .. })), "{refused:?}");
    assert_eq!(ask(&mut line, &usual(9)).await, Ok(42));
    let (seen, ..) = device.join().unwrap();
    use serial2::StopBits::{One, Two};
    let (fast, slow) = ((1, 115_200, One), (2, 2400, Two));
    assert_eq!(seen, [fast, slow, slow, fast, (3, 300, One)]);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_on_no_line_is_an_error() {
    let mut line = Line::none();
    let error = ask(&mut line, &exchange(1)).await.unwrap_err();
    assert!(matches!(&error, DeviceError::Unreachable { target, .. } if target == "no line"));
    assert!(line.is_none() && !line.close_when_idle());
    assert_eq!(line.mode(Some(FAST)), None, "and nothing on it is serial");
}
