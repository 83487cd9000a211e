
while (($line = fgets(STDIN)) !== false) {
    [$secret, $now, $id, $timestamp, $signature, $body] = explode("\t", rtrim($line, "\n"));
    $headers = ['webhook-id' => $id, 'webhook-timestamp' => $timestamp, 'webhook-signature' => $signature];
    try {
        echo verify($secret, $headers, hex2bin($body), (float) $now) ? "true\n" : "false\n";
    } catch (ValueError $e) {
        echo "error\n";
    }
}
