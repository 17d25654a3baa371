//! What runs inside a host process: restrain, verify, seal, load, configure, serve.
//!
//! Until the library's first instruction this process is ours; from then on it is the plugin's,
//! and the front believes nothing that it says.

mod load;
mod serve;

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use textsender_plugin_api::{
    CONTENT_KEY, Level, PluginInfo,
    abi::{Instance, Module},
};

use super::{
    Refusal, SealPlan,
    frames::{self, BUILD, Describe, Described, Down, FrameReader, Start, Up},
    verify::{self, Checksum, FileFault},
};
use crate::{
    os::{
        accounts, pipes,
        pipes::Receiver,
        process,
        seal::{self, Absent, SealError},
    },
    redact::Foreign,
};
use serve::{Offered, Server};

pub use crate::os::process::SUBCOMMAND;

type Frames = FrameReader<Receiver>;

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
    let (down, up) = match pipes::take_pipes() {
        Ok(pipes) => pipes,
        Err(error) => return refuse(&mut io::stdout(), &error),
    };
    if let Err(error) = process::restrain() {
        return refuse(&mut &up, &error);
    }
    let mut frames = FrameReader::new(down);
    let start = match frames.next().await? {
        Some(Down::Start(start)) => start,
        Some(Down::Describe(question)) => return describe(&question, up, &mut frames).await,
        _ => return Ok(()),
    };
    if start.build != BUILD {
        return Ok(());
    }
    let server = Arc::new(Server::new(up, start.max_level));
    match prepare(&start, &server, &mut frames).await {
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

/// Says why this process can't begin. Its end alone would look like a plugin's doing.
fn refuse(front: &mut impl Write, error: &io::Error) -> io::Result<()> {
    let words = format!("its host process can't begin: {error}");
    let mut frame = Vec::new();
    let refused = Up::Refused(Foreign::of(Refusal::Forbidden(words)));
    frames::encode(&refused, &mut frame)?;
    front.write_all(&frame)?;
    front.flush()
}

/// Loads a plugin and says what it says of itself, without making a sender.
async fn describe(question: &Describe, up: File, frames: &mut Frames) -> io::Result<()> {
    if question.build != BUILD {
        return Ok(());
    }
    let server = Server::new(up, Level::Error);
    let Describe {
        library,
        plugin,
        seal,
        settings,
        ..
    } = question;
    let described = match load_as(library, plugin, None, seal, &server) {
        Ok((module, info)) => described(&module, info, settings.as_deref(), &server, frames).await,
        Err(refusal) => Err(refusal),
    };
    server.post(&match described {
        Ok(described) => Up::Described(Foreign::of(described)),
        Err(refusal) => Up::Refused(Foreign::of(refusal)),
    });
    Ok(())
}

/// What the plugin is: with these settings, where they are given and that makes a difference.
async fn described(
    module: &Module,
    info: PluginInfo,
    settings: Option<&str>,
    server: &Server,
    frames: &mut Frames,
) -> Result<Described, Refusal> {
    let mut described = Described {
        build: BUILD.into(),
        settings: String::new(),
        providers: serde_json::to_string(&module.providers()).unwrap_or_default(),
        faults: Vec::new(),
        info,
    };
    if let Some(settings) = settings {
        let settings = with_files(&described.info, settings, server, frames).await?;
        if let Some(special) = module.describe(&settings) {
            described.info = special.info;
            described.settings = special.settings.to_string();
            described.faults = special.faults;
            return Ok(described);
        }
    }
    described.settings = module.settings_schema();
    Ok(described)
}

/// The settings, with the content of each file that the plugin says it needs. The front reads them:
/// this process may not.
async fn with_files<'s>(
    info: &PluginInfo,
    settings: &'s str,
    server: &Server,
    frames: &mut Frames,
) -> Result<Cow<'s, str>, Refusal> {
    if info.file_settings.is_empty() {
        return Ok(settings.into());
    }
    let mut object: Map<String, Value> = serde_json::from_str(settings).unwrap_or_default();
    let mut wanted = info.file_settings.clone();
    wanted.retain(|setting| object.get(setting).is_some_and(Value::is_string));
    if wanted.is_empty() {
        return Ok(settings.into());
    }
    server.post(&Up::WantFiles(wanted));
    let Ok(Some(Down::Files(files))) = frames.next().await else {
        return Err(Refusal::Settings("the host read no files".to_owned()));
    };
    for (setting, content) in files {
        let content = content.map_err(|why| Refusal::SettingFile {
            setting: setting.clone(),
            why,
        })?;
        let path = object.get(&setting).cloned();
        object.insert(setting, json!({ "path": path, CONTENT_KEY: content }));
    }
    Ok(Value::from(object).to_string().into())
}

async fn prepare(
    start: &Start,
    server: &Arc<Server>,
    frames: &mut Frames,
) -> Result<(Module, PluginInfo, Instance), Refusal> {
    let Start {
        library,
        plugin,
        approved,
        seal,
        ..
    } = start;
    let (module, info) = load_as(library, plugin, *approved, seal, server)?;
    let services = Offered::new(server.clone());
    let settings = with_files(&info, &start.settings, server, frames).await?;
    let instance = load::configure(&module, &settings, services)?;
    // What it is may depend on its settings: the hosts of the provider that they choose.
    let info = match instance.info() {
        Some(own) if own.id == info.id => own,
        _ => info,
    };
    Ok((module, info, instance))
}

/// Loads a library, which must hold the plugin that its file name says.
fn load_as(
    library: &Path,
    plugin: &str,
    approved: Option<Checksum>,
    plan: &SealPlan,
    server: &Server,
) -> Result<(Module, PluginInfo), Refusal> {
    let begun = Instant::now();
    let library = verify::verify(library, approved).map_err(|fault| match fault {
        FileFault::NotFixed(words) => Refusal::Forbidden(words),
        fault => Refusal::File(fault),
    })?;
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
        Err(error) => {
            let words = format!(
                "its process runs as root and can't leave that account ({error}): run textsender as another account, \
                 or leave it CAP_SETUID, CAP_SETGID and the calls of @setuid"
            );
            Err(match error.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported => {
                    Refusal::Forbidden(words)
                }
                _ => Refusal::NotSealed(words),
            })
        }
    }
}

fn not_sealed(error: SealError) -> Refusal {
    let words = format!("its process can't be sealed: {error}");
    match error.is_forbidden {
        true => Refusal::Forbidden(words),
        false => Refusal::NotSealed(words),
    }
}

/// Seals this process and tells the front how far, while this process can be believed.
fn apply_seal(plan: &SealPlan, server: &Server, verifying: Duration) -> Result<(), Refusal> {
    let begun = Instant::now();
    let sealed = seal::apply(plan).map_err(not_sealed)?;
    let mut lacks = sealed.lacks(plan);
    lacks.retain(|lack| lack.is_refused(plan));
    if !lacks.is_empty() {
        let is_forbidden = lacks.iter().any(|lack| lack.why == Absent::Forbidden);
        let lacks: Vec<_> = lacks.iter().map(ToString::to_string).collect();
        let words = format!("[plugins] seal = \"required\", and {}", lacks.join("; "));
        return Err(match is_forbidden {
            true => Refusal::Forbidden(words),
            false => Refusal::NotSealed(words),
        });
    }
    server.post(&Up::Sealed {
        sealed,
        verifying,
        sealing: begun.elapsed(),
    });
    Ok(())
}
