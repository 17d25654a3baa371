//! The golden layout: everything that crosses, written down, so that no change to it goes unseen.
//!
//! The dump holds no address, path or line of source, which `abi_stable`'s own does: it changes when
//! the ABI does and at no other time. Kinds are in it with their numbers, which no layout shows.

use std::{collections::HashSet, fmt::Write as _, path::Path};

use abi_stable::{
    StableAbi,
    type_layout::{TLData, TLField, TLFunction, TypeLayout},
};

use super::{functions::SenderModuleRef, values};

const GOLDEN: &str = include_str!("layout.golden");

/// Set to accept a change: `TEXTSENDER_BLESS=1 cargo test -p textsender-plugin-api golden`.
const BLESS: &str = "TEXTSENDER_BLESS";

#[test]
#[cfg(target_pointer_width = "64")]
fn the_layout_is_the_golden_one() {
    let now = dump();
    if std::env::var_os(BLESS).is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/abi/layout.golden");
        std::fs::write(path, now).unwrap();
        return;
    }
    let changes = changes(GOLDEN, &now);
    assert!(
        changes.is_empty(),
        "\nWhat crosses between host and plugins has changed:\n\n{}\n\
         src/abi/CHANGING.md says what may change and how. A change that it allows is accepted with\n\
         {BLESS}=1 cargo test -p textsender-plugin-api --features host golden\n",
        changes.concat()
    );
}

/// The dump's own words for what is new: which change an old plugin survives.
#[test]
fn a_change_is_told_by_what_it_breaks() {
    let old = "A: prefix of 1\n  one: fn()->u8\n\nB: struct\n  x: u8\n\nC = {\n  NO = 1\n\n";
    let cases = [
        (
            "  one: fn()->u8\n",
            "  one: fn()->u8\n  two: fn()->u8\n",
            "A grows at its end",
        ),
        (
            "  one: fn()->u8\n",
            "  zero: fn()->u8\n  one: fn()->u8\n",
            "A breaks",
        ),
        ("  NO = 1\n", "  NO = 1\n  YES = 2\n", "C grows at its end"),
        ("  NO = 1\n", "  NO = 2\n", "C breaks"),
        ("  x: u8\n", "  x: u8\n  y: u8\n", "B breaks"),
        ("B: struct\n  x: u8\n\n", "", "B is gone"),
        ("\nC =", "\nD: struct\n\nC =", "D is new"),
        ("", "", ""),
    ];
    for (from, to, expected) in cases {
        let new = old.replacen(from, to, 1);
        let found = changes(old, &new).concat();
        assert!(found.starts_with(expected), "{new}\n{found}");
        assert_eq!(found.is_empty(), expected.is_empty(), "{found}");
    }
}

/// Each type in the order in which it is met, then the kinds.
fn dump() -> String {
    let mut dump = Dump::default();
    dump.visit(<SenderModuleRef as StableAbi>::LAYOUT);
    for (name, constants) in values::kinds() {
        let _ = writeln!(dump.text, "the numbers of {name} = {{");
        for (constant, number) in constants {
            let _ = writeln!(dump.text, "  {constant} = {number}");
        }
        dump.text.push('\n');
    }
    dump.text
}

#[derive(Default)]
struct Dump {
    text: String,
    seen: HashSet<String>,
}

impl Dump {
    fn visit(&mut self, layout: &'static TypeLayout) {
        let name = name_of(layout);
        if !self.seen.insert(name.clone()) {
            return;
        }
        let (size, align) = (layout.size(), layout.alignment());
        let package = layout.package();
        let (kind, fields) = match layout.data() {
            TLData::Primitive(_) => ("primitive".to_owned(), vec![]),
            TLData::Opaque => ("opaque".to_owned(), vec![]),
            TLData::Struct { fields } => ("struct".to_owned(), fields.to_vec()),
            TLData::Union { fields } => ("union".to_owned(), fields.to_vec()),
            TLData::Enum(it) => (format!("enum {}", it.variant_names), it.fields.to_vec()),
            TLData::PrefixType(it) => {
                let kind = format!("prefix of {}", it.first_suffix_field);
                (kind, it.fields.to_vec())
            }
        };
        // A table of functions is as long as it is: only its first part is promised.
        let size = match kind.starts_with("prefix") {
            true => format!("align {align}"),
            false => format!("size {size}, align {align}"),
        };
        let _ = writeln!(self.text, "{name}: {kind}, {size}, {package}");
        for field in &fields {
            let _ = writeln!(self.text, "  {}: {}", field.name(), type_of(field));
        }
        self.text.push('\n');

        let generics = layout.generics();
        for parameter in generics.type_params() {
            self.visit(parameter());
        }
        for field in &fields {
            self.visit(field.layout());
            for function in field.function_range().iter() {
                for parameter in function.param_type_layouts.iter() {
                    self.visit(parameter());
                }
                if let Some(returned) = function.return_type_layout() {
                    self.visit(returned());
                }
            }
        }
    }
}

/// A type's name with its parameters. `abi_stable` leaves out those of generic types that have them
/// as fields, so that all its vectors would be one.
fn name_of(layout: &'static TypeLayout) -> String {
    let fields = layout.get_fields().map(|fields| fields.to_vec());
    let fields = fields.unwrap_or_default();
    let parameters: Vec<String> = match layout.name() {
        "ROption" | "RResult" | "FfiPoll" | "Tuple2" => {
            fields.iter().map(|field| name_of(field.layout())).collect()
        }
        // The element is named by the marker alone: `PhantomData<T>`.
        "RVec" => {
            let marker = fields.last().map(|field| field.layout().generics());
            let parameters = marker.iter().flat_map(|generics| generics.type_params());
            parameters.map(|parameter| name_of(parameter())).collect()
        }
        "BorrowingFfiFuture" => {
            return name_of(fields[0].layout()).replacen("LocalBorrowing", "", 1);
        }
        // The output is named by the function that polls.
        "LocalBorrowingFfiFuture" => {
            let poll = fields[1].function_range().iter().next();
            let polled = poll.and_then(|poll| poll.return_type_layout());
            let name = polled.map(|polled| name_of(polled())).unwrap_or_default();
            let output = name.trim_start_matches("FfiPoll<").strip_suffix('>');
            vec![output.unwrap_or_default().to_owned()]
        }
        _ => return layout.full_type().to_string().replace(' ', ""),
    };
    format!("{}<{}>", layout.name(), parameters.join(","))
}

/// A field's type; of a function its signature.
fn type_of(field: &TLField) -> String {
    let functions = field.function_range();
    match functions.iter().next() {
        Some(function) => signature(&function),
        None => name_of(field.layout()),
    }
}

fn signature(function: &TLFunction) -> String {
    let is_unsafe = if function.fn_qualifs.is_unsafe() {
        "unsafe "
    } else {
        ""
    };
    let parameters = function.param_type_layouts.iter();
    let parameters: Vec<_> = parameters.map(|parameter| name_of(parameter())).collect();
    let returned = function
        .return_type_layout()
        .map(|returned| name_of(returned()));
    let returned = returned
        .map(|name| format!(" -> {name}"))
        .unwrap_or_default();
    format!("{is_unsafe}fn({}){returned}", parameters.join(", "))
}

/// What changed from one dump to another, and what each change means for plugins that are out there.
fn changes(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (blocks(old), blocks(new));
    let of = |blocks: &[(String, Vec<String>)], name: &str| {
        blocks
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, lines)| lines.clone())
    };
    let mut changes = Vec::new();
    for (name, lines) in &new {
        let Some(before) = of(&old, name) else {
            changes.push(format!(
                "{name} is new: fine if only new functions name it\n"
            ));
            continue;
        };
        if before == *lines {
            continue;
        }
        let may_grow = lines[0].contains(": prefix of") || lines[0].ends_with("= {");
        let verdict = match may_grow && lines.starts_with(&before) {
            true => "grows at its end: a minor version of the ABI",
            false => "breaks every plugin that is built: don't",
        };
        let (before, after) = (before.join("\n"), lines.join("\n"));
        changes.push(format!(
            "{name} {verdict}\nwas:\n{before}\nis:\n{after}\n\n"
        ));
    }
    let gone = old.iter().filter(|(name, _)| of(&new, name).is_none());
    changes.extend(gone.map(|(name, _)| format!("{name} is gone: breaks plugins that use it\n")));
    changes
}

/// The blocks of a dump: the name before the first `:` or ` =`, and the lines.
fn blocks(dump: &str) -> Vec<(String, Vec<String>)> {
    let blocks = dump.split("\n\n").filter(|block| !block.trim().is_empty());
    let block = |block: &str| {
        let lines: Vec<String> = block
            .trim_matches('\n')
            .lines()
            .map(str::to_owned)
            .collect();
        let end = lines[0]
            .find(": ")
            .or(lines[0].find(" = "))
            .unwrap_or(lines[0].len());
        (lines[0][..end].to_owned(), lines)
    };
    blocks.map(block).collect()
}
