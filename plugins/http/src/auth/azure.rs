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

    /// The vectors of Microsoft's own client (`azure-sdk-for-js`,
    /// `sdk/communication/communication-common/test/public/communicationKeyCredentialPolicy.spec.ts`).
    #[test]
    fn agrees_with_microsofts_vectors() {
        let cases = [
            (
                "/testPath?testQuery=test",
                "DGdgwggJWnQyc6EHjR/Vbqg1ES64KpD6U2XwTDDj3tU=",
            ),
            ("/testPath", "+6tWkg3lNKVjQHHmxkdGQcJjUgzclsWTMebnuCz1ngU="),
        ];
        let key = BASE64_STANDARD.decode("pw==").unwrap();
        // 2022-04-13T18:09:12Z
        let now = UNIX_EPOCH + Duration::from_secs(1_649_873_352);
        for (target, signature) in cases {
            let mut request = Composed {
                method: Method::Get,
                url: format!("https://example.com{target}"),
                headers: Vec::new(),
                body: None,
            };
            sign(&mut request, &key, now);
            let [date, hash, authorization] = &request.headers[..] else {
                panic!()
            };
            assert_eq!(date.1, "Wed, 13 Apr 2022 18:09:12 GMT");
            assert_eq!(hash.1, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
            let expected = format!(
                "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}"
            );
            assert_eq!(authorization.1, expected, "{target}");
        }
    }

    /// The same client's vectors for its parts: a body counts by its hash.
    #[test]
    fn hashes_a_body_as_microsofts_client_does() {
        let mut request = Composed {
            method: Method::Post,
            url: "https://example.com/".to_owned(),
            headers: Vec::new(),
            body: Some(("text/plain".to_owned(), b"banana".to_vec())),
        };
        sign(&mut request, b"key", UNIX_EPOCH);
        let hash = "tJPUg2Sv5E0RwBZc9HCkFk0eJgmRHvmYvoaNRq3j3k4=";
        assert_eq!(request.headers[1].1, hash);
        assert_eq!(request.headers[0].1, "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
