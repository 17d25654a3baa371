//! How an installation stands, for monitoring: what `check` and `doctor` would say, in numbers. Whatever is
//! broken is a number too, and no reason to say nothing.

use jiff::Timestamp;

use crate::{
    check::{self, Standing},
    cli::{
        Common, doctor,
        site::{Site, block_on},
    },
    config::Ledger,
    ledger::{Deliveries, Exposition, Health, SenderState, Tally, Uses},
    os::{disk, rights},
};

/// How an installation stands.
pub(super) struct Installation {
    /// How many faults `check` finds; one, where there is no configuration.
    faults: usize,
    /// Whether the ledger can be read and written.
    is_ledger_ok: bool,
    /// The configured senders, by name.
    senders: Vec<Sender>,
}

/// How a sender stands.
struct Sender {
    name: String,
    /// Whether it has all that it needs.
    is_ready: bool,
    /// Whether its process is sealed as it should be; `None` where it can't be started.
    is_sealed: Option<bool>,
}

/// What the ledger has.
#[derive(Default)]
pub(super) struct Recorded {
    pub(super) tallies: Vec<Tally>,
    pub(super) senders: Vec<SenderState>,
    pub(super) last_accepted: Option<Timestamp>,
    pub(super) uses: Vec<Uses>,
    pub(super) deliveries: Vec<Deliveries>,
    pub(super) without_hub: u64,
}

impl Installation {
    /// Looks; asks no provider.
    pub(super) fn look(common: &Common, can_be_read: bool) -> Self {
        let Ok(site) = Site::read(common) else {
            return Self {
                faults: 1,
                is_ledger_ok: false,
                senders: Vec::new(),
            };
        };
        let report = block_on(check::check(&site.config.sources.main));
        let standings = block_on(check::standings(&site.config, &site.state, None));
        let standings = standings.unwrap_or_default();
        Self {
            faults: report.map_or(1, |report| report.faults.len()),
            is_ledger_ok: can_be_read && can_record(&site),
            senders: standings.iter().map(|one| sender(&site, one)).collect(),
        }
    }

    /// Writes it, and how senders did.
    pub(super) fn write(&self, recorded: &Recorded, now: Timestamp, page: &mut Exposition) {
        let seconds = |at: Timestamp| u64::try_from(at.as_second()).unwrap_or(0);
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        page.gauge(
            "textsender_build_info",
            "The version of textsender.",
            &[(version, 1)],
        );
        page.gauge(
            "textsender_written_timestamp_seconds",
            "When this file was written.",
            &[(Vec::new(), seconds(now))],
        );
        page.gauge(
            "textsender_config_ok",
            "Whether `textsender check` finds no fault.",
            &[(Vec::new(), u64::from(self.faults == 0))],
        );
        page.gauge(
            "textsender_config_faults",
            "How many faults it finds.",
            &[(Vec::new(), self.faults as u64)],
        );
        page.gauge(
            "textsender_ledger_ok",
            "Whether the ledger can be read and written.",
            &[(Vec::new(), u64::from(self.is_ledger_ok))],
        );
        if let Some(at) = recorded.last_accepted {
            page.gauge(
                "textsender_last_accepted_timestamp_seconds",
                "When a provider last took a message.",
                &[(Vec::new(), seconds(at))],
            );
        }
        self.write_senders(&recorded.senders, page);
    }

    fn write_senders(&self, known: &[SenderState], page: &mut Exposition) {
        let label = |name: &str| vec![("sender", name.to_owned())];
        let senders = self.senders.iter();
        let ready = senders.map(|sender| (label(&sender.name), u64::from(sender.is_ready)));
        let sealed = self.senders.iter().filter_map(|sender| {
            let is_sealed = sender.is_sealed?;
            Some((label(&sender.name), u64::from(is_sealed)))
        });
        let paused = known.iter().map(|known| {
            let is_paused = !matches!(known.health, Health::Good);
            (label(&known.sender), u64::from(is_paused))
        });
        let failing = known.iter().filter_map(|known| match &known.health {
            Health::Good | Health::RateLimited { .. } => None,
            Health::Trial { reason, .. } | Health::Paused { reason, .. } => {
                let mut labels = label(&known.sender);
                labels.push(("reason", reason.clone()));
                Some((labels, 1_u64))
            }
        });
        page.gauge(
            "textsender_sender_ready",
            "Whether a configured sender has all that it needs.",
            &ready.collect::<Vec<_>>(),
        );
        page.gauge(
            "textsender_sender_sealed",
            "Whether the process of a sender that is ready is sealed as configured.",
            &sealed.collect::<Vec<_>>(),
        );
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

fn can_record(site: &Site) -> bool {
    let state = &site.state;
    site.config.state.ledger == Ledger::Off
        || (rights::may_use_folder(state).is_ok() && !disk::is_full(state))
}

fn sender(site: &Site, standing: &Standing) -> Sender {
    let seal = doctor::seal_of(site, standing).ok().flatten();
    Sender {
        name: standing.sender.clone(),
        is_ready: standing.is_ready(),
        is_sealed: seal.map(|(sealed, plan)| sealed.lacks(&plan).is_empty()),
    }
}
