//! What a sender's plugin says of itself.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    config::Config,
    plugins::{self, Description, StartupError, describe, folder},
};

/// How long a plugin has to describe itself, or to judge its settings.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub(super) type Answer = Result<Description, StartupError>;

/// Asks a plugin to describe itself; `None` where the configuration names none.
pub(super) async fn ask(config: &Config, plugin: &str) -> Option<Answer> {
    if !folder::is_id(plugin) {
        return None;
    }
    let library = folder::find(&config.plugins, plugin);
    let seal = plugins::plan(&config.plugins, None);
    let answer = describe(&library, plugin, seal, Instant::now() + PATIENCE).await;
    Some(answer)
}
