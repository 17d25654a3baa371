//! From a provider's answer to a verdict. Never accepted without a rule that says so.

use std::time::Duration;

use regex_lite::Regex;
use serde_json::Value;
use textsender_plugin_api::{HttpResponse, Receipt, SendError, Verdict};

use crate::definition::{Judgement, Rule, Scalar};

/// How much of a body a regular expression sees, in bytes.
const LOOKED_AT: usize = 4096;

/// A rule whose expression is compiled.
#[derive(Clone, Debug)]
pub struct Compiled {
    rule: Rule,
    body: Option<Regex>,
}

impl Compiled {
    /// Compiles a rule's expression.
    pub fn new(rule: &Rule) -> Result<Self, String> {
        let body = rule.body.as_deref().map(Regex::new).transpose();
        let body = body.map_err(|_| "body is not a regular expression".to_owned())?;
        Ok(Self {
            rule: rule.clone(),
            body,
        })
    }

    fn matches(&self, status: u16, text: &str, json: &Value) -> bool {
        let Rule {
            status: statuses,
            at,
            is,
            one_of,
            prefix,
            exists,
            id,
            ..
        } = &self.rule;
        let value = at.as_deref().map(|at| json.pointer(at).and_then(scalar));
        let there = value.clone().flatten();
        let same = |expected: &Scalar| there.as_deref() == Some(expected.0.as_str());
        let is_there = at
            .as_deref()
            .is_some_and(|at| json.pointer(at).is_some_and(|it| !it.is_null()));
        statuses.as_ref().is_none_or(|set| set.holds(status))
            && is.as_ref().is_none_or(same)
            && one_of.as_ref().is_none_or(|all| all.iter().any(same))
            && prefix
                .as_ref()
                .is_none_or(|begin| there.as_ref().is_some_and(|it| it.starts_with(begin)))
            && exists.is_none_or(|expected| expected == is_there)
            && self.body.as_ref().is_none_or(|body| body.is_match(text))
            && id
                .as_deref()
                .is_none_or(|id| json.pointer(id).and_then(scalar).is_some())
    }
}

/// What an answer means: by the first rule that matches, else by its status alone.
pub fn judge(rules: &[Compiled], answer: &HttpResponse) -> Result<Receipt, SendError> {
    let json: Value = answer.json().unwrap_or_default();
    let looked_at = &answer.body[..answer.body.len().min(LOOKED_AT)];
    let text = String::from_utf8_lossy(looked_at);
    let matching = rules
        .iter()
        .find(|rule| rule.matches(answer.status, &text, &json));
    let rule = matching.map(|matching| &matching.rule);
    let judgement = rule.map_or_else(
        || Judgement::Failed(by_status(answer.status)),
        |rule| rule.verdict,
    );
    let at = |pointer: Option<&String>| pointer.and_then(|at| json.pointer(at)).and_then(scalar);
    let Judgement::Failed(verdict) = judgement else {
        let mut receipt = Receipt::without_id();
        receipt.provider_id = at(rule.and_then(|rule| rule.id.as_ref()));
        return Ok(receipt);
    };
    let code = at(rule.and_then(|rule| rule.code.as_ref()));
    let seconds = at(rule.and_then(|rule| rule.retry_after.as_ref()));
    let wait = seconds
        .and_then(|it| it.parse::<f64>().ok())
        .and_then(|it| Duration::try_from_secs_f64(it.ceil()).ok());
    let error = SendError::new(verdict, words(verdict))
        .with_provider_code(code.unwrap_or_else(|| answer.status.to_string()));
    Err(error.with_retry_after(wait.or_else(|| answer.retry_after())))
}

/// What an answer means that no rule knows.
const fn by_status(status: u16) -> Verdict {
    match status {
        401 | 403 => Verdict::Unauthorized,
        429 => Verdict::Throttled,
        300..=499 => Verdict::Misconfigured,
        _ => Verdict::Unknown,
    }
}

/// A verdict for the log.
const fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Rejected => "the number or text is not valid",
        Verdict::UndeliverableHere => "the provider can't text this number",
        Verdict::OptedOut => "the recipient opted out",
        Verdict::Throttled => "faster than the provider's limit",
        Verdict::Exhausted => "credit or quota is used up",
        Verdict::Unavailable => "the provider did not take it now",
        Verdict::Unauthorized => "the provider refuses the credentials",
        Verdict::Misconfigured => "the provider refuses the settings or the account",
        _ => "the provider may have taken it",
    }
}

/// A text, number or truth value as text.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_in_the_body_is_seconds_rounded_up() {
        let rule = Rule {
            status: None,
            at: None,
            is: None,
            one_of: None,
            prefix: None,
            exists: None,
            body: None,
            verdict: Judgement::Failed(Verdict::Throttled),
            id: None,
            code: None,
            retry_after: Some("/wait".into()),
        };
        let rules = [Compiled::new(&rule).unwrap()];
        let waits = [
            ("7", Some(7)),
            ("1.5", Some(2)),
            ("\"0.2\"", Some(1)),
            ("-1", None),
            ("\"soon\"", None),
        ];
        for (wait, seconds) in waits {
            let answer = HttpResponse {
                status: 429,
                headers: Vec::new(),
                body: format!("{{\"wait\": {wait}}}").into(),
            };
            let error = judge(&rules, &answer).unwrap_err();
            let seconds = seconds.map(Duration::from_secs);
            assert_eq!(error.retry_after, seconds, "{wait}");
        }
    }
}
