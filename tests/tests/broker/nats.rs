//! What holds for a nats-server.

use crate::every::{self, connect, is_alive, is_refused};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use tests::broker::{Nats, NatsServer, StartError};

const CREATE: &str = r#"{"name":"S","subjects":["s"]}"#;

/// A client that speaks the server's line protocol.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn connect(url: &str) -> Self {
        let mut client = Self {
            stream: BufReader::new(connect(every::address(url))),
        };
        assert!(client.line().starts_with("INFO "));
        client.send("CONNECT {\"verbose\":false}\r\nSUB answers 1\r\nPING\r\n");
        assert_eq!(client.line(), "PONG");
        client
    }

    fn send(&mut self, text: &str) {
        let stream = self.stream.get_mut();
        stream
            .write_all(text.as_bytes())
            .expect("the server is there");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream
            .read_line(&mut line)
            .expect("the server answers");
        line.trim_end().to_owned()
    }

    fn request(&mut self, subject: &str, payload: &str) -> String {
        let length = payload.len();
        self.send(&format!("PUB {subject} answers {length}\r\n{payload}\r\n"));
        let head = self.line();
        assert!(head.starts_with("MSG answers 1 "), "{head}");
        self.line()
    }
}

#[test]
fn each_has_its_own_port_and_store() {
    let (one, other) = (Nats::start(), Nats::start());
    assert_ne!(one.url(), other.url());
    let created = Client::connect(one.url()).request("$JS.API.STREAM.CREATE.S", CREATE);
    assert!(created.contains(r#""did_create":true"#), "{created}");
    let missing = Client::connect(other.url()).request("$JS.API.STREAM.INFO.S", "");
    assert!(missing.contains("stream not found"), "{missing}");
}

#[test]
fn a_stream_survives_kill_and_restart() {
    let mut nats = Nats::start();
    let (url, pid) = (nats.url().to_owned(), nats.pid());
    let mut client = Client::connect(&url);
    client.request("$JS.API.STREAM.CREATE.S", CREATE);
    let stored = client.request("s", "hello");
    assert!(stored.contains(r#""seq":1"#), "{stored}");

    nats.kill();
    assert!(!is_alive(pid));
    assert!(is_refused(&url));
    nats.restart();

    assert_eq!(nats.url(), url);
    assert_ne!(nats.pid(), pid);
    let info = Client::connect(&url).request("$JS.API.STREAM.INFO.S", "");
    assert!(info.contains(r#""messages":1"#), "{info}");
}

#[test]
fn it_stops_as_an_operator_stops_it() {
    every::it_stops::<NatsServer>(|nats| nats.log().contains("Server Exiting"));
}

#[test]
fn a_paused_server_does_not_answer_until_it_is_resumed() {
    let nats = Nats::start();
    let mut client = Client::connect(nats.url());
    nats.pause();
    client.send("PING\r\n");
    every::expect_silence(client.stream.get_mut());
    nats.resume();
    assert_eq!(client.line(), "PONG");
}

#[test]
fn its_configuration_is_what_the_test_says() {
    let nats = Nats::start_with("max_payload: 1000\n");
    let mut info = String::new();
    BufReader::new(connect(nats.servers()))
        .read_line(&mut info)
        .expect("a greeting");
    assert!(info.contains(r#""max_payload":1000"#), "{info}");
}

#[test]
fn a_configuration_it_refuses_is_told_with_its_log() {
    let error = Nats::try_start("max_paylod: 1000\n").expect_err("there is no such option");
    let StartError::Ended { log, .. } = error else {
        panic!("{error}")
    };
    assert!(log.contains("max_paylod"), "{log}");
}

#[test]
fn nothing_is_left_when_it_is_dropped() {
    every::nothing_is_left_when_it_is_dropped::<NatsServer>();
}

#[test]
fn nothing_is_left_when_the_test_panics() {
    every::nothing_is_left_when_the_test_panics::<NatsServer>();
}

#[test]
fn nothing_is_left_when_the_test_is_killed() {
    every::nothing_is_left_when_the_test_is_killed::<NatsServer>(
        "nats::nothing_is_left_when_the_test_is_killed",
        |url| drop(Client::connect(url)),
    );
}

#[test]
fn the_refused_url_is_refused() {
    assert!(is_refused(&Nats::refused_url()));
}
