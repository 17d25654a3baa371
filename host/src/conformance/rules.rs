//! The contract between host and plugins, rule by rule. `docs/contract.md` is made of this table.

/// One rule of the contract.
#[derive(Debug)]
pub struct Rule {
    /// Its number: a letter for what it is about, and a number that is never used again.
    pub id: &'static str,
    /// How binding it is.
    pub level: Level,
    /// What is asked of a plugin.
    pub text: &'static str,
    /// Why.
    pub reason: &'static str,
    /// How the suite finds out.
    pub case: &'static str,
}

/// How binding a rule is (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Break it, and messages are lost, doubled or shown.
    Must,
    /// There may be a good reason not to; say it in the plugin's documentation.
    Should,
}

impl Level {
    /// The word of RFC 2119.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
        }
    }
}

/// What the letters stand for, in the order of the contract.
pub const CHAPTERS: [(char, &str); 6] = [
    ('D', "What a plugin says of itself"),
    ('S', "Settings"),
    ('V', "Verdicts: what an answer means for a message"),
    ('C', "Calls"),
    ('X', "Secrecy and reach"),
    ('F', "The file"),
];

const fn must(
    id: &'static str,
    text: &'static str,
    reason: &'static str,
    case: &'static str,
) -> Rule {
    Rule {
        id,
        level: Level::Must,
        text,
        reason,
        case,
    }
}

const fn should(
    id: &'static str,
    text: &'static str,
    reason: &'static str,
    case: &'static str,
) -> Rule {
    Rule {
        level: Level::Should,
        ..must(id, text, reason, case)
    }
}

/// Every rule, in the order of the contract.
pub const RULES: &[Rule] = &[
    must(
        "D1",
        "The file MUST be a shared library for this machine that exports one plugin of this host's ABI.",
        "Nothing else can be loaded.",
        "The library is loaded in a host process and asked what it is.",
    ),
    must(
        "D2",
        "The plugin's id MUST be the one that its file name says: `acme-sms` is `libtextsender_acme_sms.so`.",
        "An administrator names the file's plugin in the configuration; another one in it would get the secrets.",
        "The id is compared with the file name.",
    ),
    must(
        "D3",
        "Name and version MUST each be one line of 1 to 64 printable characters.",
        "They stand in lists, reports and logs.",
        "Both are looked at.",
    ),
    must(
        "D4",
        "Each declared host MUST be a host name in lower case, without scheme, port or path; `*` stands for one whole label.",
        "The host allows exchanges with these names alone. What is no name allows nothing.",
        "Each declared name is looked at.",
    ),
    should(
        "D5",
        "A declared host SHOULD name its last two labels.",
        "`*.com` would let the plugin carry messages to anyone.",
        "Each declared name is looked at.",
    ),
    must(
        "S1",
        "The settings MUST have a JSON Schema of an object.",
        "The host checks settings, and asks for what is missing, by the schema.",
        "The schema is read.",
    ),
    must(
        "S2",
        "Each setting MUST have help.",
        "An administrator sees nothing else of the plugin.",
        "Each property of the schema has a description.",
    ),
    must(
        "S3",
        "Settings whose names are those of secrets (token, password, secret, passphrase, private key) MUST be marked as secrets (type `Secret`).",
        "What is not marked stands in a file that is copied into tickets, and is not redacted.",
        "The properties' names are looked at; those that end in `_id`, `_sid` or `_url` name no secret.",
    ),
    must(
        "S4",
        "Good settings MUST be accepted.",
        "Everything else of this contract is tried with them.",
        "The plugin is configured with the sample: from `--settings`, or the schema's first example.",
    ),
    must(
        "S5",
        "A missing setting that is required MUST be refused, with its name.",
        "Settings are saved step by step; the names are what an administrator is asked for next.",
        "The plugin is configured without each required setting in turn.",
    ),
    must(
        "S6",
        "A setting that does not exist MUST be refused, with its name.",
        "A typing error would silently become a default.",
        "The plugin is configured with one more setting.",
    ),
    must(
        "S7",
        "A value of another type MUST be refused, with the setting's name.",
        "The name is the only way to find it.",
        "The plugin is configured with a list or a table in the place of each setting in turn.",
    ),
    must(
        "S8",
        "A secret in the open MUST be refused, and not shown.",
        "A token in the configuration is a token in every backup; a token in an error is one in every log.",
        "The plugin is configured with each secret as plain text in turn.",
    ),
    must(
        "S9",
        "Hostile values MUST be refused by an error or used harmlessly, never by a panic or an end of the process.",
        "Settings come from files and from people.",
        "The plugin is configured with long, empty, odd and dangerous text in each setting in turn, and sends with what it accepts.",
    ),
    should(
        "S10",
        "The schema SHOULD have an example of whole settings.",
        "It shows an administrator what they look like, and the suite uses it.",
        "The schema's `examples` are looked at.",
    ),
    must(
        "S11",
        "Settings that name a host MUST be marked with `x-textsender-host`, and their port with `x-textsender-port`.",
        "The host opens no other host than declared and marked ones, and of a marked one that port alone.",
        "The properties' names are looked at (host, server, endpoint, url), and each exchange whose host a setting names.",
    ),
    must(
        "V1",
        "`accepted` MUST mean that the provider answered so: a 2xx to a request that delivers, a 2yz to the final dot.",
        "A user waits for this text, and no other sender will try.",
        "The battery of answers.",
    ),
    must(
        "V2",
        "A 2xx that the plugin can't read MUST be `accepted` or `unknown`.",
        "The provider may have the message: anything else would send it again.",
        "200 with HTML, 202 and 204 without a body.",
    ),
    should(
        "V3",
        "A 2xx that is not in the provider's words SHOULD be `unknown`.",
        "Portals, gateways and parked domains say 200 to everything.",
        "200 with HTML.",
    ),
    must(
        "V4",
        "What is not in the provider's words MUST NOT be blamed on the number or the recipient.",
        "`rejected` ends the message for good, and a wrong URL would tell every user that their number is wrong.",
        "302, 401, 403, 404, 409, 429, 500 and 503 with HTML, lost answers; 421, 450, 454 and 535 by mail.",
    ),
    should(
        "V5",
        "A 400 that is not in the provider's words SHOULD NOT be blamed on the number or the recipient.",
        "As V4; but some providers give no words.",
        "400 with HTML.",
    ),
    should(
        "V6",
        "Refused credentials, and addresses where nothing is, SHOULD be `unauthorized` or `misconfigured`.",
        "Only an administrator can fix them, and only these verdicts alert one.",
        "302, 401, 403 and 404 with HTML; 535 to AUTH.",
    ),
    must(
        "V7",
        "`too fast` MUST be `throttled`, `exhausted` or `unavailable`.",
        "A little later it works; anything else gives up, or sends twice.",
        "429 with and without Retry-After; 421 and 450 by mail.",
    ),
    should(
        "V8",
        "The provider's Retry-After SHOULD be passed on.",
        "The host waits as long, and no longer.",
        "429 with `Retry-After: 7`.",
    ),
    must(
        "V9",
        "An answer that was lost after the message was written MUST be `unknown`.",
        "The provider may have the message. `?` on the exchange gives the right verdict.",
        "A cut body, a time-out after writing.",
    ),
    should(
        "V10",
        "An exchange that never left SHOULD be `unavailable`.",
        "It is certainly not sent, and worth repeating.",
        "A time-out before writing, no connection.",
    ),
    must(
        "V11",
        "A failure of the provider's MUST be `unknown`, `unavailable`, `throttled` or `exhausted`.",
        "It says nothing of number, text or settings.",
        "500 and 503 with HTML.",
    ),
    should(
        "V12",
        "A 5xx that is not in the provider's words SHOULD be `unknown`.",
        "Who said it may have passed the message on. Only the provider's own documents can promise that nothing was kept.",
        "500 and 503 with HTML.",
    ),
    must(
        "V13",
        "The provider's own acceptance MUST be `accepted`.",
        "Or every text is sent twice, through two providers.",
        "The sample's `[accepted]` answer; for mail 250 to the final dot. Not tried without one.",
    ),
    must(
        "C1",
        "One `send` MUST hand its message over at most once.",
        "The host repeats and fails over, because it knows what left and how long there is.",
        "The exchanges that deliver are counted after each answer of the battery. Mark what delivers nothing as `reading`.",
    ),
    must(
        "C2",
        "`status`, `find` and `check` MUST NOT hand a message over.",
        "They are asked at any time, and often.",
        "The exchanges that deliver are counted.",
    ),
    must(
        "C3",
        "`find` MUST say *absent* only where the provider promises it.",
        "The host then sends again.",
        "`find` gets HTML, an empty object, an empty list, 404 and 500.",
    ),
    must(
        "C4",
        "`status` MUST NOT let an id lead its request elsewhere.",
        "Ids come from answers, and from people who ask.",
        "`status` of an id that is a path.",
    ),
    must(
        "C5",
        "A call that is taken back MUST end, and leave the sender fit for the next.",
        "At its deadline a message is answered; a plugin that holds on to it is killed, with everything else in flight.",
        "A call whose exchange is never answered is taken back; another is made.",
    ),
    must(
        "C6",
        "Concurrent calls MUST NOT mix their messages.",
        "A code would go to another user.",
        "Sixteen messages at a time: each number is in one exchange, with its own code.",
    ),
    should(
        "C7",
        "Concurrent calls SHOULD be in flight at the same time.",
        "One slow answer would hold up all the others until their deadlines.",
        "Sixteen messages at a time, none answered before all were handed over.",
    ),
    must(
        "C8",
        "A plugin MUST NOT panic or end its process, whatever it is asked and answered.",
        "Each costs the messages in flight their outcome.",
        "All cases.",
    ),
    must(
        "C9",
        "Whatever a message holds, each exchange MUST be well formed, and the call end.",
        "Names come from directories, and texts from administrators.",
        "Messages with line breaks, quotes, placeholders, other scripts, 10,000 characters.",
    ),
    must(
        "X1",
        "Codes, passwords, numbers, texts and secrets MUST NOT be in errors, findings or log lines.",
        "The host redacts what it finds; it does not find what was cut, joined or encoded.",
        "Every word that the plugin says in any case, with a provider that quotes the request in all its answers.",
    ),
    must(
        "X2",
        "Exchanges MUST go to declared hosts at port 443 or to those in settings, with TLS unless on this machine.",
        "The host refuses all others: the message is not sent.",
        "Every exchange of all cases.",
    ),
    should(
        "X3",
        "Secrets SHOULD NOT be in a URL.",
        "Proxies and servers log URLs.",
        "Every exchange of all cases.",
    ),
    should(
        "F1",
        "The library SHOULD take no more than 8 MiB in memory.",
        "One that does brings an HTTP client, TLS or a runtime; the host has them.",
        "The file's loadable segments are summed up.",
    ),
    should(
        "F2",
        "The plugin SHOULD be configured within 250 ms.",
        "A single `textsender send` waits for it.",
        "The fastest of three starts, host process included.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_its_level_and_stands_in_its_chapter() {
        let mut last = 0;
        for rule in RULES {
            assert!(rule.text.contains(rule.level.as_str()), "{}", rule.id);
            let chapter = CHAPTERS
                .iter()
                .position(|(letter, _)| rule.id.starts_with(*letter));
            let chapter = chapter.unwrap();
            assert!(chapter >= last, "{} is out of order", rule.id);
            last = chapter;
            assert_eq!(RULES.iter().filter(|other| other.id == rule.id).count(), 1);
        }
    }
}
