//! One configuration, worked out: what a message only looks up.
//!
//! A snapshot is made when a configuration is read, and never changes. An edit makes a new one, which
//! takes the place of the old one whole, or not at all.
//!
//! Policies are indexed and limits are read at once, so that what is wrong with them is known before a
//! message asks. Texts are compiled, and regions looked up, for the first message of their owner: a
//! process that sends one message pays for one policy, a stream once for each.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use textsender_plugin_api::Purpose;

use super::code_length;
use crate::{
    config::{
        Config, Faults, Fingerprint, Reading, Regions, SendOptions, Sources, Text as ConfigText,
    },
    ledger::Limits,
    policy::{MessageOwner, Policies, Resolution},
    protocol::{ErrorCode, Failure},
    recipient::Region,
    text::{TextFault, TextSource, Texts},
};

/// A configuration without a fault of shape, ready to decide.
#[derive(Debug)]
pub struct Snapshot {
    policies: Policies,
    limits: Arc<Limits>,
    /// By the policies' numbers.
    of_policies: Vec<OnceLock<Prepared>>,
    /// The same for their information.
    of_information: Vec<OnceLock<Prepared>>,
    of_helpdesk_code: OnceLock<Prepared>,
    of_new_password: OnceLock<Prepared>,
    of_test: OnceLock<Prepared>,
}

/// What all messages of one owner have in common.
#[derive(Debug)]
pub struct Prepared {
    /// The text and its translations.
    pub texts: Result<Texts, Failure>,
    /// The region whose national forms are read, if any.
    pub home: Result<Option<Region>, Failure>,
    /// The regions that may be texted; `None`: all.
    pub regions: Result<Option<Vec<Region>>, Failure>,
}

impl Snapshot {
    /// Reads the configuration for sending. With it, right or wrong, what its files looked like, by
    /// which a later edit is noticed.
    ///
    /// # Errors
    ///
    /// The configuration is wrong, or others can write to it: `misconfigured`.
    pub fn read(file: &Path) -> (Result<Self, Failure>, Fingerprint) {
        Self::of_sources(Sources::read(file))
    }

    /// The same of files that were read.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn of_sources(sources: Sources) -> (Result<Self, Failure>, Fingerprint) {
        let fingerprint = sources.fingerprint().clone();
        let reading = Reading::of(sources)
            .believed()
            .map_err(|found| Failure::with_detail(ErrorCode::BadConfiguration, found.to_string()));
        (reading.and_then(Self::of), fingerprint)
    }

    /// Reads a configuration that is not for sending: it may lie where others can write, as a draft
    /// does.
    ///
    /// # Errors
    ///
    /// The configuration is wrong: `misconfigured`.
    pub fn of_draft(file: &Path) -> Result<Self, Failure> {
        Self::of(Reading::of(Sources::read(file)))
    }

    fn of(reading: Reading) -> Result<Self, Failure> {
        let config = reading.for_sending();
        let snapshot = config.and_then(|config| Self::new(Arc::new(config)));
        snapshot
            .map_err(|faults| Failure::with_detail(ErrorCode::BadConfiguration, faults.to_string()))
    }

    /// Works a configuration out.
    ///
    /// # Errors
    ///
    /// A link or filter that can't be read.
    pub fn new(config: Arc<Config>) -> Result<Self, Faults> {
        Ok(Self {
            limits: Arc::new(config.limits.clone()),
            of_policies: config.policies.iter().map(|_| OnceLock::new()).collect(),
            of_information: config.policies.iter().map(|_| OnceLock::new()).collect(),
            of_helpdesk_code: OnceLock::new(),
            of_new_password: OnceLock::new(),
            of_test: OnceLock::new(),
            policies: Policies::new(config)?,
        })
    }

    /// The configuration that it was made from.
    pub fn config(&self) -> &Arc<Config> {
        self.policies.config()
    }

    /// Who decides for a user.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// How many messages may go where.
    pub fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// What is worked out for the owner of a message.
    pub fn prepared(&self, resolution: &Resolution<'_>) -> &Prepared {
        let place = match resolution.owner {
            MessageOwner::Policy(number) => &self.of_policies[number],
            MessageOwner::Information(number) => &self.of_information[number],
            MessageOwner::HelpdeskCode => &self.of_helpdesk_code,
            MessageOwner::NewPassword => &self.of_new_password,
            MessageOwner::Test => &self.of_test,
        };
        place.get_or_init(|| Prepared::of(resolution))
    }
}

impl Prepared {
    fn of(resolution: &Resolution<'_>) -> Self {
        let Resolution {
            owner,
            text,
            options,
            reach,
            ..
        } = resolution;
        let purpose = match owner {
            MessageOwner::Policy(_) | MessageOwner::Test => Purpose::VerificationCode,
            MessageOwner::Information(_) => Purpose::Information,
            MessageOwner::HelpdeskCode => Purpose::HelpdeskCode,
            MessageOwner::NewPassword => Purpose::NewPassword,
        };
        Self {
            texts: texts(purpose, text, options).map_err(|faults| bad_text(&faults)),
            home: reach.region.as_ref().map(|name| region(name)).transpose(),
            regions: match &reach.regions {
                Regions::Any => Ok(None),
                Regions::Only(names) => {
                    let regions = names.iter().map(|name| region(name));
                    regions.collect::<Result<_, _>>().map(Some)
                }
            },
        }
    }
}

impl Prepared {
    /// A region of the one country that is texted: the owner's own, or one of those that may be texted if all
    /// have the same calling code.
    pub fn country(&self) -> Option<Region> {
        if let Ok(Some(home)) = self.home {
            return Some(home);
        }
        let regions = self.regions.as_ref().ok()?.as_ref()?;
        let first = *regions.first()?;
        regions
            .iter()
            .all(|region| region.has_same_code(first))
            .then_some(first)
    }
}

/// The texts of a policy or of the helpdesk, compiled.
///
/// # Errors
///
/// All their faults.
pub fn texts(
    purpose: Purpose,
    text: &ConfigText,
    options: &SendOptions,
) -> Result<Texts, Vec<TextFault>> {
    let translations = text.translations.iter();
    let translations = translations
        .map(|(tag, text)| (tag.clone(), text.value.clone()))
        .collect();
    Texts::compile(&TextSource {
        origin: options.origin.as_ref().map(|origin| origin.as_str()),
        max_segments: options.max_segments.map(usize::from),
        code_length: code_length(options),
        fold: options.fold,
        ..TextSource::new(purpose, &text.text, &translations)
    })
}

fn bad_text(faults: &[TextFault]) -> Failure {
    let first = faults.first().map(ToString::to_string);
    Failure::with_detail(ErrorCode::BadText, first.unwrap_or_default())
}

fn region(name: &str) -> Result<Region, Failure> {
    Region::parse(name)
        .map_err(|error| Failure::with_detail(ErrorCode::BadConfiguration, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Sources,
        decision::{Decision, query},
        protocol::Request,
    };

    const CONFIG: &str = r#"
        [defaults]
        sender = "a"
        policy = "Staff"
        [senders.a]
        plugin = "twilio"
        [helpdesk]
        [helpdesk.texts]
        helpdesk_code = "Helpdesk: %code%"
        [[policies]]
        name = "Staff"
        region = "GB"
        [policies.verification_code]
        text = "Code %code%"
        [policies.information]
        text = "%name|Hello%: %message|your password was changed%. If it was not you, call 01632 960 000"
        [[policies]]
        name = "Broken"
        [policies.verification_code]
        text = "Code %cod%"
    "#;

    fn snapshot() -> Snapshot {
        let config = Reading::of(Sources::from_text("textsender.toml", CONFIG));
        Snapshot::new(Arc::new(config.into_config().unwrap())).unwrap()
    }

    fn request(purpose: &str) -> Request {
        let json = format!(
            r#"{{"purpose":"{purpose}","user":{{"phone":"07700 900123"}},"code":"beK989vc"}}"#
        );
        Request::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn a_message_compiles_its_own_text_and_the_next_one_finds_it() {
        let snapshot = snapshot();
        let request = request("verification_code");
        let mut compiled = Vec::new();
        for _ in 0..2 {
            let resolution = snapshot.policies().resolve(&query(&request)).unwrap();
            let prepared = snapshot.prepared(&resolution);
            compiled.push(std::ptr::from_ref(prepared));
            let decision = Decision::of(&snapshot, &request, resolution);
            assert_eq!(decision.text.unwrap().text, "Code beK989vc");
            assert_eq!(decision.recipient.unwrap().region.as_str(), "GB");
        }
        assert_eq!(compiled[0], compiled[1]);
        let is_compiled = |place: &OnceLock<Prepared>| place.get().is_some();
        assert!(is_compiled(&snapshot.of_policies[0]));
        assert!(!is_compiled(&snapshot.of_policies[1]) && !is_compiled(&snapshot.of_helpdesk_code));
    }

    #[test]
    fn information_has_a_text_of_its_own_and_the_callers_words_are_cut_and_cleaned() {
        let snapshot = snapshot();
        let text = |words: serde_json::Value| {
            let json = serde_json::json!({
                "purpose": "information",
                "user": { "phone": "07700 900123", "display_name": "Ada" },
                "message": words,
            });
            let request = Request::parse(json.to_string().as_bytes()).unwrap();
            let resolution = snapshot.policies().resolve(&query(&request)).unwrap();
            let decision = Decision::of(&snapshot, &request, resolution);
            decision.message(&request).unwrap().text
        };
        let around = |words: &str| format!("Ada: {words}. If it was not you, call 01632 960 000");
        let long = "x".repeat(60);
        for (words, shown) in [
            (serde_json::Value::Null, "your password was changed"),
            ("your account is locked".into(), "your account is locked"),
            ("two\r\nlines\u{202e} %code%".into(), "two lines %code%"),
            (long.clone().into(), &long[..40]),
        ] {
            assert_eq!(text(words), around(shown));
        }
    }

    #[test]
    fn each_owner_has_its_own_text() {
        let snapshot = snapshot();
        let text = |request: Request| {
            let resolution = snapshot.policies().resolve(&query(&request)).unwrap();
            let text = Decision::of(&snapshot, &request, resolution).text;
            text.map(|rendered| rendered.text)
                .map_err(|failure| failure.code)
        };
        assert_eq!(text(request("test")).unwrap(), "Code beK989vc");
        assert_eq!(
            text(request("helpdesk_code")).unwrap(),
            "Helpdesk: beK989vc"
        );
        let broken = Request {
            policy: Some("Broken".to_owned()),
            ..request("test")
        };
        assert_eq!(text(broken), Err(ErrorCode::BadText));
    }
}
