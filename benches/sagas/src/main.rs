//! Sagas of three commands, their appends, and a hundred thousand of them that wait for a timer.
//!
//! `cargo run --release -p bench-sagas [running sagas]`.

mod counting;
mod tour;
mod waiting;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // A process of its own, so that its memory is that of one start.
    if let ["start", url] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return waiting::start_with_them(url).await;
    }
    let running: u64 = arguments.first().map_or(Ok(100_000), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    tour::measure(&folder.path().join("tours.db")).await?;
    waiting::measure(&folder.path().join("waiting.db"), running).await
}
