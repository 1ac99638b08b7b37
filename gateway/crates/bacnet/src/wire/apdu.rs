//! APDUs (clause 20.1): requests, acknowledgements, errors. Headers only; what a service carries
//! is read in `service`.

use super::Malformed;
use super::tag::{self, Reader};

/// Where a segment belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its number, counted modulo 256.
    pub number: u8,
    /// How many the sender would send before an acknowledgement, 1 to 127.
    pub window: u8,
    /// Whether others follow.
    pub more: bool,
}

/// An application PDU; contents are borrowed from the datagram.
#[derive(Debug, Clone, PartialEq)]
pub enum Apdu<'a> {
    /// A request that wants an answer.
    Confirmed {
        /// Number of the transaction at its sender.
        invoke: u8,
        /// Which service.
        service: u8,
        /// Whether the answer may come in segments.
        accepts_segments: bool,
        /// Most segments of the answer, in the code of clause 20.1.2.4 (0 unspecified, 7 > 64).
        max_segments: u8,
        /// Longest APDU its sender takes, in bytes.
        max_apdu: u16,
        /// Which part of the request this is, if it came in several.
        segment: Option<Segment>,
        /// The service's parameters.
        data: &'a [u8],
    },
    /// A request that wants none.
    Unconfirmed {
        /// Which service.
        service: u8,
        /// The service's parameters.
        data: &'a [u8],
    },
    /// Done, and nothing to tell.
    SimpleAck {
        /// Number of the request.
        invoke: u8,
        /// Its service.
        service: u8,
    },
    /// Done, with a result.
    ComplexAck {
        /// Number of the request.
        invoke: u8,
        /// Its service.
        service: u8,
        /// Which part this is, if the result comes in several.
        segment: Option<Segment>,
        /// The result, or this part of it.
        data: &'a [u8],
    },
    /// Segments up to a number have come.
    SegmentAck {
        /// One was missing; send again from behind `number`.
        negative: bool,
        /// Sent by the one who was asked.
        server: bool,
        /// Number of the request.
        invoke: u8,
        /// The last segment that came in order.
        number: u8,
        /// How many may follow before the next acknowledgement.
        window: u8,
    },
    /// The service failed.
    Error {
        /// Number of the request.
        invoke: u8,
        /// Its service.
        service: u8,
        /// Error class and code.
        error: Error,
    },
    /// The request was not understood.
    Reject {
        /// Number of the request.
        invoke: u8,
        /// Why, by clause 20.1.8.
        reason: u8,
    },
    /// The transaction is over.
    Abort {
        /// Sent by the one who was asked.
        server: bool,
        /// Number of the request.
        invoke: u8,
        /// Why, by clause 20.1.9.
        reason: u8,
    },
}

/// An error's class and code (clause 18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// Class: 0 device, 1 object, 2 property, 3 resources, 4 security, 5 services.
    pub class: u16,
    /// Code.
    pub code: u16,
}

impl Error {
    /// Reads class and code, application-tagged.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut number = || match reader.take()? {
            (tag::Tag::Application { number: 9, .. }, content) => {
                u16::try_from(tag::unsigned32(content)?)
                    .map_err(|_| Malformed("an error code beyond its range"))
            }
            _ => Err(Malformed("an error without class and code")),
        };
        Ok(Self { class: number()?, code: number()? })
    }

    /// Writes class and code.
    pub fn write(self, out: &mut Vec<u8>) {
        for n in [self.class, self.code] {
            super::Value::Enumerated(u32::from(n)).write(out);
        }
    }
}

/// The sizes that the code in a request's header stands for.
const SIZES: [u16; 6] = [50, 128, 206, 480, 1024, 1476];

/// The code for the largest of the standard's sizes that `bytes` holds.
pub fn size_code(bytes: u16) -> u8 {
    SIZES.iter().rposition(|s| *s <= bytes).unwrap_or(0) as u8
}

impl<'a> Apdu<'a> {
    /// Reads one.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        const SHORT: Malformed = Malformed("an APDU cut short");
        let first = *bytes.first().ok_or(SHORT)?;
        let byte = |at: usize| bytes.get(at).copied().ok_or(SHORT);
        let after = |at: usize| bytes.get(at..).ok_or(SHORT);
        let segment = |at: usize| -> Result<(Option<Segment>, usize), Malformed> {
            if first & 8 == 0 {
                return Ok((None, at));
            }
            let (number, window) = (byte(at)?, byte(at + 1)?);
            Ok((Some(Segment { number, window, more: first & 4 != 0 }), at + 2))
        };
        Ok(match first >> 4 {
            0 => {
                let sizes = byte(1)?;
                let (segment, at) = segment(3)?;
                Apdu::Confirmed {
                    invoke: byte(2)?,
                    service: byte(at)?,
                    accepts_segments: first & 2 != 0,
                    max_segments: sizes >> 4 & 7,
                    // What a later revision may add is at least as much as we know of.
                    max_apdu: SIZES[usize::from(sizes & 15).min(SIZES.len() - 1)],
                    segment,
                    data: after(at + 1)?,
                }
            }
            1 => Apdu::Unconfirmed { service: byte(1)?, data: after(2)? },
            2 => Apdu::SimpleAck { invoke: byte(1)?, service: byte(2)? },
            3 => {
                let (segment, at) = segment(2)?;
                let (invoke, service) = (byte(1)?, byte(at)?);
                Apdu::ComplexAck { invoke, service, segment, data: after(at + 1)? }
            }
            4 => Apdu::SegmentAck {
                negative: first & 2 != 0,
                server: first & 1 != 0,
                invoke: byte(1)?,
                number: byte(2)?,
                window: byte(3)?,
            },
            5 => {
                let mut reader = Reader::new(after(3)?);
                // Services with more to tell put class and code within tag 0.
                let error = if reader.peek()? == Some(tag::Tag::Opening(0)) {
                    Error::read(&mut Reader::new(reader.enclosed(0)?))?
                } else {
                    Error::read(&mut reader)?
                };
                Apdu::Error { invoke: byte(1)?, service: byte(2)?, error }
            }
            6 => Apdu::Reject { invoke: byte(1)?, reason: byte(2)? },
            7 => Apdu::Abort { server: first & 1 != 0, invoke: byte(1)?, reason: byte(2)? },
            _ => return Err(Malformed("an APDU of no known type")),
        })
    }

    /// Writes it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let flags =
            |segment: &Option<Segment>| segment.map_or(0, |s| 8 | if s.more { 4 } else { 0 });
        let place = |segment: &Option<Segment>| segment.map(|s| [s.number, s.window]);
        match self {
            Apdu::Confirmed {
                invoke,
                service,
                accepts_segments,
                max_segments,
                max_apdu,
                segment,
                data,
            } => {
                let accepts = if *accepts_segments { 2 } else { 0 };
                let sizes = (max_segments & 7) << 4 | size_code(*max_apdu);
                out.extend_from_slice(&[flags(segment) | accepts, sizes, *invoke]);
                out.extend(place(segment).into_iter().flatten());
                out.push(*service);
                out.extend_from_slice(data);
            }
            Apdu::Unconfirmed { service, data } => {
                out.extend_from_slice(&[0x10, *service]);
                out.extend_from_slice(data);
            }
            Apdu::SimpleAck { invoke, service } => out.extend([0x20, *invoke, *service]),
            Apdu::ComplexAck { invoke, service, segment, data } => {
                out.extend_from_slice(&[0x30 | flags(segment), *invoke]);
                out.extend(place(segment).into_iter().flatten());
                out.push(*service);
                out.extend_from_slice(data);
            }
            Apdu::SegmentAck { negative, server, invoke, number, window } => {
                let flags = u8::from(*negative) << 1 | u8::from(*server);
                out.extend([0x40 | flags, *invoke, *number, *window]);
            }
            Apdu::Error { invoke, service, error } => {
                out.extend([0x50, *invoke, *service]);
                error.write(out);
            }
            Apdu::Reject { invoke, reason } => out.extend([0x60, *invoke, *reason]),
            Apdu::Abort { server, invoke, reason } => {
                out.extend([0x70 | u8::from(*server), *invoke, *reason]);
            }
        }
    }
}
