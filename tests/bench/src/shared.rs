//! Part k: the ledger that several machines share, in PostgreSQL, beside this machine's own in SQLite: one send by itself
//! and through the hub, a stream, and how several front processes get on over one database, against a model.
//!
//! The database is a server of the bench's own, with its data on a disk and fsync on; both standbys are on the same
//! machine, so that what they cost is in the figures. Without PostgreSQL the part is skipped by name.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread::{self, available_parallelism},
    time::{Duration, Instant},
};

use anyhow::ensure;
use textsender_tests::{
    peers::{
        postgres::Postgres,
        shared_ledger::{prepare, section},
    },
    sandbox::site::Site,
};

use crate::{
    figures::{Figure, Figures},
    hub::Hub,
    stream,
    subject::{Subject, in_turns, median, median_ms},
    wiring::{Scheme, Wiring},
};

/// How often one send is run, and how many of these warm up.
const WARM_UP: usize = 3;

fn sends(wiring: &Wiring) -> usize {
    if wiring.brief { 5 } else { 60 }
}

/// How many messages a stream's turn takes, and how many turns there are.
fn messages(wiring: &Wiring) -> u64 {
    if wiring.brief { 200 } else { 10_000 }
}

fn rounds(wiring: &Wiring) -> usize {
    if wiring.brief { 1 } else { 3 }
}

/// Messages in flight in each front process.
const IN_FLIGHT: usize = 64;

/// Front processes over one database.
const FRONTS: [usize; 3] = [1, 2, 4];

/// What a send may take longer than with SQLite, in milliseconds: by itself, and through the hub.
const DIRECT: f64 = 10.0;
const THROUGH_HUB: f64 = 1.5;

/// Messages a second of a stream whose claims are on a quorum of standbys.
const STREAM: f64 = 2_000.0;

/// How far the model may be from what is measured.
const MODEL: f64 = 0.2;

/// What is left of the messages of all with each front process more than two on one machine: it is one more in whose turn
/// the others wait. Measured with four, in ten runs: 0.69 to 1.06 of what two do.
const EACH_FURTHER: f64 = 0.92;

/// What a server needs to have standbys, and what docs/several-servers.md advises.
const SETTINGS: [&str; 4] = [
    "wal_level=replica",
    "max_wal_senders=8",
    "fsync=on",
    "shared_preload_libraries=plpgsql",
];

/// Measures it.
///
/// # Errors
/// Something that is there can't be run.
pub fn measure(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    if !PathBuf::from("/usr/lib/postgresql").is_dir() {
        figures.skip("PostgreSQL", "which is not installed");
        return Ok(());
    }
    let server = Postgres::start(&SETTINGS);
    prepare(&server);
    direct(wiring, &server, figures)?;
    through_hub(wiring, &server, figures)?;
    fronts(wiring, &server, figures)?;
    streams(wiring, &server, figures)
}

fn direct(wiring: &Wiring, server: &Postgres, figures: &mut Figures) -> anyhow::Result<()> {
    let own = wiring.site(Scheme::Http, true)?;
    let shared = site(wiring, server, "none", "")?;
    let (textsender, postgres) = (&wiring.program, wiring.postgres());
    for (what, program) in [
        ("one send", textsender),
        ("one send by textsender-postgres itself", &postgres),
    ] {
        one_send(what, DIRECT, wiring, [&own, &shared], program, figures)?;
    }
    Ok(())
}

fn through_hub(wiring: &Wiring, server: &Postgres, figures: &mut Figures) -> anyhow::Result<()> {
    let mut own = wiring.site(Scheme::Http, true)?;
    let mut shared = site(wiring, server, "none", "")?;
    for site in [&mut own, &mut shared] {
        let socket = site.folder().join("hub.sock").display().to_string();
        site.set("serve.socket", socket)?;
    }
    let _hubs = [Hub::start(wiring, &own)?, Hub::start(wiring, &shared)?];
    let what = "one send through the hub";
    let program = &wiring.program;
    one_send(what, THROUGH_HUB, wiring, [&own, &shared], program, figures)
}

/// A first text to its number, as most are, and a further one to the same, whose limits have to be read first; the
/// shared ones by this program.
fn one_send(
    what: &str,
    most: f64,
    wiring: &Wiring,
    [own, shared]: [&Site; 2],
    program: &Path,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let first = [
        wiring.first_text("SQLite", own),
        wiring.first_text("PostgreSQL", shared).run_by(program),
    ];
    let further = [
        wiring.one_send("SQLite", own)?,
        wiring.one_send("PostgreSQL", shared)?.run_by(program),
    ];
    let sends = sends(wiring);
    beside(what, sends, &first, most, figures)?;
    let further_text = format!("{what}, a further text to its number");
    beside(&further_text, sends, &further, most, figures)
}

/// Both engines in turns, and what the shared one adds.
fn beside(
    what: &str,
    sends: usize,
    subjects: &[Subject; 2],
    most: f64,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let taken = in_turns(sends, subjects)?;
    let median = |which: usize| median_ms(taken[which].iter().skip(WARM_UP).copied());
    let (own, shared) = (median(0), median(1));
    let figure = Figure::new(format!("{what}, PostgreSQL"), shared, "ms");
    figures.add(figure.against("SQLite", own));
    figures.add(Figure::new(format!("{what}: added"), shared - own, "ms").at_most(most));
    Ok(())
}

/// A stream by itself: with SQLite, with PostgreSQL on one server, and on a quorum of two standbys.
fn streams(wiring: &Wiring, server: &Postgres, figures: &mut Figures) -> anyhow::Result<()> {
    let own = wiring.site(Scheme::Http, true)?;
    let alone = site(wiring, server, "none", "")?;
    let pace = |site: &Site| stream::in_bulk(wiring, site, IN_FLIGHT, messages(wiring));
    let (mut with_own, mut with_one) = (Vec::new(), Vec::new());
    for _ in 0..rounds(wiring) {
        with_own.push(pace(&own)?);
        with_one.push(pace(&alone)?);
    }
    let with_own = median(with_own);
    let what = |how: &str| format!("stream, {IN_FLIGHT} in flight, {how}: accepted");
    let figure = Figure::new(what("one server"), median(with_one), "a second");
    figures.add(figure.against("SQLite", with_own));

    let _standbys = ["s2", "s3"].map(|name| Postgres::standby_of(server, name, &["fsync=on"]));
    server.sql(
        "postgres",
        "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (s2, s3)'",
    );
    server.sql("postgres", "SELECT pg_reload_conf()");
    wait_for_quorum(server)?;
    let quorum = site(wiring, server, "required", "")?;
    let mut with_quorum = Vec::new();
    for _ in 0..rounds(wiring) {
        with_quorum.push(pace(&quorum)?);
    }
    let figure = Figure::new(what("quorum commit"), median(with_quorum), "a second");
    figures.add(figure.against("SQLite", with_own).at_least(STREAM));
    server.sql(
        "postgres",
        "ALTER SYSTEM SET synchronous_standby_names = ''",
    );
    server.sql("postgres", "SELECT pg_reload_conf()");
    Ok(())
}

fn wait_for_quorum(server: &Postgres) -> anyhow::Result<()> {
    let begun = Instant::now();
    let synced = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'";
    while server.sql("postgres", synced) != "2" {
        ensure!(
            begun.elapsed() < Duration::from_secs(60),
            "no standby follows"
        );
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Several front processes over one database, and what a model says of them (`docs/scale.md`), which knows what one does
/// alone, what two do, and what a message costs while those two are at work.
fn fronts(wiring: &Wiring, server: &Postgres, figures: &mut Figures) -> anyhow::Result<()> {
    for (name, limits, first) in [("no shared row", "", 1), ("all = one hot row", HOT, 2)] {
        let known = each_count(wiring, server, name, limits, figures)?;
        for (count, measured) in FRONTS.iter().zip(&known).skip(first) {
            figures.add(measured.beside(modelled(&known, *count), *count, name));
        }
    }
    Ok(())
}

/// Messages a second of so many front processes on this machine, by what one does and what two do: each adds as much as
/// the first, until the processors are used up, and beyond two each costs all of them a little.
fn modelled(known: &[Together], fronts: usize) -> f64 {
    let (one, two) = (&known[0], &known[1]);
    let cores = available_parallelism().map_or(1, usize::from) as f64;
    let all = (one.rate * fronts as f64).min(cores * 1e3 / two.processor_ms);
    match i32::try_from(fronts) {
        Ok(fronts @ 3..) => all.min(two.rate * EACH_FURTHER.powi(fronts - 2)),
        _ => all,
    }
}

/// What each count of front processes comes to with these limits.
fn each_count(
    wiring: &Wiring,
    server: &Postgres,
    name: &str,
    limits: &str,
    figures: &mut Figures,
) -> anyhow::Result<Vec<Together>> {
    let sites = (0..FRONTS[FRONTS.len() - 1]).map(|_| site(wiring, server, "none", limits));
    let sites: Vec<Site> = sites.collect::<anyhow::Result<_>>()?;
    FRONTS
        .iter()
        .map(|count| {
            let measured: Vec<Together> = (0..rounds(wiring))
                .map(|_| together(wiring, server, &sites[..*count]))
                .collect::<anyhow::Result<_>>()?;
            let of = |value: fn(&Together) -> f64| median(measured.iter().map(value).collect());
            let known = Together {
                rate: of(|one| one.rate),
                processor_ms: of(|one| one.processor_ms),
                database_ms: of(|one| one.database_ms),
            };
            let mut add = |what: &str, value, unit| {
                let what = format!("{count} in front, {name}: {what}");
                figures.add(Figure::new(what, value, unit));
            };
            add("processor time of a message", known.processor_ms, "ms");
            add("of that, the database's", known.database_ms, "ms");
            add("accepted", known.rate, "a second");
            Ok(known)
        })
        .collect()
}

/// A limit that every message counts in, and that none reaches.
const HOT: &str = "[limits]\nall = { limits = [\"100000000/1h\"], mode = \"enforce\" }\n";

/// What front processes came to together.
struct Together {
    /// Messages a second.
    rate: f64,
    /// Processor time of all processes for a message, in milliseconds.
    processor_ms: f64,
    /// That of the database's.
    database_ms: f64,
}

impl Together {
    /// Beside what the model says.
    fn beside(&self, model: f64, fronts: usize, name: &str) -> Figure {
        let what = format!("{fronts} in front, {name}: accepted");
        let figure = Figure::new(what, self.rate, "a second").against("the model", model);
        figure.ratio_within(1.0 - MODEL, 1.0 + MODEL)
    }
}

fn together(wiring: &Wiring, server: &Postgres, sites: &[Site]) -> anyhow::Result<Together> {
    let before = (machine_ms()?, database_ms(server)?);
    let begun = Instant::now();
    thread::scope(|scope| {
        let running: Vec<_> = sites
            .iter()
            .map(|site| scope.spawn(|| stream::in_bulk(wiring, site, IN_FLIGHT, messages(wiring))))
            .collect();
        running.into_iter().try_for_each(|one| {
            let rate = one.join();
            rate.map_err(|_| anyhow::anyhow!("a thread panicked"))?
                .map(drop)
        })
    })?;
    let took = begun.elapsed().as_secs_f64();
    let messages = sites.len() as f64 * messages(wiring) as f64;
    Ok(Together {
        rate: messages / took,
        processor_ms: (machine_ms()? - before.0) / messages,
        database_ms: (database_ms(server)? - before.1) / messages,
    })
}

/// Processor time that this machine has spent so far, in milliseconds, waiting left out.
fn machine_ms() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    // user, nice, system; idle and waiting for disks; interrupts.
    let ticks: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .filter_map(|it| it.parse().ok())
        .collect();
    ensure!(ticks.len() >= 7, "/proc/stat is odd");
    Ok((ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) * 10.0)
}

/// What the database's processes have spent so far, those that ended included: all that wait for the first one.
fn database_ms(server: &Postgres) -> anyhow::Result<f64> {
    let first = server.process();
    let children = Command::new("pgrep").args(["-P", &first]).output()?;
    let children = String::from_utf8_lossy(&children.stdout).into_owned();
    let own = fs::read_to_string(format!("/proc/{first}/stat"))?;
    // The first one's own, and that of its children that have ended.
    let mut ticks = fields(&own)[..4].iter().sum::<f64>();
    for child in children.split_whitespace() {
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        ticks += fields(&stat)[..2].iter().sum::<f64>();
    }
    Ok(ticks * 10.0)
}

/// `utime`, `stime`, `cutime` and `cstime` of proc(5), in hundredths of a second.
fn fields(stat: &str) -> [f64; 4] {
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let mut ticks = fields
        .split_whitespace()
        .skip(11)
        .map(|it| it.parse().unwrap_or(0.0));
    std::array::from_fn(|_| ticks.next().unwrap_or(0.0))
}

/// An installation whose ledger is in the database, with this configuration besides.
fn site(
    wiring: &Wiring,
    server: &Postgres,
    replication: &str,
    config: &str,
) -> anyhow::Result<Site> {
    let mut site = wiring.site(Scheme::Http, true)?;
    site.merge(&section(
        &server.url("textsender", "textsender"),
        replication,
        "30s",
    ))?;
    site.merge(config)?;
    // All share one ledger, and so one key.
    let key = site.state().join("ledger.key");
    fs::write(&key, (0..32).collect::<Vec<u8>>())?;
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(site)
}
