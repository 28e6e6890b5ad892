//! Backups in real folders, real dumps of PostgreSQL, and fake stores of S3, Google and Azure.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use gate::probe::Probe;
use gate::probe::backup::{Backup, BackupSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, HttpServer, Request, Response};
use crate::observe::{context, observe, observe_in, probe, refused};

/// A folder with one backup a day for so many days, each of this many bytes.
fn folder(sizes: &[usize]) -> PathBuf {
    let folder = harness::directory("backup");
    for (days, size) in (1u32..).zip(sizes) {
        write(&folder, &format!("db-{days}.dump"), &vec![b'x'; *size], days);
    }
    folder
}

/// Writes a file with a modification time of so many days ago, less two hours.
fn write(folder: &Path, name: &str, bytes: &[u8], days: u32) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder is writable");
    fs::write(&path, bytes).expect("the folder is writable");
    let written = SystemTime::now() - Duration::from_secs(86_400) * days + Duration::from_secs(7200);
    File::options().write(true).open(&path).and_then(|file| file.set_modified(written)).expect("the file is writable");
}

fn seen(folder: &Path, more: Value) -> BackupSeen {
    let mut settings = json!({ "in": folder });
    settings.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
    observe::<Backup>(settings).expect("it can be observed")
}

fn reported(settings: Value, seen: &BackupSeen) -> String {
    let probe: Backup = probe(settings);
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

#[test]
fn the_newest_is_found_and_compared_with_those_before_it() {
    let folder = folder(&[400, 100, 300, 200, 9999]);
    let seen = seen(&folder, json!({ "compare": 3 }));
    assert_eq!((seen.count, seen.newest.as_deref(), seen.size), (5, Some("db-1.dump"), Some(400)));
    assert_eq!((seen.median_size, seen.size_ratio), (Some(200), Some(2.0)));
    let age = seen.modified.expect("it has a time").duration_until(jiff::Timestamp::now());
    assert_eq!(age.as_hours(), 22);
}

#[test]
fn a_pattern_says_which_files_are_backups_also_in_folders_below() {
    let folder = folder(&[10, 20]);
    write(&folder, "notes.txt", b"new", 0);
    write(&folder, "2025/12/deep.dump", b"deep", 0);
    std::os::unix::fs::symlink("nowhere", folder.join("latest.dump")).expect("the folder is writable");
    assert_eq!(seen(&folder, json!({})).count, 4);
    assert_eq!(seen(&folder, json!({ "name": "*.dump" })).newest.as_deref(), Some("2025/12/deep.dump"));
    assert_eq!(seen(&folder, json!({ "name": "db-*" })).newest.as_deref(), Some("db-1.dump"));
    assert_eq!(seen(&folder, json!({ "name": "2025/*/*.dump" })).count, 1);
}

#[test]
fn a_missing_backup_has_its_own_message() {
    let empty = harness::directory("backup");
    let said = |folder: &Path, more: Value| {
        let seen = seen(folder, more.clone());
        let mut settings = json!({ "in": "backups" });
        settings.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        assert_eq!((seen.count, seen.size, seen.modified), (0, None, None));
        reported(settings, &seen)
    };
    assert_snapshot!(said(&empty, json!({})), @"no backup | `backups` is empty: has the job run?");
    assert_snapshot!(said(&empty.join("gone"), json!({})), @"`backups` does not exist | `backups` does not exist: has a backup run, and is the path right?");
    assert_snapshot!(said(&folder(&[1]), json!({ "name": "*.sql" })), @"no backup | no file below `backups` matches `*.sql`: has the job run, and is that its name?");
    let file = folder(&[1]).join("db-1.dump");
    let error = observe::<Backup>(json!({ "in": file })).expect_err("a file is not a folder");
    assert_snapshot!(error.replace(&file.display().to_string(), "FILE"), @"
    `FILE` is a file
    help: name the folder that it is in, and give its name as `name`
    ");
}

#[test]
fn files_that_jobs_leave_and_empty_archives_are_not_backups() {
    let folder = folder(&[]);
    write(&folder, "db-1.dump.gz", &[b'x'; 5000], 9);
    for name in ["backup.log", "db-2.dump.gz.md5", "db-2.dump.gz.in_progress", ".db-2.dump.gz.Xy12"] {
        write(&folder, name, b"d41d8cd98f00b204e9800998ecf8427e", 0);
    }
    let aside = seen(&folder, json!({}));
    assert_eq!((aside.count, aside.newest.as_deref(), aside.skipped), (1, Some("db-1.dump.gz"), 4));
    assert_eq!(seen(&folder, json!({ "name": "*.log" })).newest.as_deref(), Some("backup.log"));

    let gzip = Command::new("sh").args(["-c", "printf '' | gzip -n"]).output().expect("gzip is installed").stdout;
    write(&folder, "db-3.dump.gz", &gzip, 0);
    let empty = seen(&folder, json!({}));
    assert_eq!((empty.newest.as_deref(), empty.size, empty.empty), (Some("db-3.dump.gz"), Some(20), Some(true)));
    assert_snapshot!(reported(json!({ "in": "backups" }), &empty), @"db-3.dump.gz, empty | db-3.dump.gz has no content: see the log of the job; a failed dump piped into gzip has this result");
}

/// A real dump, in the format that `pg_restore` reads.
fn dump() -> Vec<u8> {
    let postgres = harness::postgres();
    let url = postgres.new_database();
    postgres.psql(
        &url,
        "CREATE TABLE orders AS SELECT id, repeat(md5(id::text), 20) AS note FROM generate_series(1, 5000) AS id",
    );
    let dumped = Command::new(harness::program("pg_dump")).args(["--format=custom", "--dbname", &url]).output();
    let dumped = dumped.expect("it is installed");
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    dumped.stdout
}

#[test]
fn a_truncated_dump_is_reported() {
    let folder = harness::directory("backup");
    let whole = dump();
    let observe = |name: &str, bytes: &[u8]| {
        write(&folder, name, bytes, 0);
        observe_in::<Backup>(&path(&folder), json!({ "in": folder, "name": name, "pg_restore": true }))
            .expect("pg_restore runs")
    };
    let good = observe("good.dump", &whole);
    assert_eq!((good.entries, good.problem), (Some(2), None));
    // The table of contents is at the beginning, so that half of a dump can still be listed.
    let half = observe("half.dump", &whole[..whole.len() / 2]);
    assert_eq!(half.entries, None);
    assert_snapshot!(half.problem.clone().unwrap_or_default(), @"pg_restore: could not read from input file: end of file");
    assert_snapshot!(reported(json!({ "in": "backups" }), &half), @"half.dump | half.dump can't be restored: see the log of the job that made it, and check its disk");
    assert_snapshot!(observe("text.dump", b"not a dump").problem.unwrap_or_default(), @"pg_restore: input file does not appear to be a valid archive (too short?)");
    let without = context(&folder, &[("PATH", "/nowhere")]);
    let error =
        observe_in::<Backup>(&without, json!({ "in": folder, "pg_restore": true })).expect_err("it can't be run");
    assert_snapshot!(error, @"
    `pg_restore` is not installed here, or not in PATH
    help: it comes with PostgreSQL's client programs, in a version not older than the server's
    ");
}

/// A context in which programs are found on PATH.
fn path(folder: &Path) -> gate::client::Context {
    context(folder, &[("PATH", &std::env::var("PATH").expect("there is a PATH"))])
}

/// The listing of S3: two pages, the second one by the token of the first.
fn s3_list(request: &Request) -> Response {
    let object = |name: &str, time: &str, size: usize| {
        format!(
            "<Contents><Key>{name}</Key><LastModified>{time}</LastModified><ETag>\"x\"</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        )
    };
    let (objects, rest) = if request.query.contains("continuation-token=next") {
        (
            object("db/two.dump", "2025-12-06T02:00:00.000Z", 300_000)
                + &object("other/x.dump", "2025-12-09T02:00:00.000Z", 1),
            "<IsTruncated>false</IsTruncated>",
        )
    } else {
        (
            object("db/one.dump", "2025-12-05T02:00:00.000Z", 200_000),
            "<IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken>",
        )
    };
    let objects = objects.replace(&object("other/x.dump", "2025-12-09T02:00:00.000Z", 1), "");
    Response::ok(format!("<?xml version=\"1.0\"?><ListBucketResult>{rest}{objects}</ListBucketResult>"))
        .header("content-type", "application/xml")
}

fn s3(server: &HttpServer) -> Value {
    json!({ "in": "s3://acme/db", "options": {
        "endpoint": server.url(), "access_key_id": "AKIAEXAMPLE", "secret_access_key": "wJalrXUtnFEMI", "region": "eu-central-1" } })
}

#[test]
fn objects_in_s3_are_listed_page_by_page_and_fetched_for_pg_restore() {
    let whole = dump();
    let server = harness::http(move |request| match request.path.as_str() {
        "/acme" => s3_list(&request),
        "/acme/db/two.dump" => {
            Response::ok(whole.clone()).header("last-modified", "Sat, 06 Dec 2025 02:00:00 GMT").header("etag", "\"x\"")
        }
        _ => Response::empty(404),
    });
    let seen = observe::<Backup>(s3(&server)).expect("it can be listed");
    assert_eq!((seen.count, seen.newest.as_deref(), seen.size), (2, Some("two.dump"), Some(300_000)));
    assert_eq!(
        (seen.modified.map(|time| time.to_string()).as_deref(), seen.size_ratio),
        (Some("2025-12-06T02:00:00Z"), Some(1.5))
    );
    for request in server.requests() {
        let authorization = request.header("authorization").unwrap_or_default().to_owned();
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"), "{authorization}");
        assert!(request.query.contains("prefix=db%2F"), "{}", request.query);
    }
    let mut settings = s3(&server);
    settings["pg_restore"] = json!(true);
    let restored = observe_in::<Backup>(&path(Path::new("/")), settings).expect("it can be fetched");
    assert_eq!((restored.entries, restored.problem), (Some(2), None));
}

/// A bucket with the marker of a folder that is newer than the backups in it.
fn s3_with_markers(request: &Request) -> Response {
    if request.method == "HEAD" {
        return Response::empty(404);
    }
    let object = |name: &str, day: u8, size: usize| {
        format!(
            "<Contents><Key>{name}</Key><LastModified>2025-12-{day:02}T02:00:00.000Z</LastModified><ETag>\"x\"</ETag><Size>{size}</Size></Contents>"
        )
    };
    let objects = [object("db/", 9, 0), object("db/a.dump", 5, 9000), object("db/2025/", 9, 0)].concat();
    Response::ok(format!(
        "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>"
    ))
    .header("content-type", "application/xml")
}

#[test]
fn markers_of_folders_are_not_backups() {
    let server = harness::http(|request| s3_with_markers(&request));
    let seen = observe::<Backup>(s3(&server)).expect("it can be listed");
    assert_eq!((seen.count, seen.newest.as_deref()), (1, Some("a.dump")));
}

#[test]
fn credentials_and_endpoint_of_s3_come_from_the_environment_and_the_profile_too() {
    let server = harness::http(|request| s3_with_markers(&request));
    let home = harness::directory("aws-home");
    fs::create_dir_all(home.join(".aws")).expect("the folder is writable");
    let config =
        format!("[profile ci]\nregion = eu-west-1\nendpoint_url = {}\n[profile sso]\nsso_session = x\n", server.url());
    fs::write(home.join(".aws/config"), config).expect("the folder is writable");
    let keys = "[ci]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = wJalrXUtnFEMI\n";
    fs::write(home.join(".aws/credentials"), keys).expect("the folder is writable");
    let home = home.display().to_string();
    let look_with = |vars: &[(&str, &str)]| {
        let vars: Vec<_> = [("HOME", home.as_str())].into_iter().chain(vars.iter().copied()).collect();
        observe_in::<Backup>(&context(Path::new("/"), &vars), json!({ "in": "s3://acme/db" }))
    };
    let key_of_last = || {
        let requests = server.requests();
        requests.last().and_then(|request| request.header("authorization")).unwrap_or_default().to_owned()
    };
    look_with(&[("AWS_PROFILE", "ci")]).expect("the profile has all");
    assert!(key_of_last().starts_with("AWS4-HMAC-SHA256 Credential=AKIAPROFILE/"), "{}", key_of_last());
    assert!(key_of_last().contains("/eu-west-1/s3/"), "{}", key_of_last());
    let url = server.url();
    let vars =
        [("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_ENDPOINT_URL_S3", url.as_str())];
    look_with(&vars).expect("the environment has all");
    assert!(key_of_last().starts_with("AWS4-HMAC-SHA256 Credential=AKIAENV/"), "{}", key_of_last());
    assert_snapshot!(look_with(&[("AWS_PROFILE", "gone")]).expect_err("no such profile"), @"
    the AWS profile `gone` does not exist
    help: `aws configure list-profiles` lists those that do
    ");
    assert_snapshot!(look_with(&[("AWS_PROFILE", "sso")]).expect_err("it can't be used"), @r#"
    the AWS profile `sso` uses `sso_session`, which only AWS's own programs support
    help: run `eval "$(aws configure export-credentials --profile sso --format env)"` before gate
    "#);
}

#[test]
fn a_store_that_refuses_access_is_reported_without_a_secret() {
    let answers = |status: u16, code: &'static str| {
        let server = harness::http(move |_| {
            Response::ok(format!(
                "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>Because.</Message></Error>"
            ))
            .status(status)
        });
        let error = observe::<Backup>(s3(&server)).expect_err("it is refused");
        assert!(!error.contains("wJalrXUtnFEMI") && !error.contains("Signature="), "{error}");
        error
    };
    assert_snapshot!(answers(403, "AccessDenied"), @"
    s3://acme does not accept the credentials: 403 Forbidden: AccessDenied: Because.
    help: are the credentials valid, and may they list this bucket?
    ");
    assert_snapshot!(answers(404, "NoSuchBucket"), @"
    s3://acme not found: 404 Not Found: NoSuchBucket: Because.
    help: is its name right, and the region?
    ");
    assert_snapshot!(answers(503, "SlowDown"), @"s3://acme did not list its objects: 503 Service Unavailable: SlowDown: Because.");
    let web = harness::http(|_| Response::text("<html>Sign in</html>"));
    let nothing = observe::<Backup>(s3(&web)).expect("a page without objects lists none");
    assert_eq!((nothing.count, nothing.size), (0, None));
    let mut nobody = s3(&web);
    nobody["options"]["endpoint"] = json!(format!("http://127.0.0.1:{}", harness::free_port()));
    let port =
        nobody["options"]["endpoint"].as_str().and_then(|url| url.rsplit(':').next()).expect("it has one").to_owned();
    assert_snapshot!(observe::<Backup>(nobody.clone()).expect_err("the port is closed").replace(&port, "PORT"), @"
    127.0.0.1:PORT refused the connection
    help: nothing listens there: is it running, and is this the right port?
    ");
}

#[test]
fn a_store_without_credentials_is_an_error_that_names_the_options() {
    // A machine without a role answers this instead of the provider's metadata.
    let nobody = harness::http(|_| Response::text("").status(404));
    let amazon =
        json!({ "in": "s3://acme/db", "options": { "region": "eu-west-1", "metadata_endpoint": nobody.url() } });
    assert_snapshot!(observe::<Backup>(amazon).expect_err("no credentials are configured"), @"
    no credentials for s3://acme
    help: set them in `options` (`access_key_id`, `secret_access_key`, `region` and `endpoint`) or in the environment, or run gate on a machine whose role may list the bucket
    ");
    let azure = json!({ "in": "az://acme", "options": { "account_name": "acme", "msi_endpoint": nobody.url() } });
    assert_snapshot!(observe::<Backup>(azure).expect_err("no credentials are configured"), @"
    no credentials for az://acme
    help: set them in `options` (`account_name`, `account_key`, `sas_token` and `endpoint`) or in the environment, or run gate on a machine whose role may list the bucket
    ");
}

#[test]
fn google_and_azure_are_listed_too() {
    let google = harness::http(|request| match request.path.as_str() {
        "/acme" => s3_list(&request),
        _ => Response::empty(404),
    });
    let options = json!({ "base_url": google.url(), "skip_signature": "true" });
    let seen = observe::<Backup>(json!({ "in": "gs://acme/db", "options": options })).expect("it can be listed");
    assert_eq!((seen.count, seen.newest.as_deref()), (2, Some("two.dump")));

    let azure = harness::http(|request| {
        assert!(request.header("authorization").is_some_and(|value| value.starts_with("SharedKey account:")));
        let blob = |name: &str, day: &str| {
            format!(
                "<Blob><Name>{name}</Name><Properties><Last-Modified>{day} Dec 2025 02:00:00 GMT</Last-Modified><Etag>0x1</Etag><Content-Length>20000</Content-Length><Content-Type>application/octet-stream</Content-Type><ResourceType>file</ResourceType></Properties></Blob>"
            )
        };
        let (blobs, next) = if request.query.contains("marker=2") {
            (blob("db/b.dump", "Sat, 06"), "")
        } else {
            (blob("db/a.dump", "Fri, 05"), "2")
        };
        Response::ok(format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>{blobs}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>")).header("content-type", "application/xml")
    });
    let options = json!({ "account_name": "account", "account_key": "c2VjcmV0c2VjcmV0", "endpoint": format!("{}/account", azure.url()) });
    let seen = observe::<Backup>(json!({ "in": "az://acme/db", "options": options })).expect("it can be listed");
    assert_eq!((seen.count, seen.newest.as_deref(), seen.size_ratio), (2, Some("b.dump"), Some(1.0)));
}

#[test]
fn invalid_settings_are_refused_at_load() {
    assert_snapshot!(refused::<Backup>(json!({ "in": "ftp://host/db" })), @"`ftp://` is not a store: write `s3://`, `gs://`, `az://`, or the path of a folder");
    assert_snapshot!(refused::<Backup>(json!({ "in": "s3://user@bucket/db" })), @"`s3://` wants the name of a bucket, and nothing else before its path");
    assert_snapshot!(refused::<Backup>(json!({ "in": "s3://bucket", "options": { "acces_key": "x" } })), @"unknown option `acces_key` of s3: the usual ones are `access_key_id`, `secret_access_key`, `region` and `endpoint`");
    assert_snapshot!(refused::<Backup>(json!({ "in": "/var/backups", "options": { "region": "x" } })), @"`options` and `ca` are for a store: a folder has none");
    assert_snapshot!(refused::<Backup>(json!({ "in": "/var/backups", "name": "[" })), @"no pattern: invalid range pattern");
}
