//! `docs/administrators.md` and `docs/first-text.md` are walked: every command in it, in its order, from `init` to a text on the
//! phone for each sender. Only what leads to the sandbox instead of the provider is added.

use textsender_tests::harness::artifacts;
use textsender_tests::sandbox::smtp::Security;
use textsender_tests::sandbox::{Provider, Sandbox, notify, twilio};

use super::Admin;

const GUIDE: &str = include_str!("../../../../docs/administrators.md");

const FIRST_TEXT: &str = include_str!("../../../../docs/first-text.md");

/// The lines of every `sh` block of a guide, in order.
fn commands(guide: &'static str) -> Vec<&'static str> {
    let mut blocks = guide.split("```sh\n").skip(1);
    let mut commands = Vec::new();
    for block in &mut blocks {
        let (block, _) = block.split_once("```").unwrap();
        commands.extend(block.lines());
    }
    commands
}

#[test]
fn every_command_of_the_guide_does_what_it_says() {
    let sandbox = Sandbox::start();
    let admin = Admin::new();
    let commands = commands(GUIDE);
    assert!(
        commands.len() > 40,
        "the guide has lost its commands: {commands:?}"
    );
    for line in commands {
        step(&admin, &sandbox, line);
    }

    let texts = sandbox.texts();
    let taken: Vec<_> = texts.iter().map(|text| text.provider).collect();
    assert_eq!(
        taken,
        [Provider::Twilio, Provider::Notify, Provider::Gateway],
        "{texts:?}"
    );
    for text in texts {
        assert!(text.body.contains("beK989vc"), "{text:?}");
    }
    admin.run(&["check"]).ok();
}

#[test]
fn the_short_guide_leads_to_a_text_in_a_quarter_of_an_hour() {
    let sandbox = Sandbox::start();
    let admin = Admin::new();
    for line in commands(FIRST_TEXT) {
        step(&admin, &sandbox, line);
    }
    let texts = sandbox.texts();
    let [text] = texts.as_slice() else {
        panic!("{texts:?}");
    };
    assert!(text.body.contains("beK989vc"), "{text:?}");
    // What its steps are said to take.
    let minutes = FIRST_TEXT.split(" minute").map(|before| {
        let number = before.rsplit('(').next().unwrap_or_default();
        number.parse::<u32>().unwrap_or(0)
    });
    assert_eq!(minutes.sum::<u32>(), 15);
}

/// Runs one line of the guide, as the administrator of the sandbox's accounts.
fn step(admin: &Admin, sandbox: &Sandbox, line: &str) {
    let command = line
        .replace("sudo ", "")
        .replace("AC0123456789abcdef0123456789abcdef", twilio::ACCOUNT_SID);
    let command = match command.as_str() {
        // Without root, as the guide says beside it.
        "textsender init --region GB" => {
            format!(
                "textsender init --region GB --folder {}",
                admin.folder().display()
            )
        }
        _ => command,
    };
    let stdin = match command.as_str() {
        "textsender secret set twilio.auth_token"
        | "textsender secret set --check twilio.auth_token" => twilio::AUTH_TOKEN,
        "textsender secret set notify.api_key" => notify::API_KEY,
        _ if command.starts_with("textsender test-send") => "+447700900123\nbeK989vc\n",
        _ => "",
    };
    admin.shell(&command, stdin).ok();
    for extra in aside(&command, sandbox) {
        admin.shell(&extra, "").ok();
    }
}

/// What a real administrator has and a test has not: the package's plugins, and providers with names.
fn aside(command: &str, sandbox: &Sandbox) -> Vec<String> {
    let set =
        |sender: &str, settings: String| vec![format!("textsender sender set {sender} {settings}")];
    if command.starts_with("textsender init") {
        let plugins = ["twilio", "govuk-notify", "email-gateway"];
        let install = |id| {
            format!(
                "textsender plugin install {}",
                artifacts().plugin(id).display()
            )
        };
        return plugins.map(install).into();
    }
    match command {
        "textsender sender add twilio --plugin twilio" => {
            set("twilio", format!("base_url={}", sandbox.twilio().url()))
        }
        "textsender sender add notify --plugin govuk-notify" => {
            set("notify", format!("base_url={}", sandbox.notify().url()))
        }
        _ if command.starts_with("textsender sender add twilio account_sid=") => {
            set("twilio", format!("base_url={}", sandbox.twilio().url()))
        }
        _ if command.starts_with("textsender sender set gateway server") => {
            let port = sandbox.smtp().port(Security::None);
            set(
                "gateway",
                format!("server=127.0.0.1 security=none port={port}"),
            )
        }
        _ => Vec::new(),
    }
}

/// The procedure that administrators know has 23 steps, and both of its parts keep their order here.
#[test]
fn the_guide_keeps_the_steps_of_the_procedure() {
    for part in ["## Configure Twilio", "## Configure GOV.UK Notify"] {
        let (_, part) = GUIDE.split_once(part).unwrap();
        let part = part.split("\n## ").next().unwrap();
        let mut steps = Vec::new();
        for line in part.lines().filter_map(|line| line.strip_prefix("**")) {
            let number: String = line
                .chars()
                .take_while(|c| c.is_ascii_digit() || *c == '-')
                .collect();
            let (first, last) = number.split_once('-').unwrap_or((&number, &number));
            if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) {
                steps.extend(first..=last);
            }
        }
        assert_eq!(steps, (1..=23).collect::<Vec<_>>());
    }
}
