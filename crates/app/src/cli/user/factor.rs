//! `gauze user second-factor`.

use crate::cli::{Done, Failure};
use crate::say;
use crate::wiring::Error;
use archive::Vault;

/// Gives or takes away; the secret goes to the terminal and nowhere else.
pub fn act(vault: &Vault, user: &str, remove: bool) -> Done {
    let unknown = || Failure::Text(say::text("user-unknown", &[&user]));
    if remove {
        if !vault.remove_second_factor(user).map_err(Error::from)? {
            return Err(unknown());
        }
        say::line(&say::text("factor-removed", &[&user]));
        return Ok(());
    }
    let secret = vault.give_second_factor(user).map_err(Error::from)?.ok_or_else(unknown)?;
    let secret = secret.dangerous_base32();
    say::line(&say::text("factor-given", &[&user, &secret, &uri(user, &secret)]));
    Ok(())
}

/// What authenticator apps read from a picture (the Key URI format).
fn uri(user: &str, secret: &str) -> String {
    let label: String = user.to_lowercase().bytes().map(encoded).collect();
    format!("otpauth://totp/Gauze:{label}?secret={secret}&issuer=Gauze&algorithm=SHA1&digits=6&period=30")
}

/// RFC 3986 §2.1.
fn encoded(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::uri;

    /// By hand from RFC 3986 and the Key URI format.
    #[test]
    fn an_app_reads_it() {
        let rest = "?secret=ME&issuer=Gauze&algorithm=SHA1&digits=6&period=30";
        for (user, label) in [("Rosa", "rosa"), ("a b&c", "a%20b%26c"), ("\u{738b}", "%E7%8E%8B")] {
            assert_eq!(uri(user, "ME"), format!("otpauth://totp/Gauze:{label}{rest}"));
        }
    }
}
