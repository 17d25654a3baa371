//! `textsender-directory`: asks Active Directory who a user is, and which group policy objects decide.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    textsender_directory::cli::run().await
}
