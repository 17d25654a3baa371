//! `textsender rotate --plan`: every secret, and how each is changed without an outage; for the day a colleague leaves.

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode, time::SystemTime};

use jiff::civil::Date;
use serde::Serialize;

use super::{
    Common,
    output::{Output, Style, json},
    secret,
    site::Site,
};
use crate::{
    config::{SecretRef, Sender, Setting},
    edit::{journal, secrets::parts},
    secrets,
};

/// Shows how every secret is changed without an outage, such as when a colleague leaves; changes nothing
///
/// Each with its age, who set it last, and where a new one is made. What is to be done is in steps: the old secret
/// goes on working until the new one does.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender rotate --plan\n  \
    textsender rotate --plan --json | jq -r '.[].secret'")]
pub(super) struct Rotate {
    /// Shows the plan: the steps are yours to take
    #[arg(long, required = true)]
    plan: bool,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

/// One secret, and how it is changed.
#[derive(Debug, Serialize)]
struct Rotation {
    /// The stored secret's name, or where it is.
    secret: String,
    /// What proves itself with it, to what.
    used_by: String,
    /// How many days ago it was set; `null` where that can't be told.
    age_days: Option<u64>,
    /// Who set it last, as the journal of changes has it.
    set_by: Option<String>,
    expires: Option<Date>,
    steps: Vec<String>,
}

impl Rotate {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.become_owner()?;
        let plan = plan(&site)?;
        if self.json {
            json(&plan);
            return Ok(ExitCode::SUCCESS);
        }
        if plan.is_empty() {
            out.line("there is no secret");
        }
        for rotation in &plan {
            show(rotation, out);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show(rotation: &Rotation, out: &Output) {
    let age = match rotation.age_days {
        Some(0) => "set today".to_owned(),
        Some(1) => "1 day old".to_owned(),
        Some(days) => format!("{days} days old"),
        None => "of unknown age".to_owned(),
    };
    let by = rotation.set_by.as_ref();
    let by = by.map_or(String::new(), |by| format!(", set by {by}"));
    let until = rotation.expires;
    let until = until.map_or(String::new(), |date| format!(", expires on {date}"));
    let name = out.paint(Style::Heading, &rotation.secret);
    out.line(format_args!(
        "{name}  {}; {age}{by}{until}",
        rotation.used_by
    ));
    for (number, step) in (1..).zip(&rotation.steps) {
        out.line(format_args!("  {number}. {step}"));
    }
}

fn plan(site: &Site) -> anyhow::Result<Vec<Rotation>> {
    let setters = setters(&site.state)?;
    let dates = secrets::expiry_dates(&site.state);
    let mut plan = Vec::new();
    for stored in secret::all(site)? {
        let Ok((owner, key)) = parts(&stored.name) else {
            continue;
        };
        plan.push(Rotation {
            steps: steps(site, owner, key, &stored.name, stored.is_used),
            used_by: stored.use_,
            age_days: Some(stored.age_seconds / DAY),
            set_by: setters.get(&stored.name).cloned(),
            expires: dates.get(&stored.name).copied(),
            secret: stored.name,
        });
    }
    for (name, sender) in &site.config.senders {
        plan.extend(referred(site, name, sender));
    }
    plan.extend(site.config.http.proxy_password.iter().map(|of_proxy| {
        elsewhere(
            of_proxy,
            "[http] proxy",
            "the proxy".to_owned(),
            "http.proxy_password",
        )
    }));
    plan.extend(hub_key(site));
    plan.extend(ledger_key(site));
    Ok(plan)
}

/// Who set each stored secret last.
fn setters(state: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let changes = journal::read([state])?;
    let set = changes.into_iter().filter_map(|change| {
        let rest = change.what.strip_prefix("store the secret ");
        let rest = rest.or_else(|| change.what.strip_prefix("replace the secret "))?;
        let name = rest.split(", ").next()?;
        Some((name.to_owned(), change.by))
    });
    Ok(set.collect())
}

fn steps(site: &Site, owner: &str, key: &str, name: &str, is_used: bool) -> Vec<String> {
    if !is_used {
        return vec![format!("nothing uses it: textsender secret remove {name}")];
    }
    if owner == secrets::TOKENS && !site.config.senders.contains_key(owner) {
        return token(key);
    }
    if (owner, key) == (secrets::LEDGER, secrets::PASSWORD)
        && !site.config.senders.contains_key(owner)
    {
        return vec![
            "have the database take another password: ALTER ROLE ... PASSWORD; connections that are open go on".to_owned(),
            format!("store it at once, on each machine: textsender secret set {name}"),
            "see that each machine reaches it: textsender doctor --offline".to_owned(),
        ];
    }
    if owner == secrets::DIRECTORIES && !site.config.senders.contains_key(owner) {
        let directory = secrets::directory_of(key).unwrap_or(key);
        return vec![
            "give the account another password in the domain; connections that are open go on"
                .to_owned(),
            format!("store it at once: textsender secret set {name}"),
            format!("see that it is taken: textsender directory check --directory {directory}"),
        ];
    }
    of_provider(&provider(site, owner), name, owner)
}

/// Two tokens count at once, so no request is refused in between.
fn token(key: &str) -> Vec<String> {
    let caller = key.strip_suffix(secrets::NEXT).unwrap_or(key);
    let name = format!("{}.{caller}", secrets::TOKENS);
    let next = format!("{name}{}", secrets::NEXT);
    vec![
        format!(
            "store a second one, which counts beside it: openssl rand -hex 24 | tee /dev/tty | textsender secret set {next}"
        ),
        format!("have the caller {caller} send the new one"),
        format!("once it does, store the new one in its place: textsender secret set {name}"),
        format!("textsender secret remove {next}"),
    ]
}

fn of_provider(provider: &str, name: &str, sender: &str) -> Vec<String> {
    vec![
        format!("make a new one at {provider}, and leave the old one as it is"),
        format!("store it, unless the provider refuses it: textsender secret set {name} --check"),
        format!("textsender test-send --sender {sender} --phone NUMBER"),
        format!("revoke the old one at {provider}"),
    ]
}

/// Where a sender's secrets come from: its provider's name and hosts, as its plugin has them.
fn provider(site: &Site, sender: &str) -> String {
    let Some(configured) = site.config.senders.get(sender) else {
        return sender.to_owned();
    };
    match site.describe_sender(configured) {
        Ok(described) if described.info.hosts.is_empty() => described.info.name.clone(),
        Ok(described) => {
            format!(
                "{} ({})",
                described.info.name,
                described.info.hosts.join(", ")
            )
        }
        Err(_) => configured.plugin.as_str().to_owned(),
    }
}

/// A sender's secrets that are kept elsewhere.
fn referred(site: &Site, name: &str, sender: &Sender) -> Vec<Rotation> {
    let of_settings = sender
        .settings
        .iter()
        .filter_map(|(key, setting)| match &setting.value {
            Setting::Secret(reference) => {
                let label = format!("sender {name}");
                Some(elsewhere(
                    reference,
                    &label,
                    provider(site, name),
                    &format!("{name}.{key}"),
                ))
            }
            Setting::Value(_) => None,
        });
    let of_proxy = sender.http.proxy_password.iter().map(|reference| {
        let label = format!("the proxy of sender {name}");
        elsewhere(
            reference,
            &label,
            "the proxy".to_owned(),
            &format!("{name}.http.proxy_password"),
        )
    });
    of_settings.chain(of_proxy).collect()
}

fn elsewhere(reference: &SecretRef, used_by: &str, provider: String, key: &str) -> Rotation {
    let (place, put) = match reference {
        SecretRef::File(path) => {
            let path = path.display();
            (
                format!("{key} in {path}"),
                format!("put the new one into {path}, by renaming a whole file over it"),
            )
        }
        SecretRef::Env(name) => (
            format!("{key} in ${name}"),
            format!("set ${name} to the new one where textsender is started, and start it again"),
        ),
        SecretRef::Credential(name) => (
            format!("{key} in the credential {name}"),
            format!("replace what LoadCredential={name} names, and start the unit again"),
        ),
    };
    Rotation {
        secret: place,
        used_by: used_by.to_owned(),
        age_days: secrets::file_referred(reference).and_then(|path| age_of(&path)),
        set_by: None,
        expires: None,
        steps: vec![
            format!("make a new one at {provider}, and leave the old one as it is"),
            put,
            "textsender doctor".to_owned(),
            format!("revoke the old one at {provider}"),
        ],
    }
}

fn hub_key(site: &Site) -> Option<Rotation> {
    let tls = site.config.serve.tls.as_ref()?;
    Some(Rotation {
        secret: tls.key.display().to_string(),
        used_by: "the hub's TLS".to_owned(),
        age_days: age_of(&tls.key),
        set_by: None,
        expires: None,
        steps: vec![
            "have a certificate issued for a new key".to_owned(),
            "put both in place: the hub reads them again by itself, and goes on with the old pair until they fit".to_owned(),
            "have the authority revoke the old certificate".to_owned(),
        ],
    })
}

/// The key of the ledger's hashes opens nothing elsewhere.
fn ledger_key(site: &Site) -> Option<Rotation> {
    let file = site.state.join("ledger.key");
    let key = file.display();
    let is_shared = site.config.state.shared.is_some();
    let [copied, each, check] = match is_shared {
        true => [
            ", and copy it to the same place on each machine that shares the ledger",
            ", on one machine after the other",
            "see that none still writes with the old one: textsender ledger check",
        ],
        false => ["", "", "see that it is taken: textsender doctor --offline"],
    };
    file.exists().then(|| Rotation {
        age_days: age_of(&file),
        secret: file.display().to_string(),
        used_by: "the ledger's hashes".to_owned(),
        set_by: None,
        expires: None,
        steps: vec![
            "it opens nothing elsewhere: with a copy of the ledger it tells whether a number that one knows was texted".to_owned(),
            "one who took both can tell that for good of what is in it; for one who took neither, leave the key".to_owned(),
            format!("else make the next one, as the account that sends{copied}: (umask 077; head -c 32 /dev/urandom > {key}.next)"),
            format!("write with it{each}: ln -f {key} {key}.before && mv {key}.next {key}; then restart the hub and streams"),
            check.to_owned(),
            format!("until then both count; once all rows of before are deleted ([state] retention_days): rm {key}.before"),
        ],
    })
}

fn age_of(path: &Path) -> Option<u64> {
    let changed = fs::metadata(path).ok()?.modified().ok()?;
    let age = SystemTime::now()
        .duration_since(changed)
        .unwrap_or_default();
    Some(age.as_secs() / DAY)
}

const DAY: u64 = 24 * 60 * 60;
