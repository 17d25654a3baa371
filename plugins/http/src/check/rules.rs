//! What answers mean: rules that can match, don't contradict one another and accept on something; and
//! the examples, which must agree with them.

use std::ops::Range;

use serde_json::Value;
use textsender_plugin_api::HttpResponse;

use super::{
    Faults,
    coverage::{Left, is_any_page},
};
use crate::{
    answer::{Compiled, judge},
    definition::{Definition, Example, Judgement, Rule},
};

/// Statuses whose answers have no body (RFC 9110, 15.3.5 and 15.3.6).
const WITHOUT_BODY: [u16; 2] = [204, 205];

impl Faults<'_> {
    /// Rules that can't match, contradict one another, or accept anything.
    pub(super) fn rules(&mut self) {
        let rules = &self.definition.answer;
        for (index, spanned) in rules.iter().enumerate() {
            let (rule, span) = (spanned.as_ref(), spanned.span());
            self.rule(rule, index, &span);
            if rule.verdict == Judgement::Accepted {
                self.accepts(rule, &span);
            }
            let earlier: Vec<_> = rules[..index].iter().map(|it| it.as_ref()).collect();
            match Left::of(rule, &earlier) {
                Left::All => {}
                Left::Some => self.add(
                    "this rule and an earlier one match the same answers and say different things",
                    &span,
                ),
                Left::Nothing => self.add(
                    "this rule never matches: earlier ones take all of its answers",
                    &span,
                ),
            }
        }
        let accepts = |rule: &Rule| rule.verdict == Judgement::Accepted;
        if !rules.iter().any(|rule| accepts(rule.as_ref())) {
            self.add(
                "no rule accepts anything: every text would end in doubt",
                &self.definition.url.span(),
            );
        }
    }

    /// A rule by itself.
    fn rule(&mut self, rule: &Rule, index: usize, span: &Range<usize>) {
        let index = index.to_string();
        let place = |faults: &Self, key: &str| {
            let exact = faults.place(&["answer", &index, key]);
            exact.unwrap_or(span.clone())
        };
        if let Err(fault) = Compiled::new(rule) {
            let at = place(self, "body");
            self.add(fault, &at);
        }
        for (key, pointer) in rule.pointers() {
            if !pointer.starts_with('/') {
                let at = place(self, key);
                self.add(
                    format!("`{pointer}` is not a JSON pointer: it has to begin with a slash, as /data/id"),
                    &at,
                );
            }
        }
        let questions = [
            rule.is.is_some(),
            rule.one_of.is_some(),
            rule.prefix.is_some(),
            rule.exists.is_some(),
        ];
        let questions = questions.into_iter().filter(|asks| *asks).count();
        if questions != usize::from(rule.at.is_some()) {
            let at = place(self, "at");
            self.add("at goes with one of is, in, prefix and exists", &at);
        }
        let looks = rule.at.is_some() || rule.id.is_some() || rule.body.is_some();
        let has_no_body = |status: u16| WITHOUT_BODY.contains(&status);
        let statuses = rule.status.as_ref();
        if looks && statuses.is_some_and(|all| all.iter().all(has_no_body)) {
            let at = place(self, "status");
            self.add(
                "this rule never matches: such an answer has no body to look at",
                &at,
            );
        }
        if rule.exists == Some(false) && rule.id.is_some() && rule.id == rule.at {
            let at = place(self, "id");
            self.add(
                "this rule never matches: it reads an id that must not be there",
                &at,
            );
        }
    }

    /// Portals and parked domains say 200 too: an accepting rule looks at the provider's own words.
    fn accepts(&mut self, rule: &Rule, span: &Range<usize>) {
        let Some(statuses) = &rule.status else {
            return self.add("accepted for any status: give status", span);
        };
        if statuses.iter().any(|status| !(200..300).contains(&status)) {
            self.add("accepted for a status that is not a success", span);
        }
        let looks = rule.id.is_some()
            || rule.body.as_deref().is_some_and(|it| !is_any_page(it))
            || rule.is.is_some()
            || rule.one_of.is_some()
            || rule.prefix.is_some()
            || rule.exists == Some(true);
        if !looks && statuses.iter().any(|status| status != 204) {
            self.add(
                "accepted on nothing: any page says 200; add id, at or body",
                span,
            );
        }
    }

    /// The examples are judged as they say, and every pointer leads somewhere in one of them.
    pub(super) fn examples(&mut self) {
        let Definition {
            example, answer, ..
        } = self.definition;
        let rules: Result<Vec<_>, _> = answer.iter().map(|it| Compiled::new(it.as_ref())).collect();
        let Ok(rules) = rules else { return };
        for spanned in example {
            if !is_judged_so(&rules, spanned.as_ref()) {
                let words = "the rules say something else of this example, or read another id";
                self.add(words, &spanned.span());
            }
        }
        let bodies = example.iter().map(|it| it.as_ref().body.as_str());
        let bodies: Vec<Value> = bodies
            .filter_map(|it| serde_json::from_str(it).ok())
            .collect();
        if bodies.is_empty() {
            return;
        }
        for (index, spanned) in answer.iter().enumerate() {
            let rule = spanned.as_ref();
            // What looks for a missing value leads nowhere on purpose.
            let pointers = rule.pointers().filter(|_| rule.exists != Some(false));
            for (key, pointer) in pointers {
                if !bodies.iter().any(|body| body.pointer(pointer).is_some()) {
                    let place = self.place(&["answer", &index.to_string(), key]);
                    self.add(
                        format!("`{pointer}` leads nowhere in any example"),
                        &place.unwrap_or(spanned.span()),
                    );
                }
            }
        }
    }
}

fn is_judged_so(rules: &[Compiled], example: &Example) -> bool {
    let response = HttpResponse {
        status: example.status,
        headers: Vec::new(),
        body: example.body.clone().into_bytes(),
    };
    match (judge(rules, &response), example.verdict) {
        (Ok(receipt), Judgement::Accepted) => receipt.provider_id == example.id,
        (Err(error), Judgement::Failed(expected)) => error.verdict == expected,
        _ => false,
    }
}

impl Rule {
    /// Its pointers, by their keys.
    fn pointers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("at", &self.at),
            ("id", &self.id),
            ("code", &self.code),
            ("retry_after", &self.retry_after),
        ];
        all.into_iter()
            .filter_map(|(key, pointer)| Some((key, pointer.as_deref()?)))
    }
}
