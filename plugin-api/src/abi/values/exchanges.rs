//! What a plugin asks the host to carry, and what comes back.

use abi_stable::{
    StableAbi,
    std_types::{ROption, RString, RVec, Tuple2},
};

use super::{
    Attributes, get,
    kinds::{CommandKind, FailureCode, MethodKind, SecurityKind, StageKind},
    optional, plain, put,
};
use crate::{ExchangeError, HttpRequest, HttpResponse, Mail, Secret, SmtpReply};

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

/// Mirrors [`HttpResponse`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiHttpAnswer {
    status: u16,
    headers: RVec<Tuple2<RString, RString>>,
    body: RVec<u8>,
    attributes: Attributes,
}

impl From<HttpResponse> for AbiHttpAnswer {
    fn from(answer: HttpResponse) -> Self {
        Self {
            status: answer.status,
            headers: pairs(answer.headers),
            body: answer.body.into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiHttpAnswer> for HttpResponse {
    fn from(answer: AbiHttpAnswer) -> Self {
        Self {
            status: answer.status,
            headers: plain_pairs(answer.headers),
            body: answer.body.into(),
        }
    }
}

/// Since 1.1, of a mail: how to log in without a password, and what the server can bear.
const ACCESS_TOKEN: &str = "access_token";
const HELLO: &str = "hello";
const MAILS_PER_CONNECTION: &str = "mails_per_connection";
const CONNECTIONS: &str = "connections";

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
        let mut attributes = Attributes::new();
        let token = mail.access_token.as_ref().map(Secret::expose);
        put(&mut attributes, ACCESS_TOKEN, token);
        put(&mut attributes, HELLO, mail.hello);
        put(
            &mut attributes,
            MAILS_PER_CONNECTION,
            mail.mails_per_connection,
        );
        put(&mut attributes, CONNECTIONS, mail.connections);
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
            attributes,
        }
    }
}

impl From<AbiMail> for Mail {
    fn from(mail: AbiMail) -> Self {
        let attributes = &mail.attributes;
        Self {
            access_token: get::<String>(attributes, ACCESS_TOKEN).map(Secret::new),
            hello: get(attributes, HELLO),
            mails_per_connection: get(attributes, MAILS_PER_CONNECTION),
            connections: get(attributes, CONNECTIONS),
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

/// Mirrors [`SmtpReply`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiSmtpAnswer {
    code: u16,
    command: CommandKind,
    text: RString,
    attributes: Attributes,
}

impl From<SmtpReply> for AbiSmtpAnswer {
    fn from(answer: SmtpReply) -> Self {
        Self {
            code: answer.code,
            command: answer.command.into(),
            text: answer.text.into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiSmtpAnswer> for SmtpReply {
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
