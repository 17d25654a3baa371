//! One request's way, each step in its room and in order. Everything that sends comes through here.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use textsender_plugin_api::{Level, Message, Purpose};
use tokio::time::Instant;

use crate::{
    config::{Fingerprint, Reading, Regions, Sources, Surroundings},
    plugins::Pool,
    policy::{Policies, PolicyError, Query, Resolution, User},
    protocol::{Content, ErrorCode, Failure, Request, Response},
    recipient::{Recipient, Region},
    route::{self, Plan},
    text::{DEFAULT_CODE_LENGTH, Rendered, TextSource, TextValues, Texts, user_value},
    trust,
};

/// Whether a message was handed to a route: until then a failure of ours has sent nothing.
static DISPATCHED: AtomicBool = AtomicBool::new(false);

/// Whether this process handed any message to a sender.
pub fn has_dispatched() -> bool {
    DISPATCHED.load(Ordering::Relaxed)
}

/// Everything that requests share: the configuration, indexed, and the senders' processes.
pub struct Dispatch {
    file: PathBuf,
    /// What the configuration looked like when it was last read, right or wrong.
    seen: Mutex<Fingerprint>,
    policies: Policies,
    pool: Arc<Pool>,
}

impl Dispatch {
    /// Reads the configuration. No sender is started before a request needs it.
    ///
    /// # Errors
    ///
    /// The configuration is wrong, or others can write to it: `misconfigured`.
    pub fn open(file: &Path, max_level: Level) -> Result<Self, Failure> {
        let sources = Sources::read(file);
        let seen = Mutex::new(sources.fingerprint().clone());
        let policies = read(sources)?;
        let config = policies.config().clone();
        let state = Surroundings::current()
            .state_folder(config.state.folder.as_deref())
            .path;
        let pool = Arc::new(Pool::new(config, state, max_level));
        Ok(Self {
            file: file.to_owned(),
            seen,
            policies,
            pool,
        })
    }

    /// Looks for edits, rotated secrets and replaced plugins. After an edit, the dispatch for
    /// further requests, which shares the senders' processes with this one.
    ///
    /// # Errors
    ///
    /// The edited configuration is wrong. It is told once, until the next edit.
    pub fn refresh(&self) -> Result<Option<Self>, Failure> {
        self.pool.refresh();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.changed() {
            return Ok(None);
        }
        let sources = Sources::read(&self.file);
        *seen = sources.fingerprint().clone();
        let policies = read(sources)?;
        self.pool.reconfigure(policies.config().clone());
        let seen = Mutex::new(seen.clone());
        Ok(Some(Self {
            file: self.file.clone(),
            seen,
            policies,
            pool: self.pool.clone(),
        }))
    }

    /// Stops senders' processes that have had no call for as long as `idle`.
    pub fn stop_idle(&self, idle: Duration) {
        self.pool.stop_idle(idle);
    }

    /// How many messages may be in flight, by `[send] concurrency`.
    pub fn concurrency(&self) -> usize {
        self.policies.config().sending.concurrency
    }

    /// Takes one request from policy to provider.
    pub async fn send(&self, request: &Request) -> Response {
        let mut response = Response::for_id(&request.id);
        if let Err(failure) = self.send_into(request, &mut response).await {
            response.fail(&failure);
        }
        let outcome = response.outcome.as_str();
        let code = response.error.as_ref().map_or("", |error| error.code);
        tracing::info!(id = %request.id, purpose = %request.purpose, outcome, code, "done");
        response
    }

    /// The steps. Each fills in what it knows, so that a failure tells all that was known.
    async fn send_into(&self, request: &Request, response: &mut Response) -> Result<(), Failure> {
        let received = Instant::now();
        let config = self.policies.config();

        // Who decides, and through whom.
        let resolution = self.resolve(request)?;
        response.policy = resolution.policy.map(str::to_owned);
        response.sender = Some(resolution.sender.to_owned());
        // The host process starts while the rest is worked out. If it can't, the route says so.
        let _starting = self.pool.process(resolution.sender);

        // To whom, and what.
        let recipient = recipient(request, &resolution)?;
        response.recipient = Some(recipient.phone.to_string());
        let texts = texts(request.purpose, &resolution)?;
        let text = text(request, &texts)?;
        response.locale = text.locale.map(str::to_owned);
        response.segments = u32::try_from(text.segments.count).ok();

        // Until when, and through whom else.
        let plan = Plan {
            senders: senders(&resolution),
            on_unknown: resolution.on_unknown,
            deadline: received + config.sending.timeout,
            expires: request
                .expires_in
                .and_then(|life| received.checked_add(life)),
        };
        let message = message(request, recipient, &text);
        DISPATCHED.store(true, Ordering::Relaxed);
        let delivered = route::deliver(&plan, &message, self.pool.as_ref()).await;

        response.attempts = delivered.attempts;
        response.may_duplicate = delivered.may_duplicate;
        response.sender = delivered.sender.or(response.sender.take());
        response.provider_id = delivered.result?.provider_id;
        Ok(())
    }

    fn resolve(&self, request: &Request) -> Result<Resolution<'_>, Failure> {
        let user = User {
            dn: request.user.dn.as_deref(),
            groups: &request.user.groups,
        };
        let query = Query {
            user,
            event: request.event,
            purpose: request.purpose,
            sender: request.sender.as_deref(),
        };
        self.policies.resolve(&query).map_err(|error| {
            let code = match &error {
                PolicyError::NoDn | PolicyError::NoPolicy => ErrorCode::NoPolicy,
                PolicyError::DefaultFiltered { .. } => ErrorCode::NoPolicy,
                PolicyError::EventOff { .. } | PolicyError::EventMissing { .. } => {
                    ErrorCode::EventOff
                }
                PolicyError::PurposeOff { .. } | PolicyError::NewPasswordOff => {
                    ErrorCode::PurposeOff
                }
                PolicyError::NoSender { .. } => ErrorCode::NoSender,
                PolicyError::UnknownSender { .. } => ErrorCode::UnknownSender,
                PolicyError::NoHelpdeskText { .. } => ErrorCode::BadText,
                error if error.is_invalid() => ErrorCode::BadField,
                _ => ErrorCode::BadConfiguration,
            };
            Failure::with_detail(code, error.to_string())
        })
    }
}

/// A configuration that may be used: right, and nobody else's to write.
fn read(sources: Sources) -> Result<Policies, Failure> {
    let wrong = |what: String| Failure::with_detail(ErrorCode::BadConfiguration, what);
    trust::all(sources.paths()).map_err(|error| wrong(error.to_string()))?;
    let config = Reading::of(sources)
        .into_config()
        .map_err(|faults| wrong(faults.to_string()))?;
    Policies::new(Arc::new(config)).map_err(|faults| wrong(faults.to_string()))
}

/// Reads the number, and holds it against what the policy allows.
fn recipient(request: &Request, resolution: &Resolution) -> Result<Recipient, Failure> {
    let reach = resolution.reach;
    let home = reach
        .region
        .as_ref()
        .map(|region| known_region(region))
        .transpose()?;
    let recipient = Recipient::read(&request.user.phone, home)
        .map_err(|error| Failure::with_detail(ErrorCode::InvalidNumber, error.to_string()))?;
    if let Regions::Only(regions) = &reach.regions {
        let regions = regions.iter().map(|region| known_region(region));
        let regions: Vec<Region> = regions.collect::<Result<_, _>>()?;
        if !recipient.is_in(&regions, home) {
            let detail = format!("the number belongs to {}", recipient.region.as_str());
            return Err(Failure::with_detail(ErrorCode::RegionNotAllowed, detail));
        }
    }
    let kind = recipient.kind.as_str();
    let is_allowed = || reach.kinds.iter().any(|allowed| allowed.value == kind);
    if recipient.is_refused_by_default() && !is_allowed() {
        return Err(Failure::with_detail(ErrorCode::KindNotAllowed, kind));
    }
    Ok(recipient)
}

fn known_region(region: &str) -> Result<Region, Failure> {
    Region::parse(region)
        .map_err(|error| Failure::with_detail(ErrorCode::BadConfiguration, error.to_string()))
}

fn texts(purpose: Purpose, resolution: &Resolution) -> Result<Texts, Failure> {
    let translations = resolution.text.translations.iter();
    let translations = translations
        .map(|(tag, text)| (tag.clone(), text.value.clone()))
        .collect();
    let source = TextSource {
        origin: resolution.origin,
        max_segments: resolution.max_segments.map(usize::from),
        code_length: resolution
            .code_length
            .map_or(DEFAULT_CODE_LENGTH, usize::from),
        fold: resolution.fold,
        ..TextSource::new(purpose, &resolution.text.text, &translations)
    };
    Texts::compile(&source).map_err(|faults| {
        let first = faults.first().map(ToString::to_string).unwrap_or_default();
        Failure::with_detail(ErrorCode::BadText, first)
    })
}

fn text<'t>(request: &Request, texts: &'t Texts) -> Result<Rendered<'t>, Failure> {
    let secret = request.secret().expose();
    let (code, password) = match request.content {
        Content::Code(_) => (Some(secret), None),
        Content::Password(_) => (None, Some(secret)),
    };
    let values = TextValues {
        code,
        password,
        user: request.user.name.as_deref(),
        name: request.user.display_name.as_deref(),
        expires_in: request.expires_in,
    };
    let locale = request.user.locale.as_deref();
    texts
        .render(locale, &values)
        .map_err(|error| Failure::with_detail(ErrorCode::BadText, error.to_string()))
}

/// The sender and its fallbacks, each once.
fn senders(resolution: &Resolution) -> Vec<String> {
    let mut senders = vec![resolution.sender.to_owned()];
    for fallback in resolution.fallback {
        if !senders.contains(&fallback.value) {
            senders.push(fallback.value.clone());
        }
    }
    senders
}

fn message(request: &Request, recipient: Recipient, text: &Rendered) -> Message {
    let clean =
        |value: &Option<String>| value.as_deref().map(|value| user_value(value).into_owned());
    let id = request.id.as_str();
    let mut message = Message::new(id, request.purpose, recipient.phone, text.text.as_str());
    message.national = recipient.national;
    message.user = clean(&request.user.name);
    message.name = clean(&request.user.display_name);
    message.locale = text.locale.map(str::to_owned);
    let secret = Some(request.secret().clone());
    match request.content {
        Content::Code(_) => message.code = secret,
        Content::Password(_) => message.password = secret,
    }
    message
}
