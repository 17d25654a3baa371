//! Senders that address a number by `%national%`, as it is dialled in its country: where more than one country is
//! texted, two users can have the same.

use textsender_plugin_api::template::Placeholder;

use super::{senders::Looked, usage::Usage};
use crate::{
    config::{Config, Fault, Place, Reach, Regions},
    recipient::Region,
};

pub(super) fn faults(config: &Config, usages: &[Usage], senders: &[Looked]) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for usage in usages {
        let Some((place, key)) = several_countries(usage) else {
            continue;
        };
        let uses_national = |sender: &&Looked| {
            let capabilities = sender.capabilities.as_ref();
            usage.senders.contains(&sender.name.as_str())
                && capabilities.is_some_and(|it| it.in_settings.contains(Placeholder::National))
        };
        faults.extend(senders.iter().filter(uses_national).map(|sender| {
            let message = format!(
                "{} texts more than one country, and sender {:?} uses %national%, which may be the same for two users",
                usage.owner.shown(),
                sender.name
            );
            let remedy = "use %digits% or %phone% in the sender's settings, or text one country with it";
            config.sources.fault(place, key, message, remedy)
        }));
    }
    // The helpdesk has one reach for two texts.
    faults.dedup_by(|a, b| (a.line, &a.message) == (b.line, &b.message));
    faults
}

/// Where it stands that numbers of several country codes are texted, if they are.
fn several_countries(usage: &Usage) -> Option<(Place, &'static str)> {
    let Reach {
        region, regions, ..
    } = usage.reach;
    let place = region.as_ref().map(|region| region.place);
    let Regions::Only(listed) = regions else {
        return Some((place.unwrap_or(usage.text.text.place), "regions"));
    };
    let first = region.as_ref().or(listed.first())?;
    let first = Region::parse(first).ok()?;
    let other = listed.iter().find(|name| {
        let region = Region::parse(name);
        region.is_ok_and(|region| !region.has_same_code(first))
    })?;
    Some((other.place, "regions"))
}
