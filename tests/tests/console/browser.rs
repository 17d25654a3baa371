//! A real Chromium, driven as a person would: by pointer, by keyboard alone, or without script.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tempfile::TempDir;
use textsender_tests::harness::PATIENCE;

/// How the pages are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// With a pointer, and the script.
    Pointer,
    /// With a pointer, where no script runs.
    NoScript,
    /// By keyboard alone.
    Keyboard,
}

/// A browser with a profile of its own. Dropped, it is killed, and its driver with it.
pub struct Browser {
    pub client: Client,
    hand: Hand,
    driver: Child,
    _profile: TempDir,
    /// Where pictures go, if they are wanted.
    pictures: Option<PathBuf>,
}

/// How often Tab is pressed until what is looked for must have had the focus.
const TABS: usize = 120;

/// The variable by which pictures are asked for.
const PICTURES: &str = "TEXTSENDER_PICTURES";

impl Browser {
    /// Starts one.
    pub async fn start(hand: Hand) -> Self {
        let profile = tempfile::Builder::new()
            .prefix("textsender-chromium-")
            .tempdir()
            .unwrap();
        let (driver, port) = started_driver(profile.path());
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities(hand, profile.path()))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        let pictures = std::env::var_os(PICTURES)
            .map(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/console"));
        Self {
            client,
            hand,
            driver,
            _profile: profile,
            pictures: pictures.filter(|_| hand == Hand::Pointer),
        }
    }

    /// Goes to an address.
    pub async fn goto(&self, address: &str) {
        self.client.goto(address).await.unwrap();
    }

    /// Waits for an element.
    #[track_caller]
    pub fn element(&self, css: &str) -> impl Future<Output = Element> {
        let css = css.to_owned();
        async move {
            let wait = self.client.wait().at_most(PATIENCE);
            match wait.for_element(Locator::Css(&css)).await {
                Ok(element) => element,
                Err(error) => panic!("{css}: {error}; the page says:\n{}", self.words().await),
            }
        }
    }

    /// Presses a button or follows a link.
    pub async fn press(&self, css: &str) {
        let element = self.element(css).await;
        match self.hand {
            Hand::Keyboard => {
                self.tab_to(&element, css).await;
                self.key(Key::Enter.into()).await;
            }
            Hand::Pointer | Hand::NoScript => element.click().await.unwrap(),
        }
    }

    /// Fills a field in.
    pub async fn fill(&self, css: &str, value: &str) {
        let element = self.element(css).await;
        match self.hand {
            Hand::Keyboard => {
                self.tab_to(&element, css).await;
                // Over what is there.
                let select_all = format!("{}a{}", char::from(Key::Control), char::from(Key::Null));
                element.send_keys(&select_all).await.unwrap();
                element.send_keys(value).await.unwrap();
            }
            Hand::Pointer | Hand::NoScript => {
                element.clear().await.unwrap();
                element.send_keys(value).await.unwrap();
            }
        }
    }

    /// Chooses from a drop-down by how what is read there begins.
    pub async fn choose(&self, css: &str, label: &str) {
        let element = self.element(css).await;
        match self.hand {
            Hand::Keyboard => {
                self.tab_to(&element, css).await;
                element.send_keys(label).await.unwrap();
            }
            Hand::Pointer | Hand::NoScript => {
                let labelled = format!(".//option[starts-with(normalize-space(.), '{label}')]");
                let option = element.find(Locator::XPath(&labelled)).await.unwrap();
                option.click().await.unwrap();
            }
        }
        let of_label = format!("{css} option:checked");
        let chosen = self.element(&of_label).await.text().await.unwrap();
        assert!(chosen.trim().starts_with(label), "{css}: {chosen}");
    }

    /// Everything that is read on the page.
    pub async fn words(&self) -> String {
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        }
    }

    /// Waits until the page says something.
    pub async fn says(&self, words: &str) {
        let end = std::time::Instant::now() + PATIENCE;
        while !self.words().await.contains(words) {
            assert!(
                std::time::Instant::now() < end,
                "{words:?} is not on the page:\n{}",
                self.words().await
            );
            tokio::task::yield_now().await;
        }
    }

    /// Draws the page as it is, where pictures were asked for.
    pub async fn picture(&self, name: &str) {
        let Some(folder) = &self.pictures else { return };
        fs::create_dir_all(folder).unwrap();
        let picture = self.client.screenshot().await.unwrap();
        fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    /// A command of Chromium's own protocol.
    pub async fn chromium(&self, command: &str, parameters: Value) -> Value {
        let command = Chromium(command.to_owned(), parameters);
        self.client.issue_cmd(command).await.unwrap()
    }

    /// Presses Tab until an element has the focus, and looks that it can be seen.
    async fn tab_to(&self, element: &Element, css: &str) {
        for _ in 0..TABS {
            let active = self.client.active_element().await.unwrap();
            if active.element_id() == element.element_id() {
                let script = "const style = getComputedStyle(document.activeElement);
                    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;";
                let is_seen = self.client.execute(script, Vec::new()).await.unwrap();
                assert_eq!(is_seen, Value::Bool(true), "{css} shows no focus");
                return;
            }
            self.key(Key::Tab.into()).await;
        }
        panic!("{css} is not reached by Tab");
    }

    async fn key(&self, key: char) {
        let actions = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value: key })
            .then(KeyAction::Up { value: key });
        self.client.perform_actions(actions).await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser outlives its driver: they are ended together, as the group that they are.
        if let Some(id) = rustix::process::Pid::from_raw(self.driver.id() as i32) {
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
        let _ = self.driver.wait();
    }
}

fn capabilities(hand: Hand, profile: &Path) -> fantoccini::wd::Capabilities {
    let mut options = json!({
        "binary": "/usr/bin/chromium",
        "args": [
            "--headless=new",
            // It visits our own pages alone, and a container may forbid it a sandbox of its own.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--hide-scrollbars",
            "--window-size=1280,900",
            format!("--user-data-dir={}", profile.display()),
        ],
    });
    if hand == Hand::NoScript {
        options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
    }
    let capabilities = json!({ "goog:chromeOptions": options });
    serde_json::from_value(capabilities).unwrap()
}

/// A driver and the port that it chose. It chooses one of IPv4 and ends where another program has that of IPv6.
fn started_driver(home: &Path) -> (Child, u16) {
    loop {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", home)
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        for line in BufReader::new(driver.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            // "ChromeDriver was started successfully on port 41823."
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                return (driver, port.trim_end_matches('.').parse().unwrap());
            }
            said.push_str(&line);
        }
        driver.wait().unwrap();
        assert!(said.contains("port not available"), "chromedriver: {said}");
    }
}

#[derive(Debug)]
struct Chromium(String, Value);

impl WebDriverCompatibleCommand for Chromium {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let body = json!({ "cmd": self.0, "params": self.1 });
        (http::Method::POST, Some(body.to_string()))
    }
}
