//! Two machines: the same configuration in two places, one database, one provider.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use tempfile::TempDir;
use textsender_tests::harness::Test;
use textsender_tests::peers::postgres::Postgres;
use textsender_tests::peers::shared_ledger::{prepare, section};
use textsender_tests::sandbox::Sandbox;

pub struct Fleet {
    first: Test,
    /// The second machine's installation.
    second: TempDir,
    server: Postgres,
}

const SETTINGS: [&str; 1] = ["fsync=off"];

impl Fleet {
    /// Two machines with this configuration besides, on a new server.
    pub fn new(config: &str) -> Fleet {
        let server = Postgres::start(&SETTINGS);
        prepare(&server);
        Fleet::on_server(server, config, "none")
    }

    pub fn on_server(server: Postgres, config: &str, replication: &str) -> Fleet {
        let url = server.url("textsender", "textsender");
        Fleet::at(server, &url, config, replication)
    }

    pub fn at(server: Postgres, url: &str, config: &str, replication: &str) -> Fleet {
        let shared = section(url, replication, "30s");
        let first = Test::new().config(&shared).config(config);
        let key: Vec<u8> = (0..32).collect();
        let path = first.site().state().join("ledger.key");
        fs::write(&path, key).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let second = tempfile::tempdir().unwrap();
        let from = first.site().folder().to_owned();
        let copied = Command::new("cp")
            .arg("-a")
            .arg(from.join("."))
            .arg(second.path())
            .status();
        assert!(copied.unwrap().success());
        let fleet = Fleet {
            first,
            second,
            server,
        };
        let file = fleet.config_of_second();
        let text = fs::read_to_string(&file).unwrap();
        let here = from.display().to_string();
        fs::write(
            file,
            text.replace(&here, &fleet.second.path().display().to_string()),
        )
        .unwrap();
        fleet
    }

    /// A process on a machine.
    pub fn on(&self, machine: usize) -> Test {
        match machine {
            0 => self.first.in_company(),
            _ => self
                .first
                .in_company()
                .env("TEXTSENDER_CONFIG", self.config_of_second()),
        }
    }

    pub fn sandbox(&self) -> &Sandbox {
        self.first.sandbox()
    }

    pub fn server(&self) -> &Postgres {
        &self.server
    }

    /// Gives a machine a key of its own.
    pub fn change_key(&self, _second: usize) {
        fs::write(self.state_of_second().join("ledger.key"), [7u8; 32]).unwrap();
    }

    /// Takes the first machine's key away.
    pub fn remove_key(&self) {
        fs::remove_file(self.first.site().state().join("ledger.key")).unwrap();
    }

    /// Whether a machine believes the database to be away, or has something to bring over.
    pub fn is_away(&self, machine: usize) -> bool {
        self.mark(machine).exists()
    }

    /// Lets a machine try the database with its next message.
    pub fn try_again(&self, machine: usize) {
        let mark = fs::File::options().write(true).open(self.mark(machine));
        mark.unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }

    fn mark(&self, machine: usize) -> PathBuf {
        let state = match machine {
            0 => self.first.site().state().to_owned(),
            _ => self.state_of_second(),
        };
        state.join("ledger.away")
    }

    /// The second machine's state folder.
    pub fn state_of_second(&self) -> PathBuf {
        let state = self.first.site().state();
        self.second.path().join(state.file_name().unwrap())
    }

    /// The time of every open claim is up.
    pub fn end_leases(&self) {
        self.server.sql(
            "textsender",
            "UPDATE textsender.decisions SET lease = 0 WHERE outcome IS NULL",
        );
    }

    pub fn stop_server(&mut self) {
        self.server.stop();
    }

    pub fn start_server(&mut self) {
        self.launch_server(&SETTINGS);
    }

    pub fn launch_server(&mut self, settings: &[&str]) {
        self.server.launch(settings);
    }

    /// The second machine's `textsender.toml`.
    pub fn config_of_second(&self) -> PathBuf {
        let file = self.first.site().config_file();
        self.second
            .path()
            .join(file.strip_prefix(self.first.site().folder()).unwrap())
    }
}
