//! The plugins folder as the tool shows it: every file, and the right reason for each that can't be used.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use textsender_tests::harness::artifacts;
use textsender_tests::sandbox::Sandbox;

use super::Admin;
use super::changes::{sending, sends};
use crate::misbehaving::files::with_version;

/// Builds a library from a few lines of C: the compiler that Rust links with.
fn build(file: &Path, source: &str) {
    let name = file.with_extension("c");
    fs::write(&name, source).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).arg(file).arg(&name);
    let status = cc.stderr(Stdio::inherit()).status().unwrap();
    assert!(status.success(), "cc could not build {}", file.display());
    fs::remove_file(name).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// What a library needs to be taken for a plugin without being loaded: the name that `abi_stable` gives to its header.
const ENTRY: &str = "char _1as_0lib_1header_0root_bmodule_bloader[4096];\n";

/// Replaces bytes by as many others.
fn patched(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let at = bytes.windows(old.len()).position(|window| window == old);
    let at = at.expect("the bytes to patch are there");
    let mut patched = bytes.to_vec();
    patched[at..at + new.len()].copy_from_slice(new);
    patched
}

#[test]
fn twelve_broken_files_have_twelve_right_reasons_and_good_ones_are_listed() {
    let admin = Admin::at_work();
    let folder = admin.plugins();
    let good = fs::read(artifacts().plugin("twilio")).unwrap();
    let file = |name: &str| folder.join(format!("libtextsender_{name}.so"));
    let put = |name: &str, bytes: &[u8]| fs::write(file(name), bytes).unwrap();

    fs::write(folder.join("README.txt"), "").unwrap();
    fs::create_dir(file("folder")).unwrap();
    symlink("nowhere", file("dangling")).unwrap();
    put("empty", b"");
    put("other_abi", &with_version(good.clone(), b"2.0.0"));
    let mut other_machine = good.clone();
    // e_machine (System V gABI): 8 is MIPS, where nobody runs these tests.
    other_machine[18..20].copy_from_slice(&8_u16.to_ne_bytes());
    put("mips", &other_machine);
    put("other_id", &good);
    put("open", &good);
    set_mode(&file("open"), 0o666);
    put(
        "missing_library",
        &patched(&good, b"libc.so.6", b"libQ.so.6"),
    );
    build(
        &file("missing_symbol"),
        &format!("{ENTRY}void not_there(void); void f(void) {{ not_there(); }}\n"),
    );
    build(&file("no_entry"), "int x;\n");
    build(
        &file("exits"),
        &format!(
            "#include <unistd.h>\n{ENTRY}__attribute__((constructor)) static void f(void) {{ _exit(42); }}\n"
        ),
    );

    let ran = admin.run(&["plugin", "list", "--json"]);
    ran.ok();
    let listed = ran.json();
    let listed: BTreeMap<&str, Option<&str>> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["file"].as_str().unwrap(), file["refused"].as_str()))
        .collect();
    let reasons = [
        (
            "README.txt",
            "it is not named like a plugin, libtextsender_name.so",
        ),
        ("libtextsender_folder.so", "it is a folder"),
        ("libtextsender_dangling.so", "there is no "),
        ("libtextsender_empty.so", "it is not a shared library"),
        (
            "libtextsender_other_abi.so",
            "it is built against ABI 2.0.0 and this textsender speaks 1.1.0",
        ),
        (
            "libtextsender_mips.so",
            "it is built for another kind of machine",
        ),
        (
            "libtextsender_other_id.so",
            "it holds the plugin twilio: name it libtextsender_twilio.so",
        ),
        ("libtextsender_open.so", "chmod go-w "),
        ("libtextsender_missing_library.so", "libQ.so.6"),
        ("libtextsender_missing_symbol.so", "not_there"),
        (
            "libtextsender_no_entry.so",
            "it is a library, but no textsender plugin",
        ),
        (
            "libtextsender_exits.so",
            "it ends its process when it is loaded",
        ),
    ];
    for (file, words) in reasons {
        let reason = listed[file].unwrap_or_else(|| panic!("{file} is not refused"));
        assert!(reason.contains(words), "{file}: {reason}");
        assert!(
            !reason.contains('\n') && !reason.contains("/proc/"),
            "{file}: {reason}"
        );
    }
    let good: Vec<_> = listed
        .iter()
        .filter(|(_, refused)| refused.is_none())
        .map(|(file, _)| *file)
        .collect();
    assert_eq!(
        good,
        [
            "libtextsender_email_gateway.so",
            "libtextsender_govuk_notify.so",
            "libtextsender_twilio.so"
        ]
    );
    assert_eq!(listed.len(), reasons.len() + good.len());
}

#[test]
fn nothing_of_a_library_runs_in_the_tools_own_process() {
    let admin = Admin::at_work();
    let marks = tempfile::tempdir().unwrap();
    let source = format!(
        "#include <fcntl.h>\n#include <stdio.h>\n#include <unistd.h>\n{ENTRY}\
         __attribute__((constructor)) static void f(void) {{\n\
           char name[4096];\n\
           snprintf(name, sizeof name, \"{}/%d\", (int)getpid());\n\
           close(open(name, O_CREAT | O_WRONLY, 0600));\n\
         }}\n",
        marks.path().display()
    );
    build(&admin.plugins().join("libtextsender_marks.so"), &source);
    for command in [
        &["plugin", "list"][..],
        &["plugin", "show", "marks"],
        &["sender", "add", "x", "--plugin", "marks"],
        &["doctor", "--offline"],
    ] {
        let child = admin
            .command(command)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let own = marks.path().join(child.id().to_string());
        let output = child.wait_with_output().unwrap();
        assert!(!own.exists(), "{command:?} loaded it: {output:?}");
    }
    // The mark is left where the library is loaded into a process that nothing restrains.
    let library = admin.plugins().join("libtextsender_marks.so");
    let status = Command::new("/bin/true")
        .env("LD_PRELOAD", library)
        .status();
    assert!(status.unwrap().success());
    assert_ne!(fs::read_dir(marks.path()).unwrap().count(), 0);
}

#[test]
fn a_plugin_is_replaced_at_once_or_not_at_all() {
    let admin = Admin::at_work();
    let file = artifacts().plugin("twilio").display().to_string();
    admin
        .run(&["plugin", "install", &file])
        .ok()
        .says("replaced plugin twilio");
    let installed = admin.plugins().join("libtextsender_twilio.so");
    let before = fs::read(&installed).unwrap();
    assert_eq!(
        fs::metadata(&installed).unwrap().permissions().mode() & 0o7777,
        0o644
    );

    let broken = admin.folder().join("libtextsender_twilio.so");
    fs::write(&broken, &before[..3000]).unwrap();
    let ran = admin.run(&["plugin", "install", &broken.display().to_string()]);
    ran.failed(1).says("is not installed");
    assert_eq!(fs::read(&installed).unwrap(), before);
    assert_eq!(fs::read_dir(admin.plugins()).unwrap().count(), 3);

    admin
        .run(&["plugin", "install", "/bin/true"])
        .failed(2)
        .says("is not named like a plugin");
}

#[test]
fn a_plugin_that_is_used_stays() {
    let admin = Admin::at_work();
    admin
        .run(&["sender", "add", "main", "--plugin", "twilio"])
        .ok();
    admin
        .run(&["plugin", "remove", "twilio"])
        .failed(1)
        .says("is used by sender main");
    admin.run(&["sender", "remove", "main"]).ok();
    admin.run(&["plugin", "remove", "twilio"]).ok();
    assert!(!admin.plugins().join("libtextsender_twilio.so").exists());
    admin
        .run(&["plugin", "remove", "../textsender"])
        .failed(1)
        .says("there is no plugin");
}

#[test]
fn a_sender_whose_plugin_is_not_approved_is_not_called_ready() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let config = admin.config_text();
    admin.write_config(&config.replace("# trust = \"pinned\"", "trust = \"pinned\""));
    let command = "textsender plugin trust twilio";
    admin.run(&["check"]).failed(78).says(command);
    for lists in [&["sender", "list"][..], &["status"]] {
        admin.run(lists).says("wrong");
    }
    admin.run(&["plugin", "trust", "twilio"]).ok();
    admin.run(&["check"]).ok();
    sends(&admin);

    // What others could have written approves nothing.
    set_mode(&admin.folder().join("plugins.lock"), 0o666);
    admin.run(&["check"]).failed(78).says("plugins.lock");
    admin.run(&["sender", "list"]).says("wrong");
}

#[test]
fn only_approved_files_are_good_where_they_must_be_approved() {
    let admin = Admin::at_work();
    let pinned = admin
        .config_text()
        .replace("# trust = \"pinned\"", "trust = \"pinned\"");
    admin.write_config(&pinned);
    let refused = |plugin: &str| {
        let listed = admin.run(&["plugin", "list", "--json"]).json();
        let mut files = listed.as_array().unwrap().iter();
        let file = files.find(|file| file["plugin"] == plugin).unwrap();
        file["refused"].as_str().map(str::to_owned)
    };
    let trust = "approve it with textsender plugin trust twilio";
    assert_eq!(
        refused("twilio"),
        Some(format!("it is not approved; {trust}"))
    );
    let approved = admin.run(&["plugin", "trust", "twilio"]);
    approved.ok().says("api.twilio.com").says("plugins.lock");
    assert_eq!(refused("twilio"), None);
    admin
        .run(&["plugin", "trust", "twilio"])
        .ok()
        .says("approved already");

    // A byte behind the end changes nothing but the checksum.
    let file = admin.plugins().join("libtextsender_twilio.so");
    let mut bytes = fs::read(&file).unwrap();
    bytes.push(0);
    fs::write(&file, bytes).unwrap();
    assert_eq!(
        refused("twilio"),
        Some(format!("it is not the approved file; {trust}"))
    );
    admin.run(&["plugin", "trust", "twilio"]).ok();
    assert_eq!(refused("twilio"), None);

    // A file that could not be loaded can't be approved.
    set_mode(&file, 0o666);
    admin
        .run(&["plugin", "trust", "twilio"])
        .failed(1)
        .says("chmod go-w");
}

/// A local plugin beside those of the package, whose folder belongs to the package manager.
#[test]
fn plugins_are_found_in_several_folders_the_first_before_the_others() {
    let sandbox = Sandbox::start();
    let admin = super::changes::sending(&sandbox);
    let local = admin.folder().join("local");
    fs::create_dir(&local).unwrap();
    let file = "libtextsender_twilio.so";
    fs::rename(admin.plugins().join(file), local.join(file)).unwrap();
    let one = format!("folder = \"{}\"", admin.plugins().display());
    let two = format!(
        "folder = [\"{}\", \"{}\"]",
        admin.plugins().display(),
        local.display()
    );
    assert!(admin.config_text().contains(&one));
    admin.run(&["check"]).failed(78);
    admin.write_config(&admin.config_text().replace(&one, &two));
    admin.run(&["check"]).ok();
    super::changes::sends(&admin);
    let listed = admin.run(&["plugin", "list", "--json"]).json();
    let twilio = listed.as_array().unwrap().iter();
    assert_eq!(twilio.filter(|one| one["plugin"] == "twilio").count(), 1);
}
