//! The walls between rooms, held by the source itself: what no compiler checks within one crate.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    path::{Path, PathBuf},
};

/// Names of what is not the same on every system.
const ONE_SYSTEM_ONLY: &[&str] = &[
    "os::unix",
    "os::fd",
    "os::linux",
    "net::unix",
    "signal::unix",
    "libc::",
    "rustix::",
    "nix::",
    "libloading::",
];

#[test]
fn what_is_not_portable_sits_in_one_room() {
    let found = not_portable(&modules());
    assert!(
        found.is_empty(),
        "outside of host/src/os:\n{}",
        found.join("\n")
    );
}

#[test]
fn each_room_knows_only_those_before_it() {
    let found = upwards(&rooms(), &modules());
    assert!(found.is_empty(), "upwards:\n{}", found.join("\n"));
}

#[test]
fn no_file_knows_itself_by_way_of_others() {
    let found = circles(&modules());
    assert!(found.is_empty(), "circles:\n{}", found.join("\n"));
}

#[test]
fn each_room_stands_in_the_table() {
    let lib = source("lib.rs");
    let declared = lib.lines().filter_map(|line| line.strip_prefix("pub mod "));
    let declared: BTreeSet<_> = declared.map(|name| name.trim_end_matches(';')).collect();
    let rooms = rooms();
    let listed = rooms.iter().map(String::as_str).chain(["fuzz"]).collect();
    assert_eq!(declared, listed);
}

/// That the tests above see what they are to see.
#[test]
fn what_breaks_a_wall_is_found() {
    let file = |module: &str, text: &str| (module.to_owned(), text.to_owned());
    let modules = BTreeMap::from([
        file("low::one", "use crate::{high, low::three};"),
        file(
            "low::two",
            "fn f() { super::one::f() }\nuse std::os::fd::AsFd;",
        ),
        file("low::three", "use super::two::f;"),
        file(
            "high",
            "use crate::low;\n// crate::higher\n#[cfg(test)]\nmod tests {\n    use libc::c_int;\n}",
        ),
    ]);
    let rooms = ["low", "high"].map(String::from);
    assert_eq!(upwards(&rooms, &modules), ["low::one knows high"]);
    assert_eq!(circles(&modules), ["low::one -> low::three -> low::two"]);
    assert_eq!(not_portable(&modules), ["low::two: os::fd"]);
}

type Modules = BTreeMap<String, String>;

fn not_portable(modules: &Modules) -> Vec<String> {
    let outside = modules.iter().filter(|(module, _)| room_of(module) != "os");
    let found = outside.flat_map(|(module, text)| {
        let code = code(text);
        let names = ONE_SYSTEM_ONLY.iter();
        let names = names.filter(move |name| has_word(&code, name));
        names.map(move |name| format!("{module}: {name}"))
    });
    found.collect()
}

fn upwards(rooms: &[String], modules: &Modules) -> Vec<String> {
    let place = |room: &str| rooms.iter().position(|listed| listed == room);
    let mut found = BTreeSet::new();
    for (module, text) in modules {
        let own = room_of(module);
        for path in paths(module, text) {
            let known = room_of(&path);
            if known != own && place(known).is_some_and(|known| Some(known) > place(own)) {
                found.insert(format!("{module} knows {known}"));
            }
        }
    }
    found.into_iter().collect()
}

/// Files that know each other, by way of others or not. Parents name their children to show them: that is none.
fn circles(modules: &Modules) -> Vec<String> {
    let known: BTreeMap<&str, BTreeSet<&str>> = modules
        .iter()
        .map(|(module, text)| {
            let paths = paths(module, text);
            let known = paths.iter().filter_map(|path| module_of(modules, path));
            let known =
                known.filter(|other| !is_within(module, other) && !is_within(other, module));
            (module.as_str(), known.collect())
        })
        .collect();
    let circles = known.keys().filter_map(|first| circle(&known, first));
    circles.collect()
}

/// The shortest way from a file back to it, by files whose names come after its own: so each circle is found once.
fn circle(known: &BTreeMap<&str, BTreeSet<&str>>, first: &str) -> Option<String> {
    let mut ways = VecDeque::from([vec![first]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in &known[way.last()?] {
            if *next == first {
                return Some(way.join(" -> "));
            }
            if *next > first && seen.insert(*next) {
                ways.push_back([way.as_slice(), &[*next]].concat());
            }
        }
    }
    None
}

fn is_within(one: &str, other: &str) -> bool {
    let rest = one.strip_prefix(other);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The file that a path leads to.
fn module_of<'m>(modules: &'m Modules, path: &str) -> Option<&'m str> {
    let mut path = path;
    loop {
        if let Some((module, _)) = modules.get_key_value(path) {
            return Some(module);
        }
        path = path.rsplit_once("::")?.0;
    }
}

fn room_of(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}

/// The rooms in the table of `lib.rs`, in its order.
fn rooms() -> Vec<String> {
    let lib = source("lib.rs");
    let rows = lib.lines().filter_map(|line| line.strip_prefix("//! | [`"));
    let rooms = rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned()));
    rooms.collect()
}

/// Every file of code without tests, by the path of its module.
fn modules() -> Modules {
    let mut modules = Modules::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root()).unwrap().with_extension("");
            let module = name.to_str().unwrap().replace('/', "::");
            let module = module.strip_suffix("::mod").unwrap_or(&module).to_owned();
            let is_test = module.split("::").any(|part| part == "tests");
            if !is_test && !["lib", "main", "walls", "messages", "fuzz"].contains(&module.as_str())
            {
                modules.insert(module, fs::read_to_string(&path).unwrap());
            }
        }
    }
    modules
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn source(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// Without comments and unit tests, which stand at the end of a file.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {");
    let lines = text[..end.unwrap_or(text.len())].lines();
    let lines = lines.map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join(" ")
}

/// Every path in a file that begins at the crate or above the file, from the crate's root.
fn paths(module: &str, text: &str) -> BTreeSet<String> {
    let code = code(text);
    let mut found = BTreeSet::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let is_start = !code[..at].ends_with(|c: char| c == ':' || c.is_alphanumeric());
            if is_start {
                expand("", &code[at..], &mut found);
            }
        }
    }
    found.iter().map(|path| absolute(module, path)).collect()
}

/// Takes `a::{b, c::d}` apart, and returns what follows.
fn expand<'t>(before: &str, text: &'t str, found: &mut BTreeSet<String>) -> &'t str {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (path, mut rest) = text.split_at(end);
    let path = format!("{before}{path}");
    let Some(mut inner) = rest.strip_prefix('{').filter(|_| path.ends_with("::")) else {
        found.insert(path);
        return rest;
    };
    loop {
        rest = expand(&path, inner.trim_start(), found).trim_start();
        match rest.strip_prefix(',') {
            Some(more) => inner = more,
            // A name that is given another one, or the end.
            None => match rest.find([',', '}']) {
                Some(at) if rest[at..].starts_with(',') => inner = &rest[at + 1..],
                Some(at) => return &rest[at + 1..],
                None => return "",
            },
        }
    }
}

fn absolute(module: &str, path: &str) -> String {
    let mut base: Vec<&str> = Vec::new();
    let mut parts = path.split("::").filter(|part| !part.is_empty()).peekable();
    if parts.peek() == Some(&"super") {
        base = module.split("::").collect();
    }
    for part in parts {
        match part {
            "crate" | "self" => {}
            "super" => drop(base.pop()),
            name => base.push(name),
        }
    }
    base.join("::")
}

/// Whether a name stands there, and not only as the end of a longer one.
fn has_word(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}
