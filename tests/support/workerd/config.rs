//! The configuration of a world's workerd, and the database it starts with.
//!
//! <https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp>

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

/// D1's file under a state folder. workerd derives its name from the object's key and name, which are below.
pub const DATABASE: &str =
    "d1/D1DatabaseObject/050c5d8d9f95ab24c0916ce3b846d374f6e96981d2615e1fd364264efe662843.sqlite";

const MINIFLARE: &str = "node_modules/miniflare/dist/src/workers";

/// Copies the migrated database to where D1 looks for it.
pub fn template(to: &Path) {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("http-{}-template.sqlite", std::process::id()));
        let _ = std::fs::remove_file(&file);
        crate::schema::migrated().execute("VACUUM INTO ?1", [file.to_str().unwrap()]).unwrap();
        file
    });
    std::fs::copy(template, to).unwrap();
}

/// The text of the file that stands in `folder`.
pub fn text(folder: &Path, isolates: &[&str], variables: &Value, provider: u16) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let embed = |file: &str| format!("embed {}", quote(&relative(folder, &root.join(file))));
    let module = |name: &str, file: &str| format!("(name = {}, esModule = {})", quote(name), embed(file));
    let miniflare = |name: &str, file: &str| module(name, &format!("{MINIFLARE}/{file}"));
    let date = compatibility_date(root);
    let modules = [
        module("entry.js", "tests/support/workerd/entry.js"),
        module("index.js", "build/index.js"),
        format!("(name = \"index_bg.wasm\", wasm = {})", embed("build/index_bg.wasm")),
    ]
    .join(", ");
    let mut services = String::new();
    let mut sockets = String::new();
    for (n, isolate) in isolates.iter().enumerate() {
        let objects = if n == 0 { OBJECTS } else { "" };
        let bindings = bindings(variables);
        let _ = write!(
            services,
            "(name = \"{isolate}\", worker = (compatibilityDate = \"{date}\", modules = [{modules}],
              bindings = [{bindings}], globalOutbound = \"provider\",
              cacheApiOutbound = \"provider\", {objects})),\n"
        );
        for (socket, entrypoint) in [("", ""), ("-control", ", entrypoint = \"control\"")] {
            let _ = write!(
                sockets,
                "(name = \"{isolate}{socket}\", address = \"127.0.0.1:0\", http = (),
                  service = (name = \"{isolate}\"{entrypoint})),\n"
            );
        }
    }
    let d1 = [
        miniflare("entry.js", "d1/entry.worker.js"),
        miniflare("database.js", "d1/database.worker.js"),
        miniflare("miniflare:shared", "shared/index.worker.js"),
        miniflare("miniflare:zod", "shared/zod.worker.js"),
    ];
    let [entry, database, shared, zod] = d1;
    format!(
        r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    {services}
    (name = "objects", disk = (path = "objects", writable = true)),
    (name = "provider", external = (address = "127.0.0.1:{provider}", http = (style = proxy))),
    (name = "d1", worker = (
      compatibilityDate = "2023-07-24",
      compatibilityFlags = ["enhanced_error_serialization"],
      modules = [{entry}],
      bindings = [
        (name = "MINIFLARE_NAMESPACE", text = "retinue"),
        (name = "MINIFLARE_OBJECT", durableObjectNamespace = (className = "D1DatabaseObject", serviceName = "d1-object")),
      ],
    )),
    (name = "d1-object", worker = (
      compatibilityDate = "2023-07-24",
      compatibilityFlags = ["nodejs_compat", "experimental"],
      modules = [{database}],
      durableObjectNamespaces = [(className = "D1DatabaseObject", uniqueKey = "D1DatabaseObject", enableSql = true)],
      durableObjectStorage = (localDisk = "d1-disk"),
      bindings = [(name = "MINIFLARE_BLOBS", service = "d1-disk")],
    )),
    (name = "d1-disk", disk = (path = "d1", writable = true)),
  ],
  sockets = [{sockets}],
  extensions = [(modules = [{shared}, {zod}])],
);
"#
    )
}

const OBJECTS: &str = r#"durableObjectStorage = (localDisk = "objects"),
  durableObjectNamespaces = [
    (className = "AccountObject", uniqueKey = "AccountObject", enableSql = true),
    (className = "ThreadObject", uniqueKey = "ThreadObject", enableSql = true),
    (className = "DispatchObject", uniqueKey = "DispatchObject", enableSql = true),
    (className = "KnowledgeObject", uniqueKey = "KnowledgeObject", enableSql = true),
  ]"#;

fn bindings(variables: &Value) -> String {
    let mut bindings = vec![
        r#"(name = "DB", wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [(name = "fetcher", service = "d1")]))"#.to_owned(),
        r#"(name = "AI", wrapped = (moduleName = "cloudflare-internal:ai-api", innerBindings = [(name = "fetcher", service = "provider")]))"#.to_owned(),
        r#"(name = "ACCOUNTS", durableObjectNamespace = (className = "AccountObject", serviceName = "main"))"#.to_owned(),
        r#"(name = "THREADS", durableObjectNamespace = (className = "ThreadObject", serviceName = "main"))"#.to_owned(),
        r#"(name = "DISPATCH", durableObjectNamespace = (className = "DispatchObject", serviceName = "main"))"#.to_owned(),
        r#"(name = "KNOWLEDGE", durableObjectNamespace = (className = "KnowledgeObject", serviceName = "main"))"#.to_owned(),
        r#"(name = "TEST", service = "provider")"#.to_owned(),
    ];
    let text = |(name, value): (&String, &Value)| format!("(name = {}, text = {value})", quote(name));
    bindings.extend(variables.as_object().unwrap().iter().map(text));
    bindings.join(", ")
}

/// JSON's strings are Cap'n Proto's.
fn quote(text: &str) -> String {
    Value::from(text).to_string()
}

/// `embed` takes no absolute paths.
fn relative(folder: &Path, file: &Path) -> String {
    let up = "../".repeat(folder.components().count() - 1);
    format!("{up}{}", file.strip_prefix("/").unwrap().display())
}

fn compatibility_date(root: &Path) -> String {
    let wrangler = std::fs::read_to_string(root.join("wrangler.toml")).unwrap();
    let date = wrangler.lines().find_map(|line| line.strip_prefix("compatibility_date = \""));
    date.unwrap().trim_end_matches('"').to_owned()
}
