//! What the demo's broker passes on: everything the gateway's uplink relies on.
#![cfg(feature = "broker")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::net::SocketAddr;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{LastWill, Packet, Publish, PublishProperties};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use tokio::time::timeout;

/// A guard against hanging.
const PATIENCE: Duration = Duration::from_secs(20);

fn options(id: &str, broker: SocketAddr) -> MqttOptions {
    let mut options = MqttOptions::new(id, broker.ip().to_string(), broker.port());
    options.set_clean_start(true);
    options
}

async fn next(events: &mut EventLoop) -> Packet {
    loop {
        let event = timeout(PATIENCE, events.poll()).await.expect("nothing came").unwrap();
        if let Event::Incoming(packet) = event {
            return packet;
        }
    }
}

async fn connect(options: MqttOptions) -> (AsyncClient, EventLoop) {
    let (client, mut events) = AsyncClient::new(options, 10);
    assert!(matches!(next(&mut events).await, Packet::ConnAck(_)));
    (client, events)
}

async fn subscribe(client: &AsyncClient, events: &mut EventLoop, filter: &str) {
    client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
    while !matches!(next(events).await, Packet::SubAck(_)) {}
}

async fn next_publish(events: &mut EventLoop) -> Publish {
    loop {
        if let Packet::Publish(publish) = next(events).await {
            return publish;
        }
    }
}

async fn until_acknowledged(events: &mut EventLoop) {
    while !matches!(next(events).await, Packet::PubAck(_)) {}
}

async fn broker() -> SocketAddr {
    wellhead_plant::broker::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap()
}

#[tokio::test]
async fn request_properties_reach_the_subscriber() {
    let broker = broker().await;
    let (sub, mut sub_events) = connect(options("sub", broker)).await;
    subscribe(&sub, &mut sub_events, "a/cmd/#").await;
    let (publisher, mut pub_events) = connect(options("pub", broker)).await;
    let properties = PublishProperties {
        response_topic: Some("a/reply/1".to_owned()),
        correlation_data: Some(vec![1, 2, 3].into()),
        user_properties: vec![("who".to_owned(), "me".to_owned())],
        content_type: Some("application/json".to_owned()),
        ..PublishProperties::default()
    };
    publisher
        .publish_with_properties("a/cmd/x", QoS::AtLeastOnce, false, "go", properties)
        .await
        .unwrap();
    until_acknowledged(&mut pub_events).await;
    let got = next_publish(&mut sub_events).await;
    assert_eq!((&got.payload[..], got.qos), (&b"go"[..], QoS::AtLeastOnce));
    let got = got.properties.unwrap();
    assert_eq!(got.response_topic.as_deref(), Some("a/reply/1"));
    assert_eq!(got.correlation_data.as_deref(), Some(&[1, 2, 3][..]));
    assert_eq!(got.user_properties, [("who".to_owned(), "me".to_owned())]);
    assert_eq!(got.content_type.as_deref(), Some("application/json"));
}

#[tokio::test]
async fn retained_message_meets_a_late_subscriber() {
    let broker = broker().await;
    let (publisher, mut events) = connect(options("pub", broker)).await;
    publisher.publish("a/catalog", QoS::AtLeastOnce, true, "kept").await.unwrap();
    until_acknowledged(&mut events).await;
    let (sub, mut sub_events) = connect(options("sub", broker)).await;
    subscribe(&sub, &mut sub_events, "a/#").await;
    let got = next_publish(&mut sub_events).await;
    assert_eq!(&got.payload[..], b"kept");
    assert!(got.retain, "not marked as retained");
}

#[tokio::test]
async fn will_is_published_when_a_client_vanishes() {
    let broker = broker().await;
    let (sub, mut sub_events) = connect(options("sub", broker)).await;
    subscribe(&sub, &mut sub_events, "a/status").await;
    let mut dying = options("dying", broker);
    dying.set_last_will(LastWill::new("a/status", "gone", QoS::AtLeastOnce, true, None));
    let (_client, events) = connect(dying).await;
    drop(events);
    let got = next_publish(&mut sub_events).await;
    assert_eq!(&got.payload[..], b"gone");
}

#[tokio::test]
async fn retained_will_meets_a_late_subscriber_and_an_empty_message_removes_it() {
    let broker = broker().await;
    let (watcher, mut watcher_events) = connect(options("watcher", broker)).await;
    subscribe(&watcher, &mut watcher_events, "a/status").await;
    let mut dying = options("dying", broker);
    dying.set_last_will(LastWill::new("a/status", "gone", QoS::AtLeastOnce, true, None));
    let (_client, events) = connect(dying).await;
    drop(events);
    next_publish(&mut watcher_events).await;
    let (late, mut late_events) = connect(options("late", broker)).await;
    subscribe(&late, &mut late_events, "a/status").await;
    assert_eq!(&next_publish(&mut late_events).await.payload[..], b"gone");

    late.publish("a/status", QoS::AtLeastOnce, true, "").await.unwrap();
    until_acknowledged(&mut late_events).await;
    late.publish("a/marker", QoS::AtLeastOnce, true, "end").await.unwrap();
    until_acknowledged(&mut late_events).await;
    let (last, mut last_events) = connect(options("last", broker)).await;
    subscribe(&last, &mut last_events, "a/status").await;
    subscribe(&last, &mut last_events, "a/marker").await;
    assert_eq!(next_publish(&mut last_events).await.topic, "a/marker");
}

#[tokio::test]
async fn a_second_client_of_the_same_name_takes_over_and_is_heard() {
    let broker = broker().await;
    let (sub, mut sub_events) = connect(options("sub", broker)).await;
    subscribe(&sub, &mut sub_events, "a/#").await;
    let (_first, first_events) = connect(options("gateway", broker)).await;
    let (second, mut second_events) = connect(options("gateway", broker)).await;
    second.publish("a/data", QoS::AtLeastOnce, false, "second").await.unwrap();
    until_acknowledged(&mut second_events).await;
    assert_eq!(&next_publish(&mut sub_events).await.payload[..], b"second");
    drop(first_events);
}

#[tokio::test]
async fn ten_thousand_messages_arrive_in_order() {
    const COUNT: u32 = 10_000;
    let broker = broker().await;
    let (sub, mut sub_events) = connect(options("sub", broker)).await;
    subscribe(&sub, &mut sub_events, "a/data").await;
    let (publisher, mut events) = connect(options("pub", broker)).await;
    tokio::spawn(async move { while events.poll().await.is_ok() {} });
    tokio::spawn(async move {
        for n in 0..COUNT {
            let sent = publisher.publish("a/data", QoS::AtLeastOnce, false, n.to_string()).await;
            sent.unwrap();
        }
    });
    for n in 0..COUNT {
        assert_eq!(&next_publish(&mut sub_events).await.payload[..], n.to_string().as_bytes());
    }
}

#[tokio::test]
async fn taken_port_is_an_error() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = wellhead_plant::broker::start(holder.local_addr().unwrap()).await;
    let Err(error) = error else { panic!("started on a taken port") };
    assert!(error.to_string().contains("cannot listen"), "{error}");
}
