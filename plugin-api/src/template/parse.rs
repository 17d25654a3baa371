//! The grammar of templates: from left to right, without looking back.

use std::ops::Range;

use super::{Part, Placeholder, Slot, TemplateError};

/// Longer words after a percent sign are no attempt at a name.
const LONGEST_NAME: usize = 32;

pub(super) fn parse(source: &str) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(offset) = source[at..].find('%') {
        let open = at + offset;
        push_literal(&mut parts, at..open);
        if source[open + 1..].starts_with('%') {
            push_literal(&mut parts, open..open + 1);
            at = open + 2;
            continue;
        }
        let slot = slot(source, open)?;
        at = slot.span.end;
        parts.push(Part::Slot(slot));
    }
    push_literal(&mut parts, at..source.len());
    Ok(parts)
}

fn push_literal(parts: &mut Vec<Part>, range: Range<usize>) {
    if !range.is_empty() {
        parts.push(Part::Literal(range));
    }
}

/// Reads the placeholder whose first percent sign is at `open`.
fn slot(source: &str, open: usize) -> Result<Slot, TemplateError> {
    let start = open + 1;
    let word = source[start..].bytes().take_while(is_name_byte).count();
    let after = source[start + word..].chars().next();
    let named = (1..=LONGEST_NAME).contains(&word) && matches!(after, None | Some('%' | '|'));
    if !named {
        return Err(TemplateError::StrayPercent { span: open..start });
    }
    let name = &source[start..start + word];
    let Some(length) = source[start..].find('%') else {
        let (name, span) = (name.to_owned(), open..start + word);
        return Err(TemplateError::Unclosed { name, span });
    };
    let close = start + length;
    let span = open..close + 1;
    let Some(placeholder) = Placeholder::named(name) else {
        let nearest = Placeholder::nearest(name);
        let name = name.to_owned();
        return Err(TemplateError::Unknown {
            name,
            nearest,
            span,
        });
    };
    let default = (word < length).then(|| start + word + 1..close);
    Ok(Slot {
        placeholder,
        span,
        default,
    })
}

fn is_name_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
