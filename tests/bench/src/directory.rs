//! Part l: the directory. A look-up by a process that has just started and by one that is kept, a sync of 3,000
//! containers, and one send through the hub with a user's name against one with everything given.
//!
//! The domain controller is Samba, on this machine: its own time is in every figure. Without it the part is skipped by
//! name.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use textsender_tests::{peers::samba::Domain, sandbox::site::Site};

use crate::{
    figures::{Figure, Figures},
    hub::Hub,
    subject::{in_turns, median_ms},
    wiring::{Scheme, Wiring},
};

/// Containers, each with a link and a user, beside the seeded ones.
const CONTAINERS: u32 = 3_000;

/// The object that they are linked to, as the seed has it.
const LINKED: &str = "11111111-0000-4000-8000-000000000002";

const COLD: usize = 20;
const KEPT: usize = 1_000;
const SYNCS: usize = 10;
const SENDS: usize = 60;
const WARM_UP: usize = 3;

/// The program that asks.
const PROGRAM: &str = "textsender-directory";

/// Measures it.
///
/// # Errors
/// Something that is there can't be run.
pub fn measure(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    if !Path::new("/usr/share/samba/setup/provision.ldif").exists() {
        figures.skip("Samba's domain controller", "which is not installed");
        return Ok(());
    }
    let domain = Domain::large(CONTAINERS);
    let mut site = site(wiring, &domain)?;
    sync(wiring, &site, figures)?;
    look_ups(wiring, &domain, &site, figures)?;
    sends(wiring, &mut site, figures)
}

/// An installation that asks the domain, with a policy for those whom the object reaches.
fn site(wiring: &Wiring, domain: &Domain) -> anyhow::Result<Site> {
    let mut site = wiring.site(Scheme::Http, true)?;
    site.merge(&format!(
        "[directories.example]\nservers = [{:?}]\nca_file = {:?}\nbind = {:?}\ntimeout = \"20s\"\n",
        domain.setting("LDAPS"),
        domain.setting("CA"),
        domain.setting("BIND"),
    ))?;
    site.secret(
        "directories.example.password",
        domain.setting("BIND_PASSWORD"),
    )?;
    site.policy(
        "bound",
        &format!(
            "name = \"Bound\"\nregion = \"GB\"\n[gpo]\nid = {LINKED:?}\n[verification_code]\n\
             text = \"Your verification code is %code%\"\n"
        ),
    )?;
    Ok(site)
}

fn sync(wiring: &Wiring, site: &Site, figures: &mut Figures) -> anyhow::Result<()> {
    let words = ["directory", "sync", "--json"];
    let subject = wiring.textsender("sync", site, &words);
    let said: Value = serde_json::from_slice(&subject.output()?.stdout)?;
    let read = said["sync"]["containers"].as_u64().unwrap_or_default();
    ensure!(
        read >= CONTAINERS.into(),
        "only {read} containers were read"
    );
    let taken = in_turns(SYNCS, &[subject])?;
    let what = format!("sync of {read} containers, process start to exit");
    figures.add(Figure::new(what, median_ms(taken[0].iter().copied()), "ms"));
    let snapshot = fs::metadata(site.state().join("directories/example.json"))?;
    let kib = snapshot.len() as f64 / 1024.0;
    figures.add(Figure::new("its snapshot", kib, "KiB"));
    Ok(())
}

fn look_ups(
    wiring: &Wiring,
    domain: &Domain,
    site: &Site,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let user = |number: usize| format!("user{:05}", number % CONTAINERS as usize);
    let cold = (0..COLD).map(|number| {
        let begun = Instant::now();
        Asking::start(wiring, domain)?.user(site, &user(number))?;
        Ok(begun.elapsed())
    });
    let cold: Vec<_> = cold.collect::<anyhow::Result<_>>()?;
    let what = "look-up, process start to answer";
    figures.add(Figure::new(
        what,
        median_ms(cold.into_iter().skip(WARM_UP)),
        "ms",
    ));
    let mut asking = Asking::start(wiring, domain)?;
    let kept = (0..KEPT).map(|number| {
        let begun = Instant::now();
        asking.user(site, &user(number))?;
        Ok(begun.elapsed())
    });
    let kept: Vec<_> = kept.collect::<anyhow::Result<_>>()?;
    let what = "look-up on a kept connection";
    figures.add(Figure::new(
        what,
        median_ms(kept.into_iter().skip(WARM_UP)),
        "ms",
    ));
    Ok(())
}

/// Through the hub, in turns: a name alone, and what the directory would say of it.
fn sends(wiring: &Wiring, site: &mut Site, figures: &mut Figures) -> anyhow::Result<()> {
    let socket = site.folder().join("hub.sock").display().to_string();
    site.set("serve.socket", socket)?;
    let _hub = Hub::start(wiring, site)?;
    let whole = json!({
        "dn": "CN=Ada Lovelace,OU=Staff,DC=example,DC=org", "phone": "+447700900123",
        "groups": ["CN=G-Outer,OU=Groups,DC=example,DC=org"],
    });
    let mut subjects = Vec::new();
    for (name, user) in [
        ("with a name alone", json!({ "name": "ada" })),
        ("with everything given", whole),
    ] {
        let file = site.folder().join(format!("{}.json", subjects.len()));
        let request = json!({
            "purpose": "verification_code", "event": "reset", "code": "beK989vc", "user": user,
        });
        fs::write(&file, request.to_string())?;
        let subject = wiring.textsender(name, site, &["send"]).input(&file);
        let said: Value = serde_json::from_slice(&subject.output()?.stdout)?;
        ensure!(said["policy"] == "Bound", "{name}: {said}");
        subjects.push(subject);
    }
    let taken = in_turns(SENDS, &subjects)?;
    let median = |which: usize| median_ms(taken[which].iter().skip(WARM_UP).copied());
    let figure = Figure::new(
        "one send through the hub with a name alone",
        median(0),
        "ms",
    );
    figures.add(figure.against(&subjects[1].name, median(1)));
    Ok(())
}

/// The program that asks, which runs until it is dropped.
struct Asking {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Asking {
    fn start(wiring: &Wiring, domain: &Domain) -> anyhow::Result<Self> {
        let mut process = Command::new(wiring.program.with_file_name(PROGRAM))
            .arg("orders")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut orders = process.stdin.take().context("no standard input")?;
        let answers = process.stdout.take().context("no standard output")?;
        let settings = json!({
            "servers": [domain.setting("LDAPS")], "ca_pem": fs::read_to_string(domain.setting("CA"))?,
            "bind": domain.setting("BIND"), "password": domain.setting("BIND_PASSWORD"),
            "phone": ["mobile"], "locale": "preferredLanguage", "timeout_ms": 20_000,
        });
        writeln!(orders, "{settings}")?;
        Ok(Self {
            process,
            orders,
            answers: BufReader::new(answers),
        })
    }

    /// Looks a user up, and decides for him.
    fn user(&mut self, site: &Site, name: &str) -> anyhow::Result<()> {
        let order = json!({ "decide": {
            "user": { "name": name }, "bound": [{ "id": LINKED }],
            "snapshot": site.state().join("directories/example.json"), "stale_after_s": 3_600,
        } });
        let mut line = String::new();
        writeln!(line, "{order}")?;
        self.orders.write_all(line.as_bytes())?;
        line.clear();
        self.answers.read_line(&mut line)?;
        ensure!(line.contains("\"applies\""), "{name}: {line}");
        Ok(())
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        // Both fail where it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
