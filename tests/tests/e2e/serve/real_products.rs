//! The products themselves, as far as registries have them: their own code sends to a hub. `.ci/release`
//! installs them; each is ignored by name where it is not there.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use tempfile::NamedTempFile;
use textsender_tests::harness::Test;
use textsender_tests::sandbox::{Fault, When};

use super::http::Hub;

const TOKEN: &str = "hUb7tOken2xT9kLr4sWb8nYd";
const CODE: &str = "824617";

/// A hub for this product.
fn hub(product: &str) -> (Hub, SocketAddr) {
    let test = Test::new().config(&format!("[callers.idp]\nproduct = \"{product}\""));
    Hub::with_http(test.secret("serve.idp", TOKEN).hide("the code", CODE))
}

/// Runs a program, and gives what it prints.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
#[cfg_attr(
    not(has_privacyidea),
    ignore = "needs privacyIDEA in $TEXTSENDER_PRODUCTS"
)]
fn privacyideas_own_class_sends() {
    const PROGRAM: &str = r#"
import sys
from types import SimpleNamespace
from privacyidea.lib.smsprovider.HttpSMSProvider import HttpSMSProvider
url, token, phone, code, as_json = sys.argv[1:]
options = {"URL": url, "HTTP_METHOD": "POST", "SEND_DATA_AS_JSON": as_json, "phone": "{phone}", "otp": "{otp}"}
gateway = SimpleNamespace(option_dict=options, header_dict={"Authorization": "Bearer " + token})
try:
    print(HttpSMSProvider(smsgateway=gateway).submit_message(phone, code))
except Exception as error:
    print(type(error).__name__)
"#;
    let (hub, address) = hub("privacyidea");
    let url = format!("http://{address}/callers/idp");
    let python = format!("{}/privacyidea/bin/python", product_folder());
    let submit = |token: &str, phone: &str, code: &str, as_json: &str| {
        let arguments = ["-c", PROGRAM, &url, token, phone, code, as_json];
        printed(Command::new(&python).args(arguments))
    };
    assert_eq!(submit(TOKEN, "+447700900123", CODE, "no"), "True");
    // As JSON, a code without a leading zero is a number.
    assert_eq!(submit(TOKEN, "+447700900124", CODE, "yes"), "True");
    assert_eq!(submit(TOKEN, "+447700900125", "024617", "yes"), "True");
    assert_eq!(submit("wrong", "+447700900123", CODE, "no"), "SMSError");
    // Once more within seconds, as after its three seconds: no second text.
    assert_eq!(submit(TOKEN, "+447700900123", CODE, "no"), "True");
    let texts = hub.running.sandbox().texts();
    let bodies: Vec<_> = texts
        .iter()
        .map(|text| text.body.rsplit(' ').next().unwrap())
        .collect();
    assert_eq!(bodies, [CODE, CODE, "024617"]);
    hub.end();
}

/// The function that the guide has, in a program that sends a code and has it checked.
#[test]
#[cfg_attr(
    not(has_better_auth),
    ignore = "needs better-auth in $TEXTSENDER_PRODUCTS"
)]
fn better_auth_sends_by_the_guides_function() {
    const GUIDE: &str = include_str!("../../../../docs/products.md");
    const PROGRAM: &str = r#"
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { phoneNumber } from "better-auth/plugins";
const tables = { user: [], session: [], account: [], verification: [] };
const auth = betterAuth({
  baseURL: "http://localhost:3000",
  secret: "a secret of more than thirty-two signs",
  database: memoryAdapter(tables),
  telemetry: { enabled: false },
  logger: { disabled: true },
  plugins: [phoneNumber({ sendOTP })],
});
try {
  await auth.api.sendPhoneNumberOTP({ body: { phoneNumber: process.argv[2] } });
  console.log(tables.verification[0].value.split(":")[0]);
} catch (error) {
  console.log(error.message);
}
"#;
    let test = Test::new().config(
        "[callers.shop]\nfields = { phone = \"/phone\", code = \"/code\" }\nid = \"content\"",
    );
    let (hub, address) = Hub::with_http(test.secret("serve.shop", TOKEN));
    let (_, function) = GUIDE.split_once("```js\n").unwrap();
    let (function, _) = function.split_once("```").unwrap();
    let program = module("better-auth", &[PROGRAM, function]);
    let send = |token: &str, number: &str| {
        let mut node = Command::new("node");
        node.env("TEXTSENDER_URL", format!("http://{address}/callers/shop"))
            .env("TEXTSENDER_TOKEN", token);
        printed(node.arg(program.path()).arg(number))
    };
    let code = send(TOKEN, "+447700900123");
    let texts = hub.running.sandbox().texts();
    assert_eq!(texts.len(), 1);
    assert!(texts[0].body.ends_with(&code), "{code}");
    assert_eq!(code.len(), 6);
    assert_eq!(send("wrong", "+447700900123"), "the text was not sent: 401");
    let refused = Fault::status(401);
    hub.running.sandbox().twilio().fault(When::next(), refused);
    assert!(send(TOKEN, "+447700900124").starts_with("the text was not sent: 5"));
    hub.end().texts(1);
}

#[test]
#[cfg_attr(
    not(has_logto),
    ignore = "needs Logto's connector in $TEXTSENDER_PRODUCTS"
)]
fn logtos_own_connector_sends() {
    const PROGRAM: &str = r#"
import createConnector from "@logto/connector-http-sms";
const [endpoint, authorization, to, code] = process.argv.slice(2);
const connector = await createConnector({ getConfig: async () => ({ endpoint, authorization }) });
try {
  await connector.sendMessage({ to, type: "ForgotPassword", payload: { code, locale: "en-GB" } });
  console.log("sent");
} catch (error) {
  console.log(error.message);
}
"#;
    let (hub, address) = hub("logto");
    let program = module("logto", &[PROGRAM]);
    let url = format!("http://{address}/callers/idp");
    let send = |token: &str, to: &str| {
        let authorization = format!("Bearer {token}");
        let mut node = Command::new("node");
        printed(
            node.arg(program.path())
                .args([&url, &authorization, to, CODE]),
        )
    };
    assert_eq!(send(TOKEN, "447700900123"), "sent");
    assert!(send("wrong", "447700900123").contains("Authorization"));
    hub.running
        .sandbox()
        .twilio()
        .fault(When::next(), Fault::status(401));
    assert!(send(TOKEN, "447700900124").contains("could not be sent"));
    let texts = hub.running.sandbox().texts();
    assert_eq!(texts.len(), 1);
    assert_eq!(texts[0].to, "+447700900123");
    hub.end();
}

#[test]
#[cfg_attr(
    not(has_lemonldap),
    ignore = "needs Debian's liblemonldap-ng-portal-perl"
)]
fn lemonldaps_own_second_factor_sends() {
    // `sendCode` of the portal's class, whose surroundings are a whole portal: only what it asks for is here.
    const PROGRAM: &str = r#"
use strict;
use Lemonldap::NG::Portal::2F::REST;
package Quiet { sub AUTOLOAD { } }
my ($url, $phone, $code) = @ARGV;
my $conf = { rest2fInitUrl => $url, whatToTrace => 'uid' };
my $log = bless {}, 'Quiet';
{
    no warnings 'redefine';
    no strict 'refs';
    *{"Lemonldap::NG::Portal::2F::REST::logger"} = sub { $log };
    *{"Lemonldap::NG::Portal::2F::REST::conf"} = sub { $conf };
}
my $factor = bless { conf => $conf, initAttrs => { phone => 'mobile' } }, 'Lemonldap::NG::Portal::2F::REST';
print $factor->sendCode(undef, { uid => 'ada', mobile => $phone eq 'none' ? undef : $phone }, $code);
"#;
    let (hub, address) = hub("lemonldap-ng");
    let send = |token: &str, phone: &str| {
        let url = format!("http://portal:{token}@{address}/callers/idp");
        printed(Command::new("perl").args(["-e", PROGRAM, &url, phone, CODE]))
    };
    // 1 is its success, 24 its PE_ERROR.
    assert_eq!(send(TOKEN, "+447700900123"), "1");
    assert_eq!(send("wrong", "+447700900123"), "24");
    // A user without a number is not told from one with a number.
    assert_eq!(send(TOKEN, "none"), "1");
    hub.running
        .sandbox()
        .twilio()
        .fault(When::next(), Fault::status(401));
    assert_eq!(send(TOKEN, "+447700900124"), "24");
    hub.end().texts(1);
}

/// A program for node in a product's folder: from there it finds its modules.
fn module(product: &str, parts: &[&str]) -> NamedTempFile {
    let folder = format!("{}/{product}", product_folder());
    let mut program = tempfile::Builder::new();
    let program = program.suffix(".mjs").tempfile_in(folder).unwrap();
    fs::write(program.path(), parts.concat()).unwrap();
    program
}

/// Where `.ci/release` has put them.
fn product_folder() -> &'static str {
    option_env!("PRODUCTS").unwrap_or_default()
}
