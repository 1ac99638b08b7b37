//! The floor: the least possible work that polls N devices once a second and publishes every reply
//! to MQTT at QoS 1. One connection per device, requests encoded once, packets patched in place, no
//! cache, no reconnect, no timestamps of its own: what a gateway costs above this is its own doing.
//!
//! `bench-floor MQTT_PORT REGISTERS DEVICE_PORT…`

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream as Blocking;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use wellhead_bench::clock::now;
use wellhead_bench::mqtt::{self, Publish};
use wellhead_bench::payload::FLOOR_PREFIX;

const PERIOD: Duration = Duration::from_secs(1);
/// Bytes of a reply before its registers.
const HEAD_LEN: usize = 9;
const REPLY_LEN_MAX: usize = HEAD_LEN + 2 * 125;

struct Device {
    stream: TcpStream,
    publish: Publish,
    reply: [u8; REPLY_LEN_MAX],
    held: usize,
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let mut number = || args.next().map(|a| a.parse::<u16>().with_context(|| a)).transpose();
    let mqtt_port = number()?.context("MQTT_PORT is missing")?;
    let registers = number()?.context("REGISTERS is missing")?;
    ensure!((6..=125).contains(&registers), "REGISTERS must be 6 to 125");
    let mut poll = Poll::new()?;
    let mut devices = Vec::new();
    while let Some(port) = number()? {
        devices.push(connect_device(&poll, devices.len(), port, registers)?);
    }
    ensure!(!devices.is_empty(), "DEVICE_PORT is missing");
    let broker_token = Token(devices.len());
    let mut broker = connect_broker(&poll, broker_token, mqtt_port)?;

    let request = read_request(registers);
    let reply_len = HEAD_LEN + 2 * usize::from(registers);
    let step = PERIOD / devices.len() as u32;
    let mut events = Events::with_capacity(64);
    let mut turn = 0_usize;
    let mut packet_id = 0_u16;
    let mut due = now();
    loop {
        let wait = due.saturating_duration_since(now());
        if wait.is_zero() {
            devices[turn].stream.write_all(&request)?;
            turn = (turn + 1) % devices.len();
            due += step;
            continue;
        }
        poll.poll(&mut events, Some(wait))?;
        for event in &events {
            if event.token() == broker_token {
                discard(&mut broker)?;
                continue;
            }
            let device = &mut devices[event.token().0];
            if !device.receive(reply_len)? {
                continue;
            }
            packet_id = packet_id.checked_add(1).unwrap_or(1);
            let registers = &device.reply[HEAD_LEN..reply_len];
            broker.write_all(device.publish.fill(packet_id, registers))?;
        }
    }
}

impl Device {
    /// Reads what is there; `true` when the reply is whole. A short read has emptied the socket.
    fn receive(&mut self, reply_len: usize) -> Result<bool> {
        match self.stream.read(&mut self.reply[self.held..]) {
            Ok(0) => bail!("a device closed its connection"),
            Ok(n) => self.held += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        if self.held < reply_len {
            return Ok(false);
        }
        ensure!(self.held == reply_len && self.reply[7] == 3, "not the reply to the request");
        self.held = 0;
        Ok(true)
    }
}

fn connect_device(poll: &Poll, index: usize, port: u16, registers: u16) -> Result<Device> {
    let stream = connect(port).with_context(|| format!("device {index} on port {port}"))?;
    let mut stream = TcpStream::from_std(stream);
    poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
    let publish = Publish::new(&format!("{FLOOR_PREFIX}d{index:03}"), 2 * usize::from(registers));
    Ok(Device { stream, publish, reply: [0; REPLY_LEN_MAX], held: 0 })
}

fn connect_broker(poll: &Poll, token: Token, port: u16) -> Result<TcpStream> {
    let mut stream = Blocking::connect(("127.0.0.1", port)).context("the broker")?;
    stream.write_all(&mqtt::connect("bench-floor", true))?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer)?;
    ensure!(answer[3] == 0, "the broker refuses: code {}", answer[3]);
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let mut stream = TcpStream::from_std(stream);
    poll.registry().register(&mut stream, token, Interest::READABLE)?;
    Ok(stream)
}

fn connect(port: u16) -> Result<Blocking> {
    let stream = Blocking::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Read holding registers from address 0, unit 1.
fn read_request(registers: u16) -> [u8; 12] {
    let [high, low] = registers.to_be_bytes();
    [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, high, low]
}

/// Acknowledgements are received, which is all the floor does with them.
fn discard(broker: &mut TcpStream) -> Result<()> {
    let mut acks = [0; 4096];
    match broker.read(&mut acks) {
        Ok(0) => bail!("the broker closed the connection"),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error.into()),
    }
}
