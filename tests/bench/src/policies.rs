//! Part d: 10 to 10,000 policies: loading them, and finding the one that decides.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, ensure};
use textsender::{
    decision::Snapshot,
    policy::{Policies, Query, User},
};
use textsender_plugin_api::Purpose;
use textsender_tests::sandbox::site::Site;

use crate::{
    figures::{Figure, Figures},
    subject::{in_turns, median, median_ms},
    texts::micros,
    wiring::{Scheme, Wiring},
};

/// How often each is loaded.
const LOADS: usize = 9;

/// How often one send is run beside so many policies.
const SENDS: usize = 20;

/// How the policies are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// A drop-in file each.
    Each,
    /// All in `textsender.toml`.
    Together,
}

/// The installations: how many policies, and how they are written.
const SIZES: [(usize, Written); 5] = [
    (10, Written::Each),
    (100, Written::Each),
    (1_000, Written::Each),
    (1_000, Written::Together),
    (10_000, Written::Together),
];

/// Measures loading, resolving with few and with many groups, and one send beside them.
///
/// # Errors
/// The configuration that is made here is found wrong.
pub fn measure(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    for (count, written) in SIZES {
        let mut site = wiring.site(Scheme::Http, false)?;
        let file = write(&mut site, count, written)?;
        let name = match written {
            Written::Each => format!("{count} policies, a file each"),
            Written::Together => format!("{count} policies in one file"),
        };
        let mut loads = Vec::new();
        for _ in 0..LOADS {
            let begun = Instant::now();
            load(&file)?;
            loads.push(begun.elapsed());
        }
        figures.add(Figure::new(
            format!("{name}: loaded"),
            median_ms(loads),
            "ms",
        ));
        let snapshot = load(&file)?;
        for groups in [10, 1_000] {
            let what = format!("{name}: resolved, user in {groups} groups");
            figures.add(Figure::new(
                what,
                resolve(snapshot.policies(), count, groups)?,
                "µs",
            ));
        }
        let subject = wiring.one_send(&name, &site)?;
        let taken = in_turns(SENDS, &[subject])?;
        figures.add(Figure::new(
            format!("{name}: one send"),
            median_ms(taken[0].clone()),
            "ms",
        ));
    }
    Ok(())
}

fn load(file: &Path) -> anyhow::Result<Snapshot> {
    let (snapshot, _) = Snapshot::read(file);
    snapshot.map_err(|failure| anyhow::anyhow!("{failure}"))
}

/// The median of users all over the tree, in microseconds.
fn resolve(policies: &Policies, count: usize, groups: usize) -> anyhow::Result<f64> {
    let groups: Vec<String> = (0..groups)
        .map(|group| format!("CN=Group {group},OU=Groups,DC=example,DC=org"))
        .collect();
    let mut each = Vec::new();
    for number in (0..count).step_by(count.div_ceil(20)) {
        let dn = format!("CN=Ada,OU=Team,{}", container(number));
        let query = Query {
            user: User {
                dn: Some(&dn),
                groups: &groups,
                links: None,
            },
            event: None,
            purpose: Purpose::VerificationCode,
            sender: None,
            policy: None,
        };
        let resolved = policies.resolve(&query);
        let resolved = resolved.ok().context("a user is not resolved")?;
        ensure!(
            resolved.policy == Some(format!("Policy {number}").as_str()),
            "another policy decides"
        );
        each.push(micros(|| policies.resolve(&query).is_ok()));
    }
    Ok(median(each))
}

/// Each policy's container: twenty to a department.
fn container(number: usize) -> String {
    format!(
        "OU=Unit {number},OU=Department {},DC=example,DC=org",
        number / 20
    )
}

/// Adds so many policies, each with a link, a filter and a text. Returns the configuration's path.
fn write(site: &mut Site, count: usize, written: Written) -> anyhow::Result<PathBuf> {
    let mut together = String::new();
    for number in 0..count {
        let filter = format!(
            "groups = [\"CN=Group {},OU=Groups,DC=example,DC=org\"]\n",
            number % 10
        );
        let (container, text) = (container(number), "Your verification code is %code%");
        if written == Written::Each {
            site.policy(
                &format!("p{number}"),
                &format!(
                    "name = \"Policy {number}\"\nregion = \"GB\"\n[[link]]\ncontainer = \"{container}\"\n\
                     [filter]\n{filter}[verification_code]\ntext = \"{text}\"\n"
                ),
            )?;
            continue;
        }
        // Writing to a string never fails.
        let _ = write!(
            together,
            "[[policies]]\nname = \"Policy {number}\"\nregion = \"GB\"\n[[policies.link]]\n\
             container = \"{container}\"\n[policies.filter]\n{filter}[policies.verification_code]\n\
             text = \"{text}\"\n"
        );
    }
    let file = site.config_file();
    if written == Written::Together {
        let before = fs::read_to_string(&file)?;
        site.raw_config(&format!("{before}\n{together}"))?;
    }
    Ok(file)
}
