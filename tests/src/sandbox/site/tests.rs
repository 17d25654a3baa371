//! A site on the disk: keys, modes, and what a sandbox adds.

#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::sandbox::smtp::Security;
use crate::sandbox::{Sandbox, notify, twilio};

fn read(site: &Site) -> Table {
    fs::read_to_string(site.config_file())
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn keys_are_set_merged_and_removed_on_the_disk() {
    let mut site = Site::new().unwrap();
    site.set("senders.a.timeout", "2s").unwrap();
    site.set(r#"containers."OU=A,DC=b".block_inheritance"#, true)
        .unwrap();
    site.merge("[senders.a]\nplugin = \"twilio\"\n[limits]\nrecipient = { mode = \"enforce\" }")
        .unwrap();
    let config = read(&site);
    assert_eq!(
        config["senders"]["a"],
        parse("plugin = \"twilio\"\ntimeout = \"2s\"")
            .unwrap()
            .into()
    );
    assert_eq!(
        config["containers"]["OU=A,DC=b"]["block_inheritance"],
        true.into()
    );
    assert_eq!(config["limits"]["recipient"]["mode"], "enforce".into());
    assert!(config["limits"]["recipient"]["limits"].is_array());

    site.unset("senders.a.timeout").unwrap();
    site.unset("senders.b.timeout").unwrap();
    assert_eq!(
        read(&site)["senders"]["a"],
        parse("plugin = \"twilio\"").unwrap().into()
    );
    assert!(matches!(
        site.set("not a key", 1),
        Err(SiteError::Toml { .. })
    ));
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    let site = Site::new().unwrap();
    site.secret("twilio.auth_token", "s").unwrap();
    site.policy("everyone", "name = \"Everyone\"").unwrap();
    let library = site.folder().join("libtextsender_x.so");
    fs::write(&library, "").unwrap();
    site.plugin(&library).unwrap();
    for (path, mode) in [
        ("", 0o700),
        ("textsender.toml", 0o644),
        ("plugins", 0o755),
        ("plugins/libtextsender_x.so", 0o755),
        ("policies", 0o755),
        ("policies/everyone.toml", 0o644),
        ("state", 0o700),
        ("state/secrets", 0o700),
        ("state/secrets/twilio.auth_token", 0o600),
    ] {
        let found = fs::metadata(site.folder().join(path))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(found & 0o7777, mode, "{path}");
    }
    site.remove_policy("everyone").unwrap();
    assert!(
        site.remove_policy("everyone")
            .unwrap_err()
            .to_string()
            .starts_with("cannot remove /")
    );
}

#[test]
fn a_site_for_a_sandbox_has_a_sender_for_each_plugin_that_is_built() {
    let sandbox = Sandbox::start();
    let built = tempfile::tempdir().unwrap();
    let error = Site::for_sandbox(&sandbox, built.path())
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("build first: cargo build"), "{error}");

    let suffix = std::env::consts::DLL_SUFFIX;
    let build = |name: &str| fs::write(built.path().join(format!("{name}{suffix}")), "").unwrap();
    build("libtextsender_govuk_notify");
    build("libtextsender_crash_on_load");
    build("libother");
    let site = Site::for_sandbox(&sandbox, built.path()).unwrap();
    assert_eq!(read(&site)["defaults"]["sender"], "govuk-notify".into());
    assert_eq!(fs::read_dir(site.plugins()).unwrap().count(), 2);

    build("libtextsender_twilio");
    build("libtextsender_email_gateway");
    let mut site = Site::for_sandbox(&sandbox, built.path()).unwrap();
    let config = read(&site);
    assert_eq!(config["defaults"]["sender"], "twilio".into());
    assert_eq!(config["helpdesk"]["sender"], "twilio".into());
    assert_eq!(config["senders"].as_table().unwrap().len(), 3);
    let setting = |config: &Table, sender: &str, name: &str| {
        config["senders"][sender]["settings"][name].clone()
    };
    assert_eq!(
        setting(&config, "twilio", "base_url"),
        sandbox.twilio().url().into()
    );
    assert_eq!(
        setting(&config, "govuk-notify", "base_url"),
        sandbox.notify().url().into()
    );
    let port = sandbox.smtp().port(Security::None);
    assert_eq!(
        setting(&config, "email-gateway", "port"),
        i64::from(port).into()
    );
    let secret = |name: &str| fs::read_to_string(site.state().join("secrets").join(name)).unwrap();
    assert_eq!(secret("twilio.auth_token"), twilio::AUTH_TOKEN);
    assert_eq!(secret("govuk-notify.api_key"), notify::API_KEY);

    site.use_tls(&sandbox).unwrap();
    let config = read(&site);
    assert_eq!(
        setting(&config, "twilio", "base_url"),
        sandbox.twilio().https_url().into()
    );
    assert_eq!(
        setting(&config, "govuk-notify", "base_url"),
        sandbox.notify().https_url().into()
    );
    let ca_file = fs::read_to_string(config["http"]["ca_file"].as_str().unwrap()).unwrap();
    assert_eq!(ca_file, sandbox.ca_pem());

    let folder = site.folder().to_owned();
    drop(site);
    assert!(!folder.exists());
}
