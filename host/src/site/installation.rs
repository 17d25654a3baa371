//! How an installation stands, for monitoring: what `check` and `doctor` would say, in numbers. Whatever is
//! broken is a number too, and no reason to say nothing.

use std::path::Path;

use jiff::Timestamp;

use super::{Site, block_on};
use crate::{
    check::{
        self, Standing,
        expiring::{self, Expiring},
    },
    config::{Ledger, Prices, WhenUnreachable},
    directory::{AllLooked, Directories},
    ledger::{Away, Exposition, History, LedgerError, Options},
    os::{disk, rights},
};

/// How an installation stands.
pub struct Installation {
    /// How many faults `check` finds; one, where there is no configuration.
    pub(super) faults: usize,
    /// Whether the ledger can be read and written.
    pub(super) is_ledger_ok: bool,
    /// That codes go by this machine's own ledger, or did: `None` where the ledger is not shared, or has everything.
    pub(super) away: Option<Away>,
    /// Whether several machines share the ledger.
    pub(super) is_shared: bool,
    /// Whether codes go by this machine's own ledger while the shared one can't be reached.
    pub(super) may_go_apart: bool,
    /// The configured senders, by name.
    pub(super) senders: Vec<Sender>,
    /// What runs out.
    pub(super) expiring: Vec<Expiring>,
    /// How each directory is.
    pub(super) directories: AllLooked,
    /// What a segment costs, by region.
    pub(super) prices: Prices,
}

/// How a sender stands.
pub(super) struct Sender {
    pub name: String,
    /// Whether it has all that it needs.
    pub is_ready: bool,
    /// Whether its process is sealed as it should be; `None` where it can't be started.
    pub is_sealed: Option<bool>,
}

/// What is asked of the servers of directories and of a shared ledger: until when their certificates are good, and how
/// directories are.
pub enum Servers {
    /// It is asked for.
    Ask,
    /// Nothing.
    Leave,
    /// That of directories was asked already, and this is the answer.
    Asked(AllLooked),
}

impl Installation {
    /// Looks at the one whose `textsender.toml` is `main`; asks no provider. For a process of its own, as `check` is.
    pub fn look(main: &Path, servers: Servers) -> Self {
        let Ok(site) = Site::at(main) else {
            return Self {
                faults: 1,
                is_ledger_ok: false,
                away: None,
                is_shared: false,
                may_go_apart: false,
                senders: Vec::new(),
                expiring: Vec::new(),
                directories: Vec::new(),
                prices: Prices::new(),
            };
        };
        let report = block_on(check::check(main));
        let standings = block_on(check::standings(&site.config, &site.state, None));
        let standings = standings.unwrap_or_default();
        let (expiring, directories) = match servers {
            Servers::Ask => site.expiring(),
            Servers::Leave => (expiring::all(&site.config, &site.state), Vec::new()),
            Servers::Asked(looked) => site.expiring_beside(looked),
        };
        Self {
            faults: report.map_or(1, |report| report.faults.len()),
            is_ledger_ok: can_be_read(&site) && can_record(&site),
            away: Away::look(&site.state, &Options::of(&site.config.state)),
            is_shared: site.config.state.shared.is_some(),
            may_go_apart: may_go_apart(&site) && can_record(&site),
            senders: standings.iter().map(|one| sender(&site, one)).collect(),
            expiring,
            directories,
            prices: site.config.prices,
        }
    }

    /// Writes it.
    pub fn write(&self, now: Timestamp, page: &mut Exposition) {
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        page.gauge(
            "textsender_build_info",
            "The version of textsender.",
            &[(version, 1)],
        );
        page.gauge(
            "textsender_written_timestamp_seconds",
            "When configuration, ledger and senders were looked at.",
            &[(Vec::new(), now.as_second())],
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
        if self.is_shared {
            let since = self.away.map_or(0, |away| away.since.as_second());
            page.gauge(
                "textsender_own_ledger_since_timestamp_seconds",
                "Since when codes go by this machine's own ledger, as the shared one can't be reached, or what went by it is not brought over yet; 0 where neither is so.",
                &[(Vec::new(), since)],
            );
        }
        let prices = self.prices.iter().map(|(region, price)| {
            let currency = price.currency.clone();
            let labels = vec![("region", region.clone()), ("currency", currency)];
            (labels, price.amount())
        });
        page.gauge(
            "textsender_segment_price",
            "What a segment to a region costs, as [prices] says.",
            &prices.collect::<Vec<_>>(),
        );
        self.write_expiring(page);
        self.write_senders(page);
    }

    fn write_expiring(&self, page: &mut Exposition) {
        let expiring = self.expiring.iter().map(|one| {
            let labels = vec![
                ("kind", one.kind.as_str().to_owned()),
                ("name", one.name.clone()),
            ];
            (labels, one.until.as_second())
        });
        page.gauge(
            "textsender_expires_timestamp_seconds",
            "When a certificate, authorities or a secret expire; 0 where a certificate can't be read.",
            &expiring.collect::<Vec<_>>(),
        );
    }

    fn write_senders(&self, page: &mut Exposition) {
        let label = |name: &str| vec![("sender", name.to_owned())];
        let senders = self.senders.iter();
        let ready = senders.map(|sender| (label(&sender.name), u64::from(sender.is_ready)));
        let sealed = self.senders.iter().filter_map(|sender| {
            let is_sealed = sender.is_sealed?;
            Some((label(&sender.name), u64::from(is_sealed)))
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
    }
}

impl Site {
    /// What runs out, and how the directories are whose servers say of some of it.
    pub fn expiring(&self) -> (Vec<Expiring>, AllLooked) {
        let directories = Directories::of(&self.config, &self.state);
        let looked = directories.map(|all| block_on(async move { all.look().await }));
        self.expiring_beside(looked.and_then(Result::ok).unwrap_or_default())
    }

    fn expiring_beside(&self, looked: AllLooked) -> (Vec<Expiring>, AllLooked) {
        let mut expiring = expiring::with_servers(&self.config, &self.state);
        for (name, looked) in &looked {
            if let Ok(looked) = looked {
                expiring::add_directory(&mut expiring, name, looked);
            }
        }
        (expiring, looked)
    }
}

fn can_be_read(site: &Site) -> bool {
    let options = Options::of(&site.config.state);
    let read = History::open(&site.state, &options).and_then(|it| it.senders(Timestamp::now()));
    // Before the first message there is nothing to read, which is no failure.
    matches!(read, Ok(_) | Err(LedgerError::Absent { .. }))
}

fn may_go_apart(site: &Site) -> bool {
    let shared = site.config.state.shared.as_ref();
    shared.is_some_and(|shared| shared.when_unreachable == WhenUnreachable::OwnLedger)
}

fn can_record(site: &Site) -> bool {
    let state = &site.state;
    site.config.state.ledger == Ledger::Off
        || (rights::may_use_folder(state).is_ok() && !disk::is_full(state))
}

fn sender(site: &Site, standing: &Standing) -> Sender {
    let seal = site.seal_of(standing).ok().flatten();
    Sender {
        name: standing.sender.clone(),
        is_ready: standing.is_ready(),
        is_sealed: seal.map(|(sealed, plan)| sealed.lacks(&plan).is_empty()),
    }
}
