//! The plots of the overview: right to the row.

use std::fs;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::served::Served;

/// Rows, spread over 23 hours: every tenth unknown, two of ten not sent, and one a repeat that was replayed.
const ROWS: u64 = 60_000;

fn seeded() -> Served {
    let served = Served::ready().opened();
    // There is a ledger once something was sent.
    served
        .send_test("+447700900123", "test-1234")
        .says("accepted by");
    let ledger = Connection::open(served.site.state().join("ledger.sqlite3")).unwrap();
    let rows = ledger.execute(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
         INSERT INTO decisions (at, id, live, uid, region, segments, ms, replayed, outcome)
         SELECT (SELECT max(at) FROM decisions) - i % 82800 * 1000, 'seeded-' || i, 0, 0,
                CASE i % 3 WHEN 0 THEN 'GB' WHEN 1 THEN 'IE' ELSE 'FR' END, 2, 40, i % 10 = 3,
                CASE i % 10 WHEN 0 THEN 'unknown' WHEN 1 THEN 'unavailable' WHEN 2 THEN 'refused' ELSE 'accepted' END
         FROM n",
        params![ROWS as i64],
    );
    assert_eq!(rows.unwrap() as u64, ROWS);
    served
}

/// The numbers of a column, added up.
fn sum(body: &str, table: &str, column: usize) -> u64 {
    let (_, table) = body.split_once(&format!("<caption>{table}")).unwrap();
    let rows = table.split("</table>").next().unwrap();
    let (_, rows) = rows.split_once("<tbody>").unwrap();
    let cells = rows.split("<tr>").skip(1).map(|row| {
        let cell = row.split("<td>").nth(column).unwrap();
        let number = cell.split('<').next().unwrap();
        number.parse::<u64>().unwrap()
    });
    cells.sum()
}

/// The amounts of a currency in the table of what was spent, added up, in thousandths.
fn spent(body: &str, currency: &str) -> u64 {
    let (_, table) = body.split_once("<caption>What was spent").unwrap();
    let table = table.split("</table>").next().unwrap();
    let words: Vec<&str> = table.split(['<', '>', ' ', ',']).collect();
    let amounts = words.windows(2).filter(|pair| pair[1] == currency);
    let amounts = amounts.map(|pair| (pair[0].parse::<f64>().unwrap() * 1000.0).round() as u64);
    amounts.sum()
}

#[test]
fn what_was_spent_is_a_plot_for_each_currency_where_prices_are_known() {
    let served = seeded();
    let config = served.site.folder().join("textsender.toml");
    let before = fs::read_to_string(&config).unwrap();
    let prices = "\n[prices]\nGB = \"0.04 EUR\"\nFR = \"0.1 USD\"\n";
    fs::write(&config, before + prices).unwrap();
    let page = served.get("/?period=day").status(200);
    assert_eq!(page.body.matches("<figure>").count(), 4 + 2);
    // Seven rows of ten were sent, or may have been, two segments each; a third of them to each region.
    let segments = ROWS * 7 / 10 / 3 * 2;
    assert_eq!(spent(&page.body, "EUR"), (segments + 1) * 40);
    assert_eq!(spent(&page.body, "USD"), segments * 100);
    page.says(&format!("Segments to regions without a price: {segments}."));
}

#[test]
fn plots_and_their_tables_count_every_row_once() {
    let served = seeded();
    let begun = Instant::now();
    let page = served.get("/?period=day").status(200);
    // Ten times what it takes at most where it is optimised.
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    // One of them is the text that made the ledger.
    let (accepted, others, unknown) = (ROWS * 6 / 10 + 1, ROWS * 2 / 10, ROWS / 10);
    let page = page.says(&format!(
        "{accepted} accepted, {others} not sent, {unknown} unknown."
    ));
    let numbers = "The numbers, in UTC";
    assert_eq!(sum(&page.body, numbers, 1), accepted);
    assert_eq!(sum(&page.body, numbers, 2), others);
    assert_eq!(sum(&page.body, numbers, 3), unknown);
    let segments = sum(&page.body, "Segments by region", 1);
    assert_eq!(segments, (accepted - 1) * 2 + unknown * 2 + 1);
    assert_eq!(page.body.matches("<figure>").count(), 4);

    for period in ["week", "month"] {
        let page = served.get(&format!("/?period={period}")).status(200);
        page.says(&format!("{accepted} accepted"));
    }
}

#[test]
fn before_the_first_text_there_is_nothing_to_draw() {
    let served = Served::ready().opened();
    let page = served
        .get("/")
        .status(200)
        .says("Nothing was sent in this time.");
    assert!(!page.body.contains("<figure>"));
}

#[test]
fn where_the_ledger_cannot_be_read_all_else_is_shown() {
    let served = Served::ready().opened();
    fs::write(served.site.state().join("ledger.sqlite3"), "no ledger").unwrap();
    let page = served.get("/").status(200);
    page.says("It can't be read")
        .says("twilio")
        .says_not("Nothing was sent");
}
