<?php
// $body: the bytes as received, file_get_contents('php://input'). $headers: names in lower case.
function verify(string $secret, array $headers, string $body, ?float $now = null): bool
{
    $id = $headers['webhook-id'] ?? '';
    $timestamp = $headers['webhook-timestamp'] ?? '';
    $signatures = $headers['webhook-signature'] ?? '';
    if (!preg_match('/\A[A-Za-z0-9_-]{1,64}\z/', $id)) return false;
    if (!preg_match('/\A[0-9]{1,11}\z/', $timestamp)) return false;
    if (abs(($now ?? microtime(true)) - (int) $timestamp) > 300) return false;

    $key = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
    if ($key === false || strlen($key) < 24) throw new ValueError('the secret is too short or not base64');
    $digest = hash_hmac('sha256', "$id.$timestamp.$body", $key, true);
    $expected = 'v1,' . base64_encode($digest);
    foreach (array_slice(explode(' ', $signatures), 0, 16) as $one) {
        if (hash_equals($expected, $one)) return true;
    }
    return false;
}
