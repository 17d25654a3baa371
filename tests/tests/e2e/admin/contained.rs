//! As in a container of packaging/Containerfile: a root that can't be written to, no capabilities, a user namespace.
//!
//! Root starts it, as a namespace of anyone else maps no other account, and what root owns would be no one's.

use std::fs;

use textsender_tests::sandbox::Sandbox;

use super::changes::sending;
use super::{Admin, Ran};

const REQUEST: &str = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900123"},"code":"beK989vc"}"#;

/// The account inside, with /proc.
const ORDINARY: &str = "--proc /proc --uid 1000 --gid 1000";

/// Runs a command where the state folder alone can be written to, with what a case has around it.
fn inside(admin: &Admin, around: &str, command: &str, input: &str) -> Ran {
    admin.shell(&line(admin, around, command), input)
}

fn line(admin: &Admin, around: &str, command: &str) -> String {
    let state = admin.state().display().to_string();
    format!(
        "bwrap --unshare-all --share-net --die-with-parent --cap-drop ALL --ro-bind / / --dev /dev {around} \
         --bind {state} {state} {command}"
    )
}

#[test]
#[ignore = "needs root and bwrap"]
fn as_root_plugins_are_sealed_in_a_container_with_a_read_only_root_and_without_capabilities() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    // `init` has it so: what is not wholly sealed is not used.
    assert!(admin.config_text().contains("seal = \"required\""));
    inside(&admin, ORDINARY, "textsender send", REQUEST).ok();
    assert_eq!(sandbox.texts().len(), 1);
    let file = admin.state().join("textsender.prom");
    let stats = format!("textsender stats --prometheus {}", file.display());
    inside(&admin, ORDINARY, &stats, "").ok();
    let metrics = fs::read_to_string(file).unwrap();
    assert!(
        metrics.contains("textsender_sender_sealed{sender=\"twilio\"} 1\n"),
        "{metrics}"
    );
    // The root is as it is in the image.
    let init = "textsender init --region GB --folder /etc/textsender-inside";
    inside(&admin, ORDINARY, init, "").says("as it is on a read-only file system");
}

/// The socket's folder is shared, and neither side knows the other's processes.
#[test]
#[ignore = "needs root and bwrap"]
fn as_root_a_hub_takes_messages_of_another_container() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let socket = admin.state().join("hub.sock");
    let socket = socket.display();
    admin.write_config(&format!(
        "{}\n[serve]\nsocket = \"{socket}\"\nhub = \"required\"\n",
        admin.config_text()
    ));
    let [hub, send] =
        ["serve", "send"].map(|it| line(&admin, ORDINARY, &format!("textsender {it}")));
    let both = format!(
        "{hub} 2> hub.log & until [ -S {socket} ]; do sleep 0.1; done; \
         {send}; ended=$?; kill $!; exit $ended"
    );
    admin.shell(&both, REQUEST).ok();
    assert_eq!(sandbox.texts().len(), 1);
}

#[test]
#[ignore = "needs root and bwrap"]
fn as_root_what_a_container_lacks_is_named() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let without_proc = "--tmpfs /proc --uid 1000 --gid 1000";
    let ran = inside(&admin, without_proc, "textsender send", REQUEST);
    ran.failed(78).says("is /proc mounted?");
    let as_root = "--proc /proc --uid 0 --gid 0";
    let ran = inside(&admin, as_root, "textsender send", REQUEST);
    ran.failed(78).says("run textsender as another account");
    assert_eq!(sandbox.texts().len(), 0);
}
