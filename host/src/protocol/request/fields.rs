//! The request as JSON gives it: known fields only, each once, each of its type.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Value, json};
use textsender_plugin_api::Purpose;

use super::{Event, MAX_GROUPS};

/// A request to send one text message.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Request", extend("if" = purpose_is_new_password(), "then" = needs("password"), "else" = of_information_or_code()))]
pub(in crate::protocol) struct Fields {
    /// The version of the protocol; 1 where it is left out.
    #[schemars(range(min = 1, max = 1))]
    pub(super) version: Option<u32>,
    /// What makes a repeat safe: the same id never sends twice. 1 to 128 printable ASCII characters
    /// without spaces; one is made where it is left out.
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[!-~]+$"))]
    pub(super) id: Option<JsonString>,
    /// The id of a message that is sent again, for a user who did not get it: the same code or password to the
    /// same number, while it is good.
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[!-~]+$"))]
    pub(super) resend_of: Option<JsonString>,
    /// Why the message is sent. `test` is an administrator's.
    #[schemars(required)]
    pub(super) purpose: Option<Purpose>,
    /// What the user is doing.
    pub(super) event: Option<Event>,
    /// Who asked for it, for the audit.
    #[schemars(length(max = 4096))]
    pub(super) actor: Option<JsonString>,
    /// The address that the user's request came from, IPv4 or IPv6 without a port. It is counted, and kept as a
    /// keyed hash only.
    #[schemars(length(max = 4096))]
    pub(super) source: Option<JsonString>,
    /// Who gets it. It is believed as it is given.
    #[schemars(required)]
    pub(super) user: Option<Object<UserFields>>,
    /// The code: 4 to 64 visible characters, in one group or two with a space between. Always in quotes. For
    /// every purpose but `new_password` and `information`.
    #[schemars(length(min = 4, max = 64), regex(pattern = r"^\S+( \S+)?$"))]
    pub(super) code: Option<JsonString>,
    /// The new password, for the purpose `new_password` alone.
    #[schemars(length(min = 1, max = 256))]
    pub(super) password: Option<JsonString>,
    /// The caller's own words, for the purpose `information` alone: `%message%` in the policy's text, of which 40
    /// characters are kept.
    #[schemars(length(max = 4096))]
    pub(super) message: Option<JsonString>,
    /// In how many seconds code or password ends. Nothing is sent after it.
    pub(super) expires_in: Option<u64>,
    /// The same as a point in time (RFC 3339). Not together with `expires_in`.
    #[schemars(extend("format" = "date-time"))]
    pub(super) expires_at: Option<JsonString>,
    /// The sender to test. With the purpose `test` only.
    #[schemars(length(max = 4096))]
    pub(super) sender: Option<JsonString>,
}

/// What is known of the user.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = phone_or_name()))]
pub(super) struct UserFields {
    /// The account name: `%user%` in texts. A configured directory finds the user by it: `ada`, `EXAMPLE\ada` or
    /// `ada@example.org`.
    #[schemars(length(max = 4096))]
    pub(super) name: Option<JsonString>,
    /// The SID, by which a configured directory finds the user.
    #[schemars(length(max = 4096))]
    pub(super) sid: Option<JsonString>,
    /// The name for people: `%name%` in texts.
    #[schemars(length(max = 4096))]
    pub(super) display_name: Option<JsonString>,
    /// The distinguished name, by which policies are found.
    #[schemars(length(max = 4096))]
    pub(super) dn: Option<JsonString>,
    /// All groups that the user is in, those of groups included, each as a distinguished name or SID.
    #[serde(default)]
    pub(super) groups: Groups,
    /// The user's language, as in BCP 47; or several with weights, as in `cy, en;q=0.8`.
    #[schemars(length(max = 4096))]
    pub(super) locale: Option<JsonString>,
    /// The mobile number: E.164, or as it is dialled in the policy's region. It may be left out where a directory is
    /// configured that knows it, for a user with a name or SID.
    #[schemars(length(max = 4096))]
    pub(super) phone: Option<JsonString>,
}

/// A user without a number is one whom a directory finds.
fn phone_or_name() -> Value {
    json!([{ "required": ["phone"] }, { "required": ["name"] }, { "required": ["sid"] }])
}

fn purpose_is_new_password() -> Value {
    purpose_is("new_password")
}

fn of_information_or_code() -> Value {
    json!({
        "if": purpose_is("information"),
        "then": { "properties": { "code": { "type": "null" }, "password": { "type": "null" } } },
        "else": needs("code"),
    })
}

fn purpose_is(purpose: &str) -> Value {
    json!({ "properties": { "purpose": { "const": purpose } } })
}

/// What that purpose, or any other, carries and does not carry.
fn needs(field: &str) -> Value {
    let other = if field == "code" { "password" } else { "code" };
    let others = json!({ other: { "type": "null" }, "message": { "type": "null" } });
    json!({ "required": [field], "properties": others })
}

/// The schema of the fields.
impl<T: JsonSchema> JsonSchema for Object<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A string: what it takes besides is only to say that it does not.
impl JsonSchema for JsonString {
    fn schema_name() -> Cow<'static, str> {
        "JsonString".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl JsonSchema for Groups {
    fn schema_name() -> Cow<'static, str> {
        "Groups".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let item = json!({ "type": "string" });
        json_schema!({ "type": ["array", "null"], "items": item, "maxItems": MAX_GROUPS })
    }
}

/// A JSON object. serde would also take a list of the fields' values in order.
#[derive(Default)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// A string. A number in its place gets an error of its own, because codes and phone numbers look like one.
pub(super) struct JsonString(pub(super) String);

/// What is said of a number where a string belongs.
pub(super) const QUOTE_IT: &str = "put it in quotes: a number loses leading zeros";

impl<'de> Deserialize<'de> for JsonString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Quoted;

        impl de::Visitor<'_> for Quoted {
            type Value = JsonString;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, value: &str) -> Result<JsonString, E> {
                Ok(JsonString(value.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<JsonString, E> {
                Err(E::custom(QUOTE_IT))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<JsonString, E> {
                Err(E::custom(QUOTE_IT))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<JsonString, E> {
                Err(E::custom(QUOTE_IT))
            }
        }

        deserializer.deserialize_any(Quoted)
    }
}

/// Group names, at most [`MAX_GROUPS`]: counted as they come, so that a flood is not kept first.
#[derive(Default)]
pub(super) struct Groups(pub(super) Vec<String>);

/// What is said of too many groups.
pub(super) const TOO_MANY_GROUPS: &str = "more than 4,096 groups";

impl<'de> Deserialize<'de> for Groups {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded;

        impl<'de> de::Visitor<'de> for Bounded {
            type Value = Groups;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of strings")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Groups, A::Error> {
                let mut groups = Vec::new();
                while let Some(JsonString(group)) = list.next_element()? {
                    if groups.len() == MAX_GROUPS {
                        return Err(de::Error::custom(TOO_MANY_GROUPS));
                    }
                    groups.push(group);
                }
                Ok(Groups(groups))
            }

            fn visit_unit<E>(self) -> Result<Groups, E> {
                Ok(Groups::default())
            }
        }

        deserializer.deserialize_any(Bounded)
    }
}
