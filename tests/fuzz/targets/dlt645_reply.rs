//! Any bytes on a DL/T 645 line: only a whole frame with a right sum, from the meter that was
//! asked and about what it was asked, is taken for the reply.
//!
//! Input: flags (1: edition of 1997, 2: any address, 4: frames are sealed here), what is asked,
//! sequence, identifier (4 bytes); the rest is what comes from the line. When sealed here, it is
//! pieces of one length byte, a control byte and as many bytes of data, which get the address and
//! the sum they need: random bytes hardly ever pass a sum.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wellhead_driver::Step;
use wellhead_sensors::dlt645::codec::{Answer, Ask, Request, plain};
use wellhead_sensors::dlt645::{Address, Edition, Register, decode};

const METER: Address = Address([0, 0, 0, 0, 0x01, 0x61]);

fuzz_target!(|input: &[u8]| {
    let Some((&[flags, ask, sequence, a, b, c, d], rest)) = input.split_first_chunk::<7>() else {
        return;
    };
    let id = u32::from_le_bytes([a, b, c, d]);
    let ask = match ask % 3 {
        0 => Ask::Read(id),
        1 => Ask::Follow(id, sequence),
        _ => Ask::Address,
    };
    let edition = if flags & 1 == 0 { Edition::Y2007 } else { Edition::Y1997 };
    let address = if flags & 2 == 0 { METER } else { Address::ANY };
    let request = Request { edition, address, ask };
    let sealed;
    let bytes = if flags & 4 == 0 {
        rest
    } else {
        sealed = seal(rest);
        &sealed
    };
    let mut at = 0;
    while at < bytes.len() {
        match request.step(&bytes[at..]) {
            Step::Skip(n) => {
                assert!((1..=bytes.len() - at).contains(&n), "a step of {n}");
                at += n;
            }
            Step::Reply(len) => return taken(&request, &bytes[at..at + len]),
            Step::Need => return,
            Step::Broken(why) => panic!("{why}"),
        }
    }
});

fn taken(request: &Request, frame: &[u8]) {
    let (body, tail) = frame.split_at(frame.len() - 2);
    let sum = body.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    assert_eq!(tail, [sum, 0x16]);
    let mut from = [0; 6];
    from.copy_from_slice(&frame[1..7]);
    from.reverse();
    assert!(Address(from).answers_to(&request.address));
    let Some(answer) = request.answer(frame) else { panic!("a reply that is no answer") };
    if let Answer::Data { data, .. } = answer {
        let data: Vec<u8> = plain(data).collect();
        for bytes in 1..=8 {
            let (decimals, signed) = (bytes, bytes % 2 == 0);
            let register = Register { id: 0, bytes, decimals, signed, tail: 0, position: 0 };
            let _ = decode(&register, data.get(..usize::from(bytes)).unwrap_or(&data));
        }
    }
}

fn seal(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [len, control, tail @ ..] = rest {
        let (data, after) = tail.split_at(usize::from(*len).min(tail.len()).min(200));
        let start = out.len();
        out.push(0x68);
        out.extend(METER.0.iter().rev());
        out.extend([0x68, *control, data.len() as u8]);
        out.extend(data);
        out.push(out[start..].iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)));
        out.push(0x16);
        rest = after;
    }
    out
}
