use data_encoding::BASE64;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// `header` looks a name up; `body` is the bytes as received.
/// Cargo.toml: data-encoding = "2", hmac = "0.12", sha2 = "0.10"
pub fn verify<'a>(
    secret: &str,
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
    now_seconds: i64,
) -> Result<bool, &'static str> {
    let (Some(id), Some(timestamp), Some(signatures)) = (
        header("webhook-id"),
        header("webhook-timestamp"),
        header("webhook-signature"),
    ) else {
        return Ok(false);
    };
    let id_fits = (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let digits = (1..=11).contains(&timestamp.len()) && timestamp.bytes().all(|b| b.is_ascii_digit());
    if !id_fits || !digits {
        return Ok(false);
    }
    let seconds: i64 = timestamp.parse().map_err(|_| "must hold: up to 11 digits fit")?;
    if (now_seconds - seconds).abs() > 300 {
        return Ok(false);
    }
    let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
    let key = BASE64.decode(encoded.as_bytes()).map_err(|_| "the secret is not base64")?;
    if key.len() < 24 {
        return Err("the secret is too short");
    }
    Ok(signatures.split(' ').take(16).any(|one| {
        let Some(given) = one.strip_prefix("v1,").and_then(|s| BASE64.decode(s.as_bytes()).ok()) else {
            return false;
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        mac.verify_slice(&given).is_ok() // in constant time
    }))
}
