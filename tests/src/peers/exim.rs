//! Exim: its configuration, and how it is started. Limits are its defaults.

use super::*;

pub(super) fn command(unpacked: &Path, folder: &Folder, port: u16) -> Command {
    let exim = unpacked.join("usr/sbin/exim4");
    let logs = folder.make("logs", 0o750);
    let (spool, mail) = (folder.make("spool", 0o750), folder.path("mail"));
    let [exim_path, logs, spool, mail] = [&exim, &logs, &spool, &mail].map(|path| path.display());
    let environment = ENVIRONMENT.join(" : ");
    let (user, group) = (folder.user(), folder.group());
    let configuration = format!(
        "\
exim_path = {exim_path}
primary_hostname = exim.localhost
spool_directory = {spool}
log_file_path = {logs}/%slog
pid_file_path = {logs}/exim.pid
keep_environment = {environment}
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
tls_advertise_hosts =
acl_smtp_rcpt = rcpt
domainlist here = sms.example

begin acl
rcpt:
  deny domains = +here
       local_parts = ^.*998\\$
       message = Unknown user
  deny local_parts = ^.*999\\$
  accept domains = +here
  deny message = relay not permitted

begin routers
all:
  driver = accept
  domains = +here
  transport = file

begin transports
file:
  driver = appendfile
  directory = {mail}
  maildir_format
  user = {user}
  group = {group}
"
    );
    let file = folder.path("exim.conf");
    fs::write(&file, configuration).unwrap();
    let mut command = Command::new(exim);
    command.arg("-C").arg(file).arg("-bdf");
    if Folder::is_root() {
        // As root it would change to an account whose set-user-id it does not have here.
        command.uid(user).gid(group);
    }
    command
}
