//! The command line: a file for each command. Nothing else in this program prints.

mod ask;
mod backup;
mod check;
mod completions;
mod config;
mod directory;
mod doctor;
mod draft;
mod edit;
mod editor;
mod expiring;
mod explain;
mod explain_error;
mod health;
mod helpdesk;
mod history;
mod init;
mod ledger;
mod limits;
mod log;
mod logging;
mod numbers;
mod output;
mod pause;
mod person;
mod phone;
mod plugin;
mod policy;
mod preview;
mod provider;
mod read;
mod rotate;
mod schema;
mod secret;
mod select_sender;
mod send;
mod sender;
mod serve;
mod shared_program;
mod site;
mod standing;
mod stats;
mod status;
mod stream;
mod test_send;
mod text;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    config::{Environment, ResolvedPath},
    dispatch::Source,
    failpoint::Failpoints,
    plugins,
};
use logging::LogOptions;
use output::{Output, finish};

/// Sends the text messages of password-reset and helpdesk systems.
#[derive(Parser)]
#[command(
    name = "textsender",
    version,
    about,
    arg_required_else_help = true,
    after_help = "Examples:\n  \
        sudo textsender init --region GB   # to begin\n  \
        sudo textsender doctor             # when something is wrong"
)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// The command line of `send` alone. The caller waits for it, and to make the table of all commands
/// takes longer than to read the configuration [0.3 ms]. What this one can't read, [`Cli`] judges.
#[derive(Parser)]
#[command(
    name = "textsender",
    disable_help_flag = true,
    disable_help_subcommand = true
)]
struct SendCli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: SendCommand,
}

#[derive(Subcommand)]
enum SendCommand {
    Send(send::Send),
}

/// Where help has what every command takes.
const GLOBAL: &str = "Global options";

/// What every command takes.
#[derive(clap::Args)]
struct Common {
    /// The configuration, instead of $TEXTSENDER_CONFIG or /etc/textsender/textsender.toml
    #[arg(long, value_name = "FILE", global = true, help_heading = GLOBAL)]
    config: Option<PathBuf>,
    #[command(flatten)]
    log: LogOptions,
    /// What tests make happen; `textsender` itself has none.
    #[arg(skip)]
    failpoints: Failpoints,
}

#[derive(Subcommand)]
enum Command {
    Send(send::CompleteSend),
    Serve(serve::Serve),
    Status(status::Status),
    Check(check::Check),
    Explain(explain::Explain),
    Preview(preview::PreviewCommand),
    Init(init::Init),
    Plugin(plugin::Plugin),
    Provider(provider::Provider),
    Sender(sender::Sender),
    Secret(secret::Secret),
    SelectSender(select_sender::SelectSender),
    Policy(policy::Policy),
    Limits(limits::LimitsCommand),
    Text(text::Text),
    Numbers(numbers::Numbers),
    Directory(directory::DirectoryCommand),
    Helpdesk(helpdesk::Helpdesk),
    Config(config::Config),
    TestSend(test_send::TestSend),
    Doctor(doctor::Doctor),
    Health(health::HealthCommand),
    Expiring(expiring::ExpiringCommand),
    ExplainError(explain_error::ExplainError),
    Schema(schema::Schema),
    Completions(completions::Completions),
    Man(completions::Man),
    Pause(pause::PauseCommand),
    Resume(pause::ResumeCommand),
    Rotate(rotate::Rotate),
    Person(person::PersonCommand),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Ledger(ledger::Ledger),
    Log(log::Log),
    Stats(stats::Stats),
}

/// Runs the command line of this process.
pub fn run(failpoints: Failpoints) -> ExitCode {
    if std::env::args_os().any(|word| word == "send")
        && let Ok(SendCli {
            mut common,
            command,
        }) = SendCli::try_parse()
    {
        common.failpoints = failpoints;
        let SendCommand::Send(send) = command;
        start(&common);
        return send.run(&common, None);
    }
    let Cli {
        mut common,
        command,
    } = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version go to standard output, usage errors to standard error, with exit 2.
        Err(error) => error.exit(),
    };
    common.failpoints = failpoints;
    start(&common);
    // One message may be the hub's: `send` looks there first.
    if !matches!(command, Command::Send(_)) {
        shared_program::replace(&common.config_file().path);
    }
    let looks = matches!(
        command,
        Command::Log(_)
            | Command::Stats(_)
            | Command::Status(_)
            | Command::Explain(_)
            | Command::Health(_)
    );
    if looks && let Some(exit) = read::through_hub(&common) {
        return exit;
    }
    let out = Output::new();
    match command {
        Command::Send(send) => send.run(&common),
        Command::Serve(serve) => serve.run(&common),
        Command::Status(status) => status.run(&common, &out),
        Command::Check(check) => check.run(&common),
        Command::Explain(explain) => explain.run(&common),
        Command::Preview(preview) => preview.run(&common),
        Command::Init(command) => finish(command.run(&common, &out)),
        Command::Plugin(command) => finish(command.run(&common, &out)),
        Command::Provider(command) => finish(command.run(&common, &out)),
        Command::Sender(command) => finish(command.run(&common, &out)),
        Command::Secret(command) => finish(command.run(&common, &out)),
        Command::SelectSender(command) => finish(command.run(&common, &out)),
        Command::Policy(command) => finish(command.run(&common, &out)),
        Command::Limits(command) => finish(command.run(&common, &out)),
        Command::Text(command) => finish(command.run(&common, &out)),
        Command::Numbers(command) => finish(command.run(&common, &out)),
        Command::Directory(command) => finish(command.run(&common)),
        Command::Config(command) => finish(command.run(&common, &out)),
        Command::Helpdesk(command) => finish(command.run(&common, &out)),
        Command::TestSend(command) => finish(command.run(&common, &out)),
        Command::Doctor(command) => finish(command.run(&common, &out)),
        Command::Health(command) => command.run(&common, &out),
        Command::Expiring(command) => finish(command.run(&common, &out)),
        Command::ExplainError(command) => finish(command.run(&out)),
        Command::Schema(schema) => schema.run(),
        Command::Completions(command) => command.run(&common),
        Command::Man(command) => finish(command.run(&out)),
        Command::Pause(command) => finish(command.run(&common, &out)),
        Command::Resume(command) => finish(command.run(&common, &out)),
        Command::Rotate(command) => finish(command.run(&common, &out)),
        Command::Person(command) => finish(command.run(&common, &out)),
        Command::Backup(command) => finish(command.run(&common, &out)),
        Command::Restore(command) => finish(command.run(&common, &out)),
        Command::Ledger(command) => finish(command.run(&common, &out)),
        Command::Log(log) => log.run(&common),
        Command::Stats(stats) => stats.run(&common, &out),
    }
}

/// What every command begins with.
fn start(common: &Common) {
    logging::start(&common.log);
    plugins::protect();
}

impl Common {
    fn config_file(&self) -> ResolvedPath {
        Environment::current().config_file(self.config.as_deref())
    }

    /// The configuration of a process that serves for long.
    fn source(&self) -> Source {
        Source {
            file: self.config_file().path,
            max_level: self.log.level(),
            failpoints: self.failpoints,
            opened: logging::start_writer,
        }
    }
}
