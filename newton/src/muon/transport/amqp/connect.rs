//! Connects to a broker, and leaves nothing behind where no connection comes about.

use std::io;
use std::net::Shutdown;
use std::sync::Mutex;

use async_compat::Compat;
use lapin::runtime::default_runtime;
use lapin::tcp::{AsyncTcpStream, OwnedTLSConfig};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};
use tokio::net::TcpStream;

use crate::sync::lock;

/// Connects to the broker of a URL. It is cancel-safe.
pub(super) async fn connect(uri: AMQPUri, trusted: &OwnedTLSConfig) -> lapin::Result<Connection> {
    let socket = TcpStream::connect((&*uri.authority.host, uri.authority.port)).await?;
    socket.set_nodelay(true)?;
    let socket = socket.into_std()?;
    let unfinished = Unfinished(Some(socket.try_clone()?));
    let stream = AsyncTcpStream::Plain(Compat::new(TcpStream::from_std(socket)?));
    let stream = match uri.scheme {
        AMQPScheme::AMQP => stream,
        AMQPScheme::AMQPS => stream.into_tls(&uri.authority.host, trusted.as_ref()).await?,
    };
    // The driver is given a stream that is open: where it opens one itself and fails, it keeps a task for ever.
    let stream = Mutex::new(Some(stream));
    let take = async move |_, _| {
        let stream = lock(&stream).take();
        stream.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionAborted).into())
    };
    let connection =
        Connection::connector(uri, default_runtime()?, take, ConnectionProperties::default()).await?;
    unfinished.keep();
    Ok(connection)
}

/// Shuts the socket down unless the connection came about: with a broker that says nothing, a thread of the driver reads from
/// it for ever.
struct Unfinished(Option<std::net::TcpStream>);

impl Unfinished {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(socket) = &self.0 {
            // It may be broken already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_broker_that_says_nothing_is_left() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("amqp://a:b@{}", listener.local_addr().unwrap()).parse().unwrap();
        let (greeted, greeting) = oneshot::channel();
        let silent = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
            socket.read_exact(&mut [0; 8]).unwrap();
            greeted.send(()).unwrap();
            socket.read(&mut [0]).unwrap()
        });
        let trusted = OwnedTLSConfig::default();
        tokio::select! {
            _ = connect(uri, &trusted) => panic!("nothing was answered"),
            greeting = greeting => greeting.unwrap(),
        }
        let read = tokio::task::spawn_blocking(|| silent.join()).await.unwrap().unwrap();
        assert_eq!(read, 0, "the socket is shut down");
    }
}
