//! How much a service may send: requests a minute, and texts a day.

use std::collections::HashMap;

use jiff::Timestamp;

use super::error::error;
use super::service::{KeyKind, Service};
use crate::sandbox::http::Answer;

/// Most requests at once, however high the rate.
const MAX_BURST: f64 = 1000.0;
const DAY: i64 = 24 * 60 * 60;

/// What all services have used up.
#[derive(Debug, Default)]
pub(super) struct Limits {
    buckets: HashMap<(String, &'static str), Bucket>,
    days: HashMap<String, Day>,
}

/// Tokens that refill with time; a request takes one.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

/// The texts of one day, UTC.
#[derive(Clone, Copy, Debug, Default)]
struct Day {
    day: i64,
    texts: u32,
    international: u32,
}

impl Limits {
    /// Uses up one request, unless it is only asked whether one may come (`take`).
    pub fn request(
        &mut self,
        service: &Service,
        kind: KeyKind,
        now: Timestamp,
        take: bool,
    ) -> Result<(), Answer> {
        let rate = f64::from(service.rate_per_minute);
        // Two tokens must be there for one request to pass, and a refused one takes a token as well: who asks
        // again at once is refused for ever.
        let burst = ((rate / 3.0).ceil() + 1.0).min(MAX_BURST);
        let full = Bucket {
            tokens: burst,
            at: now,
        };
        let bucket = self
            .buckets
            .entry((service.id.clone(), kind.name()))
            .or_insert(full);
        let seconds = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        let tokens = (bucket.tokens + seconds * rate / 60.0).min(burst);
        let allowed = tokens >= 2.0;
        if take {
            let tokens = (tokens - 1.0).max(0.0);
            *bucket = Bucket { tokens, at: now };
        }
        if allowed {
            return Ok(());
        }
        let message = format!(
            "Exceeded rate limit for key type {} of {} requests per 60 seconds",
            kind.name(),
            service.rate_per_minute
        );
        Err(error(429, "RateLimitError", &message))
    }

    /// Uses up one text of the day, or says that there is none left.
    pub fn text(
        &mut self,
        service: &Service,
        kind: KeyKind,
        international: bool,
        now: Timestamp,
        take: bool,
    ) -> Result<(), Answer> {
        // Test keys send nothing, so they use up nothing.
        if kind == KeyKind::Test {
            return Ok(());
        }
        let today = now.as_second().div_euclid(DAY);
        let day = self.days.entry(service.id.clone()).or_default();
        if day.day != today {
            *day = Day {
                day: today,
                ..Day::default()
            };
        }
        let exceeded = |what: &str, limit: u32| {
            let message = format!("Exceeded send limits ({what}: {limit}) for today");
            Err(error(429, "TooManyRequestsError", &message))
        };
        if day.texts >= service.daily_limit {
            return exceeded("sms", service.daily_limit);
        }
        if international && day.international >= service.daily_international_limit {
            return exceeded("international_sms", service.daily_international_limit);
        }
        if take {
            day.texts += 1;
            day.international += u32::from(international);
        }
        Ok(())
    }
}
