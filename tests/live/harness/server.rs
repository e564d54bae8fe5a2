//! A Worker under workerd: started by `scripts/dev` on a free port with a state folder of its own, and gone when the
//! test process is, however that ends.
//!
//! A supervisor (a few lines of shell) starts it and holds the reading end of a pipe whose writing end is ours alone.
//! When the pipe closes — the server is dropped, the tests end, panic or are killed — the supervisor ends every process
//! that carries the server's mark in its environment. So nothing is found by name and nothing is left behind.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::eventually;

/// Includes a build when nothing is built yet.
const START_DEADLINE: Duration = Duration::from_secs(15 * 60);
const STOP_DEADLINE: Duration = Duration::from_secs(60);

/// Arguments: the mark, the log, the command. It does not carry the mark itself.
const SUPERVISOR: &str = r#"
mark=$1 log=$2
shift 2
marked() { grep -lzsx "RETINUE_LIVE=$mark" /proc/[0-9]*/environ | cut -d/ -f3; }
end() { local pids; pids=$(marked); [ -z "$pids" ] || kill "-$1" $pids 2>/dev/null; }
( RETINUE_LIVE=$mark "$@" </dev/null; echo "exited with status $?" ) >>"$log" 2>&1 &
read -r _
end TERM
for _ in {1..100}; do [ -n "$(marked)" ] || exit 0; sleep 0.1; done
end KILL
"#;

/// What a server is started with, and started again with on the same state.
#[derive(Clone, Debug)]
pub struct Settings {
    pub operator_key: String,
    /// 32 bytes in base64.
    pub master_key: String,
    /// The account that paths without an account are for.
    pub default_account: Option<String>,
    /// More variables of the Worker.
    pub extra: Vec<(&'static str, String)>,
    /// Where the state and the logs live.
    pub folder: Folder,
}

/// A folder of this process. It outlives the process, so that the last run's logs can be read; the next run removes it.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// A running server.
pub struct Server {
    pub origin: String,
    supervisor: Child,
    mark: String,
    log: PathBuf,
}

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
        sweep(parent);
        let path = parent.join(format!("live-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("cargo's temporary folder is writable");
        Self { path }
    }

    /// What `wrangler dev` keeps.
    pub fn state(&self) -> PathBuf {
        self.path.join("state")
    }
}

impl Settings {
    pub fn new() -> Self {
        Self {
            operator_key: "operator-key-of-the-live-tests".to_owned(),
            master_key: "bGl2ZS10ZXN0cy1tYXN0ZXIta2V5LTMyLWJ5dGVzISE=".to_owned(),
            default_account: None,
            extra: Vec::new(),
            folder: Folder::new(),
        }
    }
}

impl Server {
    /// Starts the server and waits until it is ready.
    ///
    /// # Errors
    /// What the server said when it ended instead.
    pub async fn start(settings: &Settings) -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let log = settings.folder.path.join(format!("server-{mark}.log"));
        let port = free_port();
        let supervisor = supervise(settings, &mark, &log, port);
        let server = Self { origin: format!("http://127.0.0.1:{port}"), supervisor, mark, log };
        let ready = format!("ready http://localhost:{port}");
        eventually("the server is ready", START_DEADLINE, async || {
            let log = server.log();
            if log.contains("exited with status") {
                Some(Err(log))
            } else {
                log.contains(&ready).then_some(Ok(()))
            }
        })
        .await
        .map(|()| server)
    }

    /// All that the server has printed.
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// SIGKILL to every workerd of this server at once: no goodbye, no flush.
    pub fn kill_workerd(&self) {
        let pids = self.processes("workerd");
        assert!(!pids.is_empty(), "a running server has a workerd");
        let killed = Command::new("bash").args(["-c", r#"kill -KILL "$@""#, "bash"]).args(&pids).status();
        assert!(killed.expect("bash runs").success(), "{pids:?}");
    }

    /// Ends the server and waits until all of it is gone.
    pub async fn stop(mut self) {
        drop(self.supervisor.stdin.take());
        eventually("the server has ended", STOP_DEADLINE, async || {
            self.supervisor.try_wait().expect("the supervisor is our child").map(|_| ())
        })
        .await;
    }

    /// The ids of this server's processes of that name.
    fn processes(&self, name: &str) -> Vec<String> {
        let marked = format!("RETINUE_LIVE={}", self.mark);
        let all = std::fs::read_dir("/proc").expect("the live tests run on Linux").flatten();
        let ours = all.filter(|entry| {
            let read = |file: &str| std::fs::read(entry.path().join(file)).unwrap_or_default();
            let carries_mark = read("environ").split(|byte| *byte == 0).any(|pair| pair == marked.as_bytes());
            carries_mark && read("comm").trim_ascii_end() == name.as_bytes()
        });
        ours.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

/// Removes what processes that are no more have left.
fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(pid) = name.strip_prefix("live-").and_then(|rest| rest.split('-').next()) else { continue };
        if !Path::new("/proc").join(pid).exists() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

fn supervise(settings: &Settings, mark: &str, log: &Path, port: u16) -> Child {
    std::fs::File::create(log)
        .and_then(|mut file| writeln!(file, "server {mark}"))
        .expect("the log is writable");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("bash");
    command.args(["-c", SUPERVISOR, "bash", mark]).arg(log).arg(root.join("scripts/dev"));
    command.args(["--no-model", "--port", &port.to_string(), "--state"]).arg(settings.folder.state());
    command.env("OPERATOR_KEY", &settings.operator_key).env("MASTER_KEY", &settings.master_key);
    command.env("ALLOW_LOOPBACK", "1");
    // What this shell has of provider keys and cargo's settings for the tests is none of the server's.
    for name in ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "CARGO_TARGET_TMPDIR"] {
        command.env_remove(name);
    }
    if let Some(slug) = &settings.default_account {
        command.env("DEFAULT_ACCOUNT", slug);
    }
    command.envs(settings.extra.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("bash is installed")
}
