//! docs/outcomes.md: each outcome and each code of an error, for those who run textsender, for those who call it,
//! and what to show the user. It is made from what the program says, and from the tables here; where it differs, it
//! is written anew by
//!
//! ```sh
//! TEXTSENDER_BLESS=1 cargo test -p textsender-tests --test e2e outcomes_page
//! ```

use std::env;
use std::fmt::Write;
use std::fs;

use serde::Deserialize;

use crate::admin::Admin;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/outcomes.md");

/// A code as `textsender explain-error --json` has it.
#[derive(Deserialize)]
struct Explained {
    code: String,
    outcome: String,
    exit: u8,
    retryable: bool,
    message: String,
    remedy: String,
}

/// What a caller does about an outcome, and what it shows the user.
struct Advice {
    outcome: &'static str,
    exit: u8,
    caller: &'static str,
    user: &'static str,
}

const fn advice(
    outcome: &'static str,
    exit: u8,
    caller: &'static str,
    user: &'static str,
) -> Advice {
    Advice {
        outcome,
        exit,
        caller,
        user,
    }
}

const NOT_NOW: &str = "We can't send a text now. Use another way, or try again later.";
const SENT: &str = "We sent a code to your phone. It can take a minute.";

const OUTCOMES: [Advice; 10] = [
    advice("accepted", 0, "Let the user type the code in.", SENT),
    advice(
        "invalid",
        65,
        "Correct your program: `error.message` names the field.",
        NOT_NOW,
    ),
    advice(
        "rejected",
        67,
        "Do not repeat it.",
        "We can't send a text to this number. Check it, or give another mobile number.",
    ),
    advice(
        "unavailable",
        69,
        "Repeat the same id after `retry_after`, or offer another way.",
        NOT_NOW,
    ),
    advice("crashed", 70, "Repeat the same id once.", NOT_NOW),
    advice(
        "in_progress",
        73,
        "Repeat the same id in a moment for its answer.",
        "One moment.",
    ),
    advice(
        "limited",
        75,
        "Repeat after `retry_after`, not earlier.",
        "We sent you several texts already. Try again later.",
    ),
    advice(
        "unknown",
        76,
        "Let the user type the code in. Repeat the same id only; offer a new code after a while.",
        "We sent a code to your phone. If it does not come, ask for a new one in a few minutes.",
    ),
    advice(
        "refused",
        77,
        "Offer another way.",
        "Text messages are not available for your account. Use another way.",
    ),
    advice(
        "misconfigured",
        78,
        "Raise an alarm, and offer another way.",
        NOT_NOW,
    ),
];

/// The codes for which it is something else than for their outcome.
const CODES: [(&str, &str, &str); 10] = [
    (
        "invalid_number",
        "Let the user correct the number.",
        "This is not a phone number. Check it.",
    ),
    (
        "number_ambiguous",
        "Let the user correct the number.",
        "Write your number with + and the country's code.",
    ),
    (
        "not_mobile",
        "Let the user give another number.",
        "This is the number of a landline. Give a mobile number.",
    ),
    (
        "opted_out",
        "Do not repeat it.",
        "You stopped texts from us. Send START to the number that they came from.",
    ),
    (
        "unsuitable_code",
        "Make a code of letters and digits, and send it with a new id.",
        "One moment.",
    ),
    (
        "expired",
        "Make a new code, and send it with a new id.",
        "The code is too old. Ask for a new one.",
    ),
    (
        "resend_mismatch",
        "Make a new code, and send it without `resend_of`.",
        "The code is too old. Ask for a new one.",
    ),
    (
        "resend_unknown",
        "Send it without `resend_of`.",
        "One moment.",
    ),
    (
        "unknown_id",
        "Use the id of a message that was sent.",
        "Nothing: the user asked for nothing.",
    ),
    (
        "kind_not_allowed",
        "Let the user give another number.",
        "We can't send a text to this number. Give your mobile number.",
    ),
];

fn page(codes: &[Explained]) -> String {
    let mut page = String::from(
        "# Outcomes and errors\n\n\
         What became of a message is its `outcome`; why, where it was not accepted, is `error.code`. Both stay as they\n\
         are in later versions, and more codes may come: go by the outcome where you do not know a code. A caller shows\n\
         its users words of its own, such as those here; `error.message` is for operators.\n\
         `textsender explain-error CODE` says the same on the command line.\n\n\
         ## Outcomes\n\n\
         | outcome | exit | the caller | the user is shown |\n|---|---|---|---|\n",
    );
    for Advice {
        outcome,
        exit,
        caller,
        user,
    } in &OUTCOMES
    {
        writeln!(page, "| `{outcome}` | {exit} | {caller} | {user} |").unwrap();
    }
    page.push_str(
        "\nNo response, a signal or any other exit code is `unknown`, unless the program never ran: see\n\
         [what to do for each outcome](callers.md#what-to-do-for-each-outcome).\n\n## Codes\n",
    );
    for advice in &OUTCOMES {
        let of_outcome = codes.iter().filter(|code| code.outcome == advice.outcome);
        let of_outcome: Vec<_> = of_outcome.collect();
        let Some(first) = of_outcome.first() else {
            continue;
        };
        let again = match first.retryable {
            true => "a repeat can help",
            false => "a repeat does not help",
        };
        assert_eq!(first.exit, advice.exit, "{}", advice.outcome);
        write!(page, "\n### `{}`: {again}\n\n", advice.outcome).unwrap();
        page.push_str("| code | it means | the operator | the caller | the user is shown |\n|---|---|---|---|---|\n");
        for Explained {
            code,
            message,
            remedy,
            ..
        } in of_outcome
        {
            let own = CODES.iter().find(|(known, ..)| known == code);
            let (caller, user) =
                own.map_or(("as above", "as above"), |(_, caller, user)| (caller, user));
            let row = [message, remedy, caller, user].map(|cell| cell.replace('|', "\\|"));
            let [message, remedy, caller, user] = row;
            writeln!(
                page,
                "| `{code}` | {message} | {remedy} | {caller} | {user} |"
            )
            .unwrap();
        }
    }
    page
}

#[test]
fn the_page_of_outcomes_says_what_the_program_says() {
    let admin = Admin::new();
    let ran = admin.run(&["explain-error", "--json"]);
    let codes: Vec<Explained> = serde_json::from_value(ran.json()).unwrap();
    for (code, ..) in CODES {
        let is_there = codes.iter().any(|known| known.code == code);
        assert!(is_there, "there is no code {code}");
    }
    let page = page(&codes);
    if env::var_os("TEXTSENDER_BLESS").is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    let written = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == page,
        "docs/outcomes.md is not what the program says; TEXTSENDER_BLESS=1 writes it anew"
    );
}
