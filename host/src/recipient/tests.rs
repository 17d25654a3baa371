#![allow(clippy::unwrap_used)]

mod agreement;
mod placing;
mod reading;
mod writings;

use super::{Recipient, RecipientError, Region};
use crate::config::WithoutPlus;

fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

fn read(raw: &str, home: &str) -> Result<Recipient, RecipientError> {
    Recipient::read(raw, Some(region(home)), WithoutPlus::Ask)
}

fn international(raw: &str) -> Recipient {
    Recipient::read(raw, None, WithoutPlus::Ask).unwrap_or_else(|error| panic!("{raw}: {error}"))
}

/// Each line of `tests/expected.tsv`: E.164, region, kind, national form.
fn expected() -> impl Iterator<Item = [&'static str; 4]> {
    include_str!("tests/expected.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect::<Vec<_>>().try_into().unwrap())
}
