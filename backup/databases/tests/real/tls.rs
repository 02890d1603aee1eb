//! Dumps over TLS: from the server whose authority was named, and from nobody else.

use crate::dumped::dump;
use crate::servers::Server;
use crate::troubles::{ENGINES, refused};
use databases::{Cause, Engine, Source};

/// Who signs certificates.
struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = rcgen::Issuer::new(params, key);
        Authority { issuer, pem }
    }

    /// A server on a port of loopback, certified as `localhost`, that takes the dump's user by TLS only.
    fn server(&self, engine: Engine) -> Server {
        let key = rcgen::KeyPair::generate().unwrap();
        let named = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = named.signed_by(&key, &self.issuer).unwrap().pem();
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        let key = key.serialize_pem();
        let tls = Some((port, certificate.as_str(), key.as_str()));
        match engine {
            Engine::PostgreSql => Server::postgres(tls),
            Engine::MariaDb => {
                let server = Server::mariadb("--event-scheduler=OFF", tls);
                server.admin("ALTER USER erp@localhost REQUIRE SSL");
                server
            }
        }
    }
}

/// The database `erp` of a server over its port, trusting `ca` if one is given.
fn source(server: &Server, host: &str, ca: Option<&Authority>) -> Source {
    let scheme = match server.engine {
        Engine::MariaDb => "mariadb",
        Engine::PostgreSql => "postgresql",
    };
    let mut url = format!("{scheme}://erp@{host}:{}/erp", server.port);
    if let Some(authority) = ca {
        let file = server.folder.join("ca.pem");
        std::fs::write(&file, &authority.pem).unwrap();
        url.push_str(&format!("?ca={}", file.display()));
    }
    Source {
        url: config::DatabaseUrl::parse(&url).unwrap(),
        ..server.source("erp")
    }
}

#[test]
fn a_server_over_tls_is_read_when_its_authority_is_the_one_that_was_named() {
    for engine in ENGINES {
        let (authority, stranger) = (Authority::new("authority"), Authority::new("stranger"));
        let server = authority.server(engine);
        server.admin("CREATE DATABASE erp");
        server.sql("erp", "CREATE TABLE facture (id INT PRIMARY KEY, t TEXT)");
        server.sql("erp", "INSERT INTO facture VALUES (1, 'a'), (2, 'b')");
        let dumped = dump(source(&server, "localhost", Some(&authority))).unwrap();
        assert_eq!(dumped.rows("facture"), 2);
        // Somebody in between shows a certificate of his own, or one for another name.
        for (host, ca) in [("localhost", &stranger), ("127.0.0.1", &authority)] {
            let (cause, said) = refused(dump(source(&server, host, Some(ca))));
            assert_eq!(cause, Cause::Untrusted, "{said}");
            assert!(said.contains("?ca="), "{said}");
        }
        server.assert_no_login();
    }
}
