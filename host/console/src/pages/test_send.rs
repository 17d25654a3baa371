//! *Test Send*: one real text, after one more question. Number and code stand in no page: the front keeps them from
//! the form to the question; so it does settings of a sender that are to be tried before they are saved. The form's id is the message's: however often it arrives, it is sent once.

use maud::html;
use textsender::{
    config::{Sources, WithoutPlus},
    dispatch::Dispatch,
    failpoint::Failpoints,
    os::accounts,
    protocol::{ErrorCode, Outcome, Request, Response, TestRequest},
    recipient::{Recipient, Region},
    site::block_on,
};
use textsender_plugin_api::Level;

use super::{Made, layout, settings, visit::Visit};
use crate::{
    call::{Answer, Call, Notice},
    command::Command,
};

pub fn show(visit: &Visit, problem: Option<&str>) -> Made {
    let site = visit.site()?;
    let call = &visit.call;
    let chosen = |name: &str| call.field(name).or(call.asked(name)).unwrap_or_default();
    let (sender, policy) = (chosen("sender"), chosen("policy"));
    let content = html! {
        @if let Some(problem) = problem { (layout::problem(problem)) }
        p { "One real text, marked as a test, on the way that every text takes. Providers charge for it." }
        form method="post" action="/test" autocomplete="off" {
            (layout::hidden(visit))
            @if let Some(name) = call.given("unsaved") {
                p { "By the sender " strong { (name) } ", with the settings as they were typed, which are not saved." }
                input type="hidden" name="sender" value=(name);
                @for (name, value) in unsaved(call) { input type="hidden" name=(name) value=(value); }
            } @else {
                p {
                    label for="sender" { "Text Message Sender" }
                    select id="sender" name="sender" {
                        option value="" { "The policy's" }
                        @for name in site.config.senders.keys() { option value=(name) selected[sender == name] { (name) } }
                    }
                }
            }
            p {
                label for="policy" { "Policy" }
                select id="policy" name="policy" {
                    option value="" { "The default one" }
                    @for known in &site.config.policies {
                        option value=(known.name.value) selected[policy == known.name.as_str()] { (known.name.value) }
                    }
                }
            }
            p {
                label for="phone" { "Mobile number" }
                input id="phone" name="phone" type="tel" required aria-describedby="phone-help";
                span.help id="phone-help" { "With + and country code, or as it is dialled in the policy's country." }
            }
            p {
                label for="code" { "Code" }
                input id="code" name="code" required minlength="4" maxlength="64" aria-describedby="code-help";
                span.help id="code-help" { "4 to 64 characters, such as test-1234." }
            }
            @if !call.read_only { button id="ok" { "Go on" } }
        }
    };
    let status = if problem.is_some() { 409 } else { 200 };
    Ok(layout::page(visit, status, "Test Send", &content))
}

/// The fields of a form that has settings which are not saved.
fn unsaved(call: &Call) -> impl Iterator<Item = (&str, &str)> {
    let is_part = |name: &str| {
        let beginnings = ["set.", "key.", "value."];
        name == "unsaved"
            || beginnings
                .iter()
                .any(|beginning| name.starts_with(beginning))
    };
    let fields = call.form.iter();
    let fields = fields.map(|(name, value)| (name.as_str(), value.as_str()));
    fields.filter(move |(name, _)| is_part(name))
}

/// What is sent with: with settings that are not saved, if there are some.
fn sources(call: &Call, visit: &Visit) -> anyhow::Result<Sources> {
    match call.given("unsaved") {
        Some(name) => settings::unsaved(visit, name),
        None => Ok(Sources::read(&call.config)),
    }
}

pub fn send(visit: &Visit) -> Made {
    // Before this process becomes the account that sends: a draft is made with the rights of who changes things.
    let sources = match sources(&visit.call, visit) {
        Ok(sources) => sources,
        Err(error) => return show(visit, Some(&format!("{error:#}"))),
    };
    let site = visit.site()?;
    let sender = visit.call.given("sender");
    let policy = visit.call.given("policy");
    if let Some(sender) = sender {
        site.known_sender(sender)?;
    }
    if let Some(policy) = policy {
        site.policy(policy)?;
    }
    match visit.call.field("step") {
        Some("send") => Ok(sent(visit, sources)),
        _ => match masked(visit) {
            Ok(number) => Ok(ask(visit, &number)),
            Err(why) => show(visit, Some(&why)),
        },
    }
}

/// The number as it may be shown.
fn masked(visit: &Visit) -> Result<String, String> {
    let site = visit.site().map_err(|error| format!("{error:#}"))?;
    let named = visit.call.given("policy");
    let default = site.config.defaults.policy.as_ref();
    let named = named.or(default.map(|policy| policy.value.as_str()));
    let reach = named.and_then(|name| site.policy(name).ok());
    let reach = reach.map(|policy| &policy.reach);
    let region = reach.and_then(|reach| reach.region.as_ref());
    let region = region.and_then(|region| Region::parse(region).ok());
    let without_plus = reach.and_then(|reach| reach.numbers_without_plus);
    let without_plus = without_plus.unwrap_or(WithoutPlus::Ask);
    let phone = visit.call.given("phone").unwrap_or_default();
    let recipient = Recipient::read(phone, region, without_plus);
    recipient
        .map(|recipient| recipient.phone.to_string())
        .map_err(|error| error.to_string())
}

/// The question. What was typed is kept by the front.
fn ask(visit: &Visit, number: &str) -> Answer {
    let call = &visit.call;
    let by = match call.given("sender") {
        Some(sender) if call.given("unsaved").is_some() => {
            format!("the sender {sender}, with settings that are not saved")
        }
        Some(sender) => format!("the sender {sender}"),
        None => "the policy's sender".to_owned(),
    };
    let kept = visit.new_id();
    let content = html! {
        p { "Send one text to " strong { (number) } " with " strong { (by) } "?" }
        (layout::command_box("The command that does the same", &command(visit)))
        form method="post" action="/test" {
            (layout::hidden(visit))
            input type="hidden" name="kept" value=(kept);
            input type="hidden" name="step" value="send";
            button id="send" { "Send" } " "
            a.button href="/test" { "Cancel" }
        }
    };
    let names = ["sender", "policy", "phone", "code"];
    let fields = call
        .form
        .iter()
        .filter(|(name, _)| names.contains(&name.as_str()));
    let unsaved = unsaved(call).map(|(name, value)| (name.to_owned(), value.to_owned()));
    Answer::Ask {
        html: layout::document(visit, "Test Send", &content),
        name: kept,
        fields: fields.cloned().chain(unsaved).collect(),
    }
}

fn command(visit: &Visit) -> String {
    let mut command = Command::new(["test-send"]);
    for name in ["sender", "policy"] {
        if let Some(value) = visit.call.given(name) {
            command = command.option(&format!("--{name}"), value);
        }
    }
    command.line(&visit.call)
}

fn sent(visit: &Visit, sources: Sources) -> Answer {
    let response = match response(visit, sources) {
        Ok(response) => response,
        Err(error) => {
            return Answer::Done {
                location: "/test".to_owned(),
                notice: Notice {
                    is_good: false,
                    words: format!("Nothing was sent: {error:#}"),
                    lines: Vec::new(),
                    command: Some(command(visit)),
                },
            };
        }
    };
    let words = match (&response.error, &response.sender) {
        (Some(error), _) => format!("{}: {}", response.outcome, error.message),
        (None, Some(sender)) => format!(
            "{} by {sender}: look at the phone, as accepted is not yet delivered",
            response.outcome
        ),
        (None, None) => response.outcome.to_string(),
    };
    Answer::Done {
        location: "/test".to_owned(),
        notice: Notice {
            is_good: response.outcome == Outcome::Accepted,
            words,
            lines: facts(&response),
            command: Some(command(visit)),
        },
    }
}

fn response(visit: &Visit, sources: Sources) -> anyhow::Result<Response> {
    let call = &visit.call;
    let request = Request::test(TestRequest {
        id: Some(call.form_id.clone()),
        phone: call.given("phone").unwrap_or_default().to_owned(),
        code: call.field("code").unwrap_or_default().to_owned(),
        actor: accounts::name_of(accounts::caller()),
        sender: call.given("sender").map(str::to_owned),
        policy: call.given("policy").map(str::to_owned),
    });
    let request = match request {
        Ok(request) => request,
        Err(failure) => return Ok(Response::failed(None, &failure)),
    };
    let sent = block_on(async {
        let dispatch = Dispatch::open_read(sources, Level::Error, Failpoints::default())?;
        let response = dispatch.send(&request).await;
        dispatch.close().await;
        Ok(response)
    })?;
    Ok(sent.unwrap_or_else(|failure| Response::failed(None, &failure)))
}

/// The whole outcome, a line each.
fn facts(response: &Response) -> Vec<String> {
    let segments = response.segments.map(|count| count.to_string());
    let facts = [
        ("to", response.recipient.clone()),
        ("policy", response.policy.clone()),
        ("segments", segments),
        ("provider's id", response.provider_id.clone()),
        ("our id", response.id.clone()),
    ];
    let mut lines: Vec<String> = facts
        .into_iter()
        .filter_map(|(name, fact)| Some(format!("{name}: {}", fact?)))
        .collect();
    lines.extend(response.attempts.iter().map(|attempt| {
        let code = attempt.code.as_deref().unwrap_or_default();
        format!(
            "attempt by {}: {} {code} in {} ms",
            attempt.sender, attempt.outcome, attempt.ms
        )
    }));
    let code = response.error.as_ref().and_then(|error| {
        let mut codes = ErrorCode::ALL.iter();
        codes.find(|code| code.as_str() == error.code)
    });
    lines.extend(code.map(|code| format!("what to do: {}", code.remedy())));
    if response.replayed {
        lines.push(
            "This form was sent before: this is what came of it, and nothing was sent again."
                .to_owned(),
        );
    }
    lines
}
