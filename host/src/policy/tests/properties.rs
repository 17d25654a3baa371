//! What holds for any set of policies.

use proptest::prelude::*;

use super::*;

const PLACES: [&str; 5] = ["org", "domain", "Staff", "Sales", "Service"];
const USERS: [&str; 4] = [
    ADA,
    "CN=Bob,OU=Service,OU=Staff,O=Example,DC=org",
    "CN=Cy,OU=Staff,O=Example,DC=org",
    "CN=Di,O=Example,DC=org",
];

/// A policy with one link and at most one group to allow and one to deny.
#[derive(Debug, Clone)]
struct Drawn {
    place: usize,
    order: u32,
    enforced: bool,
    disabled: bool,
    allow: Option<u8>,
    deny: Option<u8>,
}

impl Drawn {
    fn line(&self, name: usize) -> String {
        let mut line = format!("P{name}; at {}; order {}", PLACES[self.place], self.order);
        for (set, word) in [(self.enforced, "enforced"), (self.disabled, "disabled")] {
            line += &if set {
                format!("; {word}")
            } else {
                String::new()
            };
        }
        line += &self
            .allow
            .map_or(String::new(), |g| format!("; groups G{g}"));
        line += &self.deny.map_or(String::new(), |g| format!("; deny G{g}"));
        line
    }

    fn passes(&self, held: &[u8]) -> bool {
        self.allow.is_none_or(|group| held.contains(&group))
            && self.deny.is_none_or(|group| !held.contains(&group))
    }

    fn applies(&self, user: &str, held: &[u8]) -> bool {
        !self.disabled && self.passes(held) && user.ends_with(container(PLACES[self.place]))
    }
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let group = || proptest::option::weighted(0.3, 0..4u8);
    (
        0..5usize,
        2..6u32,
        any::<bool>(),
        proptest::bool::weighted(0.2),
        group(),
        group(),
    )
        .prop_map(|(place, order, enforced, disabled, allow, deny)| Drawn {
            place,
            order,
            enforced,
            disabled,
            allow,
            deny,
        })
}

/// A set of policies, the containers that block, a user, and the groups that he holds.
fn world() -> impl Strategy<Value = (Vec<Drawn>, Vec<usize>, usize, Vec<u8>)> {
    (
        proptest::collection::vec(drawn(), 0..8),
        proptest::collection::vec(0..5usize, 0..2),
        0..4usize,
        proptest::collection::vec(0..4u8, 0..3),
    )
}

fn lines(drawn: &[Drawn]) -> Vec<String> {
    drawn.iter().enumerate().map(|(n, d)| d.line(n)).collect()
}

fn decide(lines: &[String], blocked: &[usize], user: &str, held: &[u8]) -> String {
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut blocked: Vec<&str> = blocked.iter().map(|n| PLACES[*n]).collect();
    blocked.dedup();
    let groups: Vec<String> = held.iter().map(|g| format!("G{g}")).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    winner(&policies(&lines, &blocked), user, &groups)
}

/// The rules once more, as one would apply them with pencil and paper: strike out what does not
/// apply, sort what is left, take the first.
fn on_paper(drawn: &[Drawn], blocked: &[usize], user: &str, held: &[u8]) -> String {
    let depth = |place: usize| container(PLACES[place]).matches('=').count();
    let blocks = blocked
        .iter()
        .copied()
        .filter(|n| user.ends_with(container(PLACES[*n])));
    let closest_block = blocks.map(depth).max().unwrap_or(0);
    let mut left: Vec<(usize, &Drawn)> = drawn
        .iter()
        .enumerate()
        .filter(|(_, d)| d.applies(user, held))
        .filter(|(_, d)| d.enforced || depth(d.place) >= closest_block)
        .collect();
    let key = |d: &Drawn| {
        let depth = depth(d.place) as i32;
        (
            !d.enforced,
            if d.enforced { depth } else { -depth },
            d.order,
        )
    };
    left.sort_by_key(|(_, d)| key(d));
    match left.as_slice() {
        [] => NONE.to_owned(),
        [(_, first), (_, second), ..] if key(first) == key(second) => "equal order".to_owned(),
        [(name, _), ..] => format!("P{name}"),
    }
}

proptest! {
    #[test]
    fn the_winner_is_the_one_found_on_paper((drawn, blocked, user, held) in world()) {
        let found = decide(&lines(&drawn), &blocked, USERS[user], &held);
        let expected = on_paper(&drawn, &blocked, USERS[user], &held);
        match expected.as_str() {
            "equal order" => prop_assert!(found.contains("both have order"), "{}", found),
            expected => prop_assert_eq!(found, expected),
        }
    }

    #[test]
    fn a_policy_that_does_not_apply_never_changes_the_result(
        (drawn, blocked, user, held) in world(), other in drawn(), at in 0..8usize,
    ) {
        let user = USERS[user];
        let mut lines = lines(&drawn);
        let before = decide(&lines, &blocked, user, &held);
        let other = Drawn { disabled: other.disabled || other.applies(user, &held), ..other };
        lines.insert(at.min(lines.len()), other.line(99));
        prop_assert_eq!(decide(&lines, &blocked, user, &held), before);
    }

    #[test]
    fn the_order_of_files_never_matters(
        (drawn, blocked, user, held) in world(), seed in any::<u64>(),
    ) {
        let mut lines = lines(&drawn);
        let before = decide(&lines, &blocked, USERS[user], &held);
        lines.sort_by_key(|line| seed.wrapping_mul(line.bytes().map(u64::from).sum::<u64>() | 1));
        prop_assert_eq!(decide(&lines, &blocked, USERS[user], &held), before);
    }

    #[test]
    fn an_enforced_ancestor_always_wins((drawn, blocked, user, held) in world()) {
        let mut lines = lines(&drawn);
        lines.push("Top; at org; order 1; enforced".to_owned());
        prop_assert_eq!(decide(&lines, &blocked, USERS[user], &held), "Top");
    }

    #[test]
    fn the_explanation_has_the_same_winner_and_leaves_nothing_out(
        (drawn, blocked, user, held) in world(),
    ) {
        let lines = lines(&drawn);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut blocked: Vec<&str> = blocked.iter().map(|n| PLACES[*n]).collect();
        blocked.dedup();
        let policies = policies(&lines, &blocked);
        let groups: Vec<String> = held.iter().map(|g| group(&format!("G{g}"))).collect();
        let explanation = policies.explain(&query(USERS[user], &groups));

        let won = explanation.considered.iter().filter(|c| matches!(c.result, LinkResult::Won(_)));
        let won: Vec<&str> = won.map(|c| c.policy).collect();
        let winner = explanation.result.ok().and_then(|resolution| resolution.policy);
        prop_assert_eq!(won, Vec::from_iter(winner));
        let mut named: Vec<&str> = explanation.considered.iter().map(|c| c.policy).collect();
        named.sort();
        let mut all: Vec<&str> = lines.iter().map(|l| l.split_once(';').unwrap().0).collect();
        all.sort();
        prop_assert_eq!(named, all);
    }
}
