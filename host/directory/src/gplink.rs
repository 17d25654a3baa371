//! The attribute `gPLink` of a container: which group policy objects are linked to it, and how (MS-GPOL 2.2.2).
//!
//! ```text
//! [LDAP://CN={GUID},CN=Policies,CN=System,DC=example,DC=org;0][LDAP://cn={...},...;2]
//! ```
//!
//! The **last** entry is link order 1, the strongest: consoles add at the front. One blank is left where the last
//! link was taken away.

use serde::{Deserialize, Serialize};
use textsender_names::{Dn, Guid};

/// Longest attribute that is read, in bytes; Windows shows at most 999 links.
const MAX_BYTES: usize = 512 * 1024;

/// The link is off.
const DISABLED: u32 = 1;
/// Links below, and blocked inheritance, do not beat it.
const ENFORCED: u32 = 2;

/// One link to a group policy object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The id of the object.
    pub gpo: Guid,
    /// Its place at the container; 1 is the strongest.
    pub order: u32,
    /// Whether it counts.
    pub enabled: bool,
    /// Whether links below it do not beat it.
    pub enforced: bool,
}

/// The attribute is not of its form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("gPLink can't be read at byte {at}: {what}")]
pub struct BadLinks {
    /// Where.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// A link as the attribute has it, with the name of its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedLink {
    /// The object's entry.
    pub dn: Dn,
    /// The link.
    pub link: Link,
}

/// Reads the attribute, the strongest link first.
///
/// # Errors
///
/// It is not of its form. Nothing of it is used then: what is left out could be what decides.
pub fn parse(attribute: &str) -> Result<Vec<NamedLink>, BadLinks> {
    let fault = |rest: &str, what| BadLinks {
        at: attribute.len() - rest.len(),
        what,
    };
    if attribute.len() > MAX_BYTES {
        return Err(fault("", "it is longer than 512 KiB"));
    }
    let mut links = Vec::new();
    let mut rest = attribute.trim_matches(' ');
    while !rest.is_empty() {
        let inner = rest
            .strip_prefix('[')
            .ok_or_else(|| fault(rest, "a [ is missing"))?;
        // Neither a GUID nor a domain holds these.
        let (entry, after) = inner
            .split_once(']')
            .ok_or_else(|| fault(rest, "a ] is missing"))?;
        let (path, options) = entry
            .rsplit_once(';')
            .ok_or_else(|| fault(rest, "it has no options"))?;
        let dn = strip_scheme(path).ok_or_else(|| fault(rest, "it does not begin with LDAP://"))?;
        let dn = Dn::parse(dn).map_err(|_| fault(rest, "it names no object"))?;
        let gpo = dn
            .name()
            .parse()
            .map_err(|_| fault(rest, "it names no group policy object"))?;
        let is_number = !options.is_empty() && options.bytes().all(|byte| byte.is_ascii_digit());
        let options: Option<u32> = options.parse().ok().filter(|_| is_number);
        let options = options.ok_or_else(|| fault(rest, "its options are not a number"))?;
        let link = Link {
            gpo,
            order: 0,
            enabled: options & DISABLED == 0,
            enforced: options & ENFORCED != 0,
        };
        links.push(NamedLink { dn, link });
        rest = after;
    }
    links.reverse();
    for (order, named) in (1..).zip(&mut links) {
        named.link.order = order;
    }
    Ok(links)
}

fn strip_scheme(path: &str) -> Option<&str> {
    let (scheme, dn) = path.split_at_checked("LDAP://".len())?;
    scheme.eq_ignore_ascii_case("LDAP://").then_some(dn)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: &str = "{11111111-0000-4000-8000-00000000000A}";
    const B: &str = "{11111111-0000-4000-8000-00000000000B}";

    fn entry(id: &str, options: u32) -> String {
        format!("[LDAP://CN={id},CN=Policies,CN=System,DC=example,DC=org;{options}]")
    }

    fn short(attribute: &str) -> Vec<(String, u32, bool, bool)> {
        let links = parse(attribute)
            .unwrap()
            .into_iter()
            .map(|named| named.link);
        links
            .map(|link| {
                (
                    link.gpo.to_string(),
                    link.order,
                    link.enabled,
                    link.enforced,
                )
            })
            .collect()
    }

    #[test]
    fn the_last_link_is_the_first_in_order() {
        let attribute = entry(A, 0) + &entry(B, 0);
        assert_eq!(
            short(&attribute),
            [(B.into(), 1, true, false), (A.into(), 2, true, false)]
        );
    }

    #[test]
    fn options_say_whether_a_link_is_on_and_enforced() {
        let is = |options| {
            let links = short(&entry(A, options));
            (links[0].2, links[0].3)
        };
        assert_eq!(
            [0, 1, 2, 3].map(is),
            [(true, false), (false, false), (true, true), (false, true)]
        );
    }

    #[test]
    fn small_letters_as_windows_writes_them_and_blanks_are_fine() {
        let attribute = entry(A, 0).to_lowercase().replace("ldap://", "LDAP://");
        assert_eq!(short(&attribute), [(A.into(), 1, true, false)]);
        assert_eq!(short(&format!("{attribute} ")).len(), 1);
        for none in ["", " "] {
            assert_eq!(short(none), []);
        }
    }

    #[test]
    fn what_is_not_of_its_form_gives_no_link_at_all() {
        let good = entry(A, 0);
        for bad in [
            "x",
            "[",
            "[]",
            "[;0]",
            "[LDAP://CN=x,DC=y;0]",
            "[http://x;0]",
        ] {
            assert!(parse(&format!("{good}{bad}")).is_err(), "{bad}");
        }
        for options in ["", "-1", "+1", "99999999999", "two"] {
            assert!(
                parse(&good.replace(";0]", &format!(";{options}]"))).is_err(),
                "{options}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_at_a_place_in_it(text in "(\\[LDAP://CN=\\{|[\\[\\];,={}0-9a-f-]|[^a]){0,60}") {
            if let Err(error) = parse(&text) {
                prop_assert!(error.at <= text.len());
            }
        }

        #[test]
        fn what_is_written_is_read_again(options in prop::collection::vec(0_u32..4, 0..20)) {
            let attribute: String = options.iter().map(|option| entry(A, *option)).collect();
            let read = parse(&attribute).unwrap();
            prop_assert_eq!(read.len(), options.len());
            for (named, option) in read.iter().rev().zip(options) {
                prop_assert_eq!(named.link.enabled, option & 1 == 0);
                prop_assert_eq!(named.link.enforced, option & 2 != 0);
            }
        }
    }
}
