//! What a server's bytes reach, each with what must hold whatever they are. `tests/fuzz` hands these to a fuzzer, on
//! a nightly toolchain; the test below replays what is kept in `tests/fuzz/corpus`.

use std::collections::HashSet;

use textsender_names::{Dn, Sid};

use crate::{
    descriptor, gplink,
    ldap::{decode, frame_length},
};

/// A function for each kind of bytes.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 3] = [
    ("access-list", access_list),
    ("gplink", links),
    ("ldap", messages),
];

/// A security descriptor: it is held against any user, and its SIDs are written as they are read.
pub fn access_list(bytes: &[u8]) {
    let Ok(entries) = descriptor::parse(bytes) else {
        return;
    };
    // An entry has eight bytes and a SID at least.
    assert!(entries.len() <= bytes.len() / 20);
    for entry in &entries {
        let token = HashSet::from([entry.trustee]);
        let _ = descriptor::passes(&entries, &token);
        assert_eq!(entry.trustee.to_string().parse::<Sid>(), Ok(entry.trustee));
    }
    assert!(!descriptor::passes(&entries, &HashSet::new()));
}

/// The links of a container: the orders are one to the last, and a fault has its place.
pub fn links(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match gplink::parse(text) {
        Ok(links) => {
            let orders = links.iter().map(|named| named.link.order);
            assert!(orders.eq(1..=links.len() as u32));
        }
        Err(error) => assert!(error.at <= text.len()),
    }
    if let Ok(dn) = Dn::parse(text) {
        assert!(dn.containers().count() > 0);
        let _ = dn.name();
    }
}

/// What a server sends, message after message: each is read or refused, and within its frame.
pub fn messages(mut bytes: &[u8]) {
    while let Ok(Some(length)) = frame_length(bytes) {
        let Some((frame, rest)) = bytes.split_at_checked(length) else {
            return;
        };
        let _ = decode(frame);
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn what_the_fuzzer_kept_still_holds() {
        let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus");
        for (name, target) in TARGETS {
            let files = fs::read_dir(corpora.join(name)).unwrap();
            let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
            assert!(!files.is_empty(), "there is no corpus for {name}");
            for file in files {
                target(&fs::read(&file).unwrap());
            }
        }
    }
}
