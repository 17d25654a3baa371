//! What `docs/policies.md` shows is so: its files make an installation, and its commands are run there.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use textsender_tests::harness::artifacts;
use textsender_tests::sandbox::site::Site;

const GUIDE: &str = include_str!("../../../docs/policies.md");

/// With this variable the guide's blocks are written anew instead of compared.
const UPDATE: &str = "UPDATE_GUIDE";

#[test]
fn every_command_says_what_the_guide_shows() {
    let site = site();
    let mut guide = String::new();
    for (place, part) in GUIDE.split("```").enumerate() {
        match part.strip_prefix("console\n$ ") {
            // Every other part is a block.
            Some(block) if place % 2 == 1 => {
                let command = block.lines().next().unwrap();
                let output = run(&site, command);
                // Writing to a String never fails.
                let _ = write!(guide, "```console\n$ {command}\n{output}```");
            }
            _ if place % 2 == 1 => {
                let _ = write!(guide, "```{part}```");
            }
            _ => guide.push_str(part),
        }
    }
    if std::env::var_os(UPDATE).is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/policies.md");
        return fs::write(file, guide).unwrap();
    }
    assert_eq!(guide, GUIDE, "write it anew with {UPDATE}=1");
}

/// The guide's files, with plugins and secrets; and beside them a copy with another text.
fn site() -> Site {
    let site = Site::new().unwrap();
    for plugin in ["twilio", "email-gateway"] {
        site.plugin(&artifacts().plugin(plugin)).unwrap();
    }
    site.secret("twilio.auth_token", "not a real one").unwrap();
    write_files(site.folder());
    let new = site.folder().join("new");
    write_files(&new);
    let everyone = new.join("policies/everyone.toml");
    let text = fs::read_to_string(&everyone).unwrap();
    fs::write(
        &everyone,
        text.replace("Your verification code is", "Code:"),
    )
    .unwrap();
    site
}

fn write_files(folder: &Path) {
    fs::create_dir_all(folder.join("policies")).unwrap();
    for block in blocks("toml") {
        let (name, text) = block.strip_prefix("# ").unwrap().split_once('\n').unwrap();
        let text = match name {
            "textsender.toml" => {
                format!("{text}[plugins]\nfolder = \"plugins\"\n[state]\nfolder = \"state\"\n")
            }
            _ => text.to_owned(),
        };
        fs::write(folder.join(name), text).unwrap();
    }
    let users: Vec<_> = blocks("json").collect();
    fs::write(folder.join("users.jsonl"), users.concat()).unwrap();
}

fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let parts = GUIDE.split("```").skip(1).step_by(2);
    parts.filter_map(move |block| block.strip_prefix(language)?.strip_prefix('\n'))
}

/// What a command says, as it is written in the guide.
fn run(site: &Site, command: &str) -> String {
    let textsender = artifacts().textsender.to_str().unwrap();
    let command = command.strip_prefix("textsender ").unwrap();
    let output = Command::new("sh")
        .args(["-c", &format!("{textsender} {command}")])
        .env("TEXTSENDER_CONFIG", site.config_file())
        .current_dir(site.folder())
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
