//! The protocol as JSON Schemas (2020-12), made from the types that read and write it.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::{Response, request::Fields};

/// What a request may hold.
pub fn request_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<Fields>().into()
}

/// What a response holds.
pub fn response_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings
        .into_generator()
        .into_root_schema_for::<Response>()
        .into()
}
