//! One port or socket, and everything that must hold between two exchanges on it.
//!
//! What can go wrong on a line is nearly always left over from an earlier exchange: a reply that
//! comes after its time, half a frame, a session that the device closed meanwhile. So the rules
//! live here, once, and no driver can forget them:
//!
//! - Whatever waits in the input before a request is sent belongs to nobody and is thrown away.
//! - A station that did not answer is not asked again before its late reply can no longer be
//!   taken for the next one; its neighbours go on meanwhile.
//! - Two unanswered exchanges in a row, half a frame, an end of stream or lost framing close a
//!   socket; the next exchange opens a new one.
//! - Devices of different speeds share a serial line: the port is switched before the request is
//!   sent, and a request never goes out at another device's speed.
//! - An exchange whose future was dropped half way leaves the line marked: a socket is closed, and
//!   a serial line is left alone until the reply could have come.

use crate::DeviceError;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

/// A reply longer than this is no reply of any protocol spoken here.
const REPLY_LEN_MAX: usize = 4096;
/// First wait after a port or socket could not be opened; doubles up to the second figure.
const OPEN_RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Where a line leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineConfig {
    /// A TCP connection.
    Tcp(TcpConfig),
    /// A serial port.
    Serial(SerialConfig),
}

/// A TCP connection that the gateway opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpConfig {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Longest wait for the connection.
    pub connect_timeout: Duration,
    /// Close the session when nothing is due, so that other masters get their turn.
    pub close_when_idle: bool,
}

/// A serial port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialConfig {
    /// The device file; best a stable name under `/dev/serial/by-id`.
    pub path: PathBuf,
    /// How characters travel, for exchanges that don't say it themselves.
    pub mode: SerialMode,
    /// Let the kernel switch the RS-485 transceiver's direction.
    pub rs485: bool,
}

/// How characters travel on a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SerialMode {
    /// Bits per second.
    pub baud: u32,
    /// 7 or 8.
    pub data_bits: u8,
    /// Parity bit.
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
}

/// Parity of a serial port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Parity {
    None,
    Even,
    Odd,
}

impl SerialMode {
    /// How long one character takes on the wire.
    pub fn character(&self) -> Duration {
        let parity = u32::from(self.parity != Parity::None);
        let bits = 1 + u32::from(self.data_bits) + parity + u32::from(self.stop_bits);
        Duration::from_secs_f64(f64::from(bits) / f64::from(self.baud.max(1)))
    }
}

/// Settings of one exchange. They travel with it, so that devices with different manners can
/// share a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The address on the line, whatever the protocol calls it.
    pub station: u64,
    /// Longest wait for the whole reply.
    pub response_timeout: Duration,
    /// Silence on the line before the request is sent.
    pub pause: Duration,
    /// After a reply failed to come, how long it might still.
    pub late_window: Duration,
    /// On a serial line: the device's own speed and parity, if they are not the line's.
    pub mode: Option<SerialMode>,
}

/// What a protocol makes of the bytes received so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Too few bytes to say.
    Need,
    /// The first bytes are not for us (noise, a late or foreign reply): pass over this many.
    Skip(usize),
    /// The first bytes are the reply.
    Reply(usize),
    /// Framing is lost, or the reply contradicts the request.
    Broken(&'static str),
}

#[derive(Debug)]
enum Link {
    Tcp(TcpStream),
    Serial(
        serial2_tokio::SerialPort,
        SerialMode,
        #[expect(dead_code, reason = "while it is open, other programs are kept off the port")]
        OwnedFd,
    ),
    /// In-memory peer, for tests under paused time.
    Memory(DuplexStream),
}

impl Link {
    async fn read(&mut self, buf: &mut Vec<u8>) -> std::io::Result<usize> {
        buf.reserve(256);
        match self {
            Link::Tcp(s) => s.read_buf(buf).await,
            Link::Serial(s, ..) => s.read_buf(buf).await,
            Link::Memory(s) => s.read_buf(buf).await,
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Link::Tcp(s) => s.write_all(bytes).await,
            Link::Serial(s, ..) => s.write_all(bytes).await,
            Link::Memory(s) => s.write_all(bytes).await,
        }
    }

    /// Brings a serial port to this speed and parity.
    fn switch(&mut self, mode: SerialMode) -> std::io::Result<()> {
        let Link::Serial(port, current, _) = self else { return Ok(()) };
        if *current == mode {
            return Ok(());
        }
        let mut set = port.get_configuration()?;
        put_mode(&mut set, mode)?;
        port.set_configuration(&set)?;
        *current = mode;
        Ok(())
    }

    /// Throws away what waits in the input. `Err` if the peer closed.
    async fn discard_input(&mut self) -> std::io::Result<usize> {
        match self {
            Link::Tcp(s) => drain(s),
            Link::Serial(s, ..) => s.discard_input_buffer().map(|()| 0),
            Link::Memory(s) => {
                let (mut thrown, mut scratch) = (0, [0u8; 64]);
                loop {
                    match timeout(Duration::ZERO, s.read(&mut scratch)).await {
                        Ok(Ok(0)) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                        Ok(Ok(n)) => thrown += n,
                        Ok(Err(e)) => return Err(e),
                        Err(_) => return Ok(thrown),
                    }
                }
            }
        }
    }
}

/// Apart, so that every poll's future is small: it is put into memory of its own each time.
fn drain(stream: &TcpStream) -> std::io::Result<usize> {
    let (mut thrown, mut scratch) = (0, [0u8; 512]);
    loop {
        match stream.try_read(&mut scratch) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => thrown += n,
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return Ok(thrown),
            Err(e) => return Err(e),
        }
    }
}

/// What a dropped exchange leaves to wait for.
#[derive(Debug, Clone, Copy)]
struct Running {
    station: u64,
    deadline: Instant,
    late_until: Instant,
}

impl Running {
    fn begin(x: &Exchange) -> Self {
        let deadline = Instant::now() + x.response_timeout;
        Self { station: x.station, deadline, late_until: deadline + x.late_window }
    }
}

/// A port or socket with its state between exchanges.
#[derive(Debug)]
pub struct Line {
    config: Option<LineConfig>,
    link: Option<Link>,
    buf: Vec<u8>,
    /// The exchange that is running; still set at the start of the next if it was dropped half
    /// way.
    running: Option<Running>,
    /// End of the last traffic.
    quiet_since: Instant,
    /// Exchanges without any reply since the last reply.
    silent: u32,
    /// Stations whose reply may still come, and until when.
    late: Vec<(u64, Instant)>,
    /// No attempt to open before this; the error of the last one.
    open_after: Option<(Instant, DeviceError)>,
    open_failures: u32,
}

impl Line {
    /// A line that opens by itself with the first exchange.
    pub fn new(config: LineConfig) -> Self {
        Self { config: Some(config), ..Self::unconnected() }
    }

    /// A line over an in-memory stream; when that breaks, the line stays down.
    pub fn over(stream: DuplexStream) -> Self {
        Self { link: Some(Link::Memory(stream)), ..Self::unconnected() }
    }

    /// No line at all, for a driver that brings its own way to the device: a socket of many
    /// devices, or the kernel's files. An exchange on it is an error.
    pub fn none() -> Self {
        Self::unconnected()
    }

    fn unconnected() -> Self {
        Self {
            config: None,
            link: None,
            buf: Vec::new(),
            running: None,
            quiet_since: Instant::now(),
            silent: 0,
            late: Vec::new(),
            open_after: None,
            open_failures: 0,
        }
    }

    /// Whether this is [`Line::none`].
    pub fn is_none(&self) -> bool {
        self.config.is_none() && self.link.is_none()
    }

    /// The port or address, for people.
    pub fn target(&self) -> String {
        match &self.config {
            Some(LineConfig::Tcp(t)) => format!("{}:{}", t.host, t.port),
            Some(LineConfig::Serial(s)) => s.path.display().to_string(),
            None if self.link.is_some() => "memory".into(),
            None => "no line".into(),
        }
    }

    /// How the characters of a device travel whose own mode is `own`, if this is a serial line,
    /// where a character's time counts.
    pub fn mode(&self, own: Option<SerialMode>) -> Option<SerialMode> {
        match &self.config {
            Some(LineConfig::Serial(s)) => Some(own.unwrap_or(s.mode)),
            _ => None,
        }
    }

    /// Whether the session should end when nothing is due.
    pub fn close_when_idle(&self) -> bool {
        matches!(&self.config, Some(LineConfig::Tcp(t)) if t.close_when_idle)
    }

    /// Ends the session; the next exchange opens a new one.
    pub fn close(&mut self) {
        if self.config.is_some() {
            self.link = None;
        }
        self.silent = 0;
    }

    /// Sends a request and waits for its reply, as recognised by `framing`.
    pub async fn exchange(
        &mut self,
        x: &Exchange,
        request: &[u8],
        mut framing: impl FnMut(&[u8]) -> Step,
    ) -> Result<&[u8], DeviceError> {
        self.prepare(x).await?;
        let running = Running::begin(x);
        let deadline = running.deadline;
        self.running = Some(running);
        let sent = timeout_at(deadline, self.send(request)).await;
        let received = match sent {
            Ok(Ok(())) => self.receive(deadline, &mut framing).await,
            Ok(Err(e)) => Err(e),
            Err(_) => Err(Trouble::Silence { heard: false, partial: false }),
        };
        self.running = None;
        self.quiet_since = Instant::now();
        match received {
            Ok((start, len)) => {
                self.silent = 0;
                Ok(&self.buf[start..start + len])
            }
            Err(trouble) => Err(self.settle(x, trouble)),
        }
    }

    /// Sends a request that nobody answers, as a broadcast is; the line then keeps silent for
    /// `turnaround`, while the devices act on it.
    pub async fn send_only(
        &mut self,
        x: &Exchange,
        request: &[u8],
        turnaround: Duration,
    ) -> Result<(), DeviceError> {
        self.prepare(x).await?;
        self.running = Some(Running::begin(x));
        let sent = timeout(x.response_timeout, self.send(request)).await;
        self.running = None;
        self.quiet_since = Instant::now() + turnaround;
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(trouble)) => Err(self.settle(x, trouble)),
            Err(_) => Err(self.settle(x, Trouble::Silence { heard: false, partial: false })),
        }
    }

    /// Waits for the pauses, opens the link if needed and empties its input.
    async fn prepare(&mut self, x: &Exchange) -> Result<(), DeviceError> {
        if let Some(dropped) = self.running.take() {
            self.late.push((dropped.station, dropped.late_until));
            self.abandon();
            if self.link.is_some() {
                // A station that is still about to answer must not be talked over.
                self.quiet_since = self.quiet_since.max(dropped.deadline);
            }
        }
        let mut ready = self.quiet_since + x.pause;
        let now = Instant::now();
        self.late.retain(|&(station, until)| {
            if station == x.station {
                ready = ready.max(until);
            }
            until > now
        });
        if ready > now {
            sleep_until(ready).await;
        }
        self.switch(x)?;
        if let Some(link) = &mut self.link
            && let Err(error) = link.discard_input().await
        {
            // Closed between two exchanges: no fault of this one, so it gets a new session.
            tracing::debug!(target = self.target(), %error, "Session was closed");
            self.close();
        }
        if self.link.is_none() {
            // Seldom; see `drain` on the size of futures.
            Box::pin(self.open()).await?;
            self.switch(x)?;
        }
        Ok(())
    }

    /// Before the input is emptied: what was received at another speed is noise.
    fn switch(&mut self, x: &Exchange) -> Result<(), DeviceError> {
        let (Some(mode), Some(link)) = (self.mode(x.mode), &mut self.link) else { return Ok(()) };
        link.switch(mode).map_err(|e| {
            self.close();
            self.unreachable(&e)
        })
    }

    async fn open(&mut self) -> Result<(), DeviceError> {
        if let Some((after, error)) = &self.open_after
            && Instant::now() < *after
        {
            return Err(error.clone());
        }
        match self.connect().await {
            Ok(link) => {
                self.link = Some(link);
                self.open_after = None;
                self.open_failures = 0;
                self.silent = 0;
                Ok(())
            }
            Err(e) => {
                let error = self.unreachable(&e);
                let doublings = self.open_failures.min(8);
                let wait = OPEN_RETRY.0.saturating_mul(1 << doublings).min(OPEN_RETRY.1);
                self.open_failures = self.open_failures.saturating_add(1);
                self.open_after = Some((Instant::now() + wait, error.clone()));
                Err(error)
            }
        }
    }

    async fn connect(&self) -> std::io::Result<Link> {
        match &self.config {
            Some(LineConfig::Tcp(t)) => {
                let connecting = TcpStream::connect((t.host.as_str(), t.port));
                let stream = timeout(t.connect_timeout, connecting).await.map_err(|_| {
                    let ms = t.connect_timeout.as_millis();
                    std::io::Error::other(format!("no connection within {ms} ms"))
                })??;
                stream.set_nodelay(true)?;
                Ok(Link::Tcp(stream))
            }
            Some(LineConfig::Serial(s)) => {
                let lock = lock_serial(&s.path)?;
                Ok(Link::Serial(open_serial(s)?, s.mode, lock))
            }
            None => Err(std::io::ErrorKind::NotConnected.into()),
        }
    }

    async fn send(&mut self, request: &[u8]) -> Result<(), Trouble> {
        let link = self.link.as_mut().ok_or_else(|| Trouble::Closed("not open".into()))?;
        link.write(request).await.map_err(|e| Trouble::Closed(e.to_string()))
    }

    /// Reads until `framing` finds the reply: where it starts in `buf` and its length.
    async fn receive(
        &mut self,
        deadline: Instant,
        framing: &mut impl FnMut(&[u8]) -> Step,
    ) -> Result<(usize, usize), Trouble> {
        self.buf.clear();
        let mut start = 0;
        let mut heard = false;
        loop {
            while start < self.buf.len() {
                match framing(&self.buf[start..]) {
                    Step::Need => break,
                    Step::Skip(n) => start = (start + n.max(1)).min(self.buf.len()),
                    Step::Reply(len) => return Ok((start, len.min(self.buf.len() - start))),
                    Step::Broken(why) => return Err(Trouble::Broken(why)),
                }
            }
            if start == self.buf.len() {
                self.buf.clear();
                start = 0;
            }
            if self.buf.len() > REPLY_LEN_MAX {
                return Err(Trouble::Broken("endless reply"));
            }
            let link = self.link.as_mut().ok_or_else(|| Trouble::Closed("not open".into()))?;
            match timeout_at(deadline, link.read(&mut self.buf)).await {
                Err(_) => {
                    let partial = start < self.buf.len();
                    return Err(Trouble::Silence { heard, partial });
                }
                Ok(Ok(0)) => return Err(Trouble::Closed("closed by the device".into())),
                Ok(Ok(_)) => heard = true,
                Ok(Err(e)) => return Err(Trouble::Closed(e.to_string())),
            }
        }
    }

    /// Leaves the line fit for the next exchange, and names the error.
    fn settle(&mut self, x: &Exchange, trouble: Trouble) -> DeviceError {
        if !matches!(trouble, Trouble::Closed(_)) {
            self.late.push((x.station, Instant::now() + x.late_window));
        }
        match trouble {
            Trouble::Closed(error) => {
                self.close();
                DeviceError::Unreachable { target: self.target(), error }
            }
            Trouble::Broken(why) => {
                self.abandon();
                DeviceError::BadReply(why)
            }
            Trouble::Silence { heard, partial } => {
                self.silent = self.silent.saturating_add(1);
                // The rest of half a frame would stand before the next reply.
                if self.silent >= 2 || partial {
                    self.abandon();
                }
                if heard {
                    DeviceError::BadReply("nothing received was the whole reply")
                } else {
                    DeviceError::NoReply(x.response_timeout)
                }
            }
        }
    }

    /// Lets go of a session whose state is unknown. A serial port stays open: its input is
    /// discarded before each request anyway.
    fn abandon(&mut self) {
        if matches!(self.config, Some(LineConfig::Tcp(_))) {
            self.close();
        }
    }

    fn unreachable(&self, e: &std::io::Error) -> DeviceError {
        DeviceError::Unreachable { target: self.target(), error: e.to_string() }
    }
}

/// What ended an exchange without a reply.
enum Trouble {
    Closed(String),
    Broken(&'static str),
    Silence {
        /// Something came.
        heard: bool,
        /// What came last is no whole frame.
        partial: bool,
    },
}

/// Takes a serial port for this program alone, before anything about it is changed: two masters
/// on one wire would take each other's answers. Others that lock the usual way (flock) are kept
/// off too.
fn lock_serial(path: &Path) -> std::io::Result<OwnedFd> {
    use rustix::fs::{FlockOperation, Mode, OFlags};
    // It must neither become our terminal nor wait for a modem.
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let port = rustix::fs::open(path, flags, Mode::empty())?;
    match rustix::fs::flock(&port, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(port),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let kind = std::io::ErrorKind::ResourceBusy;
            Err(std::io::Error::new(kind, "in use by another program, a gateway or a scan"))
        }
        Err(error) => Err(error.into()),
    }
}

fn open_serial(s: &SerialConfig) -> std::io::Result<serial2_tokio::SerialPort> {
    let port = serial2_tokio::SerialPort::open(&s.path, |mut set: serial2_tokio::Settings| {
        set.set_raw();
        put_mode(&mut set, s.mode)?;
        set.set_flow_control(serial2_tokio::FlowControl::None);
        Ok(set)
    })?;
    if s.rs485 {
        port.set_rs4xx_mode(serial2_tokio::rs4xx::Rs485Config::new())?;
    }
    port.discard_input_buffer()?;
    Ok(port)
}

fn put_mode(set: &mut serial2_tokio::Settings, mode: SerialMode) -> std::io::Result<()> {
    use serial2_tokio::{CharSize, Parity as P, StopBits};
    set.set_baud_rate(mode.baud)?;
    set.set_char_size(if mode.data_bits == 7 { CharSize::Bits7 } else { CharSize::Bits8 });
    set.set_stop_bits(if mode.stop_bits == 2 { StopBits::Two } else { StopBits::One });
    set.set_parity(match mode.parity {
        Parity::None => P::None,
        Parity::Even => P::Even,
        Parity::Odd => P::Odd,
    });
    Ok(())
}
