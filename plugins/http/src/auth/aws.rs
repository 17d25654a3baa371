//! Amazon's signature, version 4:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::time::SystemTime;

use ring::{
    digest::{SHA256, digest},
    hmac,
};

use super::{civil, hex, parts};
use crate::render::Composed;

/// An access key, and what it is used for.
pub struct Key<'k> {
    /// The key's id.
    pub id: &'k str,
    /// Its secret.
    pub secret: &'k str,
    /// The region.
    pub region: &'k str,
    /// The service.
    pub service: &'k str,
}

/// Adds date and signature.
pub fn sign(request: &mut Composed, key: &Key, now: SystemTime) {
    let [year, month, day, hour, minute, second, _] = civil(now);
    let date = format!("{year:04}{month:02}{day:02}");
    let stamp = format!("{date}T{hour:02}{minute:02}{second:02}Z");
    let (host, path, query) = parts(&request.url);
    let body = request.body.as_ref().map_or(&[][..], |(_, body)| body);

    let mut headers = vec![("host".to_owned(), host.to_owned())];
    headers.push(("x-amz-date".to_owned(), stamp.clone()));
    headers.extend(
        request
            .body
            .iter()
            .map(|(media, _)| ("content-type".to_owned(), media.clone())),
    );
    let amazons = request
        .headers
        .iter()
        .filter(|(name, _)| name.to_ascii_lowercase().starts_with("x-amz-"));
    headers
        .extend(amazons.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())));
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let listed: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();

    // Encoded as it is sent, with %20 for a space.
    let query = query.replace('+', "%20");
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.contains('=') {
            true => pair.to_owned(),
            false => format!("{pair}="),
        })
        .collect();
    pairs.sort();
    let canonical = format!(
        "{}\n{path}\n{}\n{listed}\n{names}\n{}",
        request.method.as_str(),
        pairs.join("&"),
        hex(digest(&SHA256, body).as_ref()),
    );
    let scope = format!("{date}/{}/{}/aws4_request", key.region, key.service);
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}",
        hex(digest(&SHA256, canonical.as_bytes()).as_ref()),
    );
    let mut derived = format!("AWS4{}", key.secret).into_bytes();
    for part in [&date, key.region, key.service, "aws4_request", &to_sign] {
        let signing = hmac::Key::new(hmac::HMAC_SHA256, &derived);
        derived = hmac::sign(&signing, part.as_bytes()).as_ref().to_vec();
    }
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
        key.id,
        hex(&derived),
    );
    request.headers.push(("x-amz-date".to_owned(), stamp));
    request
        .headers
        .push(("authorization".to_owned(), authorization));
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use textsender_plugin_api::Method;

    use super::*;

    /// Of the test suite that Amazon published for the signature (`aws-sig-v4-test-suite`).
    #[test]
    fn agrees_with_amazons_test_suite() {
        let form = Some((
            "application/x-www-form-urlencoded".to_owned(),
            b"Param1=value1".to_vec(),
        ));
        let cases = [
            (
                Method::Get,
                "/",
                None,
                "host;x-amz-date",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                Method::Post,
                "/",
                None,
                "host;x-amz-date",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                Method::Get,
                "/?Param2=value2&Param1=value1",
                None,
                "host;x-amz-date",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                Method::Post,
                "/",
                form,
                "content-type;host;x-amz-date",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
        ];
        for (method, path, body, names, signature) in cases {
            let mut request = Composed {
                method,
                url: format!("https://example.amazonaws.com{path}"),
                headers: Vec::new(),
                body,
            };
            let key = Key {
                id: "AKIDEXAMPLE",
                secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                region: "us-east-1",
                service: "service",
            };
            // 2015-08-30T12:36:00Z
            sign(
                &mut request,
                &key,
                UNIX_EPOCH + Duration::from_secs(1_440_938_160),
            );
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders={names}, Signature={signature}"
            );
            assert_eq!(request.headers[1].1, expected, "{method:?} {path}");
        }
    }
}
