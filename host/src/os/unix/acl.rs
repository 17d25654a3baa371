//! Who may write to a file beside its owner: its group, or those whom its access list names (acl(5)).

use std::{fs::File, io, os::fd::AsRawFd, path::Path};

use rustix::io::Errno;

/// The extended attribute that holds an access list.
const LIST: &str = "system.posix_acl_access";

/// The largest value of an extended attribute.
const MAX_LIST: usize = 64 * 1024;

/// Who may write, by number.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Writers {
    /// Accounts that are named.
    pub users: Vec<u32>,
    /// Groups: the file's own, and those that are named.
    pub groups: Vec<u32>,
}

/// Who may write to a file whose group's bits say that more than its owner may; `group` is its own.
///
/// # Errors
///
/// Its list can't be read.
pub fn writers(file: &File, group: u32) -> io::Result<Writers> {
    let by_mode = Writers {
        users: Vec::new(),
        groups: vec![group],
    };
    match list(file) {
        Ok(list) => parse(&list, group).ok_or_else(|| io::ErrorKind::InvalidData.into()),
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(by_mode),
        Err(error) => Err(error.into()),
    }
}

fn list(file: &File) -> Result<Vec<u8>, Errno> {
    // By this name, as the file may be open for nothing but looking at it.
    let name = format!("/proc/self/fd/{}", file.as_raw_fd());
    let mut value = vec![0; MAX_LIST];
    let length = rustix::fs::getxattr(Path::new(&name), LIST, &mut value)?;
    value.truncate(length);
    Ok(value)
}

/// The list as the kernel gives it: a version, then tag, rights and number of each entry.
fn parse(list: &[u8], group: u32) -> Option<Writers> {
    const VERSION: u32 = 2;
    const USER: u16 = 0x02;
    const OWNING_GROUP: u16 = 0x04;
    const GROUP: u16 = 0x08;
    const MASK: u16 = 0x10;
    const WRITE: u16 = 0o2;

    let (version, entries) = list.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*version) != VERSION {
        return None;
    }
    let (entries, []) = entries.as_chunks::<8>() else {
        return None;
    };
    let entries = entries.iter().map(|[a, b, c, d, number @ ..]| {
        let tag = u16::from_le_bytes([*a, *b]);
        (
            tag,
            u16::from_le_bytes([*c, *d]),
            u32::from_le_bytes(*number),
        )
    });
    let mask = entries.clone().find(|(tag, ..)| *tag == MASK);
    let mask = mask.map_or(u16::MAX, |(_, rights, _)| rights);
    let mut writers = Writers::default();
    for (tag, rights, number) in entries {
        match tag {
            _ if rights & mask & WRITE == 0 => {}
            USER => writers.users.push(number),
            OWNING_GROUP => writers.groups.push(group),
            GROUP => writers.groups.push(number),
            _ => {}
        }
    }
    Some(writers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut list = 2_u32.to_le_bytes().to_vec();
        for (tag, rights, number) in entries {
            list.extend(tag.to_le_bytes());
            list.extend(rights.to_le_bytes());
            list.extend(number.to_le_bytes());
        }
        list
    }

    #[test]
    fn a_list_names_those_who_may_write() {
        // user::rw-, user:1000:rw-, user:1001:r--, group::rw-, group:50:rw-, mask::rw-, other::r--
        let entries = [
            (0x01, 6, u32::MAX),
            (0x02, 6, 1000),
            (0x02, 4, 1001),
            (0x04, 6, u32::MAX),
            (0x08, 6, 50),
            (0x10, 6, u32::MAX),
            (0x20, 4, u32::MAX),
        ];
        let expected = Writers {
            users: vec![1000],
            groups: vec![7, 50],
        };
        assert_eq!(parse(&list(&entries), 7), Some(expected));
        // The mask takes the right to write from all of them.
        let masked = entries.map(|(tag, rights, number)| match tag {
            0x10 => (tag, 4, number),
            _ => (tag, rights, number),
        });
        assert_eq!(parse(&list(&masked), 7), Some(Writers::default()));
        for broken in [&b""[..], b"\x03\0\0\0", b"\x02\0\0\0\x01"] {
            assert_eq!(parse(broken, 7), None);
        }
    }
}
