//! The installation that the command line names.

use super::Common;
pub(super) use crate::site::{Site, block_on};

impl Site {
    /// Reads the configuration that the command line, the environment or the system names.
    pub(super) fn read(common: &Common) -> anyhow::Result<Self> {
        Self::at(&common.config_file().path)
    }

    /// The same, also where others can change the configuration: to show what is wrong with it.
    pub(super) fn unjudged(common: &Common) -> anyhow::Result<Self> {
        Self::unjudged_at(&common.config_file().path)
    }
}
