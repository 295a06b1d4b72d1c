//! A way to the broker that a trial can break.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Passes on what comes to a port of its own, until it is told otherwise.
pub(crate) struct Proxy {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    lines: Mutex<Vec<TcpStream>>,
    is_silent: Mutex<bool>,
    changed: Condvar,
}

impl Proxy {
    /// A proxy before the broker at a URL.
    pub(crate) fn before(url: &str) -> Self {
        let (credentials, broker) = url.rsplit_once('@').expect("a URL with a user");
        let (host, path) =
            broker.split_once('/').map_or((broker, String::new()), |(host, path)| (host, format!("/{path}")));
        let host = if host.contains(':') { host.to_owned() } else { format!("{host}:5672") };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared::default());
        let accepting = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&host) else { continue };
                accepting.connect(&client, &server);
            }
        });
        Self { url: format!("{credentials}@127.0.0.1:{port}{path}"), shared }
    }

    /// The broker, as it is reached this way.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Breaks all connections, and says whether there were any since the last time; new ones can be made.
    pub(crate) fn cut(&self) -> bool {
        let lines = std::mem::take(&mut *self.shared.lines.lock().expect("no panic"));
        for line in &lines {
            // It may be gone already.
            let _ = line.shutdown(Shutdown::Both);
        }
        !lines.is_empty()
    }

    /// Holds back all that is said, both ways, or lets it go again.
    pub(crate) fn silence(&self, is_silent: bool) {
        *self.shared.is_silent.lock().expect("no panic") = is_silent;
        self.shared.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.silence(false);
        self.cut();
    }
}

impl Shared {
    fn connect(self: &Arc<Self>, client: &TcpStream, server: &TcpStream) {
        let copy = |stream: &TcpStream| stream.try_clone().expect("a socket");
        self.lines.lock().expect("no panic").extend([copy(client), copy(server)]);
        for (from, to) in [(copy(client), copy(server)), (copy(server), copy(client))] {
            let shared = self.clone();
            thread::spawn(move || shared.pass_on(from, to));
        }
    }

    fn pass_on(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count) = from.read(&mut buffer) {
            let is_silent = self.is_silent.lock().expect("no panic");
            drop(self.changed.wait_while(is_silent, |is_silent| *is_silent).expect("no panic"));
            if count == 0 || to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        // The other way may have ended it already.
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }
}
