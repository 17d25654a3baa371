//! The contract: our plugins keep it, and each carelessness breaks just the rules that it should.

use std::fs;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use textsender_tests::harness::{Preset, artifacts};

use crate::tools::{SOURCE, keeps_the_contract, report, rules, workshop};

const OURS: [&str; 5] = ["email-gateway", "govuk-notify", "http", "twilio", "vonage"];

/// What the careless plugin does, and the rules that this breaks.
const CARELESS: [(&str, &[&str]); 24] = [
    ("refuses_good_settings", &["S4"]),
    ("takes_any_settings", &["S5", "S6", "S7", "S8"]),
    ("shows_secret_in_the_open", &["S8"]),
    ("panics_on_empty_setting", &["S9", "C8"]),
    ("starts_slowly", &["F2"]),
    (
        "accepts_any_answer",
        &["V1", "V3", "V6", "V7", "V8", "V11", "V12"],
    ),
    (
        "blames_the_number",
        &["V2", "V3", "V4", "V5", "V6", "V7", "V8", "V11", "V12"],
    ),
    ("invites_repeats", &["V2", "V3", "V6", "V8", "V12"]),
    ("takes_lost_for_unsent", &["V9"]),
    ("takes_unsent_for_lost", &["V10"]),
    ("forgets_acceptance", &["V13"]),
    ("repeats_by_itself", &["C1"]),
    ("delivers_in_check", &["C2"]),
    ("finds_absent", &["C3"]),
    ("id_in_path", &["C4"]),
    ("holds_on", &["C5"]),
    ("mixes_messages", &["C6"]),
    ("one_at_a_time", &["C7"]),
    ("panics_on404", &["C8"]),
    ("name_in_header", &["C9"]),
    ("quotes_the_provider", &["X1"]),
    ("logs_the_text", &["X1"]),
    ("tells_others", &["X2"]),
    ("key_in_url", &["X3"]),
];

pub fn trials() -> Vec<Trial> {
    let ours = OURS.map(|plugin| {
        Trial::test(format!("conformance::{plugin}"), move || {
            let sample = Path::new(SOURCE).join(format!("plugins/{plugin}/sample.toml"));
            keeps_the_contract(&artifacts().plugin(plugin), &sample);
            Ok(())
        })
    });
    let careless = CARELESS.map(|(behaviour, broken)| {
        Trial::test(format!("conformance::careless::{behaviour}"), move || {
            breaks(behaviour, broken)
        })
    });
    let presets = Preset::all().into_iter().map(|preset| {
        Trial::test(
            format!("conformance::providers::{}", preset.id),
            move || {
                let sample = workshop("samples").join(format!("provider-{}.toml", preset.id));
                fs::write(&sample, preset.sample()).unwrap();
                keeps_the_contract(&artifacts().plugin("http"), &sample);
                Ok(())
            },
        )
    });
    let mut trials: Vec<_> = ours.into_iter().chain(presets).chain(careless).collect();
    trials.push(Trial::test(
        "conformance::careless::keeps_the_contract_otherwise",
        || breaks("", &[]),
    ));
    trials.push(Trial::test(
        "conformance::another_plugin_than_the_file_says",
        another_name,
    ));
    trials.push(Trial::test("conformance::no_library", no_library));
    trials.push(Trial::test(
        "conformance::providers::a_definition_of_ones_own",
        own_definition,
    ));
    trials.push(Trial::test(
        "conformance::providers::a_secret_in_the_query_is_told_by_name",
        secret_in_query,
    ));
    trials
}

/// The definition of the guide, changed, and a sample for it.
fn acme(name: &str, from: &str, to: &str) -> std::path::PathBuf {
    let guide = fs::read_to_string(Path::new(SOURCE).join("docs/providers.md")).unwrap();
    let (_, definition) = guide.split_once("```toml\n").unwrap();
    let (definition, _) = definition.split_once("```").unwrap();
    assert!(definition.contains(from), "{from}");
    let folder = workshop("definitions");
    let file = folder.join(format!("{name}.toml"));
    fs::write(&file, definition.replace(from, to)).unwrap();
    let sample = folder.join(format!("{name}-sample.toml"));
    let text = format!(
        "[settings]\ndefinition = {file:?}\nfrom = \"Helpdesk\"\n[secrets]\nkey = \"not-a-real-key\"\n\
         [accepted]\nstatus = 200\njson = {{ id = \"a1b2c3d4\" }}\n"
    );
    fs::write(&sample, text).unwrap();
    sample
}

fn own_definition() -> Result<(), Failed> {
    keeps_the_contract(&artifacts().plugin("http"), &acme("acme", "", ""));
    Ok(())
}

fn secret_in_query() -> Result<(), Failed> {
    let bearer = r#"scheme = "bearer", token"#;
    let sample = acme("query", bearer, r#"scheme = "query", name = "k", value"#);
    let report = report(&artifacts().plugin("http"), &sample);
    let mut broken = rules(&report, "broken");
    // It is about time, and this machine may be busy.
    broken.retain(|rule| rule != "F2");
    assert_eq!(broken, ["X3"], "{report:#}");
    Ok(())
}

fn breaks(behaviour: &str, broken: &[&str]) -> Result<(), Failed> {
    let report = report(&artifacts().plugin("careless"), &careless_sample(behaviour));
    let mut found = rules(&report, "broken");
    // It is about time, and this machine may be busy.
    found.retain(|rule| rule != "F2" || broken.contains(&"F2"));
    assert_eq!(found, broken, "{report:#}");
    Ok(())
}

fn careless_sample(behaviour: &str) -> std::path::PathBuf {
    let does = match behaviour {
        "" => String::new(),
        behaviour => format!("does = {behaviour:?}\n"),
    };
    let sample = workshop("samples").join(format!("careless-{behaviour}.toml"));
    let text = format!(
        "[settings]\nfrom = \"Helpdesk\"\n{does}[secrets]\nkey = \"not-a-real-key\"\n\
         [accepted]\nstatus = 200\njson = {{ id = \"a1b2c3d4\" }}\n"
    );
    fs::write(&sample, text).unwrap();
    sample
}

fn another_name() -> Result<(), Failed> {
    let library = workshop("renamed").join("libtextsender_careful.so");
    fs::copy(artifacts().plugin("careless"), &library).unwrap();
    let report = report(&library, &careless_sample(""));
    assert_eq!(rules(&report, "broken"), ["D2"], "{report:#}");
    Ok(())
}

fn no_library() -> Result<(), Failed> {
    let library = workshop("renamed").join("libtextsender_text.so");
    fs::write(&library, "not a library").unwrap();
    let report = report(&library, &careless_sample(""));
    assert_eq!(rules(&report, "broken"), ["D1"], "{report:#}");
    Ok(())
}
