//! What holds for Kafka.

use crate::every::{self, connect, is_alive, is_refused};
use std::io::{Read, Write};
use std::net::TcpStream;
use tests::broker::{Kafka, KafkaServer, StartError};

/// Requests by number and version, as the protocol has them; each version here has the same head.
const METADATA: [u16; 2] = [3, 1];
const VERSIONS: [u16; 2] = [18, 0];
const CREATE_TOPICS: [u16; 2] = [19, 2];
const DESCRIBE_CONFIGS: [u16; 2] = [32, 1];

/// The errors that answers carry.
const NONE: u16 = 0;
const UNKNOWN_TOPIC: u16 = 3;

/// A client that speaks the broker's binary protocol.
struct Client {
    stream: TcpStream,
}

impl Client {
    fn connect(url: &str) -> Self {
        Self {
            stream: connect(every::address(url)),
        }
    }

    fn send(&mut self, request: [u16; 2], body: &[u8]) {
        let head: Vec<_> = request.into_iter().flat_map(u16::to_be_bytes).collect();
        // The number that the answer carries too, and the name of this client.
        let request = [&head[..], &7_u32.to_be_bytes(), &text("test")[..], body].concat();
        let length = u32::try_from(request.len()).expect("a short request");
        let stream = &mut self.stream;
        stream
            .write_all(&[&length.to_be_bytes(), &request[..]].concat())
            .expect("the broker is there");
    }

    fn answer(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.stream
            .read_exact(&mut length)
            .expect("the broker answers");
        let length = usize::try_from(u32::from_be_bytes(length)).expect("a short answer");
        let mut answer = vec![0; length];
        self.stream
            .read_exact(&mut answer)
            .expect("the broker answers");
        assert_eq!(answer.drain(..4).as_slice(), 7_u32.to_be_bytes());
        answer
    }

    fn ask(&mut self, request: [u16; 2], body: &[u8]) -> Vec<u8> {
        self.send(request, body);
        self.answer()
    }

    fn create_topic(&mut self) {
        // One topic of one partition and one replica, nothing else said, within 30 s, and not only checked.
        let body = [
            &1_u32.to_be_bytes()[..],
            &text("orders"),
            &1_u32.to_be_bytes(),
            &1_u16.to_be_bytes(),
            &[0; 8],
            &30_000_u32.to_be_bytes(),
            &[0],
        ];
        let answer = self.ask(CREATE_TOPICS, &body.concat());
        assert_eq!(after(&answer, &text("orders")), NONE);
    }

    /// The error that the broker has for the topic.
    fn topic(&mut self) -> u16 {
        let body = [&1_u32.to_be_bytes()[..], &text("orders")];
        let answer = self.ask(METADATA, &body.concat());
        // In front of the topic's name.
        let name = text("orders");
        let mut places = answer.windows(name.len());
        let place = places
            .position(|part| part == name)
            .expect("the topic is named");
        u16::from_be_bytes([answer[place - 2], answer[place - 1]])
    }

    fn expect_option(&mut self, name: &str, value: &str) {
        // Of one broker, number 1, one option, without where it comes from.
        let body = [
            &1_u32.to_be_bytes()[..],
            &[4],
            &text("1"),
            &1_u32.to_be_bytes(),
            &text(name),
            &[0],
        ];
        let answer = self.ask(DESCRIBE_CONFIGS, &body.concat());
        let wanted = [text(name), text(value)].concat();
        assert!(
            answer.windows(wanted.len()).any(|part| part == wanted),
            "{}",
            answer.escape_ascii()
        );
    }
}

/// A text with its length, as requests and answers have it.
fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a short text");
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

/// The number that stands after this in an answer.
fn after(answer: &[u8], before: &[u8]) -> u16 {
    let mut places = answer.windows(before.len() + 2);
    let found = places.find(|part| part.starts_with(before));
    let found = found.unwrap_or_else(|| panic!("{}", answer.escape_ascii()));
    u16::from_be_bytes([found[before.len()], found[before.len() + 1]])
}

#[test]
fn each_has_its_own_port_and_store() {
    let (one, other) = (Kafka::start(), Kafka::start());
    assert_ne!(one.url(), other.url());
    let mut client = Client::connect(one.url());
    client.create_topic();
    assert_eq!(client.topic(), NONE);
    assert_eq!(Client::connect(other.url()).topic(), UNKNOWN_TOPIC);
}

#[test]
fn a_topic_survives_kill_and_restart() {
    let mut kafka = Kafka::start();
    let (url, pid) = (kafka.url().to_owned(), kafka.pid());
    Client::connect(&url).create_topic();

    kafka.kill();
    assert!(!is_alive(pid));
    assert!(is_refused(&url));
    kafka.restart();

    assert_eq!(kafka.url(), url);
    assert_ne!(kafka.pid(), pid);
    assert_eq!(Client::connect(&url).topic(), NONE);
}

#[test]
fn it_stops_as_an_operator_stops_it() {
    // Without this file the next start checks the whole store.
    every::it_stops::<KafkaServer>(|kafka| {
        kafka.folder().join("data/.kafka_cleanshutdown").exists()
    });
}

#[test]
fn a_paused_server_does_not_answer_until_it_is_resumed() {
    let kafka = Kafka::start();
    let mut client = Client::connect(kafka.url());
    kafka.pause();
    client.send(VERSIONS, &[]);
    every::expect_silence(&mut client.stream);
    kafka.resume();
    assert_eq!(client.answer()[..2], [0, 0]);
}

#[test]
fn its_configuration_is_what_the_test_says() {
    let kafka = Kafka::start_with("num.partitions=7\n");
    let mut client = Client::connect(kafka.url());
    client.expect_option("num.partitions", "7");
    // What the test does not say stays as it is: asking for a topic makes none.
    client.expect_option("auto.create.topics.enable", "false");
}

#[test]
fn a_configuration_it_refuses_is_told_with_its_log() {
    let error = Kafka::try_start("num.partitions=many\n").expect_err("many is no number");
    let StartError::Ended { log, .. } = error else {
        panic!("{error}")
    };
    assert!(log.contains("num.partitions"), "{log}");
}

#[test]
fn nothing_is_left_when_it_is_dropped() {
    every::nothing_is_left_when_it_is_dropped::<KafkaServer>();
}

#[test]
fn nothing_is_left_when_the_test_panics() {
    every::nothing_is_left_when_the_test_panics::<KafkaServer>();
}

#[test]
fn nothing_is_left_when_the_test_is_killed() {
    every::nothing_is_left_when_the_test_is_killed::<KafkaServer>(
        "kafka::nothing_is_left_when_the_test_is_killed",
        |url| Client::connect(url).create_topic(),
    );
}

#[test]
fn the_refused_url_is_refused() {
    let url = Kafka::refused_url();
    assert!(url.starts_with("kafka://"), "{url}");
    assert!(is_refused(&url));
}
