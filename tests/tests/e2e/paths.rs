//! Every path that a command opens is judged: they are listed by tracing the command's system calls, and each is
//! tried as others could have had their hands on it. A process that sends lets root alone look into it, so that
//! root runs these (`.ci/run`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use jiff::Timestamp;
use textsender_tests::harness::{Test, artifacts, each};

/// An account, and a group, that this machine has no use for.
const STRANGER: u32 = 54_321;

/// A command: its words, of which `SITE` is the folder of the installation, and its standard input.
struct Case {
    words: &'static [&'static str],
    input: Input,
    /// What it acts on, beside the configuration; `None`: all that it opens. An edit looks at everything, to see
    /// whether it would bring a new fault, and believes nothing of that.
    acts_on: Option<&'static [&'static str]>,
}

/// What standard input gets.
enum Input {
    Nothing,
    Request,
    Text(&'static str),
}

const fn reads(words: &'static [&'static str]) -> Case {
    Case {
        words,
        input: Input::Nothing,
        acts_on: None,
    }
}

const fn sends(words: &'static [&'static str]) -> Case {
    Case {
        words,
        input: Input::Request,
        acts_on: None,
    }
}

const fn fed(words: &'static [&'static str], text: &'static str) -> Case {
    Case {
        words,
        input: Input::Text(text),
        acts_on: None,
    }
}

impl Case {
    const fn acting_on(self, names: &'static [&'static str]) -> Self {
        Self {
            acts_on: Some(names),
            ..self
        }
    }

    /// Whether what it does rests on this, by its path below the installation.
    fn acts_on(&self, within: &str) -> bool {
        let always = [
            "textsender.toml",
            "policies",
            "changes.jsonl",
            ".textsender.lock",
        ];
        let named = |names: &[&str]| names.iter().any(|name| within.starts_with(name));
        let replaces_all = self.words[0] == "restore";
        within.is_empty() || (!replaces_all && named(&always)) || self.acts_on.is_none_or(named)
    }
}

const TEST_SEND: Case = reads(&[
    "test-send",
    "--phone",
    "+447700900123",
    "--code",
    "beK989vc",
]);

/// Commands that send, or say what would be sent.
const SENDING: &[Case] = &[
    sends(&["send"]),
    sends(&["send", "--stream"]),
    sends(&["explain"]),
    TEST_SEND,
    reads(&["sender", "check", "twilio"]),
];

/// Commands that show what there is.
const SHOWING: &[Case] = &[
    reads(&["preview", "--phone", "+447700900123"]),
    reads(&["check"]),
    reads(&["doctor", "--offline"]),
    reads(&["status"]),
    reads(&["sender", "list"]),
    reads(&["sender", "show", "twilio"]),
    reads(&["policy", "list"]),
    reads(&["policy", "show", "Everyone"]),
    reads(&["text", "show", "--policy", "Everyone"]),
    reads(&["plugin", "list"]),
    reads(&["plugin", "show", "twilio"]),
    reads(&["secret", "list"]),
    reads(&["helpdesk", "show"]),
    reads(&["log"]),
    reads(&["log", "--changes"]).acting_on(&[]),
    reads(&["stats"]),
    reads(&["explain", "--id", "known"]),
    reads(&["person", "export", "--phone", "+447700900123"]),
    reads(&["numbers", "check", "--users", "SITE/given/users.jsonl"]),
    reads(&["health"]),
    // What can't be believed has no end, no host and no provider there; `check` says why.
    reads(&["expiring"]).acting_on(&[]),
    reads(&["rotate", "--plan"]).acting_on(&[]),
    reads(&["limits", "list"]),
    reads(&["limits", "try", "recipient", "3/10m"]),
    reads(&["limits", "propose"]),
    reads(&["provider", "list"]).acting_on(&[]),
    reads(&["stats", "--plot"]),
];

/// Commands that write.
const WRITING: &[Case] = &[
    reads(&["sender", "set", "twilio", "from=+447700900101"]).acting_on(&[]),
    reads(&["policy", "set", "Everyone", "--max-segments", "3"]).acting_on(&[]),
    fed(
        &["text", "set", "--policy", "Everyone"],
        "Another text: %code%",
    )
    .acting_on(&[]),
    reads(&["policy", "disable", "Everyone", "--event", "enroll"]).acting_on(&[]),
    reads(&["config", "undo"]).acting_on(&[".textsender.undo"]),
    fed(
        &["secret", "set", "twilio.auth_token"],
        "0123456789abcdef0123456789abcdef",
    )
    .acting_on(&["state"]),
    reads(&["plugin", "trust", "twilio"]).acting_on(&["plugins"]),
    reads(&["plugin", "install", "SITE/given/libtextsender_twilio.so"])
        .acting_on(&["given", "plugins.lock"]),
    reads(&["stats", "--prometheus", "SITE/given/textsender.prom"]).acting_on(&["given", "state"]),
    reads(&["backup", "SITE/given/copy"]),
    // What it replaces it does not read.
    reads(&["restore", "SITE/given/backup"]).acting_on(&["given"]),
    reads(&["limits", "set", "prefix", "--mode", "record"]).acting_on(&[]),
    reads(&["pause", "--sender", "twilio", "--reason", "a test"]).acting_on(&["state/ledger"]),
    reads(&["resume", "--sender", "twilio"]).acting_on(&["state/ledger"]),
    fed(&["person", "erase", "--phone", "-"], "+447700900199").acting_on(&["state/ledger"]),
    reads(&["health", "--alert"]).acting_on(&["state", "given/alert"]),
];

/// Commands that ask a directory, or go by its snapshot.
const DIRECTORY: &[Case] = &[
    fed(
        &["send"],
        r#"{"purpose":"verification_code","event":"reset","user":{"dn":"CN=Ada,OU=Staff,DC=example,DC=org","groups":["S-1-5-11"],"phone":"+447700900123"},"code":"beK989vc"}"#,
    ),
    fed(
        &["send"],
        r#"{"purpose":"verification_code","event":"reset","user":{"name":"ada"},"code":"beK989vc"}"#,
    ),
    reads(&["check"]),
    reads(&["doctor", "--offline"]),
    reads(&["health"]),
    reads(&["directory", "check"]).acting_on(&["state", "given/ca.pem"]),
    reads(&["directory", "sync"]).acting_on(&["state", "given/ca.pem"]),
    reads(&["directory", "user", "ada"]).acting_on(&["state", "given/ca.pem"]),
];

/// Commands that go by the hosts that a plugin declared before, which are kept where plugins need no approval.
const UNAPPROVED: &[Case] = &[
    sends(&["send"]),
    sends(&["send", "--stream"]),
    TEST_SEND,
    reads(&["check"]),
    reads(&["doctor", "--offline"]),
    reads(&["plugin", "show", "twilio"]),
];

/// That a command did not get that far, where its words leave no room for a path.
const REFUSED: &[&str] = &[
    "its plugin can't be used",
    "the ledger can't be trusted",
    "the state folder can't be used",
    ".textsender.lock is a link, which is not followed",
    // In what `stats --prometheus` writes.
    "textsender_config_ok 0",
    "textsender_ledger_ok 0",
    // In what `health` says: which, `check` does.
    "configuration: it has",
    "ledger: it can't be read or written",
];

/// What a command writes for others to read: what it finds is told there.
const METRICS: &str = "given/textsender.prom";

/// What is approved is asked for by a process that then is not started: what they show does not rest on it.
const APPROVALS: &str = "plugins.lock";

/// A message that the ledger knows.
const KNOWN: Case = fed(
    &["send"],
    r#"{"id":"known","purpose":"verification_code","event":"reset","user":{"phone":"+447700900123"},"code":"beK989vc"}"#,
);

/// Made anew by each process under a name of its own, or there for its lock alone.
const NOT_READ: &[&str] = &["ledger.processes/", "ledger.damaged-"];

/// Drafts lie where they are written: nothing is sent by them.
const DRAFT: &str = "given/draft";

#[test]
#[ignore = "needs root and strace"]
fn as_root_what_others_can_write_to_is_used_by_no_command_that_sends() {
    each(SENDING, no_path_is_used);
}

#[test]
#[ignore = "needs root and strace"]
fn as_root_what_others_can_write_to_is_used_by_no_command_that_shows() {
    each(SHOWING, no_path_is_used);
}

#[test]
#[ignore = "needs root and strace"]
fn as_root_what_others_can_write_to_is_used_by_no_command_that_writes() {
    each(WRITING, no_path_is_used);
}

#[test]
#[ignore = "needs root and strace"]
fn as_root_what_others_can_write_to_is_used_by_no_command_that_asks_a_directory() {
    each(DIRECTORY, |case| {
        let test = with_directory();
        let paths = opened(&test, case);
        let snapshot = test.site().state().join("directories/example.json");
        let is_decided = case.words[0] == "send";
        assert!(!is_decided || paths.contains(&snapshot), "{paths:?}");
        for path in &paths {
            is_refused(&test, case, path, Harm::Mode);
        }
    });
}

#[test]
#[ignore = "needs root and strace"]
fn as_root_hosts_that_others_can_edit_are_gone_by_in_no_command() {
    each(UNAPPROVED, |case| {
        let test = installed_with("owner");
        let folder = test.site().state().join("declared-hosts");
        let paths = opened(&test, case);
        assert!(paths.contains(&folder.join("twilio")), "{paths:?}");
        let paths = paths.iter().filter(|path| path.starts_with(&folder));
        let all = [Harm::Mode, Harm::Group, Harm::List, Harm::Owner, Harm::Link];
        for path in paths {
            for harm in all {
                is_refused(&test, case, path, harm);
            }
        }
    });
}

/// Whichever file of the state folder others have had their hands on, the person who asks is told which.
#[test]
#[ignore = "needs root"]
fn as_root_doctor_tells_of_each_file_of_the_state_folder() {
    let test = with_directory_and("owner");
    let state = test.site().state();
    let doctor = reads(&["doctor", "--offline"]);
    for name in [
        "",
        "secrets",
        "secrets/twilio.auth_token",
        "directories/example.json",
        "declared-hosts",
        "declared-hosts/twilio",
    ] {
        let path = state.join(name);
        for harm in [Harm::Mode, Harm::List, Harm::Owner] {
            is_refused(&test, &doctor, &path, harm);
        }
    }
    // It can't be read, and no rights are wrong.
    let record = state.join("declared-hosts/twilio");
    fs::remove_file(&record).unwrap();
    fs::create_dir(&record).unwrap();
    set_mode(&record, 0o700);
    let shown = shown(&run(&test, &doctor, None));
    let words = format!("can't be read: {}", record.display());
    assert!(shown.contains(&words), "{shown}");
}

/// The program of `[alerts]` is run by the account that sends.
#[test]
fn a_program_that_others_can_write_to_gets_no_alert() {
    let test = installed();
    let (done, program) = (
        test.site().folder().join("given/alerted"),
        test.site().folder().join("given/alert.sh"),
    );
    fs::write(&program, format!("#!/bin/sh\ncat > {}\n", done.display())).unwrap();
    set_mode(&program, 0o755);
    test.site()
        .raw_config(&format!(
            "{}\nunknown = 1\n",
            fs::read_to_string(test.site().config_file()).unwrap()
        ))
        .unwrap();
    let alert = reads(&["health", "--alert"]);
    let harm = Harm::Mode.done_to(&program);
    let output = run(&test, &alert, None);
    harm.undo();
    assert!(
        Harm::Mode.is_told(&shown(&output), &program),
        "{}",
        shown(&output)
    );
    assert!(!done.exists());
    run(&test, &alert, None);
    assert!(done.exists(), "{}", shown(&output));
}

/// Each path of an installation, by one command that opens it.
#[test]
#[ignore = "needs root and strace"]
fn as_root_what_an_access_list_lets_others_write_to_is_not_used() {
    each_path_is_tried(Harm::List);
}

#[test]
#[ignore = "needs root"]
fn as_root_another_users_file_is_not_used() {
    each_path_is_tried(Harm::Owner);
}

#[test]
#[ignore = "needs root"]
fn as_root_a_file_of_a_group_with_others_in_it_is_not_used() {
    each_path_is_tried(Harm::Group);
}

#[test]
#[ignore = "needs root"]
fn as_root_a_link_into_another_users_folder_is_not_followed() {
    each_path_is_tried(Harm::Link);
}

/// A draft may lie where others can write, the users that it is tried with may not.
#[test]
fn the_users_of_a_comparison_are_judged() {
    let test = installed();
    let users = test.site().folder().join("given/users.jsonl");
    let case = reads(&[
        "policy",
        "diff",
        "SITE",
        "SITE/given/draft",
        "--users",
        "SITE/given/users.jsonl",
    ]);
    assert!(run(&test, &case, None).status.success());
    let harm = Harm::Mode.done_to(&users);
    let output = run(&test, &case, None);
    harm.undo();
    assert!(!output.status.success());
    assert!(
        Harm::Mode.is_told(&shown(&output), &users),
        "{}",
        shown(&output)
    );
}

#[track_caller]
fn no_path_is_used(case: &Case) {
    let test = installed();
    let paths = opened(&test, case);
    assert!(
        paths.contains(&test.site().folder().join("textsender.toml")) || case.words[0] == "restore",
        "{:?}: {paths:?}",
        case.words
    );
    for path in &paths {
        is_refused(&test, case, path, Harm::Mode);
    }
    make_room(&test);
    let after = run(&test, case, None);
    let may_find_faults = ["check", "doctor"].contains(&case.words[0]);
    assert!(
        after.status.success() || may_find_faults,
        "{:?}: {}",
        case.words,
        shown(&after)
    );
}

#[track_caller]
fn each_path_is_tried(harm: Harm) {
    let tried = Mutex::new(BTreeSet::new());
    each(SENDING.iter().chain(SHOWING).chain(WRITING), |case| {
        let test = installed();
        let folder = test.site().folder().to_owned();
        for path in opened(&test, case) {
            // A link in place of the installation itself is the same as one in place of what is in it.
            let within = path.strip_prefix(&folder).unwrap().to_owned();
            if within.as_os_str().is_empty() || !tried.lock().unwrap().insert(within) {
                continue;
            }
            is_refused(&test, case, &path, harm);
        }
    });
    let tried = tried.into_inner().unwrap();
    assert!(tried.len() > 15, "{tried:?}");
}

#[track_caller]
fn is_refused(test: &Test, case: &Case, path: &Path, harm: Harm) {
    make_room(test);
    let before = content(test);
    let done = harm.done_to(path);
    let output = run(test, case, None);
    done.undo();
    let metrics = fs::read_to_string(test.site().folder().join(METRICS)).unwrap_or_default();
    let shown = shown(&output) + &metrics;
    let is_used = shown.contains("\"outcome\":\"accepted\"") || !harm.is_told(&shown, path);
    assert!(
        !is_used,
        "{:?} uses {}: {shown}",
        case.words,
        path.display()
    );
    assert_eq!(
        content(test),
        before,
        "{:?}: {}",
        case.words,
        path.display()
    );
}

/// An installation with all that a command may open: a ledger, a change, approved plugins, a backup.
fn installed() -> Test {
    installed_with("pinned")
}

/// The same with this `[plugins] trust`.
fn installed_with(trust: &str) -> Test {
    let mut test = Test::new()
        .tls()
        .config(&format!("[plugins]\ntrust = \"{trust}\""));
    if rustix::process::geteuid().is_root() {
        // Else the owner of the state folder would be believed to be the account that sends.
        test = test.config("[state]\nowner = \"root\"");
    }
    let given = test.site().folder().join("given");
    test = test.config(&format!("[alerts]\ncommand = {:?}", given.join("alert.sh")));
    fs::create_dir(&given).unwrap();
    fs::write(given.join("alert.sh"), "#!/bin/sh\n").unwrap();
    set_mode(&given.join("alert.sh"), 0o755);
    fs::write(given.join("users.jsonl"), "{\"phone\":\"+447700900123\"}\n").unwrap();
    let library = "libtextsender_twilio.so";
    fs::copy(test.site().plugins().join(library), given.join(library)).unwrap();
    let approve = reads(&["plugin", "trust", "twilio"]);
    let change = reads(&["policy", "set", "Everyone", "--max-segments", "2"]);
    let back_up = reads(&["backup", "SITE/given/backup"]);
    for case in [&approve, &change, &KNOWN, &back_up] {
        let output = run(&test, case, None);
        assert!(
            output.status.success(),
            "{:?}: {}",
            case.words,
            shown(&output)
        );
    }
    let draft = given.join("draft");
    fs::create_dir_all(draft.join("policies")).unwrap();
    fs::copy(test.site().config_file(), draft.join("textsender.toml")).unwrap();
    for policy in fs::read_dir(test.site().policies()).unwrap() {
        let policy = policy.unwrap();
        let name = policy.file_name();
        fs::copy(policy.path(), draft.join("policies").join(name)).unwrap();
    }
    test
}

/// The same with a directory whose server is away, and a policy that is bound to an object of its snapshot.
fn with_directory() -> Test {
    with_directory_and("pinned")
}

fn with_directory_and(trust: &str) -> Test {
    let test = installed_with(trust);
    let ca_file = test.site().folder().join("given/ca.pem");
    fs::write(&ca_file, test.sandbox().ca_pem()).unwrap();
    let test = test
        .secret("directories.example.password", "a password of its own")
        .config(&format!(
            "[directories.example]\nservers = [\"ldaps://127.0.0.1:9\"]\nca_file = {ca_file:?}\n\
             bind = \"svc@example.org\""
        ));
    let site = test.site();
    let gpo = "{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6E}";
    let policy = format!(
        "name = \"Bound\"\nregion = \"GB\"\nevents = [\"reset\"]\n[gpo]\nid = \"{gpo}\"\n\
         [verification_code]\ntext = \"%code%\"\n"
    );
    site.policy("bound", &policy).unwrap();
    let snapshot = serde_json::json!({
        "format": 1,
        "server": "ldaps://127.0.0.1:9",
        "taken": Timestamp::now().to_string(),
        "base": "DC=example,DC=org",
        "containers": [{
            "dn": "OU=Staff,DC=example,DC=org",
            "links": [{ "gpo": gpo, "order": 1, "enabled": true, "enforced": false }],
        }],
        "gpos": [{
            "id": gpo, "state": "readable", "user_half": true, "version": 2, "wmi_filter": false,
            "entries": [{ "allow": true, "trustee": "S-1-5-11", "read": true, "apply": true }],
        }],
    });
    let folder = site.state().join("directories");
    fs::create_dir(&folder).unwrap();
    set_mode(&folder, 0o700);
    let file = folder.join("example.json");
    fs::write(&file, snapshot.to_string()).unwrap();
    set_mode(&file, 0o600);
    test
}

/// What a command made that it makes but once.
fn make_room(test: &Test) {
    let _ = fs::remove_dir_all(test.site().folder().join("given/copy"));
    let _ = fs::remove_file(test.site().folder().join(METRICS));
}

/// The content of all that commands write, but for the ledger and journals.
fn content(test: &Test) -> BTreeMap<PathBuf, Vec<u8>> {
    let site = test.site();
    let mut folders = vec![
        site.policies(),
        site.plugins(),
        site.state().join("secrets"),
        site.folder().join("given"),
    ];
    let mut content = BTreeMap::new();
    for name in ["textsender.toml", ".textsender.undo", APPROVALS] {
        let path = site.folder().join(name);
        content.extend(fs::read(&path).ok().map(|bytes| (path, bytes)));
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => drop(content.insert(path.clone(), fs::read(&path).unwrap())),
            }
        }
    }
    let is_kept = |path: &Path| {
        let is_copy = path.starts_with(site.folder().join("given/copy"));
        !is_copy && !path.ends_with(".textsender.lock") && !path.ends_with(METRICS)
    };
    content.retain(|path, _| is_kept(path));
    content
}

/// What others may have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    /// Everyone may write to it.
    Mode,
    /// A group may that has others in it.
    Group,
    /// An access list lets another account write.
    List,
    /// It is another account's.
    Owner,
    /// It is a link into another account's folder.
    Link,
}

/// Harm that was done, and how it was before.
struct Done {
    path: PathBuf,
    mode: u32,
    owner: (u32, u32),
    /// Where what was there is now.
    moved: Option<tempfile::TempDir>,
}

const LIST: &str = "system.posix_acl_access";

impl Harm {
    fn done_to(self, path: &Path) -> Done {
        let metadata = fs::metadata(path).unwrap();
        let mut done = Done {
            path: path.to_owned(),
            mode: metadata.mode() & 0o7777,
            owner: (metadata.uid(), metadata.gid()),
            moved: None,
        };
        match self {
            Self::Mode => set_mode(path, done.mode | 0o002),
            Self::Group => {
                chown(path, None, Some(STRANGER)).unwrap();
                set_mode(path, done.mode | 0o020);
            }
            Self::List => {
                let flags = rustix::fs::XattrFlags::empty();
                rustix::fs::setxattr(path, LIST, &list(done.mode), flags).unwrap();
            }
            Self::Owner => chown(path, Some(STRANGER), None).unwrap(),
            Self::Link => {
                let hers = tempfile::tempdir().unwrap();
                set_mode(hers.path(), 0o755);
                chown(hers.path(), Some(STRANGER), None).unwrap();
                fs::rename(path, hers.path().join("hers")).unwrap();
                symlink(hers.path().join("hers"), path).unwrap();
                done.moved = Some(hers);
            }
        }
        done
    }

    /// Whether it is said what is wrong, in the response or the log.
    fn is_told(self, shown: &str, path: &Path) -> bool {
        let (what, path) = match self {
            Self::Mode | Self::Group => ("can be written by others", path.display().to_string()),
            Self::List => ("lets user 54321 write", path.display().to_string()),
            Self::Owner => ("belongs to 54321", path.display().to_string()),
            // The folder where it is has a name of its own each time.
            Self::Link => ("belongs to 54321", "tmp".to_owned()),
        };
        // `status` has a line for each problem, and another for its remedy.
        // The state folder is its account's alone.
        let remedies = ["go-w", "go="].map(|mode| format!("chmod {mode} {path}"));
        let has_remedy = remedies.iter().any(|remedy| shown.contains(remedy));
        let is_told = shown.contains(what) && shown.contains(&path)
            || matches!(self, Self::Mode | Self::Group) && has_remedy;
        is_told || REFUSED.iter().any(|words| shown.contains(words))
    }
}

impl Done {
    fn undo(self) {
        if let Some(hers) = self.moved {
            fs::remove_file(&self.path).unwrap();
            fs::rename(hers.path().join("hers"), &self.path).unwrap();
            return;
        }
        // It has one if it was given one.
        let _ = rustix::fs::removexattr(&self.path, LIST);
        let now = fs::metadata(&self.path).unwrap();
        if (now.uid(), now.gid()) != self.owner {
            chown(&self.path, Some(self.owner.0), Some(self.owner.1)).unwrap();
        }
        set_mode(&self.path, self.mode);
    }
}

/// An access list (acl(5), as the kernel takes it) by which another account may write as well.
fn list(mode: u32) -> Vec<u8> {
    let (user, group) = ((mode >> 6 & 7) as u16, (mode >> 3 & 5) as u16);
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, number) in [
        (0x01_u16, user, u32::MAX),
        (0x02, user | 2, STRANGER),
        (0x04, group, u32::MAX),
        (0x10, user | 2, u32::MAX),
        (0x20, (mode & 5) as u16, u32::MAX),
    ] {
        list.extend(tag.to_le_bytes());
        list.extend(rights.to_le_bytes());
        list.extend(number.to_le_bytes());
    }
    list
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The files and folders of the installation that a command opens.
fn opened(test: &Test, case: &Case) -> BTreeSet<PathBuf> {
    make_room(test);
    let before = content(test);
    let trace = tempfile::NamedTempFile::new().unwrap();
    run(test, case, Some(trace.path()));
    let trace = fs::read_to_string(trace.path()).unwrap();
    // `openat(3</folder>, "name", FLAGS) = 4</folder/name>`
    let results = trace
        .lines()
        .filter_map(|line| line.rsplit_once(" = ")?.1.split_once('<'));
    let paths = results.filter_map(|(_, path)| Some(PathBuf::from(path.rsplit_once('>')?.0)));
    let folder = test.site().folder();
    let is_shown = ["sender", "status"].contains(&case.words[0]) && case.acts_on.is_none();
    let is_read = |path: &PathBuf| {
        let within = path
            .strip_prefix(folder)
            .map(|path| path.display().to_string());
        within.is_ok_and(|within| {
            let is_passed_by = within.starts_with(DRAFT)
                || NOT_READ.iter().any(|name| within.contains(name))
                || (is_shown && within == APPROVALS);
            !is_passed_by && case.acts_on(&within)
        })
    };
    // As it was, so that it has the same to do again.
    make_room(test);
    for (path, bytes) in &before {
        if fs::read(path).is_ok_and(|now| now != *bytes) {
            fs::write(path, bytes).unwrap();
        }
    }
    paths.filter(is_read).filter(|path| path.exists()).collect()
}

fn run(test: &Test, case: &Case, trace: Option<&Path>) -> Output {
    let textsender = &artifacts().textsender;
    let folder = test.site().folder().display().to_string();
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
        .args(case.words.iter().map(|word| word.replace("SITE", &folder)))
        .env("TEXTSENDER_CONFIG", test.site().config_file())
        .env_remove("SUDO_UID")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = match case.input {
        Input::Nothing => String::new(),
        Input::Request => format!("{}\n", test.request_json()),
        Input::Text(text) => format!("{text}\n"),
    };
    // One that does not read it has ended.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn shown(output: &Output) -> String {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{stdout}{stderr}")
}
