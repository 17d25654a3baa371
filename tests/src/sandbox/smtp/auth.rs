//! `AUTH PLAIN` and `AUTH LOGIN` (RFC 4954, RFC 4616), with and without an initial response, and `AUTH XOAUTH2` as
//! Microsoft and Google describe it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What the server says next while somebody logs in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask with this line and wait for the answer.
    Ask(&'static str),
    /// These credentials have come.
    Credentials { user: String, password: String },
    /// This access token has come.
    Token { user: String, token: String },
    /// Refuse with this line.
    Refuse(&'static str),
}

const NOT_BASE64: Step = Step::Refuse("501 5.5.2 Cannot decode response");

/// A login that is going on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// `PLAIN`: one response with everything.
    Plain,
    /// `LOGIN`: the user first.
    User,
    /// `LOGIN`: then the password.
    Password { user: String },
    /// `XOAUTH2`: one response with everything.
    Token,
    /// `XOAUTH2`: the client was told why its token is refused, and says that it knows.
    TokenRefused,
}

/// What a refused token is answered first: `{"status":"401"}`.
pub(super) const TOKEN_REFUSED: &str = "334 eyJzdGF0dXMiOiI0MDEifQ==";

impl Login {
    /// Begins with what stands behind `AUTH`.
    pub fn begin(arguments: &str) -> (Option<Self>, Step) {
        let (mechanism, initial) = match arguments.split_once(' ') {
            Some((mechanism, initial)) => (mechanism, Some(initial.trim())),
            None => (arguments, None),
        };
        let login = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => Login::Plain,
            "LOGIN" => Login::User,
            "XOAUTH2" => Login::Token,
            _ => {
                return (
                    None,
                    Step::Refuse("504 5.5.4 Unrecognized authentication type"),
                );
            }
        };
        match initial {
            // A lone = stands for an empty response.
            Some("=") => login.answer(""),
            Some(initial) => login.answer(initial),
            None if login != Login::User => (Some(login), Step::Ask("334 ")),
            None => (Some(login), Step::Ask("334 VXNlcm5hbWU6")),
        }
    }

    /// Goes on with the client's line.
    pub fn answer(self, line: &str) -> (Option<Self>, Step) {
        if line == "*" {
            return (None, Step::Refuse("501 5.7.0 Authentication cancelled"));
        }
        let Some(text) = STANDARD
            .decode(line)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
        else {
            return (None, NOT_BASE64);
        };
        match self {
            Login::Plain => {
                let parts: Vec<&str> = text.split('\0').collect();
                let [_, user, password] = parts[..] else {
                    return (None, NOT_BASE64);
                };
                let (user, password) = (user.to_owned(), password.to_owned());
                (None, Step::Credentials { user, password })
            }
            Login::Token => {
                let mut parts = text.split('\u{1}');
                let user = parts.next().and_then(|it| it.strip_prefix("user="));
                let token = parts.next().and_then(|it| it.strip_prefix("auth=Bearer "));
                match (user, token) {
                    (Some(user), Some(token)) => {
                        let (user, token) = (user.to_owned(), token.to_owned());
                        (None, Step::Token { user, token })
                    }
                    _ => (None, NOT_BASE64),
                }
            }
            Login::TokenRefused => (None, Step::Refuse("535 5.7.3 Authentication unsuccessful")),
            // "Password:"
            Login::User => (
                Some(Login::Password { user: text }),
                Step::Ask("334 UGFzc3dvcmQ6"),
            ),
            Login::Password { user } => (
                None,
                Step::Credentials {
                    user,
                    password: text,
                },
            ),
        }
    }
}
