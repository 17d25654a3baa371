//! A console that runs, over an installation of its own.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use std::rc::Rc;

use textsender_tests::harness::{artifacts, wait_for};
use textsender_tests::sandbox::{Sandbox, notify, site::Site, twilio};

use crate::page::{Form, Reply};

/// A console that runs. Dropped, it is killed.
pub struct Served {
    pub site: Rc<Site>,
    pub sandbox: Rc<Sandbox>,
    child: RefCell<Child>,
    /// What it printed.
    pub address: String,
    /// The cookie's value, once the session is open.
    pub cookie: RefCell<Option<String>>,
    /// What no response may hold.
    hidden: RefCell<Vec<String>>,
}

impl Served {
    /// Over an installation with all senders ready.
    pub fn ready() -> Self {
        let sandbox = Sandbox::start();
        let site = Site::for_sandbox(&sandbox, &artifacts().twilio).unwrap();
        Self::over(site, sandbox, &[])
    }

    /// Over an installation with plugins, and nothing else.
    pub fn empty() -> Self {
        let site = Site::new().unwrap();
        for plugin in ["twilio", "govuk-notify", "email-gateway"] {
            site.plugin(&artifacts().plugin(plugin)).unwrap();
        }
        Self::over(site, Sandbox::start(), &[])
    }

    /// Over this installation, with these arguments more.
    pub fn over(site: Site, sandbox: Sandbox, args: &[&str]) -> Self {
        Self::start(Rc::new(site), Rc::new(sandbox), |command| {
            command.args(args)
        })
    }

    /// The same, run by another account.
    pub fn run_by(account: u32, site: Site, sandbox: Sandbox) -> Self {
        Self::start(Rc::new(site), Rc::new(sandbox), |command| {
            command.uid(account).gid(account)
        })
    }

    /// Another console over the same installation.
    pub fn beside(&self) -> Self {
        Self::start(Rc::clone(&self.site), Rc::clone(&self.sandbox), |command| {
            command
        })
    }

    fn start(
        site: Rc<Site>,
        sandbox: Rc<Sandbox>,
        with: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let program = artifacts().textsender.with_file_name("textsender-console");
        let mut command = Command::new(program);
        command
            .arg("--config")
            .arg(site.config_file())
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = with(&mut command).spawn().unwrap();
        let mut address = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut address).unwrap();
        let hidden = [twilio::AUTH_TOKEN, notify::API_KEY, twilio::API_KEY_SECRET];
        Self {
            site,
            sandbox,
            child: RefCell::new(child),
            address: address.trim().to_owned(),
            cookie: RefCell::default(),
            hidden: RefCell::new(hidden.map(str::to_owned).to_vec()),
        }
    }

    /// The same with the session open.
    pub fn opened(self) -> Self {
        let reply = self.open();
        assert_eq!(reply.status, 303, "{}", reply.words());
        self
    }

    /// Presses the button behind the printed address.
    pub fn open(&self) -> Reply {
        let path = self.address.split_once("/open/").unwrap();
        let door = self.get(&format!("/open/{}", path.1)).status(200);
        let reply = self.submit(&door.form("/open"));
        if let Some(cookie) = reply.header("set-cookie") {
            let value = cookie.split_once('=').unwrap().1;
            let value = value.split(';').next().unwrap();
            *self.cookie.borrow_mut() = Some(value.to_owned());
        }
        reply
    }

    /// Waits until the process ends.
    pub fn ended(&self) -> ExitStatus {
        wait_for("the end of the console", || {
            self.child.borrow_mut().try_wait().unwrap()
        })
    }

    /// Its name and port, as a browser writes them.
    pub fn host(&self) -> &str {
        let rest = self.address.strip_prefix("http://").unwrap();
        rest.split('/').next().unwrap()
    }

    pub fn port(&self) -> u16 {
        self.host().rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// From now on no response may hold this.
    pub fn hide(&self, secret: &str) {
        self.hidden.borrow_mut().push(secret.to_owned());
    }

    /// Sends one text through *Test Send*, and returns the page after.
    #[track_caller]
    pub fn send_test(&self, phone: &str, code: &str) -> Reply {
        let form = self.get("/test").form("/test");
        let form = form.set("phone", phone).set("code", code);
        let asked = self.submit(&form).status(200);
        self.submit_and_follow(&asked.form("/test"))
    }

    /// A page, as a browser asks for it.
    pub fn get(&self, path: &str) -> Reply {
        let mut headers = vec![("Host", self.host().to_owned())];
        headers.push(("Sec-Fetch-Site", "none".to_owned()));
        headers.extend(self.cookie_header());
        self.request("GET", path, &headers, "")
    }

    /// A form, as a browser sends it.
    pub fn submit(&self, form: &Form) -> Reply {
        self.request("POST", &form.action, &self.post_headers(), &form.body())
    }

    /// The same, and the page that it leads to.
    #[track_caller]
    pub fn submit_and_follow(&self, form: &Form) -> Reply {
        let reply = self.submit(form).status(303);
        self.get(reply.header("location").unwrap()).status(200)
    }

    /// Fills a form in, looks at the difference, saves; returns the page with the difference and the page after.
    #[track_caller]
    pub fn change(&self, form: &Form) -> (Reply, Reply) {
        let shown = self.submit(form).status(200);
        let saved = self.submit_and_follow(&shown.confirmation());
        (shown, saved)
    }

    /// What a browser sends along with a form.
    pub fn post_headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("Host", self.host().to_owned()),
            ("Origin", format!("http://{}", self.host())),
            ("Sec-Fetch-Site", "same-origin".to_owned()),
            (
                "Content-Type",
                "application/x-www-form-urlencoded".to_owned(),
            ),
        ];
        headers.extend(self.cookie_header());
        headers
    }

    pub fn cookie_header(&self) -> Option<(&'static str, String)> {
        let cookie = self.cookie.borrow();
        let cookie = cookie.as_ref()?;
        Some(("Cookie", format!("__Host-textsender={cookie}")))
    }

    /// Any request. What comes is searched for what is hidden.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, String)],
        body: &str,
    ) -> Reply {
        let reply = send(self.port(), method, path, headers, body);
        let text = format!("{:?}\n{}", reply.headers, reply.body);
        for hidden in self.hidden.borrow().iter() {
            assert!(!text.contains(hidden), "{method} {path} shows {hidden:?}");
        }
        reply
    }

    /// Every file of the configuration and every stored secret, by name.
    pub fn files(&self) -> Vec<(PathBuf, String)> {
        files(self.site.folder())
    }

    /// Runs a command as it is shown, with these bytes as its input if it has none of its own; returns its output.
    #[track_caller]
    pub fn run(&self, command: &str, input: &str) -> String {
        let programs = artifacts().textsender.parent().unwrap();
        let mut shell = Command::new("sh")
            .args(["-euc", command])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = shell.stdin.take().unwrap();
        // One with an input of its own does not read this.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = shell.wait_with_output().unwrap();
        assert!(output.status.success(), "{command}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// One request on a connection of its own.
pub fn send(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&'static str, String)],
    body: &str,
) -> Reply {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    // One that is refused by its head is answered before all of it is written.
    let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    Reply::parse(&bytes)
}

/// The configuration and the secrets below a folder, without what tells of when and who.
pub fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for part in [
        "textsender.toml",
        "plugins.lock",
        "policies",
        "state/secrets",
    ] {
        collect(&folder.join(part), &mut found);
    }
    found.sort();
    found
}

fn collect(path: &Path, found: &mut Vec<(PathBuf, String)>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), found);
        }
    } else if let Ok(text) = fs::read_to_string(path) {
        let name = path.file_name().unwrap();
        if !name.to_string_lossy().starts_with('.') && !name.to_string_lossy().ends_with("journal")
        {
            found.push((path.to_owned(), text));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Both fail where it has ended.
        let child = self.child.get_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}
