//! The server that everybody talks to: nginx, since a slow one would measure itself.
//!
//! It answers every request with 201 and what Twilio says of a text that it took, each with an id of
//! its own; one account's with 400 and what Twilio says of a number that is none. Where nginx is not
//! installed, the sandbox's Twilio stands in, which refuses no account.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use tempfile::TempDir;
use textsender_tests::sandbox::{Authority, Certificate, Sandbox, twilio};

use crate::figures::first_line;

/// How long nginx may take to listen.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs nginx until standard input ends: even where this program is killed.
const WHILE_WE_LIVE: &str = "nginx \"$@\" & cat > /dev/null; kill $!; wait $!";

/// The account whose texts nginx refuses.
pub const REFUSED_ACCOUNT: &str = "AC00000000000000000000000000000400";

/// What it answers then.
const REFUSAL: &str = r#"{"code":21211,"message":"Invalid \"To\" Phone Number: +447700900123","more_info":"https://www.twilio.com/docs/errors/21211","status":400}"#;

/// A server on loopback, with and without TLS.
pub struct LoadServer {
    what: String,
    /// `http://127.0.0.1:PORT`
    pub http: String,
    /// `https://localhost:PORT`
    pub https: String,
    /// The authority that signed its certificate.
    pub ca_file: PathBuf,
    /// The system's roots and this authority.
    pub roots_file: PathBuf,
    nginx: Option<Child>,
    _folder: TempDir,
}

impl LoadServer {
    /// Starts nginx, or leaves the answering to this sandbox.
    ///
    /// # Errors
    /// Files can't be written, or nginx does not start.
    pub fn start(sandbox: &Sandbox) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
        let path = |name: &str| folder.path().join(name);
        let (ca_file, roots_file) = (path("ca.pem"), path("roots.pem"));
        let Some(version) = first_line("nginx", "-v") else {
            sandbox.write_ca(&ca_file)?;
            with_system_roots(sandbox.ca_pem(), &roots_file)?;
            return Ok(Self {
                what: "the sandbox, as nginx is not installed".into(),
                http: sandbox.twilio().url(),
                https: sandbox.twilio().https_url(),
                ca_file,
                roots_file,
                nginx: None,
                _folder: folder,
            });
        };
        let authority = Authority::new(Certificate::Valid)?;
        fs::write(&ca_file, &authority.pem)?;
        with_system_roots(&authority.pem, &roots_file)?;
        fs::write(path("certificate.pem"), &authority.certificate_pem)?;
        fs::write(path("key.pem"), &authority.key_pem)?;
        let (http, https) = (free_port()?, free_port()?);
        fs::write(path("nginx.conf"), configuration(http, https))?;
        let nginx = Command::new("sh")
            .args(["-c", WHILE_WE_LIVE, "sh", "-p"])
            .arg(folder.path())
            .args(["-c", "nginx.conf", "-e", "stderr"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("nginx can't be started")?;
        let version = version.rsplit(' ').next().unwrap_or_default().to_owned();
        let server = Self {
            what: format!("{version}, one process"),
            http: format!("http://{http}"),
            https: format!("https://localhost:{}", https.port()),
            ca_file,
            roots_file,
            nginx: Some(nginx),
            _folder: folder,
        };
        wait_for(https)?;
        Ok(server)
    }

    /// What answers, in words.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Whether it refuses texts of [`REFUSED_ACCOUNT`].
    pub fn refuses(&self) -> bool {
        self.nginx.is_some()
    }

    /// The path that texts are posted to.
    pub fn path() -> String {
        format!("/2010-04-01/Accounts/{}/Messages.json", twilio::ACCOUNT_SID)
    }
}

impl Drop for LoadServer {
    fn drop(&mut self) {
        if let Some(nginx) = &mut self.nginx {
            drop(nginx.stdin.take());
            // It keeps nothing that could be lost.
            let _ = nginx.wait();
        }
    }
}

/// Waits until nginx listens.
fn wait_for(address: SocketAddr) -> anyhow::Result<()> {
    let end = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_err() {
        ensure!(
            Instant::now() < end,
            "nginx does not listen; it says above why"
        );
        thread::park_timeout(Duration::from_millis(1));
    }
    Ok(())
}

/// An address that is free now, and most likely still in a moment.
fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

fn with_system_roots(authority: &str, file: &Path) -> anyhow::Result<()> {
    let system = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    Ok(fs::write(file, system + authority)?)
}

fn configuration(http: SocketAddr, https: SocketAddr) -> String {
    let folders: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("    {name}_temp_path {name};\n"))
        .concat();
    let account = twilio::ACCOUNT_SID;
    let body = format!(
        r#"{{"sid":"SM$request_id","account_sid":"{account}","to":"+447700900123","from":"{}","body":"","status":"queued","direction":"outbound-api","num_segments":"1","num_media":"0","price":null,"price_unit":"USD","error_code":null,"error_message":null,"api_version":"2010-04-01","date_created":"Tue, 24 Nov 2026 10:00:00 +0000","date_sent":null,"uri":"/2010-04-01/Accounts/{account}/Messages/SM$request_id.json"}}"#,
        twilio::FROM_NUMBER
    );
    // nginx reads `\"` as a quote by itself.
    let refusal = REFUSAL.replace('\\', r"\\");
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
{folders}    access_log off;
    keepalive_requests 100000000;
    server {{
        listen {http};
        listen {https} ssl;
        ssl_certificate certificate.pem;
        ssl_certificate_key key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        default_type application/json;
        location /2010-04-01/Accounts/{REFUSED_ACCOUNT}/ {{
            return 400 '{refusal}';
        }}
        location / {{
            return 201 '{body}';
        }}
    }}
}}
"
    )
}
