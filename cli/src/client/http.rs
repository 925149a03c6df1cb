//! Requests and their outcomes, without knowing what they mean.

use std::time::{Duration, Instant};

use luxor_protocol::api::ApiProblem;
use serde::de::DeserializeOwned;
use ureq::{Agent, Body, http::Response};

use super::ClientError;

/// Bytes of one answer: far more than a page of a log, enough for the documents of a large network.
const MAX_ANSWER: u64 = 512 * 1024 * 1024;
/// How long a full outbox is waited for, and the longest pause between two tries.
const PATIENCE: Duration = Duration::from_secs(600);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct Http {
    agent: Agent,
    base: String,
    authorization: String,
}

type Query<'a> = &'a [(&'static str, String)];

impl Http {
    pub(super) fn new(url: &str, token: &str) -> Result<Self, ClientError> {
        let (agent, base) = agent(url)?;
        Ok(Self { agent, base, authorization: format!("Bearer {token}") })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn json<T: DeserializeOwned>(&self, path: &str, query: Query<'_>) -> Result<T, ClientError> {
        serde_json::from_slice(&self.bytes(path, query)?).map_err(|error| ClientError::answer(path, error))
    }

    pub(super) fn text(&self, path: &str, query: Query<'_>) -> Result<String, ClientError> {
        String::from_utf8(self.bytes(path, query)?).map_err(|error| ClientError::answer(path, error))
    }

    pub(super) fn bytes(&self, path: &str, query: Query<'_>) -> Result<Vec<u8>, ClientError> {
        let mut request = self.agent.get(self.url(path)).header("Authorization", &self.authorization);
        for (name, value) in query {
            request = request.query(*name, value);
        }
        let mut response = request.call().map_err(|error| self.unreachable(error))?;
        let body = self.body(&mut response)?;
        if response.status().is_success() { Ok(body) } else { Err(problem(response.status().as_u16(), &body)) }
    }

    /// A file of at most `max` bytes; `None` if there is none.
    pub(super) fn file(&self, path: &str, max: usize) -> Result<Option<Vec<u8>>, ClientError> {
        let get = self.agent.get(self.url(path)).header("Authorization", &self.authorization);
        let mut response = get.call().map_err(|error| self.unreachable(error))?;
        let status = response.status().as_u16();
        if status == 404 {
            return Ok(None);
        }
        let body = bounded(&mut response, max).map_err(|error| self.unreachable(error))?;
        match body {
            Some(body) if response.status().is_success() => Ok(Some(body)),
            Some(body) => Err(problem(status, &body)),
            None => Err(ClientError::TooLarge { url: self.url(path), max }),
        }
    }

    pub(super) fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        request: &impl serde::Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(request).map_err(|error| ClientError::answer(path, error))?;
        self.post(path, "application/json", &body)
    }

    pub(super) fn post_cbor<T: DeserializeOwned>(&self, path: &str, body: &[u8]) -> Result<T, ClientError> {
        self.post(path, "application/cbor", body)
    }

    fn post<T: DeserializeOwned>(&self, path: &str, media: &str, body: &[u8]) -> Result<T, ClientError> {
        let post = self.agent.post(self.url(path)).header("Authorization", &self.authorization);
        let sent = post.content_type(media).send(body);
        let mut response = sent.map_err(|error| self.unreachable(error))?;
        let body = self.body(&mut response)?;
        if response.status().is_success() {
            serde_json::from_slice(&body).map_err(|error| ClientError::answer(path, error))
        } else {
            Err(problem(response.status().as_u16(), &body))
        }
    }

    /// Writes what is there to `to`, as it comes; gives how many bytes that were.
    pub(super) fn copy(&self, path: &str, to: &mut impl std::io::Write) -> Result<u64, ClientError> {
        let get = self.agent.get(self.url(path)).header("Authorization", &self.authorization);
        let mut response = get.call().map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if !status.is_success() {
            let body = self.body(&mut response)?;
            return Err(problem(status.as_u16(), &body));
        }
        let mut body = response.body_mut().with_config().limit(u64::MAX).reader();
        std::io::copy(&mut body, to).map_err(|error| self.unreachable(ureq::Error::Io(error)))
    }

    /// Puts a part of a file; waits as [`Http::put_cbor`] does.
    pub(super) fn put_bytes<T: DeserializeOwned>(&self, path: &str, bytes: &[u8]) -> Result<T, ClientError> {
        self.put(path, "application/octet-stream", bytes)
    }

    /// Puts a chunk; while the node answers 503, waits as long as it asks for and puts it again.
    pub(super) fn put_cbor<T: DeserializeOwned>(&self, path: &str, chunk: &[u8]) -> Result<T, ClientError> {
        self.put(path, "application/cbor", chunk)
    }

    fn put<T: DeserializeOwned>(&self, path: &str, media: &str, bytes: &[u8]) -> Result<T, ClientError> {
        let started = Instant::now();
        loop {
            let request = self.agent.put(self.url(path)).header("Authorization", &self.authorization);
            let sent = request.content_type(media).send(bytes);
            let mut response = sent.map_err(|error| self.unreachable(error))?;
            let body = self.body(&mut response)?;
            if response.status().is_success() {
                return serde_json::from_slice(&body).map_err(|error| ClientError::answer(path, error));
            }
            let pause = pause(&response);
            if response.status().as_u16() != 503 || started.elapsed() + pause > PATIENCE {
                return Err(problem(response.status().as_u16(), &body));
            }
            std::thread::sleep(pause);
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn body(&self, response: &mut Response<Body>) -> Result<Vec<u8>, ClientError> {
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        body.map_err(|error| self.unreachable(error))
    }

    fn unreachable(&self, source: ureq::Error) -> ClientError {
        ClientError::Unreachable { url: self.base.clone(), source: Box::new(source) }
    }
}

/// A client without proxy and redirects, which would take a token elsewhere, and the URL without its last slash.
pub(super) fn agent(url: &str) -> Result<(Agent, String), ClientError> {
    let base = url.trim_end_matches('/').to_owned();
    if !base.starts_with("http://") {
        return Err(ClientError::Url(base));
    }
    let config = Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_secs(180)))
        .timeout_recv_body(Some(Duration::from_secs(180)))
        .build();
    Ok((Agent::new_with_config(config), base))
}

/// A body of at most `max` bytes; `None` if it has more.
pub(super) fn bounded(response: &mut Response<Body>, max: usize) -> Result<Option<Vec<u8>>, ureq::Error> {
    // The client refuses a body that fills its limit.
    match response.body_mut().with_config().limit(max as u64 + 1).read_to_vec() {
        Ok(body) => Ok((body.len() <= max).then_some(body)),
        Err(ureq::Error::BodyExceedsLimit(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn pause(response: &Response<Body>) -> Duration {
    let header = response.headers().get("Retry-After").and_then(|value| value.to_str().ok());
    let seconds = header.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    // `0` means soon, not at once: the node has to get something done first.
    seconds.unwrap_or(Duration::from_secs(1)).clamp(Duration::from_millis(100), LONGEST_PAUSE)
}

/// A refusal, from its status and body.
pub(super) fn problem(status: u16, body: &[u8]) -> ClientError {
    match serde_json::from_slice(body) {
        Ok(ApiProblem { error, message }) => ClientError::Problem { status, error, message },
        Err(_) => {
            let text: String = String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(200).collect();
            ClientError::Problem { status, error: "http".into(), message: format!("HTTP status {status}: {text}") }
        }
    }
}
