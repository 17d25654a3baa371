//! stub
use crate::{figures::Figures, wiring::Wiring};
pub fn measure(_: &Wiring, _: &mut Figures) -> anyhow::Result<()> {
    Ok(())
}
