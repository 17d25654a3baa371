//! The peers of one send: the same form to the same server, by others.

use std::process::{Command, Stdio};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use textsender_tests::sandbox::twilio;

use crate::{
    load_server::LoadServer,
    subject::Subject,
    wiring::{PHONE, Scheme, TEXT, Wiring},
};

/// What Twilio's Python client is given to do.
const PYTHON: &str = "\
import os
from twilio.rest import Client
client = Client(os.environ['SID'], os.environ['TOKEN'])
client.api.base_url = os.environ['URL']
client.messages.create(to=os.environ['TO'], from_=os.environ['FROM'], body=os.environ['BODY'])
";

/// What Twilio's Node client is given to do.
const NODE: &str = "\
const { SID, TOKEN, TO, FROM, BODY } = process.env;
const client = require('twilio')(SID, TOKEN);
client.api.baseUrl = process.env.URL;
client.messages.create({ to: TO, from: FROM, body: BODY }).catch((error) => { console.error(error); process.exit(1); });
";

/// How many rounds a client that takes half a second takes part in.
const FEW: usize = 9;

/// A peer, or why there is none.
pub type Found = Result<Subject, (&'static str, String)>;

/// All peers, for this scheme.
pub fn all(wiring: &Wiring, scheme: Scheme) -> [Found; 3] {
    [
        curl(wiring, scheme),
        client(
            wiring,
            scheme,
            "twilio-python",
            "python3",
            ["-c", "import twilio; print(twilio.__version__)"],
            ["-c", PYTHON],
        ),
        client(
            wiring,
            scheme,
            "twilio-node",
            "node",
            ["-p", "require('twilio/package.json').version"],
            ["-e", NODE],
        ),
    ]
}

/// `curl` with the same form.
pub fn curl(wiring: &Wiring, scheme: Scheme) -> Found {
    let is_there = Command::new("curl").arg("--version").output().is_ok();
    if !is_there {
        return Err(("curl", "which is not installed".into()));
    }
    let field =
        |name: &str, value: &str| ["--data-urlencode".to_owned(), format!("{name}={value}")];
    let mut curl = Subject::new("curl", "curl")
        .args([
            "--silent",
            "--show-error",
            "--fail",
            "--output",
            "/dev/null",
        ])
        .args([
            "--user",
            &format!("{}:{}", twilio::ACCOUNT_SID, twilio::AUTH_TOKEN),
        ])
        .args(field("To", PHONE))
        .args(field("From", twilio::FROM_NUMBER))
        .args(field("Body", TEXT))
        .args([wiring.url(scheme).to_owned() + &LoadServer::path()]);
    curl = match scheme {
        Scheme::Http => curl,
        Scheme::PrivateAuthority => {
            curl.args(["--cacert".as_ref(), wiring.server.ca_file.as_os_str()])
        }
        Scheme::SystemRoots => {
            curl.args(["--cacert".as_ref(), wiring.server.roots_file.as_os_str()])
        }
    };
    Ok(curl)
}

/// One of Twilio's own clients, run by its interpreter.
fn client(
    wiring: &Wiring,
    scheme: Scheme,
    name: &'static str,
    interpreter: &'static str,
    version: [&str; 2],
    script: [&str; 2],
) -> Found {
    let asked = Command::new(interpreter)
        .args(version)
        .stderr(Stdio::null())
        .output();
    let version = match asked {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => return Err((name, format!("which {interpreter} does not find"))),
    };
    let roots = match scheme {
        Scheme::SystemRoots => &wiring.server.roots_file,
        _ => &wiring.server.ca_file,
    };
    Ok(Subject::new(format!("{name} {version}"), interpreter)
        .args(script)
        .env("SID", twilio::ACCOUNT_SID)
        .env("TOKEN", twilio::AUTH_TOKEN)
        .env("URL", wiring.url(scheme))
        .env("TO", PHONE)
        .env("FROM", twilio::FROM_NUMBER)
        .env("BODY", TEXT)
        .env("REQUESTS_CA_BUNDLE", roots)
        .env("NODE_EXTRA_CA_CERTS", roots)
        .rounds(FEW))
}

/// The same form as one string, for peers that are given a whole body.
pub fn form() -> String {
    [("To", PHONE), ("From", twilio::FROM_NUMBER), ("Body", TEXT)]
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .join("&")
}
