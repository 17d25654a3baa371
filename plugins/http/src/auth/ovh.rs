//! OVHcloud's signature, by its server's clock:
//! <https://help.ovhcloud.com/csm/en-gb-api-getting-started-ovhcloud-api?id=kb_article_view&sysparm_article=KB0042784>.

use std::time::{Duration, UNIX_EPOCH};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use textsender_plugin_api::{Host, SendError};

use super::{Kept, hex};
use crate::render::Composed;

/// The signature of a request at this second.
pub fn signature(secret: &str, consumer: &str, request: &Composed, now: u64) -> String {
    let body = request.body.as_ref().map_or(&[][..], |(_, body)| body);
    let method = request.method.as_str();
    let mut text = format!("{secret}+{consumer}+{method}+{}+", request.url).into_bytes();
    text.extend_from_slice(body);
    text.extend_from_slice(format!("+{now}").as_bytes());
    format!(
        "$1${}",
        hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, &text).as_ref())
    )
}

/// The time by the provider's clock: asked once in the process's life.
pub async fn server_time(host: &Host, url: &str, kept: &Kept) -> Result<u64, SendError> {
    let ours = host
        .now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs();
    if let Some(ahead) = kept.clock.get() {
        return Ok(ours.saturating_add_signed(*ahead));
    }
    let answer = host.http().get(url).send().await?;
    let theirs = answer.json::<u64>().filter(|_| answer.is_success());
    let theirs =
        theirs.ok_or_else(|| SendError::unavailable("the provider's clock can't be read"))?;
    // Another message may have asked meanwhile: the same clock.
    let _ = kept.clock.set(theirs as i64 - ours as i64);
    Ok(theirs)
}

#[cfg(test)]
mod tests {
    use textsender_plugin_api::Method;

    use super::*;

    /// The example of OVHcloud's first steps with its API.
    #[test]
    fn agrees_with_the_documented_example() {
        let request = Composed {
            method: Method::Get,
            url: "https://eu.api.ovh.com/1.0/domains/".to_owned(),
            headers: Vec::new(),
            body: None,
        };
        let signature = signature(
            "EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF",
            "MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1",
            &request,
            1_366_560_945,
        );
        assert_eq!(signature, "$1$d3705e8afb27a0d2970a322b96550abfc67bb798");
    }
}
