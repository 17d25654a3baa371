//! What a caller with a name may do: `purposes`, `policies` and `limits` of its `[callers.NAME]`.
//!
//! A token is worth what its caller needs, and no more: one of a web page that sends codes can't send passwords.

use textsender_plugin_api::Purpose;

use crate::{
    config::Config,
    ledger::{CallerLimit, Rule},
    protocol::{ErrorCode, Failure},
};

/// What a caller may send that says nothing of it: a new password and a test have to be named.
const USUAL: &[Purpose] = &[
    Purpose::VerificationCode,
    Purpose::HelpdeskCode,
    Purpose::Information,
];

/// The same of one that names policies: what no policy decides has to be named as well.
const BY_POLICY: &[Purpose] = &[Purpose::VerificationCode, Purpose::Information];

/// What a caller may do.
#[derive(Debug, Clone)]
pub struct Bounds {
    caller: String,
    purposes: Vec<Purpose>,
    /// `None`: all.
    policies: Option<Vec<String>>,
    limits: Rule,
}

impl Bounds {
    /// Those of the caller of this name, which has a token and may have a section.
    pub fn of(caller: &str, config: &Config) -> Self {
        let section = config.callers.get(caller);
        let policies = section.and_then(|it| it.policies.as_ref());
        let usual = match policies {
            Some(_) => BY_POLICY,
            None => USUAL,
        };
        let purposes = section.and_then(|it| it.purposes.clone());
        Self {
            caller: caller.to_owned(),
            purposes: purposes.unwrap_or_else(|| usual.to_vec()),
            policies: policies.map(|names| names.iter().map(|name| name.value.clone()).collect()),
            limits: Rule {
                limits: section.map_or(Vec::new(), |it| it.limits.clone()),
                ..Rule::default()
            },
        }
    }

    /// Whether it may send such a message.
    ///
    /// # Errors
    ///
    /// It may not: `refused`.
    pub fn allow_purpose(&self, purpose: Purpose) -> Result<(), Failure> {
        match self.purposes.contains(&purpose) {
            true => Ok(()),
            false => Err(self.refused(purpose.as_str(), "purposes")),
        }
    }

    /// Whether it may send by this policy; `None`: no policy decides.
    ///
    /// # Errors
    ///
    /// It may not: `refused`.
    pub fn allow_policy(&self, policy: Option<&str>) -> Result<(), Failure> {
        let (Some(policies), Some(policy)) = (&self.policies, policy) else {
            return Ok(());
        };
        match policies.iter().any(|name| name == policy) {
            true => Ok(()),
            false => Err(self.refused(&format!("by policy {policy:?}"), "policies")),
        }
    }

    /// The caller's name.
    pub fn caller(&self) -> &str {
        &self.caller
    }

    /// How much it may send, for the ledger.
    pub fn limit(&self) -> Option<CallerLimit> {
        let is_limited = !self.limits.limits.is_empty();
        is_limited.then(|| CallerLimit {
            caller: self.caller.clone(),
            rule: self.limits.clone(),
        })
    }

    fn refused(&self, what: &str, key: &str) -> Failure {
        let caller = &self.caller;
        let detail =
            format!("caller {caller} may not send {what}; add it to {key} of [callers.{caller}]");
        Failure::with_detail(ErrorCode::CallerForbidden, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Reading, Sources};

    fn bounds(section: &str) -> Bounds {
        let text = format!("[callers.portal]\n{section}");
        let reading = Reading::of(Sources::from_text("textsender.toml", &text));
        assert_eq!(reading.faults, []);
        Bounds::of("portal", &reading.config)
    }

    #[test]
    fn passwords_tests_and_what_no_policy_decides_have_to_be_named() {
        let all = [
            Purpose::VerificationCode,
            Purpose::HelpdeskCode,
            Purpose::Information,
            Purpose::NewPassword,
            Purpose::Test,
        ];
        for (section, allowed) in [
            ("", &all[..3]),
            ("policies = [\"Staff\"]", &[all[0], all[2]][..]),
            ("purposes = [\"new_password\"]", &all[3..4]),
            (
                "policies = [\"Staff\"]\npurposes = [\"verification_code\", \"helpdesk_code\"]",
                &all[..2],
            ),
        ] {
            let bounds = bounds(section);
            for purpose in all {
                let is_allowed = bounds.allow_purpose(purpose).is_ok();
                assert_eq!(
                    is_allowed,
                    allowed.contains(&purpose),
                    "{section}: {purpose}"
                );
            }
        }
        let unknown = Bounds::of("other", &Config::default());
        assert!(unknown.allow_purpose(Purpose::NewPassword).is_err());
    }

    #[test]
    fn a_policy_has_to_be_named_where_any_is() {
        let bounds = bounds("policies = [\"Staff\"]");
        assert!(bounds.allow_policy(Some("Staff")).is_ok());
        let refused = bounds.allow_policy(Some("Guests")).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the hub's caller may not send this message: caller portal may not send by policy \"Guests\"; \
             add it to policies of [callers.portal]"
        );
        assert!(bounds.allow_policy(None).is_ok());
    }
}
