//! The shop as a process that works until it is killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What a process said before it died.
#[derive(Default)]
pub(crate) struct Said {
    /// The orders that are durably placed.
    pub(crate) placed: Vec<String>,
    /// The orders that are durably paid.
    pub(crate) paid: Vec<String>,
    /// The mails: the id of the delivery, and the order.
    pub(crate) mails: Vec<(String, String)>,
}

impl Said {
    fn note(&mut self, line: &str) {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["placed", order] => self.placed.push(order.to_owned()),
            ["paid", order] => self.paid.push(order.to_owned()),
            ["mail", id, "order", order, ..] => {
                self.mails.push((id.trim_end_matches(':').to_owned(), order.trim_matches('`').to_owned()));
            }
            ["settled"] | ["running", _] => {}
            _ => panic!("the shop said: {line}"),
        }
    }
}

/// A working process. Dropping it kills it.
pub(crate) struct Clerk {
    process: Child,
    lines: mpsc::Receiver<String>,
    said: Said,
}

impl Clerk {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        // Reads on after the process is dead: what it had written into the pipe was said.
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
        Self { process, lines, said: Said::default() }
    }

    /// Waits until so many orders were placed or paid.
    pub(crate) fn wait_for(&mut self, acknowledgements: u64) {
        while ((self.said.placed.len() + self.said.paid.len()) as u64) < acknowledgements {
            let line = self.lines.recv_timeout(Duration::from_mins(1)).unwrap();
            self.said.note(&line);
        }
    }

    /// Waits until it says this line.
    #[allow(dead_code, reason = "the trial with two processes waits for it")]
    pub(crate) fn wait_for_line(&mut self, awaited: &str) {
        loop {
            let line = self.lines.recv_timeout(Duration::from_mins(1)).unwrap();
            self.said.note(&line);
            if line == awaited {
                return;
            }
        }
    }

    /// What it has said so far.
    #[allow(dead_code, reason = "the trial with two processes asks")]
    pub(crate) fn said(&mut self) -> &Said {
        while let Ok(line) = self.lines.try_recv() {
            self.said.note(&line);
        }
        &self.said
    }

    /// Kills the process so many milliseconds from now.
    pub(crate) fn kill(mut self, millis: u64) -> Said {
        let (start, moment) = (Instant::now(), Duration::from_millis(millis));
        while start.elapsed() < moment {
            std::thread::yield_now();
        }
        self.end();
        while let Ok(line) = self.lines.recv() {
            self.said.note(&line);
        }
        std::mem::take(&mut self.said)
    }

    /// Its exit code after it was asked to end.
    #[allow(dead_code, reason = "the trial with two processes asks")]
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let kill = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(kill.unwrap().success());
        self.process.wait().unwrap().code()
    }

    fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        self.end();
    }
}

/// Lets a last process bring everything to its end.
pub(crate) fn settle(mut command: Command) -> Said {
    let output = command.output().unwrap();
    let (text, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    let mut said = Said::default();
    text.lines().for_each(|line| said.note(line));
    said
}

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `limit`, which is at least 1.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}
