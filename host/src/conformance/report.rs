//! What came of the cases, rule by rule.

use std::collections::BTreeMap;

use serde::Serialize;
use textsender_plugin_api::PluginInfo;

use super::rules::{Level, RULES};

/// The most findings that are shown for one rule.
const MOST: usize = 5;

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The version of this form.
    pub version: u32,
    /// The file that was tried.
    pub file: String,
    /// The plugin's id, by its file's name.
    pub plugin: String,
    /// Its name and version in its own words, if it could be asked.
    pub described: Option<Described>,
    /// What the library takes in memory, in bytes.
    pub bytes_loaded: Option<u64>,
    /// The fastest start, in milliseconds: process, library, settings.
    pub start_ms: Option<u64>,
    /// Whether it keeps every MUST.
    pub conforms: bool,
    /// Each rule, in the order of the contract.
    pub rules: Vec<RuleReport>,
}

/// What a plugin says that it is.
#[derive(Debug, Serialize)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The hosts that it declares.
    pub hosts: Vec<String>,
}

/// One rule's standing.
#[derive(Debug, Serialize)]
pub struct RuleReport {
    /// The rule's number.
    pub id: &'static str,
    /// How binding it is.
    pub level: Level,
    /// What is asked.
    pub text: &'static str,
    /// Kept, broken, or not tried.
    pub standing: Standing,
    /// What breaks it, in our words.
    pub findings: Vec<String>,
}

/// Whether a rule is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// By every case.
    Kept,
    /// By one case at least.
    Broken,
    /// No case applies to this plugin, or an earlier one ended the trial.
    NotTried,
}

/// Findings as they come.
#[derive(Default)]
pub(super) struct Findings {
    rules: BTreeMap<&'static str, Vec<String>>,
    pub(super) bytes_loaded: Option<u64>,
    pub(super) start_ms: Option<u64>,
}

impl Findings {
    /// Notes that a case for this rule was tried.
    pub(super) fn tried(&mut self, rule: &'static str) {
        self.rules.entry(rule).or_default();
    }

    /// Notes that a case broke it. The same words count once.
    pub(super) fn fail(&mut self, rule: &'static str, what: impl Into<String>) {
        let findings = self.rules.entry(rule).or_default();
        let what = what.into();
        if !findings.contains(&what) {
            findings.push(what);
        }
    }

    /// Notes a case, and what broke the rule if it did.
    pub(super) fn expect(&mut self, rule: &'static str, kept: bool, what: impl Into<String>) {
        match kept {
            true => self.tried(rule),
            false => self.fail(rule, what),
        }
    }

    /// How many cases broke it.
    pub(super) fn count(&self, rule: &str) -> usize {
        self.rules.get(rule).map_or(0, Vec::len)
    }

    /// The rules that are broken, by their numbers.
    #[cfg(test)]
    pub(super) fn broken(&self) -> Vec<&str> {
        let broken = self
            .rules
            .iter()
            .filter(|(_, findings)| !findings.is_empty());
        broken.map(|(rule, _)| *rule).collect()
    }

    pub(super) fn report(&self, file: String, plugin: String, info: Option<PluginInfo>) -> Report {
        let rules: Vec<RuleReport> = RULES
            .iter()
            .map(|rule| {
                let found = self.rules.get(rule.id);
                let standing = match found {
                    None => Standing::NotTried,
                    Some(findings) if findings.is_empty() => Standing::Kept,
                    Some(_) => Standing::Broken,
                };
                RuleReport {
                    id: rule.id,
                    level: rule.level,
                    text: rule.text,
                    standing,
                    findings: shortened(found.cloned().unwrap_or_default()),
                }
            })
            .collect();
        Report {
            version: 1,
            file,
            plugin,
            described: info.map(|info| Described {
                name: info.name,
                version: info.version,
                hosts: info.hosts,
            }),
            bytes_loaded: self.bytes_loaded,
            start_ms: self.start_ms,
            conforms: !rules
                .iter()
                .any(|rule| rule.level == Level::Must && rule.standing == Standing::Broken),
            rules,
        }
    }
}

fn shortened(mut findings: Vec<String>) -> Vec<String> {
    let left = findings.len().saturating_sub(MOST);
    if left > 0 {
        findings.truncate(MOST);
        findings.push(format!("and {left} more"));
    }
    findings
}
