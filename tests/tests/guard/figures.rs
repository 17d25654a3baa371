//! The figures that are kept, and what they hold for.

use std::fmt;
use std::process::Command;

use serde::Deserialize;

/// What counts are made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    rustc: String,
    target: String,
    libc: String,
    valgrind: String,
}

/// Instructions that were counted with one toolchain.
#[derive(Clone, Debug, Deserialize)]
pub struct Figures {
    rustc: String,
    target: String,
    libc: String,
    valgrind: String,
    /// Of one send, both processes.
    pub one_send: u64,
    /// That each message of a stream adds, both processes.
    pub stream_message: u64,
    /// Of the file, in bytes.
    pub size: u64,
    /// That are bound at each start.
    pub relocations: u64,
}

#[derive(Deserialize)]
struct File {
    figures: Vec<Figures>,
}

impl Toolchain {
    /// What this machine has, or what it lacks.
    pub fn look() -> Result<Self, String> {
        if cfg!(debug_assertions) {
            return Err("the build is not optimised".to_owned());
        }
        let compiler = said("rustc", &["-vV"])?;
        let line = |label: &str| {
            let line = compiler.lines().find_map(|line| line.strip_prefix(label));
            line.unwrap_or_default().to_owned()
        };
        said("cc", &["--version"])?;
        Ok(Self {
            rustc: line("release: "),
            target: line("host: "),
            libc: said("getconf", &["GNU_LIBC_VERSION"])?,
            valgrind: said("valgrind", &["--version"])?,
        })
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rustc,
            target,
            libc,
            valgrind,
        } = self;
        write!(f, "rustc {rustc}, {target}, {libc}, {valgrind}")
    }
}

impl Figures {
    /// Those for this toolchain.
    pub fn kept(toolchain: &Toolchain) -> Option<Self> {
        let file: File = toml::from_str(include_str!("figures.toml")).unwrap();
        let is_for = |figures: &Figures| {
            figures.rustc == toolchain.rustc
                && figures.target == toolchain.target
                && figures.libc == toolchain.libc
                && figures.valgrind == toolchain.valgrind
        };
        file.figures.into_iter().find(is_for)
    }
}

/// What a program says, or that it is not there.
fn said(program: &str, arguments: &[&str]) -> Result<String, String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        _ => Err(format!("there is no {program}")),
    }
}
