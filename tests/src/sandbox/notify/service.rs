//! A service of GOV.UK Notify: who may call, what it may send, and how much.

/// A service, as its settings page shows it.
#[derive(Clone, Debug)]
pub struct Service {
    /// The service id, a UUID.
    pub id: String,
    /// Its API keys.
    pub keys: Vec<ApiKey>,
    /// Its templates.
    pub templates: Vec<Template>,
    /// What texts may come from; the first is the default.
    pub senders: Vec<SmsSender>,
    /// Whether it was deleted.
    pub archived: bool,
    /// Whether it is in trial mode: live keys reach the guest list only.
    pub trial: bool,
    /// Whether it may text numbers outside the UK.
    pub international: bool,
    /// Whether it may send texts at all.
    pub texts: bool,
    /// Requests a minute for each kind of key; a third of it may come at once, 1,000 at most.
    pub rate_per_minute: u32,
    /// Texts a day (UTC) with live and team keys.
    pub daily_limit: u32,
    /// International texts a day, of those.
    pub daily_international_limit: u32,
    /// Numbers (E.164) that trial mode and team keys may text.
    pub guest_list: Vec<String>,
}

/// An API key: `{name}-{service id}-{secret}`.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// The secret, a UUID.
    pub secret: String,
    /// What it may do.
    pub kind: KeyKind,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// The kinds of key, by what becomes of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Texts are delivered.
    Live,
    /// Texts are delivered to the guest list, others refused.
    Team,
    /// Nothing is delivered; the number decides the status.
    Test,
}

impl KeyKind {
    /// The name in messages about limits.
    pub(super) fn name(self) -> &'static str {
        match self {
            KeyKind::Live => "LIVE",
            KeyKind::Team => "TEAM",
            KeyKind::Test => "TEST",
        }
    }
}

/// A template.
#[derive(Clone, Debug)]
pub struct Template {
    /// The template id, a UUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The text, with `((placeholders))`.
    pub body: String,
    /// Whether it is for texts; a template for e-mail is not found when a text is asked for.
    pub sms: bool,
    /// Whether it was deleted. It can still be fetched, and no text can be sent with it.
    pub archived: bool,
}

/// What a text may come from.
#[derive(Clone, Debug)]
pub struct SmsSender {
    /// The sender id, a UUID.
    pub id: String,
    /// What the phone shows.
    pub name: String,
}

impl Service {
    /// A live service that may send anything anywhere at Notify's default limits, without keys and templates.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            keys: Vec::new(),
            templates: Vec::new(),
            senders: Vec::new(),
            archived: false,
            trial: false,
            international: true,
            texts: true,
            rate_per_minute: 3000,
            daily_limit: 250_000,
            daily_international_limit: 100,
            guest_list: Vec::new(),
        }
    }

    /// Adds an API key.
    #[must_use]
    pub fn key(mut self, secret: &str, kind: KeyKind) -> Self {
        self.keys.push(ApiKey {
            secret: secret.to_owned(),
            kind,
            revoked: false,
        });
        self
    }

    /// Adds a template for texts.
    #[must_use]
    pub fn template(mut self, id: &str, name: &str, body: &str) -> Self {
        self.templates.push(Template {
            id: id.to_owned(),
            name: name.to_owned(),
            body: body.to_owned(),
            sms: true,
            archived: false,
        });
        self
    }

    /// Adds what texts may come from.
    #[must_use]
    pub fn sender(mut self, id: &str, name: &str) -> Self {
        self.senders.push(SmsSender {
            id: id.to_owned(),
            name: name.to_owned(),
        });
        self
    }
}
