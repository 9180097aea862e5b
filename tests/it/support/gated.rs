//! A server on loopback that a test steps by hand: it sends what the test says, when it says it.
//!
//! Nothing is timed. A test accepts the next request, looks at it, sends the answer piece by piece
//! and ends it well, badly or not at all, so every order of events can be produced on purpose.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A listening server.
pub(crate) struct GatedServer {
    listener: TcpListener,
}

/// One request that waits for its answer.
pub(crate) struct Call {
    stream: TcpStream,
    /// Request line: `POST /v1/chat/completions HTTP/1.1`.
    pub(crate) line: String,
    /// Headers with names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
}

impl GatedServer {
    /// Returns a server on a free port.
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Returns the base URL for an endpoint.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address())
    }

    /// Waits for the next connection and reads its request.
    pub(crate) async fn accept(&self) -> Call {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        let head_end = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the client closed before its request");
        };
        let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap().to_owned();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, value)| value.parse().unwrap());
        while bytes.len() < head_end + 4 + length {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the client closed within its request");
        }
        let body = String::from_utf8(bytes.split_off(head_end + 4)).unwrap();
        Call { stream, line, headers, body }
    }

    /// Answers the next request with a whole response.
    pub(crate) async fn answer(&self, status: u16, headers: &[(&str, &str)], body: &str) -> Call {
        let mut call = self.accept().await;
        call.respond(status, headers, body).await;
        call
    }

    /// Answers the next request with a whole event stream of these bytes.
    pub(crate) async fn stream(&self, body: &str) -> Call {
        let mut call = self.accept().await;
        call.open().await;
        call.send(body.as_bytes()).await;
        call.finish().await;
        call
    }
}

impl Call {
    /// Returns a request header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Sends a whole response and closes the connection.
    pub(crate) async fn respond(&mut self, status: u16, headers: &[(&str, &str)], body: &str) {
        let length = body.len().to_string();
        self.head(status, &[headers, &[("content-length", length.as_str())]].concat()).await;
        self.write(body.as_bytes()).await;
        let _ = self.stream.shutdown().await;
    }

    /// Sends the head of an event stream.
    pub(crate) async fn open(&mut self) {
        let headers = [("content-type", "text/event-stream"), ("x-request-id", "req-1")];
        self.open_as(200, &headers).await;
    }

    /// Sends the head of a response whose body follows in pieces.
    pub(crate) async fn open_as(&mut self, status: u16, headers: &[(&str, &str)]) {
        self.head(status, &[headers, &[("transfer-encoding", "chunked")]].concat()).await;
    }

    async fn head(&mut self, status: u16, headers: &[(&str, &str)]) {
        let mut head = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.write(head.as_bytes()).await;
    }

    /// Sends a piece of the body.
    pub(crate) async fn send(&mut self, piece: &[u8]) {
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        self.write(&chunk).await;
    }

    /// Ends the body well.
    pub(crate) async fn finish(&mut self) {
        self.write(b"0\r\n\r\n").await;
        let _ = self.stream.shutdown().await;
    }

    /// Closes the connection in the middle of the body.
    pub(crate) async fn cut(mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Sends bytes that need not be HTTP and closes the connection.
    pub(crate) async fn raw(mut self, bytes: &[u8]) {
        self.write(bytes).await;
        let _ = self.stream.shutdown().await;
    }

    /// Waits until the client has closed the connection.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        // A reset is a close, too.
        let _ = self.stream.read_to_end(&mut rest).await;
    }

    async fn write(&mut self, bytes: &[u8]) {
        // A client that has read enough may be gone; what it made of it is for the test to say.
        let _ = self.stream.write_all(bytes).await;
    }
}
