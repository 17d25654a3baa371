//! Notify's real answers: the table, and the recordings that it was made from.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use serde_json::{Value, json};
use textsender_plugin_api::{
    Found, SendError, Sender,
    testing::{FakeHost, Reply, block_on, message},
};

use super::{ID, KEY, TEMPLATE, created, sender};

/// One recorded answer, and what it means.
struct Row {
    number: u32,
    asked: &'static str,
    status: u16,
    /// Notify's errors, of one type; several messages are joined by ` & `.
    error: &'static str,
    message: &'static str,
    means: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = include_str!("recordings.txt").lines();
    let rows = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
    rows.map(row).collect()
}

fn row(line: &'static str) -> Row {
    let columns: Vec<&str> = line.split('|').map(str::trim).collect();
    let [name, asked, status, error, message, means] = columns[..] else {
        panic!("six columns: {line}");
    };
    Row {
        number: name.split(' ').next().unwrap().parse().unwrap(),
        asked,
        status: status.parse().unwrap(),
        error,
        message,
        means,
    }
}

impl Row {
    /// The answer's body, as far as it matters.
    fn body(&self) -> Value {
        match (self.status, self.asked) {
            (201, _) => json!({ "id": ID, "content": { "body": "Your code is beK989vc" } }),
            (200, "status") => json!({ "id": ID, "reference": "r1", "status": "delivered" }),
            (200, "find") => json!({
                "notifications": [{ "id": ID, "reference": "r1", "status": "delivered" }],
            }),
            (200, _) if self.means == "unavailable" => json!({ "templates": [] }),
            (200, _) => json!({ "id": TEMPLATE, "type": "sms", "version": 1 }),
            _ if self.error.is_empty() => json!({ "result": "error", "message": self.message }),
            _ => {
                let errors = self.message.split(" & ");
                let errors = errors.map(|said| json!({ "error": self.error, "message": said }));
                let errors: Vec<Value> = errors.collect();
                json!({ "status_code": self.status, "errors": errors })
            }
        }
    }
}

/// Has the plugin ask what the recording's client asked, and tells what it makes of the answer.
fn meaning(asked: &str, reply: Reply) -> String {
    let host = FakeHost::new();
    let notify = sender(&host);
    host.answer(reply);
    // What a check asks beyond what was recorded.
    host.answer_with(|_| created());
    let mut message = message();
    message.id = "r1".into();
    let told = match asked {
        "send" => block_on(notify.send(&message)).map(|_| "accepted".to_owned()),
        "status" => block_on(notify.status(ID)).map(|delivery| {
            let state = serde_json::to_value(delivery.state).unwrap();
            state.as_str().unwrap().to_owned()
        }),
        "find" => block_on(notify.find(&message, host.now())).map(|found| match found {
            Found::Accepted(_) => "found".to_owned(),
            other => panic!("{other:?}"),
        }),
        "check" => block_on(notify.check()).map(|_| "checked".to_owned()),
        other => panic!("{other}"),
    };
    told.unwrap_or_else(|error| {
        shows_no_secret(&error);
        snake_case(&format!("{:?}", error.verdict))
    })
}

fn shows_no_secret(error: &SendError) {
    let shown = error.to_string();
    for secret in ["beK989vc", "700900123", &KEY[KEY.len() - 36..]] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    snake
}

#[test]
fn every_recorded_answer_has_its_meaning() {
    let rows = rows();
    assert_eq!(rows.len(), 109);
    for row in rows {
        let reply = Reply::json(row.status, row.body());
        let Row {
            number, message, ..
        } = row;
        assert_eq!(meaning(row.asked, reply), row.means, "{number}: {message}");
    }
}

/// Run it with `TEXTSENDER_CONTRACTS=FOLDER cargo test -p textsender-govuk-notify -- --ignored`.
#[test]
#[ignore = "needs the recordings: set TEXTSENDER_CONTRACTS to the folder that holds govuk-notify/recordings"]
fn the_table_is_what_was_recorded() {
    let recordings = recordings();
    let rows = rows();
    assert_eq!(recordings.len(), rows.len());
    for row in rows {
        let response = &recordings[&row.number]["response"];
        let body = &response["body"];
        assert_eq!(response["status"], row.status, "{}", row.number);
        for error in body["errors"].as_array().into_iter().flatten() {
            assert_eq!(error["error"], row.error, "{}", row.number);
        }
        let mut reply = Reply::json(row.status, body.clone());
        for (name, value) in response["headers"].as_object().unwrap() {
            reply = reply.with_header(name, value.as_str().unwrap());
        }
        assert_eq!(meaning(row.asked, reply), row.means, "{}", row.number);
    }
}

fn recordings() -> BTreeMap<u32, Value> {
    let folder = PathBuf::from(env::var_os("TEXTSENDER_CONTRACTS").unwrap());
    let files = fs::read_dir(folder.join("govuk-notify/recordings")).unwrap();
    let recording = |file: std::io::Result<fs::DirEntry>| {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let number = name.split('-').next().unwrap().parse().unwrap();
        let recording = serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap();
        (number, recording)
    };
    files.map(recording).collect()
}
