//! How an access token is asked for, for mail servers that take no password (AUTH XOAUTH2).
//!
//! | provider | `token_url` | grant |
//! |---|---|---|
//! | Microsoft 365 | `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token` | client credentials, with `scope` |
//! | Google | `https://oauth2.googleapis.com/token` | refresh token |

use textsender_plugin_api::{Host, RequestBuilder};

use crate::settings::OAuth;

/// The request of RFC 6749, 4.4.2 or 6.
pub fn request(oauth: &OAuth<'_>, host: &Host) -> RequestBuilder {
    let mut fields = vec![("client_id", oauth.client_id)];
    match oauth.refresh_token {
        Some(token) => fields.extend([
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose()),
        ]),
        None => fields.push(("grant_type", "client_credentials")),
    }
    fields.extend(
        oauth
            .client_secret
            .map(|secret| ("client_secret", secret.expose())),
    );
    fields.extend(oauth.scope.map(|scope| ("scope", scope)));
    host.http().post(oauth.token_url).form(fields)
}
