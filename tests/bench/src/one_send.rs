//! Part a: one send, from the start of its process to its end.

use crate::{
    figures::{Figure, Figures},
    peers,
    subject::{in_turns, median_ms},
    wiring::{Scheme, Wiring},
};

/// How often each is run.
const ROUNDS: usize = 60;

/// How many of them warm up: page cache, branch predictors, the server's connections.
const WARM_UP: usize = 3;

/// Measures one send over each scheme, against every peer that is there.
///
/// # Errors
/// Something that is there can't be run.
pub fn measure(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    for scheme in [Scheme::Http, Scheme::PrivateAuthority, Scheme::SystemRoots] {
        let (off, on) = (wiring.site(scheme, false)?, wiring.site(scheme, true)?);
        let mut subjects = vec![
            wiring.one_send("ledger off", &off)?,
            wiring.one_send("ledger and seal on", &on)?,
        ];
        for peer in peers::all(wiring, scheme) {
            match peer {
                Ok(peer) => subjects.push(peer),
                Err((name, why)) if scheme == Scheme::Http => figures.skip(name, &why),
                Err(_) => {}
            }
        }
        let taken = in_turns(ROUNDS, &subjects)?;
        let medians: Vec<f64> = taken
            .iter()
            .map(|taken| median_ms(taken.iter().skip(WARM_UP).copied()))
            .collect();
        let (ours, theirs) = medians.split_at(2);
        for (subject, ours) in subjects.iter().zip(ours) {
            let what = format!("{}, {}", scheme.name(), subject.name);
            let figure = Figure::new(&what, *ours, "ms");
            if theirs.is_empty() {
                figures.add(figure.clone());
            }
            for (peer, theirs) in subjects.iter().skip(2).zip(theirs) {
                let figure = figure.clone().against(&peer.name, *theirs);
                figures.add(match peer.name.as_str() {
                    "curl" => figure.ratio_at_most(0.9),
                    _ => figure,
                });
            }
        }
    }
    Ok(())
}
