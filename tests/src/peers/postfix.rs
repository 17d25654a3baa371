//! Postfix: its configuration, its queue's folders, and how it is started. Limits are its defaults.

use super::*;

pub(super) fn command(unpacked: &Path, folder: &Folder, port: u16) -> Command {
    let programs = unpacked.join("usr/lib/postfix/sbin");
    let settings = folder.path("etc");
    fs::create_dir(&settings).unwrap();
    fs::create_dir(folder.path("queue")).unwrap();
    make_queue(folder);
    folder.make("data", 0o700);
    // Only what a table has is there.
    let recipients = "if !/998@/\n/@sms\\.example$/ inbox/\nendif\n";
    fs::write(settings.join("recipients"), recipients).unwrap();
    fs::write(settings.join("refused"), "/999@/ REJECT\n").unwrap();
    fs::write(settings.join("main.cf"), main_cf(folder, &programs)).unwrap();
    fs::write(settings.join("master.cf"), master_cf(port)).unwrap();
    let mut command = Command::new(programs.join("master"));
    command.arg("-d").arg("-c").arg(settings);
    command
}

/// As `postfix set-permissions` would leave them.
fn make_queue(folder: &Folder) {
    let private = [
        "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private",
        "saved", "trace",
    ];
    for name in private {
        folder.make(&format!("queue/{name}"), 0o700);
    }
    for (name, mode) in [("public", 0o710), ("maildrop", 0o730)] {
        let path = folder.make(&format!("queue/{name}"), mode);
        // The group that the account's file calls postdrop.
        chown(&path, None, Some(folder.group() + 1)).unwrap();
    }
    fs::create_dir(folder.path("queue/pid")).unwrap();
}

fn main_cf(folder: &Folder, programs: &Path) -> String {
    let [queue, data, mail, settings] =
        ["queue", "data", "mail", "etc"].map(|name| folder.path(name));
    let [queue, data, mail, settings] =
        [&queue, &data, &mail, &settings].map(|path| path.display());
    let (programs, environment) = (programs.display(), ENVIRONMENT.join(" "));
    let user = folder.user();
    format!(
        "\
compatibility_level = 3.6
myhostname = postfix.localhost
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
queue_directory = {queue}
data_directory = {data}
daemon_directory = {programs}
command_directory = {programs}
shlib_directory = no
meta_directory = {settings}
mail_owner = postfix
setgid_group = postdrop
import_environment = MAIL_CONFIG {environment}
export_environment = {environment}
smtpd_recipient_restrictions = check_recipient_access regexp:{settings}/refused
smtpd_relay_restrictions = reject_unauth_destination
smtpd_peername_lookup = no
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = sms.example
virtual_mailbox_base = {mail}
virtual_mailbox_maps = regexp:{settings}/recipients
virtual_minimum_uid = 1
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{user}
"
    )
}

fn master_cf(port: u16) -> String {
    format!(
        "\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
"
    )
}
