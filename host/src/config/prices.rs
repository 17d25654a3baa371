//! `[prices]`: what a segment costs, by region, so that what was spent can be shown.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde::{Serialize, Serializer};

use super::place::Located;
use super::policies::is_region;
use super::table::Node;

/// What one segment costs, by region.
pub type Prices = BTreeMap<String, Price>;

/// What one segment to a region costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The region, as written.
    pub region: Located<String>,
    /// In millionths of the currency.
    pub millionths: u64,
    /// Three letters, such as `EUR`.
    pub currency: String,
}

/// What segments cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Spend {
    /// By currency, in millionths.
    #[serde(serialize_with = "amounts")]
    pub spend: BTreeMap<String, u64>,
    /// Segments to regions without a price, which are not in it.
    pub segments_without_price: u64,
}

impl Spend {
    /// What so many segments to each region cost; `None` where no prices are known.
    pub fn of<'s>(
        prices: &Prices,
        segments: impl IntoIterator<Item = (&'s str, u64)>,
    ) -> Option<Self> {
        let mut spend = Self::default();
        for (region, segments) in segments.into_iter().filter(|(_, segments)| *segments > 0) {
            match prices.get(region) {
                Some(price) => {
                    let sum = spend.spend.entry(price.currency.clone()).or_default();
                    *sum = sum.saturating_add(segments.saturating_mul(price.millionths));
                }
                None => spend.segments_without_price += segments,
            }
        }
        (!prices.is_empty()).then_some(spend)
    }

    /// One sum, in millionths.
    pub fn sum(currency: &str, millionths: u64) -> Self {
        Self {
            spend: BTreeMap::from([(currency.to_owned(), millionths)]),
            segments_without_price: 0,
        }
    }
}

/// Such as `1.28 EUR, 0.0075 USD`.
impl Display for Spend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sums = self.spend.iter();
        let sums: Vec<String> = sums
            .map(|(currency, sum)| format!("{} {currency}", decimal(*sum)))
            .collect();
        match sums.is_empty() {
            true => f.write_str("-"),
            false => f.write_str(&sums.join(", ")),
        }
    }
}

/// Two decimals, and more where they are not 0.
fn decimal(millionths: u64) -> String {
    let (whole, rest) = (millionths / MILLION, millionths % MILLION);
    let decimals = format!("{rest:06}");
    format!("{whole}.{:0<2}", decimals.trim_end_matches('0'))
}

const MILLION: u64 = 1_000_000;

fn amounts<S: Serializer>(sums: &BTreeMap<String, u64>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(sums.iter().map(|(currency, sum)| (currency, units(*sum))))
}

/// In the currency's own unit.
fn units(millionths: u64) -> f64 {
    millionths as f64 / MILLION as f64
}

impl Price {
    /// In the currency's own unit.
    pub fn amount(&self) -> f64 {
        units(self.millionths)
    }

    pub(super) fn read(region: &Located<String>, node: &Node) -> Option<Self> {
        if !is_region(region) {
            let remedy = r#"write the two capital letters of ISO 3166, such as "GB""#;
            node.fault("is not a region", remedy);
            return None;
        }
        let text = node.string()?;
        let price = text.split_once(' ').and_then(|(amount, currency)| {
            let is_currency =
                currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
            let millionths = millionths(amount).filter(|_| is_currency)?;
            Some(Price {
                region: region.clone(),
                millionths,
                currency: currency.to_owned(),
            })
        });
        if price.is_none() {
            let remedy = r#"write an amount and the currency's three letters, such as "0.04 EUR""#;
            node.fault(format!("{:?} is not a price", text.value), remedy);
        }
        price
    }
}

/// Reads an amount with up to six decimals.
fn millionths(amount: &str) -> Option<u64> {
    let (whole, decimals) = amount.split_once('.').unwrap_or((amount, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !are_digits(whole) || !are_digits(decimals) || decimals.len() > 6 {
        return None;
    }
    let decimals: u64 = format!("{decimals:0<6}").parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(MILLION)?
        .checked_add(decimals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Reading, Sources};

    fn read(prices: &str) -> Reading {
        let text = format!("[prices]\n{prices}");
        Reading::of(Sources::from_text("/etc/textsender/textsender.toml", text))
    }

    #[test]
    fn a_price_is_an_amount_and_a_currency() {
        for (written, millionths) in [
            ("0.04 EUR", 40_000),
            ("1 EUR", MILLION),
            ("0.000001 EUR", 1),
            ("0 EUR", 0),
        ] {
            let config = read(&format!("GB = \"{written}\"")).into_config().unwrap();
            let price = &config.prices["GB"];
            assert_eq!(
                (price.millionths, price.currency.as_str()),
                (millionths, "EUR")
            );
        }
    }

    #[test]
    fn what_is_no_price_is_a_fault_with_its_place() {
        for (written, key) in [
            ("GB = \"0,04 EUR\"", "prices.GB"),
            ("GB = \"0.04\"", "prices.GB"),
            ("GB = \"0.04 euro\"", "prices.GB"),
            ("GB = \"-1 EUR\"", "prices.GB"),
            ("GB = \"0.0000001 EUR\"", "prices.GB"),
            ("GB = \"99999999999999999999 EUR\"", "prices.GB"),
            ("GB = \". EUR\"", "prices.GB"),
            ("GB = 0.04", "prices.GB"),
            ("gb = \"0.04 EUR\"", "prices.gb"),
        ] {
            let reading = read(written);
            let keys: Vec<_> = reading.faults.iter().map(|fault| &fault.key).collect();
            assert_eq!(keys, [key], "{written}");
            assert!(reading.config.prices.is_empty(), "{written}");
        }
    }

    #[test]
    fn what_was_spent_is_told_by_currency_without_what_has_no_price() {
        let config =
            read("GB = \"0.04 EUR\"\nIE = \"0.5 EUR\"\nUS = \"0.0075 USD\"\nFR = \"1 CHF\"");
        let prices = config.into_config().unwrap().prices;
        let spend = Spend::of(
            &prices,
            [("GB", 2), ("IE", 1), ("US", 1), ("FR", 0), ("DE", 7)],
        );
        let spend = spend.unwrap();
        assert_eq!(spend.to_string(), "0.58 EUR, 0.0075 USD");
        let json = serde_json::to_value(&spend).unwrap();
        let expected = serde_json::json!({
            "spend": { "EUR": 0.58, "USD": 0.0075 },
            "segments_without_price": 7,
        });
        assert_eq!(json, expected);
        assert_eq!(Spend::of(&Prices::default(), [("GB", 2)]), None);
    }
}
