//! `sandbox`: providers on loopback around any command, so that textsender can be tried without an account.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use textsender_tests::sandbox::echo::{self, run::EchoRun};
use textsender_tests::sandbox::fault_spec::{FaultSpec, HELP, SMTP_HELP, SmtpFaultSpec};
use textsender_tests::sandbox::run::{Run, run};

/// Providers of text messages on loopback, to try textsender without an account.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a command with providers on loopback, then shows the phones
    ///
    /// Starts the providers on free ports, makes a configuration that leads to them in a temporary
    /// folder, points $TEXTSENDER_CONFIG at it and puts the folder of this executable at the head
    /// of $PATH. When the command has ended, the texts that the providers took are drawn as the
    /// phones show them.
    ///
    /// The exit code is the command's (128 and the signal's number if a signal ended it), or 125
    /// if the sandbox failed, 126 if the command cannot be run, 127 if it was not found.
    #[command(verbatim_doc_comment, after_help = EXAMPLES, after_long_help = format!("{HELP}\n\n{SMTP_HELP}\n\n{EXAMPLES}"))]
    Run(RunArguments),
    /// Plays a provider that is not in the sandbox, and shows what a plugin asks it
    ///
    /// It answers as its script or the plugin's sample file says, and shows each request decoded.
    /// With --plugin the command gets a configuration whose one sender is that plugin; else set
    /// connect_to in [senders.NAME.http] of your own. Without a command it goes on until it is
    /// ended.
    #[command(verbatim_doc_comment, after_help = ECHO_EXAMPLES)]
    Echo(EchoArguments),
}

#[derive(clap::Args)]
struct EchoArguments {
    /// What is answered, as TOML: a table `[[answer]]` for each, with method, path, times, status, headers, and json or body
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,

    /// Sends with this plugin
    #[arg(long, value_name = "LIBRARY")]
    plugin: Option<PathBuf>,

    /// The plugin's sample: its settings, its secrets, the provider's answers
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// The command and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(clap::Args)]
struct RunArguments {
    /// Makes Twilio fail; several may be given, the first that applies wins
    #[arg(
        long,
        value_name = "FAULT",
        env = "SANDBOX_TWILIO_FAULT",
        value_delimiter = ';'
    )]
    twilio_fault: Vec<FaultSpec>,

    /// Makes GOV.UK Notify fail
    #[arg(
        long,
        value_name = "FAULT",
        env = "SANDBOX_NOTIFY_FAULT",
        value_delimiter = ';'
    )]
    notify_fault: Vec<FaultSpec>,

    /// Makes the mail server of the e-mail gateway fail
    #[arg(
        long,
        value_name = "FAULT",
        env = "SANDBOX_SMTP_FAULT",
        value_delimiter = ';'
    )]
    smtp_fault: Vec<SmtpFaultSpec>,

    /// Takes the plugins from this folder instead of the executable's own
    #[arg(long, value_name = "FOLDER")]
    plugins: Option<PathBuf>,

    /// Reaches the HTTP providers over TLS, with a throw-away certificate authority
    #[arg(long)]
    tls: bool,

    /// Leaves the configuration on the disk, and says where
    #[arg(long)]
    keep: bool,

    /// Does not draw the phones
    #[arg(long)]
    no_phones: bool,

    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const ECHO_EXAMPLES: &str = "\
Examples:
  sandbox echo --plugin target/debug/libtextsender_acme.so --settings sample.toml -- textsender send < request.json
  sandbox echo --script script.toml";

const EXAMPLES: &str = "\
Examples:
  sandbox run -- textsender send < request.json
  sandbox run --twilio-fault status=503,times=1 -- textsender send < request.json
  sandbox run -- bash";

#[allow(
    clippy::print_stderr,
    reason = "the program's own errors have nowhere else to go"
)]
fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(arguments) => run_command(arguments),
        Command::Echo(arguments) => echo(arguments),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err((error, code)) => {
            eprintln!("sandbox: {error}");
            ExitCode::from(code)
        }
    }
}

/// The exit code, or what went wrong and the exit code for it.
type Ended = Result<u8, (String, u8)>;

fn echo(arguments: EchoArguments) -> Ended {
    let what = EchoRun {
        script: arguments.script,
        plugin: arguments.plugin,
        settings: arguments.settings,
        command: arguments.command,
    };
    let code = echo::run::run(&what, &mut std::io::stdout());
    code.map_err(|error| (error.to_string(), error.exit_code()))
}

fn run_command(arguments: RunArguments) -> Ended {
    let what = Run {
        command: arguments.command,
        plugins: arguments.plugins,
        twilio_faults: arguments.twilio_fault,
        notify_faults: arguments.notify_fault,
        smtp_faults: arguments.smtp_fault,
        tls: arguments.tls,
        keep: arguments.keep,
        phones: !arguments.no_phones,
    };
    let code = run(&what, &mut std::io::stdout());
    code.map_err(|error| (error.to_string(), error.exit_code()))
}
