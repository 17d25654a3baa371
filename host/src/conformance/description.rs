//! What a plugin says of itself.

use std::time::Duration;

use textsender_plugin_api::PluginInfo;
use tokio::time::Instant;

use super::{bench::Bench, report::Findings};
use crate::{
    config::Plugins,
    plugins::{self, Description, Refusal, StartupError, describe},
};

/// How long it may take to say it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest name or version, in characters.
const LONGEST: usize = 64;

/// Asks; `None` if there is nothing to try.
pub(super) async fn cases(bench: &mut Bench) -> Option<Description> {
    let (library, plugin) = (bench.library().clone(), bench.plugin().to_owned());
    let seal = plugins::plan(&Plugins::default(), None);
    let described = describe(&library, &plugin, seal, Instant::now() + PATIENCE).await;
    let description = match described {
        Ok(description) => description,
        Err(StartupError::Refused(Refusal::OtherId(id))) => {
            bench.report.tried("D1");
            bench.report.fail(
                "D2",
                format!("the file's name says {plugin}, and the plugin {id}"),
            );
            return None;
        }
        Err(StartupError::Refused(refusal)) => {
            bench.report.fail("D1", refusal.to_string());
            return None;
        }
        Err(StartupError::Ended) => {
            bench
                .report
                .fail("D1", "its process ended when it was asked what it is");
            return None;
        }
        Err(StartupError::TimedOut) => {
            bench.report.fail("D1", "it did not say what it is in time");
            return None;
        }
    };
    bench.report.tried("D1");
    bench.report.tried("D2");
    judge(&mut bench.report, &description.info);
    Some(description)
}

/// What a plugin can break by what it says of itself.
fn judge(report: &mut Findings, info: &PluginInfo) {
    for (what, text) in [("name", &info.name), ("version", &info.version)] {
        report.expect("D3", is_line(text), format!("the {what} is {text:?}"));
    }
    report.tried("D4");
    report.tried("D5");
    for host in &info.hosts {
        report.expect("D4", is_host(host), format!("{host:?} is not a host name"));
        report.expect("D5", is_narrow(host), format!("{host:?} could be any host"));
    }
}

fn is_line(text: &str) -> bool {
    let length = text.trim().chars().count();
    (1..=LONGEST).contains(&length) && text.chars().count() <= LONGEST
}

fn is_host(host: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_label =
        |label: &str| label == "*" || ((1..=63).contains(&label.len()) && label.bytes().all(fits));
    (1..=253).contains(&host.len()) && host.split('.').all(is_label)
}

/// Whether the last two labels are named. An address has none, and is one machine's.
fn is_narrow(host: &str) -> bool {
    host.rsplit('.').take(2).all(|label| label != "*") && host.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names() {
        let cases = [
            ("api.acme.example", true, true),
            ("api.*.acme.example", true, true),
            ("*.acme.example", true, true),
            ("*.example", true, false),
            ("*", true, false),
            ("localhost", true, false),
            ("API.acme.example", false, true),
            ("https://acme.example", false, true),
            ("acme.example:443", false, true),
            ("a*.acme.example", false, true),
            ("acme..example", false, true),
            ("", false, false),
        ];
        for (host, is_name, narrow) in cases {
            assert_eq!(is_host(host), is_name, "{host}");
            if is_name {
                assert_eq!(is_narrow(host), narrow, "{host}");
            }
        }
    }

    #[test]
    fn what_a_description_can_break() {
        let acme = |name, version, host| PluginInfo::new("acme", name, version).with_host(host);
        let long = "x".repeat(LONGEST + 1);
        let cases: [(PluginInfo, &[&str]); 6] = [
            (acme("Acme SMS", "1.0.0", "api.acme.example"), &[]),
            (acme(" ", "1.0.0", "api.acme.example"), &["D3"]),
            (acme("Acme SMS", "", "api.acme.example"), &["D3"]),
            (acme("Acme SMS", &long, "api.acme.example"), &["D3"]),
            (acme("Acme SMS", "1.0.0", "https://acme.example"), &["D4"]),
            (acme("Acme SMS", "1.0.0", "*.example"), &["D5"]),
        ];
        for (info, broken) in cases {
            let mut report = Findings::default();
            judge(&mut report, &info);
            assert_eq!(report.broken(), broken, "{info:?}");
        }
    }
}
