//! What one sender can carry of a text: what its plugin declares, narrowed by its settings.

use serde_json::Value;
use textsender_plugin_api::{
    Carries, TextBy,
    template::{Placeholder, Placeholders, Template},
};

use super::schema;

/// What arrives of a policy's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Carried {
    /// Whether the policy's own words arrive, not only their values.
    pub(super) words: bool,
    /// The values that arrive.
    pub(super) placeholders: Placeholders,
}

impl Carried {
    /// Of a sender with these settings, whose plugin has this schema.
    pub(super) fn of(carries: &Carries, schema: &Value, settings: &Value) -> Self {
        let allowed = |some: Placeholders| some - (Placeholders::ALL - carries.placeholders);
        match carries.text {
            TextBy::Policy => Self {
                words: true,
                placeholders: carries.placeholders,
            },
            TextBy::Settings => {
                let used = used_in_settings(schema, settings);
                let words = used.contains(Placeholder::Message);
                let placeholders = if words { Placeholders::ALL } else { used };
                Self {
                    words,
                    placeholders: allowed(placeholders),
                }
            }
            // The provider's own words, or something that a later version of the ABI knows.
            _ => Self {
                words: false,
                placeholders: carries.placeholders,
            },
        }
    }
}

/// The placeholders of all template settings, those left at their defaults included.
fn used_in_settings(schema: &Value, settings: &Value) -> Placeholders {
    let templates = schema::templates(schema, settings);
    let uses = templates
        .iter()
        .filter_map(|text| Template::parse(text).ok());
    uses.fold(Placeholders::NONE, |all, template| all | template.uses())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_say_whether_the_words_arrive() {
        let carries = Carries::everything().with_text(TextBy::Settings);
        let schema = json!({"properties": {
            "to": {"type": "string", "format": "textsender-template"},
            "fill": {
                "type": "object",
                "additionalProperties": {"type": "string", "format": "textsender-template"},
                "default": {"message": "%message%"},
            },
        }});
        let code = Placeholders::of(&[Placeholder::Code]);
        let cases = [
            (json!({}), true, Placeholders::ALL),
            (
                json!({"fill": {"a": "x %message%"}}),
                true,
                Placeholders::ALL,
            ),
            (json!({"fill": {"otp": "%code%"}}), false, code),
            (json!({"fill": {}}), false, Placeholders::NONE),
        ];
        for (settings, words, placeholders) in cases {
            let carried = Carried::of(&carries, &schema, &settings);
            assert_eq!((carried.words, carried.placeholders), (words, placeholders));
        }
    }
}
