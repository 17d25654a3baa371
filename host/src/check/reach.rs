//! Regions and kinds of number that do not exist: a policy with one would text no user.

use crate::{
    config::{Config, Fault, Located, Reach, Regions, nearest},
    recipient::{Kind, Region},
};

pub(super) fn faults(config: &Config) -> Vec<Fault> {
    let policies = config.policies.iter().map(|policy| ("", &policy.reach));
    let helpdesk = config.helpdesk.as_ref();
    let helpdesk = helpdesk.map(|helpdesk| ("helpdesk.", &helpdesk.reach));
    policies
        .chain(helpdesk)
        .flat_map(|(prefix, reach)| of_reach(config, prefix, reach))
        .collect()
}

fn of_reach(config: &Config, prefix: &str, reach: &Reach) -> Vec<Fault> {
    let fault = |name: &Located<String>, key: &str, message: &str, remedy: String| {
        let message = format!("{:?} {message}", name.value);
        let key = format!("{prefix}{key}");
        config.sources.fault(name.place, key, message, remedy)
    };
    let unknown_region = |region: &Located<String>, key: &str| {
        Region::parse(region).err()?;
        let remedy = "use the two letters of ISO 3166-1, such as \"GB\" for the United Kingdom";
        Some(fault(region, key, "is not a region", remedy.to_owned()))
    };
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
        faults.push(fault(kind, "kinds", "is not a kind of number", remedy));
    }
    faults
}
