//! The one session: opened once by the address that is printed, ended by time, by its owner, or with the process.

use std::time::Duration;

use ring::digest::{SHA256, digest};
use tokio::time::Instant;

/// How long the printed address holds.
pub const TICKET: Duration = Duration::from_secs(60);

/// How long the session lasts without a request.
pub const IDLE: Duration = Duration::from_secs(15 * 60);

/// How long it lasts at most.
pub const WHOLE: Duration = Duration::from_secs(8 * 60 * 60);

/// Where the session stands.
pub struct Session {
    state: State,
}

enum State {
    Waiting {
        ticket: Proof,
        until: Instant,
    },
    Open {
        cookie: Proof,
        token: String,
        until: Instant,
        seen: Instant,
    },
    Ended,
}

/// A secret that is only ever compared: what takes time is the hash, which tells nothing of it.
struct Proof([u8; 32]);

/// What an opened session is given.
pub struct Opened {
    /// The cookie's value.
    pub cookie: String,
}

impl Session {
    /// One that waits to be opened by this ticket.
    pub fn waiting(ticket: &str, now: Instant) -> Self {
        let state = State::Waiting {
            ticket: Proof::of(ticket),
            until: now + TICKET,
        };
        Self { state }
    }

    /// Whether this ticket would open it. Looking does not use it up: browsers look ahead.
    pub fn would_open(&self, given: &str, now: Instant) -> bool {
        match &self.state {
            State::Waiting { ticket, until } => ticket.is(given) && now <= *until,
            _ => false,
        }
    }

    /// Opens it.
    ///
    /// # Errors
    ///
    /// The system has no random bytes.
    pub fn open(&mut self, given: &str, now: Instant) -> Result<Option<Opened>, getrandom::Error> {
        if !self.would_open(given, now) {
            return Ok(None);
        }
        let cookie = random::<32>()?;
        self.state = State::Open {
            cookie: Proof::of(&cookie),
            token: random::<32>()?,
            until: now + WHOLE,
            seen: now,
        };
        Ok(Some(Opened { cookie }))
    }

    /// The token of the session's forms, for who has its cookie.
    pub fn enter(&mut self, given: Option<&str>, now: Instant) -> Option<String> {
        let State::Open {
            cookie,
            token,
            until,
            seen,
        } = &mut self.state
        else {
            return None;
        };
        if now > *until || now.duration_since(*seen) > IDLE {
            self.state = State::Ended;
            return None;
        }
        if !given.is_some_and(|given| cookie.is(given)) {
            return None;
        }
        *seen = now;
        Some(token.clone())
    }

    /// Ends it.
    pub fn close(&mut self) {
        self.state = State::Ended;
    }

    /// When it ends if no request comes before; `None`: it has ended.
    pub fn ends_at(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { until, .. } => Some(*until),
            State::Open { until, seen, .. } => Some((*until).min(*seen + IDLE)),
            State::Ended => None,
        }
    }

    /// Ends it if its time is up.
    pub fn expire(&mut self, now: Instant) {
        if self.ends_at().is_some_and(|end| now > end) {
            self.state = State::Ended;
        }
    }

    /// Whether it was opened, and has ended.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

impl Proof {
    fn of(secret: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
        Self(hash)
    }

    fn is(&self, given: &str) -> bool {
        self.0 == Self::of(given).0
    }
}

/// Whether two secrets are the same.
pub fn same(a: &str, b: &str) -> bool {
    Proof::of(a).is(b)
}

/// So many random bytes in hexadecimal.
///
/// # Errors
///
/// The system has none.
pub fn random<const BYTES: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn opened(now: Instant) -> (Session, String) {
        let mut session = Session::waiting("ticket", now);
        let opened = session.open("ticket", now).unwrap().unwrap();
        (session, opened.cookie)
    }

    #[test]
    fn the_address_holds_once_and_for_a_minute() {
        let now = Instant::now();
        let mut session = Session::waiting("ticket", now);
        assert!(!session.would_open("other", now));
        for _ in 0..3 {
            assert!(session.would_open("ticket", now), "looking uses nothing up");
        }
        let late = now + TICKET + Duration::from_secs(1);
        assert!(session.open("ticket", late).unwrap().is_none());
        assert!(session.open("ticket", now + TICKET).unwrap().is_some());
        assert!(session.open("ticket", now).unwrap().is_none());
    }

    #[test]
    fn fifteen_idle_minutes_end_it() {
        let now = Instant::now();
        let (mut session, cookie) = opened(now);
        assert!(session.enter(Some(&cookie), now + IDLE).is_some());
        let late = now + IDLE + IDLE + Duration::from_secs(1);
        assert!(session.enter(Some(&cookie), late).is_none());
        assert!(session.is_over());
        assert!(session.enter(Some(&cookie), now).is_none(), "for good");
    }

    #[test]
    fn eight_hours_end_it_however_busy_it_is() {
        let now = Instant::now();
        let (mut session, cookie) = opened(now);
        let mut at = now;
        while at + IDLE <= now + WHOLE {
            at += IDLE;
            assert!(session.enter(Some(&cookie), at).is_some());
        }
        let late = now + WHOLE + Duration::from_secs(1);
        assert!(session.enter(Some(&cookie), late).is_none());
    }

    #[test]
    fn it_ends_when_its_time_is_up_even_if_no_request_comes() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut waiting = Session::waiting("ticket", now);
        assert_eq!(waiting.ends_at(), Some(now + TICKET));
        waiting.expire(now + TICKET);
        assert!(!waiting.is_over());
        waiting.expire(now + TICKET + second);
        assert!(waiting.is_over());

        let (mut session, cookie) = opened(now);
        assert_eq!(session.ends_at(), Some(now + IDLE));
        session.enter(Some(&cookie), now + IDLE);
        assert_eq!(session.ends_at(), Some(now + IDLE + IDLE));
        session.expire(now + IDLE + IDLE + second);
        assert!(session.is_over());
        assert_eq!(session.ends_at(), None);
    }

    #[test]
    fn another_cookie_enters_nothing_and_ends_nothing() {
        let now = Instant::now();
        let (mut session, cookie) = opened(now);
        assert!(session.enter(Some("other"), now).is_none());
        assert!(session.enter(None, now).is_none());
        assert!(session.enter(Some(&cookie), now).is_some());
        session.close();
        assert!(session.enter(Some(&cookie), now).is_none());
    }
}
