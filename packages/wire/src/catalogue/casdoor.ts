import { ADMIN, ALICE, EXTRAS, type Told } from './casdoor-extras.ts';
import { MANAGED, type Managed, USER } from './casdoor-objects.ts';
import { type Preset, type PresetEvent, presetEvent } from './preset.ts';
import { like } from './schema.ts';

/**
 * Casdoor: the 146 actions of its event list, in its order. An event is a call of its API; the data is
 * what the call sent, the actor is who sent it, and the path is the action.
 */

function inGroup(group: string) {
  return (name: string, told: Told): PresetEvent => {
    const { label, method, query = '', data = null, actor = ADMIN } = told;
    const quiet = ' A GET, so it is recorded only if logPostOnly is off.';
    const description = method === undefined ? told.description : told.description + quiet;
    const context = {
      clientIp: '203.0.113.7',
      requestUri: `/api/${name}${query}`,
      timezone: '+08:00',
      ...(method === undefined ? {} : { method }),
    };
    const schema = data === null ? null : like(data);
    return presetEvent(name, {
      group,
      label,
      description,
      schema,
      example: { data, actor, context },
    });
  };
}

const signIn = inGroup('Sign-up and sign-in');
const mfa = inGroup('Multi-factor sign-in');
const oauth = inGroup('OAuth and SAML');
const send = inGroup('Codes and messages');
const system = inGroup('System');
const access = inGroup('Roles and permissions');

const credentials = {
  application: 'app-acme',
  organization: 'acme',
  username: 'alice',
  password: '***',
};

const FIRST: readonly PresetEvent[] = [
  signIn('signup', {
    label: 'User signed up',
    description:
      'Somebody made an account, or tried to. Failed calls are recorded too: see `response`.',
    data: { ...credentials, name: 'Alice', email: 'alice@example.com', agreement: true },
    actor: ALICE,
  }),
  signIn('login', {
    label: 'User signed in',
    description:
      'Somebody signed in, or tried to: a wrong password is a login as well, see `response`.',
    data: { ...credentials, autoSignin: true, signinMethod: 'Password', type: 'login' },
    query: '?clientId=1f2e3d4c5b6a79880011&responseType=code',
    actor: ALICE,
  }),
  signIn('logout', {
    label: 'User signed out',
    description: 'A user signed out of one application. Recorded also as a GET.',
    actor: ALICE,
  }),
  signIn('sso-logout', {
    label: 'User signed out everywhere',
    description: 'A user signed out of all applications at once. Recorded also as a GET.',
    actor: ALICE,
  }),
  signIn('unlink', {
    label: 'Social account unlinked',
    description: 'A user may no longer sign in by an account at another service.',
    data: { providerType: 'GitHub', user: { owner: 'acme', name: 'alice' } },
    actor: ALICE,
  }),
  signIn('new-user', {
    label: 'New user, signed up',
    description:
      'An account came into being by signing up; told beside signup, with the user as object.',
    data: USER,
    actor: ALICE,
  }),
  signIn('new-user-ldap', {
    label: 'New user, from LDAP',
    description: 'An account came into being by reading a directory. The object is the user.',
    data: { ...USER, ldap: 'f2e1d0c9-b8a7-4655-9443-322110ffeedd' },
    actor: ALICE,
  }),
  signIn('new-user-syncer', {
    label: 'New user, from a syncer',
    description: 'An account came into being by copying another database. The object is the user.',
    data: { ...USER, externalId: '1001' },
    actor: ALICE,
  }),
];

function ofManaged(thing: Managed): readonly PresetEvent[] {
  const { name, noun, label, is, changes, gone, sample } = thing;
  const told = inGroup(thing.group);
  const subject = noun.charAt(0).toUpperCase() + noun.slice(1);
  const id = `${sample['owner']}/${sample['name'] ?? sample['id']}`;
  return [
    told(`add-${name}`, {
      label: `${label} added`,
      description: `${subject} was added: ${is}.`,
      data: sample,
    }),
    told(`update-${name}`, {
      label: `${label} changed`,
      description: `${subject} was changed, such as ${changes}. The object is how it is now.`,
      data: sample,
      query: `?id=${encodeURIComponent(id)}`,
    }),
    told(`delete-${name}`, {
      label: `${label} deleted`,
      description: `${subject} was deleted: ${gone}. The object is how it was.`,
      data: sample,
    }),
    ...(EXTRAS[name] ?? []).map(([extra, about]) => told(extra, about)),
  ];
}

const policy = {
  Ptype: 'p',
  V0: 'acme/editor',
  V1: 'app-acme',
  V2: 'read',
  V3: '',
  V4: '',
  V5: '',
};

const LAST: readonly PresetEvent[] = [
  access('add-policy', {
    label: 'Policy added',
    description: 'A line was added to the policies that an adapter keeps.',
    data: policy,
    query: '?id=acme%2Frbac-adapter',
  }),
  access('update-policy', {
    label: 'Policy changed',
    description: 'A line of the policies that an adapter keeps was replaced.',
    data: [policy, { ...policy, V2: 'write' }],
    query: '?id=acme%2Frbac-adapter',
  }),
  access('remove-policy', {
    label: 'Policy removed',
    description: 'A line of the policies that an adapter keeps was removed.',
    data: policy,
    query: '?id=acme%2Frbac-adapter',
  }),
  system('add-record', {
    label: 'Record added',
    description: 'A program wrote a line of its own into the log that these events are made of.',
    data: { owner: 'acme', organization: 'acme', user: 'alice', action: 'export-orders' },
  }),
  mfa('delete-mfa', {
    label: 'Factor removed',
    description: 'A user is no longer asked for a second factor.',
    data: { owner: 'acme', name: 'alice' },
    actor: ALICE,
  }),
  mfa('set-preferred-mfa', {
    label: 'Preferred factor set',
    description: 'A user chose which of several factors is asked for first.',
    data: { owner: 'acme', name: 'alice', mfaType: 'app' },
    actor: ALICE,
  }),
  mfa('mfa/setup/initiate', {
    label: 'Factor set-up begun',
    description: 'A user began to set up a second factor.',
    data: { owner: 'acme', name: 'alice', mfaType: 'app' },
    actor: ALICE,
  }),
  mfa('mfa/setup/verify', {
    label: 'Factor tried',
    description: 'A user entered a first code of a factor that is being set up.',
    data: { mfaType: 'app', passcode: '123456' },
    actor: ALICE,
  }),
  mfa('mfa/setup/enable', {
    label: 'Factor set up',
    description: 'A second factor is asked for from now on.',
    data: { owner: 'acme', name: 'alice', mfaType: 'app' },
    actor: ALICE,
  }),
  mfa('webauthn/signup/begin', {
    label: 'Passkey registration begun',
    description: "A browser asked what to sign in order to register a user's passkey.",
    method: 'GET',
    actor: ALICE,
  }),
  mfa('webauthn/signup/finish', {
    label: 'Passkey registered',
    description: 'A user can sign in with a passkey or a security key.',
    data: {
      id: 'AdKXJEch1aV5Wo7bj7qLHskVY4OoNaj9qu8TPdJ7kSAgUeRxWNngXlcNIGt4gexZGKVGcqZpqqWordXb_he1izY',
      type: 'public-key',
    },
    actor: ALICE,
  }),
  mfa('webauthn/signin/begin', {
    label: 'Passkey sign-in begun',
    description: 'A browser asked what a passkey has to sign.',
    method: 'GET',
    query: '?owner=acme&name=alice',
    actor: ALICE,
  }),
  mfa('webauthn/signin/finish', {
    label: 'Signed in with a passkey',
    description: 'A user signed in with a passkey or a security key, or tried to.',
    data: {
      id: 'AdKXJEch1aV5Wo7bj7qLHskVY4OoNaj9qu8TPdJ7kSAgUeRxWNngXlcNIGt4gexZGKVGcqZpqqWordXb_he1izY',
      type: 'public-key',
    },
    query: '?responseType=login',
    actor: ALICE,
  }),
  oauth('login/oauth/access_token', {
    label: 'Token given',
    description: 'An application exchanged a code or its own credentials for an access token.',
    data: {
      grant_type: 'authorization_code',
      client_id: '1f2e3d4c5b6a79880011',
      code: '7ac1b2d3e4f5',
    },
  }),
  oauth('login/oauth/refresh_token', {
    label: 'Token refreshed',
    description: 'An application exchanged a refresh token for a new access token.',
    data: { grant_type: 'refresh_token', client_id: '1f2e3d4c5b6a79880011', scope: 'read' },
  }),
  oauth('login/oauth/introspect', {
    label: 'Token looked into',
    description: 'A service asked whether a token is still good, and whose it is.',
    data: { token_type_hint: 'access_token' },
  }),
  send('send-verification-code', {
    label: 'Code sent',
    description: 'A code was sent to an email address or a phone number.',
    data: {
      type: 'email',
      dest: 'alice@example.com',
      applicationId: 'admin/app-acme',
      method: 'login',
    },
    actor: ALICE,
  }),
  send('verify-code', {
    label: 'Code checked',
    description: 'A code that was sent was entered, right or wrong.',
    data: { username: 'alice', organization: 'acme', application: 'app-acme', code: '123456' },
    actor: ALICE,
  }),
  send('verify-captcha', {
    label: 'Captcha checked',
    description: 'Somebody proved to be a person, or did not.',
    data: { captchaType: 'Default', captchaToken: '48291' },
  }),
  send('send-email', {
    label: 'Email sent',
    description: 'A program had an email sent to people.',
    data: {
      title: 'Your invoice',
      content: 'Attached.',
      sender: 'Acme',
      receivers: ['alice@example.com'],
    },
  }),
  send('send-sms', {
    label: 'SMS sent',
    description: 'A program had a text message sent.',
    data: { content: 'Your parcel is on its way.', receivers: ['+4915112345678'] },
  }),
  send('send-notification', {
    label: 'Notification sent',
    description: 'A program had a notification sent, such as to a chat.',
    data: { content: 'Deployment finished.' },
  }),
  oauth('acs', {
    label: 'SAML answer taken',
    description: 'Another identity provider answered a sign-in by SAML.',
    data: { RelayState: 'app-acme' },
  }),
  oauth('saml/metadata', {
    label: 'SAML metadata read',
    description: 'An application read how to sign users in by SAML.',
    method: 'GET',
    query: '?application=admin/app-acme',
  }),
  system('run-casbin-command', {
    label: 'Casbin command run',
    description: 'A command of Casbin was run through the API.',
    method: 'GET',
    query: '?language=go&args=enforce',
  }),
  system('refresh-engines', {
    label: 'Casbin engines refreshed',
    description: 'The engines behind the Casbin commands were fetched anew.',
  }),
  system('health', {
    label: 'Health asked',
    description: 'A monitor asked whether Casdoor is well.',
    method: 'GET',
  }),
  system('metrics', {
    label: 'Metrics read',
    description: 'Prometheus, or something like it, read the metrics.',
    method: 'GET',
  }),
  oauth('callback', {
    label: 'Provider answered',
    description: 'Another service sent a user back with a code.',
    data: { code: '7ac1b2d3e4f5', state: 'app-acme' },
  }),
  oauth('device-auth', {
    label: 'Device sign-in begun',
    description: 'A device without a browser asked for a code to show its user.',
    query: '?client_id=1f2e3d4c5b6a79880011&scope=openid',
  }),
  mfa('faceid-signin-begin', {
    label: 'Face sign-in begun',
    description: 'A user is about to sign in by showing their face.',
    method: 'GET',
    query: '?owner=acme&name=alice',
    actor: ALICE,
  }),
  oauth('user', {
    label: 'User read by token',
    description: 'An application asked whose token it holds, in the form of Laravel Socialite.',
    method: 'GET',
    actor: ALICE,
  }),
  oauth('userinfo', {
    label: 'User info read',
    description: 'An application asked whose token it holds, in the form of OpenID Connect.',
    method: 'GET',
    actor: ALICE,
  }),
];

export const casdoor: Preset = {
  name: 'casdoor',
  label: 'Casdoor',
  description:
    'Every action of the Casdoor API that its event list offers. Failed and refused calls are recorded ' +
    'too; `response` tells how they ended.',
  eventTypes: [...FIRST, ...MANAGED.flatMap(ofManaged), ...LAST],
};
