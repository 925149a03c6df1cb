//! Files and witnesses on the web: plain HTTP without a token, every answer bounded.

use ureq::Agent;

use super::ClientError;
use super::http::{agent, bounded};

/// An address below which there are files, or a witness. Clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    agent: Agent,
    base: String,
}

impl Web {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// [`ClientError::Url`] unless it begins with `http://`.
    pub(crate) fn new(url: &str) -> Result<Self, ClientError> {
        let (agent, base) = agent(url)?;
        Ok(Self { agent, base })
    }

    /// The address without its last slash.
    pub(crate) fn url(&self) -> &str {
        &self.base
    }

    /// The file at a path of at most `max` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// [`ClientError`] for no answer, another status than 200, 404 and 410, and more bytes.
    pub(crate) fn file(&self, path: &str, max: usize) -> Result<Option<Vec<u8>>, ClientError> {
        let url = format!("{}/{path}", self.base);
        let no_answer = |source| ClientError::NoAnswer { url: url.clone(), source: Box::new(source) };
        let mut response = self.agent.get(&url).call().map_err(no_answer)?;
        match response.status().as_u16() {
            200 => {}
            404 | 410 => return Ok(None),
            status => return Err(ClientError::Status { url, status }),
        }
        let encoding = response.headers().get("Content-Encoding").map(|value| value.as_bytes());
        if let Some(encoding) = encoding.filter(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
            let encoding = String::from_utf8_lossy(encoding).chars().take(40).collect();
            return Err(ClientError::Encoded { url, encoding });
        }
        let body = bounded(&mut response, max).map_err(no_answer)?;
        body.map(Some).ok_or(ClientError::TooLarge { url, max })
    }

    /// Posts bytes; gives the status and an answer of at most `max` bytes, whatever they are.
    ///
    /// # Errors
    /// [`ClientError`] for no answer, or a larger one.
    pub(crate) fn post(&self, path: &str, body: &[u8], max: usize) -> Result<(u16, Vec<u8>), ClientError> {
        let url = format!("{}/{path}", self.base);
        let no_answer = |source| ClientError::NoAnswer { url: url.clone(), source: Box::new(source) };
        let mut response = self.agent.post(&url).send(body).map_err(no_answer)?;
        let answer = bounded(&mut response, max).map_err(no_answer)?;
        let status = response.status().as_u16();
        answer.map(|answer| (status, answer)).ok_or(ClientError::TooLarge { url, max })
    }
}
