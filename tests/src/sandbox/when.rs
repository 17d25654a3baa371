//! When a fault strikes: a small rule language that tests and the command line share.
//!
//! A [`When`] is a list of conditions, all of which must hold. [`Rules`] keeps faults in the order in which
//! they were set; the first rule that strikes wins, and the rules behind it do not count the request.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::lock;

/// The conditions under which a fault strikes. All of them must hold.
///
/// ```
/// use textsender_tests::sandbox::When;
/// let first_two_to_ada = When::always().to("+447700900123").times(2);
/// let third_request = When::nth(3);
/// let one_in_ten = When::always().chance(0.1, 7);
/// # let _ = (first_two_to_ada, third_request, one_in_ten);
/// ```
#[derive(Clone, Debug)]
pub struct When {
    to: Option<String>,
    method: Option<String>,
    path: Option<String>,
    skip: u64,
    every: u64,
    left: Option<u64>,
    chance: Option<Chance>,
    seen: u64,
}

/// What a rule may look at: the facts of one request or one SMTP command.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts<'a> {
    /// The recipient as the client wrote it, where there is one.
    pub to: Option<&'a str>,
    /// The HTTP method.
    pub method: Option<&'a str>,
    /// The HTTP path, without the query.
    pub path: Option<&'a str>,
}

impl When {
    /// Every request.
    pub fn always() -> Self {
        Self {
            to: None,
            method: None,
            path: None,
            skip: 0,
            every: 1,
            left: None,
            chance: None,
            seen: 0,
        }
    }

    /// The next request only. Several of these are a queue.
    pub fn next() -> Self {
        Self::always().times(1)
    }

    /// The `n`th request from now on, counted from 1.
    pub fn nth(n: u64) -> Self {
        Self::always().after(n.saturating_sub(1)).times(1)
    }

    /// Only requests for this recipient, compared with what the client wrote: a number, or for SMTP an address.
    #[must_use]
    pub fn to(mut self, recipient: &str) -> Self {
        self.to = Some(recipient.to_owned());
        self
    }

    /// Only requests with this HTTP method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// Only requests whose HTTP path holds this text.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Lets the first `n` requests that meet the other conditions pass.
    #[must_use]
    pub fn after(mut self, n: u64) -> Self {
        self.skip = n;
        self
    }

    /// Strikes at one request in `n`, beginning with the first; 0 counts as 1.
    #[must_use]
    pub fn every(mut self, n: u64) -> Self {
        self.every = n.max(1);
        self
    }

    /// Strikes at most `n` times, then never again.
    #[must_use]
    pub fn times(mut self, n: u64) -> Self {
        self.left = Some(n);
        self
    }

    /// Strikes with this probability (0 to 1). The same seed gives the same sequence.
    #[must_use]
    pub fn chance(mut self, probability: f64, seed: u64) -> Self {
        self.chance = Some(Chance {
            probability,
            state: seed,
        });
        self
    }

    /// Whether a condition looks into the request, so that it has to be read first.
    pub(crate) fn looks_inside(&self) -> bool {
        self.to.is_some() || self.method.is_some() || self.path.is_some()
    }

    fn strikes(&mut self, facts: &Facts) -> bool {
        if self.left == Some(0) || !self.describes(facts) {
            return false;
        }
        self.seen += 1;
        if self.seen <= self.skip || !(self.seen - self.skip - 1).is_multiple_of(self.every) {
            return false;
        }
        if self.chance.as_mut().is_some_and(|chance| !chance.falls()) {
            return false;
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        true
    }

    fn describes(&self, facts: &Facts) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        let holds = |part: &str| facts.path.is_some_and(|path| path.contains(part));
        is(&self.to, facts.to)
            && is(&self.method, facts.method)
            && self.path.as_deref().is_none_or(holds)
    }
}

/// A seeded generator (SplitMix64), so that a random test can be repeated.
#[derive(Clone, Debug)]
struct Chance {
    probability: f64,
    state: u64,
}

impl Chance {
    fn falls(&mut self) -> bool {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // 53 bits fill a float's mantissa evenly.
        ((z >> 11) as f64) / ((1_u64 << 53) as f64) < self.probability
    }
}

/// The faults of one provider, each with its conditions.
#[derive(Debug)]
pub(crate) struct Rules<F> {
    rules: Mutex<Vec<(When, F)>>,
    // Kept apart so that the usual case, no rule at all, takes no lock.
    count: AtomicUsize,
}

impl<F> Default for Rules<F> {
    fn default() -> Self {
        Self {
            rules: Mutex::new(Vec::new()),
            count: AtomicUsize::new(0),
        }
    }
}

impl<F: Clone> Rules<F> {
    /// Adds a rule behind those that are there.
    pub fn add(&self, when: When, fault: F) {
        let mut rules = lock(&self.rules);
        rules.push((when, fault));
        self.count.store(rules.len(), Ordering::Release);
    }

    /// Removes every rule.
    pub fn clear(&self) {
        let mut rules = lock(&self.rules);
        rules.clear();
        self.count.store(0, Ordering::Release);
    }

    /// Whether there is no rule to ask, so that the facts need not be gathered.
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// The fault that strikes here, of those that `wanted` lets through.
    pub fn pick(&self, facts: &Facts, wanted: impl Fn(&F) -> bool) -> Option<F> {
        if self.is_empty() {
            return None;
        }
        let mut rules = lock(&self.rules);
        let struck = rules.iter_mut().find_map(|(when, fault)| {
            (wanted(fault) && when.strikes(facts)).then(|| fault.clone())
        });
        rules.retain(|(when, _)| when.left != Some(0));
        self.count.store(rules.len(), Ordering::Release);
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the first ten requests a rule strikes at, as a picture.
    fn picture(when: When) -> String {
        let rules = Rules::default();
        rules.add(when, ());
        (0..10)
            .map(|_| {
                rules
                    .pick(&Facts::default(), |_| true)
                    .map_or('.', |()| 'x')
            })
            .collect()
    }

    #[test]
    fn a_rule_counts_the_requests_it_describes() {
        for (when, expected) in [
            (When::always(), "xxxxxxxxxx"),
            (When::next(), "x........."),
            (When::nth(3), "..x......."),
            (When::nth(1), "x........."),
            (When::always().times(4), "xxxx......"),
            (When::always().after(7), ".......xxx"),
            (When::always().after(2).times(3), "..xxx....."),
            (When::always().every(3), "x..x..x..x"),
            (When::always().every(3).times(2), "x..x......"),
            (When::always().every(0), "xxxxxxxxxx"),
            (When::always().chance(0.0, 1), ".........."),
            (When::always().chance(1.0, 1), "xxxxxxxxxx"),
            (When::always().to("+447700900123"), ".........."),
        ] {
            assert_eq!(picture(when.clone()), expected, "{when:?}");
        }
    }

    #[test]
    fn chance_repeats_with_its_seed_and_keeps_its_rate() {
        let strikes = |seed| {
            let rules = Rules::default();
            rules.add(When::always().chance(0.25, seed), ());
            (0..10_000)
                .filter(|_| rules.pick(&Facts::default(), |_| true).is_some())
                .count()
        };
        assert_eq!(strikes(7), strikes(7));
        assert_ne!(
            picture(When::always().chance(0.5, 1)),
            picture(When::always().chance(0.5, 2))
        );
        assert!((2_300..2_700).contains(&strikes(7)), "{}", strikes(7));
    }

    #[test]
    fn conditions_look_at_recipient_method_and_path() {
        let rules = Rules::default();
        rules.add(When::always().to("+1").method("post").path("Messages"), ());
        let facts = Facts {
            to: Some("+1"),
            method: Some("POST"),
            path: Some("/a/Messages.json"),
        };
        let missed = [
            Facts {
                to: Some("+2"),
                ..facts
            },
            Facts { to: None, ..facts },
            Facts {
                method: Some("GET"),
                ..facts
            },
            Facts {
                path: Some("/a"),
                ..facts
            },
        ];
        assert!(rules.pick(&facts, |_| true).is_some());
        for facts in missed {
            assert!(rules.pick(&facts, |_| true).is_none(), "{facts:?}");
        }
    }

    #[test]
    fn the_first_rule_that_strikes_wins_and_a_spent_one_goes() {
        let rules = Rules::default();
        rules.add(When::next(), "first");
        rules.add(When::next(), "second");
        rules.add(When::always(), "rest");
        let picked = || rules.pick(&Facts::default(), |_| true);
        assert_eq!(
            [picked(), picked(), picked(), picked()],
            [Some("first"), Some("second"), Some("rest"), Some("rest")]
        );
        rules.clear();
        assert!(rules.is_empty());
        assert_eq!(rules.pick(&Facts::default(), |_| true), None);
    }
}
