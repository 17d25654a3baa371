//! Mistakes that people make: what is typed or done, what is said, the command that repairs it; and then
//! it sends.

use textsender_tests::harness::each;
use textsender_tests::sandbox::{Sandbox, twilio};

use super::Admin;
use super::changes::{sending, sends};

/// One mistake, from an installation that sends.
pub struct Mistake {
    /// What was done before, by hand: a line of a shell in the folder of the configuration.
    done: &'static str,
    /// What is typed.
    typed: &'static str,
    /// What is said: the cause.
    pub said: &'static str,
    /// The command that repairs it.
    repair: &'static str,
}

impl Mistake {
    /// What was done before, with its placeholders filled.
    pub fn done(&self, admin: &Admin) -> String {
        format!("cd textsender && {}", filled(self.done, admin))
    }

    /// What is typed.
    pub fn typed(&self, admin: &Admin) -> String {
        filled(self.typed, admin)
    }

    /// The command that repairs it.
    pub fn repair(&self, admin: &Admin) -> String {
        filled(self.repair, admin)
    }
}

fn filled(line: &str, admin: &Admin) -> String {
    line.replace("TOKEN", twilio::AUTH_TOKEN)
        .replace("FROM", twilio::FROM_NUMBER)
        .replace("PLUGINS", &admin.plugins().display().to_string())
}

const fn typed(typed: &'static str, said: &'static str, repair: &'static str) -> Mistake {
    Mistake {
        done: "true",
        typed,
        said,
        repair,
    }
}

const fn done(done: &'static str, said: &'static str, repair: &'static str) -> Mistake {
    Mistake {
        done,
        typed: "textsender check",
        said,
        repair,
    }
}

/// `TOKEN` is the right one, `FROM` the account's number, `PLUGINS` the folder of plugins.
pub const MISTAKES: [Mistake; 42] = [
    // Names and forms on the command line.
    typed(
        "textsender sender set twilo from=FROM",
        "did you mean twilio?",
        "textsender sender set twilio from=FROM",
    ),
    typed(
        "textsender sender set twilio fron=FROM",
        "did you mean from?",
        "textsender sender set twilio from=FROM",
    ),
    typed(
        "textsender sender set twilio from",
        "write settings as KEY=VALUE",
        "textsender sender set twilio from=FROM",
    ),
    typed(
        "textsender sender set twilio from=447700900100",
        "from:",
        "textsender sender set twilio from=FROM",
    ),
    typed(
        "textsender sender set twilio auth_token=TOKEN",
        "textsender secret set twilio.auth_token",
        "echo TOKEN | textsender secret set twilio.auth_token",
    ),
    typed(
        "textsender sender add twilio",
        "there is a sender twilio already",
        "true",
    ),
    typed(
        "textsender sender add gateway --plugin mail",
        "textsender plugin list",
        "textsender sender add gateway --plugin email-gateway",
    ),
    typed(
        "textsender sender remove twilio",
        "is used by the default",
        "true",
    ),
    typed(
        "textsender select-sender twillio",
        "did you mean twilio?",
        "textsender select-sender twilio",
    ),
    typed(
        "textsender helpdesk select-sender twillio",
        "did you mean twilio?",
        "textsender helpdesk select-sender twilio",
    ),
    typed(
        "textsender policy set-sender Everyon twilio",
        "did you mean Everyone?",
        "textsender policy set-sender Everyone twilio",
    ),
    typed(
        "textsender policy set-sender Everyone twilio --fallback twilio",
        "is named twice",
        "textsender policy set-sender Everyone twilio --no-fallback",
    ),
    typed(
        "textsender policy add Everyone",
        "there is a policy Everyone already",
        "true",
    ),
    typed(
        "textsender policy add Managers --group Managers",
        "Managers",
        "textsender policy add Managers --group CN=Managers,DC=example",
    ),
    typed(
        "textsender policy link Everyone Staff",
        "is not a distinguished name",
        "textsender policy link Everyone OU=Staff,DC=example",
    ),
    typed(
        "textsender policy set Everyone --regions UK",
        "UK",
        "textsender policy set Everyone --regions GB",
    ),
    typed(
        "textsender policy set Everyone --max-segments 20",
        "20",
        "textsender policy set Everyone --max-segments 2",
    ),
    typed(
        "textsender policy remove Everyone",
        "is the default",
        "true",
    ),
    typed(
        "textsender helpdesk disable new_pasword",
        "new_password",
        "textsender helpdesk disable new_password",
    ),
    // Texts.
    typed(
        "echo 'Your code' | textsender text set --policy Everyone",
        "%code%",
        "echo 'Your code: %code%' | textsender text set --policy Everyone",
    ),
    typed(
        "echo '%cod%' | textsender text set --policy Everyone",
        "unknown placeholder",
        "echo 'Your code: %code%' | textsender text set --policy Everyone",
    ),
    typed(
        "echo '%code%' | textsender text set --policy Everyone --locale welsh!",
        "has a name that is not a language tag",
        "echo '%code%' | textsender text set --policy Everyone --locale cy",
    ),
    // Secrets, as they are pasted.
    typed(
        "echo TOKEN | textsender secret set twilio.auth_tokn",
        "did you mean auth_token?",
        "echo TOKEN | textsender secret set twilio.auth_token",
    ),
    typed(
        "echo TOKEN | textsender secret set auth_token",
        "write SENDER.SETTING",
        "echo TOKEN | textsender secret set twilio.auth_token",
    ),
    typed(
        "echo '\"TOKEN\"' | textsender secret set twilio.auth_token",
        "taken off: the quotes around it",
        "true",
    ),
    typed(
        "echo 'Auth Token: TOKEN' | textsender secret set twilio.auth_token",
        "taken off: the label before it",
        "true",
    ),
    typed(
        "printf '\\357\\273\\277TOKEN \\r\\n' | textsender secret set twilio.auth_token",
        "taken off: invisible characters, spaces around it",
        "true",
    ),
    typed(
        "printf 'TOKEN\\nother' | textsender secret set twilio.auth_token",
        "several lines",
        "true",
    ),
    typed(
        "echo hunter2 | textsender secret set twilio.auth_token",
        "does not have the form of auth_token",
        "true",
    ),
    typed(
        "echo 5ec2e700000000000000000000000000 | textsender secret set --check twilio.auth_token",
        "the provider refuses it",
        "true",
    ),
    typed(
        "textsender secret remove twilio.auth_token",
        "is in use",
        "true",
    ),
    // What is edited by hand.
    done(
        "sed -i 's/^timeout = \"30s\"/timeout = \"30s/' textsender.toml",
        "textsender.toml:",
        "sed -i 's/^timeout = \"30s/timeout = \"30s\"/' textsender/textsender.toml",
    ),
    done(
        "echo '[sned]' >> textsender.toml",
        "did you mean",
        "sed -i '/sned/d' textsender/textsender.toml",
    ),
    done(
        "sed -i 's/^text = /sender = \"twillio\"\\ntext = /' policies/everyone.toml",
        "did you mean \"twilio\"?",
        "textsender policy set-sender Everyone twilio",
    ),
    done(
        "sed -i 's/^policy = .*/policy = \"Everyon\"/' textsender.toml",
        "did you mean \"Everyone\"?",
        "textsender policy set-default Everyone",
    ),
    done(
        "printf '\\377\\376n\\000' > policies/staff.toml",
        "is UTF-16 text",
        "rm textsender/policies/staff.toml",
    ),
    done(
        "printf '\\357\\273\\277' > new && cat textsender.toml >> new && mv new textsender.toml",
        "no faults",
        "true",
    ),
    done(
        "sed -i 's/$/\\r/' textsender.toml policies/everyone.toml",
        "no faults",
        "true",
    ),
    // Owners and modes.
    done(
        "chmod 666 PLUGINS/libtextsender_twilio.so",
        "can be written by others",
        "textsender doctor --offline --fix",
    ),
    done(
        "chmod 777 policies",
        "can be written by others",
        "textsender doctor --offline --fix",
    ),
    done(
        "cp state/secrets/twilio.auth_token state/secrets/twilio.auth_token.old",
        "no faults",
        "true",
    ),
    done(
        "rm -rf state",
        "is missing",
        "textsender init && echo TOKEN | textsender secret set twilio.auth_token",
    ),
];

#[test]
fn a_mistake_is_told_with_its_cause_and_one_command_repairs_it() {
    each(MISTAKES, |mistake| {
        let sandbox = Sandbox::start();
        let admin = sending(&sandbox);
        let ran = admin.shell(&mistake.done(&admin), "");
        assert_eq!(ran.exit, 0, "{ran}");
        admin.shell(&mistake.typed(&admin), "").says(mistake.said);
        let repaired = admin.shell(&mistake.repair(&admin), "");
        assert_eq!(repaired.exit, 0, "{repaired}");
        sends(&admin);
    });
}

/// A state folder that is gone is told as that, and root makes none that is root's by the way.
#[test]
fn without_a_configuration_the_command_that_makes_one_is_told() {
    let admin = Admin::new();
    for command in [
        &["check"][..],
        &["status"],
        &["sender", "list"],
        &["doctor"],
    ] {
        admin.run(command).says("textsender init");
    }
}
