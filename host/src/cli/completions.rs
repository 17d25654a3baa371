//! `textsender completions` and `textsender man`: made from the command line's own definition. Names that only the
//! configuration knows are asked for when they are to be completed.

mod names;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use super::{
    Cli, Common,
    output::{Output, print},
};
use crate::protocol::Outcome;

/// Writes the completions of a shell
#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    textsender completions bash > /usr/share/bash-completion/completions/textsender")]
pub(super) struct Completions {
    /// The shell
    #[arg(required_unless_present = "words")]
    shell: Option<Shell>,
    /// What may stand in place of the last of these words, a line each: the scripts ask
    #[arg(last = true, hide = true, value_hint = clap::ValueHint::Other)]
    words: Vec<String>,
}

/// What a script does beside what is generated: it asks for names, and takes them as they are.
const BASH: &str = r#"
_textsender_names() {
    local name names
    _textsender "$@"
    mapfile -t names < <(textsender completions -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
    [ "${#names[@]}" -gt 0 ] || return 0
    COMPREPLY=()
    for name in "${names[@]}"; do
        printf -v name %q "$name"
        COMPREPLY+=("$name")
    done
    [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2> /dev/null
}
complete -F _textsender_names -o bashdefault -o default textsender
"#;

const ZSH: &str = r#"
_textsender_names() {
    local -a names
    names=("${(@f)$(textsender completions -- "${(@)words[2,CURRENT]}" 2> /dev/null)}")
    names=(${names:#})
    (( $#names )) && compadd -- "${names[@]}" && return
    _textsender "$@"
}
compdef _textsender_names textsender
"#;

/// It asks of an option's value only what is said of that option.
const FISH: &str = r#"
set -l names '(textsender completions -- (commandline -opc)[2..-1] (commandline -ct) 2> /dev/null)'
complete -c textsender -f -a $names
for option in sender fallback caller policy plugin provider unset
    complete -c textsender -n "test (commandline -opc)[-1] = --$option" -l $option -x -a $names
end
"#;

/// Writes the manual page, or with a folder one for each command
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  textsender man | man -l -\n  textsender man --folder /usr/share/man/man1"
)]
pub(super) struct Man {
    /// Writes textsender.1, textsender-sender.1 and so on there
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(&self, common: &Common) -> ExitCode {
        let Some(shell) = self.shell else {
            let names = names::candidates(&Cli::command(), &self.words, common);
            print(
                &names
                    .iter()
                    .map(|name| format!("{name}\n"))
                    .collect::<String>(),
            );
            return ExitCode::SUCCESS;
        };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "textsender", &mut script);
        print(&String::from_utf8_lossy(&script));
        print(match shell {
            Shell::Bash => BASH,
            Shell::Zsh => ZSH,
            Shell::Fish => FISH,
            _ => "",
        });
        ExitCode::SUCCESS
    }
}

impl Man {
    pub(super) fn run(&self, out: &Output) -> anyhow::Result<ExitCode> {
        match &self.folder {
            Some(folder) => {
                write_pages(&command(), folder)
                    .with_context(|| format!("{} can't be written", folder.display()))?;
                out.line(format_args!(
                    "wrote the manual pages to {}",
                    folder.display()
                ));
            }
            None => print(&page(&command())?),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn command() -> clap::Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

/// A page for each command, below the whole's.
fn write_pages(command: &clap::Command, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        write_pages(below, folder)?;
    }
    fs::write(folder.join(name(command) + ".1"), page(command)?)
}

/// Such as `textsender-sender-add`.
fn name(command: &clap::Command) -> String {
    let name = command.get_display_name();
    name.unwrap_or_else(|| command.get_name()).to_owned()
}

fn page(command: &clap::Command) -> io::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    // What follows a command's options are examples.
    let page = String::from_utf8_lossy(&page).replace(".SH EXTRA", ".SH EXAMPLES");
    let name = name(command);
    let outcomes = Outcome::ALL.iter();
    let outcomes: String = outcomes
        .map(|outcome| format!(".TP\n{}\n{}\n", outcome.exit(), outcome.as_str()))
        .collect();
    let exits = match name.as_str() {
        "textsender" => {
            format!("Of \\fBsend\\fR, by outcome:\n{outcomes}.PP\nOf the others:\n{OTHER_EXITS}")
        }
        "textsender-send" | "textsender-test-send" => format!("By outcome:\n{outcomes}"),
        // It has others, and tells them.
        "textsender-health" => return Ok(page + SURROUNDINGS),
        _ => OTHER_EXITS.to_owned(),
    };
    Ok(format!("{page}.SH \"EXIT STATUS\"\n{exits}{SURROUNDINGS}"))
}

const OTHER_EXITS: &str = r".TP
0
It is done, and nothing is wrong.
.TP
1
It could not be done; standard error says why.
.TP
2
The command line is wrong.
.TP
78
The configuration is wrong.
";

const SURROUNDINGS: &str = r#".SH FILES
.TP
/etc/textsender/textsender.toml
The configuration; see
.BR textsender.toml (5).
.TP
/etc/textsender/policies/
A file for each policy.
.TP
/usr/lib/textsender/plugins/
The plugins: the libraries that talk to providers.
.TP
/var/lib/textsender/
Stored secrets, and the ledger.
.SH ENVIRONMENT
.TP
TEXTSENDER_CONFIG
The configuration, where \-\-config names none.
.TP
NO_COLOR
Anything but nothing: no colour.
.TP
VISUAL, EDITOR
What texts and files are edited with.
.SH "SEE ALSO"
.BR textsender (1),
.BR textsender.toml (5)
"#;
