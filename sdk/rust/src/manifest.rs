//! Takes name and version out of the manifest while the plugin is compiled, so that the component
//! says of itself exactly what its manifest says, without carrying a TOML parser.

/// The text of a key of `[plugin]`, which must stand on a line of its own in double quotes.
/// A manifest without it does not compile.
pub const fn plugin_key(manifest: &'static str, key: &str) -> &'static str {
    let (text, key) = (manifest.as_bytes(), key.as_bytes());
    let mut at = 0;
    let mut inside = false;
    while at < text.len() {
        let line = skip_blanks(text, at);
        if starts_with(text, line, b"[") {
            inside = starts_with(text, line, b"[plugin]");
        }
        if inside && starts_with(text, line, key) {
            let equals = skip_blanks(text, line + key.len());
            let quote = skip_blanks(text, equals + 1);
            if starts_with(text, equals, b"=") && starts_with(text, quote, b"\"") {
                let start = quote + 1;
                let mut end = start;
                while end < text.len() && text[end] != b'"' && text[end] != b'\n' {
                    end += 1;
                }
                return slice(manifest, start, end);
            }
        }
        while at < text.len() && text[at] != b'\n' {
            at += 1;
        }
        at += 1;
    }
    #[expect(clippy::panic, reason = "at compile time, as the compiler's error")]
    {
        panic!("plugin.toml: [plugin] needs name = \"…\" and version = \"…\" on lines of their own")
    }
}

/// As [`plugin_key`], in bytes of their own: a slice of the manifest would carry all of it, titles
/// and all, into the component.
pub const fn copy<const N: usize>(manifest: &'static str, key: &str) -> [u8; N] {
    let text = plugin_key(manifest, key).as_bytes();
    let mut copy = [0; N];
    let mut i = 0;
    while i < N {
        copy[i] = text[i];
        i += 1;
    }
    copy
}

/// Copied bytes as text again.
pub const fn text(bytes: &'static [u8]) -> &'static str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => "",
    }
}

const fn skip_blanks(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && (text[at] == b' ' || text[at] == b'\t') {
        at += 1;
    }
    at
}

const fn starts_with(text: &[u8], at: usize, with: &[u8]) -> bool {
    let mut i = 0;
    while i < with.len() {
        if at + i >= text.len() || text[at + i] != with[i] {
            return false;
        }
        i += 1;
    }
    true
}

const fn slice(text: &str, start: usize, end: usize) -> &str {
    text.split_at(end).0.split_at(start).1
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "# name = \"x\"\n[limits]\nname = \"y\"\n [plugin]\n\tname=\"frost-guard\"  # z\n\
                            names = 3\nversion  =  \"0.1.0\"\n[role.name]\nname = \"w\"\n";

    #[test]
    fn name_and_version_are_those_of_the_plugin_table() {
        assert_eq!(plugin_key(MANIFEST, "name"), "frost-guard");
        assert_eq!(plugin_key(MANIFEST, "version"), "0.1.0");
        assert_eq!(copy::<5>(MANIFEST, "version"), *b"0.1.0");
    }

    #[test]
    #[should_panic(expected = "on lines of their own")]
    fn a_manifest_without_a_name_is_told() {
        plugin_key("[plugin]\nversion = \"0.1.0\"", "name");
    }
}
