//! Policies and `[helpdesk]` as they are written: who gets which sender and text. What they mean is
//! the room `policy`'s; distinguished names stay strings here.

use std::collections::BTreeMap;

use textsender_names::Guid;

use super::place::{Located, Place};
use super::table::{Node, Table};
pub use crate::protocol::WithoutPlus;
use crate::protocol::{Event, Purpose};

/// One policy: a drop-in file, or one `[[policies]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name, unique in the configuration.
    pub name: Located<String>,
    /// Which numbers it may text.
    pub reach: Reach,
    /// For which events; `None`: all.
    pub events: Option<Vec<Event>>,
    /// The group policy object that decides whom it is for, in place of links and filter.
    pub binding: Option<Binding>,
    /// Where it is linked.
    pub links: Vec<Link>,
    /// Whom it is for, among those that its links reach.
    pub filter: Filter,
    /// How a verification code is sent; `None`: not at all.
    pub verification_code: Option<Block>,
    /// How information without a code is sent; `None`: not at all.
    pub information: Option<Block>,
    /// Where it starts.
    pub place: Place,
}

/// Which numbers may be texted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The region that national forms are read with, such as `"GB"`.
    pub region: Option<Located<String>>,
    /// The regions that may be texted.
    pub regions: Regions,
    /// Kinds of number that are allowed beyond the usual ones, such as `"premium"`.
    pub kinds: Vec<Located<String>>,
    /// How digits are meant that can be two numbers; `None`: as `[defaults]` has it.
    pub numbers_without_plus: Option<WithoutPlus>,
}

impl WithoutPlus {
    /// The key of policies, `[helpdesk]`, `[defaults]` and callers.
    pub const KEY: &str = "numbers_without_plus";

    pub(super) fn read(t: &Table) -> Option<Self> {
        let choices = [
            ("ask", Self::Ask),
            ("national", Self::National),
            ("international", Self::International),
        ];
        t.get(Self::KEY).and_then(|node| node.choice(&choices))
    }
}

/// The regions that may be texted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Regions {
    /// All: `regions = ["*"]`, or neither `region` nor `regions` is set.
    #[default]
    Any,
    /// These; `region` alone if `regions` is not set.
    Only(Vec<Located<String>>),
}

/// One `[[link]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The distinguished name of the container, as written.
    pub container: Located<String>,
    /// At one container the lowest wins; 1 if not set.
    pub order: u32,
    /// Whether links below can't override it.
    pub enforced: bool,
    /// `false`: as if it were not there.
    pub enabled: bool,
    /// Where it starts.
    pub place: Place,
}

/// `[gpo]`: a group policy object of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Its id: the name of its entry.
    pub id: Guid,
    /// Its name for people, as it was when the policy was bound.
    pub name: Option<String>,
    /// The directory that has it; `None`: the only one.
    pub directory: Option<Located<String>>,
    /// Whether a WMI filter, which needs a machine that no request has, is taken as passed.
    pub ignore_wmi_filter: bool,
    /// Where it starts.
    pub place: Place,
}

/// `[filter]`: distinguished names or SIDs. With neither `groups` nor `users`: everyone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Members of any of these.
    pub groups: Vec<Located<String>>,
    /// But members of none of these.
    pub deny_groups: Vec<Located<String>>,
    /// These users too.
    pub users: Vec<Located<String>>,
}

/// How messages of one purpose are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// By whom and how.
    pub options: SendOptions,
    /// What they say.
    pub text: Text,
}

/// By whom a message is sent, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SendOptions {
    /// The first sender; `None`: `[defaults] sender`.
    pub sender: Option<Located<String>>,
    /// Those tried after it.
    pub fallback: Vec<Located<String>>,
    /// Whether a message that may have been sent is tried with the next sender; `None`: as the
    /// purpose has it.
    pub on_unknown: Option<OnUnknown>,
    /// The most segments that a text may take.
    pub max_segments: Option<u8>,
    /// The longest code that is expected, in characters, for which `check` counts segments.
    pub code_length: Option<u8>,
    /// The site named in the origin-bound last line.
    pub origin: Option<Located<String>>,
    /// Whether look-alike characters that double the cost are replaced.
    pub fold: bool,
}

/// What follows an outcome `unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    /// The next sender: the user may get two messages.
    FailOver,
    /// Nothing: the user may get none.
    Stop,
}

/// A text and its translations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// In the policy's own language.
    pub text: Located<String>,
    /// By language tag, as written.
    pub translations: BTreeMap<String, Located<String>>,
}

/// `[helpdesk]`: messages that the helpdesk sends, the same for every user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Helpdesk {
    /// By whom and how. `on_unknown` is for `helpdesk_code`: a password always stops.
    pub options: SendOptions,
    /// Which numbers may be texted.
    pub reach: Reach,
    /// Whether the helpdesk may text a new password.
    pub new_password: bool,
    /// The text of `helpdesk_code`.
    pub helpdesk_code_text: Option<Text>,
    /// The text of `new_password`.
    pub new_password_text: Option<Text>,
    /// Where it starts.
    pub place: Place,
}

impl Policy {
    /// How messages of this purpose are sent, if the policy sends them.
    pub fn block(&self, purpose: Purpose) -> Option<&Block> {
        match purpose {
            Purpose::VerificationCode => self.verification_code.as_ref(),
            Purpose::Information => self.information.as_ref(),
            _ => None,
        }
    }

    /// All that it sends.
    pub fn blocks(&self) -> impl Iterator<Item = (Purpose, &Block)> {
        Self::PURPOSES
            .into_iter()
            .filter_map(|purpose| Some((purpose, self.block(purpose)?)))
    }

    /// What policies send: each has a table of its name in them.
    pub const PURPOSES: [Purpose; 2] = [Purpose::VerificationCode, Purpose::Information];

    /// `None` after a fault that leaves no policy.
    pub(super) fn read(t: &Table) -> Option<Self> {
        let name = t.require("name", r#"add name = "NAME""#);
        let events = [("enroll", Event::Enroll), ("reset", Event::Reset)];
        let policy = Policy {
            name: name.and_then(|n| n.word()).unwrap_or_default(),
            reach: Reach::read(t),
            events: t
                .get("events")
                .map(|node| node.some(|event| event.choice(&events))),
            binding: binding(t),
            links: t
                .get("link")
                .map_or(Vec::new(), |node| node.tables(Link::read)),
            filter: t.table("filter", Filter::read).unwrap_or_default(),
            verification_code: t.table("verification_code", Block::read).flatten(),
            information: t.table("information", Block::read).flatten(),
            place: t.place(),
        };
        (!policy.name.is_empty()).then_some(policy)
    }
}

impl Reach {
    fn read(t: &Table) -> Self {
        let region = |node: &Node| {
            let remedy = r#"write the two capital letters of ISO 3166, such as "GB""#;
            node.shaped(is_region, remedy)
        };
        let own = t.get("region").and_then(|node| region(&node));
        let regions = t.get("regions").map(|node| {
            node.some(|item| match item.value.as_str() {
                Some("*") => item.word(),
                _ => region(item),
            })
        });
        let kinds = t.get("kinds");
        Reach {
            regions: match regions.or_else(|| own.clone().map(|own| vec![own])) {
                Some(regions) if regions.iter().all(|r| r.value != "*") => Regions::Only(regions),
                _ => Regions::Any,
            },
            region: own,
            kinds: kinds.map_or(Vec::new(), |node| node.list(|kind| kind.word())),
            numbers_without_plus: WithoutPlus::read(t),
        }
    }
}

impl Link {
    fn read(t: &Table) -> Option<Self> {
        let container = t.require("container", r#"add container = "OU=...,DC=...""#);
        let order = t.integer("order", 1..=i64::from(u32::MAX));
        let enforced = t.boolean("enforced");
        let enabled = t.boolean("enabled");
        Some(Link {
            container: container?.word()?,
            order: order.map_or(1, |order| order as u32),
            enforced: enforced.unwrap_or(false),
            enabled: enabled.unwrap_or(true),
            place: t.place(),
        })
    }
}

/// `[gpo]`, which says for whom the policy is: links and filter would say it again.
fn binding(t: &Table) -> Option<Binding> {
    let node = t.get("gpo")?;
    for key in ["link", "filter"] {
        if let Some(other) = t.peek(key) {
            let what = "contradicts [gpo]: the group policy object's links and security filter say for whom it is";
            other.fault(what, "remove the section, or [gpo]");
        }
    }
    node.table(Binding::read).flatten()
}

impl Binding {
    fn read(t: &Table) -> Option<Self> {
        let id = t.require(
            "id",
            r#"add id = "{...}", or bind it: textsender policy bind NAME --gpo GPO"#,
        );
        let name = t.word("name").map(|name| name.value);
        let directory = t.word("directory");
        let wmi_filter = t.get("wmi_filter");
        let wmi_filter = wmi_filter.and_then(|node| node.choice(&[("treat_as_passed", ())]));
        let remedy =
            "write the object's unique id, such as \"{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6E}\"";
        let id = id?.shaped(|id| id.parse::<Guid>().is_ok(), remedy)?;
        Some(Self {
            id: id.parse().ok()?,
            name,
            directory,
            ignore_wmi_filter: wmi_filter.is_some(),
            place: t.place(),
        })
    }
}

impl Filter {
    fn read(t: &Table) -> Self {
        let names = |key| {
            let node = t.get(key);
            node.map_or(Vec::new(), |node| node.some(|name| name.word()))
        };
        Filter {
            groups: names("groups"),
            deny_groups: names("deny_groups"),
            users: names("users"),
        }
    }
}

impl Block {
    fn read(t: &Table) -> Option<Self> {
        let options = SendOptions::read(t);
        let text = t.require("text", "add text = \"...\"");
        let translations = t.get("translations");
        Some(Block {
            options,
            text: Text {
                text: text.and_then(|node| node.text())?,
                translations: translations.map_or(BTreeMap::new(), |n| read_translations(&n)),
            },
        })
    }
}

impl SendOptions {
    fn read(t: &Table) -> Self {
        let on_unknown = [
            ("fail_over", OnUnknown::FailOver),
            ("stop", OnUnknown::Stop),
        ];
        SendOptions {
            sender: t.word("sender"),
            fallback: t
                .get("fallback")
                .map_or(Vec::new(), |node| node.list(|name| name.word())),
            on_unknown: t.get("on_unknown").and_then(|n| n.choice(&on_unknown)),
            max_segments: t.integer("max_segments", 1..=10).map(|n| n as u8),
            code_length: t.integer("code_length", 4..=64).map(|n| n as u8),
            origin: t.get("origin").and_then(|node| {
                let remedy = r#"write a host name, such as "reset.example.com""#;
                node.shaped(is_host, remedy)
            }),
            fold: t.boolean("fold").unwrap_or(false),
        }
    }
}

impl Helpdesk {
    pub(super) fn read(t: &Table) -> Self {
        let mut helpdesk = Helpdesk {
            options: SendOptions::read(t),
            reach: Reach::read(t),
            new_password: t.boolean("new_password").unwrap_or(false),
            place: t.place(),
            ..Helpdesk::default()
        };
        t.table("texts", |texts| {
            let text = |key| {
                let text = texts.get(key)?.text()?;
                let translations = BTreeMap::new();
                Some(Text { text, translations })
            };
            helpdesk.helpdesk_code_text = text("helpdesk_code");
            helpdesk.new_password_text = text("new_password");
        });
        t.table("translations", |all| {
            let read = |key, text: &mut Option<Text>| {
                let Some(node) = all.get(key) else { return };
                let translations = read_translations(&node);
                match text {
                    Some(text) => text.translations = translations,
                    None => node.fault(
                        "translates a text that is missing",
                        format!("add {key} = \"...\" to [helpdesk.texts]"),
                    ),
                }
            };
            read("helpdesk_code", &mut helpdesk.helpdesk_code_text);
            read("new_password", &mut helpdesk.new_password_text);
        });
        helpdesk
    }
}

fn read_translations(node: &Node) -> BTreeMap<String, Located<String>> {
    let mut translations = BTreeMap::new();
    node.each(|tag, node| {
        if !is_language_tag(tag) {
            node.fault(
                "has a name that is not a language tag",
                r#"write tags such as cy, pt-BR or "zh-Hant""#,
            );
        }
        if let Some(text) = node.text() {
            translations.insert(tag.value.clone(), text);
        }
    });
    translations
}

pub(super) fn is_region(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// The shape of a BCP 47 tag: a language of 2-8 letters, then parts of 1-8 letters or digits.
fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    (2..=8).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(is_part)
}

fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.split('.').all(is_label)
}
