//! To whom the plugin may talk: to the hosts that it declares, and to those in marked settings. Which
//! settings are marked is asked of the plugin only when it wants a host that a setting names.

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use serde_json::Value;
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking},
};

use super::{Shared, lock, warn};
use crate::{
    plugins::{DeclaredHosts, Launch, frames::Down, named_hosts},
    redact::Foreign,
    transport::Egress,
};

/// The most new hosts that a warning names.
const MAX_NAMED: usize = 16;

/// The hosts that are open to one plugin, as far as they are known.
#[derive(Default)]
pub(super) struct OpenHosts {
    /// Those that the plugin declares.
    declared: OnceLock<Arc<Egress>>,
    /// Those and the hosts in marked settings, once it was asked which are marked.
    all: watch::Sender<Option<Arc<Egress>>>,
    is_schema_asked: AtomicBool,
    /// Settings and the hosts that they name, marked or not.
    named: OnceLock<Vec<(String, String)>>,
    /// What earlier processes declared; `None` if new hosts are not warned of.
    before: Option<Arc<DeclaredHosts>>,
    /// What is being written of that for the next process.
    keeping: Mutex<Option<JoinHandle<()>>>,
}

impl OpenHosts {
    /// None yet; those that were not declared `before` are to be warned of.
    pub(super) fn new(before: Option<DeclaredHosts>) -> Self {
        Self {
            before: before.map(Arc::new),
            ..Self::default()
        }
    }

    /// Waits until what was declared is kept for the next process.
    pub(super) async fn are_kept(&self) {
        let keeping = lock(&self.keeping).take();
        if let Some(keeping) = keeping {
            // It logs what goes wrong.
            let _ = keeping.await;
        }
    }

    /// Takes what the plugin declares; false if that is known.
    pub(super) fn declare(&self, hosts: Vec<String>) -> bool {
        self.declared.set(Arc::new(Egress::new(hosts, []))).is_ok()
    }

    /// Whether the plugin has declared its hosts.
    pub(super) fn are_known(&self) -> bool {
        self.declared.get().is_some()
    }

    /// The setting that names this host, marked or not.
    fn setting_naming(&self, host: &str, launch: &Launch) -> Option<&str> {
        let named = || named_hosts::all(&settings(launch));
        let mut named = self.named.get_or_init(named).iter();
        let found = named.find(|(_, named)| named.eq_ignore_ascii_case(host));
        found.map(|(setting, _)| setting.as_str())
    }
}

impl Shared {
    /// Warns of hosts that no earlier process of this sender declared, and keeps them for the next one.
    pub(super) fn warn_of_new(&self, hosts: &[String]) {
        let Some(before) = &self.hosts.before else {
            return;
        };
        if before.has(hosts) {
            return;
        }
        let hosts: Vec<_> = hosts.iter().map(|host| self.clean(host)).collect();
        if before.has(&hosts) {
            return;
        }
        let Launch { sender, plugin, .. } = &self.launch;
        let new = before.new_among(&hosts);
        if !new.is_empty() {
            let named = &new[..new.len().min(MAX_NAMED)];
            warn(
                sender,
                format_args!(
                    "the plugin {plugin} declares hosts that it did not declare before, and may use them: {}",
                    named.join(", ")
                ),
            );
        }
        let (before, sender) = (before.clone(), sender.clone());
        let keep = move || {
            if let Err(error) = before.keep(&hosts) {
                warn(
                    &sender,
                    format_args!("its plugin's hosts can't be kept: {error}"),
                );
            }
        };
        *lock(&self.hosts.keeping) = Some(spawn_blocking(keep));
    }

    /// The hosts that are open to an exchange with this host and port. Waits for the plugin's schema
    /// where that decides.
    pub(super) async fn egress_for(&self, target: Option<&(String, u16)>) -> Arc<Egress> {
        let hosts = &self.hosts;
        let declared = hosts.declared.get().cloned().unwrap_or_default();
        if target.is_none_or(|(host, _)| hosts.setting_naming(host, &self.launch).is_none()) {
            return declared;
        }
        if !hosts.is_schema_asked.swap(true, Ordering::AcqRel) {
            // If the process is gone, so is the exchange.
            let _ = self.outbox.post(&Down::Schema);
        }
        let mut all = hosts.all.subscribe();
        let all = all.wait_for(Option::is_some).await;
        all.ok().and_then(|all| all.clone()).unwrap_or(declared)
    }

    /// Takes the schema of the settings that was asked for.
    pub(super) fn schema(&self, schema: &Foreign) -> Result<(), &'static str> {
        const UNASKED: &str = "it describes its settings unasked";

        let declared = self.hosts.declared.get().ok_or(UNASKED)?;
        let is_asked = self.hosts.is_schema_asked.load(Ordering::Acquire);
        if !is_asked || self.hosts.all.borrow().is_some() {
            return Err(UNASKED);
        }
        let schema: Value = schema.judge(|schema| serde_json::from_str(schema).unwrap_or_default());
        let all = declared.with_named(named_hosts::marked(&schema, &settings(&self.launch)));
        self.hosts.all.send_replace(Some(Arc::new(all)));
        Ok(())
    }

    /// Which setting names a host that was refused, and what is wrong with it.
    pub(super) fn why_refused(
        &self,
        (host, port): &(String, u16),
        egress: &Egress,
    ) -> Option<String> {
        if egress.allows(host, *port) {
            return None;
        }
        let setting = self.hosts.setting_naming(host, &self.launch)?;
        Some(match egress.names(host) {
            true => format!("port {port} is not that of the host that the setting {setting} names"),
            false => format!(
                "the setting {setting} names the host that the plugin asked for, but the plugin does \
                 not mark it as a host (x-textsender-host); ask for a version of the plugin that does"
            ),
        })
    }
}

fn settings(launch: &Launch) -> Value {
    serde_json::from_str(&launch.settings).unwrap_or_default()
}
