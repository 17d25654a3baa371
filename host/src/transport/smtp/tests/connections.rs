//! Connections that are kept, shared, and given up.

use super::*;

#[tokio::test]
async fn a_connection_serves_many_mails_of_one_account() {
    let server = Server::start(Config {
        auth: "PLAIN",
        ..Config::default()
    })
    .await;
    let smtp = smtp(&server);
    for _ in 0..3 {
        let (result, _) = carry(&smtp, with_account(mail(&server), "pass")).await;
        assert!(result.unwrap().is_accepted());
    }
    server.seen(|seen| assert_eq!((seen.connections, seen.mails.len()), (1, 3)));

    let (result, _) = carry(&smtp, with_account(mail(&server), "rotated")).await;
    assert_eq!(result.unwrap().code, 535);
    server.seen(|seen| assert_eq!(seen.connections, 2));

    smtp.close().await;
    server.seen(|seen| assert_eq!(seen.commands.last().unwrap(), "QUIT"));
}

#[tokio::test]
async fn a_stale_connection_is_replaced_and_nothing_is_sent_twice() {
    // Closed by the server between two mails.
    let server = Server::start(Config {
        mails: 1,
        ..Config::default()
    })
    .await;
    let smtp = smtp(&server);
    for mails in 1..=3 {
        let (result, _) = carry(&smtp, mail(&server)).await;
        assert!(result.unwrap().is_accepted());
        server.seen(|seen| assert_eq!((seen.connections, seen.mails.len()), (mails, mails)));
    }
}

#[tokio::test]
async fn a_connection_that_was_refused_something_is_not_kept() {
    let server = Server::start(Config {
        fault: Some(("rcpt", Fault::Reply("550 5.1.1 no such user"))),
        faults: 1,
        ..Config::default()
    })
    .await;
    let smtp = smtp(&server);
    let (refused, _) = carry(&smtp, mail(&server)).await;
    assert_eq!(refused.unwrap().code, 550);
    let (result, _) = carry(&smtp, mail(&server)).await;
    assert!(result.unwrap().is_accepted());
    server.seen(|seen| assert_eq!((seen.connections, seen.mails.len()), (2, 1)));
}

#[tokio::test]
async fn a_connection_carries_ten_mails() {
    let server = Server::start(Config::default()).await;
    let smtp = smtp(&server);
    for _ in 0..25 {
        let (result, _) = carry(&smtp, mail(&server)).await;
        assert!(result.unwrap().is_accepted());
    }
    server.seen(|seen| assert_eq!((seen.connections, seen.mails.len()), (3, 25)));
}

/// A firewall that forgot a connection drops what is written to it, and answers nothing.
#[tokio::test]
async fn a_kept_connection_that_is_dead_costs_little() {
    let server = Server::start(Config {
        fault: Some(("mail", Fault::Silence)),
        faults: 1,
        fault_from: 2,
        ..Config::default()
    })
    .await;
    let smtp = smtp(&server);
    let (first, _) = carry(&smtp, mail(&server)).await;
    assert!(first.unwrap().is_accepted());
    let began = Instant::now();
    let (second, _) = carry(&smtp, mail(&server)).await;
    assert!(second.unwrap().is_accepted());
    assert!(
        began.elapsed() < super::super::STILL_THERE * 2,
        "{:?}",
        began.elapsed()
    );
    server.seen(|seen| assert_eq!((seen.connections, seen.mails.len()), (2, 2)));
}

#[tokio::test]
async fn many_at_a_time_share_few_connections() {
    let server = Server::start(Config::default()).await;
    let smtp = std::sync::Arc::new(smtp(&server));
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (smtp, mail) = (smtp.clone(), mail(&server));
        sending.spawn(async move { carry(&smtp, mail).await.0 });
    }
    for result in sending.join_all().await {
        assert!(result.unwrap().is_accepted());
    }
    server.seen(|seen| {
        assert_eq!(seen.mails.len(), 50);
        assert!(
            seen.most_open <= super::super::CONNECTIONS,
            "{}",
            seen.most_open
        );
    });
}
