

import sys

for line in sys.stdin:
    secret, now, id, timestamp, signature, body = line.rstrip("\n").split("\t")
    headers = {"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature}
    try:
        print(str(verify(secret, headers, bytes.fromhex(body), float(now))).lower())
    except ValueError:
        print("error")
