//! A change, in two steps: shown with its difference and its command, then made. It is refused where the
//! configuration changed after the form was made.

use anyhow::anyhow;
use maud::{Markup, html};
use textsender::edit::{AsSeen, Difference, EditError, LineKind, Order};

use super::{Made, layout, visit::Visit};
use crate::{
    call::{Answer, Notice},
    command::{self, Command},
};

/// What a form asks for.
pub struct Change<'c, O> {
    /// What is done, such as `Edit twilio`.
    pub title: &'c str,
    /// The change.
    pub order: O,
    /// The commands that make it.
    pub commands: Vec<Command>,
    /// Where the form is: the way back.
    pub back: String,
    /// Where to go on once it is made.
    pub next: String,
    /// What is said then.
    pub words: String,
}

/// What became of a form.
pub enum Attempt {
    /// It is answered.
    Answered(Answer),
    /// It was refused: why. The form is shown again, as things are now.
    Refused(String),
}

impl<O: Order + Clone> Change<'_, O> {
    /// Shows what would change, or makes the change.
    ///
    /// # Errors
    ///
    /// The form is none of ours.
    pub fn carry_out(&self, visit: &Visit) -> anyhow::Result<Attempt> {
        let order = AsSeen {
            order: self.order.clone(),
            digest: visit.seen()?,
        };
        let is_forced = visit.call.field("force") == Some("yes");
        let editor = visit.editor();
        if visit.call.field("step") != Some("save") {
            return Ok(match editor.preview(&order) {
                Ok(applied) => Attempt::Answered(self.confirm(visit, &applied.difference, "")),
                Err(error @ EditError::NewFaults { .. }) => self.faults(visit, &error),
                Err(error) => Attempt::Refused(words(error)),
            });
        }
        match editor.apply(&order) {
            Ok(_) => Ok(Attempt::Answered(Answer::Done {
                location: self.next.clone(),
                notice: Notice {
                    is_good: true,
                    words: self.words.clone(),
                    lines: Vec::new(),
                    command: Some(self.command(visit, is_forced)),
                },
            })),
            Err(error @ EditError::NewFaults { .. }) => Ok(self.faults(visit, &error)),
            Err(error) => Ok(Attempt::Refused(words(error))),
        }
    }

    fn command(&self, visit: &Visit, is_forced: bool) -> String {
        let force = |command: &Command| match is_forced {
            true => command.clone().arg("--force"),
            false => command.clone(),
        };
        let commands: Vec<Command> = self.commands.iter().map(force).collect();
        command::lines(&commands, &visit.call)
    }

    /// It would be at fault: shown with the difference, and made only if that is wanted.
    fn faults(&self, visit: &Visit, error: &EditError) -> Attempt {
        let EditError::NewFaults { shown, .. } = error else {
            return Attempt::Refused(error.to_string());
        };
        let order = AsSeen {
            order: self.order.clone(),
            digest: visit.call.field("seen").unwrap_or_default().to_owned(),
        };
        match visit.editor().force(true).preview(&order) {
            Ok(applied) => {
                Attempt::Answered(self.confirm(visit, &applied.difference, shown.trim_end()))
            }
            Err(error) => Attempt::Refused(words(error)),
        }
    }

    fn confirm(&self, visit: &Visit, difference: &Difference, faults: &str) -> Answer {
        let is_forced = !faults.is_empty();
        let call = &visit.call;
        let again = call
            .form
            .iter()
            .filter(|(name, _)| !["step", "force", "kept"].contains(&name.as_str()));
        let content = html! {
            @if is_forced {
                div.notice.bad role="alert" {
                    p { strong { "The result would have these faults:" } }
                    pre { (faults) }
                }
            }
            (shown(difference))
            (layout::command_box("The command that does the same", &self.command(visit, is_forced)))
            form method="post" action=(call.path) {
                @for (name, value) in again { input type="hidden" name=(name) value=(value); }
                input type="hidden" name="step" value="save";
                @if is_forced { input type="hidden" name="force" value="yes"; }
                @if !difference.files.is_empty() {
                    button id="save" { @if is_forced { "Save anyway" } @else { "Save" } }
                }
                a.button href=(self.back) { "Back" }
            }
        };
        let status = if is_forced { 422 } else { 200 };
        layout::page(visit, status, self.title, &content)
    }
}

impl Attempt {
    /// The answer; or the form again, with why it was refused.
    ///
    /// # Errors
    ///
    /// The form can't be shown.
    pub fn or_again(self, again: impl FnOnce(&str) -> Made) -> Made {
        match self {
            Self::Answered(answer) => Ok(answer),
            Self::Refused(why) => again(&why),
        }
    }
}

/// All of an error, and what to do about it.
pub fn words(error: EditError) -> String {
    match error {
        EditError::Changed => "The configuration was changed elsewhere since this page was loaded. Nothing was changed here. Below is how it is now.".to_owned(),
        other => format!("{:#}", anyhow!(other)),
    }
}

/// A difference, line by line, readable without colour.
fn shown(difference: &Difference) -> Markup {
    html! {
        h2 { "What changes" }
        @if difference.files.is_empty() { p { "Nothing changes." } }
        @for file in &difference.files {
            p.label { (file.path.display()) }
            pre.difference tabindex="0" role="region" aria-label={ "Difference of " (file.path.display()) } {
                @for line in &file.lines {
                    @match line.kind {
                        LineKind::Same => span { "  " (line.text) "\n" },
                        LineKind::Removed => del { "- " (line.text) "\n" },
                        LineKind::Added => ins { "+ " (line.text) "\n" },
                    }
                }
            }
        }
    }
}
