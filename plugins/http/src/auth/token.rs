//! How an access token is asked for: by client credentials (RFC 6749, 4.4) or an assertion (RFC 7523).

use textsender_plugin_api::{Host, RequestBuilder};

use crate::definition::Auth;

/// The grant by a token of the account's own (RFC 7523, 2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Whom a token is for.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) assertion: Option<String>,
}

pub(super) fn request(host: &Host, auth: &Auth, client: &Client) -> RequestBuilder {
    let url = auth.token_url.as_deref().unwrap_or_default();
    let mut form = match &client.assertion {
        Some(assertion) => vec![("grant_type", JWT_BEARER), ("assertion", assertion)],
        None => vec![("grant_type", "client_credentials")],
    };
    form.extend(auth.scope.as_deref().map(|scope| ("scope", scope)));
    let request = host.http().post(url);
    request.basic_auth(&client.id, &client.secret).form(form)
}
