//! What runs inside a host process: restrain, verify, seal, load, configure, serve.
//!
//! Until the library's first instruction this process is ours; from then on it is the plugin's,
//! and the front believes nothing that it says.

mod load;
mod serve;

use std::{
    fs::File,
    io,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use textsender_plugin_api::{
    Level, PluginInfo,
    abi::{Instance, Module},
};

use super::{
    Plan, Refusal,
    frames::{BUILD, Describe, Described, Down, FrameReader, Start, Up},
    verify::{self, Checksum},
};
use crate::{
    os::{accounts, pipes, process, seal},
    redact::Foreign,
};
use serve::{Offered, Server};

pub use crate::os::process::SUBCOMMAND;

/// Runs the host process until the front closes its pipe.
pub fn run() -> ExitCode {
    process::close_inherited();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime.and_then(|runtime| runtime.block_on(serve_front())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

async fn serve_front() -> io::Result<()> {
    let (down, up) = pipes::take_pipes()?;
    process::restrain()?;
    let mut frames = FrameReader::new(down);
    let start = match frames.next().await? {
        Some(Down::Start(start)) => start,
        Some(Down::Describe(question)) => return describe(&question, up),
        _ => return Ok(()),
    };
    if start.build != BUILD {
        return Ok(());
    }
    let server = Arc::new(Server::new(up, start.max_level));
    match prepare(&start, &server) {
        Ok((module, info, instance)) => {
            drop(start);
            server.post(&Up::Ready {
                build: BUILD.into(),
                info: Foreign::of(info),
            });
            server.serve(frames, &module, instance).await
        }
        Err(refusal) => {
            server.post(&Up::Refused(Foreign::of(refusal)));
            Ok(())
        }
    }
}

/// Loads a plugin and says what it says of itself, without making a sender.
fn describe(question: &Describe, up: File) -> io::Result<()> {
    if question.build != BUILD {
        return Ok(());
    }
    let server = Server::new(up, Level::Error);
    let Describe {
        library,
        plugin,
        seal,
        ..
    } = question;
    let described = load_as(library, plugin, None, seal, &server).map(|(module, info)| {
        Up::Described(Foreign::of(Described {
            build: BUILD.into(),
            info,
            settings: module.settings_schema(),
        }))
    });
    let refused = |refusal| Up::Refused(Foreign::of(refusal));
    server.post(&described.unwrap_or_else(refused));
    Ok(())
}

fn prepare(start: &Start, server: &Arc<Server>) -> Result<(Module, PluginInfo, Instance), Refusal> {
    let Start {
        library,
        plugin,
        approved,
        seal,
        ..
    } = start;
    let (module, info) = load_as(library, plugin, *approved, seal, server)?;
    let services = Offered::new(server.clone());
    let instance = load::configure(&module, &start.settings, services)?;
    Ok((module, info, instance))
}

/// Loads a library, which must hold the plugin that its file name says.
fn load_as(
    library: &Path,
    plugin: &str,
    approved: Option<Checksum>,
    plan: &Plan,
    server: &Server,
) -> Result<(Module, PluginInfo), Refusal> {
    let begun = Instant::now();
    let library = verify::verify(library, approved).map_err(Refusal::File)?;
    leave_root()?;
    apply_seal(plan, server, begun.elapsed())?;
    // From here on a stranger's code runs.
    let module = load::load(&library)?;
    let info = module.info();
    match info.id == plugin {
        true => Ok((module, info)),
        false => Err(Refusal::OtherId(info.id)),
    }
}

/// No plugin's code runs as root. Root's commands start host processes as the account that sends; where
/// that is root itself, the process goes on as an account that owns nothing.
fn leave_root() -> Result<(), Refusal> {
    /// `nobody` and `nogroup`, in every Linux distribution: the kernel's overflow numbers.
    const NOBODY: u32 = 65_534;
    if !accounts::is_root() {
        return Ok(());
    }
    match accounts::switch_to(NOBODY, NOBODY, &[]) {
        Ok(()) => Ok(()),
        // The number means nothing in this user namespace: its root is an ordinary account outside.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        Err(error) => Err(Refusal::NotSealed(format!(
            "its process runs as root and can't leave that account ({error}): run textsender as another account"
        ))),
    }
}

/// Seals this process and tells the front how far, while this process can be believed.
fn apply_seal(plan: &Plan, server: &Server, verifying: Duration) -> Result<(), Refusal> {
    let begun = Instant::now();
    let sealed = seal::apply(plan)
        .map_err(|error| Refusal::NotSealed(format!("its process can't be sealed: {error}")))?;
    let lacks = sealed.lacks(plan);
    if plan.required && !lacks.is_empty() {
        let lacks = lacks.join("; ");
        return Err(Refusal::NotSealed(format!(
            "[plugins] seal = \"required\", and {lacks}"
        )));
    }
    server.post(&Up::Sealed {
        sealed,
        verifying,
        sealing: begun.elapsed(),
    });
    Ok(())
}
