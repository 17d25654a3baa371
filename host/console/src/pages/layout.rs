//! What all pages share: head, navigation, notices, forms' hidden fields.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use textsender::site::NotTheSender;

use super::visit::Visit;
use crate::call::{Answer, Notice};

/// The style. It stands in each page, named by its hash.
pub const STYLE: &str = include_str!("../style.css");

/// The script: it inserts placeholders and counts as one types. Without it everything works too.
pub const SCRIPT: &str = include_str!("../script.js");

const PAGES: [(&str, &str); 12] = [
    ("/", "Overview"),
    ("/senders", "Text Message Settings"),
    ("/policies", "Policies"),
    ("/text", "Text Message"),
    ("/select-sender", "Select Sender"),
    ("/test", "Test Send"),
    ("/helpdesk", "Helpdesk"),
    ("/explain", "Explain"),
    ("/log", "Log"),
    ("/limits", "Limits"),
    ("/plugins", "Plugins"),
    ("/fleet", "Fleet"),
];

/// A page of the session's.
pub fn page(visit: &Visit, status: u16, title: &str, content: &Markup) -> Answer {
    Answer::Page {
        status,
        html: document(visit, title, content),
    }
}

/// The same as text.
pub fn document(visit: &Visit, title: &str, content: &Markup) -> String {
    let call = &visit.call;
    let body = html! {
        a.skip href="#content" { "To the content" }
        header {
            p.brand { "textsender" @if call.read_only { " (read only)" } }
            nav aria-label="Pages" {
                ul {
                    @for (path, name) in PAGES {
                        li { a href=(path) aria-current=[(call.path == path).then_some("page")] { (name) } }
                    }
                }
            }
            form method="post" action="/close" {
                input type="hidden" name="token" value=(call.token);
                button.quiet { "End the session" }
            }
        }
        main id="content" tabindex="-1" {
            h1 { (title) }
            @if let Some(notice) = &call.notice { (notice_box(notice)) }
            (content)
        }
    };
    whole(title, &body)
}

/// A page for who has no session.
pub fn bare(title: &str, words: &str) -> String {
    whole(title, &html! { main { h1 { (title) } p { (words) } } })
}

/// The page behind the printed address.
pub fn door(ticket: &str) -> String {
    let body = html! {
        main {
            h1 { "The console of textsender" }
            p { "This address opens one session, in this browser." }
            form method="post" action="/open" {
                input type="hidden" name="ticket" value=(ticket);
                button { "Open the console" }
            }
        }
    };
    whole("Open the console", &body)
}

/// A page that could not be made.
pub fn failed(visit: &Visit, error: &anyhow::Error) -> Answer {
    let words = match error.downcast_ref::<NotTheSender>() {
        Some(NotTheSender { account }) => format!(
            "The account {account} sends, and another one runs this console: what it would show is not how things stand. Start it with sudo."
        ),
        None => format!("{error:#}"),
    };
    page(visit, 500, "This can't be shown", &problem(&words))
}

/// Something that is wrong, as it is said.
pub fn problem(words: &str) -> Markup {
    html! { div.notice.bad role="alert" { p { strong { "Not done. " } } pre { (words) } } }
}

fn notice_box(notice: &Notice) -> Markup {
    let class = if notice.is_good {
        "notice good"
    } else {
        "notice bad"
    };
    html! {
        div class=(class) role="status" {
            p { strong { @if notice.is_good { "Done. " } @else { "Look here. " } } (notice.words) }
            @if !notice.lines.is_empty() {
                ul { @for line in &notice.lines { li { (line) } } }
            }
            @if let Some(command) = &notice.command { (command_box("The command that does the same", command)) }
        }
    }
}

/// A command.
pub fn command_box(label: &str, command: &str) -> Markup {
    html! { p.label { (label) ":" } pre.command tabindex="0" role="region" aria-label=(label) { code { (command) } } }
}

/// What each form carries: the session's token, its own id, and what it was made of.
pub fn hidden(visit: &Visit) -> Markup {
    html! {
        input type="hidden" name="token" value=(visit.call.token);
        input type="hidden" name="form" value=(visit.new_id());
        input type="hidden" name="seen" value=(visit.digest());
    }
}

/// A table that stays within narrow screens: its own box scrolls, by keyboard too.
pub fn table(caption: &str, headings: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { @for heading in headings { th scope="col" { (heading) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (column, cell) in row.iter().enumerate() {
                                @if column == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// One of several choices.
pub fn choice(name: &str, value: &str, label: &str, is_chosen: bool) -> Markup {
    html! { label.choice { input type="radio" name=(name) value=(value) checked[is_chosen]; " " (label) } }
}

/// A button that is a form of its own.
pub fn action(visit: &Visit, path: &str, label: &str) -> Markup {
    if visit.call.read_only {
        return html! {};
    }
    html! { form.inline method="post" action=(path) { (hidden(visit)) button { (label) } } }
}

fn whole(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " - textsender" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (body)
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// A value in the query of an address.
pub fn urlencoded(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}
