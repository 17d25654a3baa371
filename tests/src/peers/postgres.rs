//! A PostgreSQL server of a test's own: in a temporary folder, on a Unix socket, as an ordinary account.
//!
//! It ends with the process that started it, however that ends, and leaves nothing behind: a shell waits for the end of
//! a pipe.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A server that runs. Dropping it ends it at once, and takes its folder away.
pub struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
    /// The shell that ends it.
    guard: Child,
    port: u16,
}

/// The owner of a server never waits for a standby that a test took away, nor for ever for a lock.
const OWNER: &str = "-c synchronous_commit=local -c statement_timeout=60s";

/// An account that is no one's, for where the tests run as root: PostgreSQL refuses to.
const NOBODY: u32 = 65534;

impl Postgres {
    /// A new server with these settings besides, such as `fsync=off`.
    pub fn start(settings: &[&str]) -> Postgres {
        Postgres::made().launched(settings)
    }

    /// A new server that does not run yet.
    pub fn made() -> Postgres {
        let server = Postgres::prepare();
        server.run(
            "initdb",
            &[
                "-D",
                &server.data(),
                "-U",
                "postgres",
                "-A",
                "trust",
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C",
            ],
        );
        server
    }

    /// Keeps a file in its folder that only it can read; the path.
    pub fn keep(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        if is_root() {
            chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        path.display().to_string()
    }

    /// An address on loopback that no other server of a test has: `listen_addresses`.
    pub fn address(&self) -> String {
        let [.., high, low] = std::process::id().to_be_bytes();
        // What differs between servers of one process is the end of the folder's name.
        let name = self.folder.display().to_string();
        let number = name
            .rsplit('-')
            .next()
            .and_then(|number| number.parse().ok());
        let number: u8 = number.unwrap_or(0);
        format!("127.{}.{high}.{low}", number.saturating_add(1))
    }

    /// A copy of a server that runs, as its standby.
    pub fn standby_of(primary: &Postgres, name: &str, settings: &[&str]) -> Postgres {
        let server = Postgres::prepare();
        let source = format!(
            "host={} port={} user=postgres application_name={name}",
            primary.folder.display(),
            primary.port
        );
        server.run(
            "pg_basebackup",
            &[
                "-D",
                &server.data(),
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
                "-d",
                &source,
            ],
        );
        server.launched(settings)
    }

    fn prepare() -> Postgres {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("textsender-pg-{}-{number}", std::process::id());
        // A socket's path may not be long.
        let folder = Path::new("/tmp").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        if is_root() {
            chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        Postgres {
            folder,
            programs: programs(),
            guard: Command::new("true").spawn().unwrap(),
            port: 5432,
        }
    }

    fn launched(mut self, settings: &[&str]) -> Postgres {
        self.launch(settings);
        self
    }

    /// Starts it, or starts it again.
    pub fn launch(&mut self, settings: &[&str]) {
        let _ = self.guard.wait();
        let mut postgres = vec![
            self.programs.join("postgres").display().to_string(),
            "-D".to_owned(),
            self.data(),
            "-k".to_owned(),
            self.folder.display().to_string(),
        ];
        let fixed = [
            "listen_addresses=",
            "unix_socket_permissions=0777",
            "max_connections=300",
        ];
        for setting in fixed.iter().chain(settings) {
            postgres.extend(["-c".to_owned(), (*setting).to_owned()]);
        }
        let log =
            fs::File::create(self.folder.join(format!("log-{}", std::process::id()))).unwrap();
        // Job control off: both are in one group. `read` ends when the test's end of the pipe does; a test that ended
        // without a word has no use for the folder any more.
        let script = r#""$@" </dev/null & pid=$!; echo $pid > "$0.pid"; read -r word; kill -QUIT $pid; wait $pid; [ -n "$word" ] || rm -rf "${0%/*}""#;
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script])
            .arg(self.folder.join("server"))
            .args(postgres)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        as_ordinary(&mut shell);
        self.guard = shell.spawn().unwrap();
        let began = Instant::now();
        while !self.answers() {
            assert!(began.elapsed() < Duration::from_secs(60), "{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it at once, as if its machine went away; [`Postgres::launch`] starts it again.
    pub fn stop(&mut self) {
        if let Some(mut guard) = self.guard.stdin.take() {
            // An error means that it has ended already.
            let _ = guard.write_all(b"stop\n");
        }
        let _ = self.guard.wait();
    }

    fn answers(&self) -> bool {
        self.psql("postgres", "SELECT 1").is_ok()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        let log = self.folder.join(format!("log-{}", std::process::id()));
        fs::read_to_string(log).unwrap_or_default()
    }

    /// The folder of its socket.
    pub fn socket(&self) -> &Path {
        &self.folder
    }

    /// The address of a database for a role.
    pub fn url(&self, role: &str, database: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgresql://{role}@{folder}/{database}")
    }

    /// Runs SQL as the owner; the rows, a line each, or what the server says.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = self.command("psql", database, &["-c", sql]);
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout)
                .trim_end()
                .to_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// The same, where it must succeed.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.psql(database, sql).unwrap()
    }

    /// Runs a script, which must succeed.
    pub fn script(&self, database: &str, script: &str) {
        let mut psql = self.client("psql", database);
        psql.args(["-f", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped());
        let mut psql = psql.spawn().unwrap();
        psql.stdin
            .take()
            .unwrap()
            .write_all(script.as_bytes())
            .unwrap();
        let output = psql.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Sends it a signal: `KILL` ends it as a power cut would end its processes, `STOP` freezes it.
    pub fn signal(&self, signal: &str) {
        let own = self.pid();
        // Each process of it, as the first may leave the others behind.
        let children = Command::new("pgrep").args(["-P", &own]).output().unwrap();
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        for pid in std::iter::once(own.as_str()).chain(children.split_whitespace()) {
            let _ = Command::new("kill")
                .args([&format!("-{signal}"), pid])
                .status();
        }
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        self.sql("postgres", "SELECT pg_promote(true, 30)");
    }

    /// The number of its first process.
    pub fn process(&self) -> String {
        self.pid()
    }

    fn pid(&self) -> String {
        let pid = fs::read_to_string(self.folder.join("server.pid")).unwrap();
        pid.trim().to_owned()
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    fn command(&self, program: &str, database: &str, arguments: &[&str]) -> Output {
        self.client(program, database)
            .args(arguments)
            .output()
            .unwrap()
    }

    fn client(&self, program: &str, database: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command
            .args([
                "-h",
                &self.folder.display().to_string(),
                "-U",
                "postgres",
                "-d",
                database,
            ])
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .env("PGCONNECT_TIMEOUT", "5")
            .env("PGOPTIONS", OWNER);
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(&self.folder);
        as_ordinary(&mut command);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{program}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn as_ordinary(command: &mut Command) {
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The newest version that is installed.
fn programs() -> PathBuf {
    let versions = || -> io::Result<Vec<PathBuf>> {
        let versions = fs::read_dir("/usr/lib/postgresql")?;
        versions
            .map(|version| Ok(version?.path().join("bin")))
            .collect()
    };
    let mut versions = versions().unwrap_or_default();
    versions.sort();
    versions.pop().unwrap_or_else(|| PathBuf::from("/usr/bin"))
}
