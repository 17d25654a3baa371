//! The front door: how everything stands, on one screen, from what really happened.

use std::io::Read;

use textsender_tests::sandbox::{Fault, Sandbox, When};

use super::Admin;
use super::changes::{sending, sends};

#[test]
fn the_front_door_tells_senders_hours_and_what_to_do_next() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    admin
        .run(&["status"])
        .ok()
        .says("nothing was sent")
        .says("no problems")
        .says("next: textsender test-send");
    sends(&admin);
    sends(&admin);
    sandbox
        .twilio()
        .fault(When::next().method("POST"), Fault::status(401));
    let request = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900124"},"code":"beK989vc"}"#;
    admin.feed(&["send"], request).failed(78);

    let status = admin.run(&["status", "--json"]).json();
    let recent = &status["last_24_hours"];
    assert_eq!(recent["outcomes"]["accepted"], 2, "{status}");
    assert_eq!(recent["outcomes"]["misconfigured"], 1, "{status}");
    let hours = recent["hours"].as_array().unwrap();
    let sum = |key: &str| -> u64 { hours.iter().map(|hour| hour[key].as_u64().unwrap()).sum() };
    assert_eq!(
        (hours.len(), sum("accepted"), sum("others")),
        (24, 2, 1),
        "{status}"
    );
    assert_eq!(recent["segments"]["GB"], 2, "{status}");
    let sender = &status["senders"][0];
    assert_eq!(sender["name"], "twilio", "{status}");
    assert_eq!(sender["last_error"]["code"], "unauthorized", "{status}");
    assert!(sender["last_success"].is_string(), "{status}");
    assert_eq!(status["default_sender"], "twilio", "{status}");
}

#[test]
fn what_was_spent_is_shown_where_there_are_prices() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    sends(&admin);
    let without = admin.run(&["status"]);
    assert!(!without.ok().stdout.contains("spend"), "{without}");
    let config = admin.config_text();
    admin.write_config(&format!("{config}[prices]\nIE = \"0.1 EUR\"\n"));
    admin
        .run(&["status"])
        .ok()
        .says("segments: GB 1; spend: - (1 segment has no price)\n");
    admin.write_config(&format!("{config}[prices]\nGB = \"0.04 EUR\"\n"));
    admin.run(&["check"]).ok();
    admin
        .run(&["status"])
        .ok()
        .says("segments: GB 1; spend: 0.04 EUR\n");
    let status = admin.run(&["status", "--json"]).json();
    assert_eq!(status["last_24_hours"]["spend"]["EUR"], 0.04, "{status}");
    let stats = admin.run(&["stats"]);
    let lines: Vec<&str> = stats.ok().stdout.lines().collect();
    assert!(lines[0].ends_with(" spend"), "{stats}");
    assert!(lines[1].ends_with("  0.04 EUR"), "{stats}");
    assert!(
        lines[2].starts_with("total ") && lines[2].ends_with("  0.04 EUR"),
        "{stats}"
    );
    let stats = admin.run(&["stats", "--json"]).json();
    assert_eq!(stats[0]["spend"]["EUR"], 0.04, "{stats}");
    admin.write_config(&format!("{config}[prices]\nUK = \"0.04 EUR\"\n"));
    admin
        .run(&["check"])
        .failed(78)
        .says("prices.UK: \"UK\" is not a region");
}

#[test]
fn when_texts_were_sent_is_drawn() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    admin.run(&["stats", "--plot"]).ok();
    sends(&admin);
    sends(&admin);
    sandbox
        .twilio()
        .fault(When::next().method("POST"), Fault::status(401));
    let request = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900124"},"code":"beK989vc"}"#;
    admin.feed(&["send"], request).failed(78);
    for (since, steps) in [("3h", 3), ("6d", 6)] {
        let plot = admin.run(&["stats", "--plot", "--since", since]);
        let lines: Vec<&str> = plot.ok().stdout.lines().collect();
        let (heading, lines) = lines.split_first().unwrap();
        assert!(heading.starts_with("texts by "), "{plot}");
        // With the one that is not over.
        assert!(lines.len() > steps, "{plot}");
        assert!(lines[0].ends_with("  0"), "{plot}");
        let (mut sum, mut bars) = (0, String::new());
        for line in lines {
            // An hour may have begun meanwhile.
            let mut words = line.split("  ").skip(1);
            sum += words.next().unwrap().parse::<u32>().unwrap();
            bars.extend(words);
        }
        assert_eq!(sum, 3, "{plot}");
        assert!(bars.contains("####") && bars.ends_with("--"), "{plot}");
        assert_eq!(
            lines.iter().map(|line| line.len()).max(),
            Some(80),
            "{plot}"
        );
    }
    admin.run(&["stats", "--plot", "--json"]).failed(2);
}

#[test]
fn the_first_problem_and_its_remedy_are_told() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    admin.write_config(&(admin.config_text() + "[sned]\n"));
    admin
        .run(&["status"])
        .ok()
        .says("PROBLEM:")
        .says("next: textsender doctor");
}

#[test]
fn with_ten_senders_it_fits_a_terminal_of_80_columns_and_24_lines() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    for n in 1..10 {
        let name = format!("a-rather-long-name-of-a-sender-{n}");
        admin
            .run(&["sender", "add", &name, "--plugin", "email-gateway"])
            .ok();
    }
    sends(&admin);
    let (mut child, mut screen) = admin.at_terminal(admin.command(&["status"]));
    let mut shown = Vec::new();
    let mut read = [0; 4096];
    // The end of the terminal is an error to its reader.
    while let Ok(count @ 1..) = screen.read(&mut read) {
        shown.extend_from_slice(&read[..count]);
    }
    assert!(child.wait().unwrap().success());
    let shown = plain(&String::from_utf8(shown).unwrap());
    let lines: Vec<&str> = shown
        .lines()
        .map(|line| line.trim_end_matches('\r'))
        .collect();
    assert!(lines.len() <= 24, "{} lines:\n{shown}", lines.len());
    for line in &lines {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(
        shown.contains('█'),
        "a bar from the one that was sent:\n{shown}"
    );
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("incomplete"))
            .count(),
        9,
        "{shown}"
    );
}

/// Without its colours.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[test]
fn the_log_is_filtered_and_written_as_csv() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let request = |id: &str, actor: &str| {
        format!(
            r#"{{"id":"{id}","purpose":"verification_code","event":"reset","actor":"{actor}","user":{{"phone":"+447700900123"}},"code":"beK989vc"}}"#
        )
    };
    admin.feed(&["send"], &request("5f0c01", "bob")).ok();
    admin
        .feed(&["send"], &request("5f0c02", "=eve, \\\"x\\\""))
        .ok();
    admin.feed(&["send"], &request("77aa03", "bob")).ok();
    let ids = |filter: &[&str]| -> Vec<String> {
        let ran = admin.run(&[&["log", "--json"], filter].concat());
        let lines = ran.ok().stdout.lines();
        let entries = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        entries
            .map(|entry| entry["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&["--actor", "bob"]), ["5f0c01", "77aa03"]);
    assert_eq!(ids(&["--id", "5f0c"]), ["5f0c01", "5f0c02"]);
    assert_eq!(ids(&["--sender", "twilio"]).len(), 3);
    assert_eq!(ids(&["--sender", "other"]).len(), 0);
    assert_eq!(ids(&["--policy", "Everyone", "--last", "1"]), ["77aa03"]);
    assert_eq!(ids(&["--phone", "+447700900123"]).len(), 3);
    assert_eq!(ids(&["--recipient", "+447700900124"]).len(), 0);

    let csv = admin.run(&["log", "--csv", "--last", "2"]);
    let lines: Vec<&str> = csv.ok().stdout.lines().collect();
    assert!(lines[0].starts_with("at,id,outcome,"), "{csv}");
    assert!(lines[1].contains("\"'=eve, \"\"x\"\"\""), "{csv}");
    assert_eq!(lines.len(), 3, "{csv}");

    let phone = ["test-send", "--phone", "-", "--code", "beK989vc"];
    admin.feed(&phone, "+447700900125\n").ok();
}

#[test]
fn the_status_of_a_message_wants_both_sender_and_id() {
    let admin = Admin::at_work();
    admin.run(&["status", "--sender", "twilio"]).failed(2);
    admin.run(&["status", "SM1"]).failed(2);
}

#[test]
fn what_is_recorded_of_a_person_is_shown_and_what_is_young_is_kept() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let request = r#"{"id":"of-ada","purpose":"verification_code","event":"reset","user":{"name":"Ada","phone":"+447700900123"},"code":"beK989vc"}"#;
    admin.feed(&["send"], request).ok();
    let request = request
        .replace("ada", "bob")
        .replace("Ada", "Bob")
        .replace("0123", "0124");
    admin.feed(&["send"], &request).ok();
    // Directories do not tell capital letters from small ones.
    for who in [["--phone", "-"], ["--user", "ada"]] {
        let person = |command: &str| {
            let ran = admin.feed(&["person", command, who[0], who[1]], "+447700900123\n");
            ran.ok();
            ran
        };
        let exported = person("export").json();
        assert_eq!(exported.as_array().unwrap().len(), 1, "{exported}");
        assert_eq!(exported[0]["id"], "of-ada", "{exported}");
        assert_eq!(exported[0]["recipient"], "+44*******123", "{exported}");
        person("erase").says("1 decision of the last day stays");
        let ran = admin.run(&["log", "--changes"]);
        ran.ok().says("erase 0 decisions of one person");
    }
    let of_bob = admin.run(&["log", "--json", "--user", "BOB"]);
    assert_eq!(of_bob.ok().json()["id"], "of-bob", "{of_bob}");
    admin.run(&["log", "--user", "carol"]).ok();
    admin.run(&["person", "export"]).failed(2).says("--user");
    let both = ["person", "export", "--user", "ada", "--phone", "-"];
    admin.run(&both).failed(2);
}

#[test]
fn an_account_that_is_not_there_is_a_fault_with_its_place() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let text = admin.config_text();
    admin.write_config(&text.replace("[state]", "[state]\nowner = \"no-such-account\"\n#"));
    admin
        .run(&["check"])
        .failed(78)
        .says("state.owner: there is no account \"no-such-account\"");
}

#[test]
fn what_the_provider_said_is_told_afterwards() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    sandbox
        .twilio()
        .set_auth_token("5ec2e700000000000000000000000077");
    let request = r#"{"id":"5f0c","purpose":"verification_code","event":"reset","user":{"phone":"+447700900123"},"code":"beK989vc"}"#;
    let sent = admin.feed(&["send"], request);
    // The caller gets our words alone.
    assert!(!sent.failed(78).stdout.contains("it said"), "{sent}");
    let told = admin.run(&["explain", "--id", "5f0c"]);
    told.ok().says("it said: ");
    assert!(!told.stdout.contains("beK989vc"), "{told}");
    assert!(!told.stdout.contains("+447700900123"), "{told}");
}
