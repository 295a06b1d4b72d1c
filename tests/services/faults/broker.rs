//! A broker of a trial's own, which the trial may end.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use newton_tests::workspace_root;
use tempfile::TempDir;
use tokio::task::block_in_place;

/// A broker beside the one that the trials share. It ends with this value.
pub(super) struct OwnBroker {
    folder: TempDir,
    url: String,
}

impl OwnBroker {
    /// A fresh one that answers.
    pub(super) fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        services(folder.path(), &["start", "rabbitmq"]);
        let exports = services(folder.path(), &["env", "rabbitmq"]);
        let line = exports.lines().find_map(|line| line.strip_prefix("export NEWTON_AMQP_URL="));
        let url = line.expect("a URL").replace('\\', "");
        Self { folder, url }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Ends it in good order, and starts it at the same place, where nothing is left of what it held.
    pub(super) fn restart(&self) {
        services(self.folder.path(), &["stop", "rabbitmq"]);
        services(self.folder.path(), &["start", "rabbitmq"]);
    }

    /// Ends it by SIGKILL, and starts it again.
    pub(super) fn kill_and_start(&self) {
        let file = self.folder.path().join("rabbitmq/server.pid");
        let text = std::fs::read_to_string(file).expect("its process id");
        let process = text.split(' ').next().expect("a word");
        // It leads a process group of its own.
        let kill = Command::new("kill").args(["-s", "KILL", "--", &format!("-{process}")]).status();
        assert!(kill.expect("kill on the path").success());
        services(self.folder.path(), &["start", "rabbitmq"]);
    }

    /// The names of all queues there are.
    pub(super) fn queues(&self) -> Vec<String> {
        let listed = services(
            self.folder.path(),
            &["rabbitmqctl", "list_queues", "--quiet", "--no-table-headers", "name"],
        );
        listed.lines().map(ToOwned::to_owned).collect()
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        // A trial that has failed already says why.
        let _ = run(self.folder.path(), &["stop", "rabbitmq"]);
    }
}

/// What `.ci/services` answers for the set of servers in a folder.
fn services(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments).expect("bash on the path");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn run(folder: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    let mut command = Command::new(workspace_root().join(".ci/services"));
    // A broker that is named would be taken instead of one that is started.
    command
        .args(arguments)
        .env_remove("NEWTON_AMQP_URL")
        .env_remove("NEWTON_AMQPS_URL")
        .env("NEWTON_SERVICES_DIR", folder);
    block_in_place(|| command.stdin(Stdio::null()).output())
}
