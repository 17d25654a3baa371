//! Mail servers that take no password: Microsoft 365 and Google, with a token server that is played.

use serde_json::json;
use textsender_tests::harness::{Run, Test};
use textsender_tests::sandbox::{echo::Script, smtp::Security, smtp::USER};

/// What the token server gives, and the mail server takes.
const TOKEN: &str = "eyJ0eXAi.access-token.7Qx";

/// A gateway with a token server that answers so, and these settings.
fn gateway(answers: &str, settings: &str) -> Test {
    let test = Test::new().all_senders().through("email-gateway").tls();
    let sandbox = test.sandbox();
    sandbox.smtp().require_token(TOKEN);
    sandbox.echo().script(Script::parse(answers).unwrap());
    let port = sandbox.smtp().port(Security::StartTls);
    let token_url = format!("{}/oauth2/token", sandbox.echo().url());
    test.hide("the access token", TOKEN).config(&format!(
        "[senders.email-gateway.settings]\nserver = \"localhost\"\nsecurity = \"starttls\"\nport = {port}\n\
         user = {USER:?}\ntoken_url = {token_url:?}\n{settings}"
    ))
}

fn gives(token: &str, more: &str) -> String {
    format!(
        "[[answer]]\nmethod = \"POST\"\npath = \"/oauth2/token\"\nstatus = 200\n{more}\n\
         json = {{ token_type = \"Bearer\", expires_in = 3599, access_token = {token:?} }}\n"
    )
}

fn refuses(status: u16, code: &str) -> String {
    format!(
        "[[answer]]\npath = \"/oauth2/token\"\nstatus = {status}\njson = {{ error = {code:?} }}\n"
    )
}

const MICROSOFT: &str =
    "client_id = \"6731de76-14a6\"\nscope = \"https://outlook.office365.com/.default\"";
const GOOGLE: &str = "client_id = \"407.apps.googleusercontent.com\"";

fn by_microsoft(answers: &str) -> Test {
    gateway(answers, MICROSOFT).secret("email-gateway.client_secret", "cl1ent~s3cret")
}

fn by_google(answers: &str) -> Test {
    gateway(answers, GOOGLE)
        .secret("email-gateway.client_secret", "GOCSPX-s3cret")
        .secret("email-gateway.refresh_token", "1//0gR3fresh")
}

/// What the token server was asked, as decoded fields.
fn asked(run: &Run) -> Vec<Vec<(String, String)>> {
    let requests = run.sandbox().requests();
    let tokens = requests.iter().filter(|it| it.path() == "/oauth2/token");
    let fields = tokens.map(|request| {
        let mut fields = request.form();
        fields.sort();
        fields
    });
    fields.collect()
}

fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut owned: Vec<_> = owned.collect();
    owned.sort();
    owned
}

#[test]
fn microsoft_365_takes_a_token_of_the_client_itself() {
    let run = by_microsoft(&gives(TOKEN, "")).run();
    run.outcome("accepted").texts(1);
    assert_eq!(run.sandbox().smtp().mails()[0].user.as_deref(), Some(USER));
    let expected = pairs(&[
        ("client_id", "6731de76-14a6"),
        ("client_secret", "cl1ent~s3cret"),
        ("grant_type", "client_credentials"),
        ("scope", "https://outlook.office365.com/.default"),
    ]);
    assert_eq!(asked(&run), [expected]);
}

#[test]
fn google_takes_a_token_for_a_refresh_token() {
    let run = by_google(&gives(TOKEN, "")).run();
    run.outcome("accepted").texts(1);
    let expected = pairs(&[
        ("client_id", "407.apps.googleusercontent.com"),
        ("client_secret", "GOCSPX-s3cret"),
        ("grant_type", "refresh_token"),
        ("refresh_token", "1//0gR3fresh"),
    ]);
    assert_eq!(asked(&run), [expected]);
}

/// A process that sends one message asks each time.
#[test]
fn a_stream_asks_once_and_keeps_the_token() {
    let requests = (0..20).map(|number| {
        json!({
            "id": number.to_string(), "purpose": "verification_code", "event": "reset",
            "code": "beK989vc", "user": { "phone": format!("+4477009001{number:02}") },
        })
    });
    let requests: Vec<_> = requests.collect();
    let test = by_microsoft(&gives(TOKEN, "")).config("[limits]\nprefix = { limits = [] }\n");
    let mut stream = test.stream().start_silent();
    stream.ask(&requests[..1]);
    stream.wait_for_answers(1);
    stream.ask(&requests[1..]);
    let run = stream.finish();
    run.exit(0).texts(20);
    assert_eq!(asked(&run).len(), 1);
}

/// At AUTH nothing of the mail has left.
#[test]
fn a_token_that_was_revoked_is_replaced_once() {
    let answers = gives("an-old-token", "times = 1") + &gives(TOKEN, "");
    let run = by_google(&answers).run();
    run.outcome("accepted").texts(1);
    assert_eq!(asked(&run).len(), 2);

    let run = by_google(&gives("never-the-right-one", "")).run();
    run.outcome("misconfigured").error("unauthorized").texts(0);
    assert_eq!(asked(&run).len(), 2);
}

#[test]
fn what_the_token_server_refuses_is_the_administrators_affair() {
    let cases = [
        (400, "invalid_grant", "misconfigured", "unauthorized"),
        (401, "invalid_client", "misconfigured", "unauthorized"),
        (400, "invalid_scope", "misconfigured", "provider_refused"),
        (
            503,
            "temporarily_unavailable",
            "unavailable",
            "provider_unavailable",
        ),
    ];
    for (status, error, outcome, code) in cases {
        let run = by_google(&refuses(status, error)).run();
        run.outcome(outcome).error(code).texts(0);
        run.logs(error);
    }
}

/// A server that takes tokens only is told apart, and `sender check` asks for one as a send does.
#[test]
fn a_check_logs_in_with_a_token_and_a_password_alone_is_told_what_is_missing() {
    let test = by_microsoft(&gives(TOKEN, "")).command(["sender", "check", "email-gateway"]);
    let run = test.stdin([]).run();
    run.exit(0).texts(0);
    let words = "the mail server knows resets";
    assert!(run.stdout.as_deref().unwrap().contains(words), "{run}");

    let test = Test::new().all_senders().through("email-gateway").tls();
    test.sandbox().smtp().require_token(TOKEN);
    let port = test.sandbox().smtp().port(Security::Tls);
    let settings = format!(
        "[senders.email-gateway.settings]\nserver = \"localhost\"\nsecurity = \"tls\"\nport = {port}\nuser = {USER:?}"
    );
    let run = test
        .config(&settings)
        .secret("email-gateway.password", "passw0rd-x")
        .run();
    run.outcome("misconfigured")
        .logs("set token_url and client_id");
}
