//! Which requests are the console's own page's: looked at before anything else is.
//!
//! The console is served at a name that no one can guess, `RANDOM.localhost`. A page of another site, or another
//! program's on this machine, knows neither the name nor the session; a name of its own that it has resolved to
//! this machine is refused here. The port is not compared: behind `ssh -L` the browser sees another.

use http::{HeaderMap, Method, StatusCode, Uri, header};

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(pub StatusCode, pub &'static str);

/// Judges a request to the console at this name.
///
/// # Errors
///
/// It is none of the console's own.
pub fn admit(name: &str, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
    let host = only(headers, header::HOST.as_str()).unwrap_or_default();
    if without_port(host) != name || uri.host().is_some_and(|host| host != name) {
        return Err(Refused(
            StatusCode::MISDIRECTED_REQUEST,
            "the console is not served at this name",
        ));
    }
    let foreign = Err(Refused(
        StatusCode::FORBIDDEN,
        "the request comes from another site's page",
    ));
    let is_own = |origin: &str| origin.strip_prefix("http://") == Some(host);
    let origin = headers.contains_key(header::ORIGIN);
    let origin_is_own = only(headers, header::ORIGIN.as_str()).is_some_and(is_own);
    let site = headers.contains_key("sec-fetch-site");
    let site_is = |wanted| only(headers, "sec-fetch-site") == Some(wanted);
    match *method {
        Method::GET | Method::HEAD => {
            // An address that was typed or clicked on in a terminal comes from `none`.
            let is_own_site = !site || site_is("same-origin") || site_is("none");
            match is_own_site && (!origin || origin_is_own) {
                true => Ok(()),
                false => foreign,
            }
        }
        Method::POST => match origin_is_own && site_is("same-origin") {
            true => Ok(()),
            false => foreign,
        },
        _ => Err(Refused(
            StatusCode::METHOD_NOT_ALLOWED,
            "pages are read with GET, forms are sent with POST",
        )),
    }
}

/// The value of the cookie, if there is exactly one.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter();
    let all = all.filter_map(|value| value.to_str().ok());
    let mut values = all
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn without_port(host: &str) -> &str {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const NAME: &str = "0af3.localhost";

    fn status(method: Method, headers: &[(&'static str, &str)]) -> Option<u16> {
        let headers = headers.iter().map(|(name, value)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        });
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        let admitted = admit(NAME, &method, &Uri::from_static("/"), &map);
        admitted.err().map(|refused| refused.0.as_u16())
    }

    #[test]
    fn the_name_is_compared_and_the_port_is_not() {
        for (host, refused) in [
            ("0af3.localhost", None),
            ("0af3.localhost:1234", None),
            ("0af3.localhost:", Some(421)),
            ("localhost:1234", Some(421)),
            ("127.0.0.1:1234", Some(421)),
            ("0af3.localhost.example.com", Some(421)),
            ("0AF3.localhost", Some(421)),
            ("", Some(421)),
        ] {
            assert_eq!(status(Method::GET, &[("host", host)]), refused, "{host}");
        }
        assert_eq!(status(Method::GET, &[]), Some(421));
        let twice = [("host", NAME), ("host", NAME)];
        assert_eq!(status(Method::GET, &twice), Some(421));
    }

    #[test]
    fn a_form_comes_from_our_own_page() {
        let own = "http://0af3.localhost:1234";
        let post = |origin: Option<&str>, site: Option<&str>| {
            let mut headers = vec![("host", "0af3.localhost:1234")];
            headers.extend(origin.map(|origin| ("origin", origin)));
            headers.extend(site.map(|site| ("sec-fetch-site", site)));
            status(Method::POST, &headers)
        };
        assert_eq!(post(Some(own), Some("same-origin")), None);
        for (origin, site) in [
            (None, Some("same-origin")),
            (Some(own), None),
            (Some(own), Some("none")),
            (Some(own), Some("same-site")),
            (Some(own), Some("cross-site")),
            (Some("null"), Some("same-origin")),
            (Some("https://0af3.localhost:1234"), Some("same-origin")),
            (Some("http://0af3.localhost:99"), Some("same-origin")),
            (Some("http://evil.example"), Some("cross-site")),
        ] {
            assert_eq!(post(origin, site), Some(403), "{origin:?} {site:?}");
        }
    }

    #[test]
    fn a_page_is_read_by_a_typed_address_or_our_own_link() {
        for (site, refused) in [
            ("none", None),
            ("same-origin", None),
            ("same-site", Some(403)),
            ("cross-site", Some(403)),
        ] {
            let headers = [("host", NAME), ("sec-fetch-site", site)];
            assert_eq!(status(Method::GET, &headers), refused, "{site}");
        }
        let foreign = [("host", NAME), ("origin", "http://evil.example")];
        assert_eq!(status(Method::GET, &foreign), Some(403));
        assert_eq!(status(Method::PUT, &[("host", NAME)]), Some(405));
    }

    #[test]
    fn two_cookies_of_one_name_are_none() {
        let cookies = |value: &'static str| {
            let headers = [(header::COOKIE, HeaderValue::from_static(value))];
            cookie(&headers.into_iter().collect(), "a").map(str::to_owned)
        };
        assert_eq!(cookies("b=2; a=1").as_deref(), Some("1"));
        assert_eq!(cookies("a=1; a=2"), None);
        assert_eq!(cookies("b=2"), None);
    }
}
