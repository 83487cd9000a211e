import base64, hashlib, hmac, re, time


def verify(secret: str, headers: dict, body: bytes, now: float | None = None) -> bool:
    """body: the bytes as received. headers: names in lower case."""
    id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", id) or not re.fullmatch(r"[0-9]{1,11}", timestamp):
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > 300:
        return False

    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    if len(key) < 24:
        raise ValueError("the secret is too short")
    digest = hmac.digest(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256)
    expected = b"v1," + base64.b64encode(digest)
    given = signatures.encode("latin-1", "replace").split(b" ")[:16]
    return any(hmac.compare_digest(one, expected) for one in given)
