//! *Text Message Sender*, *Text Message* and *Select Placeholder*: what users read, and by whom it is sent.

use std::time::Duration;

use maud::{Markup, html};
use textsender::{
    check::{self, OfferedPlaceholder},
    config::{SendOptions, Text},
    decision,
    edit::{
        policies::{Fallback, SetPolicySender},
        texts::{Owner, SetText, can_be_sent, plain_lines},
    },
    site::block_on,
    text::{
        TextValues, Texts,
        segments::{Encoding, Segments},
    },
};
use textsender_plugin_api::Purpose;

use super::{
    Made,
    change::Change,
    layout::{self, urlencoded},
    visit::Visit,
};
use crate::{
    call::{Answer, Call},
    command::Command,
};

pub fn show(visit: &Visit, problem: Option<&str>) -> Made {
    match owner(&visit.call) {
        Some(owner) => form(visit, &owner, problem),
        None => choose(visit),
    }
}

/// Whose text, if nothing says: a list.
fn choose(visit: &Visit) -> Made {
    let site = visit.site()?;
    let content = html! {
        p { "Whose text message?" }
        ul {
            @for policy in &site.config.policies {
                li { a href={ "/text?policy=" (urlencoded(policy.name.as_str())) } { "Policy " (policy.name.value) } }
            }
            li { a href="/text?helpdesk=helpdesk_code" { "Helpdesk: the code that a user reads out" } }
            li { a href="/text?helpdesk=new_password" { "Helpdesk: the new password" } }
        }
        @if site.config.policies.is_empty() { p { "There is no policy yet. " a href="/policies" { "Add one." } } }
    };
    Ok(layout::page(visit, 200, "Text Message", &content))
}

fn owner(call: &Call) -> Option<Owner> {
    let named = |name: &str| call.given(name).or(call.asked(name));
    match (named("policy"), named("helpdesk")) {
        (Some(policy), _) => Some(Owner::Policy(policy.to_owned())),
        (None, Some("new_password")) => Some(Owner::Helpdesk(Purpose::NewPassword)),
        (None, Some(_)) => Some(Owner::Helpdesk(Purpose::HelpdeskCode)),
        (None, None) => None,
    }
}

fn locale(call: &Call) -> Option<String> {
    let locale = call.given("locale").or(call.asked("locale"));
    locale.map(str::to_owned)
}

/// The field, and the query, that names the owner.
fn named(owner: &Owner) -> (&'static str, &str) {
    match owner {
        Owner::Policy(name) => ("policy", name),
        Owner::Helpdesk(purpose) => ("helpdesk", purpose.as_str()),
    }
}

fn form(visit: &Visit, owner: &Owner, problem: Option<&str>) -> Made {
    let site = visit.site()?;
    let call = &visit.call;
    let locale = locale(call);
    let found = owner.text(&site.config)?;
    let now = found.and_then(|(text, _)| of_locale(text, locale.as_deref()));
    let options = owner.options(&site.config)?.cloned().unwrap_or_default();
    let senders = block_on(check::capabilities(&site.config, &options))?;
    let offered = check::offered(owner.purpose(), &senders);
    let mut text = plain_lines(call.field("text").or(now).unwrap_or_default());
    if call.field("step") == Some("insert") {
        text.push_str(call.field("placeholder").unwrap_or_default());
    }
    let (field, name) = named(owner);
    let translations = found
        .into_iter()
        .flat_map(|(text, _)| text.translations.keys());
    let content = html! {
        @if let Some(problem) = problem { (layout::problem(problem)) }
        p { a href="/text" { "Another text" } }
        form method="post" action="/text" {
            (layout::hidden(visit))
            input type="hidden" name=(field) value=(name);
            @if let Some(tag) = &locale { input type="hidden" name="locale" value=(tag); }
            @if let (Owner::Policy(_), None) = (owner, &locale) {
                (sender_choice(site.config.senders.keys(), call, &options))
            }
            p {
                label for="text" { "Text Message" @if let Some(tag) = &locale { " (" (tag) ")" } }
                textarea id="text" name="text" rows="4" required aria-describedby="text-help" { (text) }
                span.help id="text-help" { "%% is a percent sign. A default stands for a value that may be absent: %name|there%." }
            }
            (placeholder_choice(&offered))
            (measure(owner, &options, &text))
            @if !call.read_only { button id="ok" { "OK" } " " a.button href="/policies" { "Cancel" } }
        }
        @for (sender, of) in senders.iter().filter(|(_, of)| !of.words) {
            @let _ = of;
            p { "Through the sender " (sender) " the user reads the provider's own text: of this text only the values are used." }
        }
        h2 { "Languages" }
        ul {
            li { a href={ "/text?" (field) "=" (urlencoded(name)) } { "All others" } }
            @for tag in translations { li { a href={ "/text?" (field) "=" (urlencoded(name)) "&locale=" (tag) } { (tag) } } }
        }
        form method="get" action="/text" {
            input type="hidden" name=(field) value=(name);
            p {
                label for="locale" { "Another language" }
                input id="locale" name="locale" required size="8" aria-describedby="locale-help";
                span.help id="locale-help" { "Its tag, such as cy or pt-BR." }
            }
            button { "Write it" }
        }
    };
    let status = if problem.is_some() { 409 } else { 200 };
    let title = format!("Text Message: {}", owner.name());
    Ok(layout::page(visit, status, &title, &content))
}

fn of_locale<'t>(text: &'t Text, locale: Option<&str>) -> Option<&'t str> {
    match locale {
        Some(tag) => text.translations.get(tag).map(|text| text.as_str()),
        None => Some(text.text.as_str()),
    }
}

fn sender_choice<'s>(
    senders: impl Iterator<Item = &'s String>,
    call: &Call,
    options: &SendOptions,
) -> Markup {
    let set = options.sender.as_ref().map(|sender| sender.value.as_str());
    let chosen = call.field("sender").or(set).unwrap_or_default();
    html! {
        p {
            label for="sender" { "Text Message Sender" }
            select id="sender" name="sender" {
                option value="" { "The default" }
                @for name in senders { option value=(name) selected[chosen == name] { (name) } }
            }
        }
    }
}

/// A drop-down and a button: without the script the button appends, with it the placeholder goes where the cursor is.
fn placeholder_choice(offered: &[OfferedPlaceholder]) -> Markup {
    html! {
        p {
            label for="placeholder" { "Select Placeholder" }
            select id="placeholder" name="placeholder" {
                @for offered in offered {
                    option value=(offered.placeholder) {
                        (offered.placeholder)
                        @if offered.is_needed { " (needed)" }
                        @if !offered.lacking.is_empty() { " (not by " (offered.lacking.join(", ")) ")" }
                    }
                }
            }
            " "
            button id="insert" name="step" value="insert" formnovalidate { "Insert" }
            " "
            button id="measure" name="step" value="measure" { "Show length and phone" }
        }
    }
}

pub fn change(visit: &Visit) -> Made {
    let call = &visit.call;
    if matches!(call.field("step"), Some("insert" | "measure")) {
        return show(visit, None);
    }
    let Some(owner) = owner(call) else {
        return choose(visit);
    };
    let site = textsender::site::Site::at(&call.config)?;
    let locale = locale(call);
    let text = plain_lines(call.field("text").unwrap_or_default());
    let found = owner.text(&site.config)?;
    let now = found.and_then(|(text, _)| of_locale(text, locale.as_deref()));
    let (field, name) = named(&owner);
    let mut commands = Vec::new();
    let set_text = (now != Some(&text)).then(|| {
        let mut command = Command::new(["text", "set", &format!("--{field}"), name]);
        if let Some(tag) = &locale {
            command = command.option("--locale", tag);
        }
        commands.push(command.input(&text));
        SetText {
            owner: owner.clone(),
            locale: locale.clone(),
            text: text.clone(),
        }
    });
    let options = owner.options(&site.config)?.cloned().unwrap_or_default();
    let set = options.sender.as_ref().map(|sender| sender.value.as_str());
    let chosen = call
        .field("sender")
        .map(|sender| Some(sender).filter(|it| !it.is_empty()));
    let set_sender = match (&owner, chosen) {
        (Owner::Policy(policy), Some(sender)) if sender != set => {
            let command = Command::new(["policy", "set-sender", policy]);
            commands.push(command.arg(sender.unwrap_or("--default")));
            Some(SetPolicySender {
                policy: policy.clone(),
                sender: sender.map(str::to_owned),
                fallback: Fallback::Keep,
            })
        }
        _ => None,
    };
    let query = format!("/text?{field}={}", urlencoded(name));
    let change = Change {
        title: &format!("Text Message: {}", owner.name()),
        order: (set_text, set_sender),
        commands,
        back: query.clone(),
        next: query,
        words: format!("Changed the text message of {}.", owner.name()),
    };
    change
        .carry_out(visit)?
        .or_again(|why| show(visit, Some(why)))
}

/// Length and look of a text as it is typed, for the script.
pub fn count(visit: &Visit) -> Made {
    let site = visit.site()?;
    let Some(owner) = owner(&visit.call) else {
        return Ok(Answer::Fragment(String::new()));
    };
    let options = owner.options(&site.config)?.cloned().unwrap_or_default();
    let text = plain_lines(visit.call.field("text").unwrap_or_default());
    Ok(Answer::Fragment(
        measure(&owner, &options, &text).into_string(),
    ))
}

/// How long a text becomes, and how it looks on a phone.
fn measure(owner: &Owner, options: &SendOptions, text: &str) -> Markup {
    let inner = match measured(owner, options, text) {
        Ok(inner) => inner,
        Err(why) => html! { p.attention { "Not a text that can be sent yet." } pre { (why) } },
    };
    html! { div id="measured" role="status" { (inner) } }
}

fn measured(owner: &Owner, options: &SendOptions, text: &str) -> Result<Markup, String> {
    if text.is_empty() {
        return Ok(html! { p { "No text yet." } });
    }
    can_be_sent(owner.purpose(), text, options.fold).map_err(|error| {
        let words = error.to_string();
        let shown = words.split_once("\n\n").map(|(_, shown)| shown.to_owned());
        shown.unwrap_or(words)
    })?;
    let texts = compiled(owner, options, text)?;
    let longest = texts.longest();
    let longest = longest.first().map(|longest| &longest.segments);
    let zeroes = "0".repeat(decision::code_length(options));
    let values = TextValues {
        code: Some(&zeroes),
        password: Some(&zeroes),
        user: Some("ada"),
        name: Some("Ada"),
        expires_in: Some(Duration::from_secs(600)),
        message: None,
    };
    let sample = texts
        .render(None, &values)
        .map_err(|error| error.to_string())?;
    Ok(html! {
        @if let Some(longest) = longest { p { (length(longest)) } }
        p.label { "On the phone, with zeroes for the code:" }
        p.phone { (sample.text) }
    })
}

/// Compiled with everything that the configuration says of it, but as the only text.
fn compiled(owner: &Owner, options: &SendOptions, text: &str) -> Result<Texts, String> {
    let of_config = Text {
        text: textsender::config::Located {
            value: text.to_owned(),
            place: Default::default(),
        },
        translations: Default::default(),
    };
    let first = |faults: Vec<textsender::text::TextFault>| {
        let first = faults.first().map(ToString::to_string);
        first.unwrap_or_default()
    };
    decision::texts(owner.purpose(), &of_config, options).map_err(first)
}

fn length(segments: &Segments) -> Markup {
    let encoding = match segments.encoding {
        Encoding::Gsm => "characters of the GSM alphabet",
        Encoding::Utf16 => "UTF-16 units, as a character is not of the GSM alphabet",
    };
    html! {
        strong { (segments.count) @if segments.count == 1 { " segment" } @else { " segments" } }
        " at most: " (segments.units) " " (encoding) "."
        @if !segments.costly.is_empty() {
            " Costly: "
            @for costly in &segments.costly { code { (costly.character) } " " }
        }
    }
}
