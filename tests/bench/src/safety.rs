//! Part h: what safety costs: the ledger's records, the look at a library, the seal of its process.

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::{
    figures::{Figure, Figures},
    subject::{in_turns, median, median_ms},
    wiring::{Scheme, Wiring},
};

/// How often each is run.
const ROUNDS: usize = 60;

/// How many of them warm up.
const WARM_UP: usize = 3;

/// How many starts are looked at for what they tell of themselves.
const STARTS: usize = 30;

/// Measures one send with and without the ledger, and reads what a start spends on verifying and
/// sealing. That can't be switched off, so there is nothing to compare it with: the host process
/// times itself.
///
/// # Errors
/// textsender can't be run.
pub fn measure(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    let (off, on) = (
        wiring.site(Scheme::Http, false)?,
        wiring.site(Scheme::Http, true)?,
    );
    let subjects = [wiring.one_send("off", &off)?, wiring.one_send("on", &on)?];
    let taken = in_turns(ROUNDS, &subjects)?;
    let wall = |which: usize| median_ms(taken[which].iter().skip(WARM_UP).copied());
    let (without, with) = (wall(0), wall(1));
    figures.add(Figure::new("one send, ledger on", with, "ms").against("the same, off", without));
    figures.add(Figure::new("added by the ledger", with - without, "ms").at_most(3.0));

    let mut verified = Vec::new();
    let mut sealed = Vec::new();
    for _ in 0..STARTS {
        let output = wiring
            .one_send("textsender", &off)?
            .args(["--log-level", "debug", "--log-format", "json"])
            .output()?;
        let log = String::from_utf8_lossy(&output.stderr);
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let mut lines = lines.map(|line: Value| line["fields"].clone());
        let line = lines.find(|fields| fields["message"] == "sealed");
        let line = line.context("the log does not say that the process is sealed")?;
        let millis = |key: &str| line[key].as_f64();
        verified.push(millis("verified_ms").context("no time of verifying")?);
        sealed.push(millis("sealed_ms").context("no time of sealing")?);
    }
    ensure!(!sealed.is_empty(), "nothing was sealed");
    let (verified, sealed) = (median(verified), median(sealed));
    figures.add(Figure::new(
        "library verified and fixed in memory",
        verified,
        "ms",
    ));
    figures.add(Figure::new(
        "process sealed (Landlock, seccomp)",
        sealed,
        "ms",
    ));
    figures.add(Figure::new("both, of each start", verified + sealed, "ms").at_most(2.0));
    Ok(())
}
