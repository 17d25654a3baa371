//! Each sender that is ready: how its host process is sealed, and whether its provider can be reached
//! and knows the credentials. Nothing is sent.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Finding, SET_CLOCK, note, ok, problem, warning};
use crate::{
    cli::{Common, site::Site},
    os::seal::Demand,
    plugins::{SealPlan, Sealed},
    protocol::Outcome,
};

/// A clock that is off by more than this is not kept.
const WARNED: Duration = Duration::from_secs(10);

/// A clock that is off by more than this keeps texts from being sent: GOV.UK Notify refuses them.
const REFUSED: Duration = Duration::from_secs(30);

/// What the kernel really gave of each sender's seal.
pub(super) fn seals(site: &Site) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for standing in site.standings(None)? {
        if let Some((sealed, plan)) = site.seal_of(&standing)? {
            findings.push(seal(&standing.sender, &sealed, &plan));
        }
    }
    Ok(findings)
}

fn seal(sender: &str, sealed: &Sealed, plan: &SealPlan) -> Finding {
    let lacks: Vec<String> = sealed.lacks(plan).iter().map(ToString::to_string).collect();
    if lacks.is_empty() {
        return ok("seal", format!("{sender}: {sealed}"));
    }
    let words = format!("{sender} is not wholly sealed: {}", lacks.join("; "));
    match plan.demand {
        Demand::Any => note("seal", words),
        _ => problem(
            "seal",
            words,
            "allow it, or accept it with seal = \"any\" in [plugins]",
        ),
    }
}

pub(super) fn findings(site: &Site, common: &Common) -> anyhow::Result<Vec<Finding>> {
    let (mut findings, mut clocks) = (Vec::new(), Vec::new());
    for standing in site.standings(None)? {
        if !standing.is_ready() {
            continue;
        }
        let name = &standing.sender;
        let asked = crate::site::ask(site, name, common.log.level())?;
        let is_late = asked
            .clock_ahead
            .is_some_and(|ahead| ahead.unsigned_abs() > REFUSED);
        clocks.extend(asked.clock_ahead.map(|ahead| clock(name, ahead)));
        for answer in asked.findings {
            if let Some(words) = answer.message.strip_prefix("warning: ") {
                findings.push(warning("providers", format!("{name}: {words}")));
                continue;
            }
            let words = format!("{name}: {}", answer.message);
            findings.push(match (answer.is_fault, asked.outcome) {
                (false, Outcome::Unknown) => note("providers", words),
                (false, _) => ok("providers", words),
                (true, Outcome::Unavailable) if standing.used_by.is_empty() => note("providers", words),
                (true, Outcome::Unavailable) => problem(
                    "providers",
                    words,
                    asked.remedy.unwrap_or("try again later: the provider can't take texts now"),
                ),
                // Set right, the clock may well be all that there is to fix.
                (true, _) if is_late => problem("providers", words, SET_CLOCK),
                (true, _) if asked.remedy.is_some() => {
                    problem("providers", words, asked.remedy.unwrap_or_default())
                }
                (true, _) => problem(
                    "providers",
                    words,
                    format!("correct it with `textsender sender set {name}` or `textsender secret set {name}.KEY`"),
                ),
            });
        }
    }
    findings.extend(clocks);
    Ok(findings)
}

/// This machine's clock against the provider's of a sender.
fn clock(sender: &str, ahead: SignedDuration) -> Finding {
    let off = ahead.unsigned_abs();
    let word = match ahead.is_negative() {
        false => "ahead of",
        true => "behind",
    };
    let words = format!(
        "this machine is {} s {word} the provider of {sender}",
        off.as_secs()
    );
    match off {
        _ if off > REFUSED => problem("clock", words, SET_CLOCK),
        _ if off > WARNED => note("clock", words),
        _ => ok("clock", format!("agrees with the provider of {sender}")),
    }
}
