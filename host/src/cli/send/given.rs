//! A message from the command line, with the code alone on standard input: a shell quotes no JSON.

use serde_json::{Map, Value, json};

use crate::protocol::{ErrorCode, Failure, Purpose};

/// The message, in place of JSON on standard input.
#[derive(clap::Args)]
pub(in crate::cli) struct Given {
    /// The number to text; standard input then holds the code alone
    #[arg(
        long,
        value_name = "NUMBER",
        requires = "code",
        conflicts_with = "stream"
    )]
    phone: Option<String>,
    /// `-`: standard input holds the code or password. As an argument, every account could see it
    #[arg(long, value_name = "-", requires = "phone", value_parser = ["-"])]
    code: Option<String>,
    /// Why it is sent
    #[arg(long, requires = "phone", default_value = "verification_code", value_parser = PURPOSES)]
    purpose: String,
    /// The id, which makes a repeat safe
    #[arg(long, requires = "phone")]
    id: Option<String>,
    /// The id of the message that is sent again, with the same code
    #[arg(long, value_name = "ID", requires = "phone")]
    resend_of: Option<String>,
    /// What the user was doing
    #[arg(long, requires = "phone", value_parser = ["enroll", "reset"])]
    event: Option<String>,
    /// Who asked for it, for the audit
    #[arg(long, requires = "phone")]
    actor: Option<String>,
    /// The address that the user's request came from; kept as a keyed hash only
    #[arg(long, value_name = "ADDRESS", requires = "phone")]
    source: Option<String>,
    /// The user's name
    #[arg(long, value_name = "NAME", requires = "phone")]
    user: Option<String>,
    /// The user's name for people
    #[arg(long, value_name = "NAME", requires = "phone")]
    display_name: Option<String>,
    /// The user's distinguished name
    #[arg(long, alias = "user-dn", requires = "phone")]
    dn: Option<String>,
    /// A group of the user's, as a DN or SID; may be given several times
    #[arg(long, requires = "phone")]
    group: Vec<String>,
    /// The user's language, such as cy or pt-BR
    #[arg(long, requires = "phone")]
    locale: Option<String>,
    /// In how many seconds the code or password expires
    #[arg(long, value_name = "SECONDS", requires = "phone")]
    expires_in: Option<u64>,
}

const PURPOSES: [&str; 4] = [
    Purpose::VerificationCode.as_str(),
    Purpose::HelpdeskCode.as_str(),
    Purpose::NewPassword.as_str(),
    Purpose::Test.as_str(),
];

impl Given {
    /// Whether there is a message at all.
    pub(super) fn is_given(&self) -> bool {
        self.phone.is_some()
    }

    /// The request as JSON, with what was on standard input. A line break at its end is the shell's, and a byte order
    /// mark at its start PowerShell's.
    pub(super) fn request(&self, input: &[u8]) -> Result<Vec<u8>, Failure> {
        let secret = str::from_utf8(input).map_err(|_| {
            Failure::with_detail(ErrorCode::BadField, "code: standard input is not UTF-8")
        })?;
        let secret = secret.strip_prefix('\u{feff}').unwrap_or(secret);
        let secret = secret.strip_suffix('\n').unwrap_or(secret);
        let secret = secret.strip_suffix('\r').unwrap_or(secret);
        let user = fields([
            ("phone", self.phone.as_ref().map(|it| json!(it))),
            ("name", self.user.as_ref().map(|it| json!(it))),
            (
                "display_name",
                self.display_name.as_ref().map(|it| json!(it)),
            ),
            ("dn", self.dn.as_ref().map(|it| json!(it))),
            (
                "groups",
                (!self.group.is_empty()).then(|| json!(self.group)),
            ),
            ("locale", self.locale.as_ref().map(|it| json!(it))),
        ]);
        let secret_field = match self.purpose == Purpose::NewPassword.as_str() {
            true => "password",
            false => "code",
        };
        let request = fields([
            ("purpose", Some(json!(self.purpose))),
            ("id", self.id.as_ref().map(|it| json!(it))),
            ("resend_of", self.resend_of.as_ref().map(|it| json!(it))),
            ("event", self.event.as_ref().map(|it| json!(it))),
            ("actor", self.actor.as_ref().map(|it| json!(it))),
            ("source", self.source.as_ref().map(|it| json!(it))),
            ("user", Some(Value::Object(user))),
            (secret_field, Some(json!(secret))),
            ("expires_in", self.expires_in.map(|it| json!(it))),
        ]);
        // What is made of strings is JSON.
        Ok(serde_json::to_vec(&request).unwrap_or_default())
    }
}

fn fields<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Map<String, Value> {
    let present = pairs.into_iter();
    let present = present.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    present.collect()
}
