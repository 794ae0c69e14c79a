//! What holds for each broker.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::TcpStream;
use std::panic::{catch_unwind, panic_any};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tests::broker::{Kind, Server};

/// Far longer than anything here takes, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Set for the process that is killed.
const VICTIM: &str = "BROKER_TEST_VICTIM";

/// A connection whose reads end with an error when nothing comes.
pub(crate) fn connect(servers: &str) -> TcpStream {
    let stream = TcpStream::connect(servers).expect("the server accepts");
    set_patience(&stream, PATIENCE);
    stream
}

pub(crate) fn set_patience(stream: &TcpStream, patience: Duration) {
    stream
        .set_read_timeout(Some(patience))
        .expect("a timeout that is not zero");
}

/// Expects that nothing comes for a while.
pub(crate) fn expect_silence(stream: &mut TcpStream) {
    set_patience(stream, Duration::from_millis(200));
    let error = stream.read(&mut [0]);
    let error = error.expect_err("a frozen process writes nothing");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    set_patience(stream, PATIENCE);
}

/// The address in the URL of any broker.
pub(crate) fn address(url: &str) -> &str {
    let (_, address) = url.split_once("://").expect("a URL");
    address
}

pub(crate) fn is_refused(url: &str) -> bool {
    let result = TcpStream::connect(address(url));
    result.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

pub(crate) fn is_alive(pid: u32) -> bool {
    let kill = Command::new("kill")
        .args(["-0", &pid.to_string()])
        .stderr(Stdio::null())
        .status();
    kill.expect("the program kill").success()
}

/// Stops a server as an operator stops it, and expects that it has seen to what it leaves behind.
pub(crate) fn it_stops<K: Kind>(in_order: fn(&Server<K>) -> bool) {
    let mut server = Server::<K>::start();
    // A paused server is no obstacle.
    server.pause();
    server.stop();
    assert!(!server.is_running());
    assert!(is_refused(server.url()));
    assert!(in_order(&server), "{}", server.log());
    server.restart();
    assert!(server.is_running());
}

pub(crate) fn nothing_is_left_when_it_is_dropped<K: Kind>() {
    let server = Server::<K>::start();
    let (url, pid) = (server.url().to_owned(), server.pid());
    let folder = server.folder().to_owned();
    assert!(folder.exists());
    drop(server);
    assert!(!is_alive(pid));
    assert!(is_refused(&url));
    assert!(!folder.exists());
}

pub(crate) fn nothing_is_left_when_the_test_panics<K: Kind>() {
    let panicked = catch_unwind(|| {
        let server = Server::<K>::start();
        server.pause();
        panic_any((server.url().to_owned(), server.folder().to_owned()));
    });
    let told = panicked.expect_err("it panics");
    let (url, folder): &(String, PathBuf) = told.downcast_ref().expect("what the panic carries");
    assert!(is_refused(url));
    assert!(!folder.exists());
}

/// Kills a process that runs the test of this name, which calls this, with a server that has been used.
pub(crate) fn nothing_is_left_when_the_test_is_killed<K: Kind>(name: &str, used: fn(&str)) {
    if std::env::var_os(VICTIM).is_some() {
        let server = Server::<K>::start();
        let folder = server.folder().display();
        println!("\nvictim {} {} {folder}", server.url(), server.pid());
        // Until the process is killed; or its killer has died, then it ends in peace.
        std::io::stdin()
            .read_to_end(&mut Vec::new())
            .expect("a pipe");
        return;
    }

    let this = std::env::current_exe().expect("the test's program");
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
    let [url, pid, folder] = told.splitn(3, ' ').collect::<Vec<_>>()[..] else {
        panic!("a URL, a process and a folder, not {told}")
    };
    let pid = pid.parse().expect("the id of the server's process");
    // Its server is there, and does its work: this is what must end.
    used(url);
    assert!(is_alive(pid) && Path::new(folder).exists());

    victim.kill().expect("SIGKILL");
    victim.wait().expect("it is ours");
    let deadline = Instant::now() + PATIENCE;
    while is_alive(pid) || !is_refused(url) || Path::new(folder).exists() {
        assert!(Instant::now() < deadline, "{told} is still there");
        std::thread::yield_now();
    }
}
