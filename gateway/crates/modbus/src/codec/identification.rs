//! Device identification, function 43/14 (V1.1b3, section 6.21).

/// The kind of encapsulated interface that identification is.
pub(crate) const MEI: u8 = 14;
/// Bytes after the function code and before the objects.
const HEADER_LEN: usize = 6;

/// One reply: some objects, and whether there are more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identification<'a> {
    level: u8,
    /// The object to ask for next; `None` after the last.
    pub next: Option<u8>,
    objects: &'a [u8],
}

/// Reads a reply, without its function code.
///
/// # Errors
/// Why it is none.
pub fn read(rest: &[u8]) -> Result<Identification<'_>, &'static str> {
    let &[mei, level, _, more, next, count, ref objects @ ..] = rest else {
        return Err("identification of a wrong length");
    };
    if mei != MEI {
        return Err("reply to another function");
    }
    match length(rest) {
        Some(Some(length)) if length == rest.len() => {}
        _ => return Err("identification of a wrong length"),
    }
    // A device that says there is more and names nothing new would be asked for ever.
    let next = (more == 0xFF && count > 0).then_some(next);
    Ok(Identification { level, next, objects })
}

/// How long the reply is that begins with these bytes, without its function code: `Some(None)` if
/// too few are there to say, `None` if it is no identification.
pub(super) fn length(rest: &[u8]) -> Option<Option<usize>> {
    if rest.first().is_some_and(|&mei| mei != MEI) {
        return None;
    }
    let Some(&count) = rest.get(HEADER_LEN - 1) else { return Some(None) };
    let mut at = HEADER_LEN;
    for _ in 0..count {
        let Some(&object) = rest.get(at + 1) else { return Some(None) };
        at += 2 + usize::from(object);
        // The longest protocol data unit, less its function code.
        if at > 252 {
            return None;
        }
    }
    Some(Some(at))
}

impl<'a> Identification<'a> {
    pub(super) fn of_level(&self, level: u8) -> Result<(), &'static str> {
        if self.level == level { Ok(()) } else { Err("reply to another identification") }
    }

    /// Objects by number: 0 vendor, 1 product code, 2 revision, 3 vendor's page, 4 product name,
    /// 5 model, 6 the user's name for it; the vendor's own from 128.
    pub fn objects(&self) -> impl Iterator<Item = (u8, &'a [u8])> {
        let mut rest = self.objects;
        std::iter::from_fn(move || {
            let (&[id, length], behind) = rest.split_first_chunk()?;
            let (object, behind) = behind.split_at_checked(usize::from(length))?;
            rest = behind;
            Some((id, object))
        })
    }
}
