//! What there is to reach, and how the plugin is told: written into its library, as its first instruction has neither
//! arguments nor settings.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use serde_json::json;

const MARK: &[u8] = b"ESCAPES-SURROUNDINGS:";
const ROOM: usize = 2048;

/// What the inherited file begins with.
pub const INHERITED: &str = "open since before the front";

/// The moments at which the plugin tries.
const MOMENTS: [&str; 4] = ["load", "configure", "send", "outside"];

/// Listeners that nobody should reach, and files that nobody should touch. They last as long as this.
pub struct Surroundings {
    tcp: TcpListener,
    granted: TcpListener,
    udp: UdpSocket,
    abstract_name: String,
    _unix: [UnixListener; 2],
    folder: PathBuf,
}

impl Surroundings {
    /// Makes them in a folder, which the running user may write to.
    pub fn new(folder: PathBuf) -> Self {
        for moment in MOMENTS {
            let of_moment = folder.join(moment);
            fs::create_dir_all(&of_moment).unwrap();
            fs::write(of_moment.join("victim"), "untouched").unwrap();
            fs::write(of_moment.join("other"), "untouched").unwrap();
        }
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let abstract_name = format!("textsender-{}", tcp.local_addr().unwrap().port());
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        Self {
            _unix: [
                UnixListener::bind(folder.join("socket")).unwrap(),
                UnixListener::bind_addr(&address).unwrap(),
            ],
            granted: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
            udp: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
            tcp,
            abstract_name,
            folder,
        }
    }

    /// The port that a sender may be granted.
    pub fn granted(&self) -> u16 {
        self.granted.local_addr().unwrap().port()
    }

    /// As the plugin is told of them.
    pub fn told(&self, state: &Path) -> String {
        json!({
            "ledger": state.join("ledger.sqlite3"),
            "secret": state.join("secrets/twilio.auth_token"),
            "folder": self.folder,
            "tcp": self.tcp.local_addr().unwrap().port(),
            "granted": self.granted(),
            "udp": self.udp.local_addr().unwrap().port(),
            "unix": self.folder.join("socket"),
            "abstract_name": self.abstract_name,
            "inherited": INHERITED,
        })
        .to_string()
    }
}

/// Writes a copy of the plugin's library into which this is written.
pub fn write_into(library: &Path, copy: &Path, told: &str) {
    let mut bytes = fs::read(library).unwrap();
    let blank = |window: &[u8]| {
        window.starts_with(MARK) && window[MARK.len()..].iter().all(|byte| *byte == b' ')
    };
    let at = bytes.windows(ROOM).position(blank);
    let start = at.expect("the library has room for them") + MARK.len();
    bytes[start..start + told.len()].copy_from_slice(told.as_bytes());
    fs::write(copy, bytes).unwrap();
}
