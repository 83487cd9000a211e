// An app as canD's are: a community's admin lets it hear events, they arrive at its one webhook URL, and it
// acts with its bot token.
//
//   POSTHORN_URL=http://localhost:4400 CLIENT_ID=app_… CLIENT_SECRET=phcs_… node examples/cand-app/app.js
//
// It listens on PORT (3000). Register http://localhost:3000/back as its redirect URI, and
// http://127.0.0.1:3000/webhook/<WEBHOOK_SECRET> as its webhook URL: canD signs nothing, so the URL is the
// secret.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import express from 'express';

const posthorn = process.env.POSTHORN_URL ?? 'http://localhost:4400';
const clientId = process.env.CLIENT_ID ?? '';
const clientSecret = process.env.CLIENT_SECRET ?? '';
const webhookSecret = process.env.WEBHOOK_SECRET ?? 'change-me';
const port = Number(process.env.PORT ?? 3000);

/** What stays between two requests; a real app has a database, and a session for each person. */
const asked = new Map();
const communities = new Map();
const heard = [];

const app = express();

app.get('/', (_req, res) => {
  const list = heard.map((line) => `<li>${escaped(line)}</li>`).join('');
  const links = ['webhook:MOIM:product', 'webhook:MOIM:product webhook:MOIM:member']
    .map((scope) => `<p><a href="/connect?scope=${encodeURIComponent(scope)}">${scope}</a></p>`)
    .join('');
  res.send(
    `<!doctype html><link rel="icon" href="data:,"><title>Shop</title><h1>Shop</h1>${links}<ul>${list}</ul>`,
  );
});

/** 1. To the consent page. Asking for more events is asking again, with more scopes. */
app.get('/connect', (req, res) => {
  const state = randomBytes(16).toString('base64url');
  const verifier = randomBytes(32).toString('base64url');
  const to = new URL('/oauth2/authorize', posthorn);
  to.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri(),
    scope: String(req.query.scope ?? 'webhook:MOIM:product'),
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(req.query.community ? { community_id: String(req.query.community) } : {}),
  });
  asked.set(state, verifier);
  setTimeout(() => asked.delete(state), 600_000).unref();
  res.redirect(to.href);
});

/** 2. Back, with a code or with a reason. */
app.get('/back', async (req, res) => {
  const { code, state, iss, error, error_description: why } = req.query;
  const verifier = asked.get(state);
  asked.delete(state);
  if (verifier === undefined || iss !== new URL(posthorn).origin) {
    res.status(400).send('This answer belongs to no question of ours.');
    return;
  }
  if (error !== undefined) {
    res.status(403).type('text').send(`Not allowed: ${error} (${why})`);
    return;
  }
  const tokens = await token({
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri(),
    code_verifier: verifier,
  });
  communities.set(tokens.community_id, tokens);
  heard.push(`connected to ${tokens.community_id}: ${tokens.scope}`);
  res.redirect('/');
});

/** 3. Events. Acknowledge first, work after. */
app.post('/webhook/:secret', express.json(), (req, res) => {
  if (!isSecret(req.params.secret)) {
    res.sendStatus(404);
    return;
  }
  res.end();
  handle(req.body).catch((error) => console.error(error));
});

async function handle({ module, type, context, payload }) {
  switch (`${module}:${type}`) {
    case 'MOIM:product.created':
      heard.push(`product ${payload.id} was created in ${context.communityId}`);
      await lookAt(context.communityId);
      break;
    case 'MOIM:member.joined':
      heard.push(`member ${payload.id} joined ${context.communityId}`);
      break;
    default:
      console.warn(`no handler for ${module}:${type}`);
  }
}

/** 4. As the bot: what was this app sent there? A community's own API is asked in the same way. */
async function lookAt(community) {
  const tokens = communities.get(community);
  if (tokens?.bot_access_token === undefined) return;
  const response = await fetch(`${posthorn}/api/v1/tenants/${tokens.tenant}/events?limit=1`, {
    headers: { authorization: `Bearer ${tokens.bot_access_token}` },
  });
  const { items } = await response.json();
  heard.push(`the bot sees ${items[0]?.type} of ${items[0]?.context?.communityId ?? community}`);
}

async function token(form) {
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  const response = await fetch(new URL('/oauth2/token', posthorn), {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams(form),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.error}: ${answer.error_description}`);
  return answer;
}

function redirectUri() {
  return `http://localhost:${server.address().port}/back`;
}

function isSecret(text) {
  const [given, wanted] = [text, webhookSecret].map((one) =>
    createHash('sha256').update(one).digest(),
  );
  return timingSafeEqual(given, wanted);
}

function escaped(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const server = app.listen(port, '127.0.0.1', () => {
  console.log(`listening on http://localhost:${server.address().port}`);
});
