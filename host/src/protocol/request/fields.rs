//! The request as JSON gives it: known fields only, each once, each of its type.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de};
use textsender_plugin_api::Purpose;

use super::{Event, MAX_GROUPS};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    pub(super) version: Option<u32>,
    pub(super) id: Option<Text>,
    pub(super) purpose: Option<Purpose>,
    pub(super) event: Option<Event>,
    pub(super) actor: Option<Text>,
    pub(super) user: Option<Object<UserFields>>,
    pub(super) code: Option<Text>,
    pub(super) password: Option<Text>,
    pub(super) expires_in: Option<u64>,
    pub(super) expires_at: Option<Text>,
    pub(super) sender: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserFields {
    pub(super) name: Option<Text>,
    pub(super) display_name: Option<Text>,
    pub(super) dn: Option<Text>,
    #[serde(default)]
    pub(super) groups: Groups,
    pub(super) locale: Option<Text>,
    pub(super) phone: Option<Text>,
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

/// A string. A number in its place is told apart, because codes and phone numbers look like one.
pub(super) struct Text(pub(super) String);

/// What is said of a number where a string belongs.
pub(super) const QUOTE_IT: &str = "put it in quotes: a number loses leading zeros";

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Quoted;

        impl de::Visitor<'_> for Quoted {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, value: &str) -> Result<Text, E> {
                Ok(Text(value.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Text, E> {
                Err(E::custom(QUOTE_IT))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Text, E> {
                Err(E::custom(QUOTE_IT))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Text, E> {
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
                while let Some(Text(group)) = list.next_element()? {
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
