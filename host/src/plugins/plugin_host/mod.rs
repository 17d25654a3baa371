//! What runs inside a host process: restrain, verify, load, configure, serve.
//!
//! Until the library's first instruction this process is ours; from then on it is the plugin's,
//! and the front believes nothing that it says.

mod load;
mod serve;

use std::{io, process::ExitCode, sync::Arc};

use textsender_plugin_api::{PluginInfo, abi::Instance};

use super::{
    frames::{BUILD, Down, FrameReader, Refusal, Start, Up},
    os,
};
use serve::{Offered, Server};

pub use os::SUBCOMMAND;

/// Runs the host process until the front closes its pipe.
pub fn run() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime.and_then(|runtime| runtime.block_on(serve_front())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

async fn serve_front() -> io::Result<()> {
    let (down, up) = os::take_pipes()?;
    os::restrain()?;
    let mut frames = FrameReader::new(down);
    let Some(Down::Start(start)) = frames.next().await? else {
        return Ok(());
    };
    if start.build != BUILD {
        return Ok(());
    }
    let server = Arc::new(Server::new(up, start.max_level));
    match prepare(&start, &server) {
        Ok((info, instance)) => {
            drop(start);
            server.post(&Up::Ready {
                build: BUILD.into(),
                info,
            });
            server.serve(frames, instance).await
        }
        Err(refusal) => {
            server.post(&Up::Refused(refusal));
            Ok(())
        }
    }
}

fn prepare(start: &Start, server: &Arc<Server>) -> Result<(PluginInfo, Instance), Refusal> {
    let module = load::load(&start.library)?;
    let info = module.info();
    if info.id != start.plugin {
        return Err(Refusal::OtherId(info.id));
    }
    let services = Offered::new(server.clone());
    let instance = load::configure(&module, &start.settings, services)?;
    Ok((info, instance))
}
