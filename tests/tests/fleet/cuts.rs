//! Connections that are cut: at each message of the protocol, once.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;
use tempfile::TempDir;
use textsender_tests::peers::postgres::Postgres;
use textsender_tests::peers::shared_ledger::prepare;

use super::machines::Fleet;

/// Stands between: cuts the connection in place of the n-th message of the server, counted over all
/// connections, and then no more.
struct Cutter {
    folder: TempDir,
    /// Messages until the cut; 0: none any more.
    left: Arc<AtomicUsize>,
}

impl Cutter {
    fn before(server: &Postgres) -> Cutter {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = folder.path().join(".s.PGSQL.5432");
        let listener = UnixListener::bind(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        let left = Arc::new(AtomicUsize::new(0));
        let (target, counted) = (server.socket().join(".s.PGSQL.5432"), Arc::clone(&left));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (target, counted) = (target.clone(), Arc::clone(&counted));
                thread::spawn(move || carry(client, target, &counted));
            }
        });
        Cutter { folder, left }
    }

    fn url(&self) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgresql://textsender@{folder}/textsender")
    }

    fn cut_at(&self, message: usize) {
        self.left.store(message, Ordering::SeqCst);
    }

    /// Whether it has cut.
    fn has_cut(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }
}

fn carry(client: UnixStream, target: PathBuf, left: &AtomicUsize) {
    let Ok(server) = UnixStream::connect(target) else {
        return;
    };
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut server, mut client) = (server, client);
    let mut head = [0u8; 5];
    while server.read_exact(&mut head).is_ok() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let mut body = vec![0; length - 4];
        if server.read_exact(&mut body).is_err() {
            break;
        }
        let is_due = left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok_and(|before| before == 1);
        if is_due
            || client
                .write_all(&head)
                .and_then(|()| client.write_all(&body))
                .is_err()
        {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_connection_cut_at_any_message_neither_doubles_nor_loses() {
    let server = Postgres::start(&["fsync=off"]);
    prepare(&server);
    let cutter = Cutter::before(&server);
    let config = "[limits]\nrecipient = { limits = [] }";
    let fleet = Fleet::at(server, &cutter.url(), config, "none");
    fleet.on(0).run().outcome("accepted");
    let mut sent = 1;
    for message in 1.. {
        cutter.cut_at(message);
        let id = json!({ "id": format!("m{message}") });
        fleet.on(0).with(id.clone()).run().outcome("accepted");
        sent += 1;
        let is_over = !cutter.has_cut();
        cutter.cut_at(0);
        fleet
            .on(1)
            .with(id)
            .run()
            .outcome("accepted")
            .has("/replayed", true);
        assert_eq!(
            fleet.sandbox().text_count(),
            sent,
            "cut at message {message}"
        );
        if is_over {
            assert!(message > 20, "a send has more messages than {message}");
            return;
        }
    }
}
