//! What a driver promises.

use crate::Line;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use wellhead_model::{PointIndex, Reason, Unit, Value};

/// What one reading of one point came to. Its time is stamped by the caller.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A value to believe.
    Good(Value),
    /// A value with a caveat.
    Uncertain(Value, Reason),
    /// A value that somebody put in place of the device's own, by hand at the device.
    Manual(Value),
    /// No value, and why.
    Bad(Reason),
}

/// Something an operator should hear of that is not a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Stable word for machines: `illegal_address`.
    pub code: &'static str,
    /// A sentence for people.
    pub text: String,
}

/// What a poll brings home. Reused between polls, so that polling allocates nothing.
#[derive(Debug, Default)]
pub struct Readings {
    /// One entry for each point that was read.
    pub outcomes: Vec<(PointIndex, Outcome)>,
    /// What was learned on the way.
    pub notices: Vec<Notice>,
    /// Units that the device told for points whose configuration gives none.
    pub units: Vec<(PointIndex, Unit)>,
}

impl Readings {
    /// Empties all lists and keeps their room.
    pub fn clear(&mut self) {
        self.outcomes.clear();
        self.notices.clear();
        self.units.clear();
    }
}

/// Points that are read together, at one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// How often.
    pub period: Duration,
    /// Which points.
    pub points: Vec<PointIndex>,
}

/// What reading some points of a device asks of its line, known before anything was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// How often.
    pub period: Duration,
    /// Requests each time.
    pub requests: usize,
    /// Characters on the wire each time, both ways, at the least.
    pub characters: usize,
}

/// A value on its way to an output, already checked by Control.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Where to.
    pub point: PointIndex,
    /// What, in the point's own kind and unit.
    pub value: Value,
    /// Whether to read the point again afterwards.
    pub readback: bool,
}

/// What the device shows after a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Readback {
    /// The point was read again.
    Read(Outcome),
    /// The device acknowledged; reading back was not asked for or is not possible.
    Acknowledged,
    /// Sent to all, as a broadcast is; nobody answers.
    Sent,
}

/// Why an exchange with a device failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The port or socket can't be opened, or broke.
    #[error("can't reach {target}: {error}")]
    Unreachable {
        /// The port or address.
        target: String,
        /// The system's words.
        error: String,
    },
    /// Nothing came in time.
    #[error("no reply within {} ms", .0.as_millis())]
    NoReply(Duration),
    /// Something came that is not an answer to the question.
    #[error("bad reply: {0}")]
    BadReply(&'static str),
    /// The device answered that it won't.
    #[error("the device refused with code {code} ({meaning})")]
    Refused {
        /// The protocol's own code.
        code: u8,
        /// What the protocol says it means.
        meaning: &'static str,
    },
    /// The device answered that it can't right now.
    #[error("the device reports a failure, code {code} ({meaning})")]
    DeviceFailure {
        /// The protocol's own code.
        code: u8,
        /// What the protocol says it means.
        meaning: &'static str,
    },
    /// The value can't be expressed in the device's own terms.
    #[error("{0}")]
    Unencodable(String),
}

impl DeviceError {
    /// What [`Display`](std::fmt::Display) says, in Chinese; the system's, the protocol's and the
    /// driver's own words stay.
    pub fn text_zh(&self) -> String {
        match self {
            DeviceError::Unreachable { target, error } => format!("无法连接 {target}：{error}"),
            DeviceError::NoReply(waited) => format!("{} ms 内无应答", waited.as_millis()),
            DeviceError::BadReply(what) => format!("应答有误：{what}"),
            DeviceError::Refused { code, meaning } => format!("设备拒绝，代码 {code}（{meaning}）"),
            DeviceError::DeviceFailure { code, meaning } => {
                format!("设备报告故障，代码 {code}（{meaning}）")
            }
            DeviceError::Unencodable(why) => format!("设备无法表示该值：{why}"),
        }
    }
}

/// What to do after an error: the one place where errors become behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Nobody on this line can be reached: all its devices wait.
    LineDown,
    /// This device does not talk: it alone waits.
    DeviceDown,
    /// The device talks; only this request failed.
    Answered,
}

impl DeviceError {
    /// How far the trouble reaches.
    pub fn recovery(&self) -> Recovery {
        match self {
            DeviceError::Unreachable { .. } => Recovery::LineDown,
            DeviceError::NoReply(_) | DeviceError::BadReply(_) => Recovery::DeviceDown,
            DeviceError::Refused { .. }
            | DeviceError::DeviceFailure { .. }
            | DeviceError::Unencodable(_) => Recovery::Answered,
        }
    }

    /// What the points that were asked for carry as their reason.
    pub fn reason(&self) -> Reason {
        match self {
            DeviceError::Unreachable { .. } => Reason::Unreachable,
            DeviceError::NoReply(_) => Reason::NoReply,
            DeviceError::BadReply(_) => Reason::BadReply,
            DeviceError::Refused { code, .. } => Reason::Refused(*code),
            DeviceError::DeviceFailure { code, .. } => Reason::DeviceFailure(*code),
            DeviceError::Unencodable(_) => Reason::Undecodable,
        }
    }
}

/// One device, spoken to by its protocol.
pub trait Driver: Send + 'static {
    /// The groups it was planned into; their order and number never change.
    fn groups(&self) -> &[Group];

    /// Reads one group once. On `Ok` every point of the group has an outcome in `out`; on `Err`
    /// the caller marks the group's points with [`DeviceError::reason`].
    fn poll(
        &mut self,
        line: &mut Line,
        group: usize,
        out: &mut Readings,
    ) -> impl Future<Output = Result<(), DeviceError>> + Send;

    /// Writes one value, once, and reads it back if asked to.
    fn write(
        &mut self,
        line: &mut Line,
        write: &Write,
    ) -> impl Future<Output = Result<Readback, DeviceError>> + Send;

    /// Takes back what was written to a point, so that the device decides by itself. With
    /// `readback`, looks whether anything still stands there: [`Readback::Read`] of that, else
    /// [`Readback::Acknowledged`]. Only for protocols that know priorities.
    fn relinquish(
        &mut self,
        _line: &mut Line,
        _point: PointIndex,
        _readback: bool,
    ) -> impl Future<Output = Result<Readback, DeviceError>> + Send {
        let text = "its protocol knows no way to take a value back";
        std::future::ready(Err(DeviceError::Unencodable(text.into())))
    }

    /// Resolves when the device said something that it was not asked for (a change of value, a
    /// contact's edge), and `out` holds it; never, for devices that only answer. It may be dropped
    /// at any await and called again: what arrived meanwhile must not be lost. Awaited only on a
    /// line of the device's own ([`Line::none`]).
    fn unasked(&mut self, _out: &mut Readings) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Any [`Driver`], for a line that carries several protocols. Implemented for all drivers; none
/// implements it by hand.
pub trait AnyDriver: Send {
    /// See [`Driver::groups`].
    fn groups(&self) -> &[Group];
    /// See [`Driver::poll`].
    fn poll<'a>(
        &'a mut self,
        line: &'a mut Line,
        group: usize,
        out: &'a mut Readings,
    ) -> Boxed<'a, Result<(), DeviceError>>;
    /// See [`Driver::write`].
    fn write<'a>(
        &'a mut self,
        line: &'a mut Line,
        write: &'a Write,
    ) -> Boxed<'a, Result<Readback, DeviceError>>;
    /// See [`Driver::relinquish`].
    fn relinquish<'a>(
        &'a mut self,
        line: &'a mut Line,
        point: PointIndex,
        readback: bool,
    ) -> Boxed<'a, Result<Readback, DeviceError>>;
    /// See [`Driver::unasked`].
    fn unasked<'a>(&'a mut self, out: &'a mut Readings) -> Boxed<'a, ()>;
}

impl<D: Driver> AnyDriver for D {
    fn groups(&self) -> &[Group] {
        Driver::groups(self)
    }
    fn poll<'a>(
        &'a mut self,
        line: &'a mut Line,
        group: usize,
        out: &'a mut Readings,
    ) -> Boxed<'a, Result<(), DeviceError>> {
        Box::pin(Driver::poll(self, line, group, out))
    }
    fn write<'a>(
        &'a mut self,
        line: &'a mut Line,
        write: &'a Write,
    ) -> Boxed<'a, Result<Readback, DeviceError>> {
        Box::pin(Driver::write(self, line, write))
    }
    fn relinquish<'a>(
        &'a mut self,
        line: &'a mut Line,
        point: PointIndex,
        readback: bool,
    ) -> Boxed<'a, Result<Readback, DeviceError>> {
        Box::pin(Driver::relinquish(self, line, point, readback))
    }
    fn unasked<'a>(&'a mut self, out: &'a mut Readings) -> Boxed<'a, ()> {
        Box::pin(Driver::unasked(self, out))
    }
}
