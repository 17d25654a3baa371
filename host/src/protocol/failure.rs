//! Why a request was not accepted: the one table of error codes, with our wording for each.

use std::{fmt, time::Duration};

use super::Outcome;
use crate::redact::on_one_line;

/// Declares the codes. Response, docs, `explain-error` and the JSON Schema are made from this.
macro_rules! error_codes {
    ($($variant:ident = $code:literal, $outcome:ident, $message:literal, $remedy:literal;)+) => {
        /// The stable code of a failure, for programs. The table is in this file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = concat!("`", $message, "`")] $variant,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code that is written like this; `None` if the table has none.
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == code)
            }

            /// The code in responses and logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The outcome that goes with it.
            pub const fn outcome(self) -> Outcome {
                match self { $(Self::$variant => Outcome::$outcome,)+ }
            }

            /// What is wrong, in our words.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)+ }
            }

            /// What to do about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)+ }
            }
        }
    };
}

error_codes! {
    BadJson = "bad_json", Invalid, "the request is not JSON", "Send one JSON object, in UTF-8.";
    TooLarge = "too_large", Invalid, "the request is too large", "Send at most 1 MiB and 4,096 groups.";
    InputTimeout = "input_timeout", Invalid, "the request did not end in time", "Close standard input after the request; [send] timeout bounds the wait.";
    UnknownField = "unknown_field", Invalid, "the request has a field that version 1 does not know", "Correct or remove the field.";
    DuplicateField = "duplicate_field", Invalid, "the request gives a field twice", "Give each field once.";
    MissingField = "missing_field", Invalid, "the request lacks a field", "Add the field.";
    BadField = "bad_field", Invalid, "a field of the request is wrong", "Correct the field.";
    UnsupportedVersion = "unsupported_version", Invalid, "the request asks for a version that this program does not speak", "Send \"version\": 1.";
    InvalidNumber = "invalid_number", Invalid, "user.phone is not a phone number", "Send it in E.164, such as +447700900123, or as dialled in the policy's region.";
    NumberAmbiguous = "number_ambiguous", Invalid, "user.phone can be read as two different numbers", "Write it with + and its calling code, or set numbers_without_plus.";
    ResendMismatch = "resend_mismatch", Invalid, "resend_of names a message with another code, number or purpose, or whose code has expired", "Send the same code again; if it has expired, make a new one and send it without resend_of.";
    ResendUnknown = "resend_unknown", Invalid, "resend_of names no message that was sent", "Send it without resend_of; to repeat a message that was not sent, use its own id.";
    UnknownId = "unknown_id", Invalid, "no message that was sent has this id", "Use the id that the message was sent with.";
    IdReused = "id_reused", Invalid, "the id was used for another message", "Use a new id for a new message; repeat an id only with the same content.";

    PhoneNotAllowed = "phone_not_allowed", Invalid, "a number beside a user whom the directory knows is for enrolling alone", "Leave user.phone out, or send event = \"enroll\"; or give user.dn, user.groups and user.phone, for which the directory is not asked.";

    NumberRejected = "rejected", Rejected, "the provider refuses this number or text for good", "Check the user's number. The log names the provider's reason.";
    NotMobile = "not_mobile", Rejected, "the number is a landline, which can't receive texts", "Ask the user for a mobile number. To text landlines all the same, add kinds = [\"fixed_line\"] to the policy.";
    OptedOut = "opted_out", Rejected, "the recipient opted out of texts from this sender", "Ask the user to send START to the sender's number.";
    Undeliverable = "undeliverable", Rejected, "no sender can reach this number", "Check the user's number, or add a fallback sender that reaches it.";
    UnsuitableCode = "unsuitable_code", Rejected, "the sender can't carry this code or password", "Make codes and passwords of letters and digits (the log names the part that can't be carried), or use another sender.";

    ProviderUnavailable = "provider_unavailable", Unavailable, "the provider can't be reached or failed before it took the message", "Repeat later. The log names the cause.";
    Throttled = "throttled", Unavailable, "the provider is rate-limiting this sender", "Repeat after retry_after.";
    Exhausted = "exhausted", Unavailable, "the provider's quota is used up", "Repeat after retry_after, or raise the quota with the provider.";
    Timeout = "timeout", Unavailable, "the provider was not reached in time", "Repeat later.";
    Expired = "expired", Unavailable, "the code expired before it could be sent", "Make a new code.";
    PluginFailed = "plugin_failed", Unavailable, "the plugin failed before anything was sent", "Repeat later, and report what the log says to the plugin's author.";
    BudgetExhausted = "budget_exhausted", Unavailable, "the sender's plugin exceeded its budget before anything was sent", "Report what the log says to the plugin's author; SECURITY.md lists the budgets.";
    Stopping = "stopping", Unavailable, "nothing was sent, as textsender is shutting down", "Repeat once it runs again.";
    Busy = "busy", Unavailable, "nothing was sent, as too many messages are in flight", "Repeat a little later. [send] concurrency sets how many may be in flight.";
    HubUnreachable = "hub_unreachable", Unavailable, "nothing was sent, as the hub is not running", "Start `textsender serve`; [serve] hub = \"preferred\" sends without it.";
    LedgerReadOnly = "ledger_read_only", Misconfigured, "nothing was sent, as the ledger can't be written", "Run textsender as the account that sends; `sudo textsender doctor` says whether permissions or the file system prevent it.";
    LedgerFull = "ledger_full", Unavailable, "nothing was sent, as the ledger's disk is full", "Free some space, or lower [state] retention_days.";
    LedgerCorrupt = "ledger_corrupt", Unavailable, "nothing was sent, as the ledger is damaged", "Repeat: a damaged ledger is set aside, and the next message starts a new one.";
    LedgerLocked = "ledger_locked", Unavailable, "nothing was sent, as another process keeps the ledger locked", "Find it with `fuser -v` on the ledger's file, and stop it.";
    LedgerNewer = "ledger_newer", Unavailable, "nothing was sent, as a newer textsender wrote the ledger", "Install the newer textsender again, or move the ledger away.";
    LedgerNetworkFolder = "ledger_network_folder", Unavailable, "nothing was sent, as the ledger is on a network file system", "Set [state] folder to a local disk.";
    LedgerUnusable = "ledger_unusable", Misconfigured, "nothing was sent, as the state folder can't be used", "Check that [state] folder is right and belongs to this user.";
    LedgerLost = "ledger_lost", Unavailable, "nothing was sent, as the ledger was replaced while the message waited", "Repeat the same id.";
    LedgerUnreachable = "ledger_unreachable", Unavailable, "nothing was sent, as the shared ledger can't be reached", "Check that one of its servers is running, writable and reachable from this machine; `sudo textsender doctor` says which of these fails.";
    LedgerKeyMismatch = "ledger_key_mismatch", Misconfigured, "nothing was sent, as this machine's ledger.key is not that of the shared ledger", "Copy ledger.key from a machine that uses the shared ledger.";
    LedgerRefused = "ledger_refused", Misconfigured, "nothing was sent, as the shared ledger's database refuses it", "Correct role, password, database or schema: `sudo textsender doctor` says which.";
    LedgerFailed = "ledger_failed", Unavailable, "nothing was sent, as the ledger failed", "Look for disk errors in the system's log.";

    DirectoryUnreachable = "directory_unreachable", Unavailable, "nothing was sent, as no server of the directory answers in time", "See that a domain controller runs and is reached from this machine; `textsender directory check` says which.";

    Crashed = "crashed", Crashed, "textsender failed before anything was sent", "Repeat, and report the fault with the log.";
    InProgress = "in_progress", InProgress, "this id is being sent by another process", "Repeat the same id a little later to get its outcome.";
    Limited = "limited", Limited, "a limit is reached", "Repeat after retry_after. `textsender log` shows what used the limit up.";

    Interrupted = "interrupted", Unknown, "textsender ended while it was sending; the message may have been sent", "Repeat with the same id only: textsender then looks for the message and never sends it twice. A new id may.";
    MaybeSent = "maybe_sent", Unknown, "the message may have been sent", "Repeat with the same id only: it is never sent twice. A new id may send it twice.";

    UserUnknown = "user_unknown", Refused, "the directory has no such user", "Check user.name or user.sid; `textsender directory user NAME` shows what is found.";
    UserAmbiguous = "user_ambiguous", Refused, "the directory has several users of this name", "Name the user by user.sid, or in full, as NAME@DOMAIN.";
    AccountDisabled = "account_disabled", Refused, "the user's account is disabled or has expired", "Enable the account, if it is meant to be.";
    PhoneMissing = "phone_missing", Refused, "the directory has no number of the user", "Enter the number in the directory.";
    PhoneChanged = "phone_changed", Refused, "the user's number was changed in the directory too recently", "Make sure of the user in another way, or wait as long as hold_after_change of [directories.NAME] says.";
    NoPolicy = "no_policy", Refused, "no policy applies to this user", "Link a policy to the user's container, or set [defaults] policy.";
    PurposeOff = "purpose_off", Refused, "this kind of message is not switched on", "Switch it on if it should be sent.";
    EventOff = "event_off", Refused, "the policy does not send texts for this event", "Add the event to the policy's events.";
    RegionNotAllowed = "region_not_allowed", Refused, "the policy does not allow texts to this region", "Write the number with + if another country is meant; else add the region to the policy's regions.";
    CallerForbidden = "caller_forbidden", Refused, "the hub's caller may not send this message", "If it should, add the purpose or policy to [callers.NAME].";
    Paused = "paused", Refused, "an administrator has paused these texts", "`textsender status` shows what is paused, by whom and why; `textsender resume` ends the pause.";
    KindNotAllowed = "kind_not_allowed", Refused, "texts are not sent to this kind of number", "Use the user's mobile number.";

    BadConfiguration = "bad_configuration", Misconfigured, "the configuration is wrong", "`textsender check` shows every fault.";
    HubForbidden = "hub_forbidden", Misconfigured, "this account may not use the hub's socket", "Add the account to the socket's group, [serve] group.";
    HubOtherConfig = "hub_other_config", Misconfigured, "the hub runs with another configuration", "Start it with the same --config, or name another [serve] socket.";
    DirectoryMissing = "directory_missing", Misconfigured, "nothing was sent, as the program that asks the directory can't be started", "Install the package textsender-directory.";
    DirectoryCertificate = "directory_certificate", Misconfigured, "nothing was sent, as the directory's certificate is not trusted", "Correct ca_file or servers of [directories.NAME]; `textsender directory check` says what is wrong.";
    DirectoryLoginFailed = "directory_login_failed", Misconfigured, "nothing was sent, as the directory refuses the login", "Correct bind, password or base of [directories.NAME]; `textsender directory check` says what is wrong.";
    DirectoryUnreadable = "directory_unreadable", Misconfigured, "nothing was sent, as what decides for the user can't be read in the directory", "Give the account that logs in the rights that docs/directory.md names; `textsender directory check` says what is missing.";
    DirectoryStale = "directory_stale", Misconfigured, "nothing was sent, as there is no snapshot of the directory's links, or it is too old", "Run textsender directory sync; systemctl enable --now textsender-directory.timer does so for good.";
    UnknownSender = "unknown_sender", Misconfigured, "no such sender is configured", "Add [senders.NAME], or name another.";
    NoSender = "no_sender", Misconfigured, "neither the policy nor [defaults] names a sender", "Set [defaults] sender.";
    PluginMissing = "plugin_missing", Misconfigured, "the sender's plugin is not there", "Put the file into the plugins folder.";
    PluginRefused = "plugin_refused", Misconfigured, "the sender's plugin can't be used", "`textsender plugin list` shows why.";
    ForbiddenBySandbox = "forbidden_by_sandbox", Misconfigured, "something around textsender, such as its service's sandbox, forbids what it needs", "Allow it there; the message names it, and packaging/systemd has a drop-in that does.";
    BadSettings = "bad_settings", Misconfigured, "the plugin refuses the sender's settings", "Correct the settings.";
    SecretMissing = "secret_missing", Misconfigured, "a secret of the sender can't be read", "Store the secret, or correct where it is read from.";
    BadText = "bad_text", Misconfigured, "the policy's text can't be sent", "Correct the text.";
    Unauthorized = "unauthorized", Misconfigured, "the provider refuses the sender's credentials", "Store the right secret.";
    PluginTooOld = "plugin_too_old", Misconfigured, "the sender's plugin is too old for this kind of message", "Install a newer version of the plugin.";
    RegionNotEnabled = "region_not_enabled", Misconfigured, "the account at the provider does not text this number's country or range", "Switch it on at the provider (the log says where), or add a fallback sender that reaches it.";
    ProviderRefused = "provider_refused", Misconfigured, "the provider refuses the sender's settings or account", "The log names the provider's reason.";
}

impl ErrorCode {
    /// Whether it says something of the user, such as whether there is one: callers whose users see the answer
    /// may not be told.
    pub const fn is_about_the_user(self) -> bool {
        matches!(
            self,
            Self::InvalidNumber
                | Self::NumberAmbiguous
                | Self::NumberRejected
                | Self::NotMobile
                | Self::OptedOut
                | Self::Undeliverable
                | Self::NoPolicy
                | Self::UserUnknown
                | Self::UserAmbiguous
                | Self::AccountDisabled
                | Self::PhoneMissing
                | Self::PhoneChanged
                | Self::RegionNotAllowed
                | Self::KindNotAllowed
                | Self::Paused
        )
    }
}

/// A request that was not accepted: a code of the table, and what is particular to this case.
///
/// `detail` holds our own words and names from the configuration, never foreign text, a code, a
/// secret or a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which row of the table.
    pub code: ErrorCode,
    /// What is particular: the field, the file, the sender.
    pub detail: Option<String>,
    /// How long to wait before a repeat, where that is known.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure without particulars.
    pub const fn new(code: ErrorCode) -> Self {
        Self {
            code,
            detail: None,
            retry_after: None,
        }
    }

    /// A failure with particulars: one line, whatever names of fields and files are in it.
    pub fn with_detail(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: Some(on_one_line(&detail.into())),
            retry_after: None,
        }
    }

    /// Adds how long to wait.
    pub fn after(self, retry_after: Option<Duration>) -> Self {
        Self {
            retry_after,
            ..self
        }
    }

    /// The outcome of the request.
    pub const fn outcome(&self) -> Outcome {
        self.code.outcome()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.message())?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_words() {
        let codes: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), ErrorCode::ALL.len());
        for code in codes {
            assert!(
                code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{code}"
            );
        }
    }
}
