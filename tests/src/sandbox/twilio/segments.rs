//! How many parts a text is cut into on its way to the phone (3GPP TS 23.038 and 23.040).
//!
//! Counted here on its own account, so that the product's counting is compared with something it did not write.

/// Characters of the GSM 7-bit default alphabet that take one septet; control codes besides LF and CR left out.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Characters of its extension table: an escape and a septet.
const EXTENSION: &str = "^{}\\[~]|€\u{c}";

/// The number of segments; 0 for an empty text.
pub(crate) fn segments(text: &str) -> usize {
    let septets: Option<Vec<usize>> = text.chars().map(septets).collect();
    match septets {
        Some(sizes) => pack(&sizes, 160, 153),
        None => pack(
            &text.chars().map(char::len_utf16).collect::<Vec<_>>(),
            70,
            67,
        ),
    }
}

fn septets(c: char) -> Option<usize> {
    if c.is_ascii_alphanumeric() || c == ' ' || BASIC.contains(c) {
        Some(1)
    } else {
        EXTENSION.contains(c).then_some(2)
    }
}

/// Fills one part of `single` units, or parts of `part` units; no character is split between two.
fn pack(sizes: &[usize], single: usize, part: usize) -> usize {
    let total: usize = sizes.iter().sum();
    if total <= single {
        return usize::from(total > 0);
    }
    let (mut parts, mut filled) = (1, 0);
    for size in sizes {
        if filled + size > part {
            parts += 1;
            filled = 0;
        }
        filled += size;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn parts_are_counted_as_carriers_count_them() {
        for (text, expected) in [
            (String::new(), 0),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            // 152 + an escape pair that does not fit the part.
            (format!("{}€{}", "a".repeat(152), "a".repeat(152)), 3),
            ("ü".repeat(160), 1),
            ("ŵ".repeat(70), 1),
            ("ŵ".repeat(71), 2),
            ("😀".repeat(35), 1),
            ("😀".repeat(36), 2),
            // 33 pairs fill 66 of 67 units.
            ("😀".repeat(67), 3),
        ] {
            assert_eq!(
                segments(&text),
                expected,
                "{text:.20} ({})",
                text.chars().count()
            );
        }
    }
}
