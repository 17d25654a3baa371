//! What the ledger has for monitoring: how senders did, and what was sent.

use jiff::{SignedDuration, Timestamp};

use crate::ledger::{
    Deliveries, Exposition, Health, History, LedgerError, Pause, SenderState, Tally, Total, UsedBy,
    Uses,
};

/// What the ledger has.
#[derive(Default)]
pub struct Recorded {
    tallies: Vec<Tally>,
    totals: Vec<Total>,
    senders: Vec<SenderState>,
    last_accepted: Option<Timestamp>,
    uses: Vec<Uses>,
    deliveries: Vec<Deliveries>,
    without_hub: u64,
    pauses: Vec<Pause>,
}

impl Recorded {
    /// Reads it; counts what came since then.
    ///
    /// # Errors
    ///
    /// The ledger can't be read.
    pub fn read(ledger: &History, since: Timestamp, now: Timestamp) -> Result<Self, LedgerError> {
        Ok(Self {
            tallies: ledger.tallies(Some(since))?,
            totals: ledger.totals()?,
            senders: ledger.senders(now)?,
            last_accepted: ledger.last_accepted()?,
            uses: ledger.uses(UsedBy::Sender, Some(since))?,
            deliveries: ledger.deliveries(Some(since))?,
            without_hub: ledger.sent_without_hub(Some(since))?,
            pauses: ledger.pauses(now)?,
        })
    }

    /// Writes it, with how far back it counted.
    pub fn write(&self, window: SignedDuration, page: &mut Exposition) {
        if let Some(at) = self.last_accepted {
            page.gauge(
                "textsender_last_accepted_timestamp_seconds",
                "When a provider last took a message.",
                &[(Vec::new(), at.as_second())],
            );
        }
        self.write_senders(page);
        page.ledger(&self.tallies, &self.senders, window);
        page.totals(&self.totals);
        page.uses(&self.uses);
        page.deliveries(&self.deliveries);
        page.without_hub(self.without_hub);
        let pauses = self.pauses.iter().map(|pause| {
            let (what, name) = pause.subject.parts();
            let name = name.unwrap_or_default().to_owned();
            (vec![("what", what.to_owned()), ("name", name)], 1_u64)
        });
        page.gauge(
            "textsender_paused",
            "1 for each thing that an administrator has paused: `textsender pause`.",
            &pauses.collect::<Vec<_>>(),
        );
    }

    fn write_senders(&self, page: &mut Exposition) {
        let label = |name: &str| vec![("sender", name.to_owned())];
        let paused = self.senders.iter().map(|known| {
            let is_paused = !matches!(known.health, Health::Good);
            (label(&known.sender), u64::from(is_paused))
        });
        let failing = self.senders.iter().filter_map(|known| match &known.health {
            Health::Good | Health::RateLimited { .. } => None,
            Health::Trial { reason, .. } | Health::Paused { reason, .. } => {
                let mut labels = label(&known.sender);
                labels.push(("reason", reason.clone()));
                Some((labels, 1_u64))
            }
        });
        page.gauge(
            "textsender_sender_paused",
            "Whether a sender that ever failed is asked last, as it fails now.",
            &paused.collect::<Vec<_>>(),
        );
        page.gauge(
            "textsender_sender_failing_info",
            "The error code with which a sender fails now.",
            &failing.collect::<Vec<_>>(),
        );
    }
}
