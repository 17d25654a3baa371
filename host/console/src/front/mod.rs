//! The front: who may ask, and what of; see `guard` and `session`. Each page is made by a worker.

mod guard;
mod listen;
mod memory;
mod reply;
mod session;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use axum::{Router, body::Body, extract, extract::State, response::Response, routing::get};
use clap::Parser;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use textsender::config::Environment;
use tokio::{
    sync::{Mutex as AsyncMutex, Semaphore, watch},
    time::Instant,
};

use crate::{
    call::{Answer, Call, Fields},
    pages::only_looks,
    worker,
};
use memory::Memory;
use session::Session;

/// The cookie's name: the prefix has a browser hold it to this host, and to nothing below it.
const COOKIE: &str = "__Host-textsender";

/// The longest form, in bytes.
const FORM_BYTES: usize = 256 * 1024;

/// How long a form may take to arrive.
const FORM_TIME: Duration = Duration::from_secs(10);

/// Workers at a time. Pages wait for their turn; changes are made one after the other anyway.
const WORKERS: usize = 4;

/// The configuration of textsender in a browser on this machine
///
/// Prints an address that holds once and for a minute; who opens it has the session, until 15 minutes pass without a
/// request, 8 hours in all, or it is ended; then this ends, too. Pages do what commands do, with the rights of the account that runs this,
/// and show the command. Served on loopback only; from elsewhere, by ssh -L.
#[derive(Parser)]
#[command(
    name = "textsender-console",
    version,
    about,
    after_help = "Examples:\n  \
    sudo textsender-console\n  \
    sudo textsender-console --read-only\n  \
    ssh -L 8080:127.0.0.1:8080 reset1 sudo textsender-console --port 8080"
)]
struct Arguments {
    /// The configuration, instead of $TEXTSENDER_CONFIG or /etc/textsender/textsender.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The port on loopback; without it a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Serves at this Unix socket instead, for ssh -L PORT:SOCKET
    #[arg(long, value_name = "PATH", conflicts_with = "port")]
    socket: Option<PathBuf>,
    /// Shows everything, changes nothing and sends nothing
    #[arg(long)]
    read_only: bool,
}

/// What all requests share.
struct Front {
    /// The name that the console is served at.
    name: String,
    config: PathBuf,
    config_is_named: bool,
    read_only: bool,
    session: Mutex<Session>,
    memory: Mutex<Memory>,
    /// Held while a form is carried out: a repeat of it waits, and finds it done.
    acting: AsyncMutex<()>,
    workers: Semaphore,
    /// Whether the session is over: this process then ends.
    is_over: watch::Sender<bool>,
}

/// Serves until it is asked to end.
pub fn run() -> ExitCode {
    match serve(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed, there is nowhere to say it.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: Arguments) -> anyhow::Result<()> {
    textsender::plugins::protect();
    let config = Environment::current().config_file(arguments.config.as_deref());
    let ticket = session::random::<32>()?;
    let front = Arc::new(Front {
        // A label of a name may have 63 characters.
        name: format!("{}.localhost", session::random::<16>()?),
        config: absolute(&config.path)?,
        config_is_named: arguments.config.is_some(),
        read_only: arguments.read_only,
        session: Mutex::new(Session::waiting(&ticket, Instant::now())),
        memory: Mutex::default(),
        acting: AsyncMutex::default(),
        workers: Semaphore::new(WORKERS),
        is_over: watch::Sender::new(false),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no event loop can be started")?;
    runtime.block_on(async {
        let sockets = listen::open(arguments.port, arguments.socket.as_deref())?;
        let port = sockets.port().map(|port| format!(":{port}"));
        let address = format!(
            "http://{}{}/open/{ticket}",
            front.name,
            port.as_deref().unwrap_or(":PORT")
        );
        say(&address, &arguments)?;
        if sockets.serve(front).await? {
            writeln!(
                io::stderr(),
                "the session is over, and the console has ended"
            )?;
        }
        Ok(())
    })
}

/// The address goes to standard output, alone on its line; what to know about it to standard error.
fn say(address: &str, arguments: &Arguments) -> io::Result<()> {
    writeln!(io::stdout(), "{address}")?;
    io::stdout().flush()?;
    let how = match &arguments.socket {
        None => "open it in a browser on this machine".to_owned(),
        Some(socket) => format!(
            "open it behind ssh -L PORT:{}, with that port",
            socket.display()
        ),
    };
    writeln!(
        io::stderr(),
        "{how}: it holds once, and for {} seconds; the console ends with its session, or by Ctrl-C",
        session::TICKET.as_secs()
    )
}

/// Workers and the commands that are shown name the file from anywhere.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("{} is not a path", path.display()))
}

/// Which request is answered by what.
fn router(front: &Arc<Front>) -> Router {
    Router::new()
        .route("/open/{ticket}", get(show_door))
        .route("/open", axum::routing::post(open))
        .route("/close", axum::routing::post(close))
        .fallback(page)
        .with_state(Arc::clone(front))
}

type Shared = State<Arc<Front>>;

/// The page behind the printed address: a button, as a browser that looks ahead presses none.
async fn show_door(State(front): Shared, extract::Path(ticket): extract::Path<String>) -> Response {
    let would_open = front.session().would_open(&ticket, Instant::now());
    match would_open {
        true => reply::html(StatusCode::OK, crate::pages::door(&ticket)),
        false => front.stranger(),
    }
}

async fn open(State(front): Shared, request: Request<Body>) -> Response {
    let form = match form(request).await {
        Ok(form) => form,
        Err(refused) => return *refused,
    };
    let ticket = form.iter().find(|(name, _)| name == "ticket");
    let ticket = ticket.map_or("", |(_, ticket)| ticket);
    let opened = front.session().open(ticket, Instant::now());
    let Ok(Some(opened)) = opened else {
        return front.stranger();
    };
    let mut response = reply::see_other("/");
    let cookie = format!(
        "{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict",
        opened.cookie
    );
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn close(State(front): Shared, request: Request<Body>) -> Response {
    let Some(token) = front.enter(&request) else {
        return front.stranger();
    };
    match form(request).await {
        Ok(form) if is_own(&form, &token) => {}
        Ok(_) => return not_our_form(),
        Err(refused) => return *refused,
    }
    front.session().close();
    front.memory().clear();
    front.is_over.send_replace(true);
    front.stranger()
}

/// Everything else is a worker's.
async fn page(State(front): Shared, request: Request<Body>) -> Response {
    let Some(token) = front.enter(&request) else {
        return front.stranger();
    };
    let is_post = request.method() == http::Method::POST;
    let query = request.uri().query().unwrap_or_default();
    let query: Fields = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let mut call = Call {
        config: front.config.clone(),
        config_is_named: front.config_is_named,
        read_only: front.read_only,
        is_post,
        path: request.uri().path().to_owned(),
        notice: None,
        form: Fields::new(),
        form_id: String::new(),
        token: token.clone(),
        query,
    };
    if !is_post {
        call.notice = call
            .asked("notice")
            .and_then(|id| front.memory().notice(id).cloned());
        return front.ask(call).await;
    }
    match form(request).await {
        Ok(form) if is_own(&form, &token) => call.form = form,
        Ok(_) => return not_our_form(),
        Err(refused) => return *refused,
    }
    // Carried out to its end, even if the browser goes away: a repeat then finds it done.
    let acting = tokio::spawn(async move { front.act(call).await });
    acting.await.unwrap_or_else(|_| broken("the page"))
}

impl Front {
    /// Carries a form out, once.
    async fn act(self: Arc<Self>, mut call: Call) -> Response {
        call.form_id = call.field("form").unwrap_or_default().to_owned();
        if call.form_id.is_empty() {
            return not_our_form();
        }
        // It changes nothing, and a page may ask whose form is sent next.
        if only_looks(&call.path) {
            return self.ask(call).await;
        }
        let _turn = self.acting.lock().await;
        if let Some(location) = self.memory().done(&call.form_id) {
            return reply::see_other(location);
        }
        if let Some(name) = call.field("kept").map(str::to_owned) {
            let kept = self.memory().kept(&name).cloned();
            let Some(kept) = kept else {
                return reply::words(
                    StatusCode::GONE,
                    "This form is too old",
                    "What it refers to is no longer kept. Nothing was changed and nothing was sent. Begin again.",
                );
            };
            call.form
                .retain(|(key, _)| !kept.iter().any(|(of, _)| of == key));
            call.form.extend(kept);
        }
        self.ask(call).await
    }

    async fn ask(&self, call: Call) -> Response {
        let form_id = call.form_id.clone();
        let kept = call.field("kept").map(str::to_owned);
        let Ok(_permit) = self.workers.acquire().await else {
            return broken("the page");
        };
        let answer = tokio::task::spawn_blocking(move || worker::ask(&call)).await;
        let answer = match answer.map_err(anyhow::Error::from).flatten() {
            Ok(answer) => answer,
            Err(error) => return broken(&format!("{error:#}")),
        };
        match answer {
            Answer::Page { status, html } => {
                let status = StatusCode::from_u16(status);
                reply::html(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), html)
            }
            Answer::Fragment(html) => reply::html(StatusCode::OK, html),
            Answer::File {
                name,
                media_type,
                body,
            } => reply::file(&name, &media_type, body),
            Answer::Ask { html, name, fields } => {
                self.memory().keep(&name, fields);
                reply::html(StatusCode::OK, html)
            }
            Answer::Done { location, notice } => {
                let mut memory = self.memory();
                memory.note(&form_id, notice);
                let mark = if location.contains('?') { '&' } else { '?' };
                let location = format!("{location}{mark}notice={form_id}");
                memory.note_done(&form_id, &location);
                if let Some(kept) = kept {
                    memory.forget(&kept);
                }
                reply::see_other(&location)
            }
        }
    }

    /// The session's token, for a request with its cookie.
    fn enter(&self, request: &Request<Body>) -> Option<String> {
        let cookie = guard::cookie(request.headers(), COOKIE);
        let token = self.session().enter(cookie, Instant::now());
        if token.is_none() && self.session().is_over() {
            self.memory().clear();
        }
        token
    }

    /// For who has no session.
    fn stranger(&self) -> Response {
        let is_over = self.session().is_over();
        let words = match is_over {
            true => {
                "The session is over. Start textsender-console again, and open the address that it prints."
            }
            false => {
                "This is not the session's browser. Open the address that textsender-console printed: it holds once, and for a minute. If that has passed, start it again."
            }
        };
        reply::words(StatusCode::UNAUTHORIZED, "No session", words)
    }

    /// Returns once the session is over: its owner ended it, its time is up, or it was never opened.
    async fn over(&self) {
        let mut is_over = self.is_over.subscribe();
        loop {
            let Some(end) = self.session().ends_at() else {
                break;
            };
            tokio::select! {
                () = tokio::time::sleep_until(end) => self.session().expire(Instant::now()),
                // The sender is this front's own.
                _ = is_over.wait_for(|is_over| *is_over) => break,
            }
        }
        self.is_over.send_replace(true);
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a form has the session's token.
fn is_own(form: &Fields, token: &str) -> bool {
    let mut given = form.iter().filter(|(name, _)| name == "token");
    match (given.next(), given.next()) {
        (Some((_, given)), None) => session::same(given, token),
        _ => false,
    }
}

fn not_our_form() -> Response {
    reply::words(
        StatusCode::FORBIDDEN,
        "Not this session's form",
        "The form belongs to another session, or to none. Nothing was changed. Load the page again.",
    )
}

fn broken(what: &str) -> Response {
    reply::words(
        StatusCode::INTERNAL_SERVER_ERROR,
        "This went wrong",
        &format!("{what}. If something was being sent, look at the log before it is sent again."),
    )
}

/// The fields of a form, whole and in time.
async fn form(request: Request<Body>) -> Result<Fields, Box<Response>> {
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(';').next() == Some("application/x-www-form-urlencoded"));
    if !is_form {
        let words = "Forms are sent as application/x-www-form-urlencoded.";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Box::new(reply::words(status, "Not a form", words)));
    }
    let body = Limited::new(request.into_body(), FORM_BYTES).collect();
    match tokio::time::timeout(FORM_TIME, body).await {
        Ok(Ok(body)) => Ok(form_urlencoded::parse(&body.to_bytes())
            .into_owned()
            .collect()),
        Ok(Err(_)) => Err(Box::new(reply::words(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The form is too long, or was cut off",
            "Nothing was changed.",
        ))),
        Err(_) => Err(Box::new(reply::words(
            StatusCode::REQUEST_TIMEOUT,
            "The form did not arrive in time",
            "Nothing was changed.",
        ))),
    }
}

/// One connection's requests.
async fn answer(front: Arc<Front>, request: Request<Body>) -> Response {
    use tower_service::Service;
    let (method, uri) = (request.method(), request.uri());
    if let Err(refused) = guard::admit(&front.name, method, uri, request.headers()) {
        return reply::words(refused.0, "Refused", refused.1);
    }
    let mut router = router(&front);
    match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
