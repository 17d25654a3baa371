//! What the commands that change the configuration share: their flags, and how a change is told.

use super::{
    Common,
    output::{Output, Style, notice},
};
use crate::edit::{Applied, Difference, Editor, LineKind, Order};

/// What every command takes that changes the configuration.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub(super) struct EditOptions {
    /// Makes the change even if it brings a fault, and says what will fail
    #[arg(long, help_heading = "Change")]
    force: bool,
    /// Shows what would change, and changes nothing
    #[arg(long, help_heading = "Change")]
    dry_run: bool,
}

impl EditOptions {
    /// Makes a change, or shows it. `None` if it was only shown.
    pub(super) fn apply<O: Order>(
        self,
        common: &Common,
        order: &O,
        out: &Output,
    ) -> anyhow::Result<Option<O::Done>> {
        let editor = editor(common).force(self.force);
        let applied = match self.dry_run {
            true => editor.preview(order)?,
            false => editor.apply(order)?,
        };
        if self.dry_run {
            show(&applied.difference, out);
        }
        warn(&applied, out);
        Ok((!self.dry_run).then_some(applied.done))
    }
}

/// Makes changes of the configuration that the command line names.
pub(super) fn editor(common: &Common) -> Editor {
    Editor::new(common.config_file().path).on_wait(say_wait)
}

/// Said once, where another change has to be waited for.
pub(super) fn say_wait() {
    notice("waiting for another textsender command to finish its change");
}

/// A difference as `diff` shows one.
pub(super) fn show(difference: &Difference, out: &Output) {
    if difference.files.is_empty() {
        out.line("nothing changes");
    }
    for file in &difference.files {
        out.line(out.paint(Style::Heading, file.path.display()));
        for line in &file.lines {
            let (mark, style) = match line.kind {
                LineKind::Same => (' ', Style::Faint),
                LineKind::Removed => ('-', Style::Bad),
                LineKind::Added => ('+', Style::Good),
            };
            out.whole(out.paint(style, format_args!("{mark} {}", line.text)));
        }
    }
}

/// What a change broke that was forced.
pub(super) fn warn<T>(applied: &Applied<T>, out: &Output) {
    if applied.forced.is_empty() {
        return;
    }
    let words = match applied.stops_all {
        true => "forced: until this is fixed, every message fails as misconfigured",
        false => "forced: until this is fixed, messages that depend on it fail as misconfigured",
    };
    out.line(out.paint(Style::Attention, words));
    out.whole(format_args!("\n{}", applied.forced_shown.trim_end()));
}
