//! The published JavaScript client, emitting to a store written upon its own server stack.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::Failure;

const FEW: u32 = 10;
const MANY: u32 = 510;

/// Emits a second: what many take longer than a few.
pub(crate) fn emits(interop: &str, url: &str) -> Result<f64, Failure> {
    let mut store =
        driver(interop, url, "store", &[]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let outcome = measure(&mut store, interop, url);
    store.kill()?;
    store.wait()?;
    outcome
}

fn measure(store: &mut Child, interop: &str, url: &str) -> Result<f64, Failure> {
    let mut output = BufReader::new(store.stdout.take().ok_or("no output")?);
    output.read_line(&mut String::new())?;
    // Read to the end, so that the store never waits to be heard.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    let few = emit(interop, url, FEW)?;
    let many = emit(interop, url, MANY)?;
    Ok(f64::from(MANY - FEW) / (many - few).max(0.001))
}

fn emit(interop: &str, url: &str, count: u32) -> Result<f64, Failure> {
    let start = Instant::now();
    let arguments = ["--stream", "bench", "--count", &count.to_string()];
    let status = driver(interop, url, "emit", &arguments).stdout(Stdio::null()).status()?;
    if status.success() { Ok(start.elapsed().as_secs_f64()) } else { Err("the client failed".into()) }
}

fn driver(interop: &str, url: &str, name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("node");
    command.arg(format!("{interop}/drivers/{name}.js")).args(arguments);
    command.env("NEWTON_AMQP_URL", url).stderr(Stdio::null());
    command
}
