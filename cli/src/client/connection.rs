//! One kept-open HTTP/1.1 connection to a node's local interface, as cheap as can be: for measuring, where the client
//! shares the cores with the node. Anything else uses [`super::Client`].

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use luxor_protocol::api::{ApiFile, ChunkResult, OutboxState};
use serde::de::DeserializeOwned;

use super::http::problem;
use super::{ClientError, MAX_WAIT_MS};

/// Bytes of an answer's head.
const MAX_HEAD: usize = 16 * 1024;
/// Bytes of an answer's body: the fate of a full chunk.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// A body up to this goes into one write with its head.
const SMALL_BODY: usize = 16 * 1024;
const TIMEOUT: Duration = Duration::from_secs(180);

/// A connection; one request at a time.
pub(crate) struct Connection {
    stream: TcpStream,
    url: String,
    /// Headers that every request has, with their line ends.
    headers: String,
    read: Vec<u8>,
}

/// What became of a chunk.
pub(crate) enum Put {
    /// It is stored and on its way.
    Taken(ChunkResult),
    /// The node has no room now.
    Busy,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// [`ClientError`] when nothing listens there.
    pub(crate) fn open(api: &ApiFile) -> Result<Self, ClientError> {
        let address = api.url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let address = address.ok_or_else(|| ClientError::Url(api.url.clone()))?;
        let connect = || -> io::Result<TcpStream> {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(TIMEOUT))?;
            stream.set_write_timeout(Some(TIMEOUT))?;
            Ok(stream)
        };
        let headers = format!("Host: {address}\r\nAuthorization: Bearer {}\r\n", api.token);
        match connect() {
            Ok(stream) => Ok(Self { stream, url: api.url.clone(), headers, read: Vec::new() }),
            Err(error) => Err(unreachable(&api.url, error)),
        }
    }

    /// Submits chunk `n` of the submission `id`, an encoded CBOR list of records, once.
    ///
    /// # Errors
    /// [`ClientError`] when it is refused for good or the connection breaks.
    pub(crate) fn put(&mut self, id: &str, n: u64, chunk: &[u8]) -> Result<Put, ClientError> {
        let path = format!("/v1/submissions/{id}/chunks/{n}");
        let (status, body) = self.request("PUT", &path, "Content-Type: application/cbor\r\n", chunk)?;
        match status {
            503 => Ok(Put::Busy),
            _ => Self::answer(&path, status, &body).map(Put::Taken),
        }
    }

    /// What waits for receipts: at once when nothing does, else after at most so many milliseconds.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) fn outbox(&mut self, wait_ms: u64) -> Result<OutboxState, ClientError> {
        let path = format!("/v1/outbox?wait_ms={}", wait_ms.min(MAX_WAIT_MS));
        let (status, body) = self.request("GET", &path, "", &[])?;
        Self::answer(&path, status, &body)
    }

    fn answer<T: DeserializeOwned>(path: &str, status: u16, body: &[u8]) -> Result<T, ClientError> {
        match status {
            200 => serde_json::from_slice(body).map_err(|error| ClientError::answer(path, error)),
            _ => Err(problem(status, body)),
        }
    }

    fn request(&mut self, method: &str, path: &str, media: &str, body: &[u8]) -> Result<(u16, Vec<u8>), ClientError> {
        let head = format!("{method} {path} HTTP/1.1\r\n{}{media}Content-Length: {}\r\n\r\n", self.headers, body.len());
        let mut head = head.into_bytes();
        let small = body.len() <= SMALL_BODY;
        if small {
            head.extend_from_slice(body);
        }
        let sent = self.stream.write_all(&head).and_then(|()| match small {
            true => Ok(()),
            false => self.stream.write_all(body),
        });
        sent.map_err(|error| unreachable(&self.url, error))?;
        let head_bytes = loop {
            if let Some(at) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if self.read.len() > MAX_HEAD {
                return Err(ClientError::answer(path, format!("a head of more than {MAX_HEAD} bytes")));
            }
            self.more()?;
        };
        let (status, length) = read_head(&self.read[..head_bytes]).map_err(|what| ClientError::answer(path, what))?;
        while self.read.len() < head_bytes + length {
            self.more()?;
        }
        let body = self.read[head_bytes..head_bytes + length].to_vec();
        self.read.drain(..head_bytes + length);
        Ok((status, body))
    }

    fn more(&mut self) -> Result<(), ClientError> {
        let mut bytes = [0; 16 * 1024];
        let closed = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let count = self.stream.read(&mut bytes).and_then(|count| if count == 0 { Err(closed()) } else { Ok(count) });
        self.read.extend_from_slice(&bytes[..count.map_err(|error| unreachable(&self.url, error))?]);
        Ok(())
    }
}

fn unreachable(url: &str, error: io::Error) -> ClientError {
    ClientError::Unreachable { url: url.to_owned(), source: Box::new(ureq::Error::Io(error)) }
}

/// Status and length of the body.
fn read_head(head: &[u8]) -> Result<(u16, usize), String> {
    let text = std::str::from_utf8(head).map_err(|_| "a head that is not text")?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let status = status.ok_or("not HTTP/1.1")?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    match length {
        Some(length) if length <= MAX_BODY => Ok((status, length)),
        Some(length) => Err(format!("a body of {length} bytes; at most {MAX_BODY} are read")),
        None => Err("no length of the body".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_gives_status_and_length() {
        let head = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: x\r\nContent-Length: 17\r\n\r\n";
        assert_eq!(read_head(head), Ok((503, 17)));
        assert!(read_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(read_head(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n").is_err());
        assert!(read_head(b"SSH-2.0\r\n\r\n").is_err());
    }
}
