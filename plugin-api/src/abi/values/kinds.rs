//! Enums as transparent integers, so that a later version may add a case.

use abi_stable::StableAbi;

use crate::{
    Alphabet, DeliveryState, FailureKind, Level, Method, Purpose, SmtpCommand, SmtpSecurity, Stage,
    TextSource, Verdict,
};

/// Declares a kind: a transparent integer with named constants and its mapping to a Rust enum.
macro_rules! kind {
    ($(#[$doc:meta])* $name:ident for $type:ty, unknown = $unknown:expr;
     $($constant:ident = $number:literal => $variant:path $(| $beside:path)?,)+) => {
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
                match value { $($variant $(| $beside)? => Self::$constant,)+ }
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
    /// Why a message is sent. One that this side does not know is refused before it is mapped: see
    /// [`BadMessage`](super::BadMessage). (In 1.0 it was a code.)
    PurposeKind for Purpose, unknown = Purpose::Information;
    VERIFICATION_CODE = 1 => Purpose::VerificationCode,
    HELPDESK_CODE = 2 => Purpose::HelpdeskCode,
    NEW_PASSWORD = 3 => Purpose::NewPassword,
    TEST = 4 => Purpose::Test,
    INFORMATION = 5 => Purpose::Information,
}

kind! {
    /// What a failed send means. `Unsuitable`, since 1.1, crosses as *undeliverable here* with an
    /// attribute: to a host of 1.0 a new number would be *unknown*, and the next sender not asked.
    VerdictKind for Verdict, unknown = Verdict::Unknown;
    REJECTED = 1 => Verdict::Rejected,
    UNDELIVERABLE_HERE = 2 => Verdict::UndeliverableHere | Verdict::Unsuitable,
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
    TextByKind for TextSource, unknown = TextSource::Provider;
    POLICY = 1 => TextSource::Policy,
    SETTINGS = 2 => TextSource::Settings,
    PROVIDER = 3 => TextSource::Provider,
}

kind! {
    /// The characters that arrive as they are.
    AlphabetKind for Alphabet, unknown = Alphabet::Ascii;
    UNICODE = 1 => Alphabet::Unicode,
    GSM = 2 => Alphabet::Gsm,
    ASCII = 3 => Alphabet::Ascii,
}

impl PurposeKind {
    /// Whether this side knows the purpose: if so, it comes back the same.
    pub fn is_known(self) -> bool {
        Self::from(Purpose::from(self)) == self
    }
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
        ("FoundKind", super::results::FoundKind::CONSTANTS),
    ]
}
