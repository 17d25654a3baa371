//! A message from the command line, with nothing but the code on standard input: a shell quotes no JSON.

use clap::builder::PossibleValuesParser;
use serde_json::{Map, Value, json};

use crate::{
    cli::draft::PURPOSES,
    protocol::{ErrorCode, Failure, Purpose},
};

/// The message, in place of JSON on standard input.
#[derive(clap::Args)]
pub(in crate::cli) struct Given {
    /// The number to text; standard input then holds the code alone
    #[arg(
        long,
        value_name = "NUMBER",
        requires = "content",
        conflicts_with = "stream"
    )]
    phone: Option<String>,
    /// `-`: standard input holds the code or password. As an argument, every account could see it
    #[arg(long, value_name = "-", requires = "phone", group = "content", value_parser = ["-"])]
    code: Option<String>,
    /// Words of your own in place of a code, for the purpose `information`; nothing secret, as every account can see
    /// an argument
    #[arg(long, value_name = "WORDS", requires = "phone", group = "content")]
    message: Option<String>,
    /// Why it is sent; without it verification_code, or information where there is a --message
    #[arg(long, requires = "phone", value_parser = PossibleValuesParser::new(PURPOSES.map(|p| p.as_str())))]
    purpose: Option<String>,
    /// The id, which makes a repeat safe
    #[arg(long, requires = "phone")]
    id: Option<String>,
    /// The id of the message that is sent again, with the same code
    #[arg(long, value_name = "ID", requires = "phone")]
    resend_of: Option<String>,
    /// What the user was doing
    #[arg(long, requires = "phone", value_parser = ["enroll", "reset"])]
    event: Option<String>,
    /// Who asked for it, kept with the message in the ledger
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

impl Given {
    /// Whether there is a message at all.
    pub(super) fn is_given(&self) -> bool {
        self.phone.is_some()
    }

    /// Whether standard input has a part of it.
    pub(super) fn reads_input(&self) -> bool {
        self.code.is_some()
    }

    fn purpose(&self) -> &str {
        let usual = match self.message {
            Some(_) => Purpose::Information,
            None => Purpose::VerificationCode,
        };
        self.purpose.as_deref().unwrap_or(usual.as_str())
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
        let secret_field = match self.purpose() == Purpose::NewPassword.as_str() {
            true => "password",
            false => "code",
        };
        let secret = self.code.as_ref().map(|_| json!(secret));
        let request = fields([
            ("purpose", Some(json!(self.purpose()))),
            ("id", self.id.as_ref().map(|it| json!(it))),
            ("resend_of", self.resend_of.as_ref().map(|it| json!(it))),
            ("event", self.event.as_ref().map(|it| json!(it))),
            ("actor", self.actor.as_ref().map(|it| json!(it))),
            ("source", self.source.as_ref().map(|it| json!(it))),
            ("user", Some(Value::Object(user))),
            (secret_field, secret),
            ("message", self.message.as_ref().map(|it| json!(it))),
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
