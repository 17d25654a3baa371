//! Shows faults as a compiler does: file, line, caret, what to do. Used by `check` only.
//!
//! Lines are shown as they are written, except the values of senders' settings, proxies, phone numbers
//! and unknown keys: each of their characters becomes a `*`.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::fault::Fault;
use super::source::{Source, Sources};

/// One report after another, ending with a newline each. `colour` is for terminals.
pub fn render(faults: &[Fault], sources: &Sources, colour: bool) -> String {
    render_as(Level::ERROR, faults, sources, colour)
}

/// The same of what is no fault.
pub fn render_warnings(warnings: &[Fault], sources: &Sources, colour: bool) -> String {
    render_as(Level::WARNING, warnings, sources, colour)
}

fn render_as(level: Level<'_>, faults: &[Fault], sources: &Sources, colour: bool) -> String {
    let renderer = match colour {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let mut shown = String::new();
    for fault in faults {
        shown.push_str(&render_one(level.clone(), fault, sources, &renderer));
        shown.push_str("\n\n");
    }
    shown
}

fn render_one(level: Level<'_>, fault: &Fault, sources: &Sources, renderer: &Renderer) -> String {
    let title = match fault.key.is_empty() {
        true => fault.message.clone(),
        false => format!("{}: {}", fault.key, fault.message),
    };
    let title = level.primary_title(title);
    let remedy = Level::HELP.message(&fault.remedy);
    let of_sources = || {
        let place = fault.place?;
        let source = sources.files.get(place.file as usize)?;
        Some(excerpt(source, place.range()))
    };
    let excerpt = fault.excerpt.clone().or_else(of_sources);
    match &excerpt {
        Some((text, span)) => {
            let caret = AnnotationKind::Primary.span(span.clone());
            let snippet = Snippet::source(text.as_str())
                .line_start(fault.line)
                .path(&fault.file)
                .annotation(caret);
            renderer.render(&[title.element(snippet).element(remedy)])
        }
        None => {
            let file = Level::NOTE.message(format!("in {}", fault.file));
            renderer.render(&[title.element(file).element(remedy)])
        }
    }
}

/// The line in which `span` starts, masked, and what of the span is in it.
fn excerpt(source: &Source, span: Range<usize>) -> (String, Range<usize>) {
    let text = &source.text;
    let span = text.floor_char_boundary(span.start)..text.ceil_char_boundary(span.end);
    let line = line_around(text, span.start);
    let mut shown = text[line.clone()].to_owned();
    for hidden in &source.hidden {
        let start = hidden.start.max(line.start);
        let end = hidden.end.min(line.end);
        if start < end {
            mask(&mut shown, start - line.start..end - line.start);
        }
    }
    let start = span.start.min(line.end) - line.start;
    let end = span.end.min(line.end).saturating_sub(line.start);
    // Masking keeps the number of bytes, so places stay true.
    (shown, start..end.max(start))
}

/// A file's text, with what must not be shown of it as stars.
pub fn masked(source: &Source) -> String {
    let mut shown = source.text.clone();
    for hidden in &source.hidden {
        mask(&mut shown, hidden.clone());
    }
    shown
}

fn line_around(text: &str, byte: usize) -> Range<usize> {
    let byte = text.floor_char_boundary(byte);
    let start = text[..byte].rfind('\n').map_or(0, |at| at + 1);
    let end = text[byte..].find('\n').map_or(text.len(), |at| byte + at);
    start..end
}

/// Replaces each byte of `range` by `*`, but quotes and line ends.
fn mask(line: &mut String, range: Range<usize>) {
    let hidden = &line[range.clone()];
    let stars: String = hidden
        .chars()
        .map(|c| match c {
            '"' | '\'' | '\n' | '\r' => c.to_string(),
            _ => "*".repeat(c.len_utf8()),
        })
        .collect();
    line.replace_range(range, &stars);
}

/// What must not be shown of the line of a syntax error in `textsender.toml`. The document could not
/// be read there, so the sections tell: in those that may hold secrets or numbers, and before any
/// section, all that follows the first `=`, or the whole line if there is none.
pub(super) fn unsafe_to_show(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let line = line_around(text, span.start);
    let section = text[..line.start]
        .lines()
        .rev()
        .filter_map(|line| line.trim_start().strip_prefix('['))
        .next()
        .map(|header| header.trim_start_matches(['[', ' ']));
    let is_harmless = section.is_some_and(is_harmless);
    if is_harmless || text[line.clone()].trim_start().starts_with('[') {
        return None;
    }
    let start = text[line.clone()]
        .find('=')
        .map_or(line.start, |at| line.start + at + 1);
    Some(start..line.end)
}

/// Whether this is no place where a secret is looked for: of a section's header or a key's path, the part
/// before the first point.
pub(super) fn is_harmless(path: &str) -> bool {
    const HARMLESS: [&str; 6] = [
        "plugins",
        "defaults",
        "send",
        "helpdesk",
        "containers",
        "policies",
    ];
    let end = path.find(['.', '[', ']', ' ']).unwrap_or(path.len());
    HARMLESS.contains(&&path[..end])
}
