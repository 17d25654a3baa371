//! What crosses between the front and a host process: a length, then the serde form.
//!
//! Private to one build: both ends are the same executable, and the first frame says which. The
//! form is `postcard`'s, because it is compact and reads untrusted bytes without surprises.

use std::{io, time::Duration};

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use textsender_plugin_api::{
    Answer, DeliveryStatus, Exchange, ExchangeError, Finding, Found, Level, Message, PluginInfo,
    Receipt, SendError, SettingFault,
};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Refusal, SealPlan, Sealed, verify::Checksum};
use crate::redact::{Foreign, in_frame};

/// The largest frame, in bytes: an answer of 1 MiB and what belongs to it.
pub(super) const MAX_FRAME: usize = 2 * 1024 * 1024;

/// Tells one build from another.
pub(super) const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), "/frames-6");

/// From the front to the host process.
#[derive(Serialize, Deserialize)]
pub(super) enum Down {
    /// The first frame, once.
    Start(Start),
    /// Instead of it: asks for a description, after which the process ends.
    Describe(Describe),
    /// Asks the plugin to do something.
    Call { call: u64, work: Work },
    /// Takes a call back. Answered by [`Up::Cancelled`] unless [`Up::Done`] is on its way.
    Cancel { call: u64 },
    /// Answers an exchange.
    Exchanged {
        exchange: u64,
        result: Result<Answer, ExchangeError>,
    },
    /// The content of files that settings name, or why there is none. Answers [`Up::WantFiles`].
    Files(Vec<(String, Result<String, String>)>),
    /// Asks for the JSON Schema of the settings. Answered by [`Up::Schema`].
    Schema,
    /// Asks whether it still reads. Answered by [`Up::Pong`].
    Ping,
}

/// What a host process needs to start. The settings hold secrets: there is no `Debug`.
#[derive(Serialize, Deserialize)]
pub(super) struct Start {
    pub(super) build: String,
    pub(super) library: std::path::PathBuf,
    pub(super) plugin: String,
    pub(super) settings: String,
    pub(super) max_level: Level,
    /// The checksum that the library must have.
    pub(super) approved: Option<Checksum>,
    pub(super) seal: SealPlan,
}

/// Asks what a plugin says of itself.
#[derive(Serialize, Deserialize)]
pub(super) struct Describe {
    pub(super) build: String,
    pub(super) library: std::path::PathBuf,
    pub(super) plugin: String,
    /// Settings that it is to be described with: a JSON object without secrets.
    pub(super) settings: Option<String>,
    pub(super) seal: SealPlan,
}

/// What a plugin says of itself; `settings` is the JSON Schema of its settings.
#[derive(Serialize, Deserialize)]
pub(super) struct Described {
    pub(super) build: String,
    pub(super) info: PluginInfo,
    pub(super) settings: String,
    /// The providers that its settings choose between: a JSON list.
    pub(super) providers: String,
    /// What is wrong with the settings that came with the question.
    pub(super) faults: Vec<SettingFault>,
}

/// What a plugin is asked to do.
#[derive(Clone, Serialize, Deserialize)]
pub enum Work {
    /// Deliver a message.
    Send(Message),
    /// Tell what became of a message.
    Status(String),
    /// Look for a message that may have been sent since then, in milliseconds of Unix time.
    Find(Message, u64),
    /// Prove credentials and settings.
    Check,
}

/// From the host process to the front.
#[derive(Serialize, Deserialize)]
pub(super) enum Up {
    /// The process is sealed this far. Sent before a plugin's code runs, so that it can be believed.
    Sealed {
        sealed: Sealed,
        /// What it took to verify the library and fix its bytes.
        verifying: Duration,
        /// What it took to seal the process.
        sealing: Duration,
    },
    /// The plugin is loaded and configured.
    Ready {
        build: String,
        #[serde(serialize_with = "in_frame")]
        info: Foreign<PluginInfo>,
    },
    /// What the plugin says of itself, and the process ends.
    Described(#[serde(serialize_with = "in_frame")] Foreign<Described>),
    /// It is not, and the process ends.
    Refused(#[serde(serialize_with = "in_frame")] Foreign<Refusal>),
    /// The plugin wants an exchange carried.
    Exchange {
        call: u64,
        exchange: u64,
        #[serde(serialize_with = "in_frame")]
        request: Foreign<Exchange>,
    },
    /// The plugin logs a line.
    Log {
        level: Level,
        #[serde(serialize_with = "in_frame")]
        line: Foreign,
    },
    /// A call's one result.
    Done {
        call: u64,
        #[serde(serialize_with = "in_frame")]
        result: Foreign<CallOutcome>,
    },
    /// A call was taken back; nothing more comes of it.
    Cancelled { call: u64 },
    /// Before it is configured, the plugin needs the files that these settings name.
    WantFiles(Vec<String>),
    /// The JSON Schema of the settings.
    Schema(#[serde(serialize_with = "in_frame")] Foreign),
    /// It still reads.
    Pong,
}

/// What came of a call inside the plugin.
#[derive(Serialize, Deserialize)]
pub(super) enum CallOutcome {
    Replied(Reply),
    Failed(SendError),
    Panicked,
    TooOld,
}

/// What a plugin replied.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Work::Send`].
    Sent(Receipt),
    /// To [`Work::Status`].
    Status(DeliveryStatus),
    /// To [`Work::Find`].
    Found(Found),
    /// To [`Work::Check`].
    Checked(Vec<Finding>),
}

/// Adds a frame to `buffer`. One that can't be written adds nothing.
pub(super) fn encode(frame: &impl Serialize, buffer: &mut Vec<u8>) -> io::Result<()> {
    let start = buffer.len();
    let encoded = append(frame, buffer);
    if encoded.is_err() {
        buffer.truncate(start);
    }
    encoded
}

fn append(frame: &impl Serialize, buffer: &mut Vec<u8>) -> io::Result<()> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; 4]);
    let end = start + 4 + MAX_FRAME;
    let appended = postcard::serialize_with_flavor(frame, Appended { buffer, end });
    appended.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let length = buffer.len() - start - 4;
    // It fits: MAX_FRAME is far below u32::MAX.
    buffer[start..start + 4].copy_from_slice(&(length as u32).to_le_bytes());
    Ok(())
}

/// A buffer that stays where it is, whatever becomes of what is appended, and takes no more than a frame.
struct Appended<'a> {
    buffer: &'a mut Vec<u8>,
    end: usize,
}

impl Flavor for Appended<'_> {
    type Output = ();

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        if self.buffer.len() + bytes.len() > self.end {
            return Err(postcard::Error::SerializeBufferFull);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        if self.buffer.len() == self.end {
            return Err(postcard::Error::SerializeBufferFull);
        }
        self.buffer.push(byte);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Reads frames from a pipe.
pub(super) struct FrameReader<R> {
    pipe: R,
    buffer: Vec<u8>,
    read: usize,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(super) fn new(pipe: R) -> Self {
        Self {
            pipe,
            buffer: Vec::with_capacity(16 * 1024),
            read: 0,
        }
    }

    /// The next frame; `None` at the end of the pipe.
    ///
    /// # Errors
    ///
    /// The pipe failed or ended inside a frame, or the bytes are no frame.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        loop {
            if let Some(frame) = self.buffered()? {
                return Ok(Some(frame));
            }
            self.compact();
            if self.pipe.read_buf(&mut self.buffer).await? == 0 {
                let whole = self.buffer.is_empty();
                return if whole {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// A frame that is here already.
    fn buffered<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let unread = &self.buffer[self.read..];
        let Some((length, rest)) = unread.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_FRAME {
            return Err(invalid("a frame is too large"));
        }
        let Some(frame) = rest.get(..length) else {
            return Ok(None);
        };
        let (frame, left) = postcard::take_from_bytes(frame).map_err(|_| invalid("no frame"))?;
        if !left.is_empty() {
            return Err(invalid("a frame is longer than it should be"));
        }
        self.read += 4 + length;
        Ok(Some(frame))
    }

    /// Gives the room of read frames back.
    fn compact(&mut self) {
        self.buffer.drain(..self.read);
        self.read = 0;
        if self.buffer.is_empty() {
            self.buffer.shrink_to(64 * 1024);
        }
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8]) -> io::Result<Option<Down>> {
        FrameReader::new(bytes).next().await
    }

    #[tokio::test]
    async fn frames_come_back_whole() {
        let mut bytes = Vec::new();
        for call in 0..100 {
            encode(&Down::Cancel { call }, &mut bytes).unwrap();
        }
        let mut reader = FrameReader::new(bytes.as_slice());
        for expected in 0..100 {
            let frame = reader.next().await.unwrap();
            assert!(matches!(frame, Some(Down::Cancel { call }) if call == expected));
        }
        assert!(reader.next::<Down>().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_frame_that_cannot_be_written_takes_no_other_with_it() {
        struct Unwritable;
        impl Serialize for Unwritable {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let half = to.collect_str("half of it");
                half.and(Err(serde::ser::Error::custom("no more")))
            }
        }
        let mut bytes = Vec::new();
        encode(&Down::Cancel { call: 1 }, &mut bytes).unwrap();
        assert!(encode(&Unwritable, &mut bytes).is_err());
        assert!(encode(&vec![0_u8; MAX_FRAME + 1], &mut bytes).is_err());
        encode(&Down::Cancel { call: 2 }, &mut bytes).unwrap();
        let mut reader = FrameReader::new(bytes.as_slice());
        for expected in 1..=2 {
            let frame = reader.next().await.unwrap();
            assert!(matches!(frame, Some(Down::Cancel { call }) if call == expected));
        }
    }

    #[tokio::test]
    async fn what_is_no_frame_is_an_error() {
        let huge = u32::MAX.to_le_bytes();
        let trailing = [3, 0, 0, 0, 2, 1, 99];
        let unknown = [1, 0, 0, 0, 200];
        let cut = [9, 0, 0, 0, 1];
        for bytes in [&huge[..], &trailing, &unknown, &cut] {
            assert!(read(bytes).await.is_err(), "{bytes:?}");
        }
    }
}
