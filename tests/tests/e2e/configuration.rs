//! Configurations that are wrong: file and line are named, and nothing is sent.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use textsender_tests::harness::{Run, Test, each};

fn wrong(run: &Run, words: &[&str]) {
    run.outcome("misconfigured")
        .error("bad_configuration")
        .requests(0);
    words.iter().for_each(|words| {
        run.says(words);
    });
}

#[test]
fn what_is_wrong_in_textsender_toml_is_told_with_its_line() {
    let good =
        "[senders.a]\nplugin = \"twilio\"\n[defaults]\nsender = \"a\"\npolicy = \"Everyone\"\n";
    each(
        [
            ("[send\n", 6, "textsender.toml:6: "),
            ("[send]\ntimeuot = \"1s\"", 7, "send.timeuot: "),
            ("[send]\ntimeout = 1", 7, "send.timeout: "),
            ("[send]\ntimeout = \"soon\"", 7, "send.timeout: "),
            ("[senders.b]\n", 6, "senders.b"),
            ("[plugins]\ntrust = \"blind\"", 7, "plugins.trust: "),
        ],
        |(lines, line, words)| {
            let test =
                Test::new().change(|site| site.raw_config(&format!("{good}{lines}")).unwrap());
            let file = format!("{}:{line}: ", test.site().config_file().display());
            wrong(&test.run(), &[&file, words]);
        },
    );
}

#[test]
fn what_is_wrong_in_a_policy_is_told_with_its_file_and_line() {
    let good = "name = \"Everyone\"\nregion = \"GB\"\n[verification_code]\ntext = \"%code%\"\n";
    each(
        [
            ("sneder = \"twilio\"", 5, "verification_code.sneder: "),
            (
                "on_unknown = \"panic\"",
                5,
                "verification_code.on_unknown: ",
            ),
            ("[[link]]\ncontainer = 1", 6, "container"),
        ],
        |(lines, line, words)| {
            let test = Test::new().policy(&format!("{good}{lines}"));
            let file = test.site().policies().join("everyone.toml");
            wrong(
                &test.run(),
                &[&format!("{}:{line}: ", file.display()), words],
            );
        },
    );
}

#[test]
fn names_that_lead_nowhere_are_told() {
    let lost = |test: Test, code: &str, words: &str| {
        let run = test.run();
        run.outcome("misconfigured").error(code).says(words);
        run.requests(0);
    };
    let no_policy = Test::new().config("[defaults]\npolicy = \"Nobody\"");
    lost(
        no_policy,
        "bad_configuration",
        "[defaults] policy names \"Nobody\"",
    );
    let no_default = Test::new().config("[defaults]\nsender = \"nobody\"");
    lost(no_default, "unknown_sender", "there is no [senders.nobody]");
    let no_sender = Test::new().verification_code("sender = \"nobody\"");
    lost(
        no_sender,
        "unknown_sender",
        "policy \"Everyone\" names the sender \"nobody\"",
    );
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let test = Test::new().change(|site| fs::remove_file(site.config_file()).unwrap());
    let file = test.site().config_file().display().to_string();
    wrong(&test.run(), &[&file]);
    let test = Test::new().args(["--config", "/nowhere/textsender.toml"]);
    wrong(&test.run(), &["/nowhere/textsender.toml"]);
}

#[test]
fn a_configuration_that_others_can_write_is_not_believed() {
    let set = |path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let test = Test::new().change(|site| set(site.config_file(), 0o646));
    let remedy = format!("fix it: chmod go-w {}", test.site().config_file().display());
    wrong(&test.run(), &[&remedy]);

    let test = Test::new().change(|site| set(site.policies(), 0o777));
    let remedy = format!("fix it: chmod go-w {}", test.site().policies().display());
    wrong(&test.run(), &[&remedy]);
}

#[test]
fn a_text_that_cannot_carry_its_code_is_told() {
    each(
        ["Your code", "Your code is %cod%", "%code% for %name%"],
        |text| {
            let policy = format!(
                "name = \"Everyone\"\nregion = \"GB\"\n[verification_code]\ntext = {text:?}"
            );
            let run = Test::new().policy(&policy).run();
            run.outcome("misconfigured").error("bad_text").requests(0);
        },
    );
}
