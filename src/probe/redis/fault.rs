//! Why a Redis server could not be observed, each cause in its own words. Never with the URL, which holds a password.

use redis::ServerError;

use crate::probe::Fault;

use super::setting::Target;

/// The server's words: its code, unless that is only `ERR`, and what follows.
pub fn words(error: &ServerError) -> String {
    match (error.code(), error.details()) {
        ("ERR", Some(details)) => details.trim().to_owned(),
        (code, Some(details)) => format!("{code} {}", details.trim()),
        (code, None) => code.to_owned(),
    }
}

/// Nothing came in time: no connection, no TLS handshake, no answer.
pub fn silent(target: &Target, what: &str) -> Fault {
    let fault = Fault::new(format!("no {what} from {} in time", target.name()));
    match what {
        "connection" => fault.help("does a firewall drop packets?"),
        _ if target.is_tls => fault.help("it accepted the connection: is it hung, or something else than Redis?"),
        _ => {
            let tls = target.by("rediss://", "`tls: true`");
            fault.help(format!(
                "it accepted the connection: is it hung, something else than Redis, or does it want TLS ({tls})?"
            ))
        }
    }
}

/// The connection ended without an answer.
pub fn closed(target: &Target) -> Fault {
    Fault::new(format!("{} closed the connection without an answer", target.name()))
        .help("a proxy without a server behind it, or a server that is shutting down?")
}

/// The checklist says `redis://` or no `tls`, but the server speaks TLS.
pub fn wants_tls(target: &Target) -> Fault {
    let here = target.by("the URL does not use it", "`tls` is not set");
    Fault::new(format!("{} requires TLS, and {here}", target.name()))
        .help(target.by("write rediss:// instead of redis://", "set `tls: true`"))
}

/// The checklist says `rediss://` or `tls`, but the server does not speak TLS.
pub fn wants_plain(target: &Target) -> Fault {
    let here = target.by("the URL uses TLS", "`tls` is set");
    Fault::new(format!("{} is a Redis without TLS, and {here}", target.name())).help(target.by(
        "is this the TLS port? without TLS the URL begins with redis://",
        "is this the TLS port? else remove `tls`",
    ))
}

/// The error for bytes that are not Redis's protocol.
pub fn not_redis(bytes: &[u8], target: &Target) -> Fault {
    if bytes.starts_with(&[0x15, 3]) {
        return wants_tls(target);
    }
    if bytes.starts_with(b"HTTP/") {
        return Fault::new(format!("what answers at {} is an HTTP server, not Redis", target.name()))
            .help("is this the right port? some services have a REST address and a Redis address");
    }
    let line: String = String::from_utf8_lossy(bytes).chars().take_while(|c| !c.is_control()).take(40).collect();
    Fault::new(format!("what answers at {} is not Redis: it said `{line}`", target.name()))
        .help("is this the right port?")
}

/// The server did not accept user and password.
pub fn login(error: &ServerError, target: &Target) -> Fault {
    let said = words(error);
    let who = match &target.user {
        Some(user) => format!("user `{user}` and this password"),
        None => "this password".to_owned(),
    };
    if error.code() == "WRONGPASS" || said.contains("invalid password") {
        return Fault::new(format!("{} does not accept {who} (WRONGPASS)", target.name())).help(target.by(
            "is this the current password, percent-encoded as a URL needs it, and is the user there and enabled?",
            "is this the current password, and is the user there and enabled?",
        ));
    }
    if said.contains("no password is set") || said.contains("without any password configured") {
        let here = target.by("the URL has one", "`password` is set here");
        return Fault::new(format!("{} has no password set, and {here}", target.name()))
            .help("is it the right server? Without a password, everyone can use it");
    }
    refused(error, target)
}

/// The database was not selected.
pub fn select(error: &ServerError, target: &Target) -> Fault {
    let said = words(error);
    let what = format!("database {} of {}", target.database, target.name());
    if said.contains("out of range") {
        return Fault::new(format!("{what} does not exist")).help("the server's setting `databases` limits the number");
    }
    if said.contains("cluster mode") {
        return Fault::new(format!("{what} can't be selected: a cluster has only database 0"))
            .help(target.by("remove the number from the URL", "remove `database`"));
    }
    refused(error, target)
}

/// The server answered with an error from which nothing follows about its health.
pub fn refused(error: &ServerError, target: &Target) -> Fault {
    let said = words(error);
    let name = target.name();
    match error.code() {
        "NOAUTH" => {
            let here = target.by("the URL has none", "none is set");
            return Fault::new(format!("{name} requires a password, and {here} (NOAUTH)")).help(target.by(
                "the URL is redis://:PASSWORD@HOST or redis://USER:PASSWORD@HOST, percent-encoded; keep it in a secret, \
                 such as `url: \"${secrets.REDIS_URL}\"`",
                "set `password: \"${secrets.REDIS_PASSWORD}\"`, and declare that name under `secrets:`",
            ));
        }
        "NOPERM" => {
            let user = target.user.as_deref().unwrap_or("default");
            return Fault::new(format!("user `{user}` may not do this at {name}: {said}"))
                .help(format!("permit it: `ACL SETUSER {user} +ping`, and `+info` to see more"));
        }
        "DENIED" => {
            return Fault::new(format!(
                "{name} is in protected mode: it has no password and answers only its own machine"
            ))
            .help("set a password there, or `bind` and `protected-mode` as its log says");
        }
        _ => {}
    }
    if said.contains("max number of clients") {
        return Fault::new(format!("{name} has its maximum number of clients"))
            .help("`CLIENT LIST` shows whose they are; is `maxclients` too low?");
    }
    Fault::new(format!("{name} refused: {said}"))
}
