//! What a NATS server knows of its streams and consumers, asked without the bus's own client.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Asks the server at `url` (`nats://host:port`) for what `$JS.API.<subject>` answers.
///
/// # Panics
///
/// When the server cannot be asked or answers with an error.
#[track_caller]
pub fn ask(url: &str, subject: &str) -> Value {
    let answer = request(url.trim_start_matches("nats://"), subject).expect("the server answers");
    assert!(answer.get("error").is_none(), "{subject}: {answer}");
    answer
}

fn request(address: &str, subject: &str) -> std::io::Result<Value> {
    let mut server = TcpStream::connect(address)?;
    server.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        server,
        "CONNECT {{\"verbose\":false}}\r\nSUB answer 1\r\nPUB $JS.API.{subject} answer 0\r\n\r\n"
    )?;
    let mut lines = BufReader::new(server);
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        // `MSG answer 1 <bytes>`; before it the server's greeting.
        if let Some(size) = line.strip_prefix("MSG answer 1 ") {
            let size = size.trim().parse().map_err(std::io::Error::other)?;
            let mut payload = vec![0; size];
            lines.read_exact(&mut payload)?;
            return serde_json::from_slice(&payload).map_err(std::io::Error::other);
        }
    }
}
