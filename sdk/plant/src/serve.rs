//! The plant on its lines: real sockets and pseudo-terminals, for the program and for tests.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use wellhead_plant::fault::{Fault, Scope};
//! use wellhead_plant::plant::{Config, Plant};
//! use wellhead_plant::serve::{Options, Server};
//!
//! let plant = Plant::new(Config::default(), 1);
//! let server = Server::start(plant, Options::tcp()).await?;
//! let address = server.modbus_tcp().ok_or("not served")?;
//! server.inject(Scope::unit(1), Fault::Silent, None)?;
//! // … let something poll `address` …
//! assert_eq!(server.room().unit(1).map(|unit| unit.answered), Some(0));
//! server.shutdown().await;
//! # Ok(()) }
//! ```

use std::io;
use std::net::SocketAddr;
#[cfg(feature = "bacnet")]
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tracing::{info, warn};

use crate::fault::{Fault, FaultError, Line, Scope};
use crate::meters;
use crate::modbus::exchange::Latency;
use crate::modbus::line;
use crate::onewire;
use crate::plant::Plant;
use crate::room::Room;
use crate::terminal::{self, Link, Terminal};

/// How often the clock task looks at the time.
const TICK: Duration = Duration::from_millis(50);
/// Simulated seconds of one step while serving.
const STEP_S: f64 = 1.0;
/// Steps made up for at most after the process was held up; the rest of the time is dropped.
const CATCH_UP_MAX: u32 = 2000;

/// Where and how to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// Modbus TCP; port 0 takes a free one.
    pub modbus_tcp: Option<SocketAddr>,
    /// RTU frames over TCP.
    pub rtu_tcp: Option<SocketAddr>,
    /// RTU on a pseudo-terminal, reached by a symbolic link at this path.
    pub rtu: Option<PathBuf>,
    /// M-Bus and CJ/T 188 on a pseudo-terminal, reached by a symbolic link at this path.
    pub mbus: Option<PathBuf>,
    /// M-Bus and CJ/T 188 over TCP.
    pub mbus_tcp: Option<SocketAddr>,
    /// DL/T 645 on a pseudo-terminal, reached by a symbolic link at this path.
    pub dlt645: Option<PathBuf>,
    /// BACnet/IP of the building's controllers: the first one's address, the others at the ports
    /// after it; port 0 takes free ones.
    #[cfg(feature = "bacnet")]
    pub bacnet: Option<SocketAddrV4>,
    /// The control channel.
    pub control: Option<SocketAddr>,
    /// The 1-Wire string as files, below this folder, which stands for `/sys`.
    pub onewire: Option<PathBuf>,
    /// Simulated seconds per second; 0 stands still.
    pub speed: f64,
    /// Response time on Modbus TCP.
    pub tcp_latency: Latency,
    /// Response time on all other lines.
    pub rtu_latency: Latency,
}

impl Options {
    /// Modbus TCP on a free loopback port, at standstill: values are those of the start until the
    /// test steps the plant itself.
    #[must_use]
    pub fn tcp() -> Self {
        Self {
            modbus_tcp: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            rtu_tcp: None,
            rtu: None,
            mbus: None,
            mbus_tcp: None,
            dlt645: None,
            #[cfg(feature = "bacnet")]
            bacnet: None,
            control: None,
            onewire: None,
            speed: 0.0,
            tcp_latency: Latency::default(),
            rtu_latency: Latency { min_ms: 20, max_ms: 80 },
        }
    }
}

/// Why the plant cannot be served.
#[derive(Debug, Error)]
pub enum ServeError {
    /// A port cannot be had.
    #[error("{what} cannot listen on {address}: {error}")]
    Bind {
        /// Which line.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The files of the 1-Wire string cannot be made.
    #[error("no 1-Wire files below {path}: {error}")]
    Tree {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A pseudo-terminal cannot be had, or not linked to.
    #[error("no pseudo-terminal at {path}: {error}")]
    Terminal {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The building's controllers cannot be served.
    #[cfg(feature = "bacnet")]
    #[error(transparent)]
    Building(#[from] crate::building::serve::BuildingError),
}

/// The lines that are made of connections.
const CONNECTIONS: [Line; 3] = [Line::Tcp, Line::RtuTcp, Line::MbusTcp];

/// What the tasks share.
#[derive(Debug)]
pub(crate) struct Shared {
    room: Mutex<Room>,
    /// Changed to cut the connections of a line, in the order of [`CONNECTIONS`].
    cuts: [watch::Sender<u64>; 3],
    /// The bus of the meters: one, whichever way a master comes.
    meters: meters::line::Bus,
    /// The bus of the electricity meters.
    electricity: meters::line::Bus,
    paused: AtomicBool,
}

impl Shared {
    pub(crate) fn room(&self) -> MutexGuard<'_, Room> {
        // A panic while the lock was held can only come from a bug; the state is still usable.
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn room_at(&self, now: Instant) -> MutexGuard<'_, Room> {
        let mut room = self.room();
        room.expire(now);
        room
    }

    pub(crate) fn sent(&self, unit: u8, poll: u32) {
        let wall_ms = wall_ms();
        if let Some(unit) = self.room().unit_mut(unit) {
            unit.sent(poll, wall_ms);
        }
    }

    fn cut(&self, line: Option<Line>) {
        for (sender, this) in self.cuts.iter().zip(CONNECTIONS) {
            if line.is_none_or(|line| line == this) {
                sender.send_modify(|generation| *generation += 1);
            }
        }
    }

    fn cut_of(&self, line: Line) -> &watch::Sender<u64> {
        &self.cuts[CONNECTIONS.iter().position(|this| *this == line).unwrap_or(0)]
    }

    pub(crate) fn inject(
        &self,
        scope: Scope,
        fault: Fault,
        lasting: Option<Duration>,
    ) -> Result<u64, FaultError> {
        let cuts = matches!(fault, Fault::Cut | Fault::Refuse);
        let id = if fault == Fault::Cut {
            fault.check(self.room().plant.config().preset, scope)?;
            0
        } else {
            let until = lasting.map(|lasting| Instant::now() + lasting);
            self.room().inject(scope, fault, until)?
        };
        if cuts {
            self.cut(scope.line);
        }
        Ok(id)
    }

    pub(crate) fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }
}

/// Milliseconds since 1970 UTC.
#[expect(clippy::disallowed_methods, reason = "the ledger is compared with other programs' stamps")]
pub(crate) fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A plant being served. Dropping it closes everything.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    modbus_tcp: Option<SocketAddr>,
    rtu_tcp: Option<SocketAddr>,
    mbus_tcp: Option<SocketAddr>,
    #[cfg(feature = "bacnet")]
    bacnet: Vec<(u8, SocketAddrV4)>,
    control: Option<SocketAddr>,
    rtu: Option<Link>,
    mbus: Option<Link>,
    dlt645: Option<Link>,
}

impl Server {
    /// Opens the lines and starts the clock.
    ///
    /// # Errors
    /// When a port or the pseudo-terminal cannot be had; nothing is left open then.
    pub async fn start(plant: Plant, options: Options) -> Result<Self, ServeError> {
        let shared = Arc::new(Shared {
            room: Mutex::new(Room::new(plant)),
            cuts: CONNECTIONS.map(|_| watch::Sender::new(0)),
            meters: Mutex::new(meters::protocols()),
            electricity: Mutex::new(meters::electricity()),
            paused: AtomicBool::new(false),
        });
        let mut tasks = JoinSet::new();
        let mut listen = async |what, address: Option<SocketAddr>, line, latency| {
            let Some(address) = address else { return Ok::<_, ServeError>(None) };
            let (listener, bound) = bind(what, address).await?;
            tasks.spawn(accept(shared.clone(), listener, bound, line, latency));
            Ok(Some(bound))
        };
        let tcp = listen("Modbus TCP", options.modbus_tcp, Line::Tcp, options.tcp_latency).await?;
        let rtu_tcp =
            listen("RTU over TCP", options.rtu_tcp, Line::RtuTcp, options.rtu_latency).await?;
        let mbus_tcp =
            listen("M-Bus", options.mbus_tcp, Line::MbusTcp, options.rtu_latency).await?;
        let control = match options.control {
            Some(address) => {
                let (listener, bound) = bind("the control channel", address).await?;
                tasks.spawn(crate::control::accept(shared.clone(), listener));
                Some(bound)
            }
            None => None,
        };
        let mut open = |path: Option<PathBuf>, line| {
            let Some(path) = path else { return Ok::<_, ServeError>(None) };
            let (link, terminal) =
                terminal::open(&path).map_err(|error| ServeError::Terminal { path, error })?;
            tasks.spawn(serve_terminal(shared.clone(), terminal, line, options.rtu_latency));
            Ok(Some(link))
        };
        let rtu = open(options.rtu, Line::Rtu)?;
        let mbus = open(options.mbus, Line::Mbus)?;
        let dlt645 = open(options.dlt645, Line::Dlt645)?;
        if let Some(path) = options.onewire {
            let made = onewire::Tree::make(&path, &shared.room());
            let tree = made.map_err(|error| ServeError::Tree { path, error })?;
            tasks.spawn(onewire::serve(shared.clone(), tree));
        }
        #[cfg(feature = "bacnet")]
        let bacnet = match options.bacnet {
            Some(first) => crate::building::serve::start(&shared, first, &mut tasks).await?,
            None => Vec::new(),
        };
        tasks.spawn(run_clock(shared.clone(), options.speed));
        Ok(Self {
            shared,
            tasks,
            modbus_tcp: tcp,
            rtu_tcp,
            #[cfg(feature = "bacnet")]
            bacnet,
            mbus_tcp,
            control,
            rtu,
            mbus,
            dlt645,
        })
    }

    /// Where the building's controllers are, by unit.
    #[cfg(feature = "bacnet")]
    #[must_use]
    pub fn bacnet(&self) -> &[(u8, SocketAddrV4)] {
        &self.bacnet
    }

    /// Where Modbus TCP is served.
    #[must_use]
    pub fn modbus_tcp(&self) -> Option<SocketAddr> {
        self.modbus_tcp
    }

    /// Where RTU over TCP is served.
    #[must_use]
    pub fn rtu_tcp(&self) -> Option<SocketAddr> {
        self.rtu_tcp
    }

    /// Where the control channel is.
    #[must_use]
    pub fn control(&self) -> Option<SocketAddr> {
        self.control
    }

    /// The link to the pseudo-terminal of the RTU line.
    #[must_use]
    pub fn rtu(&self) -> Option<&Path> {
        self.rtu.as_ref().map(Link::path)
    }

    /// The link to the pseudo-terminal of the meters.
    #[must_use]
    pub fn mbus(&self) -> Option<&Path> {
        self.mbus.as_ref().map(Link::path)
    }

    /// The link to the pseudo-terminal of the electricity meters.
    #[must_use]
    pub fn dlt645(&self) -> Option<&Path> {
        self.dlt645.as_ref().map(Link::path)
    }

    /// Where the meters are served over TCP.
    #[must_use]
    pub fn mbus_tcp(&self) -> Option<SocketAddr> {
        self.mbus_tcp
    }

    /// The room, locked: no request is answered and no time passes while it is held. Do not hold
    /// it across an await.
    pub fn room(&self) -> MutexGuard<'_, Room> {
        self.shared.room()
    }

    /// Makes something go wrong, for a time or until cleared; returns the number to clear it by
    /// (0 for a cut, which is over at once).
    ///
    /// # Errors
    /// When the fault makes no sense for its scope.
    pub fn inject(
        &self,
        scope: Scope,
        fault: Fault,
        lasting: Option<Duration>,
    ) -> Result<u64, FaultError> {
        self.shared.inject(scope, fault, lasting)
    }

    /// Clears one fault, or all; returns how many there were.
    pub fn clear(&self, id: Option<u64>) -> usize {
        self.shared.room().clear(id)
    }

    /// Stops simulated time; the devices go on answering.
    pub fn pause(&self) {
        self.shared.pause(true);
    }

    /// Lets simulated time run again.
    pub fn resume(&self) {
        self.shared.pause(false);
    }

    /// Closes every line and waits until they are closed.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
    }
}

pub(crate) async fn bind(
    what: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |error| ServeError::Bind { what, address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

async fn accept(
    shared: Arc<Shared>,
    listener: TcpListener,
    bound: SocketAddr,
    line: Line,
    latency: Latency,
) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    let mut changed = shared.cut_of(line).subscribe();
    loop {
        if shared.room_at(Instant::now()).refuses(line) {
            // Only a closed port refuses; a listening one would take the connection first.
            drop(listener.take());
            sleep(TICK).await;
            continue;
        }
        let Some(open) = &listener else {
            match TcpListener::bind(bound).await {
                Ok(again) => listener = Some(again),
                Err(error) => {
                    warn!(%bound, %error, "Port not to be had again yet");
                    sleep(TICK).await;
                }
            }
            continue;
        };
        tokio::select! {
            _ = changed.changed() => {}
            accepted = open.accept() => {
                while connections.try_join_next().is_some() {}
                if let Ok((stream, peer)) = accepted {
                    info!(%peer, ?line, "Master connected");
                    connections.spawn(serve_connection(shared.clone(), stream, line, latency));
                }
            }
        }
    }
}

async fn serve_connection(shared: Arc<Shared>, stream: TcpStream, line: Line, latency: Latency) {
    let cut = shared.cut_of(line).subscribe();
    if stream.set_nodelay(true).is_ok() {
        serve_stream(&shared, stream, line, latency, cut).await;
    }
}

async fn serve_terminal(shared: Arc<Shared>, terminal: Terminal, line: Line, latency: Latency) {
    let (_never, cut) = watch::channel(0);
    serve_stream(&shared, terminal, line, latency, cut).await;
}

async fn serve_stream<S>(
    shared: &Shared,
    stream: S,
    line: Line,
    latency: Latency,
    cut: watch::Receiver<u64>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match line {
        Line::Tcp | Line::Rtu | Line::RtuTcp => {
            line::serve(shared, stream, line, latency, cut).await;
        }
        Line::Dlt645 => {
            meters::line::serve(shared, &shared.electricity, stream, line, latency, cut).await;
        }
        Line::Mbus | Line::MbusTcp => {
            meters::line::serve(shared, &shared.meters, stream, line, latency, cut).await;
        }
    }
}

async fn run_clock(shared: Arc<Shared>, speed: f64) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut last = Instant::now();
    let mut owed_s = 0.0;
    loop {
        let now = ticks.tick().await;
        let elapsed = now.saturating_duration_since(last).as_secs_f64();
        last = now;
        let mut room = shared.room_at(now);
        room.plant.watch(elapsed);
        if shared.paused.load(Ordering::Relaxed) {
            continue;
        }
        owed_s += elapsed * speed;
        let mut steps = 0;
        while owed_s >= STEP_S && steps < CATCH_UP_MAX {
            room.plant.step(STEP_S);
            owed_s -= STEP_S;
            steps += 1;
        }
        if steps == CATCH_UP_MAX {
            owed_s = 0.0;
        }
    }
}
