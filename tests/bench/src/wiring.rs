//! Installations that lead to the load server, and what they are given to send.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use tempfile::TempDir;
use textsender_tests::{
    harness::{Artifacts, artifacts},
    sandbox::{Sandbox, site::Site},
};

use crate::{load_server::LoadServer, subject::Subject};

/// The text of a code, as the policy of every installation has it.
pub const TEXT: &str = "Your verification code is beK989vc";

/// The number that gets it.
pub const PHONE: &str = "+447700900123";

/// What all parts use.
pub struct Wiring {
    /// The binary and the plugins, as cargo built them.
    pub artifacts: &'static Artifacts,
    /// The binary as it is installed: copied. A linker's output lies in memory in smaller pieces, and
    /// starts slower until the machine has read it anew.
    pub program: PathBuf,
    /// Providers that nginx can't play.
    pub sandbox: Sandbox,
    /// What everybody talks to.
    pub server: LoadServer,
    /// Whether minutes do not matter.
    pub long: bool,
    /// Whether part k only shows that it runs.
    pub brief: bool,
    _installed: TempDir,
}

/// How the server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS, trusting one private authority.
    PrivateAuthority,
    /// With TLS, trusting the system's roots, as to a real provider.
    SystemRoots,
}

impl Scheme {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::PrivateAuthority => "HTTPS",
            Self::SystemRoots => "HTTPS, the system's roots",
        }
    }
}

impl Wiring {
    /// Builds what is measured, and starts the server.
    ///
    /// # Errors
    /// The machine has no port or no room to give.
    pub fn new(long: bool, brief: bool) -> anyhow::Result<Self> {
        let artifacts = artifacts();
        let sandbox = Sandbox::builder().keep_requests(false).start()?;
        let installed = tempfile::Builder::new().prefix("bench-").tempdir()?;
        let program = installed.path().join("textsender");
        fs::copy(&artifacts.textsender, &program)?;
        // What it becomes where several machines share the ledger, and what it starts for a directory.
        for beside in ["textsender-postgres", "textsender-directory"] {
            let built = artifacts.textsender.with_file_name(beside);
            fs::copy(built, installed.path().join(beside))?;
        }
        Ok(Self {
            artifacts,
            program,
            _installed: installed,
            server: LoadServer::start(&sandbox)?,
            sandbox,
            long,
            brief,
        })
    }

    /// An installation whose Twilio is the server.
    ///
    /// # Errors
    /// Its files can't be written.
    pub fn site(&self, scheme: Scheme, ledger: bool) -> anyhow::Result<Site> {
        let mut site = Site::for_sandbox(&self.sandbox, &self.artifacts.twilio)?;
        site.set("senders.twilio.settings.base_url", self.url(scheme))?;
        if scheme == Scheme::PrivateAuthority {
            site.set("http.ca_file", self.server.ca_file.display().to_string())?;
        }
        if !ledger {
            site.set("state.ledger", "off")?;
        }
        Ok(site)
    }

    /// The server's URL.
    pub fn url(&self, scheme: Scheme) -> &str {
        match scheme {
            Scheme::Http => &self.server.http,
            Scheme::PrivateAuthority | Scheme::SystemRoots => &self.server.https,
        }
    }

    /// What `textsender` replaces itself by where several machines share the ledger.
    pub fn postgres(&self) -> PathBuf {
        self.program.with_file_name("textsender-postgres")
    }

    /// `textsender` with these arguments in an installation.
    pub fn textsender(&self, name: &str, site: &Site, arguments: &[&str]) -> Subject {
        Subject::new(name, &self.program)
            .args(arguments)
            .env("TEXTSENDER_CONFIG", site.config_file())
            .env("SSL_CERT_FILE", &self.server.roots_file)
    }

    /// `textsender send` of one request.
    ///
    /// # Errors
    /// The request can't be written.
    pub fn one_send(&self, name: &str, site: &Site) -> anyhow::Result<Subject> {
        let file = site.folder().join("request.json");
        fs::write(
            &file,
            format!(
                r#"{{"purpose":"verification_code","event":"reset","user":{{"phone":"{PHONE}"}},"code":"beK989vc"}}"#
            ),
        )?;
        Ok(self.textsender(name, site, &["send"]).input(&file))
    }

    /// `textsender send` of a first text to its number, each time to another.
    pub fn first_text(&self, name: &str, site: &Site) -> Subject {
        let file = site.folder().join("first.json");
        let send = self.textsender(name, site, &["send"]);
        send.renewed_input(&file, || lines(1))
    }
}

/// Requests as a stream gets them, each with an id that no other has. The numbers lie far apart, as
/// those of real users do: of thirty thousand, one is of one prefix.
pub fn lines(count: u64) -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let first = MADE.fetch_add(count, Ordering::Relaxed);
    let mut lines = String::new();
    for number in first..first + count {
        let phone = 100_000_000 + number * 10_007 % 300_000_000;
        // Writing to a string never fails.
        let _ = writeln!(
            lines,
            r#"{{"id":"m{number}","purpose":"verification_code","event":"reset","user":{{"phone":"+447{phone}"}},"code":"beK989vc"}}"#
        );
    }
    lines
}

/// Writes these lines into an installation's folder.
///
/// # Errors
/// Those of writing.
pub fn lines_file(folder: &Path, count: u64) -> anyhow::Result<PathBuf> {
    let file = folder.join("lines.jsonl");
    fs::write(&file, lines(count))?;
    Ok(file)
}
