//! Every path that a command opens is judged: they are listed by tracing its system calls, and each is
//! tried when everyone may write to it.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use textsender_tests::harness::{Test, artifacts};

/// Commands that send, or say what would be sent.
const COMMANDS: &[&[&str]] = &[
    &["send"],
    &["send", "--stream"],
    &["explain"],
    &["test-send", "--to", "+447700900123", "--code", "beK989vc"],
];

/// Made anew by each process under a name of its own, or there for its lock alone.
const NOT_READ: &[&str] = &["ledger.processes/"];

#[test]
#[cfg_attr(not(has_strace), ignore = "needs strace")]
fn what_others_can_write_to_is_used_by_no_command() {
    for words in COMMANDS {
        let test = Test::new().tls();
        // A first one, so that there is a ledger.
        run(&test, &["send"], None);
        let paths = opened(&test, words);
        let expected = match words[0] {
            "explain" => &["textsender.toml", "policies"][..],
            _ => &["textsender.toml", "policies", "plugins", "state"],
        };
        for name in expected {
            let path = test.site().folder().join(name);
            assert!(paths.contains(&path), "{words:?}: no {name} in {paths:?}");
        }
        for path in paths.iter().filter(|path| path.exists()) {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            fs::set_permissions(path, Permissions::from_mode(mode | 0o002)).unwrap();
            let output = run(&test, words, None);
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            let shown = shown(&output);
            let is_used = shown.contains("\"outcome\":\"accepted\"") || !says(&shown, path);
            assert!(!is_used, "{words:?} uses {}: {shown}", path.display());
        }
        let after = run(&test, words, None);
        assert!(after.status.success(), "{words:?}: {}", shown(&after));
    }
}

/// Whether it is said what is wrong, in the response or the log.
fn says(shown: &str, path: &Path) -> bool {
    shown.contains("can be written by others") && shown.contains(&path.display().to_string())
}

/// The files and folders of the installation that a command opens.
fn opened(test: &Test, words: &[&str]) -> BTreeSet<PathBuf> {
    let trace = tempfile::NamedTempFile::new().unwrap();
    run(test, words, Some(trace.path()));
    let trace = fs::read_to_string(trace.path()).unwrap();
    // `openat(3</folder>, "name", FLAGS) = 4</folder/name>`
    let results = trace
        .lines()
        .filter_map(|line| line.rsplit_once(" = ")?.1.split_once('<'));
    let paths = results.filter_map(|(_, path)| Some(PathBuf::from(path.rsplit_once('>')?.0)));
    let folder = test.site().folder();
    let is_read = |path: &PathBuf| {
        let within = path
            .strip_prefix(folder)
            .map(|path| path.display().to_string());
        within.is_ok_and(|within| !NOT_READ.iter().any(|name| within.contains(name)))
    };
    paths.filter(is_read).collect()
}

fn run(test: &Test, words: &[&str], trace: Option<&Path>) -> Output {
    let textsender = &artifacts().textsender;
    let mut command = match trace {
        None => Command::new(textsender),
        Some(trace) => {
            let mut strace = Command::new("strace");
            strace.args(["-f", "-y", "-qq", "-e", "trace=open,openat,creat", "-o"]);
            strace.arg(trace).arg("--").arg(textsender);
            strace
        }
    };
    let mut child = command
        .args(words)
        .env("TEXTSENDER_CONFIG", test.site().config_file())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let request = format!("{}\n", test.request_json());
    // One that does not read it has ended.
    let _ = child.stdin.take().unwrap().write_all(request.as_bytes());
    child.wait_with_output().unwrap()
}

fn shown(output: &Output) -> String {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{stdout}{stderr}")
}
