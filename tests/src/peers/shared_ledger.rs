//! What several machines share: a PostgreSQL server with textsender's schema, and the part of the configuration that
//! names it.

use std::process::Command;

use super::postgres::Postgres;
use crate::harness::artifacts;

/// Makes role, database and schema, as an administrator would.
///
/// # Panics
/// If the server does not take them.
pub fn prepare(server: &Postgres) {
    server.sql("postgres", "CREATE ROLE textsender LOGIN");
    server.sql("postgres", "CREATE DATABASE textsender");
    let schema = Command::new(&artifacts().textsender)
        .args(["ledger", "schema", "--postgres"])
        .output()
        .unwrap();
    assert!(schema.status.success());
    server.script("textsender", &String::from_utf8(schema.stdout).unwrap());
}

/// `[state.shared]` with this address; `replication` and `timeout` as the configuration has them.
pub fn section(url: &str, replication: &str, timeout: &str) -> String {
    format!(
        "[state.shared]\nengine = \"postgresql\"\nurl = {url:?}\nreplication = {replication:?}\n\
         when_unreachable = \"refuse\"\ntimeout = {timeout:?}\n"
    )
}
