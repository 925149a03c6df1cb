//! The public log over real sockets and without them.

use std::io::Read as _;

use axum::body::to_bytes;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use luxor_protocol::tlog::{MAX_BUNDLE_BYTES, TilePath, TileWidth, decode_bundle, paths_of};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::reply::{CHECKPOINT_CACHE, NO_CACHE, TILE_CACHE};
use super::*;
use crate::logfiles::tests::Log;

const PUBLIC: u64 = 300;

/// A log of 700 entries of which 300 are public.
fn context(log: &Log) -> Context {
    let public = PublicLog::new(log.grow(PUBLIC));
    log.grow(700);
    Context { files: LogFiles::new(log.store.clone()), log: public, trust: Arc::default(), witness: None }
}

async fn ask(context: &Context, method: Method, path: &str, encoding: Option<&'static str>) -> Response {
    let mut headers = HeaderMap::new();
    headers.extend(encoding.map(|value| (ACCEPT_ENCODING, HeaderValue::from_static(value))));
    answer(context, &method, &path.parse().unwrap(), &headers).await
}

async fn get(context: &Context, path: &str) -> Response {
    ask(context, Method::GET, path, None).await
}

fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

async fn body(response: Response) -> Vec<u8> {
    to_bytes(response.into_body(), MAX_BUNDLE_BYTES).await.unwrap().to_vec()
}

#[tokio::test]
async fn every_file_of_the_public_size_is_there_with_its_headers() {
    let log = Log::new();
    let context = context(&log);
    for path in paths_of(PUBLIC) {
        let response = get(&context, &format!("/{path}")).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&response, "access-control-allow-origin"), Some("*"));
        let (kind, cache, vary) = match path {
            TilePath::Checkpoint => ("text/plain; charset=utf-8", CHECKPOINT_CACHE, None),
            TilePath::Tile { .. } => ("application/octet-stream", TILE_CACHE, None),
            TilePath::Entries { .. } => ("application/octet-stream", TILE_CACHE, Some("Accept-Encoding")),
        };
        assert_eq!(header(&response, "content-type"), Some(kind), "{path}");
        assert_eq!(header(&response, "cache-control"), Some(cache), "{path}");
        assert_eq!(header(&response, "vary"), vary, "{path}");
        assert_eq!(header(&response, "content-encoding"), None, "{path}");
        match path {
            TilePath::Checkpoint => assert_eq!(body(response).await, context.log.latest().note),
            TilePath::Tile { width, .. } => assert_eq!(body(response).await.len(), 32 * width.get()),
            TilePath::Entries { width, .. } => drop(decode_bundle(&body(response).await, width).unwrap()),
        }
    }
}

#[tokio::test]
async fn every_width_up_to_the_public_size_and_nothing_beyond() {
    let log = Log::new();
    let context = context(&log);
    for (kind, last) in [("0", 44), ("entries", 44), ("1", 1)] {
        let (full, partial) = (format!("/tile/{kind}/000"), format!("/tile/{kind}/001"));
        if kind != "1" {
            let whole = body(get(&context, &full).await).await;
            for width in 1..256 {
                // Also where the full one is there.
                let response = get(&context, &format!("{full}.p/{width}")).await;
                assert_eq!(response.status(), StatusCode::OK);
                let part = body(response).await;
                assert!(whole.starts_with(&part) && whole.len() > part.len());
            }
        }
        let growing = if kind == "1" { &full } else { &partial };
        for width in 1..256 {
            let status = get(&context, &format!("{growing}.p/{width}")).await.status();
            assert_eq!(status == StatusCode::OK, width <= last, "{growing}.p/{width}");
        }
    }
    for beyond in
        ["/tile/0/001", "/tile/entries/001", "/tile/0/002.p/1", "/tile/1/000", "/tile/1/001.p/1", "/tile/2/000.p/1"]
    {
        let response = get(&context, beyond).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{beyond}");
        assert_eq!(header(&response, "cache-control"), Some(NO_CACHE), "{beyond}");
        assert_eq!(header(&response, "access-control-allow-origin"), Some("*"));
        let text = String::from_utf8(body(response).await).unwrap();
        assert!(text.contains("300 entries") && !text.contains("700"), "the answer shows no growth: {text}");
    }
    assert!(context.log.advance(log.latest()));
    assert_eq!(get(&context, "/tile/0/002.p/188").await.status(), StatusCode::OK);
    assert_eq!(get(&context, "/tile/0/002.p/189").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn other_spellings_are_not_there() {
    let log = Log::new();
    let context = context(&log);
    for path in [
        "/",
        "//checkpoint",
        "/checkpoint/",
        "/checkpoint?",
        "/checkpoint?x=1",
        "/Checkpoint",
        "/checkpoin%74",
        "/tile",
        "/tile/",
        "/tile/0",
        "/tile/0/",
        "/tile/0/0",
        "/tile/0/0000",
        "/tile/0/000/",
        "/tile/0/000.p",
        "/tile/0/000.p/0",
        "/tile/0/000.p/01",
        "/tile/0/000.p/256",
        "/tile/0/000.p/-1",
        "/tile/0/000.p/18446744073709551616",
        "/tile/00/000",
        "/tile/64/000",
        "/tile/0/x000/000",
        "/tile/0/001/000",
        "/tile/0/%30%30%30",
        "/tile/./0/000",
        "/tile/../tile/0/000",
        "/tile/0/000?",
        "/tile/entries/0",
        "/tile/data/000",
        "/tile/8/0/000",
        "/tile/63/x018/x446/x744/x073/x709/x551/615.p/255",
        "/v1/log/checkpoint",
        "/v1/status",
        "*",
    ] {
        assert_eq!(get(&context, path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let log = Log::new();
    let context = context(&log);
    for method in
        [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH, Method::TRACE, Method::CONNECT]
    {
        for path in ["/checkpoint", "/nothing"] {
            let response = ask(&context, method.clone(), path, None).await;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
            assert_eq!(header(&response, "allow"), Some("GET, HEAD"));
        }
    }
}

#[tokio::test]
async fn bundles_are_compressed_for_who_takes_it() {
    let log = Log::new();
    let context = context(&log);
    for (path, width) in
        [("/tile/entries/000", TileWidth::FULL), ("/tile/entries/001.p/44", TileWidth::new(44).unwrap())]
    {
        let plain = body(get(&context, path).await).await;
        let response = ask(&context, Method::GET, path, Some("gzip, br")).await;
        assert_eq!(header(&response, CONTENT_ENCODING.as_str()), Some("gzip"));
        assert_eq!(header(&response, "vary"), Some("Accept-Encoding"));
        assert_eq!(header(&response, "content-type"), Some("application/octet-stream"));
        let packed = body(response).await;
        let again = body(ask(&context, Method::GET, path, Some("gzip")).await).await;
        assert_eq!(packed, again, "the same bytes each time");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain);
        decode_bundle(&unpacked, width).unwrap();
        let refused = ask(&context, Method::GET, path, Some("gzip;q=0")).await;
        assert_eq!(header(&refused, CONTENT_ENCODING.as_str()), None);
        assert_eq!(body(refused).await, plain);
    }
    for path in ["/tile/0/000", "/checkpoint"] {
        let response = ask(&context, Method::GET, path, Some("gzip")).await;
        assert_eq!(header(&response, CONTENT_ENCODING.as_str()), None, "{path}");
    }
}

/// A log that is served on a port of its own.
struct Served {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

async fn serve(log: &Log) -> Served {
    let public = PublicLog::new(log.latest());
    let bound =
        Public::bind("127.0.0.1:0".parse().unwrap(), log.store.clone(), public, Arc::default(), None).await.unwrap();
    let address = bound.address();
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(bound.serve(Latest::default, LONG, stopped));
    Served { address, stop, serving }
}

const LONG: Duration = Duration::from_secs(3_600);

/// Sends these bytes and reads until the other side closes.
async fn raw(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

fn split(answer: &[u8]) -> (String, &[u8]) {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase(), &answer[end..])
}

#[tokio::test]
async fn head_says_what_get_gives() {
    let log = Log::new();
    log.grow(PUBLIC);
    let served = serve(&log).await;
    for (path, status) in
        [("checkpoint", "200"), ("tile/0/000", "200"), ("tile/entries/001.p/44", "200"), ("tile/0/001", "404")]
    {
        let request = |method: &str| format!("{method} /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let get = raw(served.address, request("GET").as_bytes()).await;
        let head = raw(served.address, request("HEAD").as_bytes()).await;
        let ((get_head, get_body), (head_head, head_body)) = (split(&get), split(&head));
        assert!(get_head.starts_with(&format!("http/1.1 {status}")), "{get_head}");
        assert!(get_head.contains(&format!("content-length: {}\r\n", get_body.len())), "{get_head}");
        let lines = |text: &str| {
            let mut lines: Vec<_> = text.lines().filter(|l| !l.starts_with("date:")).map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!((lines(&head_head), head_body), (lines(&get_head), &b""[..]));
    }
    served.stop.send(true).unwrap();
    served.serving.await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err(), "it no longer listens");
}

#[tokio::test]
async fn rubbish_is_refused_and_nothing_falls_over() {
    let log = Log::new();
    log.grow(1);
    let served = serve(&log).await;
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(2 * MAX_HEAD_BYTES));
    let many = format!("GET /checkpoint HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(300));
    let rubbish: [&[u8]; 6] = [
        long.as_bytes(),
        many.as_bytes(),
        b"\x16\x03\x01\x00\xf4 this is TLS\r\n\r\n",
        b"GET /checkpoint HTTP/9.9\r\n\r\n",
        b"GET \xff\xfe HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for request in rubbish {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        // It may be closed before all is written, or with what it did not read.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    }
    let request = b"GET /checkpoint HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(split(&raw(served.address, request).await).1, log.latest().note);
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_one_to_end() {
    let log = Log::new();
    log.grow(1);
    let served = serve(&log).await;
    let request = b"GET /checkpoint HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut open = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        // Answered, so it is among those that count, and stays open.
        assert!(stream.read(&mut [0; 1_024]).await.unwrap() > 0);
        open.push(stream);
    }
    let mut late = TcpStream::connect(served.address).await.unwrap();
    late.write_all(request).await.unwrap();
    let mut answer = [0; 1_024];
    let mut reading = Box::pin(late.read(&mut answer));
    assert!(futures::poll!(&mut reading).is_pending());
    drop(open.pop());
    assert!(reading.await.unwrap() > 0);
}

#[tokio::test]
async fn the_public_copy_advances_at_ticks_and_never_goes_back() {
    let log = Log::new();
    log.grow(3);
    let (newest, told) = watch::channel(log.latest());
    let (ticked, mut ticks) = mpsc::unbounded_channel();
    let newest_at_tick = move || {
        let _ = ticked.send(());
        told.borrow().clone()
    };
    let public = PublicLog::new(log.latest());
    let bound = Public::bind("127.0.0.1:0".parse().unwrap(), log.store.clone(), public.clone(), Arc::default(), None)
        .await
        .unwrap();
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(bound.serve(newest_at_tick, Duration::from_millis(2), stopped));
    assert_eq!(public.latest().size, 3, "what is signed at the start is public at once");
    // What was told before a tick is public by the next one.
    let mut tick = async || {
        ticks.recv().await.unwrap();
        while ticks.try_recv().is_ok() {}
        ticks.recv().await.unwrap();
        ticks.recv().await.unwrap();
        public.latest().size
    };
    newest.send_replace(log.grow(300));
    assert_eq!(tick().await, 300);
    newest.send_replace(Latest { size: 5, ..Latest::default() });
    assert_eq!(tick().await, 300);
    newest.send_replace(log.grow(301));
    assert_eq!(tick().await, 301);
    drop(stop);
    serving.await.unwrap();
}
