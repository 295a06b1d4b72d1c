//! Whether the process of a node is still there, as far as that can be seen from here.

use std::collections::HashSet;
use std::fs;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

/// The nodes of this process. Its changes wake whoever waits for a lease: a node ended, or something was given back.
static LIVE: LazyLock<watch::Sender<HashSet<String>>> = LazyLock::new(watch::Sender::default);

/// Who runs a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    /// Made up at the start of the process.
    id: String,
    /// Where it can be found; `None` where the system does not tell.
    place: Option<Place>,
}

/// What the process is called where it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Machine since its start, name space of processes, and user: processes that see each other.
    among: String,
    pid: u32,
    /// When the process started, in the machine's ticks: a process id is used again some day.
    started: u64,
}

impl Process {
    /// This one.
    pub(super) fn this() -> &'static Self {
        static THIS: LazyLock<Process> =
            LazyLock::new(|| Process { id: Uuid::new_v4().to_string(), place: Place::this() });
        &THIS
    }

    /// Whether it is certain that a node of this process has ended.
    pub(super) fn has_lost(&self, node: &str) -> bool {
        let this = Self::this();
        if self.id == this.id {
            return !LIVE.borrow().contains(node);
        }
        match (&self.place, &this.place) {
            (Some(theirs), Some(ours)) => theirs.among == ours.among && theirs.has_ended(),
            _ => false,
        }
    }
}

impl Place {
    fn this() -> Option<Self> {
        let (among, pid) = (surroundings()?, std::process::id());
        match look_up(pid) {
            Found::Since(started) => Some(Self { among, pid, started }),
            _ => None,
        }
    }

    fn has_ended(&self) -> bool {
        match look_up(self.pid) {
            Found::Since(started) => started != self.started,
            Found::Nothing => true,
            Found::Unclear => false,
        }
    }
}

/// Processes with the same surroundings see each other in `/proc`.
#[cfg(target_os = "linux")]
fn surroundings() -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let name_space = fs::read_link("/proc/self/ns/pid").ok()?;
    // Some machines hide the processes of others.
    let user = fs::metadata("/proc/self").ok()?.uid();
    Some(format!("{} {} {user}", boot.trim(), name_space.display()))
}

#[cfg(not(target_os = "linux"))]
fn surroundings() -> Option<String> {
    None
}

/// What there is under a process id.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// A process that started then.
    Since(u64),
    /// None, or only its remains.
    Nothing,
    /// It cannot be told.
    Unclear,
}

fn look_up(pid: u32) -> Found {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => start_of(&stat).unwrap_or(Found::Unclear),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Found::Nothing,
        Err(_) => Found::Unclear,
    }
}

/// Reads the line that `proc_pid_stat(5)` describes. The name, in parentheses, may hold anything.
fn start_of(stat: &str) -> Option<Found> {
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    match *fields.first()? {
        "Z" | "X" => Some(Found::Nothing),
        _ => fields.get(19)?.parse().ok().map(Found::Since),
    }
}

/// Counts a node among those of this process.
pub(super) fn enter(node: &str) {
    LIVE.send_modify(|live| _ = live.insert(node.to_owned()));
}

/// No more counts a node among those of this process.
pub(super) fn leave(node: &str) {
    LIVE.send_modify(|live| _ = live.remove(node));
}

/// Wakes everybody in this process who waits for a lease.
pub(super) fn wake() {
    LIVE.send_modify(|_| {});
}

/// To wait on what others in this process do.
pub(super) fn changes() -> watch::Receiver<HashSet<String>> {
    LIVE.subscribe()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_of_this_process_is_lost_once_it_has_left() {
        enter("n-1");
        assert!(!Process::this().has_lost("n-1"));
        leave("n-1");
        assert!(Process::this().has_lost("n-1"));
    }

    #[test]
    fn the_start_stands_behind_a_name_of_any_text() {
        let stat = |name: &str, state: &str| {
            format!("17 ({name}) {state} 1 17 17 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1")
        };
        assert_eq!(start_of(&stat("a", "S")), Some(Found::Since(4711)));
        assert_eq!(start_of(&stat("a) Z 1 (b", "T")), Some(Found::Since(4711)));
        assert_eq!(start_of(&stat("a", "Z")), Some(Found::Nothing));
        assert_eq!((start_of(""), start_of("17 (a)"), start_of("17 (a) S 1")), (None, None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn another_process_is_lost_once_it_has_ended_or_its_number_is_another_process() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let Found::Since(started) = look_up(child.id()) else { panic!("it runs") };
        let place = Place { among: surroundings().unwrap(), pid: child.id(), started };
        let process = |place: &Place| Process { id: "another".to_owned(), place: Some(place.clone()) };
        assert!(!process(&place).has_lost("n"));
        assert!(process(&Place { started: started + 1, ..place.clone() }).has_lost("n"));
        assert!(!Process { place: None, ..process(&place) }.has_lost("n"));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(process(&place).has_lost("n"));
        assert!(!process(&Place { among: "elsewhere".to_owned(), ..place }).has_lost("n"));
    }
}
