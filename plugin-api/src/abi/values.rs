//! The mirrors of this crate's types: `repr(C)`, kinds as integers, room to grow.
//!
//! A kind that this side does not know maps to the most careful meaning it can have. `attributes`
//! let a minor version add to a value without changing its layout; unknown names are ignored.

use std::time::Duration;

use abi_stable::{
    StableAbi,
    std_types::{ROption, RString, RVec, Tuple2},
};

use crate::{
    Alphabet, Carries, Delivery, DeliveryState, ExchangeError, FailureKind, Finding, Found,
    HttpAnswer, HttpRequest, Level, Mail, Message, Method, Phone, PluginInfo, Purpose, Receipt,
    Secret, SendError, SmtpAnswer, SmtpCommand, SmtpSecurity, Stage, TextBy, Verdict,
    template::Placeholder,
};

/// A name and a value that a later minor version may add.
#[repr(C)]
#[derive(StableAbi)]
pub struct Attribute {
    name: RString,
    value: RString,
}

type Attributes = RVec<Attribute>;

/// Declares a kind: a transparent integer with named constants and its mapping to a Rust enum.
macro_rules! kind {
    ($(#[$doc:meta])* $name:ident for $type:ty, unknown = $unknown:expr; $($constant:ident = $number:literal => $variant:path,)+) => {
        $(#[$doc])*
        #[repr(transparent)]
        #[derive(StableAbi, Clone, Copy, PartialEq, Eq)]
        pub struct $name(u32);

        impl $name {
            $(pub const $constant: Self = Self($number);)+

            #[cfg(test)]
            const CONSTANTS: &[(&str, u32)] = &[$((stringify!($constant), $number),)+];
        }

        impl From<$type> for $name {
            fn from(value: $type) -> Self {
                match value { $($variant => Self::$constant,)+ }
            }
        }

        impl From<$name> for $type {
            fn from(kind: $name) -> Self {
                match kind { $($name::$constant => $variant,)+ _ => $unknown }
            }
        }
    };
}

kind! {
    /// Why a message is sent. A purpose that an old plugin does not know is a code to it.
    PurposeKind for Purpose, unknown = Purpose::VerificationCode;
    VERIFICATION_CODE = 1 => Purpose::VerificationCode,
    HELPDESK_CODE = 2 => Purpose::HelpdeskCode,
    NEW_PASSWORD = 3 => Purpose::NewPassword,
    TEST = 4 => Purpose::Test,
}

kind! {
    /// What a failed send means.
    VerdictKind for Verdict, unknown = Verdict::Unknown;
    REJECTED = 1 => Verdict::Rejected,
    UNDELIVERABLE_HERE = 2 => Verdict::UndeliverableHere,
    OPTED_OUT = 3 => Verdict::OptedOut,
    THROTTLED = 4 => Verdict::Throttled,
    EXHAUSTED = 5 => Verdict::Exhausted,
    UNAVAILABLE = 6 => Verdict::Unavailable,
    UNAUTHORIZED = 7 => Verdict::Unauthorized,
    MISCONFIGURED = 8 => Verdict::Misconfigured,
    UNKNOWN = 9 => Verdict::Unknown,
}

kind! {
    /// How far an exchange came.
    StageKind for Stage, unknown = Stage::Written;
    NOT_SENT = 1 => Stage::NotSent,
    WRITTEN = 2 => Stage::Written,
    ANSWERED = 3 => Stage::Answered,
}

kind! {
    /// Why an exchange brought no answer.
    FailureCode for FailureKind, unknown = FailureKind::Unsupported;
    NAME_NOT_FOUND = 1 => FailureKind::NameNotFound,
    CONNECT = 2 => FailureKind::Connect,
    TLS = 3 => FailureKind::Tls,
    TIMEOUT = 4 => FailureKind::Timeout,
    CUT = 5 => FailureKind::Cut,
    TOO_LARGE = 6 => FailureKind::TooLarge,
    UNREADABLE = 7 => FailureKind::Unreadable,
    NOT_ALLOWED = 8 => FailureKind::NotAllowed,
    MALFORMED = 9 => FailureKind::Malformed,
    UNSUPPORTED = 10 => FailureKind::Unsupported,
}

kind! {
    /// What became of a message.
    DeliveryKind for DeliveryState, unknown = DeliveryState::CannotTell;
    ACCEPTED = 1 => DeliveryState::Accepted,
    SENT = 2 => DeliveryState::Sent,
    DELIVERED = 3 => DeliveryState::Delivered,
    FAILED = 4 => DeliveryState::Failed,
    CANNOT_TELL = 5 => DeliveryState::CannotTell,
}

kind! {
    /// A log line's level.
    LevelKind for Level, unknown = Level::Trace;
    ERROR = 1 => Level::Error,
    WARN = 2 => Level::Warn,
    INFO = 3 => Level::Info,
    DEBUG = 4 => Level::Debug,
    TRACE = 5 => Level::Trace,
}

kind! {
    /// An HTTP method.
    MethodKind for Method, unknown = Method::Post;
    GET = 1 => Method::Get,
    POST = 2 => Method::Post,
    PUT = 3 => Method::Put,
    PATCH = 4 => Method::Patch,
    DELETE = 5 => Method::Delete,
}

kind! {
    /// How a mail connection is protected.
    SecurityKind for SmtpSecurity, unknown = SmtpSecurity::StartTls;
    START_TLS = 1 => SmtpSecurity::StartTls,
    TLS = 2 => SmtpSecurity::Tls,
    NONE = 3 => SmtpSecurity::None,
}

kind! {
    /// A command of the mail dialogue.
    CommandKind for SmtpCommand, unknown = SmtpCommand::Dot;
    CONNECT = 1 => SmtpCommand::Connect,
    AUTH = 2 => SmtpCommand::Auth,
    MAIL = 3 => SmtpCommand::Mail,
    RCPT = 4 => SmtpCommand::Rcpt,
    DATA = 5 => SmtpCommand::Data,
    DOT = 6 => SmtpCommand::Dot,
}

kind! {
    /// Whose words the user reads. One that this host does not know: only values arrive.
    TextByKind for TextBy, unknown = TextBy::Provider;
    POLICY = 1 => TextBy::Policy,
    SETTINGS = 2 => TextBy::Settings,
    PROVIDER = 3 => TextBy::Provider,
}

kind! {
    /// The characters that arrive as they are.
    AlphabetKind for Alphabet, unknown = Alphabet::Ascii;
    UNICODE = 1 => Alphabet::Unicode,
    GSM = 2 => Alphabet::Gsm,
    ASCII = 3 => Alphabet::Ascii,
}

/// Mirrors [`Carries`]. Placeholders are names; one that this side does not know is left out.
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiCarries {
    text: TextByKind,
    placeholders: RVec<RString>,
    max_characters: ROption<u32>,
    alphabet: AlphabetKind,
    also: RString,
    attributes: Attributes,
}

impl From<Carries> for AbiCarries {
    fn from(carries: Carries) -> Self {
        let names = carries.placeholders.iter();
        Self {
            text: carries.text.into(),
            placeholders: names.map(|name| name.as_str().into()).collect(),
            max_characters: carries.max_characters.into(),
            alphabet: carries.alphabet.into(),
            also: carries.also.into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiCarries> for Carries {
    fn from(carries: AbiCarries) -> Self {
        let named = |known: &Placeholder| carries.placeholders.iter().any(|n| *n == known.as_str());
        Self {
            text: carries.text.into(),
            placeholders: Placeholder::ALL.into_iter().filter(named).collect(),
            max_characters: carries.max_characters.into_option(),
            alphabet: carries.alphabet.into(),
            also: carries.also.into(),
        }
    }
}

/// Mirrors [`PluginInfo`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiInfo {
    id: RString,
    name: RString,
    version: RString,
    hosts: RVec<RString>,
    carries: AbiCarries,
    attributes: Attributes,
}

impl From<PluginInfo> for AbiInfo {
    fn from(info: PluginInfo) -> Self {
        Self {
            id: info.id.into(),
            name: info.name.into(),
            version: info.version.into(),
            hosts: info.hosts.into_iter().map(Into::into).collect(),
            carries: info.carries.into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiInfo> for PluginInfo {
    fn from(info: AbiInfo) -> Self {
        Self {
            id: info.id.into(),
            name: info.name.into(),
            version: info.version.into(),
            hosts: info.hosts.into_iter().map(Into::into).collect(),
            carries: info.carries.into(),
        }
    }
}

/// Mirrors [`Message`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiMessage {
    id: RString,
    purpose: PurposeKind,
    to: RString,
    national: RString,
    text: RString,
    code: ROption<RString>,
    password: ROption<RString>,
    user: ROption<RString>,
    name: ROption<RString>,
    locale: ROption<RString>,
    expires_in_ms: ROption<u64>,
    attributes: Attributes,
}

impl From<Message> for AbiMessage {
    fn from(message: Message) -> Self {
        let exposed = |secret: Option<Secret>| optional(secret.map(|s| s.expose().to_owned()));
        Self {
            id: message.id.into(),
            purpose: message.purpose.into(),
            to: message.to.e164().into(),
            national: message.national.into(),
            text: message.text.into(),
            code: exposed(message.code),
            password: exposed(message.password),
            user: optional(message.user),
            name: optional(message.name),
            locale: optional(message.locale),
            expires_in_ms: milliseconds(message.expires_in),
            attributes: Attributes::new(),
        }
    }
}

impl TryFrom<AbiMessage> for Message {
    type Error = crate::PhoneError;

    fn try_from(message: AbiMessage) -> Result<Self, Self::Error> {
        let kept = |value: ROption<RString>| plain(value).map(Secret::new);
        Ok(Self {
            id: message.id.into(),
            purpose: message.purpose.into(),
            to: Phone::parse(&message.to)?,
            national: message.national.into(),
            text: message.text.into(),
            code: kept(message.code),
            password: kept(message.password),
            user: plain(message.user),
            name: plain(message.name),
            locale: plain(message.locale),
            expires_in: duration(message.expires_in_ms),
        })
    }
}

/// Mirrors [`Receipt`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiReceipt {
    provider_id: ROption<RString>,
    segments: ROption<u32>,
    attributes: Attributes,
}

impl From<Receipt> for AbiReceipt {
    fn from(receipt: Receipt) -> Self {
        Self {
            provider_id: optional(receipt.provider_id),
            segments: receipt.segments.into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiReceipt> for Receipt {
    fn from(receipt: AbiReceipt) -> Self {
        Self {
            provider_id: plain(receipt.provider_id),
            segments: receipt.segments.into_option(),
        }
    }
}

/// Mirrors [`SendError`], and carries a panic where there was one.
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiSendError {
    verdict: VerdictKind,
    panicked: bool,
    message: RString,
    provider_code: ROption<RString>,
    retry_after_ms: ROption<u64>,
    failure: ROption<FailureCode>,
    attributes: Attributes,
}

impl AbiSendError {
    /// What a call that panicked says. The panic's text went to the log.
    pub fn panicked() -> Self {
        Self {
            panicked: true,
            ..SendError::unknown("the plugin panicked").into()
        }
    }

    pub const fn is_panic(&self) -> bool {
        self.panicked
    }
}

impl From<SendError> for AbiSendError {
    fn from(error: SendError) -> Self {
        Self {
            verdict: error.verdict.into(),
            panicked: false,
            message: error.message.into_owned().into(),
            provider_code: optional(error.provider_code),
            retry_after_ms: milliseconds(error.retry_after),
            failure: error.failure.map(Into::into).into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiSendError> for SendError {
    fn from(error: AbiSendError) -> Self {
        Self {
            verdict: error.verdict.into(),
            message: error.message.into_string().into(),
            provider_code: plain(error.provider_code),
            retry_after: duration(error.retry_after_ms),
            failure: error.failure.into_option().map(Into::into),
        }
    }
}

/// Mirrors [`Delivery`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiDelivery {
    state: DeliveryKind,
    reason: ROption<RString>,
    provider_code: ROption<RString>,
    attributes: Attributes,
}

impl From<Delivery> for AbiDelivery {
    fn from(delivery: Delivery) -> Self {
        Self {
            state: delivery.state.into(),
            reason: optional(delivery.reason),
            provider_code: optional(delivery.provider_code),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiDelivery> for Delivery {
    fn from(delivery: AbiDelivery) -> Self {
        Self {
            state: delivery.state.into(),
            reason: plain(delivery.reason),
            provider_code: plain(delivery.provider_code),
        }
    }
}

/// Mirrors [`Found`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiFound {
    kind: FoundKind,
    receipt: ROption<AbiReceipt>,
    attributes: Attributes,
}

/// Which of [`Found`] it is; an unknown one is *can't tell*.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, PartialEq, Eq)]
pub struct FoundKind(u32);

impl FoundKind {
    const YES: Self = Self(1);
    const ABSENT: Self = Self(2);
    const CANNOT_TELL: Self = Self(3);

    #[cfg(test)]
    const CONSTANTS: &[(&str, u32)] = &[
        ("YES", Self::YES.0),
        ("ABSENT", Self::ABSENT.0),
        ("CANNOT_TELL", Self::CANNOT_TELL.0),
    ];
}

impl From<Found> for AbiFound {
    fn from(found: Found) -> Self {
        let (kind, receipt) = match found {
            Found::Yes(receipt) => (FoundKind::YES, Some(receipt.into())),
            Found::Absent => (FoundKind::ABSENT, None),
            Found::CannotTell => (FoundKind::CANNOT_TELL, None),
        };
        Self {
            kind,
            receipt: receipt.into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiFound> for Found {
    fn from(found: AbiFound) -> Self {
        match (found.kind, found.receipt.into_option()) {
            (FoundKind::YES, Some(receipt)) => Self::Yes(receipt.into()),
            (FoundKind::ABSENT, _) => Self::Absent,
            _ => Self::CannotTell,
        }
    }
}

/// Mirrors [`Finding`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiFinding {
    is_fault: bool,
    message: RString,
    attributes: Attributes,
}

impl From<Finding> for AbiFinding {
    fn from(finding: Finding) -> Self {
        Self {
            is_fault: finding.is_fault,
            message: finding.message.into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiFinding> for Finding {
    fn from(finding: AbiFinding) -> Self {
        Self {
            is_fault: finding.is_fault,
            message: finding.message.into(),
        }
    }
}

/// Mirrors [`HttpRequest`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiHttpRequest {
    method: MethodKind,
    url: RString,
    headers: RVec<Tuple2<RString, RString>>,
    body: RVec<u8>,
    delivers: bool,
    attributes: Attributes,
}

impl From<HttpRequest> for AbiHttpRequest {
    fn from(request: HttpRequest) -> Self {
        Self {
            method: request.method.into(),
            url: request.url.into(),
            headers: pairs(request.headers),
            body: request.body.into(),
            delivers: request.delivers,
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiHttpRequest> for HttpRequest {
    fn from(request: AbiHttpRequest) -> Self {
        Self {
            method: request.method.into(),
            url: request.url.into(),
            headers: plain_pairs(request.headers),
            body: request.body.into(),
            delivers: request.delivers,
        }
    }
}

/// Mirrors [`HttpAnswer`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiHttpAnswer {
    status: u16,
    headers: RVec<Tuple2<RString, RString>>,
    body: RVec<u8>,
    attributes: Attributes,
}

impl From<HttpAnswer> for AbiHttpAnswer {
    fn from(answer: HttpAnswer) -> Self {
        Self {
            status: answer.status,
            headers: pairs(answer.headers),
            body: answer.body.into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiHttpAnswer> for HttpAnswer {
    fn from(answer: AbiHttpAnswer) -> Self {
        Self {
            status: answer.status,
            headers: plain_pairs(answer.headers),
            body: answer.body.into(),
        }
    }
}

/// Mirrors [`Mail`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiMail {
    server: RString,
    port: u16,
    security: SecurityKind,
    user: ROption<RString>,
    password: ROption<RString>,
    from: RString,
    to: RString,
    subject: RString,
    body: RString,
    message_id: RString,
    attributes: Attributes,
}

impl From<Mail> for AbiMail {
    fn from(mail: Mail) -> Self {
        Self {
            server: mail.server.into(),
            port: mail.port,
            security: mail.security.into(),
            user: optional(mail.user),
            password: optional(mail.password.map(|secret| secret.expose().to_owned())),
            from: mail.from.into(),
            to: mail.to.into(),
            subject: mail.subject.into(),
            body: mail.body.into(),
            message_id: mail.message_id.into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiMail> for Mail {
    fn from(mail: AbiMail) -> Self {
        Self {
            server: mail.server.into(),
            port: mail.port,
            security: mail.security.into(),
            user: plain(mail.user),
            password: plain(mail.password).map(Secret::new),
            from: mail.from.into(),
            to: mail.to.into(),
            subject: mail.subject.into(),
            body: mail.body.into(),
            message_id: mail.message_id.into(),
        }
    }
}

/// Mirrors [`SmtpAnswer`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiSmtpAnswer {
    code: u16,
    command: CommandKind,
    text: RString,
    attributes: Attributes,
}

impl From<SmtpAnswer> for AbiSmtpAnswer {
    fn from(answer: SmtpAnswer) -> Self {
        Self {
            code: answer.code,
            command: answer.command.into(),
            text: answer.text.into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiSmtpAnswer> for SmtpAnswer {
    fn from(answer: AbiSmtpAnswer) -> Self {
        Self {
            code: answer.code,
            command: answer.command.into(),
            text: answer.text.into(),
        }
    }
}

/// Mirrors [`ExchangeError`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiExchangeError {
    stage: StageKind,
    kind: FailureCode,
    delivers: bool,
    attributes: Attributes,
}

impl From<ExchangeError> for AbiExchangeError {
    fn from(error: ExchangeError) -> Self {
        Self {
            stage: error.stage.into(),
            kind: error.kind.into(),
            delivers: error.delivers,
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiExchangeError> for ExchangeError {
    fn from(error: AbiExchangeError) -> Self {
        Self {
            stage: error.stage.into(),
            kind: error.kind.into(),
            delivers: error.delivers,
        }
    }
}

fn optional(value: Option<String>) -> ROption<RString> {
    value.map(RString::from).into()
}

fn plain(value: ROption<RString>) -> Option<String> {
    value.into_option().map(RString::into_string)
}

/// Whole milliseconds; what does not fit (584 million years) is no limit.
fn milliseconds(value: Option<Duration>) -> ROption<u64> {
    value
        .and_then(|value| u64::try_from(value.as_millis()).ok())
        .into()
}

fn duration(value: ROption<u64>) -> Option<Duration> {
    value.into_option().map(Duration::from_millis)
}

fn pairs(pairs: Vec<(String, String)>) -> RVec<Tuple2<RString, RString>> {
    pairs
        .into_iter()
        .map(|(name, value)| Tuple2(name.into(), value.into()))
        .collect()
}

fn plain_pairs(pairs: RVec<Tuple2<RString, RString>>) -> Vec<(String, String)> {
    pairs
        .into_iter()
        .map(|Tuple2(name, value)| (name.into(), value.into()))
        .collect()
}

/// Every kind with its numbers, for the golden layout.
#[cfg(test)]
pub fn kinds() -> Vec<(&'static str, &'static [(&'static str, u32)])> {
    vec![
        ("PurposeKind", PurposeKind::CONSTANTS),
        ("VerdictKind", VerdictKind::CONSTANTS),
        ("StageKind", StageKind::CONSTANTS),
        ("FailureCode", FailureCode::CONSTANTS),
        ("DeliveryKind", DeliveryKind::CONSTANTS),
        ("LevelKind", LevelKind::CONSTANTS),
        ("MethodKind", MethodKind::CONSTANTS),
        ("SecurityKind", SecurityKind::CONSTANTS),
        ("CommandKind", CommandKind::CONSTANTS),
        ("TextByKind", TextByKind::CONSTANTS),
        ("AlphabetKind", AlphabetKind::CONSTANTS),
        ("FoundKind", FoundKind::CONSTANTS),
    ]
}
