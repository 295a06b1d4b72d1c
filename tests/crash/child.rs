//! A process that writes and is killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use newton_tests::acknowledged::Acknowledged;
use newton_tests::random::Random;

/// A writing process. Dropping it kills it.
pub(super) struct Writing {
    process: Child,
    lines: mpsc::Receiver<String>,
    acknowledged: Vec<Acknowledged>,
}

impl Writing {
    /// Starts a process whose writers have a name.
    pub(super) fn start(url: &str, name: &str, random: &mut Random) -> Self {
        let seed = random.below(u64::MAX).to_string();
        let mut process = Command::new(env!("CARGO_BIN_EXE_newton-tests-process"))
            .args(["write", url, name, &seed])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the other process starts");
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let (sender, lines) = mpsc::channel();
        // Reads on after the process is dead: what it had written into the pipe is acknowledged too.
        std::thread::spawn(move || {
            let mut line = String::new();
            while output.read_line(&mut line).is_ok_and(|read| read > 0) {
                // The kill may have cut the last line.
                if line.ends_with('\n') && sender.send(line.trim_end().to_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Self { process, lines, acknowledged: Vec::new() }
    }

    /// Waits until so many acknowledgements have come.
    pub(super) fn wait_for(&mut self, acknowledgements: u64) {
        while (self.acknowledged.len() as u64) < acknowledgements {
            let line = self.lines.recv_timeout(Duration::from_mins(1));
            self.take(&line.expect("the other process writes on"));
        }
    }

    /// Waits until so many more acknowledgements have come.
    pub(super) fn wait_for_more(&mut self, acknowledgements: u64) {
        self.wait_for(self.acknowledged.len() as u64 + acknowledgements);
    }

    /// Kills the process a random moment after now, and gives all that it had acknowledged.
    pub(super) fn kill(mut self, longest: Duration, random: &mut Random) -> Vec<Acknowledged> {
        let micros = u64::try_from(longest.as_micros()).expect("it is short");
        let (start, moment) = (Instant::now(), Duration::from_micros(random.below(micros)));
        while start.elapsed() < moment {
            std::hint::spin_loop();
        }
        self.end();
        while let Ok(line) = self.lines.recv() {
            self.take(&line);
        }
        std::mem::take(&mut self.acknowledged)
    }

    fn take(&mut self, line: &str) {
        self.acknowledged.push(line.parse().unwrap_or_else(|_| panic!("the other process says: {line}")));
    }

    fn end(&mut self) {
        // It has ended already where it failed, which its last line says.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.end();
    }
}
