//! Part e: template, segments, number, distinguished name: what each message pays for its text.

use std::{
    collections::BTreeMap,
    hint::black_box,
    time::{Duration, Instant},
};

use textsender::{
    config::WithoutPlus,
    policy::Dn,
    recipient::{Recipient, Region},
    text::{TextSource, TextValues, Texts},
};
use textsender_plugin_api::Purpose;

use crate::{
    figures::{Figure, Figures},
    subject::median,
    wiring::Wiring,
};

/// How long a batch of calls is to take, so that the clock does not matter.
const BATCH: Duration = Duration::from_millis(20);

/// How many batches the median is of.
const BATCHES: usize = 7;

/// Measures the rooms that every message goes through, each by itself.
///
/// # Errors
/// A text of this file is wrong.
pub fn measure(_: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    let none = BTreeMap::new();
    let text = "Hello %name|there%, your code is %code%. It lasts %minutes|10% minutes.";
    let source = TextSource::new(Purpose::VerificationCode, text, &none);
    let texts = Texts::compile(&source).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    let values = TextValues {
        code: Some("beK989vc"),
        name: Some("Ada L."),
        expires_in: Some(Duration::from_secs(600)),
        ..TextValues::default()
    };
    let mut add = |what: &str, micros: f64| figures.add(Figure::new(what, micros, "µs"));
    add(
        "template compiled",
        micros(|| Texts::compile(black_box(&source)).is_ok()),
    );
    add(
        "template rendered, segments counted",
        micros(|| texts.render(None, black_box(&values)).is_ok()),
    );
    let long = "Ζω. The quick brown fox jumps over the lazy dog €5 [now] ".repeat(8) + "%code%";
    let long = TextSource::new(Purpose::VerificationCode, &long, &none);
    let long = Texts::compile(&long).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    add(
        "the same of 464 characters, counted as UTF-16",
        micros(|| long.render(None, black_box(&values)).is_ok()),
    );
    let home = Region::parse("GB").ok();
    add(
        "number read, E.164",
        micros(|| Recipient::read(black_box("+447700900123"), home, WithoutPlus::Ask).is_ok()),
    );
    let begun = Instant::now();
    let read = Recipient::read("07700 900123", home, WithoutPlus::Ask);
    let first = begun.elapsed().as_secs_f64() * 1e6;
    anyhow::ensure!(read.is_ok(), "a national number is not read");
    add("number read, national form, the first of a process", first);
    add(
        "number read, national form",
        micros(|| Recipient::read(black_box("07700 900123"), home, WithoutPlus::Ask).is_ok()),
    );
    let dn = "CN=Lovelace\\, Ada,OU=Analysts,OU=Staff,DC=example,DC=org";
    add(
        "distinguished name parsed",
        micros(|| Dn::parse(black_box(dn)).is_ok()),
    );
    Ok(())
}

/// What one call takes, in microseconds: the median of batches.
pub fn micros<T>(mut call: impl FnMut() -> T) -> f64 {
    let mut batch = |count: u32| {
        let begun = Instant::now();
        for _ in 0..count {
            black_box(call());
        }
        begun.elapsed()
    };
    let mut count = 1;
    while batch(count) < BATCH {
        count *= 2;
    }
    let each = (0..BATCHES).map(|_| batch(count).as_secs_f64() * 1e6 / f64::from(count));
    median(each.collect())
}
