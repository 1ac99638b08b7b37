//! Each fault, by what really goes over the wire.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{PATIENCE, Wire, serve};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use wellhead_plant::fault::{Fault, FaultError, Line, Scope};
use wellhead_plant::serve::{Options, Server};

/// Reads holding registers 0 and 1 of a heat pump: run, and setpoint 44.0 °C.
const READ: &[u8] = &[3, 0, 0, 0, 2];
const WHOLE: &[u8] = &[0, 7, 0, 0, 0, 7, 1, 3, 4, 0, 1, 1, 184];

async fn with_fault(fault: Fault) -> (Server, Wire) {
    let server = serve(Options::tcp()).await;
    server.inject(Scope::unit(1), fault, None).unwrap();
    let wire = Wire::tcp(&server).await;
    (server, wire)
}

/// What comes back for one request under a fault; and all is well once it is cleared.
async fn heard_under(fault: Fault, length: usize) -> Vec<u8> {
    let (server, mut wire) = with_fault(fault).await;
    wire.ask(7, 1, READ).await;
    let heard = wire.hear(length).await;
    server.clear(None);
    wire.ask(7, 1, READ).await;
    assert_eq!(wire.hear(WHOLE.len()).await, WHOLE, "not well after clearing");
    heard
}

#[tokio::test]
async fn without_a_fault_the_answer_is_whole() {
    let server = serve(Options::tcp()).await;
    let mut wire = Wire::tcp(&server).await;
    wire.ask(7, 1, READ).await;
    assert_eq!(wire.hear(WHOLE.len()).await, WHOLE);
}

#[tokio::test]
async fn silent_unit_is_silent_and_its_neighbour_is_not() {
    let (_server, mut wire) = with_fault(Fault::Silent).await;
    wire.ask(7, 1, READ).await;
    assert!(wire.hears_nothing().await);
    wire.ask(8, 2, READ).await;
    assert_eq!(wire.hear(WHOLE.len()).await[..2], [0, 8]);
}

#[tokio::test]
async fn delayed_answer_comes_whole() {
    // By how much it is delayed is tested where no clock runs, in the exchange.
    let (_server, mut wire) = with_fault(Fault::Delay { ms: 50 }).await;
    wire.ask(7, 1, READ).await;
    assert_eq!(wire.hear(WHOLE.len()).await, WHOLE);
}

#[tokio::test]
async fn late_answer_comes_when_the_next_request_is_asked() {
    let (server, mut wire) = with_fault(Fault::Late).await;
    wire.ask(7, 1, READ).await;
    assert!(wire.hears_nothing().await);
    wire.ask(8, 1, &[3, 0, 2, 0, 1]).await;
    assert_eq!(wire.hear(WHOLE.len()).await, WHOLE, "the first answer, under its own transaction");
    wire.ask(9, 1, READ).await;
    assert_eq!(wire.hear(11).await, [0, 8, 0, 0, 0, 5, 1, 3, 2, 0, 100]);
    assert_eq!(server.room().unit(1).unwrap().answered, 0, "a late answer is none");
}

#[tokio::test]
async fn previous_answers_data_comes_under_the_present_header() {
    let (_server, mut wire) = with_fault(Fault::Previous).await;
    wire.ask(7, 1, READ).await;
    wire.hear(WHOLE.len()).await;
    wire.ask(8, 1, &[3, 0, 2, 0, 2]).await;
    assert_eq!(wire.hear(13).await, [0, 8, 0, 0, 0, 7, 1, 3, 4, 0, 1, 1, 184]);
}

#[tokio::test]
async fn garbage_is_no_modbus() {
    let heard = heard_under(Fault::Garbage, 12).await;
    assert_ne!(heard[..4], [0, 7, 0, 0]);
}

#[tokio::test]
async fn bad_check_on_tcp_is_a_wrong_protocol() {
    let heard = heard_under(Fault::BadCrc, WHOLE.len()).await;
    assert_eq!(heard[2..4], [0, 0x5A]);
}

#[tokio::test]
async fn short_frame_lacks_its_end() {
    assert_eq!(heard_under(Fault::Short, WHOLE.len() - 3).await, WHOLE[..WHOLE.len() - 3]);
}

#[tokio::test]
async fn foreign_unit_and_transaction_stand_in_the_header() {
    let heard = heard_under(Fault::ForeignUnit, WHOLE.len()).await;
    assert_eq!((&heard[..6], heard[6]), (&WHOLE[..6], 0x41));
    let heard = heard_under(Fault::ForeignTransaction, WHOLE.len()).await;
    assert_eq!((&heard[..2], &heard[2..]), (&[0, 6][..], &WHOLE[2..]));
}

#[tokio::test]
async fn duplicate_answer_comes_twice_and_counts_once() {
    let (server, mut wire) = with_fault(Fault::Duplicate).await;
    wire.ask(7, 1, &[4, 0, 0, 0, 2]).await;
    let heard = wire.hear(26).await;
    assert_eq!(heard[..13], heard[13..]);
    assert_eq!(server.room().unit(1).unwrap().polls(), 1);
}

#[tokio::test]
async fn exception_and_illegal_addresses_are_answers() {
    assert_eq!(heard_under(Fault::Exception { code: 6 }, 9).await, [0, 7, 0, 0, 0, 3, 1, 0x83, 6]);
    let fault = Fault::IllegalAddress { from: 1, to: 1 };
    assert_eq!(heard_under(fault, 9).await, [0, 7, 0, 0, 0, 3, 1, 0x83, 2]);
    let (_server, mut wire) = with_fault(Fault::IllegalAddress { from: 2, to: 9 }).await;
    wire.ask(7, 1, READ).await;
    assert_eq!(wire.hear(WHOLE.len()).await, WHOLE, "addresses outside the range are well");
}

#[tokio::test]
async fn spoilt_answers_are_not_counted() {
    for fault in [Fault::Garbage, Fault::Short, Fault::ForeignUnit, Fault::Silent, Fault::Previous]
    {
        let (server, mut wire) = with_fault(fault.clone()).await;
        wire.ask(7, 1, &[4, 0, 0, 0, 2]).await;
        wire.hears_nothing().await;
        let room = server.room();
        assert_eq!(room.unit(1).unwrap().polls(), 0, "{fault:?}");
        assert!(room.unit(1).unwrap().ledger().is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn cut_ends_connections_and_new_ones_are_welcome() {
    let server = serve(Options::tcp()).await;
    let mut wire = Wire::tcp(&server).await;
    wire.ask(7, 1, READ).await;
    wire.hear(WHOLE.len()).await;
    server.inject(Scope::line(Line::Tcp), Fault::Cut, None).unwrap();
    let end = timeout(PATIENCE, wire.0.read(&mut [0; 8])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    let mut again = Wire::tcp(&server).await;
    again.ask(7, 1, READ).await;
    assert_eq!(again.hear(WHOLE.len()).await, WHOLE);
}

#[tokio::test]
async fn refused_port_is_closed_until_the_fault_is_cleared() {
    let server = serve(Options::tcp()).await;
    let address = server.modbus_tcp().unwrap();
    let until = async |open: bool| {
        while TcpStream::connect(address).await.is_ok() != open {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    server.inject(Scope::default(), Fault::Refuse, None).unwrap();
    timeout(PATIENCE, until(false)).await.expect("never refused");
    server.clear(None);
    timeout(PATIENCE, until(true)).await.expect("never opened again");
    let mut wire = Wire::tcp(&server).await;
    wire.ask(7, 1, READ).await;
    assert_eq!(wire.hear(WHOLE.len()).await, WHOLE);
}

#[tokio::test]
async fn sensor_faults_show_in_the_register() {
    const POINT: &str = "load_leaving_temperature";
    let server = serve(Options::tcp()).await;
    let point = || POINT.to_owned();
    let shown = || server.room().reading(1, POINT).unwrap();
    let truth = |server: &Server| server.room().plant.heat_pumps[0].load_leaving_c;

    server.inject(Scope::unit(1), Fault::Stuck { point: point() }, None).unwrap();
    let before = shown();
    (0..600).for_each(|_| server.room().plant.step(1.0));
    assert_eq!(shown(), before);
    assert!((truth(&server) - before).abs() > 0.2, "the truth stood still too");
    server.clear(None);

    server.inject(Scope::unit(1), Fault::Drift { point: point(), per_day: 240.0 }, None).unwrap();
    assert!((shown() - truth(&server)).abs() < 0.2);
    (0..360).for_each(|_| server.room().plant.step(1.0));
    assert!((shown() - truth(&server) - 1.0).abs() < 0.2, "{} {}", shown(), truth(&server));
    server.clear(None);

    server.inject(Scope::unit(1), Fault::Scale { point: point(), factor: 10.0 }, None).unwrap();
    assert!((shown() / truth(&server) - 10.0).abs() < 0.1);
    server.clear(None);

    server.inject(Scope::unit(1), Fault::Sentinel { point: point() }, None).unwrap();
    let mut wire = Wire::tcp(&server).await;
    wire.ask(7, 1, &[4, 0, 8, 0, 1]).await;
    assert_eq!(wire.hear(11).await[9..], [0x80, 0]);
}

#[tokio::test]
async fn senseless_faults_are_refused_with_a_reason() {
    let server = serve(Options::tcp()).await;
    let stuck = |point: &str| Fault::Stuck { point: point.to_owned() };
    let inject = |scope, fault| server.inject(scope, fault, None).unwrap_err();
    assert_eq!(inject(Scope::default(), stuck("cop")), FaultError::NeedsUnit);
    assert!(matches!(inject(Scope::unit(9), Fault::Silent), FaultError::NoSuchUnit(9, _)));
    assert!(matches!(inject(Scope::unit(1), stuck("nothing")), FaultError::NoSuchPoint { .. }));
    let sentinel = Fault::Sentinel { point: "cop".to_owned() };
    assert!(matches!(inject(Scope::unit(1), sentinel), FaultError::NoSentinel(_)));
    assert_eq!(inject(Scope::unit(1), Fault::Cut), FaultError::NeedsConnections("cut"));
    assert_eq!(
        inject(Scope::line(Line::Rtu), Fault::ForeignTransaction),
        FaultError::NoTransactions
    );
}
