//! A witness outside the network, asked over HTTP (C2SP tlog-witness). The client blocks, so it runs on a thread for that.
//!
//! Limits: [`TIMEOUT`]; an answer of at most [`MAX_NOTE_BYTES`].

use std::time::Duration;

use luxor_protocol::tlog::MAX_NOTE_BYTES;

/// How long one question may take in all.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Posts the body of an `add-checkpoint`; gives status and body of the answer.
///
/// # Errors
/// Why there is none, for people.
pub(super) async fn add_checkpoint(url: &str, body: Vec<u8>) -> Result<(u16, Vec<u8>), String> {
    let url = format!("{url}/add-checkpoint");
    let asked = tokio::task::spawn_blocking(move || post(&url, &body));
    asked.await.unwrap_or_else(|_| Err("the question ended before its answer".into()))
}

fn post(url: &str, body: &[u8]) -> Result<(u16, Vec<u8>), String> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .build();
    let agent = ureq::Agent::new_with_config(config);
    let mut answer = agent.post(url).content_type("text/plain").send(body).map_err(|e| format!("{url}: {e}"))?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(MAX_NOTE_BYTES as u64).read_to_vec();
    Ok((status, body.map_err(|e| format!("{url}: {e}"))?))
}
