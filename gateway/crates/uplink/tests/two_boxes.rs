//! Two gateways with one id at a real mosquitto.

mod support;

use serde_json::Value as Json;
use std::time::Duration;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wellhead_store::MemoryCache;

#[tokio::test]
async fn two_boxes_with_one_id_are_told_on_both_and_do_not_fight_for_ever() {
    let broker = Broker::open();
    let sub = Subscriber::new(broker.port, &[]).await;
    let memory = || Box::new(MemoryCache::new(1 << 30));
    let boxes = [
        start(config(broker.port), memory(), "1-aa"),
        start(config(broker.port), memory(), "1-bb"),
    ];
    let events = |boot: &str| -> Vec<Json> {
        let of_boot = sub.on("event").into_iter().filter(|m| m.payload["boot"] == boot);
        of_boot.flat_map(|m| m.payload["events"].as_array().cloned().unwrap_or_default()).collect()
    };
    for (up, boot) in boxes.iter().zip(["1-aa", "1-bb"]) {
        let event = eventually("the event", async || {
            events(boot).into_iter().find(|e| e["kind"] == "client_id_contested")
        })
        .await;
        assert!(event["text"].as_str().unwrap().contains("wellhead-site-gw-main"), "{event}");
        assert!(event["text_zh"].as_str().unwrap().contains("wellhead-site-gw-main"), "{event}");
        let metrics = up.handle.metrics();
        assert!(
            metrics.trouble == Some(wellhead_uplink::LinkTrouble::IdContested)
                && metrics.closed_early >= 3,
            "{metrics:?}"
        );
    }
    eventually("health counts them", async || {
        let counts = |m: &Message| m.payload["uplink"]["closed_early"].as_u64() > Some(0);
        sub.on("health").iter().any(counts).then_some(())
    })
    .await;
    let told = |boot| events(boot).iter().filter(|e| e["kind"] == "client_id_contested").count();
    assert_eq!((told("1-aa"), told("1-bb")), (1, 1), "once each");
    for up in boxes {
        up.stop().await;
    }
}

/// Accepts each connection and soon says that another client took the session over.
async fn broker_of_another(listener: tokio::net::TcpListener) -> std::io::Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        tokio::spawn(take_over(socket));
    }
}

async fn take_over(mut socket: tokio::net::TcpStream) -> std::io::Result<()> {
    // CONNACK: success, no session, no properties (MQTT 5 section 3.2).
    socket.write_all(&[0x20, 3, 0, 0, 0]).await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    // DISCONNECT: session taken over, no properties but their length (section 3.14).
    socket.write_all(&[0xe0, 2, 0x8e, 0]).await?;
    let mut sink = [0; 4096];
    while socket.read(&mut sink).await? > 0 {}
    Ok(())
}

#[tokio::test]
async fn a_broker_that_says_who_took_the_session_is_believed_at_the_first_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let broker = tokio::spawn(broker_of_another(listener));
    let up = start(config(port), Box::new(MemoryCache::new(1 << 30)), "1-aa");
    let first = eventually("trouble", async || {
        let m = up.handle.metrics();
        m.trouble.map(|trouble| (trouble, m.closed_early))
    })
    .await;
    assert_eq!(first, (wellhead_uplink::LinkTrouble::IdContested, 1));
    broker.abort();
    up.stop().await;
}
