//! An M-Bus in memory: slaves that keep to EN 13757-2, and collide as they do on a wire.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use wellhead_driver::Line;

/// What a slave does wrong, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    Silent,
    Checksum,
    Half,
    OtherAddress,
    Garbage,
    /// Answers, but too late.
    Late,
}

#[derive(Debug, Clone)]
pub(crate) struct Slave {
    pub(crate) primary: u8,
    /// Identification, maker, version and medium as they travel.
    pub(crate) secondary: [u8; 8],
    pub(crate) status: u8,
    /// Records of each telegram.
    pub(crate) telegrams: Vec<Vec<u8>>,
    /// Control information and what follows it, instead of telegrams of records.
    pub(crate) other_form: Option<Vec<u8>>,
    /// Does not look at the frame count bit.
    pub(crate) ignores_frame_count: bool,
    selected: bool,
    frame_count: Option<bool>,
    next: usize,
}

impl Slave {
    pub(crate) fn new(primary: u8, secondary: [u8; 8], telegrams: &[&str]) -> Self {
        let telegrams = telegrams.iter().map(|t| bytes(t)).collect();
        Self {
            primary,
            secondary,
            status: 0,
            telegrams,
            other_form: None,
            ignores_frame_count: false,
            selected: false,
            frame_count: None,
            next: 0,
        }
    }

    fn answer(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let (control, address) =
            if frame[0] == 0x68 { (frame[4], frame[5]) } else { (frame[1], frame[2]) };
        if control == 0x53 && address == 0xFD && frame[6] == 0x52 {
            self.selected = self.is_meant(&frame[7..15]);
            self.restart();
            return self.selected.then(|| vec![0xE5]);
        }
        let mine = [self.primary, 0xFE].contains(&address) || address == 0xFD && self.selected;
        match control {
            _ if !mine => None,
            0x40 => {
                self.restart();
                Some(vec![0xE5])
            }
            0x5B | 0x7B => Some(self.telegram(control == 0x7B)),
            _ => None,
        }
    }

    fn restart(&mut self) {
        (self.frame_count, self.next) = (None, 0);
    }

    fn telegram(&mut self, frame_count: bool) -> Vec<u8> {
        if self.frame_count.is_some_and(|last| last != frame_count) && !self.ignores_frame_count {
            self.next = (self.next + 1) % self.telegrams.len();
        }
        self.frame_count = Some(frame_count);
        if let Some(form) = &self.other_form {
            return long(&[&[0x08, self.primary], &form[..]].concat());
        }
        let mut user = vec![0x08, self.primary, 0x72];
        user.extend(self.secondary);
        user.extend([self.next as u8, self.status, 0, 0]);
        user.extend(&self.telegrams[self.next]);
        long(&user)
    }

    fn is_meant(&self, mask: &[u8]) -> bool {
        let digit = |byte: u8, high: bool| if high { byte >> 4 } else { byte & 0xF };
        mask.iter().zip(&self.secondary).enumerate().all(|(i, (m, s))| match i {
            0..4 => {
                [false, true].iter().all(|h| digit(*m, *h) == 0xF || digit(*m, *h) == digit(*s, *h))
            }
            _ => *m == 0xFF || m == s,
        }) && (mask[4..6] == [0xFF, 0xFF] || mask[4..6] == self.secondary[4..6])
    }
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|b| u8::from_str_radix(b, 16).unwrap()).collect()
}

pub(crate) fn long(user: &[u8]) -> Vec<u8> {
    let len = u8::try_from(user.len()).unwrap();
    let mut frame = vec![0x68, len, len, 0x68];
    frame.extend(user);
    frame.push(user.iter().fold(0, |sum: u8, b| sum.wrapping_add(*b)));
    frame.push(0x16);
    frame
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) slaves: Vec<Slave>,
    /// What goes wrong with the next answers, in turn; `None` goes well.
    pub(crate) wrong: Vec<Option<Wrong>>,
    /// The converter sends back what it is sent.
    pub(crate) echo: bool,
    /// Every frame that a master sent.
    pub(crate) heard: Vec<Vec<u8>>,
}

pub(crate) type Bus = Arc<Mutex<State>>;

/// A line with these slaves on it.
pub(crate) fn bus(slaves: Vec<Slave>) -> (Line, Bus) {
    let (near, far) = tokio::io::duplex(4096);
    let state = Arc::new(Mutex::new(State { slaves, ..State::default() }));
    tokio::spawn(serve(far, state.clone()));
    (Line::over(near), state)
}

async fn serve(mut wire: DuplexStream, state: Bus) {
    let mut input = Vec::new();
    while wire.read_buf(&mut input).await.is_ok_and(|n| n > 0) {
        while let Some(len) = frame_len(&input) {
            let frame: Vec<u8> = input.drain(..len).collect();
            let (echo, answer, wrong) = {
                let mut state = state.lock().unwrap();
                state.heard.push(frame.clone());
                let answers: Vec<_> =
                    state.slaves.iter_mut().filter_map(|s| s.answer(&frame)).collect();
                let answer = collide(&answers);
                let wrong = (!answer.is_empty() && !state.wrong.is_empty())
                    .then(|| state.wrong.remove(0))
                    .flatten();
                (state.echo, answer, wrong)
            };
            if echo {
                let _gone = wire.write_all(&frame).await;
            }
            let answer = spoil(answer, wrong);
            if wrong == Some(Wrong::Late) {
                tokio::time::sleep(Duration::from_millis(700)).await;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
            let _gone = wire.write_all(&answer).await;
        }
    }
}

fn frame_len(input: &[u8]) -> Option<usize> {
    let len = match *input.first()? {
        0x68 => 6 + usize::from(*input.get(1)?),
        _ => 5,
    };
    (input.len() >= len).then_some(len)
}

/// Slaves draw current for a 0: what a master sees of two is the AND of their bits.
fn collide(answers: &[Vec<u8>]) -> Vec<u8> {
    let len = answers.iter().map(Vec::len).max().unwrap_or(0);
    let byte = |i: usize| answers.iter().filter_map(|a| a.get(i)).fold(0xFF, |all, b| all & b);
    (0..len).map(byte).collect()
}

fn spoil(mut answer: Vec<u8>, wrong: Option<Wrong>) -> Vec<u8> {
    match wrong {
        None | Some(Wrong::Late) => {}
        Some(Wrong::Silent) => answer.clear(),
        Some(Wrong::Checksum) => {
            let at = answer.len() - 2;
            answer[at] ^= 0x40;
        }
        Some(Wrong::Half) => answer.truncate(answer.len() / 2),
        Some(Wrong::OtherAddress) => {
            answer[5] ^= 0x03;
            let at = answer.len() - 2;
            answer[at] = answer[4..at].iter().fold(0, |sum: u8, b| sum.wrapping_add(*b));
        }
        Some(Wrong::Garbage) => answer = vec![0x33, 0x68, 0x05, 0xAA, 0x00],
    }
    answer
}
