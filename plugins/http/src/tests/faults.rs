//! What is wrong with a definition is found before anything is sent, with its place.

use crate::check;

const GOOD: &str = r#"
url = "https://api.acme.example/sms"
json = { to = "%number%", text = "%message%" }
auth = { scheme = "bearer", token = "%key%" }
[settings]
key = { help = "The key.", secret = true }
host = { help = "The host." }
[[answer]]
status = 200
id = "/id"
verdict = "accepted"
"#;

#[test]
fn a_good_one_has_none() {
    check::read(GOOD).unwrap();
}

#[test]
fn a_rule_that_earlier_ones_leave_nothing_is_found() {
    let later = "[[answer]]\nstatus = \"4xx\"\nat = \"/e\"\nin = [\"bad\", \"worse\"]\nverdict = \"rejected\"\n";
    let rule = |lines: &str| format!("[[answer]]\n{lines}\nverdict = \"misconfigured\"\n");
    let leave_nothing: &[&[&str]] = &[
        &["status = \"400-499\""],
        &["body = \".*\""],
        &["at = \"/e\"\nexists = true"],
        &["at = \"/e\"\nin = [\"worse\", \"bad\", \"worst\"]"],
        &[
            "at = \"/e\"\nprefix = \"bad\"",
            "at = \"/e\"\nis = \"worse\"",
        ],
        &["status = \"400-449\"", "status = \"450-499\""],
        &[
            "status = \"400-449\"",
            "status = [\"450-499\"]\nat = \"/e\"\nexists = true",
        ],
    ];
    for earlier in leave_nothing {
        let earlier: String = earlier.iter().map(|lines| rule(lines)).collect();
        let words = faults_of(&format!("{GOOD}{earlier}{later}"));
        assert!(words.contains("never matches"), "{earlier}: {words}");
    }
    let leave_some: &[&[&str]] = &[
        &["status = \"400-498\"\nat = \"/e\"\nis = \"other\""],
        &["at = \"/e\"\nexists = false"],
        &["at = \"/f\"\nexists = true"],
        &["at = \"/e\"\nprefix = \"badly\""],
        &["body = \"bad\""],
    ];
    for earlier in leave_some {
        let earlier: String = earlier.iter().map(|lines| rule(lines)).collect();
        let words = faults_of(&format!("{GOOD}{earlier}{later}"));
        assert_eq!(words, "", "{earlier}");
    }
}

#[test]
fn headers_that_the_host_writes_are_named() {
    for name in [
        "Content-Length",
        "host",
        "Proxy-Authorization",
        "Transfer-Encoding",
    ] {
        let words =
            faults_of(&GOOD.replace("url =", &format!("headers = {{ {name:?} = \"1\" }}\nurl =")));
        assert!(
            words.contains("is written by textsender"),
            "{name}: {words}"
        );
    }
    let words = faults_of(&GOOD.replace("url =", "headers = { X-A = \"a\\nb\" }\nurl ="));
    assert!(words.contains("on one line"), "{words}");
}

/// What `check` says, without the places.
fn faults_of(definition: &str) -> String {
    let faults = check::read(definition).err().unwrap_or_default();
    faults
        .into_iter()
        .map(|(words, _)| words)
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
fn each_kind_is_named_at_its_place() {
    // A table's own place is its header's.
    let rule = "[[answer]]\nstatus = 200\nid = \"/id\"\nverdict = \"accepted\"\n";
    let cases = [
        // What is replaced, by what, the words, and what they point at.
        (
            r#""https://api.acme.example/sms""#,
            r#""http://api.acme.example/sms""#,
            "begins with https://",
            r#""http://api.acme.example/sms""#,
        ),
        (
            "api.acme.example/sms",
            "api.acme.example/%key%",
            "stands in an address",
            r#""https://api.acme.example/%key%""#,
        ),
        (
            "api.acme.example/sms",
            "api.acme.example/sms?k=%key%",
            "stands in an address",
            r#""https://api.acme.example/sms?k=%key%""#,
        ),
        (
            "api.acme.example/sms",
            "%number%/sms",
            "may not come from the message",
            r#""https://%number%/sms""#,
        ),
        (
            "api.acme.example/sms",
            "%host%/sms",
            "mark the setting with host = true",
            r#""https://%host%/sms""#,
        ),
        (
            "api.acme.example/sms",
            "api.%host%/sms",
            "is the whole host, or the label",
            r#""https://api.%host%/sms""#,
        ),
        (
            "%message%",
            "%mesage%",
            "neither a setting nor a value of the message",
            "\"%mesage%\"",
        ),
        (
            "%number%",
            "%national%",
            "name the one country with calling_code",
            "\"%national%\"",
        ),
        (
            "url =",
            "number = \"national\"\nurl =",
            "name the one country with calling_code",
            "\"%number%\"",
        ),
        (
            "json = { to = \"%number%\", text = \"%message%\" }",
            "text = '{\"to\":\"%number%\",\"text\":\"%message%\"}'",
            "JSON is not pasted",
            "'{\"to\"",
        ),
        (
            "json =",
            "form = {}\njson =",
            "give one of form, json, xml and text",
            "\"https",
        ),
        (
            "url =",
            "method = \"GET\"\nurl =",
            "a GET has no body",
            "\"https",
        ),
        (
            ", text = \"%message%\"",
            "",
            "the text would not arrive",
            "\"https",
        ),
        (
            ", token = \"%key%\"",
            "",
            "this scheme needs token",
            "{ scheme",
        ),
        ("id = \"/id\"\n", "", "accepted on nothing", "[[answer]]"),
        (
            "id = \"/id\"\n",
            "body = \"(?s).\"\n",
            "accepted on nothing",
            "[[answer]]",
        ),
        ("to = \"%number%\", ", "", "would go to no one", "\"https"),
        (
            "\"%key%\"",
            "\"k3y\"",
            "nothing secret is in it",
            "{ scheme",
        ),
        (
            "\"%key%\"",
            "\"%host%\"",
            "nothing secret is in it",
            "{ scheme",
        ),
        (
            "\"bearer\", token",
            "\"header\", name = \"X Y\", value",
            "is not the name of a header",
            "\"X Y\"",
        ),
        (
            "\"bearer\", token",
            "\"header\", name = \"Host\", value",
            "is written by textsender",
            "\"Host\"",
        ),
        (
            "\"bearer\", token",
            "\"query\", name = \"\", value",
            "this scheme needs name",
            "{ scheme",
        ),
        (
            "url =",
            "headers = { authorization = \"x\" }\nurl =",
            "is written by auth",
            "\"x\"",
        ),
        (
            "url =",
            "check = \"https://api.acme.example/a?n=%number%\"\nurl =",
            "there is no message when the account is checked",
            "\"https://api.acme.example/a",
        ),
        (
            "url =",
            "status = { url = \"https://api.acme.example/%id%\", at = \"state\", states = { sent = \"delivered\" } }\nurl =",
            "is not a JSON pointer",
            "\"state\"",
        ),
        (
            "api.acme.example/sms",
            "api.acme.example:99999/sms",
            "a port is",
            "\"https",
        ),
        (
            "api.acme.example/sms",
            "api.acme.example/ sms",
            "neither spaces nor a fragment",
            "\"https",
        ),
        (
            "host = {",
            "Host = {",
            "is not a name: use lower-case",
            "{ help = \"The host.\"",
        ),
        (
            "status = 200\n",
            "",
            "accepted for any status",
            "[[answer]]",
        ),
        (
            "status = 200\n",
            "status = \"4xx\"\n",
            "not a success",
            "[[answer]]",
        ),
        (
            "id = \"/id\"",
            "id = \"id\"",
            "is not a JSON pointer",
            "\"id\"",
        ),
        (
            "id = \"/id\"\n",
            "body = \"(\"\n",
            "not a regular expression",
            "\"(\"",
        ),
        (
            "id = \"/id\"\n",
            "id = \"/id\"\nis = 1\n",
            "at goes with one of",
            "[[answer]]",
        ),
        (
            "verdict = \"accepted\"",
            "verdict = \"unknown\"",
            "no rule accepts anything",
            "\"https",
        ),
        (
            "verdict = \"accepted\"",
            "verdict = \"acepted\"",
            "verdict is not `acepted`: there are accepted",
            "\"acepted\"",
        ),
        ("url =", "ulr =", "unknown key `ulr`", "ulr"),
        ("status = 200", "status = 99", "expected a status", "99"),
        (
            "\"%message%\"",
            "\"100 % sure %message%\"",
            "not a name",
            "\"100 %",
        ),
        (
            rule,
            "[[answer]]\nstatus = 200\nverdict = \"unknown\"\n[[answer]]\nstatus = 200\nid = \"/id\"\nverdict = \"accepted\"\n",
            "never matches",
            "[[answer]]",
        ),
        (
            rule,
            "[[answer]]\nstatus = 200\nat = \"/s\"\nis = 0\nid = \"/id\"\nverdict = \"accepted\"\n[[answer]]\nstatus = 200\nat = \"/s\"\nin = [0, 1]\nverdict = \"rejected\"\n",
            "say different things",
            "[[answer]]",
        ),
        (
            rule,
            "[[answer]]\nstatus = 200\nid = \"/uid\"\nverdict = \"accepted\"\n[[example]]\nstatus = 200\nbody = '{\"id\":1}'\nverdict = \"unknown\"\n",
            "leads nowhere",
            "\"/uid\"",
        ),
        (
            rule,
            "[[answer]]\nstatus = \"200-250\"\nverdict = \"unknown\"\n[[answer]]\nstatus = [200, 299]\nid = \"/id\"\nverdict = \"accepted\"\n",
            "say different things",
            "[[answer]]",
        ),
        (
            "status = 200",
            "status = 204",
            "has no body to look at",
            "204",
        ),
        (
            "id = \"/id\"",
            "at = \"/id\"\nexists = false\nid = \"/id\"",
            "reads an id that must not be there",
            "\"/id\"",
        ),
        (
            "json = {",
            "query = { p = '[\"%message%\"]' }\njson = {",
            "JSON is not pasted",
            "'[\"",
        ),
        (
            "json = { to = \"%number%\", text = \"%message%\" }",
            "text = \"<sms>%message%</sms>\"",
            "XML is not pasted",
            "\"<sms>",
        ),
        (
            "host = {",
            "message = {",
            "%message% is taken",
            "{ help = \"The host.\"",
        ),
        (
            "secret = true",
            "secret = true, default = \"x\"",
            "a secret has no default",
            "\"x\"",
        ),
        (
            "\"The host.\"",
            "\"The host.\", pattern = \"(\"",
            "pattern is not a regular expression",
            "\"(\"",
        ),
        (
            "\"The host.\"",
            "\"The host.\", pattern = \"^a$\", example = \"b\"",
            "example does not fit the pattern",
            "\"b\"",
        ),
        (
            "url =",
            "calling_code = \"+44\"\nurl =",
            "calling_code is digits",
            "\"+44\"",
        ),
        (
            "url =",
            "headers = { \"X Y\" = \"z\" }\nurl =",
            "is not the name of a header",
            "\"z\"",
        ),
        ("help = \"The key.\", ", "", "help is missing", "{ secret"),
    ];
    for (from, to, words, place) in cases {
        assert!(GOOD.contains(from), "{from}");
        let source = GOOD.replacen(from, to, 1);
        let faults = check::read(&source).expect_err(to);
        let (message, span) = faults
            .iter()
            .find(|(it, _)| it.contains(words))
            .unwrap_or_else(|| panic!("{to}: {faults:?}"));
        let pointed = source[span.start..].starts_with(place);
        assert!(pointed, "{message}: {:?}", &source[span.clone()]);
    }
}
