//! The pages. Each file has what one page shows and what its forms do; all of it runs in a worker.
//!
//! | path | file |
//! |---|---|
//! | `/` | [`overview`], [`plots`] |
//! | `/senders`, `/senders/NAME` | [`senders`], [`settings`] |
//! | `/senders/NAME/secret/KEY` | [`secret`] |
//! | `/test` | [`test_send`] |
//! | `/select-sender` | [`select_sender`] |
//! | `/helpdesk` | [`helpdesk`] |
//! | `/policies` | [`policies`], [`tree`], [`links`] |
//! | `/text` | [`text`] |
//! | `/explain` | [`explain`] |
//! | `/plugins` | [`plugins`] |
//! | `/limits`, `/limits/NAME` | [`limits`] |
//! | `/fleet` | [`fleet`] |
//! | `/log`, `/log/message`, `/log/export` | [`log`] |

mod change;
mod explain;
mod field;
mod fleet;
mod helpdesk;
mod layout;
mod limits;
mod links;
mod log;
mod overview;
mod plots;
mod plugins;
mod policies;
mod secret;
mod select_sender;
mod senders;
mod settings;
mod test_send;
mod text;
mod tree;
mod visit;

use maud::html;

use crate::call::{Answer, Call};
pub use layout::{SCRIPT, STYLE, bare, door};
use visit::Visit;

/// Whether a form that is sent there changes nothing: it may be sent however often, and in a console that is read-only.
pub fn only_looks(path: &str) -> bool {
    let path: Vec<&str> = path.trim_matches('/').split('/').collect();
    matches!(
        path[..],
        ["text", "count"] | ["explain"] | ["log"] | ["limits", _, "try"]
    )
}

/// A page, or why there is none.
type Made = anyhow::Result<Answer>;

/// Answers a call.
pub fn answer(call: Call) -> Answer {
    let visit = Visit::new(call);
    match route(&visit) {
        Ok(answer) => answer,
        Err(error) => layout::failed(&visit, &error),
    }
}

fn route(visit: &Visit) -> Made {
    let call = &visit.call;
    let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    let changes = call.is_post && !only_looks(&call.path);
    if changes && call.read_only {
        let words = html! { p { "This console was started with " code { "--read-only" } ": nothing is changed and nothing is sent." } };
        return Ok(layout::page(visit, 403, "Read only", &words));
    }
    match (call.is_post, &path[..]) {
        (false, [""]) => overview::show(visit),
        (false, ["senders"]) => senders::show(visit, None),
        (true, ["senders", "add"]) => senders::add(visit),
        (false, ["senders", name]) => settings::show(visit, name),
        (true, ["senders", name]) => settings::change(visit, name),
        (true, ["senders", name, "try"]) => settings::try_out(visit, name),
        (true, ["senders", _, "test"]) => test_send::show(visit, None),
        (true, ["senders", name, "check"]) => senders::check(visit, name),
        (true, ["senders", name, "remove"]) => senders::remove(visit, name),
        (false, ["senders", name, "secret", key]) => secret::show(visit, name, key, None),
        (true, ["senders", name, "secret", key]) => secret::store(visit, name, key),
        (false, ["test"]) => test_send::show(visit, None),
        (true, ["test"]) => test_send::send(visit),
        (false, ["select-sender"]) => select_sender::show(visit),
        (true, ["select-sender"]) => select_sender::change(visit),
        (false, ["helpdesk"]) => helpdesk::show(visit),
        (true, ["helpdesk", "sender"]) => helpdesk::change_sender(visit),
        (true, ["helpdesk", "new-password"]) => helpdesk::switch_new_password(visit),
        (false, ["policies"]) => policies::show(visit),
        (true, ["policies", "add"]) => policies::add(visit),
        (true, ["policies", "default"]) => policies::select_default(visit),
        (true, ["policies", "link"]) => links::link(visit),
        (true, ["policies", "unlink"]) => links::unlink(visit),
        (true, ["policies", "order"]) => links::set_order(visit),
        (true, ["policies", "enforce"]) => links::enforce(visit),
        (true, ["policies", "enable"]) => links::enable(visit),
        (true, ["policies", "inheritance"]) => links::inheritance(visit),
        (false, ["text"]) => text::show(visit, None),
        (true, ["text"]) => text::change(visit),
        (true, ["text", "count"]) => text::count(visit),
        (false, ["explain"]) => explain::show(visit),
        (true, ["explain"]) => explain::explain(visit),
        (false, ["plugins"]) => plugins::show(visit),
        (false, ["limits"]) => limits::show(visit),
        (false, ["limits", key]) => limits::show_one(visit, key),
        (true, ["limits", key]) => limits::change(visit, key),
        (true, ["limits", key, "try"]) => limits::try_out(visit, key),
        (true, ["limits", key, "reset"]) => limits::reset(visit, key),
        (false, ["fleet"]) => fleet::show(visit),
        (true, ["plugins", plugin, "approve"]) => plugins::approve(visit, plugin),
        (_, ["log"]) => log::show(visit),
        (false, ["log", "message"]) => log::story(visit),
        (false, ["log", "export"]) => log::export(visit),
        _ => {
            let words = html! { p { "There is no such page. " a href="/" { "To the overview" } } };
            Ok(layout::page(visit, 404, "Not found", &words))
        }
    }
}
