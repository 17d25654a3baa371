//! A server across the network: TLS, a password, and what each refusal says.

use std::fs;
use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;
use textsender_tests::harness::Run;
use textsender_tests::peers::postgres::Postgres;
use textsender_tests::peers::shared_ledger::prepare;
use textsender_tests::sandbox::{Authority, Certificate};

use super::machines::Fleet;
use super::run;

const PASSWORD: &str = "a long pass-phrase of this test";

/// Two machines whose database is reached by TLS and wants a password.
struct Distant {
    fleet: Fleet,
    _files: TempDir,
}

impl Distant {
    fn new(certificate: Certificate) -> Distant {
        Distant::within(certificate, "25s")
    }

    fn within(certificate: Certificate, timeout: &str) -> Distant {
        let authority = Authority::new(certificate).unwrap();
        let files = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = files.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let ca = write("ca.pem", &authority.pem);
        let mut server = Postgres::made();
        let private = [
            ("server.pem", &*authority.certificate_pem),
            ("server.key", &authority.key_pem),
            (
                "hba.conf",
                "local all all trust\nhostssl all all samenet scram-sha-256\n",
            ),
        ];
        let [certificate, key, hba] = private.map(|(name, text)| server.keep(name, text));
        let address = server.address();
        server.launch(&[
            "fsync=off",
            "ssl=on",
            &format!("listen_addresses={address}"),
            &format!("ssl_cert_file={certificate}"),
            &format!("ssl_key_file={key}"),
            &format!("hba_file={hba}"),
        ]);
        prepare(&server);
        server.sql(
            "postgres",
            &format!("ALTER ROLE textsender PASSWORD '{PASSWORD}'"),
        );
        let port = forward_to(&address);
        let url = format!("postgresql://textsender@localhost:{port}/textsender");
        let config = format!("[state.shared]\nca_file = {ca:?}\ntimeout = {timeout:?}");
        Distant {
            fleet: Fleet::at(server, &url, &config, "none"),
            _files: files,
        }
    }

    fn with_password(self, password: &str) -> Distant {
        let set = self
            .fleet
            .on(0)
            .command(["secret", "set", "ledger.password"]);
        set.stdin(password).run().exit(0);
        self
    }

    fn send(&self) -> Run {
        self.fleet.on(0).run()
    }
}

/// A port of `localhost` that leads there: certificates are for that name.
fn forward_to(address: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = format!("{address}:5432");
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = TcpStream::connect(&target) else {
                continue;
            };
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, client),
            ] {
                thread::spawn(move || {
                    let _ = copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        }
    });
    port
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_server_across_the_network_is_trusted_by_its_certificate_and_told_the_password() {
    let distant = Distant::new(Certificate::Valid).with_password(PASSWORD);
    distant.send().outcome("accepted").texts(1);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_server_whose_certificate_is_not_for_it_learns_no_password() {
    for wrong in [Certificate::WrongName, Certificate::Expired] {
        let distant = Distant::new(wrong).with_password(PASSWORD);
        let refused = distant.send();
        refused
            .outcome("unavailable")
            .error("ledger_unreachable")
            .says("certificate")
            .texts(0);
    }
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_wrong_password_is_named_without_being_shown() {
    let distant = Distant::new(Certificate::Valid);
    let missing = distant.send();
    missing.outcome("misconfigured").error("ledger_refused");
    missing.says("secret set ledger.password").texts(0);
    let distant = distant.with_password("another pass-phrase");
    let refused = distant.send();
    refused.outcome("misconfigured").error("ledger_refused");
    refused.says("secret set ledger.password").texts(0);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_the_certificate_of_the_database_is_among_what_runs_out_also_while_it_is_away() {
    let mut distant = Distant::new(Certificate::Valid).with_password(PASSWORD);
    distant.send().outcome("accepted");
    let days = |distant: &Distant| {
        let said = run(&distant.fleet, 0, &["expiring", "--json"]);
        let all: Vec<Value> = serde_json::from_str(&said).unwrap();
        let one = all.iter().find(|one| one["kind"] == "of_server");
        let one = one.unwrap_or_else(|| panic!("{said}"));
        assert!(one["name"].as_str().unwrap().starts_with("localhost:"));
        one["days_left"].as_i64().unwrap()
    };
    let left = days(&distant);
    assert!(left > 0, "{left}");
    distant.fleet.stop_server();
    assert_eq!(days(&distant), left);

    let distant = Distant::within(Certificate::Expired, "2s").with_password(PASSWORD);
    assert!(days(&distant) < 0);
    let health = run(&distant.fleet, 0, &["health"]);
    assert!(health.contains("certificate localhost:"), "{health}");
    assert!(health.contains("it expired at"), "{health}");
}
