//! FerrisKey's webhooks: who sent it, and what it says. Independent of any web framework.

use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

/// How far a timestamp may lie from our clock, in both directions.
const TOLERANCE_SECONDS: u64 = 300;

/// The body of every webhook. `data` is an object, an id, a list of ids or null, as the event has it.
#[derive(Debug, Deserialize)]
pub struct Webhook {
    pub event: String,
    pub timestamp: String,
    pub resource_id: String,
    pub data: Option<Value>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    MissingHeader(&'static str),
    Timestamp,
    Signature,
    Body,
}

/// Verifies the bytes as received, then reads them. `header` looks a name up; `now` is in seconds.
///
/// The key is the secret's text: its 64 hex digits are not decoded.
pub fn receive<'a>(
    secret: &str,
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
    now: u64,
) -> Result<Webhook, Refusal> {
    let find = |name| header(name).ok_or(Refusal::MissingHeader(name));
    let timestamp = find("x-ferriskey-timestamp")?;
    let signature = find("x-ferriskey-signature")?;

    let digits =
        (1..=11).contains(&timestamp.len()) && timestamp.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(Refusal::Timestamp);
    }
    let sent: u64 = timestamp.parse().map_err(|_| Refusal::Timestamp)?;
    if now.abs_diff(sent) > TOLERANCE_SECONDS {
        return Err(Refusal::Timestamp);
    }

    let given = HEXLOWER
        .decode(signature.as_bytes())
        .map_err(|_| Refusal::Signature)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length is a key");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    // Compares in constant time.
    mac.verify_slice(&given).map_err(|_| Refusal::Signature)?;

    serde_json::from_slice(body).map_err(|_| Refusal::Body)
}
