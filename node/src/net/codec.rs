//! The frames on a stream: four bytes of length, big-endian, and that many bytes; one frame each way.
//!
//! libp2p clones the codec for every connection, and that clone for every stream, so its fields beyond the shared ones are
//! the state of one stream. Bytes after a request's frame are not looked at.

use std::io;
use std::sync::Arc;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response::Codec;
use tokio::sync::oneshot;

use super::config::NetConfig;
use super::counters::Shared;
use super::inbound::{Permit, Pool};

/// The protocol of this module as peers negotiate it.
pub(super) const PROTOCOL: StreamProtocol = StreamProtocol::new("/luxor/exchange/1");

/// How far memory for a body may run ahead of the bytes that have come.
const PIECE: usize = 64 * 1024;

/// Bytes written together with the length, so that a small frame is one write: Yamux's frame less the length.
const HEAD: usize = 16 * 1024 - 4;

/// Bytes of an oversized request that are read and thrown away, so that the peer, which writes its request whole before
/// it reads, gets to read why it is refused. One that sends more only sees its stream closed.
const MAX_DRAIN: usize = 16 * 1024 * 1024;

/// Buffer for those bytes.
const DRAIN_PIECE: usize = 8 * 1024;

/// What is wrong with a frame. Travels inside an [`io::Error`], the only error libp2p lets a codec return.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("the peer announces an answer of {length} bytes, the maximum is {maximum}")]
    AnswerTooLong { length: usize, maximum: usize },
    #[error("a frame of {0} bytes does not fit a length of four bytes")]
    Unframeable(usize),
    #[error("no answer was given to the peer's request")]
    NoAnswer,
    #[error("the pool of permits is closed")]
    PoolClosed,
    #[error("an inbound message was given to be sent")]
    WrongWay,
}

impl From<FrameError> for io::Error {
    fn from(error: FrameError) -> Self {
        Self::other(error)
    }
}

/// A request, going out or come in.
#[derive(Debug)]
pub(super) enum Request {
    Outgoing(Arc<Vec<u8>>),
    Incoming { body: Vec<u8>, permit: Permit },
    Oversized { length: u64, permit: Permit },
}

/// An answer, going out (as the promise of it, so that it need not pass through the swarm task) or come in.
#[derive(Debug)]
pub(super) enum Answer {
    Promised(oneshot::Receiver<Vec<u8>>),
    Arrived(Vec<u8>),
}

/// Reads and writes the frames of one stream.
#[derive(Debug)]
pub(super) struct ExchangeCodec {
    max_request_bytes: usize,
    max_answer_bytes: usize,
    pool: Pool,
    shared: Arc<Shared>,
    unanswered: Unanswered,
}

impl ExchangeCodec {
    pub(super) fn new(config: &NetConfig, shared: Arc<Shared>) -> Self {
        Self {
            max_request_bytes: config.max_request_bytes,
            max_answer_bytes: config.max_answer_bytes,
            pool: Pool::new(config),
            shared,
            unanswered: Unanswered(None),
        }
    }

    async fn read_inbound<T: AsyncRead + Unpin + Send>(&mut self, io: &mut T) -> io::Result<Request> {
        let length = read_length(io).await?;
        if length > self.max_request_bytes {
            self.shared.counters.requests_oversized.add_one();
            drain(io, length.min(MAX_DRAIN)).await?;
            let permit = self.pool.take(0).await.ok_or(FrameError::PoolClosed)?;
            return Ok(Request::Oversized { length: u64::try_from(length).unwrap_or(u64::MAX), permit });
        }
        let permit = self.pool.take(length).await.ok_or(FrameError::PoolClosed)?;
        let body = read_body(io, length).await?;
        self.shared.counters.requests_in.add_one();
        self.shared.counters.bytes_in.add_bytes(length);
        Ok(Request::Incoming { body, permit })
    }
}

impl Clone for ExchangeCodec {
    /// A codec for a new connection or stream: the same limits and pool, no state; streams of one connection share what
    /// the connection may take of the pool.
    fn clone(&self) -> Self {
        Self {
            max_request_bytes: self.max_request_bytes,
            max_answer_bytes: self.max_answer_bytes,
            pool: self.pool.of_connection(),
            shared: Arc::clone(&self.shared),
            unanswered: Unanswered(None),
        }
    }
}

impl Codec for ExchangeCodec {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Answer;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        self.unanswered = Unanswered(Some(Arc::clone(&self.shared)));
        let read = self.read_inbound(io).await;
        if let Err(error) = &read
            && error.kind() == io::ErrorKind::UnexpectedEof
        {
            self.shared.counters.requests_undecodable.add_one();
            self.unanswered.settle();
        }
        read
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Answer>
    where
        T: AsyncRead + Unpin + Send,
    {
        let length = read_length(io).await?;
        if length > self.max_answer_bytes {
            return Err(FrameError::AnswerTooLong { length, maximum: self.max_answer_bytes }.into());
        }
        let body = read_body(io, length).await?;
        self.shared.counters.bytes_in.add_bytes(length);
        Ok(Answer::Arrived(body))
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Request) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let Request::Outgoing(body) = request else {
            return Err(FrameError::WrongWay.into());
        };
        write_frame(io, &body).await?;
        self.shared.counters.bytes_out.add_bytes(body.len());
        Ok(())
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, answer: Answer) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let Answer::Promised(promise) = answer else {
            return Err(FrameError::WrongWay.into());
        };
        let body = promise.await.map_err(|_| FrameError::NoAnswer)?;
        write_frame(io, &body).await?;
        self.shared.counters.answers_out.add_one();
        self.shared.counters.bytes_out.add_bytes(body.len());
        self.unanswered.settle();
        Ok(())
    }
}

/// Set while a peer's request has no answer; counts a dropped stream unless settled. libp2p drops the future of a
/// stream, and the codec with it, on a timeout and when the connection is lost, and before the request is read no event
/// tells of either.
#[derive(Debug)]
struct Unanswered(Option<Arc<Shared>>);

impl Unanswered {
    fn settle(&mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            shared.counters.dropped_streams.add_one();
        }
    }
}

async fn read_length<T: AsyncRead + Unpin + Send>(io: &mut T) -> io::Result<usize> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)
}

/// Reads a body whose length was checked. The announced length is not allocated at once: a peer must send what it wants
/// us to hold.
async fn read_body<T: AsyncRead + Unpin + Send>(io: &mut T, length: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    while body.len() < length {
        let start = body.len();
        let piece = PIECE.min(length - start);
        if body.capacity() - start < piece {
            // Twice what came, so that what came is moved a few times only.
            body.reserve_exact(piece.max(start).min(length - start));
        }
        body.resize(start + piece, 0);
        io.read_exact(&mut body[start..]).await?;
    }
    Ok(body)
}

/// Reads and throws away up to `length` bytes, or to the end of what the peer sends.
async fn drain<T: AsyncRead + Unpin + Send>(io: &mut T, length: usize) -> io::Result<()> {
    let mut bin = vec![0; DRAIN_PIECE];
    let mut left = length;
    while left > 0 {
        let piece = DRAIN_PIECE.min(left);
        match io.read(&mut bin[..piece]).await? {
            0 => break,
            read => left -= read,
        }
    }
    Ok(())
}

async fn write_frame<T: AsyncWrite + Unpin + Send>(io: &mut T, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(|_| FrameError::Unframeable(body.len()))?;
    let (first, rest) = body.split_at(body.len().min(HEAD));
    let mut head = Vec::with_capacity(4 + first.len());
    head.extend_from_slice(&length.to_be_bytes());
    head.extend_from_slice(first);
    io.write_all(&head).await?;
    io.write_all(rest).await
    // libp2p closes our half of the stream next, which flushes it.
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::io::Cursor;

    use super::*;

    fn codec() -> ExchangeCodec {
        ExchangeCodec::new(&NetConfig { max_request_bytes: 200_000, ..NetConfig::default() }, Arc::default())
    }

    #[test]
    fn a_frame_comes_back_as_written() -> io::Result<()> {
        for length in [0, 1, HEAD, HEAD + 1, PIECE, PIECE + 1, 200_000] {
            let body: Arc<Vec<u8>> = Arc::new((0..length).map(|at| at.to_le_bytes()[0]).collect());
            let mut stream = Cursor::new(Vec::new());
            block_on(codec().write_request(&PROTOCOL, &mut stream, Request::Outgoing(Arc::clone(&body))))?;
            assert_eq!(stream.get_ref().len(), 4 + length);
            stream.set_position(0);
            let mut reader = codec();
            let Request::Incoming { body: read, .. } = block_on(reader.read_request(&PROTOCOL, &mut stream))? else {
                return Err(io::Error::other("not read as a request"));
            };
            assert!(*read == *body);
            assert!(read.capacity() <= length);
        }
        Ok(())
    }

    #[test]
    fn the_longest_length_is_oversized_and_allocates_nothing() -> io::Result<()> {
        let mut stream = Cursor::new(vec![0xff; 4]);
        let mut reader = codec();
        let request = block_on(reader.read_request(&PROTOCOL, &mut stream))?;
        assert!(matches!(request, Request::Oversized { length: 0xffff_ffff, .. }));
        assert_eq!(reader.shared.counters.snapshot().requests_oversized, 1);
        Ok(())
    }

    #[test]
    fn a_short_frame_is_undecodable_and_holds_only_what_came() {
        let mut stream = Cursor::new(vec![0, 0, 0, 9, 1, 2]);
        let mut reader = codec();
        let error = block_on(reader.read_request(&PROTOCOL, &mut stream)).err();
        assert_eq!(error.map(|error| error.kind()), Some(io::ErrorKind::UnexpectedEof));
        let shared = Arc::clone(&reader.shared);
        drop(reader);
        let counters = shared.counters.snapshot();
        assert_eq!((counters.requests_undecodable, counters.dropped_streams), (1, 0));
    }

    #[test]
    fn what_one_connection_announces_leaves_the_pool_to_the_others() -> io::Result<()> {
        let config = NetConfig { max_request_bytes: 10_240, inbound_bytes: 30_720, ..NetConfig::default() };
        let behaviour = ExchangeCodec::new(&config, Arc::default());
        let (connection, other) = (behaviour.clone(), behaviour.clone());
        // One stream announces the longest request and sends nothing of it.
        let held = block_on(connection.clone().pool.take(10_240)).ok_or(FrameError::PoolClosed)?;
        let second = connection.clone();
        let mut waits = Box::pin(second.pool.take(1));
        assert!(futures::FutureExt::now_or_never(&mut waits).is_none(), "its own connection waits");
        let mut streams = [other.clone(), behaviour.clone().clone()];
        for stream in &mut streams {
            let taken = futures::FutureExt::now_or_never(stream.pool.take(10_240)).flatten();
            assert!(taken.is_some(), "another connection does not");
        }
        drop(held);
        assert!(futures::FutureExt::now_or_never(waits).flatten().is_some());
        Ok(())
    }

    #[test]
    fn a_long_answer_is_refused_and_an_unanswered_request_counted() -> io::Result<()> {
        let mut asker = codec();
        asker.max_answer_bytes = 8;
        let error = block_on(asker.read_response(&PROTOCOL, &mut Cursor::new(vec![0, 0, 0, 9]))).err();
        let inner = error.as_ref().and_then(io::Error::get_ref).and_then(|inner| inner.downcast_ref());
        assert!(matches!(inner, Some(FrameError::AnswerTooLong { length: 9, maximum: 8 })));

        let mut reader = codec();
        block_on(reader.read_request(&PROTOCOL, &mut Cursor::new(vec![0; 4])))?;
        let shared = Arc::clone(&reader.shared);
        drop(reader);
        assert_eq!(shared.counters.snapshot().dropped_streams, 1);
        Ok(())
    }
}
