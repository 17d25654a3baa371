//! Regions and kinds of number that do not exist: a policy with one would text no user.

use crate::{
    config::{Config, Fault, Located, Reach, Regions, WithoutPlus, nearest},
    recipient::{Kind, Region},
};

pub(super) fn faults(config: &Config) -> Vec<Fault> {
    let policies = config.policies.iter().map(|policy| ("", &policy.reach));
    let helpdesk = config.helpdesk.as_ref();
    let helpdesk = helpdesk.map(|helpdesk| ("helpdesk.", &helpdesk.reach));
    let prices = config.prices.values();
    policies
        .chain(helpdesk)
        .flat_map(|(prefix, reach)| of_reach(config, prefix, reach))
        .chain(prices.filter_map(|price| {
            unknown_region(
                config,
                &price.region,
                format!("prices.{}", price.region.value),
            )
        }))
        .collect()
}

fn unknown_region(config: &Config, region: &Located<String>, key: String) -> Option<Fault> {
    Region::parse(region).err()?;
    let message = format!("{:?} is not a region", region.value);
    let remedy = "use the two letters of ISO 3166-1, such as \"GB\" for the United Kingdom";
    Some(config.sources.fault(region.place, key, message, remedy))
}

/// Policies whose own region's mobiles are often refused when they are written as bare digits, and that do not
/// say how such digits are meant.
pub(super) fn warnings(config: &Config) -> Vec<Fault> {
    if config.defaults.numbers_without_plus.is_some() {
        return Vec::new();
    }
    let policies = config.policies.iter().map(|policy| &policy.reach);
    let helpdesk = config.helpdesk.as_ref().map(|helpdesk| &helpdesk.reach);
    let unset = policies
        .chain(helpdesk)
        .filter(|reach| reach.numbers_without_plus.is_none());
    let unclear = unset.filter_map(|reach| {
        let written = reach.region.as_ref()?;
        let region = Region::parse(written).ok()?;
        let per_mille = region.unclear_per_mille();
        let message = format!(
            "{} % of the mobile numbers of {region}, written without + and without a leading 0, can also be another country's; such numbers are refused",
            (per_mille + 5) / 10
        );
        let remedy = format!(
            "set {} = \"national\" in the policy or in [defaults] if such numbers are {region}'s, \
             \"international\" if they begin with a calling code, \"ask\" if they should be refused",
            WithoutPlus::KEY
        );
        let fault = || config.sources.fault(written.place, "region", message, remedy);
        (per_mille > MOST_UNCLEAR).then(fault)
    });
    unclear.collect()
}

/// Up to so many of a thousand it is not worth a word.
const MOST_UNCLEAR: u16 = 20;

fn of_reach(config: &Config, prefix: &str, reach: &Reach) -> Vec<Fault> {
    let unknown_region = |region, key| unknown_region(config, region, format!("{prefix}{key}"));
    let mut faults: Vec<Fault> = Vec::new();
    if let Some(region) = &reach.region {
        faults.extend(unknown_region(region, "region"));
    }
    if let Regions::Only(regions) = &reach.regions {
        // Where only `region` is set, `regions` is that one.
        let is_own = |region: &Located<String>| reach.region.as_ref() == Some(region);
        let listed = regions.iter().filter(|region| !is_own(region));
        faults.extend(listed.filter_map(|region| unknown_region(region, "regions")));
    }
    for kind in &reach.kinds {
        if Kind::named(kind).is_some() {
            continue;
        }
        let names = || Kind::ALL.iter().map(|kind| kind.as_str());
        let remedy = match nearest(kind, names()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("the kinds are {}", names().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("{:?} is not a kind of number", kind.value);
        let key = format!("{prefix}kinds");
        faults.push(config.sources.fault(kind.place, key, message, remedy));
    }
    faults
}
