//! `textsender serve`: the hub, until it is asked to end.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use super::{Common, logging, output::print_error};
use crate::site::runtime;
use crate::{
    config::{DEFAULT_SOCKET, Reading, Serve as Settings, Sources, http_address},
    dispatch::Current,
    os::{process, signals::EndRequests, socket},
    protocol::Outcome,
    serve::{Hub, Listening},
};

/// Serves reset servers: messages through a Unix socket, and over HTTP on this machine if asked for
///
/// POST /v1/messages takes the request that `textsender send` reads, and answers what it writes. On SIGTERM it
/// finishes the messages in flight, and ends. Sockets that a service manager hands over
/// (LISTEN_FDS) take the place of its own.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    textsender serve --socket /run/textsender/textsender.sock\n  \
    curl --unix-socket /run/textsender/textsender.sock http://localhost/healthz")]
pub(super) struct Serve {
    /// The socket, instead of [serve] socket; who may write to it may send
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Where HTTP is served, instead of [serve] http: 127.0.0.1:PORT or [::1]:PORT; with [serve] tls any address
    #[arg(long, value_name = "ADDRESS", value_parser = |word: &str| http_address(word, true))]
    http: Option<SocketAddr>,
    /// How many seconds a sender's host process may idle before it is stopped
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    idle: u64,
}

impl Serve {
    pub(super) fn run(&self, common: &Common) -> ExitCode {
        process::raise_open_files();
        let exit = match runtime::block_on(self.serve(common)).map_err(anyhow::Error::from) {
            Ok(Ok(exit)) => exit,
            Ok(Err(error)) | Err(error) => {
                print_error(&format!("{error:#}"), Outcome::Misconfigured.exit())
            }
        };
        logging::finish();
        exit
    }

    async fn serve(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let inherited = socket::inherited()?;
        let file = common.config_file().path;
        // What is wrong elsewhere is told to each message, until it is right.
        let reading = Reading::of(Sources::read(&file)).believed()?;
        let settings = reading.config.serve;
        if let Some(address) = self.http
            && let Err(remedy) = http_address(&address.to_string(), settings.tls.is_some())
        {
            return Ok(print_error(&format!("--http {address}: {remedy}"), 2));
        }
        // Asked to end before it listens, it ends.
        let mut asked = EndRequests::listen()?;
        // Root becomes the account that sends here: what is bound after that is that account's.
        let current = Current::open(common.source());
        if let Err(failure) = current.dispatch() {
            tracing::error!("no message can be sent: {failure}");
        }
        let listening = self.listening(settings, inherited);
        let idle = Duration::from_secs(self.idle);
        let hub = Hub::open(&file, current, listening, idle)?;
        socket::notify("READY=1");
        Ok(match hub.serve(&mut asked).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(%error, "the hub ended before every message was answered");
                Outcome::Unknown.into()
            }
        })
    }

    fn listening(&self, settings: Settings, inherited: socket::Inherited) -> Listening {
        let socket = self.socket.clone().or(settings.socket);
        Listening {
            socket: socket.unwrap_or_else(|| DEFAULT_SOCKET.into()),
            group: settings.group,
            read: settings.read_socket,
            read_group: settings.read_group,
            http: self.http.or(settings.http),
            tls: settings.tls,
            inherited,
        }
    }
}
