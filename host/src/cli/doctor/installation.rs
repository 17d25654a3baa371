//! The installation: configuration, plugins, senders, secrets, ledger.

use std::time::Duration;

use jiff::Timestamp;

use super::{Finding, not_enabled, note, ok, paths, problem, warning};
use crate::{
    check,
    cli::{
        output::count,
        secret,
        site::{Site, block_on},
    },
    config::{Fault, Ledger, Replication},
    ledger::{self, Away, Health, History, LedgerError, Options, Pooler, Server},
    os::{process::host_name, rights},
    plugins::DECLARED_HOSTS,
    site::plugins,
    trust::Unsafe,
};

pub(super) fn findings(site: &Site) -> anyhow::Result<Vec<Finding>> {
    let mut findings = of_files(site)?;
    findings.extend(senders(site)?);
    findings.extend(hidden_hosts(site));
    findings.extend(secrets(site));
    findings.extend(ledger(site));
    Ok(findings)
}

/// What can be told without the state folder.
pub(super) fn of_files(site: &Site) -> anyhow::Result<Vec<Finding>> {
    let mut findings = configuration(site)?;
    findings.extend(plugins(site));
    Ok(findings)
}

/// A fault with its place, on a line.
pub(super) fn words(fault: &Fault) -> String {
    let place = match fault.line {
        0 => fault.file.clone(),
        line => format!("{}:{line}", fault.file),
    };
    let key = match fault.key.is_empty() {
        true => String::new(),
        false => format!("{}: ", fault.key),
    };
    format!("{place}: {key}{}", fault.message)
}

/// Everything that `check` finds, each on a line. What it only warns of is no problem, and names its key.
fn configuration(site: &Site) -> anyhow::Result<Vec<Finding>> {
    let report = block_on(check::check(&site.config.sources.main))?;
    if report.faults.is_empty() {
        let senders = count(report.senders, "sender", "senders");
        let policies = count(report.policies, "policy", "policies");
        let mut findings = vec![ok(
            "configuration",
            format!("{senders}, {policies}, no faults"),
        )];
        let warnings = report.warnings.into_iter();
        findings.extend(warnings.map(|fault| Finding {
            remedy: Some(fault.remedy.clone()),
            ..warning("configuration", words(&fault))
        }));
        return Ok(findings);
    }
    let faults = report.faults.into_iter();
    let faults = faults.filter(|fault| !paths::have(site, fault));
    Ok(faults
        .map(|fault| problem("configuration", words(&fault), fault.remedy))
        .collect())
}

/// What is wrong with a plugin that a sender uses is a fault of the configuration.
fn plugins(site: &Site) -> Vec<Finding> {
    let files = match plugins::files(site) {
        Ok(files) => files,
        // Told with the paths.
        Err(_) if rights::may_read(&site.config.plugins.folder).is_err() => return Vec::new(),
        Err(error) => {
            let remedy = "make the folder, or correct [plugins] folder";
            return vec![problem("plugins", format!("{error:#}"), remedy)];
        }
    };
    if files.is_empty() {
        let folder = site.config.plugins.folder.display();
        let remedy = "textsender plugin install FILE";
        return vec![problem(
            "plugins",
            format!("there is none in {folder}"),
            remedy,
        )];
    }
    let files = files.into_iter().map(|file| match file.refused {
        None => ok("plugins", file.file),
        Some(why) => note("plugins", format!("{}: {why}", file.file)),
    });
    files.collect()
}

fn senders(site: &Site) -> anyhow::Result<Vec<Finding>> {
    let standings = site.standings(None)?;
    if standings.is_empty() {
        let remedy = "textsender sender add NAME --plugin ID";
        return Ok(vec![problem("senders", "there is none", remedy)]);
    }
    let findings = standings.iter().map(|standing| {
        let name = &standing.sender;
        match standing.is_ready() {
            true => ok("senders", format!("{name} is ready")),
            // One that is used is a fault of the configuration.
            false => note("senders", format!("{name}: {}", standing.detail())),
        }
    });
    Ok(findings.collect())
}

/// Plugins that declare other hosts when they are to send than when they are asked.
fn hidden_hosts(site: &Site) -> Vec<Finding> {
    let senders = site.config.senders.iter();
    let findings = senders.filter_map(|(name, sender)| {
        let plugin = &sender.plugin.value;
        match plugins::undeclared_hosts(site, name, sender) {
            Ok(hosts) if hosts.is_empty() => None,
            Ok(hosts) => Some(problem(
                "plugins",
                format!(
                    "{name}: its plugin {plugin} declared hosts when it was to send that it does not declare when it is \
                     asked: {}",
                    hosts.join(", ")
                ),
                format!(
                    "replace the plugin, or keep it to approved hosts: trust = \"pinned\" in [plugins], and textsender \
                     plugin trust {plugin}"
                ),
            )),
            // Told with the configuration.
            Err(error) if error.get_ref().is_some_and(|it| it.is::<Unsafe>()) => None,
            Err(error) => Some(problem(
                "plugins",
                format!("{name}: the hosts that its plugin {plugin} declared can't be read: {error}"),
                format!(
                    "rm -r {}: they are recorded again from the next message on",
                    site.state.join(DECLARED_HOSTS).display()
                ),
            )),
        }
    });
    findings.collect()
}

fn secrets(site: &Site) -> Vec<Finding> {
    match secret::all(site) {
        Ok(stored) => {
            let all = ok(
                "secrets",
                count(stored.len(), "stored secret", "stored secrets"),
            );
            let unused = stored.iter().filter(|secret| !secret.is_used);
            let unused = unused.map(|secret| {
                note(
                    "secrets",
                    format!("{} is used by {}", secret.name, secret.use_),
                )
            });
            let strays = secret::strays(site).into_iter().map(|name| {
                note(
                    "secrets",
                    format!("{name} is not a secret of any sender; it is left alone"),
                )
            });
            std::iter::once(all).chain(unused).chain(strays).collect()
        }
        Err(error) => {
            let remedy = "give the folder to the account that sends";
            vec![problem("secrets", format!("{error:#}"), remedy)]
        }
    }
}

pub(super) fn ledger(site: &Site) -> Vec<Finding> {
    if site.config.state.ledger == Ledger::Off {
        let words = "it is off: no limits, and a repeated id is sent again";
        return vec![note("ledger", words)];
    }
    let now = Timestamp::now();
    let read = History::open(&site.state, &Options::of(&site.config.state)).and_then(|history| {
        let mut others = not_enabled::findings(&history, now)?;
        others.extend(drift(site, &history)?);
        Ok((history.senders(now)?, history.server()?, others))
    });
    match read {
        Ok((senders, server, others)) => {
            let server = server.map_or_else(Vec::new, |server| shared(site, &server));
            let failing = senders.into_iter().filter_map(|state| match state.health {
                Health::Good => None,
                Health::RateLimited { remaining } => Some(note(
                    "ledger",
                    format!(
                        "the provider of sender {} is rate-limiting: it is asked again in {} s",
                        state.sender,
                        remaining.as_secs() + 1
                    ),
                )),
                Health::Trial { reason, .. } | Health::Paused { reason, .. } => Some(note(
                    "ledger",
                    format!(
                        "sender {} failed lately ({reason}), and is asked last for a while; \
                         `textsender test-send --sender {0}` tries it now",
                        state.sender
                    ),
                )),
            });
            std::iter::once(ok("ledger", "it can be read"))
                .chain(server)
                .chain(apart(site, true))
                .chain(failing)
                .chain(others)
                .collect()
        }
        Err(LedgerError::Absent { .. }) => unused(site),
        Err(error) => {
            let unreachable = problem("ledger", error.to_string(), remedy(&error));
            std::iter::once(unreachable)
                .chain(apart(site, false))
                .collect()
        }
    }
}

/// Machines that are not set up as this one.
fn drift(site: &Site, history: &History) -> Result<Vec<Finding>, LedgerError> {
    let drift = history.drift(&site.config.sources.main, &host_name())?;
    let findings = drift.into_iter().map(|drift| Finding {
        remedy: Some("make both the same, by your configuration tool".to_owned()),
        ..warning(
            "machines",
            format!(
                "{drift} (as of {})",
                drift.at.strftime("%Y-%m-%d %H:%M:%SZ")
            ),
        )
    });
    Ok(findings.collect())
}

/// What goes by this machine's own ledger, or did and is not brought over yet.
fn apart(site: &Site, is_reached: bool) -> Option<Finding> {
    let away = Away::look(&site.state, &Options::of(&site.config.state))?;
    let since = away.since.strftime("%Y-%m-%d %H:%M:%SZ");
    Some(match is_reached {
        false => warning(
            "ledger",
            format!(
                "codes go by this machine's own ledger since {since}, and may come twice; new passwords wait"
            ),
        ),
        true => Finding {
            remedy: Some("textsender ledger move".to_owned()),
            ..warning(
                "ledger",
                format!(
                    "what this machine sent by its own ledger since {since} is not brought over yet; the next message \
                     does that"
                ),
            )
        },
    })
}

/// The ledger of a machine that never sent.
fn unused(site: &Site) -> Vec<Finding> {
    let server = match ledger::Ledger::server(&site.state, &Options::of(&site.config.state)) {
        Ok(None) => return vec![ok("ledger", "nothing was sent yet")],
        Ok(Some(server)) => server,
        Err(error) => return vec![problem("ledger", error.to_string(), remedy(&error))],
    };
    let mut findings = shared(site, &server);
    if server.is_begun {
        findings.push(problem(
            "ledger",
            "other machines use the shared ledger, and this one has no ledger.key yet",
            "copy ledger.key from a machine that uses it into the state folder, as the account that sends",
        ));
    }
    findings
}

/// The server of a ledger that several machines share.
fn shared(site: &Site, server: &Server) -> Vec<Finding> {
    let Some(wanted) = &site.config.state.shared else {
        return Vec::new();
    };
    let Server {
        hosts,
        version,
        standbys,
        round_trip,
        ..
    } = server;
    let took = round_trip.as_secs_f64() * 1e3;
    let reached = format!("it is shared, in PostgreSQL {version} on {hosts}: {took:.1} ms away");
    let mut findings = vec![ok("ledger", reached)];
    findings.extend(server.pooler.map(pooler));
    if *version < OLDEST_SERVER {
        let what = format!("PostgreSQL {version} is older than {OLDEST_SERVER}");
        findings.push(problem("ledger", what, "upgrade the database"));
    }
    if server.schema < ledger::POSTGRES_SCHEMA {
        let what = format!(
            "the database's schema has version {}, and this textsender's is {}: machines are not compared",
            server.schema,
            ledger::POSTGRES_SCHEMA
        );
        findings.push(problem("ledger", what, MIGRATE));
    }
    if server.may_write_tables {
        let what = "the account may change the ledger's tables by itself, and so may anyone who has its password";
        let remedy = "connect as an account that owns nothing, with the GRANT lines of `textsender ledger schema --postgres`";
        findings.push(problem("ledger", what, remedy));
    }
    let waits = !standbys.is_empty();
    match (wanted.replication, waits) {
        (Replication::Required, true) => {
            findings.push(ok("ledger", format!("claims wait for a standby: {standbys}")));
        }
        (Replication::Required, false) => findings.push(problem(
            "ledger",
            "[state.shared] replication is required, and the server waits for no standby: if it is lost, claims are lost",
            "set synchronous_standby_names on the server (Patroni: synchronous_mode and \
             synchronous_mode_strict), or replication = \"none\"",
        )),
        (Replication::None, _) => {
            let words = "claims are on one server alone, as [state.shared] replication = \"none\" says";
            findings.push(note("ledger", words));
        }
    }
    if !server.fsync {
        let what = "the server confirms writes before they are on its disk (fsync = off)";
        findings.push(problem("ledger", what, "set fsync = on"));
    }
    if server.clock_differs > CLOCKS_APART {
        let apart = server.clock_differs.as_secs();
        let what = format!(
            "this machine's clock and the server's are {apart} s apart; limits count by the server's"
        );
        findings.push(note("ledger", what));
    }
    findings
}

/// What is between this machine and the server.
fn pooler(pooler: Pooler) -> Finding {
    match pooler {
        Pooler::Transaction => ok(
            "ledger",
            "a pooler is in front of the server, by transaction",
        ),
        Pooler::Unknown => note(
            "ledger",
            "a pooler is in front of the server, by session or too busy to tell; pooling by transaction takes fewer connections",
        ),
        Pooler::Statement => problem(
            "ledger",
            "a pooler is in front of the server, by statement: a message that waits for others may not be sent",
            "set pool_mode = transaction in the pooler",
        ),
    }
}

/// What brings a schema up to date.
const MIGRATE: &str = "textsender ledger migrate | psql --single-transaction -v ON_ERROR_STOP=1 DATABASE, as the database's owner";

/// The oldest PostgreSQL that the schema is for.
const OLDEST_SERVER: u32 = 13;

/// Clocks that are kept by NTP differ by less.
const CLOCKS_APART: Duration = Duration::from_secs(5);

/// What to do about a ledger that can't be read: each cause has its own.
pub(in crate::cli) fn remedy(error: &LedgerError) -> &'static str {
    match error {
        LedgerError::ReadOnly { remedy, .. } => remedy,
        LedgerError::Unusable { .. } => "sudo textsender doctor --fix",
        LedgerError::Full { .. } => "make room on the disk, or lower [state] retention_days",
        LedgerError::Newer { .. } => "install the newer textsender again",
        LedgerError::NetworkFolder { .. } => "name a folder of a local disk as [state] folder",
        LedgerError::Locked { .. } => "end the process that keeps it locked",
        LedgerError::NotShared => "install the package textsender-postgres",
        LedgerError::Unreachable { .. } => "start the database, or correct [state.shared] url",
        LedgerError::KeyMismatch { .. } => {
            "copy ledger.key from a machine that uses the shared ledger"
        }
        LedgerError::Refused { .. } => "correct role, password, database or schema",
        _ => "textsender restore, from a backup; or move the file away",
    }
}
