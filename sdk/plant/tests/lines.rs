//! RTU: on the pseudo-terminal, read by mbpoll (libmodbus), and in bare frames over TCP.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::net::SocketAddr;
use std::path::Path;

use common::{Wire, serve};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::Command;
use wellhead_plant::fault::{Fault, Line, Scope};
use wellhead_plant::modbus::exchange::Latency;
use wellhead_plant::modbus::frame::{Header, frame_rtu};
use wellhead_plant::serve::{Options, Server};

fn rtu(unit: u8, pdu: &[u8]) -> Vec<u8> {
    frame_rtu(Header { unit, transaction: 0 }, pdu)
}

async fn rtu_over_tcp() -> (Server, Wire) {
    let rtu_tcp = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let server =
        serve(Options { rtu_tcp, rtu_latency: Latency::default(), ..Options::tcp() }).await;
    let wire = Wire(TcpStream::connect(server.rtu_tcp().unwrap()).await.unwrap());
    (server, wire)
}

async fn on_terminal(dir: &Path) -> Server {
    serve(Options { rtu: Some(dir.join("bus")), ..Options::tcp() }).await
}

/// What mbpoll prints for one poll, or why it failed.
async fn mbpoll(server: &Server, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new("mbpoll");
    command.args(["-m", "rtu", "-b", "9600", "-P", "none", "-0", "-1", "-q", "-o", "5"]);
    let output = command.args(args).arg(server.rtu().unwrap()).output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// The values in mbpoll's answer, by address.
fn values(printed: &str) -> Vec<(u16, f64)> {
    let line = |line: &str| {
        let (address, value) = line.strip_prefix('[')?.split_once("]:")?;
        let value = value.split_whitespace().next()?.parse().ok()?;
        Some((address.parse().ok()?, value))
    };
    printed.lines().filter_map(line).collect()
}

#[tokio::test]
async fn rtu_over_tcp_answers_in_rtu_frames() {
    let (_server, mut wire) = rtu_over_tcp().await;
    wire.0.write_all(&rtu(1, &[3, 0, 0, 0, 2])).await.unwrap();
    let expected = rtu(1, &[3, 4, 0, 1, 1, 184]);
    assert_eq!(wire.hear(expected.len()).await, expected);
}

#[tokio::test]
async fn broadcast_is_obeyed_and_not_answered() {
    let (server, mut wire) = rtu_over_tcp().await;
    let runs = || server.room().plant.heat_pumps.iter().any(|machine| machine.run);
    assert!(runs());
    wire.0.write_all(&rtu(0, &[6, 0, 0, 0, 0])).await.unwrap();
    // The answer to a read behind it proves that the broadcast was heard and stayed unanswered.
    wire.0.write_all(&rtu(1, &[3, 0, 0, 0, 1])).await.unwrap();
    let expected = rtu(1, &[3, 2, 0, 0]);
    assert_eq!(wire.hear(expected.len()).await, expected);
    assert!(!runs());
}

#[tokio::test]
async fn absent_unit_is_silent_on_rtu_and_exception_11_on_tcp() {
    let (server, mut wire) = rtu_over_tcp().await;
    wire.0.write_all(&rtu(99, &[3, 0, 0, 0, 1])).await.unwrap();
    assert!(wire.hears_nothing().await);
    let mut tcp = Wire::tcp(&server).await;
    tcp.ask(7, 99, &[3, 0, 0, 0, 1]).await;
    assert_eq!(tcp.hear(9).await, [0, 7, 0, 0, 0, 3, 99, 0x83, 11]);
}

#[tokio::test]
async fn request_with_a_bad_check_is_not_answered_and_the_next_is() {
    let (_server, mut wire) = rtu_over_tcp().await;
    let mut bad = rtu(1, &[3, 0, 0, 0, 2]);
    bad[7] ^= 1;
    wire.0.write_all(&bad).await.unwrap();
    assert!(wire.hears_nothing().await);
    wire.0.write_all(&rtu(1, &[3, 0, 0, 0, 1])).await.unwrap();
    assert_eq!(wire.hear(7).await, rtu(1, &[3, 2, 0, 1]));
}

#[tokio::test]
async fn mbpoll_reads_the_plants_values_on_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_terminal(dir.path()).await;
    let truth = |point| server.room().reading(22, point).unwrap();
    let printed = mbpoll(&server, &["-a", "22", "-r", "2", "-c", "4", "-t", "3:float", "-B"]);
    let shown = values(&printed.await.unwrap());
    let points = ["flow", "supply_temperature", "return_temperature", "power"];
    assert_eq!(shown.len(), points.len());
    for ((address, shown), point) in shown.into_iter().zip(points) {
        // mbpoll prints six significant digits.
        assert!((shown / truth(point) - 1.0).abs() < 1e-5, "[{address}] {point}: {shown}");
    }
    let printed = mbpoll(&server, &["-a", "1", "-r", "7", "-c", "2", "-t", "3"]).await.unwrap();
    let load = |point| (server.room().reading(1, point).unwrap() * 10.0).round();
    let expected = [(7, load("load_entering_temperature")), (8, load("load_leaving_temperature"))];
    assert_eq!(values(&printed), expected);
}

#[tokio::test]
async fn mbpoll_writes_on_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_terminal(dir.path()).await;
    let mut command = Command::new("mbpoll");
    command.args(["-m", "rtu", "-b", "9600", "-P", "none", "-0", "-q", "-o", "5", "-a", "2"]);
    command
        .args(["-r", "1", "-t", "4"])
        .arg(server.rtu().unwrap())
        .arg("412")
        .stdout(std::process::Stdio::null());
    assert!(command.status().await.unwrap().success());
    assert!((server.room().plant.heat_pumps[1].setpoint_c - 41.2).abs() < 1e-9);
}

#[tokio::test]
async fn mbpoll_sees_a_bad_crc_on_the_terminal_only() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_terminal(dir.path()).await;
    server.inject(Scope::line(Line::Rtu), Fault::BadCrc, None).unwrap();
    let failed = mbpoll(&server, &["-a", "1", "-r", "0", "-c", "2", "-t", "4"]).await;
    assert!(failed.unwrap_err().contains("CRC"));
    let mut tcp = Wire::tcp(&server).await;
    tcp.ask(7, 1, &[3, 0, 0, 0, 1]).await;
    assert_eq!(tcp.hear(11).await[..4], [0, 7, 0, 0]);
}

#[tokio::test]
async fn link_goes_with_the_plant_and_a_real_file_is_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bus");
    std::os::unix::fs::symlink("/dev/pts/left-over", &path).unwrap();
    let server = on_terminal(dir.path()).await;
    assert!(std::fs::read_link(&path).unwrap().starts_with("/dev/pts"));
    assert!(path.exists());
    server.shutdown().await;
    assert!(!path.is_symlink());

    std::fs::write(&path, "precious").unwrap();
    let plant = wellhead_plant::plant::Plant::new(Default::default(), 1);
    let refused = Server::start(plant, Options { rtu: Some(path.clone()), ..Options::tcp() }).await;
    assert!(refused.is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}
