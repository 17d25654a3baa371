//! Messages as bytes. The types and BER are rasn's; what comes from a server is cut out here, within bounds, and
//! only the kinds of message that a server sends are decoded at all: a request holds filters, which nest.

use rasn::{AsnType, Decode, Decoder, Encode, ber, types::OctetString};
use rasn_ldap::{Control, LdapMessage, LdapResult, ProtocolOp, ResultCode};

use super::Entry;

/// The longest message, in bytes: a token of a thousand groups has 30 KB, an access list 64 KB.
pub const MAX_MESSAGE: usize = 1024 * 1024;

/// The control for answers page by page (RFC 2696).
pub const PAGED: &[u8] = b"1.2.840.113556.1.4.319";

/// The control that says which parts of a security descriptor are asked for (MS-ADTS 3.1.1.3.4.1.11).
const DESCRIPTOR_PARTS: &[u8] = b"1.2.840.113556.1.4.801";

/// Of a descriptor, the access list alone: all else takes rights that a plain user lacks, and then *nothing* comes.
const ACCESS_LIST: u8 = 4;

/// What a server sent is no LDAP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// A message from a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which request it answers.
    pub id: u32,
    /// What it says.
    pub response: Response,
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The end of a bind, an extended request, or of one page of a search.
    Done {
        /// How it ended.
        code: u32,
        /// What the server says of it, in its own words.
        diagnostic: String,
        /// Where the next page begins; empty after the last.
        cookie: Vec<u8>,
    },
    /// An entry that was found.
    Entry(Entry),
    /// Elsewhere there may be more.
    Referral,
    /// What was not asked for, and is passed over.
    Other,
}

/// The value of the control [`PAGED`].
#[derive(AsnType, Encode, Decode, Debug)]
struct Page {
    size: u32,
    cookie: OctetString,
}

/// The value of the control [`DESCRIPTOR_PARTS`].
#[derive(AsnType, Encode, Decode)]
struct DescriptorParts {
    flags: u8,
}

/// How many bytes the message has that begins `bytes`; `None`: too few are there to say.
///
/// # Errors
///
/// No message begins so, or it is longer than one may be.
pub fn frame_length(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    match bytes {
        [] | [0x30] => return Ok(None),
        [0x30, ..] => {}
        _ => return Err(Malformed("it is not LDAP")),
    }
    let Some((header, length)) = length(&bytes[1..])? else {
        return Ok(None);
    };
    match 1 + header + length {
        all if all > MAX_MESSAGE => Err(Malformed("a message is longer than 1 MiB")),
        all => Ok(Some(all)),
    }
}

/// A BER length in definite form: how many bytes it takes, and what it says.
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let count = usize::from(first & 0x7f);
    match first {
        0..=0x7f => return Ok(Some((1, count))),
        0x81..=0x84 => {}
        _ => return Err(Malformed("a length is not one that LDAP allows")),
    }
    let Some(bytes) = rest.get(..count) else {
        return Ok(None);
    };
    let length = bytes
        .iter()
        .fold(0, |all, byte| all << 8 | usize::from(*byte));
    Ok(Some((1 + count, length)))
}

/// Reads one whole message.
///
/// # Errors
///
/// It is none, or of a kind that no server sends.
pub fn decode(frame: &[u8]) -> Result<Message, Malformed> {
    if !is_from_a_server(frame) {
        return Err(Malformed("it is not a message that a server sends"));
    }
    let message: LdapMessage =
        ber::decode(frame).map_err(|_| Malformed("it is not of LDAP's form"))?;
    let id = message.message_id;
    let cookie = cookie(message.controls.unwrap_or_default())?;
    let done = |code: ResultCode, diagnostic: String, cookie| Response::Done {
        code: code as u32,
        diagnostic,
        cookie,
    };
    let response = match message.protocol_op {
        ProtocolOp::BindResponse(end) => {
            done(end.result_code, end.diagnostic_message.0, Vec::new())
        }
        ProtocolOp::ExtendedResp(end) => {
            done(end.result_code, end.diagnostic_message.0, Vec::new())
        }
        ProtocolOp::SearchResDone(end) => {
            let LdapResult {
                result_code,
                diagnostic_message,
                ..
            } = end.0;
            done(result_code, diagnostic_message.0, cookie)
        }
        ProtocolOp::SearchResEntry(found) => Response::Entry(Entry::new(found)),
        ProtocolOp::SearchResRef(_) => Response::Referral,
        _ => Response::Other,
    };
    Ok(Message { id, response })
}

/// Whether what follows the message's number has the tag of something that a server sends.
fn is_from_a_server(frame: &[u8]) -> bool {
    let operation = || {
        let (header, _) = length(frame.get(1..)?).ok()??;
        let rest = frame.get(1 + header..)?;
        let (&number, rest) = rest.split_first()?;
        let (header, length) = length(rest).ok()??;
        let operation = rest.get(header.checked_add(length)?)?;
        (number == 0x02).then_some(*operation)
    };
    // Bind, entry, done, reference, extended and intermediate.
    matches!(operation(), Some(0x61 | 0x64 | 0x65 | 0x73 | 0x78 | 0x79))
}

fn cookie(controls: Vec<Control>) -> Result<Vec<u8>, Malformed> {
    let mut controls = controls.into_iter();
    let Some(paged) = controls.find(|control| &*control.control_type == PAGED) else {
        return Ok(Vec::new());
    };
    let value = paged.control_value.unwrap_or_default();
    let page: Page = ber::decode(&value).map_err(|_| Malformed("a page's control is broken"))?;
    Ok(page.cookie.to_vec())
}

/// A request as bytes.
///
/// # Errors
///
/// The library can't write it.
pub fn encode(
    id: u32,
    operation: ProtocolOp,
    controls: Vec<Control>,
) -> Result<Vec<u8>, Malformed> {
    let mut message = LdapMessage::new(id, operation);
    message.controls = (!controls.is_empty()).then_some(controls);
    ber::encode(&message).map_err(|_| Malformed("the request can't be written"))
}

/// Asks for the page that begins at `cookie`.
pub fn paged(size: u32, cookie: Vec<u8>) -> Result<Control, Malformed> {
    control(
        PAGED,
        &Page {
            size,
            cookie: cookie.into(),
        },
    )
}

/// Asks for access lists alone.
pub fn access_list() -> Result<Control, Malformed> {
    control(DESCRIPTOR_PARTS, &DescriptorParts { flags: ACCESS_LIST })
}

fn control<T: Encode>(oid: &'static [u8], value: &T) -> Result<Control, Malformed> {
    let value = ber::encode(value).map_err(|_| Malformed("a control can't be written"))?;
    Ok(Control::new(
        OctetString::from_static(oid),
        true,
        Some(value.into()),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::hex;

    /// An entry DC=x with the attribute mobile.
    const ENTRY: &str =
        "30 1c 02 01 03 64 17 04 04 44 43 3d 78 30 0f 30 0d 04 06 6d 6f 62 69 6c 65 31 03 04 01 31";

    #[test]
    fn an_entry_is_read() {
        let bytes = hex(ENTRY);
        assert_eq!(frame_length(&bytes), Ok(Some(bytes.len())));
        let message = decode(&bytes).unwrap();
        assert_eq!(message.id, 3);
        let Response::Entry(entry) = message.response else {
            panic!()
        };
        assert_eq!(
            (entry.dn.as_str(), entry.text("MOBILE")),
            ("DC=x", Some("1"))
        );
    }

    #[test]
    fn a_frame_has_a_bound_and_a_definite_length() {
        for (bytes, expected) in [
            ("", Ok(None)),
            ("30", Ok(None)),
            ("3082", Ok(None)),
            ("300c", Ok(Some(14))),
            ("30820100", Ok(Some(260))),
            (
                "308400100000",
                Err(Malformed("a message is longer than 1 MiB")),
            ),
            (
                "3084ffffffff",
                Err(Malformed("a message is longer than 1 MiB")),
            ),
            (
                "3080",
                Err(Malformed("a length is not one that LDAP allows")),
            ),
            (
                "3085",
                Err(Malformed("a length is not one that LDAP allows")),
            ),
            ("160301", Err(Malformed("it is not LDAP"))),
        ] {
            assert_eq!(frame_length(&hex(bytes)), expected, "{bytes}");
        }
    }

    /// A search request with filters a million deep would be decoded by recursion.
    #[test]
    fn what_only_clients_send_is_not_decoded() {
        let search = encode(
            1,
            ProtocolOp::UnbindRequest(rasn_ldap::UnbindRequest),
            Vec::new(),
        );
        assert!(decode(&search.unwrap()).is_err());
        let mut nested = hex("308400100000 020101 63");
        nested.extend(vec![0xa2; 1_000_000]);
        assert!(decode(&nested).is_err());
    }

    #[test]
    fn a_page_s_cookie_is_written_and_read() {
        let control = paged(500, b"next".to_vec()).unwrap();
        assert_eq!(cookie(vec![control]), Ok(b"next".to_vec()));
        assert_eq!(cookie(Vec::new()), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = frame_length(&bytes);
            let _ = decode(&bytes);
        }

        /// A whole message with some bytes changed comes further into the decoder than noise.
        #[test]
        fn a_damaged_message_is_read_or_refused(
            damage in prop::collection::vec((0_usize..30, any::<u8>()), 0..6),
        ) {
            let mut bytes = hex(ENTRY);
            for (at, byte) in damage {
                bytes[at] = byte;
            }
            let _ = frame_length(&bytes);
            let _ = decode(&bytes);
        }
    }
}
