//! `textsender completions` and `textsender man`: made from the command line's own definition. Names that only the
//! configuration knows are asked for when they are to be completed.

mod names;

use std::{io, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use super::{
    Cli, Common,
    output::{Output, print},
};

/// Writes the completions of a shell
#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    textsender completions bash > /usr/share/bash-completion/completions/textsender")]
pub(super) struct Completions {
    /// The shell
    #[arg(required_unless_present = "words")]
    shell: Option<Shell>,
    /// What may stand in place of the last of these words, a line each: the scripts ask
    #[arg(last = true, hide = true)]
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

const FISH: &str = r"
complete -c textsender -f -a '(textsender completions -- (commandline -opc)[2..-1] (commandline -ct) 2> /dev/null)'
";

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
                let written = clap_mangen::generate_to(Cli::command(), folder);
                written.with_context(|| format!("{} can't be written", folder.display()))?;
                out.line(format_args!(
                    "wrote the manual pages to {}",
                    folder.display()
                ));
            }
            None => print(&page()?),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn page() -> io::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
