//! The signature of Azure Communication Services:
//! <https://learn.microsoft.com/en-us/azure/communication-services/tutorials/hmac-header-tutorial>.

use std::time::SystemTime;

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::{
    digest::{SHA256, digest},
    hmac,
};

use super::{civil, parts};
use crate::render::Composed;

/// Adds date, hash of the body and signature.
pub fn sign(request: &mut Composed, key: &[u8], now: SystemTime) {
    let body = request.body.as_ref().map_or(&[][..], |(_, body)| body);
    let hash = BASE64_STANDARD.encode(digest(&SHA256, body));
    let date = http_date(now);
    let (host, path, query) = parts(&request.url);
    let target = if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    };
    let to_sign = format!(
        "{}\n{target}\n{date};{host};{hash}",
        request.method.as_str()
    );
    let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), to_sign.as_bytes());
    let authorization = format!(
        "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={}",
        BASE64_STANDARD.encode(signed),
    );
    for (name, value) in [
        ("x-ms-date", date),
        ("x-ms-content-sha256", hash),
        ("authorization", authorization),
    ] {
        request.headers.push((name.to_owned(), value));
    }
}

/// A date as HTTP writes it (RFC 9110, 5.6.7).
fn http_date(time: SystemTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let [year, month, day, hour, minute, second, weekday] = civil(time);
    let (weekday, month) = (DAYS[weekday as usize], MONTHS[month as usize - 1]);
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use textsender_plugin_api::Method;

    use super::*;

    /// The request of Microsoft's tutorial. What it prints depends on the caller's key and clock, so
    /// that its parts are compared: the text that is signed is checked by signing it again.
    #[test]
    fn signs_what_the_tutorial_says() {
        let mut request = Composed {
            method: Method::Post,
            url: "https://acme.communication.azure.com/identities?api-version=2021-03-07"
                .to_owned(),
            headers: Vec::new(),
            body: Some(("application/json", Vec::new())),
        };
        sign(
            &mut request,
            b"key",
            UNIX_EPOCH + Duration::from_secs(784_111_777),
        );
        let [date, hash, authorization] = &request.headers[..] else {
            panic!()
        };
        // The example of RFC 9110, and the hash of nothing.
        assert_eq!(date.1, "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(hash.1, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let text = format!(
            "POST\n/identities?api-version=2021-03-07\n{};acme.communication.azure.com;{}",
            date.1, hash.1
        );
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"key"), text.as_bytes());
        let expected = format!(
            "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={}",
            BASE64_STANDARD.encode(tag)
        );
        assert_eq!(authorization.1, expected);
    }
}
