// A Worker: WebCrypto alone, v1 on one path and v1a on another.
import { createReceiver, schemes } from '@posthorn/wire';
import { fetchHandler } from '@posthorn/wire/fetch';

const receive = (secrets) =>
  fetchHandler(
    createReceiver({ scheme: schemes.standard(), secrets, bodyBytesMax: 65_536 })
      .onAny(() => undefined)
      .onError(() => undefined),
  );
const hmac = receive('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
const ed25519 = receive('whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=');

export default {
  fetch: (request, _env, ctx) =>
    (new URL(request.url).pathname === '/v1a' ? ed25519 : hmac)(request, ctx),
};
