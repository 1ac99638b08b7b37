//! Tags of clause 20.2.1: what stands before each value, read with every length checked.

use super::Malformed;

/// What stands at the reader's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// A value of one of the standard's own types; a boolean's value is its length.
    Application {
        /// Number of the type, 0 to 15.
        number: u8,
        /// Length of the content in bytes, or a boolean's value.
        len: usize,
    },
    /// A value whose type follows from where it stands.
    Context {
        /// Its number there.
        number: u8,
        /// Length of the content in bytes.
        len: usize,
    },
    /// Opens a constructed value.
    Opening(u8),
    /// Closes it.
    Closing(u8),
}

/// Reads tags and contents from bytes that nobody vouches for.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The tag here, and how many bytes it takes; the content is there in full.
    fn head(&self) -> Result<(Tag, usize), Malformed> {
        let byte = |at: usize| self.rest.get(at).copied().ok_or(Malformed("ends within a tag"));
        let first = byte(0)?;
        let mut at = 1;
        let mut number = first >> 4;
        if number == 15 {
            number = byte(at)?;
            at += 1;
        }
        let context = first & 8 != 0;
        let mut len = usize::from(first & 7);
        match (context, first & 7) {
            (true, 6) => return Ok((Tag::Opening(number), at)),
            (true, 7) => return Ok((Tag::Closing(number), at)),
            (false, 6 | 7) => {
                return Err(Malformed("an application tag with an impossible length"));
            }
            (_, 5) => {
                let short = byte(at)?;
                at += 1;
                let wide = match short {
                    254 => 2,
                    255 => 4,
                    _ => 0,
                };
                len = usize::from(short);
                if wide > 0 {
                    len = 0;
                    for _ in 0..wide {
                        len = len << 8 | usize::from(byte(at)?);
                        at += 1;
                    }
                }
            }
            _ => {}
        }
        if context {
            self.room(at, len)?;
            return Ok((Tag::Context { number, len }, at));
        }
        // A boolean has no content: its value stands where the length does.
        if number == 1 {
            if len > 1 {
                return Err(Malformed("a boolean that is neither"));
            }
        } else {
            self.room(at, len)?;
        }
        Ok((Tag::Application { number, len }, at))
    }

    fn room(&self, at: usize, len: usize) -> Result<(), Malformed> {
        if self.rest.len() - at < len {
            return Err(Malformed("a length beyond the end"));
        }
        Ok(())
    }

    /// The tag here, without passing over it; `None` at the end.
    pub fn peek(&self) -> Result<Option<Tag>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.head()?.0))
    }

    /// Passes over a tag and its content, and returns both. A boolean's content is empty.
    pub fn take(&mut self) -> Result<(Tag, &'a [u8]), Malformed> {
        let (tag, at) = self.head()?;
        let len = match tag {
            Tag::Application { number: 1, .. } | Tag::Opening(_) | Tag::Closing(_) => 0,
            Tag::Application { len, .. } | Tag::Context { len, .. } => len,
        };
        let content = self.rest.get(at..at + len).ok_or(Malformed("a length beyond the end"))?;
        self.rest = &self.rest[at + len..];
        Ok((tag, content))
    }

    /// The content of context tag `number`, which must stand here.
    pub fn context(&mut self, number: u8) -> Result<&'a [u8], Malformed> {
        self.optional(number)?.ok_or(Malformed("a parameter is missing"))
    }

    /// The content of context tag `number`, if it stands here.
    pub fn optional(&mut self, number: u8) -> Result<Option<&'a [u8]>, Malformed> {
        match self.peek()? {
            Some(Tag::Context { number: n, .. }) if n == number => Ok(Some(self.take()?.1)),
            _ => Ok(None),
        }
    }

    /// Whether opening tag `number` stands here; passes over it then.
    pub fn opens(&mut self, number: u8) -> Result<bool, Malformed> {
        self.passes(Tag::Opening(number))
    }

    /// Whether closing tag `number` stands here; passes over it then.
    pub fn closes(&mut self, number: u8) -> Result<bool, Malformed> {
        self.passes(Tag::Closing(number))
    }

    fn passes(&mut self, tag: Tag) -> Result<bool, Malformed> {
        let here = self.peek()? == Some(tag);
        if here {
            self.take()?;
        }
        Ok(here)
    }

    /// Everything between opening tag `number`, which must stand here, and its closing tag.
    pub fn enclosed(&mut self, number: u8) -> Result<&'a [u8], Malformed> {
        if !self.opens(number)? {
            return Err(Malformed("a parameter is missing"));
        }
        let start = self.rest;
        loop {
            if self.peek()? == Some(Tag::Closing(number)) {
                let inside = &start[..start.len() - self.rest.len()];
                self.take()?;
                return Ok(inside);
            }
            self.skip()?;
        }
    }

    /// Passes over one whole value, constructed or not, and returns its bytes, tags included.
    pub fn skip(&mut self) -> Result<&'a [u8], Malformed> {
        let start = self.rest;
        // Counted and not recursed: the sender chooses the depth.
        let mut depth = 0usize;
        loop {
            match self.take()?.0 {
                Tag::Opening(_) => depth += 1,
                Tag::Closing(_) if depth == 0 => {
                    return Err(Malformed("closes what was never opened"));
                }
                Tag::Closing(_) => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(&start[..start.len() - self.rest.len()]);
            }
        }
    }

    /// That nothing is left.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed("more than was asked for")) }
    }
}

/// Writes a tag with the length of its content.
fn head(out: &mut Vec<u8>, number: u8, class: u8, len: usize) {
    let (high, extended) = if number < 15 { (number << 4, None) } else { (0xF0, Some(number)) };
    let low = if len < 5 { len as u8 } else { 5 };
    out.push(high | class | low);
    out.extend(extended);
    if len >= 5 {
        match u16::try_from(len) {
            Ok(short) if short < 254 => out.push(short as u8),
            Ok(wide) => {
                out.push(254);
                out.extend_from_slice(&wide.to_be_bytes());
            }
            Err(_) => {
                out.push(255);
                out.extend_from_slice(&(len as u32).to_be_bytes());
            }
        }
    }
}

/// Writes a value of an application type.
pub fn application(out: &mut Vec<u8>, number: u8, content: &[u8]) {
    head(out, number, 0, content.len());
    out.extend_from_slice(content);
}

/// Writes a boolean, whose value is its tag.
pub fn boolean(out: &mut Vec<u8>, value: bool) {
    out.push(0x10 | u8::from(value));
}

/// Writes a value with a context tag.
pub fn context(out: &mut Vec<u8>, number: u8, content: &[u8]) {
    head(out, number, 8, content.len());
    out.extend_from_slice(content);
}

/// Writes an unsigned number with a context tag, in as few bytes as it takes.
pub fn context_unsigned(out: &mut Vec<u8>, number: u8, value: u64) {
    let bytes = value.to_be_bytes();
    context(out, number, &bytes[short(value)..]);
}

/// Writes an opening tag.
pub fn opening(out: &mut Vec<u8>, number: u8) {
    mark(out, number, 6);
}

/// Writes a closing tag.
pub fn closing(out: &mut Vec<u8>, number: u8) {
    mark(out, number, 7);
}

fn mark(out: &mut Vec<u8>, number: u8, kind: u8) {
    if number < 15 {
        out.push(number << 4 | 8 | kind);
    } else {
        out.extend_from_slice(&[0xF8 | kind, number]);
    }
}

/// Leading zero bytes that an unsigned number does without.
pub(crate) fn short(value: u64) -> usize {
    (value.leading_zeros() as usize / 8).min(7)
}

/// An unsigned number of 1 to 8 bytes. Longer ones with leading zeros count; others don't fit.
pub fn unsigned(content: &[u8]) -> Result<u64, Malformed> {
    let zeros = content.iter().take_while(|b| **b == 0).count();
    let digits = &content[zeros..];
    if content.is_empty() || digits.len() > 8 {
        return Err(Malformed("an unsigned number of an impossible length"));
    }
    Ok(digits.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
}

/// An unsigned number that fits 32 bits, as identifiers and enumerations do.
pub fn unsigned32(content: &[u8]) -> Result<u32, Malformed> {
    u32::try_from(unsigned(content)?).map_err(|_| Malformed("a number beyond its range"))
}

/// A signed number of 1 to 8 bytes, two's complement.
pub fn signed(content: &[u8]) -> Result<i64, Malformed> {
    let [first, ..] = content else {
        return Err(Malformed("a signed number of an impossible length"));
    };
    if content.len() > 8 {
        return Err(Malformed("a signed number of an impossible length"));
    }
    let sign = if first & 0x80 == 0 { 0 } else { -1 };
    Ok(content.iter().fold(sign, |n: i64, b| n << 8 | i64::from(*b)))
}
