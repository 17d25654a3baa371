//! A pooler between: PgBouncer, which gives each transaction a connection of its own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;
use textsender_tests::harness::{at_once, wait_for};
use textsender_tests::peers::postgres::Postgres;
use textsender_tests::peers::shared_ledger::prepare;

use super::machines::Fleet;
use super::{doctor, outcomes};

/// An account that is no one's, for where the tests run as root: PgBouncer refuses to.
const NOBODY: u32 = 65534;

/// Processes at the same time.
const SOME: usize = 40;

struct Pooler {
    folder: TempDir,
    child: Child,
}

impl Pooler {
    /// One that gives each session, transaction or statement a connection.
    fn before(server: &Postgres, mode: &str) -> Pooler {
        let folder = tempfile::Builder::new()
            .prefix("tsp")
            .tempdir_in("/tmp")
            .unwrap();
        let path = folder.path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        let (users, config) = (path.join("users"), path.join("pgbouncer.ini"));
        fs::write(&users, "\"textsender\" \"\"\n").unwrap();
        let text = format!(
            "[databases]\ntextsender = host={} port=5432 dbname=textsender\n\
             [pgbouncer]\nunix_socket_dir = {}\nunix_socket_mode = 0777\nlisten_addr =\nlisten_port = 5432\n\
             auth_type = trust\nauth_file = {}\npool_mode = {mode}\ndefault_pool_size = 4\nmax_client_conn = 300\n",
            server.socket().display(),
            path.display(),
            users.display(),
        );
        fs::write(&config, text).unwrap();
        let mut pooler = Command::new("pgbouncer");
        pooler
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if cfg!(is_root) {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            pooler.uid(NOBODY).gid(NOBODY);
        }
        let child = pooler.spawn().unwrap();
        wait_for("the pooler", || {
            path.join(".s.PGSQL.5432").exists().then_some(())
        });
        Pooler { folder, child }
    }

    fn url(&self) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgresql://textsender@{folder}/textsender")
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[cfg_attr(
    not(all(has_postgresql, has_pgbouncer)),
    ignore = "needs PostgreSQL and PgBouncer"
)]
fn fleet_ids_and_limits_hold_through_a_pooler_that_gives_each_transaction_a_connection() {
    let server = Postgres::start(&["fsync=off"]);
    prepare(&server);
    let pooler = Pooler::before(&server, "transaction");
    let limits = "[limits]\nrecipient = { limits = [\"7/10m\"], mode = \"enforce\" }";
    let fleet = Fleet::at(server, &pooler.url(), limits, "none");
    let runs = at_once(SOME, |number| {
        fleet.on(number % 2).with(json!({ "id": "one" }))
    });
    let (accepted, in_progress) = (outcomes(&runs, "accepted"), outcomes(&runs, "in_progress"));
    assert_eq!(accepted + in_progress, SOME, "{accepted} {in_progress}");
    assert_eq!(fleet.sandbox().text_count(), 1);
    let runs = at_once(SOME, |number| {
        fleet
            .on(number % 2)
            .with(json!({ "id": format!("{number}") }))
    });
    let (accepted, limited) = (outcomes(&runs, "accepted"), outcomes(&runs, "limited"));
    assert_eq!((accepted, limited), (6, SOME - 6));
    assert_eq!(fleet.sandbox().text_count(), 7);
}

#[test]
#[cfg_attr(
    not(all(has_postgresql, has_pgbouncer)),
    ignore = "needs PostgreSQL and PgBouncer"
)]
fn fleet_doctor_names_a_pooler_and_what_it_gives_a_connection() {
    let direct = doctor(&Fleet::new(""));
    assert!(!direct.contains("a pooler"), "{direct}");
    for (mode, words) in [
        ("transaction", "in front of the server, by transaction"),
        ("session", "in front of the server, by session or too busy"),
        ("statement", "set pool_mode = transaction in the pooler"),
    ] {
        let server = Postgres::start(&["fsync=off"]);
        prepare(&server);
        let pooler = Pooler::before(&server, mode);
        let fleet = Fleet::at(server, &pooler.url(), "", "none");
        // It has connections from now on, which it keeps.
        at_once(4, |number| {
            fleet
                .on(number % 2)
                .with(json!({ "id": format!("{number}") }))
        });
        let said = doctor(&fleet);
        assert!(said.contains(words), "{mode}: {said}");
    }
}
