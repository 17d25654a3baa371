//! The program itself and the machine: version, kernel, time, trusted roots, proxy.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use textsender_plugin_api::abi::ABI_VERSION;

use super::{Finding, SET_CLOCK, note, ok, problem};
use crate::{config::Config, os::accounts, protocol, transport};

/// A clock that lags behind a file by more than this is wrong.
const SLACK: Duration = Duration::from_secs(60);

pub(super) fn findings(config: Option<&Config>) -> Vec<Finding> {
    let mut findings = vec![
        ok(
            "program",
            format!(
                "textsender {}, protocol {}, plugin ABI {ABI_VERSION}",
                env!("CARGO_PKG_VERSION"),
                protocol::VERSION
            ),
        ),
        ok("program", format!("runs as {}", accounts::own_name())),
    ];
    findings.push(kernel());
    if let Some(config) = config {
        findings.push(clock(config));
        findings.push(roots(config));
        findings.extend(proxies(config));
    }
    findings
}

fn kernel() -> Finding {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    ok("program", format!("Linux {}", release.trim()))
}

/// Without asking a provider, a clock can only be seen to be behind.
fn clock(config: &Config) -> Finding {
    let now = SystemTime::now();
    let newest = config
        .sources
        .paths()
        .filter_map(|path| fs::metadata(path).ok()?.modified().ok())
        .max();
    let behind = newest.and_then(|newest| newest.duration_since(now).ok());
    match behind.filter(|behind| *behind > SLACK) {
        None => ok(
            "clock",
            format!(
                "it is {}",
                jiff::Timestamp::now()
                    .round(jiff::Unit::Second)
                    .unwrap_or_default()
            ),
        ),
        Some(behind) => problem(
            "clock",
            format!(
                "the clock is behind the configuration's own files by {} seconds",
                behind.as_secs()
            ),
            SET_CLOCK,
        ),
    }
}

fn roots(config: &Config) -> Finding {
    if let Some(file) = &config.http.ca_file {
        return match transport::check_ca_file(file) {
            Ok(()) => ok(
                "TLS",
                format!("trusts the certificates in {} alone", file.display()),
            ),
            // Whether it can be read is found with the other files.
            Err(_) => note(
                "TLS",
                format!("trusts the certificates in {} alone", file.display()),
            ),
        };
    }
    match transport::check_system_roots() {
        Ok(()) => ok("TLS", "trusts the system's certificates"),
        Err(words) => problem(
            "TLS",
            words,
            "apt-get install ca-certificates, or set ca_file in [http]",
        ),
    }
}

/// The proxy of all, and those of single senders.
fn proxies(config: &Config) -> Vec<Finding> {
    let own = config.senders.iter().filter_map(|(name, sender)| {
        let proxy = sender.http.proxy.as_ref()?;
        Some(ok(
            "proxy",
            format!("HTTP of {name} goes through {proxy:?}"),
        ))
    });
    std::iter::once(proxy(config)).chain(own).collect()
}

fn proxy(config: &Config) -> Finding {
    match &config.http.proxy {
        Some(proxy) => ok("proxy", format!("HTTP goes through {proxy:?}")),
        None if std::env::var_os("https_proxy")
            .or(std::env::var_os("HTTPS_PROXY"))
            .is_some() =>
        {
            note(
                "proxy",
                "$https_proxy is set, and not used; if it should be, set proxy in [http]",
            )
        }
        None => ok("proxy", "none: providers are reached directly"),
    }
}
