//! The one table of ways to misbehave: it drives the tests, and `docs/misbehaving-plugins.md` shows it.

use std::time::Duration;

use textsender_tests::harness::Test;
use textsender_tests::sandbox::{Fault, When};

use super::files;

/// The number for which a plugin misbehaves; to all others it delivers.
pub const BAD_NUMBER: &str = "+447700900666";

/// A way to misbehave, and what must become of the message.
#[derive(Clone, Copy)]
pub struct Case {
    /// One word: for a behaviour, that of the plugin for tests.
    pub word: &'static str,
    /// What it does.
    pub does: &'static str,
    /// The message's outcome, and the code of its error.
    pub ends: Ends,
    /// How many texts the provider took.
    pub texts: usize,
    /// Which other messages of the same sender notice.
    pub spreads: Spreads,
    /// Why it ends so.
    pub why: &'static str,
    /// What makes a plugin do it.
    how: How,
}

/// An outcome that a message may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    Accepted,
    Rejected,
    Unavailable,
    TimedOut,
    Unknown,
    Refused,
    BadSettings,
    Misconfigured,
    UsedUp,
}

impl Ends {
    /// The outcome, and the error's code.
    pub fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Accepted => ("accepted", None),
            Self::Rejected => ("rejected", Some("rejected")),
            Self::Unavailable => ("unavailable", Some("plugin_failed")),
            Self::TimedOut => ("unavailable", Some("timeout")),
            Self::Unknown => ("unknown", Some("maybe_sent")),
            Self::Refused => ("misconfigured", Some("plugin_refused")),
            Self::BadSettings => ("misconfigured", Some("bad_settings")),
            Self::Misconfigured => ("misconfigured", Some("provider_refused")),
            Self::UsedUp => ("unavailable", Some("budget_exhausted")),
        }
    }
}

/// Which other messages of the same sender notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spreads {
    /// None: they are delivered.
    No,
    /// Those in flight at the time: they are delivered, or `unknown`.
    InFlight,
    /// All: this plugin can't be used.
    All,
}

#[derive(Clone, Copy)]
enum How {
    Behaviour,
    /// The provider takes the text, and breaks the connection.
    BehaviourUnderFault,
    /// The sender's time-out is two seconds.
    BehaviourInTwoSeconds,
    File(fn(Test) -> Test),
}

impl Case {
    /// A test in which a plugin does it, for [`BAD_NUMBER`] where it gets that far.
    pub fn test(&self) -> Test {
        let test = match self.how {
            How::File(damage) => damage(Test::new().misbehaving("deliver")),
            How::Behaviour | How::BehaviourUnderFault | How::BehaviourInTwoSeconds => {
                Test::new().misbehaving(self.word).config(&format!(
                    "[senders.misbehaving.settings]\nonly_to = {BAD_NUMBER:?}"
                ))
            }
        };
        match self.how {
            How::BehaviourUnderFault => {
                test.fault(When::always().to(BAD_NUMBER), Fault::drop().taken())
            }
            How::BehaviourInTwoSeconds => {
                let timeout = Duration::from_secs(2);
                test.config(&format!("[senders.misbehaving]\ntimeout = \"{timeout:?}\""))
            }
            How::Behaviour | How::File(_) => test,
        }
    }
}

const fn behaviour(
    word: &'static str,
    does: &'static str,
    ends: Ends,
    texts: usize,
    spreads: Spreads,
    why: &'static str,
) -> Case {
    Case {
        word,
        does,
        ends,
        texts,
        spreads,
        why,
        how: How::Behaviour,
    }
}

const fn file(
    word: &'static str,
    does: &'static str,
    ends: Ends,
    why: &'static str,
    damage: fn(Test) -> Test,
) -> Case {
    let is_fine = matches!(ends, Ends::Accepted);
    Case {
        word,
        does,
        ends,
        texts: if is_fine { 1 } else { 0 },
        spreads: if is_fine { Spreads::No } else { Spreads::All },
        why,
        how: How::File(damage),
    }
}

const fn in_two_seconds(case: Case) -> Case {
    Case {
        how: How::BehaviourInTwoSeconds,
        ..case
    }
}

use Ends::*;
use Spreads::*;

/// Read before anything of it runs.
const READ_FIRST: &str = "a file is read before anything of it runs";

#[rustfmt::skip]
pub const CASES: &[Case] = &[
    // The file.
    file("not_a_library", "is a shell script under a plugin's name", Refused, READ_FIRST, files::script),
    file("empty", "is an empty file", Refused, READ_FIRST, files::empty),
    file("cut_in_header", "is a copy that broke off in the header", Refused, READ_FIRST, files::cut_in_header),
    file("cut_in_first_page", "is a copy that broke off in the first page", Refused, READ_FIRST, files::cut_in_first_page),
    file("cut_in_code", "is a copy that broke off in the middle", Refused, "the linker would map it, and it would crash when used: its headers tell how long it must be", files::cut_in_code),
    file("cut_at_end", "is a copy without its last byte", Refused, "the same", files::cut_at_end),
    file("other_machine", "is built for another processor", Refused, READ_FIRST, files::other_machine),
    file("other_library", "is a library of the system's", Refused, "it exports no plugin", files::other_library),
    file("other_id", "holds another plugin than its name says", Refused, "its name is what the configuration trusts", files::other_id),
    file("older_major", "is built against an older major version of the ABI", Refused, "nothing of it may be called", files::older_major),
    file("newer_major", "is built against a newer major version of the ABI", Refused, "nothing of it may be called", files::newer_major),
    file("newer_minor", "is built against a newer minor version of the ABI", Accepted, "a minor version only adds, and what is added may be absent", files::newer_minor),

    // When it is configured.
    Case { spreads: All, ..behaviour("panic_in_configure", "panics when it is configured", Refused, 0, All, "the panic is caught, and it would panic again") },
    behaviour("quote_settings", "refuses its settings, and quotes a secret", BadSettings, 0, All, "its words go to the log, redacted; the answer is in ours"),
    behaviour("exit_in_configure", "ends its process when it is configured", Unavailable, 0, All, "nothing was handed over; it is tried again, with growing pauses"),
    in_two_seconds(behaviour("spin_in_configure", "computes forever when it is configured", Unavailable, 0, All, "nothing was handed over; its process is ended if it is not ready in 10 s")),

    // Panics.
    behaviour("panic_in_send", "panics before anything left", Unavailable, 0, No, "the panic is caught, and no exchange was written"),
    behaviour("panic_after_delivery", "panics in a later poll, when a text was taken", Unknown, 1, No, "an exchange was answered, and only the plugin could have read the answer"),
    behaviour("panic_in_drop", "panics while what it used is dropped, when a text was taken", Unknown, 1, No, "the same"),
    in_two_seconds(behaviour("panic_when_cancelled", "waits forever, and panics when it is taken back", TimedOut, 0, InFlight, "it was answered at its deadline; a panic in a drop ends the process")),
    behaviour("panic_twice", "panics while it unwinds", Unavailable, 0, InFlight, "that aborts its process, and no exchange was written"),

    // Ends of the process.
    behaviour("abort", "aborts", Unavailable, 0, InFlight, "its process died of it, and no exchange was written; it is tried in two more processes"),
    behaviour("segfault", "reads memory that is not there", Unavailable, 0, InFlight, "the same"),
    behaviour("overflow_stack", "uses its stack up", Unavailable, 0, InFlight, "the same"),
    behaviour("exit", "ends its process with 0", Unavailable, 0, InFlight, "the same: how it ended is not asked"),
    behaviour("exit_after_delivery", "ends its process when a text was taken", Unknown, 1, InFlight, "an exchange was written, and the process that would read its answer is gone"),
    behaviour("allocate", "takes memory forever", Unavailable, 0, InFlight, "its process may take 1 GiB, and is killed at more"),
    behaviour("close_descriptors", "closes every descriptor, the host's among them", Unavailable, 0, InFlight, "its process can't speak any more, and no exchange was written"),

    // Time.
    in_two_seconds(behaviour("hang", "waits forever", TimedOut, 0, No, "it is answered at its deadline, and lets go when it is taken back")),
    behaviour("spin", "computes forever", TimedOut, 0, InFlight, "its process answers no ping for 3 s, and is ended; those that waited behind it move to another"),
    in_two_seconds(behaviour("answer_late", "answers after its deadline", Unknown, 1, InFlight, "an exchange was written; what comes after the answer is not listened to")),
    behaviour("start_threads", "starts threads that panic, log, ask for exchanges, and stay", Accepted, 1, No, "what is outside a call can do nothing, and ends with the process"),

    // Frames.
    behaviour("write_everywhere", "writes bytes at random to every descriptor", Unavailable, 0, InFlight, "bytes that are not a frame end its process, and no exchange was written"),
    behaviour("send_garbage", "sends the host bytes that are not a frame", Unavailable, 0, InFlight, "the same"),
    behaviour("answer_another", "answers for another message, then for its own", Unavailable, 0, InFlight, "an answer to nothing ends its process; one for a message in flight is held against that message's exchanges"),
    behaviour("answer_twice", "answers twice", Accepted, 1, InFlight, "the first answer holds, if an exchange confirms it; the second ends its process"),

    // Text.
    behaviour("invalid_utf8_in_id", "gives an id that is not UTF-8, when a text was taken", Unknown, 1, InFlight, "bytes that are not a frame end its process, and an exchange was written"),
    behaviour("invalid_utf8_in_error", "fails in words that are not UTF-8", Unavailable, 0, InFlight, "bytes that are not a frame end its process, and no exchange was written"),
    behaviour("invalid_utf8_in_log", "logs what is not UTF-8", Unavailable, 0, InFlight, "the same"),
    behaviour("invalid_utf8_in_request", "asks for an address that is not UTF-8", Unavailable, 0, InFlight, "the same"),
    behaviour("print_megabytes", "writes megabytes to standard output and standard error", Accepted, 1, No, "both lead nowhere"),
    behaviour("huge_id", "gives an id of a megabyte, with control characters", Accepted, 1, No, "text without the form of an id is dropped"),
    behaviour("huge_error", "fails in a megabyte of words and code, with control characters", Rejected, 0, No, "foreign text is cut and made printable, and goes to the log only"),
    behaviour("huge_log", "logs lines of a megabyte, with control characters", Accepted, 1, No, "the same"),
    behaviour("many_logs", "logs thousands of lines", Accepted, 1, No, "50 lines a message are logged, the others dropped"),
    behaviour("huge_answer", "gives an answer that is larger than a frame, when a text was taken", Unknown, 1, No, "it can't be delivered to the host, and an exchange was written"),
    behaviour("huge_request", "asks for an exchange that is larger than a frame", Misconfigured, 0, No, "the host answers that its request is malformed, and the plugin says so"),
    behaviour("many_headers", "asks for an exchange with hundreds of headers", Misconfigured, 0, No, "the same at more than 256"),

    // Budgets.
    behaviour("flood_log", "logs more lines than are read and dropped", UsedUp, 0, InFlight, "what is dropped costs time, too: at 10,000 lines its process is ended"),
    behaviour("hoard_exchanges", "begins more exchanges at a time than a message may", UsedUp, 0, No, "eight at a time are carried, the ninth is refused"),
    behaviour("ask_for_many_hosts", "asks for hundreds of hosts that it does not declare", UsedUp, 0, No, "each is refused, and the lines that say so count with its own; a message has 32 exchanges"),
    behaviour("hoard_threads", "starts a hundred threads", UsedUp, 0, InFlight, "its process is ended at more than 64"),
    behaviour("spin_afterwards", "has threads compute forever after its answer", Accepted, 1, InFlight, "a process without a call has nothing to compute, and is ended"),

    // Secrets.
    behaviour("ask_for_secret_host", "asks for hosts that are made of secrets and of control characters", Accepted, 1, No, "a host asked for is foreign text"),
    behaviour("speak_in_tricks", "logs, asks and fails with secrets in many forms, and with what turns a terminal's lines around", Rejected, 0, No, "what comes from a plugin is decoded, redacted and made printable before anything shows it"),
    behaviour("print", "writes all secrets to standard output and standard error", Accepted, 1, No, "both lead nowhere"),
    behaviour("log_secrets", "logs all secrets", Accepted, 1, No, "they are redacted by value"),
    behaviour("fail_with_secrets", "fails with all secrets in words and code", Rejected, 0, No, "they are redacted by value, and no foreign text is in an answer"),
    behaviour("secret_for_id", "gives the code for the provider's id", Accepted, 1, No, "an id that holds a secret is dropped"),
    behaviour("token_for_id", "gives its token for the provider's id", Accepted, 1, No, "the same"),
    behaviour("words_for_id", "gives words for the provider's id", Accepted, 1, No, "an id of another form than the plugin declares is dropped"),

    // Lies.
    behaviour("accept_without_exchange", "says accepted, and sent nothing", Unknown, 0, No, "no exchange confirms it, and what else it did is not known"),
    behaviour("declare_more", "declares hosts when it is to send that it does not declare when it is asked what it is", Accepted, 1, No, "a new host is warned of once, and shown by `plugin show` and `doctor`; with `trust = \"pinned\"` it is refused"),
    Case { how: How::BehaviourUnderFault, ..behaviour("deny_delivery", "says *not sent* of a text whose answer was lost", Unknown, 1, No, "an exchange was written and not answered: that weighs more than its word") },
];
