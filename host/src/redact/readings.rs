//! What a text may mean: as it stands, and decoded in each way in which exchanges encode values.

use std::ops::Range;

use base64::{
    Engine, alphabet, engine::GeneralPurpose, engine::general_purpose::GeneralPurposeConfig,
};

use textsender_names::visible::shown;

/// The shortest base64 that is decoded: that of a value of four characters without its padding.
const SHORTEST_RUN: usize = 6;

/// Bytes, and where in the text they come from.
pub(super) struct Reading {
    bytes: Vec<u8>,
    source: Source,
}

enum Source {
    /// The start of each byte's source, and the end of the last one's.
    Each(Vec<usize>),
    /// All of it is hidden together.
    Whole(Range<usize>),
}

impl Reading {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The place in the text that a place in the bytes stands for.
    pub(super) fn source(&self, place: Range<usize>) -> Range<usize> {
        match &self.source {
            Source::Each(starts) => starts[place.start]..starts[place.end],
            Source::Whole(run) => run.clone(),
        }
    }
}

/// Calls `read` with every reading of a text that is on one line.
pub(super) fn each(text: &str, mut read: impl FnMut(&Reading)) {
    let plain = Reading {
        bytes: text.as_bytes().to_vec(),
        source: Source::Each((0..=text.len()).collect()),
    };
    base64_runs(&plain, &mut read);
    unescaped(&plain, &mut read);
    if text.contains('%') || text.contains('+') {
        let mut plus = [false, true].into_iter();
        let plus = plus.by_ref().filter(|&plus| !plus || text.contains('+'));
        for plus_is_space in plus {
            let decoded = decoded(&plain, |bytes| percent(bytes, plus_is_space));
            base64_runs(&decoded, &mut read);
            unescaped(&decoded, &mut read);
            read(&decoded);
        }
    }
    read(&plain);
}

/// Reads it as JSON writes strings, if there is an escape in it.
fn unescaped(reading: &Reading, read: &mut impl FnMut(&Reading)) {
    if reading.bytes.contains(&b'\\') {
        read(&decoded(reading, escape));
    }
}

/// Decodes a reading: `next` gives the first character of bytes, and how many it takes, if it is encoded.
fn decoded(reading: &Reading, next: impl Fn(&[u8]) -> Option<(Decoded, usize)>) -> Reading {
    let Source::Each(starts) = &reading.source else {
        unreachable!("only readings with a source for each byte are decoded")
    };
    let mut bytes = Vec::with_capacity(reading.bytes.len());
    let mut sources = Vec::with_capacity(reading.bytes.len() + 1);
    let mut at = 0;
    while at < reading.bytes.len() {
        let rest = &reading.bytes[at..];
        let (character, taken) = next(rest).unwrap_or((Decoded::Byte(rest[0]), 1));
        let before = bytes.len();
        character.append(&mut bytes);
        sources.resize(sources.len() + bytes.len() - before, starts[at]);
        at += taken;
    }
    sources.push(starts[at]);
    flattened(&bytes, &sources)
}

/// On one line, as the values are that it is searched for.
fn flattened(bytes: &[u8], sources: &[usize]) -> Reading {
    let mut line = Vec::with_capacity(bytes.len());
    let mut starts = Vec::with_capacity(sources.len());
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if let Some(c) = shown(c) {
                line.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                starts.resize(line.len(), sources[at]);
            }
            at += c.len_utf8();
        }
        line.extend_from_slice(chunk.invalid());
        starts.resize(line.len(), sources[at]);
        at += chunk.invalid().len();
    }
    starts.push(sources[at]);
    Reading {
        bytes: line,
        source: Source::Each(starts),
    }
}

enum Decoded {
    Byte(u8),
    Char(char),
}

impl Decoded {
    fn append(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Byte(byte) => bytes.push(byte),
            Self::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Percent-encoding (RFC 3986, 2.1), and the space of forms.
fn percent(bytes: &[u8], plus_is_space: bool) -> Option<(Decoded, usize)> {
    match bytes {
        [b'+', ..] if plus_is_space => Some((Decoded::Byte(b' '), 1)),
        [b'%', high, low, ..] => {
            let byte = hex(*high)? << 4 | hex(*low)?;
            Some((Decoded::Byte(byte), 3))
        }
        _ => None,
    }
}

/// An escape of JSON (RFC 8259, 7).
fn escape(bytes: &[u8]) -> Option<(Decoded, usize)> {
    let [b'\\', kind, rest @ ..] = bytes else {
        return None;
    };
    let c = match kind {
        b'"' | b'\\' | b'/' => *kind as char,
        b'b' | b'f' | b'n' | b'r' | b't' => ' ',
        b'u' => return unicode(rest).map(|(c, taken)| (Decoded::Char(c), taken + 2)),
        _ => return None,
    };
    Some((Decoded::Char(c), 2))
}

/// The digits of `\u`, and of a second one where two stand for one character.
fn unicode(digits: &[u8]) -> Option<(char, usize)> {
    let first = four(digits)?;
    if let Some(c) = char::from_u32(first) {
        return Some((c, 4));
    }
    let second = four(digits.get(4..)?.strip_prefix(b"\\u")?)?;
    let pair = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let c = char::decode_utf16(pair).next()?.ok()?;
    Some((c, 10))
}

fn four(digits: &[u8]) -> Option<u32> {
    let digits = digits.get(..4)?.iter();
    digits
        .map(|digit| hex(*digit))
        .try_fold(0, |number, digit| Some(number << 4 | u32::from(digit?)))
}

fn hex(digit: u8) -> Option<u8> {
    let digit = (digit as char).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// Reads every run of base64's characters, from each of the four places at which a value may begin.
fn base64_runs(reading: &Reading, read: &mut impl FnMut(&Reading)) {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let bytes = &reading.bytes;
    let mut at = 0;
    for run in bytes.split(|byte| !is_base64(byte)) {
        let start = at;
        at += run.len() + 1;
        if run.len() < SHORTEST_RUN {
            continue;
        }
        // With its padding.
        let padding = bytes[start + run.len()..]
            .iter()
            .take_while(|byte| **byte == b'=');
        let end = start + run.len() + padding.take(2).count();
        let standard: Vec<u8> = run
            .iter()
            .map(|byte| match byte {
                b'-' => b'+',
                b'_' => b'/',
                byte => *byte,
            })
            .collect();
        for shift in 0..4 {
            let run = &standard[shift..];
            // One character beyond groups of four holds no whole byte.
            let run = &run[..run.len() - usize::from(run.len() % 4 == 1)];
            if let Ok(bytes) = LENIENT.decode(run) {
                read(&Reading {
                    bytes,
                    source: Source::Whole(reading.source(start..end)),
                });
            }
        }
    }
}

/// Without padding, and whatever the last bits are.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);
