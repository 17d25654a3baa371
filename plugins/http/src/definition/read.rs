//! A definition, from its TOML.

use std::ops::Range;

use textsender_plugin_api::{DeliveryState, Method, Verdict};
use toml::{Spanned, de::DeTable};

use super::{
    Auth, Definition, Example, Fault, Judgement, Number, Rule, Scalar, Scheme, Setting, Status,
    StatusSet, reader::Reader,
};

const METHODS: [(&str, Method); 5] = [
    ("GET", Method::Get),
    ("POST", Method::Post),
    ("PUT", Method::Put),
    ("PATCH", Method::Patch),
    ("DELETE", Method::Delete),
];

const NUMBERS: [(&str, Number); 4] = [
    ("e164", Number::E164),
    ("digits", Number::Digits),
    ("00", Number::Zeros),
    ("national", Number::National),
];

const SCHEMES: [(&str, Scheme); 8] = [
    ("basic", Scheme::Basic),
    ("bearer", Scheme::Bearer),
    ("header", Scheme::Header),
    ("query", Scheme::Query),
    ("oauth2", Scheme::Oauth2),
    ("aws-sigv4", Scheme::AwsSigv4),
    ("azure-hmac", Scheme::AzureHmac),
    ("ovh", Scheme::Ovh),
];

const VERDICTS: [(&str, Judgement); 10] = [
    ("accepted", Judgement::Accepted),
    ("rejected", Judgement::Failed(Verdict::Rejected)),
    (
        "undeliverable_here",
        Judgement::Failed(Verdict::UndeliverableHere),
    ),
    ("opted_out", Judgement::Failed(Verdict::OptedOut)),
    ("throttled", Judgement::Failed(Verdict::Throttled)),
    ("exhausted", Judgement::Failed(Verdict::Exhausted)),
    ("unavailable", Judgement::Failed(Verdict::Unavailable)),
    ("unauthorized", Judgement::Failed(Verdict::Unauthorized)),
    ("misconfigured", Judgement::Failed(Verdict::Misconfigured)),
    ("unknown", Judgement::Failed(Verdict::Unknown)),
];

const STATES: [(&str, DeliveryState); 5] = [
    ("accepted", DeliveryState::Accepted),
    ("sent", DeliveryState::Sent),
    ("delivered", DeliveryState::Delivered),
    ("failed", DeliveryState::Failed),
    ("cannot_tell", DeliveryState::CannotTell),
];

impl Definition {
    /// Reads a definition of a file's tree.
    ///
    /// # Errors
    ///
    /// Every fault in its form, in no order.
    pub fn of(tree: &Spanned<DeTable>) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(tree.get_ref(), 0..0);
        let definition = definition(&mut reader);
        let faults = reader.end();
        match definition {
            Some(definition) if faults.is_empty() => Ok(definition),
            _ => Err(faults),
        }
    }
}

fn definition(it: &mut Reader) -> Option<Definition> {
    let url = it.spanned("url");
    Some(Definition {
        name: it.text("name"),
        source: it.text("source"),
        note: it.text("note"),
        method: it.word("method", &METHODS).unwrap_or(Method::Post),
        number: it.word("number", &NUMBERS).unwrap_or_default(),
        calling_code: it.spanned("calling_code"),
        query: it.texts("query").unwrap_or_default(),
        headers: it.texts("headers").unwrap_or_default(),
        form: it.texts("form"),
        json: it.json("json"),
        xml: it.spanned("xml"),
        text: it.spanned("text"),
        auth: it.under("auth", auth),
        settings: it.tables("settings", setting),
        answer: it.list("answer", rule),
        check: it.spanned("check"),
        status: it.under("status", status).map(Spanned::into_inner),
        id_pattern: it.spanned("id_pattern"),
        example: it.list("example", example),
        url: it.needed("url", url)?,
    })
}

fn setting(it: &mut Reader) -> Option<Setting> {
    let help = it.text("help");
    Some(Setting {
        secret: it.flag("secret").unwrap_or_default(),
        optional: it.flag("optional").unwrap_or_default(),
        default: it.text("default"),
        pattern: it.text("pattern"),
        host: it.flag("host").unwrap_or_default(),
        example: it.text("example"),
        help: it.needed("help", help)?,
    })
}

fn auth(it: &mut Reader) -> Option<Auth> {
    let scheme = it.word("scheme", &SCHEMES);
    Some(Auth {
        user: it.text("user"),
        password: it.text("password"),
        token: it.text("token"),
        name: it.text("name"),
        value: it.text("value"),
        token_url: it.text("token_url"),
        client_id: it.text("client_id"),
        client_secret: it.text("client_secret"),
        scope: it.text("scope"),
        assertion: it.text("assertion"),
        access_key: it.text("access_key"),
        secret_key: it.text("secret_key"),
        region: it.text("region"),
        service: it.text("service"),
        application_key: it.text("application_key"),
        application_secret: it.text("application_secret"),
        consumer_key: it.text("consumer_key"),
        time_url: it.text("time_url"),
        scheme: it.needed("scheme", scheme)?,
    })
}

fn rule(it: &mut Reader) -> Option<Rule> {
    let verdict = it.word("verdict", &VERDICTS);
    Some(Rule {
        status: statuses(it),
        at: it.text("at"),
        is: scalars(it, "is").and_then(|mut all| all.pop()),
        one_of: scalars(it, "in"),
        prefix: it.text("prefix"),
        exists: it.flag("exists"),
        body: it.text("body"),
        id: it.text("id"),
        code: it.text("code"),
        retry_after: it.text("retry_after"),
        verdict: it.needed("verdict", verdict)?,
    })
}

fn status(it: &mut Reader) -> Option<Status> {
    let (url, at) = (it.spanned("url"), it.text("at"));
    let states = it.under("states", |it| Some(it.words(&STATES)));
    Some(Status {
        url: it.needed("url", url)?,
        at: it.needed("at", at)?,
        states: it.needed("states", states)?.into_inner(),
    })
}

fn example(it: &mut Reader) -> Option<Example> {
    let (status, verdict) = (statuses(it), it.word("verdict", &VERDICTS));
    let status = status.and_then(|set| set.iter().next());
    Some(Example {
        body: it.text("body").unwrap_or_default(),
        id: it.text("id"),
        documented: it.flag("documented").unwrap_or(true),
        source: it.text("source"),
        status: it.needed("status", status)?,
        verdict: it.needed("verdict", verdict)?,
    })
}

fn scalars(it: &mut Reader, key: &'static str) -> Option<Vec<Scalar>> {
    let all = it.scalars(key)?;
    Some(all.into_iter().map(|it| Scalar(it.into_inner())).collect())
}

/// `200`, `"2xx"`, `"400-499"`, or a list of such.
fn statuses(it: &mut Reader) -> Option<StatusSet> {
    let mut ranges = Vec::new();
    for text in it.scalars("status")? {
        match range(text.get_ref()) {
            Some(range) => ranges.push(range),
            None => it.fault(
                "expected a status such as 200, \"2xx\" or \"400-499\", or a list",
                text.span(),
            ),
        }
    }
    Some(StatusSet(ranges))
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (from, to) = match (text.strip_suffix("xx"), text.split_once('-')) {
        (Some(hundreds), _) => (format!("{hundreds}00"), format!("{hundreds}99")),
        (_, Some((from, to))) => (from.to_owned(), to.to_owned()),
        _ => (text.to_owned(), text.to_owned()),
    };
    let Range { start, end } = from.parse().ok()?..to.parse().ok()?;
    (100 <= start && start <= end && end <= 599).then_some((start, end))
}
