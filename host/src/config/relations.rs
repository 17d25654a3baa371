//! Faults in how the parts of a configuration refer to each other, and those values that make no sense where messages
//! can be sent all the same. Only `check` looks for them: a send meets one only if it concerns its user, and then says so.

use super::fault::{Fault, nearest};
use super::place::{Located, Place};
use super::{Config, SendOptions};

/// All of them. Those between links and containers are found by the room `policy`.
pub fn relations(config: &Config) -> Vec<Fault> {
    let mut found = Relations {
        config,
        faults: config.for_check.clone(),
    };
    found.defaults();
    found.helpdesk();
    found.policies();
    found.bindings();
    found.senders();
    found.callers();
    found.faults
}

struct Relations<'c> {
    config: &'c Config,
    faults: Vec<Fault>,
}

impl Relations<'_> {
    fn defaults(&mut self) {
        let defaults = &self.config.defaults;
        if let Some(sender) = &defaults.sender {
            self.known_sender(sender, "defaults.sender");
        }
        let Some(policy) = &defaults.policy else {
            return;
        };
        let names = || self.config.policies.iter().map(|p| p.name.as_str());
        // A file that can't be read may well hold it.
        if names().any(|name| name == policy.value) || !self.config.sources.is_whole() {
            return;
        }
        let remedy = match nearest(policy, names()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => "name a policy that is there, or add it".to_owned(),
        };
        let message = format!("there is no policy {:?}", policy.value);
        self.fault(policy.place, "defaults.policy", message, remedy);
    }

    fn helpdesk(&mut self) {
        let Some(helpdesk) = &self.config.helpdesk else {
            return;
        };
        self.senders_of(&helpdesk.options, "helpdesk", None);
        if helpdesk.new_password && helpdesk.new_password_text.is_none() {
            self.fault(
                helpdesk.place,
                "helpdesk.texts.new_password",
                "is missing, though new_password is switched on",
                "add new_password = \"... %password%\" to [helpdesk.texts]",
            );
        }
    }

    fn policies(&mut self) {
        for policy in &self.config.policies {
            let place = policy.name.place;
            for (purpose, block) in policy.blocks() {
                self.senders_of(&block.options, purpose.as_str(), Some(place));
            }
        }
    }

    /// Callers' tokens are stored beside senders' secrets, as `serve.NAME`, and directories' passwords.
    fn senders(&mut self) {
        const TAKEN: [(&str, &str); 2] = [
            ("serve", "tokens of the hub's callers"),
            ("directories", "passwords of directories"),
        ];
        for (name, what) in TAKEN {
            if let Some(sender) = self.config.senders.get(name) {
                self.fault(
                    sender.place,
                    &format!("senders.{name}"),
                    format!("is reserved: the {what} are stored under this name"),
                    format!("give the sender another name: textsender sender rename {name} NAME"),
                );
            }
        }
    }

    /// Each group policy object is one of a directory that is there.
    fn bindings(&mut self) {
        let directories = &self.config.directories;
        let default = self.config.defaults.policy.as_ref();
        for policy in &self.config.policies {
            let Some(binding) = &policy.binding else {
                continue;
            };
            let place = binding.place;
            match (&binding.directory, directories.len()) {
                (_, 0) => self.fault(
                    place,
                    "gpo",
                    "there is no directory that has the group policy object",
                    "add [directories.NAME] to textsender.toml",
                ),
                (None, 1) => {}
                (None, _) => self.fault(
                    place,
                    "gpo.directory",
                    "is missing, and there are several directories",
                    "add directory = \"NAME\"",
                ),
                (Some(named), _) if !directories.contains_key(&named.value) => {
                    let remedy = match nearest(named, directories.keys().map(String::as_str)) {
                        Some(near) => format!("did you mean {near:?}?"),
                        None => format!("add [directories.{}], or name another", named.value),
                    };
                    let message = format!("there is no directory {:?}", named.value);
                    self.fault(named.place, "gpo.directory", message, remedy);
                }
                _ => {}
            }
            if let Some(default) = default.filter(|name| name.value == policy.name.value) {
                self.fault(
                    default.place,
                    "defaults.policy",
                    format!(
                        "policy {:?} is bound to a group policy object, which says for whom it is",
                        default.value
                    ),
                    "name a policy that is for everyone else",
                );
            }
        }
    }

    fn callers(&mut self) {
        // A file that can't be read may well hold the policy.
        if !self.config.sources.is_whole() {
            return;
        }
        for (name, caller) in &self.config.callers {
            for policy in caller.policies.iter().flatten() {
                let mut names = self.config.policies.iter().map(|p| p.name.as_str());
                if names.clone().any(|known| known == policy.value) {
                    continue;
                }
                let remedy = match nearest(policy, &mut names) {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => "name a policy that is there, or add it".to_owned(),
                };
                let message = format!("there is no policy {:?}", policy.value);
                let key = format!("callers.{name}.policies");
                self.fault(policy.place, &key, message, remedy);
            }
        }
    }

    /// Every sender that is named exists, once; `owner` is where a missing one is pointed out.
    fn senders_of(&mut self, options: &SendOptions, key: &str, owner: Option<Place>) {
        if let Some(sender) = &options.sender {
            self.known_sender(sender, &format!("{key}.sender"));
        }
        let default = self.config.defaults.sender.as_ref();
        let first = options.sender.as_ref().or(default);
        if let (None, Some(place)) = (first, owner) {
            self.fault(
                place,
                &format!("{key}.sender"),
                "no sender is named, and there is no default",
                "add sender = \"NAME\" to it or to [defaults]",
            );
        }
        let mut earlier: Vec<&str> = first.map(|sender| sender.as_str()).into_iter().collect();
        for sender in &options.fallback {
            let key = format!("{key}.fallback");
            self.known_sender(sender, &key);
            if earlier.contains(&sender.as_str()) {
                let message = format!("{:?} is named twice", sender.value);
                self.fault(sender.place, &key, message, "name each sender once");
            }
            earlier.push(sender);
        }
    }

    fn known_sender(&mut self, sender: &Located<String>, key: &str) {
        let senders = &self.config.senders;
        if senders.contains_key(&sender.value) {
            return;
        }
        let remedy = match nearest(sender, senders.keys().map(String::as_str)) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("add [senders.{}], or name another", sender.value),
        };
        let message = format!("there is no sender {:?}", sender.value);
        self.fault(sender.place, key, message, remedy);
    }

    fn fault(
        &mut self,
        place: Place,
        key: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let fault = self.config.sources.fault(place, key, message, remedy);
        self.faults.push(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Reading, Sources};

    fn faults(text: &str) -> Vec<String> {
        let reading = Reading::of(Sources::from_text("textsender.toml", text));
        assert_eq!(reading.faults, []);
        relations(&reading.config)
            .into_iter()
            .map(|fault| format!("{}: {}", fault.key, fault.message))
            .collect()
    }

    #[test]
    fn a_sender_has_not_the_name_that_tokens_are_stored_under() {
        let text = "[defaults]\nsender = \"serve\"\n[senders.serve]\nplugin = \"twilio\"";
        assert_eq!(
            faults(text),
            [
                "senders.serve: is reserved: the tokens of the hub's callers are stored under this name"
            ]
        );
        assert_eq!(faults(&text.replace("serve", "server")), [""; 0]);
        assert_eq!(
            faults(&text.replace("serve", "directories")),
            [
                "senders.directories: is reserved: the passwords of directories are stored under this name"
            ]
        );
    }

    #[test]
    fn a_group_policy_object_is_one_of_a_directory() {
        const ID: &str = "{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6E}";
        let one = |name: &str| {
            format!("[directories.{name}]\nservers = [\"ldaps://dc1\"]\nbind = \"a@b\"\n")
        };
        let policy =
            |more: &str| format!("[[policies]]\nname = \"Staff\"\ngpo = {{ id = {ID:?}{more} }}\n");
        let named = ", directory = \"exampel\"";
        for (text, expected) in [
            (
                policy(""),
                "gpo: there is no directory that has the group policy object",
            ),
            (
                one("a") + &one("b") + &policy(""),
                "gpo.directory: is missing, and there are several directories",
            ),
            (
                one("example") + &policy(named),
                "gpo.directory: there is no directory \"exampel\"",
            ),
            (
                "[defaults]\npolicy = \"Staff\"\n".to_owned() + &one("a") + &policy(""),
                "defaults.policy: policy \"Staff\" is bound to a group policy object, which says for whom it is",
            ),
        ] {
            assert_eq!(faults(&text), [expected], "{text}");
        }
        assert_eq!(faults(&(one("a") + &policy(""))), [""; 0]);
        assert_eq!(
            faults(&(one("a") + &one("b") + &policy(", directory = \"b\""))),
            [""; 0]
        );
    }

    #[test]
    fn policies_of_callers_are_there() {
        let text = "[callers.portal]\npolicies = [\"Staf\", \"Staff\"]\n\
                    [[policies]]\nname = \"Staff\"";
        assert_eq!(
            faults(text),
            ["callers.portal.policies: there is no policy \"Staf\""]
        );
    }
}
