//! The brokers that other tests rely on.

mod nats {
    use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
    use std::net::TcpStream;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};
    use tests::broker::{Nats, StartError};

    /// Far longer than anything here takes, on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// Set for the process that is killed.
    const VICTIM: &str = "BROKER_TEST_VICTIM";

    /// A client that speaks the server's line protocol.
    struct Client {
        stream: BufReader<TcpStream>,
    }

    impl Client {
        fn connect(url: &str) -> Self {
            let stream = TcpStream::connect(address(url)).expect("the server accepts");
            stream
                .set_read_timeout(Some(PATIENCE))
                .expect("a timeout that is not zero");
            let mut client = Self {
                stream: BufReader::new(stream),
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

    fn address(url: &str) -> &str {
        url.strip_prefix("nats://").expect("a URL of nats")
    }

    fn is_refused(url: &str) -> bool {
        let result = TcpStream::connect(address(url));
        result.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    }

    fn is_alive(pid: u32) -> bool {
        let kill = Command::new("kill")
            .args(["-0", &pid.to_string()])
            .stderr(Stdio::null())
            .status();
        kill.expect("the program kill").success()
    }

    #[test]
    fn each_has_its_own_port_and_store() {
        let (one, other) = (Nats::start(), Nats::start());
        assert_ne!(one.url(), other.url());
        let create = r#"{"name":"S","subjects":["s"]}"#;
        let created = Client::connect(one.url()).request("$JS.API.STREAM.CREATE.S", create);
        assert!(created.contains(r#""did_create":true"#), "{created}");
        let missing = Client::connect(other.url()).request("$JS.API.STREAM.INFO.S", "");
        assert!(missing.contains("stream not found"), "{missing}");
    }

    #[test]
    fn a_stream_survives_kill_and_restart() {
        let mut nats = Nats::start();
        let (url, pid) = (nats.url().to_owned(), nats.pid());
        let mut client = Client::connect(&url);
        client.request(
            "$JS.API.STREAM.CREATE.S",
            r#"{"name":"S","subjects":["s"]}"#,
        );
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
        let mut nats = Nats::start();
        // A paused server is no obstacle.
        nats.pause();
        nats.stop();
        assert!(!nats.is_running());
        assert!(is_refused(nats.url()));
        assert!(nats.log().contains("Server Exiting"), "{}", nats.log());
        nats.restart();
        assert!(nats.is_running());
    }

    #[test]
    fn a_paused_server_does_not_answer_until_it_is_resumed() {
        let nats = Nats::start();
        let mut client = Client::connect(nats.url());
        nats.pause();
        client.send("PING\r\n");
        let stream = client.stream.get_ref();
        stream
            .set_read_timeout(Some(Duration::from_millis(200)))
            .expect("a timeout that is not zero");
        let mut byte = [0];
        let error = client.stream.get_mut().read(&mut byte);
        let error = error.expect_err("a frozen process writes nothing");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);

        nats.resume();
        let stream = client.stream.get_ref();
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout that is not zero");
        assert_eq!(client.line(), "PONG");
    }

    #[test]
    fn its_configuration_is_what_the_test_says() {
        let nats = Nats::start_with("max_payload: 1000\n");
        let stream = TcpStream::connect(address(nats.url())).expect("the server accepts");
        let mut info = String::new();
        BufReader::new(stream)
            .read_line(&mut info)
            .expect("a greeting");
        assert!(info.contains(r#""max_payload":1000"#), "{info}");
    }

    #[test]
    fn a_configuration_it_refuses_is_told_with_its_log() {
        let error = Nats::try_start("max_paylod: 1000\n").expect_err("there is no such option");
        let StartError::Ended { log } = error else {
            panic!("{error}")
        };
        assert!(log.contains("max_paylod"), "{log}");
    }

    #[test]
    fn nothing_is_left_when_it_is_dropped() {
        let nats = Nats::start();
        let (url, pid, folder) = (nats.url().to_owned(), nats.pid(), nats.folder().to_owned());
        assert!(folder.exists());
        drop(nats);
        assert!(!is_alive(pid));
        assert!(is_refused(&url));
        assert!(!folder.exists());
    }

    #[test]
    fn nothing_is_left_when_the_test_panics() {
        let panicked = std::panic::catch_unwind(|| {
            let nats = Nats::start();
            nats.pause();
            std::panic::panic_any((nats.url().to_owned(), nats.folder().to_owned()));
        });
        let told = panicked.expect_err("it panics");
        let (url, folder): &(String, std::path::PathBuf) =
            told.downcast_ref().expect("what the panic carries");
        assert!(is_refused(url));
        assert!(!folder.exists());
    }

    #[test]
    fn nothing_is_left_when_the_test_is_killed() {
        if std::env::var_os(VICTIM).is_some() {
            let nats = Nats::start();
            println!("\nvictim {} {}", nats.url(), nats.folder().display());
            // Until the process is killed; or its killer has died, then it ends in peace.
            std::io::stdin()
                .read_to_end(&mut Vec::new())
                .expect("a pipe");
            return;
        }

        let this = std::env::current_exe().expect("the test's program");
        let name = "nats::nothing_is_left_when_the_test_is_killed";
        let mut victim = Command::new(this)
            .args(["--exact", name, "--nocapture"])
            .env(VICTIM, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test's program runs");
        let output = BufReader::new(victim.stdout.take().expect("the pipe was asked for"));
        let told = output
            .lines()
            .map(|line| line.expect("it prints text"))
            .find_map(|line| line.strip_prefix("victim ").map(str::to_owned))
            .expect("it prints where its server is");
        let (url, folder) = told.split_once(' ').expect("a URL and a folder");
        // Its server is there, and does its work: this is what must end.
        Client::connect(url);
        assert!(Path::new(folder).exists());

        victim.kill().expect("SIGKILL");
        victim.wait().expect("it is ours");
        let deadline = Instant::now() + PATIENCE;
        while !is_refused(url) || Path::new(folder).exists() {
            assert!(Instant::now() < deadline, "{told} is still there");
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_refused_url_is_refused() {
        assert!(is_refused(&Nats::refused_url()));
    }
}
