//! The line that binds a code to a web site, so that phones fill it in there and nowhere else:
//! `@reset.example.com #123456`, the last of its message. "Origin-bound one-time codes delivered via SMS",
//! Web Platform Incubator Community Group, <https://wicg.github.io/sms-one-time-codes/>.

/// The line for a code, or `None` for a code that it cannot carry: browsers read it up to white space or another `#`.
pub(super) fn line(host: &str, code: &str) -> Option<String> {
    let carried = !code.is_empty() && !code.contains(|c: char| c.is_whitespace() || c == '#');
    carried.then(|| format!("@{host} #{code}"))
}

/// Why a string is not the host name that `origin` must be, or nothing.
pub(super) fn fault(host: &str) -> Option<&'static str> {
    if host.contains("://") {
        return Some("leave the `https://` out");
    }
    if host.contains(['/', ':', '@', '#', ' ']) {
        return Some("leave all but the name out: no port, no path");
    }
    if !host.is_ascii() {
        return Some("write it in its ASCII form (`xn--...`)");
    }
    let is_label = |label: &str| {
        let letters = label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (1..=63).contains(&label.len())
            && letters
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_host = host.len() <= 253 && host.split('.').all(is_label);
    (!is_host).then_some("it is made of letters, digits, hyphens and dots")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_codes_that_browsers_can_read() {
        assert_eq!(
            line("reset.example.com", "beK989vc").as_deref(),
            Some("@reset.example.com #beK989vc")
        );
        assert_eq!(line("reset.example.com", "12#4"), None);
        assert_eq!(line("reset.example.com", "12 34"), None);
        assert_eq!(line("reset.example.com", ""), None);
    }

    #[test]
    fn takes_host_names_only() {
        for host in [
            "reset.example.com",
            "localhost",
            "xn--bcher-kva.example",
            "Reset.Example.COM",
            "10.example",
        ] {
            assert_eq!(fault(host), None, "{host}");
        }
        let wrong = [
            "",
            "https://reset.example.com",
            "reset.example.com/",
            "reset.example.com:8443",
            "a b",
            "bücher.example",
            "-a.example",
            "a-.example",
            "a..b",
            "a_b.example",
            ".example",
            "example.com.",
        ];
        for host in wrong {
            assert!(fault(host).is_some(), "{host}");
        }
    }
}
