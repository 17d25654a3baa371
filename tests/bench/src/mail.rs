//! Part g: the e-mail gateway against a bare lettre loop, both to the sandbox's mail server.

use std::time::Instant;

use lettre::{
    Address,
    address::Envelope,
    transport::smtp::{client::AsyncSmtpConnection, extension::ClientId},
};
use textsender_tests::sandbox::{site::Site, smtp::Security};
use tokio::{net::TcpStream, task::JoinSet};

use crate::{
    figures::{Figure, Figures},
    stream::{in_bulk, in_step},
    subject::{median, percentile},
    wiring::{Scheme, TEXT, Wiring},
};

/// How many times each takes its turn.
const ROUNDS: usize = 3;

/// How many mails a turn has.
const MAILS: u64 = 2_000;

/// How many are in flight in bulk.
const IN_FLIGHT: usize = 16;

/// Measures mails one after the other, and in bulk. The server is the same thread of this program for
/// both: nginx speaks no SMTP of this kind.
///
/// # Errors
/// A mail is not taken.
pub fn measure(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    let site = site(wiring)?;
    let mut ours = [Vec::new(), Vec::new()];
    let mut theirs = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let (p50, _) = in_step::run(wiring, &site, 1, MAILS)?;
        ours[0].push(p50);
        theirs[0].push(lettre_loops(wiring, 1)?.1);
        ours[1].push(in_bulk(wiring, &site, IN_FLIGHT, MAILS)?);
        theirs[1].push(lettre_loops(wiring, IN_FLIGHT)?.0);
    }
    let [our_latency, our_rate] = ours.map(median);
    let [their_latency, their_rate] = theirs.map(median);
    let lettre = "lettre loop";
    figures.add(
        Figure::new("a mail, 1 in flight: p50", our_latency, "µs").against(lettre, their_latency),
    );
    let what = format!("mails, {IN_FLIGHT} in flight");
    figures.add(Figure::new(what, our_rate, "a second").against(lettre, their_rate));
    Ok(())
}

/// An installation whose default sender is the gateway.
fn site(wiring: &Wiring) -> anyhow::Result<Site> {
    let mut site = wiring.site(Scheme::Http, false)?;
    site.plugin(&wiring.artifacts.plugin("email-gateway"))?;
    site.add_gateway("gateway", wiring.sandbox.smtp().port(Security::None))?;
    site.set("defaults.sender", "gateway")?;
    Ok(site)
}

/// Mails on as many kept connections: a second, and the median of each in microseconds.
fn lettre_loops(wiring: &Wiring, in_flight: usize) -> anyhow::Result<(f64, f64)> {
    let server = wiring.sandbox.smtp().address(Security::None);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let begun = Instant::now();
    let each = runtime.block_on(async {
        let mut loops = JoinSet::new();
        for _ in 0..in_flight {
            loops.spawn(lettre_loop(server, MAILS as usize / in_flight));
        }
        let mut each = Vec::new();
        while let Some(done) = loops.join_next().await {
            each.extend(done??);
        }
        anyhow::Ok(each)
    })?;
    let rate = each.len() as f64 / begun.elapsed().as_secs_f64();
    Ok((rate, percentile(each, 0.5)))
}

async fn lettre_loop(server: std::net::SocketAddr, count: usize) -> anyhow::Result<Vec<f64>> {
    let from: Address = "resets@example.com".parse()?;
    let to: Address = "447700900123@sms.example".parse()?;
    let envelope = Envelope::new(Some(from.clone()), vec![to.clone()])?;
    let mail = lettre::Message::builder()
        .from(from.into())
        .to(to.into())
        .body(TEXT.to_owned())?
        .formatted();
    let hello = ClientId::Domain("localhost".into());
    // Its own way to connect leaves the wait of Nagle's algorithm on: 40 ms for each mail.
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let mut connection =
        AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await?;
    let mut each = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = Instant::now();
        connection.send(&envelope, &mail).await?;
        each.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    connection.quit().await?;
    Ok(each)
}
