//! workerd as the tests run it: a process for each world, with a state folder of its own and a configuration
//! of ours.
//!
//! A supervisor (a few lines of shell) starts it and holds the reading end of a pipe whose writing end is
//! ours alone. When the pipe closes, because the world is dropped or the test process has ended however it
//! did, workerd is killed.

mod config;
mod control;
mod provider;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, Once};

use retinue::ports::Settings;
use serde_json::{Value, json};

pub use provider::Outside;

/// Arguments: the log, the command. Its standard output is the pipe on which workerd says its ports.
const SUPERVISOR: &str = r#"
log=$1
shift
"$@" --control-fd=3 3>&1 >"$log" 2>&1 </dev/null &
exec >&-
read -r _
kill -KILL $!
wait
"#;

/// The services that run the Worker: the first has the objects; the last can be made to forget everything.
pub const ISOLATES: [&str; 3] = ["main", "calls", "elsewhere"];

/// A running workerd.
pub struct Workerd {
    supervisor: Child,
    folder: PathBuf,
    ports: BTreeMap<String, u16>,
    /// How much of the log was taken.
    taken: AtomicUsize,
    provider: provider::Server,
    watched: Once,
}

impl Workerd {
    /// Starts one that finds this outside, with this many of the [`ISOLATES`].
    pub fn start(settings: &Settings, isolates: usize, outside: Outside) -> Self {
        let folder = folder();
        let provider = provider::Server::start(outside);
        std::fs::create_dir_all(folder.join("objects")).unwrap();
        let database = folder.join(config::DATABASE);
        std::fs::create_dir_all(database.parent().unwrap()).unwrap();
        config::template(&database);
        let isolates = &ISOLATES[..isolates];
        let text = config::text(&folder, isolates, &variables(settings), provider.port);
        std::fs::write(folder.join("config.capnp"), text).unwrap();
        let mut supervisor = supervise(&folder);
        let sockets = isolates.len() * 2;
        let lines = BufReader::new(supervisor.stdout.take().unwrap()).lines().take(sockets);
        let ports: BTreeMap<String, u16> = lines.map(|line| port(&line.unwrap())).collect();
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert_eq!(ports.len(), sockets, "workerd did not start: {}", log());
        Self { supervisor, folder, ports, taken: AtomicUsize::new(0), provider, watched: Once::new() }
    }

    /// Where the isolate serves what clients ask.
    pub fn address(&self, isolate: &str) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.ports[isolate]))
    }

    /// D1's file.
    pub fn database(&self) -> PathBuf {
        self.folder.join(config::DATABASE)
    }

    /// Tells every isolate.
    pub fn tell_all(&self, verb: &str, body: &str) {
        for isolate in ISOLATES.iter().filter(|isolate| self.ports.contains_key(**isolate)) {
            self.tell(isolate, verb, body);
        }
    }

    /// Tells one isolate's `control`; what it answers.
    pub fn tell(&self, isolate: &str, verb: &str, body: &str) -> (u16, String) {
        control::post(self.ports[&format!("{isolate}-control")], verb, body)
    }

    /// Lets the last isolate forget everything.
    pub fn forget(&self) {
        self.tell(ISOLATES[ISOLATES.len() - 1], "forget", "");
    }

    /// From now on every operation is put to the faults first.
    pub fn watch(&self) {
        self.watched.call_once(|| self.tell_all("watch", ""));
    }

    /// What was logged since the last call.
    pub fn take_log(&self) -> Vec<String> {
        let log = std::fs::read(self.folder.join("log")).unwrap();
        let taken = self.taken.swap(log.len(), Ordering::SeqCst);
        String::from_utf8_lossy(&log[taken..]).lines().map(str::to_owned).collect()
    }
}

impl Drop for Workerd {
    /// The state of a test that failed stays, for whoever looks into it.
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
        self.provider.stop();
        if std::thread::panicking() {
            eprintln!("the world's state and log are in {}", self.folder.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// The Worker's variables.
pub fn variables(settings: &Settings) -> Value {
    let text = |secret: &Option<retinue::domain::secret::Secret>| {
        secret.as_ref().map(|secret| secret.expose().to_owned()).unwrap_or_default()
    };
    json!({
        "OPERATOR_KEY": text(&settings.operator_key),
        "MASTER_KEY": text(&settings.master_key),
        "ALLOW_LOOPBACK": if settings.allow_loopback { "1" } else { "" },
        "DEFAULT_ACCOUNT": settings.default_account.clone().unwrap_or_default(),
        "DEFAULT_MODEL": settings.default_model.clone().unwrap_or_default(),
        "HAS_AI": if settings.has_workers_ai { "1" } else { "" },
    })
}

fn supervise(folder: &Path) -> Child {
    let workerd =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules/@cloudflare/workerd-linux-64/bin/workerd");
    let mut command = Command::new("bash");
    command.args(["-c", SUPERVISOR, "bash", "log"]).arg(workerd).args([
        "serve",
        "--experimental",
        "config.capnp",
    ]);
    command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// `{"event": "listen", "socket": "main", "port": 12345}`
fn port(line: &str) -> (String, u16) {
    let event: Value = serde_json::from_str(line).unwrap();
    (event["socket"].as_str().unwrap().to_owned(), event["port"].as_u64().unwrap().try_into().unwrap())
}

/// A new folder; what processes that are no more have left is removed once.
fn folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    static SWEPT: Once = Once::new();
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    SWEPT.call_once(|| sweep(parent));
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = parent.join(format!("http-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(pid) = name.strip_prefix("http-").and_then(|rest| rest.split('-').next()) else { continue };
        if !Path::new("/proc").join(pid).exists() {
            // One of the two it is: a world's folder, or the database that they all started with.
            let _ = std::fs::remove_dir_all(entry.path());
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
