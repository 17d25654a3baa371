//! What can go wrong with one HTTP exchange, and whether the provider takes the text all the same.
//!
//! | fault | the client sees | the text is taken |
//! |---|---|---|
//! | [`Fault::status`] | this status, the provider's own error body | no |
//! | [`Fault::html`] | this status, a proxy's HTML page | no |
//! | [`Fault::redirect`] | 307 and a `Location` | no |
//! | [`Fault::delay`] | the right answer, late | yes |
//! | [`Fault::held`] | the right answer, once a [`Hold`] lets it go | yes |
//! | [`Fault::drop_unread`] | the connection closes before the request was read | no, never |
//! | [`Fault::drop`] | it closes when the request was read | no |
//! | [`Fault::reset`] | the same, with a TCP reset | no |
//! | [`Fault::silence`] | nothing, the connection stays open | no |
//! | [`Fault::cut`] | half of the right answer's body, then the end | yes |
//! | [`Fault::close_after`] | the right answer, then the end without notice | yes |
//! | [`Fault::empty_body`] | the right status, no body | yes |
//! | [`Fault::bad_json`] | the right status, a body that ends too soon | yes |
//! | [`Fault::huge_body`] | the right status, valid JSON of this many bytes | yes |
//! | [`Fault::endless_body`] | the right status, a body without an end | yes |
//! | [`Fault::drip`] | the right answer, byte by byte | yes |
//! | [`Fault::header_flood`] | the right answer behind this many header lines | yes |
//! | [`Fault::interim`] | interim answers (100) without an end | yes |
//! | [`Fault::gzip_bomb`] | gzip nobody asked for, which unpacks to this many bytes | yes |
//! | [`Fault::invalid_http`] | bytes that are not HTTP | no |
//!
//! [`Fault::taken`] and [`Fault::not_taken`] choose otherwise. Whatever is chosen is exact: a request that the
//! provider would have refused is never taken, one that it would have accepted is taken once or not at all.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

/// Something that goes wrong with one exchange. The module's table has them all.
#[derive(Clone, Debug)]
pub struct Fault {
    pub(crate) effect: Effect,
    pub(crate) delay: Duration,
    pub(crate) hold: Option<Hold>,
    pub(crate) takes: bool,
}

/// Holds answers back until it is told to let them go, so that what comes before them is no luck. Clones are the
/// same.
#[derive(Clone, Debug)]
pub struct Hold(Arc<Semaphore>);

impl Default for Hold {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl Hold {
    /// Lets so many answers go, or those that come next.
    pub fn release(&self, count: usize) {
        self.0.add_permits(count);
    }

    async fn wait(&self) {
        // Nothing closes the semaphore.
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

/// What happens on the wire once the request is dealt with.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Genuine,
    Status {
        status: u16,
        headers: Vec<(String, String)>,
        body: Option<Bytes>,
    },
    DropUnread,
    Drop,
    Reset,
    Silence,
    Cut,
    CloseAfter,
    EmptyBody,
    BadJson,
    HugeBody(u64),
    EndlessBody,
    Drip(Duration),
    HeaderFlood(usize),
    Interim,
    GzipBomb(u64),
    InvalidHttp,
}

impl Fault {
    /// An answer with this status and the body that the provider sends with it.
    pub fn status(status: u16) -> Self {
        Self::of(
            Effect::Status {
                status,
                headers: Vec::new(),
                body: None,
            },
            false,
        )
    }

    /// The error page of a proxy in front of the provider.
    pub fn html(status: u16) -> Self {
        let page = format!(
            "<html><head><title>{status}</title></head><body><h1>{status} Bad Gateway</h1></body></html>"
        );
        Self::status(status)
            .header("Content-Type", "text/html")
            .body(page)
    }

    /// A redirect (307) to another address.
    pub fn redirect(location: &str) -> Self {
        Self::status(307).header("Location", location).body("")
    }

    /// The right answer, this much later. The text is taken before the wait.
    pub fn delay(delay: Duration) -> Self {
        Self::of(Effect::Genuine, true).after(delay)
    }

    /// The right answer, when the hold lets it go. The text is taken before the wait.
    pub fn held(hold: &Hold) -> Self {
        Self {
            hold: Some(hold.clone()),
            ..Self::of(Effect::Genuine, true)
        }
    }

    /// Closes the connection when the first bytes of the request come, and reads none of it.
    pub fn drop_unread() -> Self {
        Self::of(Effect::DropUnread, false)
    }

    /// Reads the request to its end and closes the connection without an answer.
    pub fn drop() -> Self {
        Self::of(Effect::Drop, false)
    }

    /// Reads the request to its end and resets the connection (RST).
    pub fn reset() -> Self {
        Self::of(Effect::Reset, false)
    }

    /// Reads the request and never answers; the connection stays open.
    pub fn silence() -> Self {
        Self::of(Effect::Silence, false)
    }

    /// Announces the right answer's length, sends half of the body and closes.
    pub fn cut() -> Self {
        Self::of(Effect::Cut, true)
    }

    /// Answers as if the connection stayed open, then closes it.
    pub fn close_after() -> Self {
        Self::of(Effect::CloseAfter, true)
    }

    /// The right status with no body.
    pub fn empty_body() -> Self {
        Self::of(Effect::EmptyBody, true)
    }

    /// The right status; the body is complete as HTTP but cut off as JSON.
    pub fn bad_json() -> Self {
        Self::of(Effect::BadJson, true)
    }

    /// The right status with a valid JSON body of this many bytes (at least 14).
    pub fn huge_body(bytes: u64) -> Self {
        Self::of(Effect::HugeBody(bytes), true)
    }

    /// The right status with a body that goes on until the client gives up.
    pub fn endless_body() -> Self {
        Self::of(Effect::EndlessBody, true)
    }

    /// The right answer, one byte at a time with this pause between them.
    pub fn drip(pause: Duration) -> Self {
        Self::of(Effect::Drip(pause), true)
    }

    /// The right answer with this many extra header lines in front of it.
    pub fn header_flood(lines: usize) -> Self {
        Self::of(Effect::HeaderFlood(lines), true)
    }

    /// Interim answers (100) that go on until the client gives up.
    pub fn interim() -> Self {
        Self::of(Effect::Interim, true)
    }

    /// A small gzip body that unpacks to this many bytes and the right answer behind them.
    pub fn gzip_bomb(unpacked: u64) -> Self {
        Self::of(Effect::GzipBomb(unpacked), true)
    }

    /// Bytes that are not HTTP, then the end of the connection.
    pub fn invalid_http() -> Self {
        Self::of(Effect::InvalidHttp, false)
    }

    /// Adds a header line; for [`Fault::status`] and what is made of it. Others have no headers of their own.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Effect::Status { headers, .. } = &mut self.effect {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Replaces the body; for [`Fault::status`] and what is made of it. Others have no body of their own.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        if let Effect::Status { body, .. } = &mut self.effect {
            *body = Some(bytes.into());
        }
        self
    }

    /// Waits this long between reading the request and what follows.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The provider takes the text although the client is not told so.
    #[must_use]
    pub fn taken(mut self) -> Self {
        self.takes = !matches!(self.effect, Effect::DropUnread);
        self
    }

    /// The provider does not take the text, whatever the client is told.
    #[must_use]
    pub fn not_taken(mut self) -> Self {
        self.takes = false;
        self
    }

    /// Waits as long as it is told to, between reading the request and what follows.
    pub(crate) async fn wait(&self) {
        if self.delay > Duration::ZERO {
            tokio::time::sleep(self.delay).await;
        }
        if let Some(hold) = &self.hold {
            hold.wait().await;
        }
    }

    /// Whether it strikes before the request is read.
    pub(crate) fn is_blind(&self) -> bool {
        matches!(self.effect, Effect::DropUnread)
    }

    fn of(effect: Effect, takes: bool) -> Self {
        Self {
            effect,
            delay: Duration::ZERO,
            hold: None,
            takes,
        }
    }
}
