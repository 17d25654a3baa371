//! Which of the tests' counterparts this machine has, as `cfg(has_NAME)`.
//!
//! A test that can't run here is *ignored by name*, and never passed:
//!
//! ```ignore
//! #[test]
//! #[cfg_attr(not(has_strace), ignore = "needs strace")]
//! fn the_event_loop_never_blocks() {}
//! ```
//!
//! What needs root is always ignored and says so in its name; `.ci/run` runs it by that name:
//! `#[ignore = "needs root"] fn as_root_...`. What root can't show has `cfg(is_root)`.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A counterpart, and the programs that it consists of.
const COUNTERPARTS: [(&str, &[&str]); 11] = [
    ("chromium", &["chromium", "chromedriver"]),
    ("fish", &["fish"]),
    ("node", &["node"]),
    ("pgbouncer", &["pgbouncer"]),
    ("php", &["php"]),
    ("postgresql", &["initdb", "postgres"]),
    ("promtool", &["promtool"]),
    ("python", &["python3"]),
    ("samba", &["samba", "samba-tool", "openssl"]),
    ("strace", &["strace"]),
    ("systemd", &["systemd-analyze"]),
];

/// What `$TEXTSENDER_PRODUCTS` may have, by `.ci/release`.
const PRODUCTS: [(&str, &str); 3] = [
    ("better_auth", "better-auth/node_modules/better-auth"),
    ("privacyidea", "privacyidea/bin/python"),
    ("logto", "logto/node_modules/@logto/connector-http-sms"),
];

/// The portal of LemonLDAP::NG as Debian installs it, and the folder that it comes into.
const LEMONLDAP: &str = "/usr/share/perl5/Lemonldap/NG/Portal/2F/REST.pm";
const PERL: &str = "/usr/share/perl5";

/// What `$TEXTSENDER_MAIL_SERVERS` may have.
const MAIL_SERVERS: [(&str, &str); 2] = [
    ("exim", "usr/sbin/exim4"),
    ("postfix", "usr/lib/postfix/sbin/master"),
];

#[allow(clippy::print_stdout, reason = "how a build script speaks to cargo")]
fn main() {
    unpacked("MAIL_SERVERS", &MAIL_SERVERS);
    unpacked("PRODUCTS", &PRODUCTS);
    // A path that is not there would count as changed in each build.
    if let Some(path) = [LEMONLDAP, PERL]
        .into_iter()
        .find(|path| Path::new(path).exists())
    {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rustc-check-cfg=cfg(has_lemonldap)");
    if Path::new(LEMONLDAP).is_file() {
        println!("cargo::rustc-cfg=has_lemonldap");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    let folders = folders();
    for folder in &folders {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    println!("cargo::rustc-check-cfg=cfg(is_root)");
    if is_root() {
        println!("cargo::rustc-cfg=is_root");
    }
    for (name, programs) in COUNTERPARTS {
        println!("cargo::rustc-check-cfg=cfg(has_{name})");
        let is_here = |program: &&str| folders.iter().any(|folder| folder.join(program).is_file());
        if programs.iter().all(is_here) && (name != "samba" || has_namespaces()) {
            println!("cargo::rustc-cfg=has_{name}");
        }
    }
}

/// Samba's directory is at ports that only root may take, or who is root of a namespace.
fn has_namespaces() -> bool {
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--net", "true"]);
    unshare.output().is_ok_and(|ended| ended.status.success())
}

/// What is not installed, but lies in the folder that `$TEXTSENDER_` and this name says: Exim and Postfix, which
/// conflict as packages; products that are used by nothing else.
#[allow(clippy::print_stdout, reason = "how a build script speaks to cargo")]
fn unpacked(variable: &str, counterparts: &[(&str, &str)]) {
    println!("cargo::rerun-if-env-changed=TEXTSENDER_{variable}");
    let folder = env::var_os(format!("TEXTSENDER_{variable}")).map(PathBuf::from);
    let folder = folder.and_then(|folder| folder.canonicalize().ok());
    for (name, path) in counterparts {
        println!("cargo::rustc-check-cfg=cfg(has_{name})");
        let Some(folder) = &folder else { continue };
        if folder.join(path).exists() {
            println!("cargo::rustc-cfg=has_{name}");
            println!("cargo::rustc-env={variable}={}", folder.display());
        }
    }
}

/// A process's folder belongs to its user.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Where programs are installed: the system's folders, and each version of PostgreSQL.
fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_the_systems =
        |folder: &PathBuf| folder.starts_with("/usr") || folder.starts_with("/opt");
    let mut folders: Vec<_> = env::split_paths(&path).filter(is_the_systems).collect();
    folders.extend(["/usr/sbin", "/usr/bin"].map(PathBuf::from));
    let versions = Path::new("/usr/lib/postgresql").read_dir();
    let versions = versions.into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    folders.dedup();
    folders
}
