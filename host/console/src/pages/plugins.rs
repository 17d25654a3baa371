//! *Plugins*: each file of the folders, why one can't be used, whom it may talk to, its approval, and the providers
//! that plugins know.

use maud::{Markup, html};
use textsender::{
    config::Trust,
    edit::names::why_not,
    plugins::{
        folder,
        verify::{self, Checksum},
    },
    site::{
        Site,
        plugins::{self, Approval, PluginFile},
    },
};

use super::{Made, layout, visit::Visit};
use crate::{
    call::{Answer, Notice},
    command::{self, Command},
};

pub fn show(visit: &Visit) -> Made {
    page(visit, None)
}

fn page(visit: &Visit, problem: Option<&str>) -> Made {
    let site = visit.site()?;
    let files = plugins::files(site)?;
    let rows: Vec<Vec<Markup>> = files.iter().map(|file| row(visit, site, file)).collect();
    let providers = plugins::providers(&files);
    let provider_rows = providers.iter().map(|provider| {
        vec![
            html! { (provider.name) },
            html! { (provider.plugin) },
            html! { @if let Some(source) = &provider.source { (source) } },
            html! { @if let Some(note) = &provider.note { (note) } },
            html! { code { "textsender sender add NAME --provider " (provider.id) } },
        ]
    });
    let provider_rows: Vec<Vec<Markup>> = provider_rows.collect();
    let commands = [
        Command::new(["plugin", "list"]),
        Command::new(["provider", "list"]),
    ];
    let headings = ["File", "Plugin", "State", "Talks to", "Approval", "Used by"];
    let content = html! {
        @if let Some(problem) = problem { (layout::problem(problem)) }
        p { "They are in " code { (site.config.plugins.folder.display()) } @for folder in &site.config.plugins.further_folders { ", " code { (folder.display()) } } "." }
        p { (trust(site)) }
        @if rows.is_empty() { p { "There is none: put one there with " code { "textsender plugin install FILE" } "." } }
        @else { (layout::table("Files of the plugins folders", &headings, &rows)) }
        @if !provider_rows.is_empty() {
            h2 { "Providers" }
            (layout::table("Providers that these plugins know", &["Provider", "Plugin", "Documents", "To know", "To add one"], &provider_rows))
        }
        (layout::command_box("The commands that show the same", &command::lines(&commands, &visit.call)))
    };
    let status = if problem.is_some() { 409 } else { 200 };
    Ok(layout::page(visit, status, "Plugins", &content))
}

fn trust(site: &Site) -> &'static str {
    match site.config.plugins.trust {
        Trust::Owner => {
            "A file is trusted by its owner and mode. Approvals count once [plugins] trust is \"pinned\"."
        }
        Trust::Pinned => {
            "Only approved files are loaded, as [plugins] trust is \"pinned\": a new version or a new host has to be approved first."
        }
    }
}

fn row(visit: &Visit, site: &Site, file: &PluginFile) -> Vec<Markup> {
    let named = file.plugin.as_deref();
    vec![
        html! { (file.file) },
        html! {
            @if let Some(described) = &file.description { (described.info.name) " " (described.info.version) }
            @else { (named.unwrap_or("-")) }
        },
        html! {
            @match &file.refused {
                None => span.good { span aria-hidden="true" { "✓" } " can be used" },
                Some(why) => span.bad { span aria-hidden="true" { "✗" } " " (why) },
            }
        },
        html! {
            @if let Some(described) = &file.description {
                @if described.info.hosts.is_empty() { "hosts in its senders' settings" }
                @else { (described.info.hosts.join(", ")) }
            } @else { "-" }
        },
        approval(visit, site, file),
        html! { (if file.used_by.is_empty() { "no sender".to_owned() } else { file.used_by.join(", ") }) },
    ]
}

/// How a plugin's approval stands, and the button that approves it.
fn approval(visit: &Visit, site: &Site, file: &PluginFile) -> Markup {
    let (Some(plugin), Some(described)) = (&file.plugin, &file.description) else {
        return html! { "-" };
    };
    let path = folder::find(&site.config.plugins, plugin);
    let stands = match plugins::approval(site, plugin, &path, described) {
        Ok(Approval::Approved) => return html! { "approved" },
        Ok(Approval::OtherFile) => "another file is approved".to_owned(),
        Ok(Approval::NewHosts(hosts)) => format!("not for {}", hosts.join(", ")),
        Ok(Approval::Absent) => "not approved".to_owned(),
        Err(error) => return html! { (error) },
    };
    html! {
        (stands) " "
        @if !visit.call.read_only {
            form.inline method="post" action={ "/plugins/" (plugin) "/approve" } {
                (layout::hidden(visit))
                button aria-label={ "Approve " (plugin) } { "Approve" }
            }
        }
    }
}

/// Approves a plugin, after it was shown what exactly. With the rights of the account that runs the console.
pub fn approve(visit: &Visit, plugin: &str) -> Made {
    let site = Site::at(&visit.call.config)?;
    if visit.call.field("step") != Some("save") {
        return match looked_at(&site, plugin) {
            Ok((checksum, hosts)) => Ok(ask(visit, plugin, checksum, &hosts)),
            Err(why) => page(visit, Some(&why)),
        };
    }
    let seen = visit.call.field("sha256").unwrap_or_default();
    let (approved, described) = match plugins::approve(&site, plugin, Some(seen), || {}) {
        Ok(done) => done,
        Err(error) => return page(visit, Some(&format!("{error:#}"))),
    };
    let words = match approved.is_new {
        true => format!("Approved {plugin} {}.", described.info.version),
        false => format!("{plugin} is approved already."),
    };
    Ok(Answer::Done {
        location: "/plugins".to_owned(),
        notice: Notice {
            is_good: true,
            words,
            lines: Vec::new(),
            command: Some(command(plugin).line(&visit.call)),
        },
    })
}

/// What would be approved: the file's checksum, and the hosts.
fn looked_at(site: &Site, plugin: &str) -> Result<(Checksum, Vec<String>), String> {
    let file = folder::find(&site.config.plugins, plugin);
    let described = site.describe(plugin);
    let described = described.map_err(|reason| why_not(&reason, &file))?;
    let checksum = verify::inspect(&file).checksum;
    let checksum = checksum.ok_or_else(|| format!("{} can't be read", file.display()))?;
    Ok((checksum, described.info.hosts))
}

fn ask(visit: &Visit, plugin: &str, checksum: Checksum, hosts: &[String]) -> Answer {
    let checksum = checksum.to_string();
    let content = html! {
        h2 { "What changes" }
        p { "In " code { "plugins.lock" } " the plugin " strong { (plugin) } " is approved as this file alone, and for these hosts alone:" }
        pre.difference tabindex="0" role="region" aria-label="What is approved" {
            ins { "+ sha256  " (checksum) "\n" }
            @if hosts.is_empty() { ins { "+ hosts   none but those in its senders' settings\n" } }
            @for host in hosts { ins { "+ host    " (host) "\n" } }
        }
        (layout::command_box("The command that does the same", &command(plugin).line(&visit.call)))
        form method="post" action=(visit.call.path) {
            (layout::hidden(visit))
            input type="hidden" name="sha256" value=(checksum);
            input type="hidden" name="step" value="save";
            button id="save" { "Save" } " "
            a.button href="/plugins" { "Back" }
        }
    };
    layout::page(visit, 200, &format!("Approve {plugin}"), &content)
}

fn command(plugin: &str) -> Command {
    Command::new(["plugin", "trust", plugin])
}
