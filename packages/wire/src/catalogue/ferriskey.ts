import * as data from './ferriskey-data.ts';
import { type JsonObject, type Preset, type PresetEvent, presetEvent } from './preset.ts';
import { list, uuid } from './schema.ts';

/**
 * FerrisKey: the 27 events of its guide, then the eight that were added later. In all but one of them
 * `resource_id` is the realm, whatever the event is about; the examples follow that.
 */

interface Told {
  readonly label: string;
  readonly description: string;
  readonly data: unknown;
  readonly schema: JsonObject | null;
  readonly subject?: string;
}

function inGroup(group: string) {
  return (name: string, { data, subject = REALM, ...about }: Told): PresetEvent =>
    presetEvent(name, { group, ...about, example: { data, subject } });
}

const { REALM } = data;
const user = inGroup('User');
const auth = inGroup('Authentication');
const client = inGroup('Client');
const role = inGroup('Role');
const realm = inGroup('Realm');
const webhook = inGroup('Webhook');

const ofUser = { data: data.USER, schema: data.user };
const ofRole = { data: data.ROLE, schema: data.role };
const ofClient = { data: data.CLIENT, schema: data.client };
const ofRedirect = { data: data.REDIRECT_URI, schema: data.redirectUri };
const ofRealm = { data: data.REALM_DATA, schema: data.realm };
const ofWebhook = { data: data.WEBHOOK, schema: data.webhook };
const ofDeviceFlow = { data: data.DEVICE_FLOW, schema: data.deviceFlow };
const onlyId = (id: string) => ({ data: id, schema: uuid });

const GUIDE: readonly PresetEvent[] = [
  user('user.created', {
    label: 'User created',
    description: 'An account was made in the realm, by an administrator or by signing up.',
    ...ofUser,
  }),
  user('user.updated', {
    label: 'User updated',
    description:
      'An account was changed. Taking a role away is told by this name as well, with the role as its data.',
    ...ofUser,
  }),
  user('user.deleted', {
    label: 'User deleted',
    description: 'An account was removed. The data is the account as it was.',
    ...ofUser,
  }),
  user('user.role.assigned', {
    label: 'Role assigned to user',
    description: 'A user was given a role. The data is the role.',
    ...ofRole,
  }),
  user('user.role.unassigned', {
    label: 'Role unassigned from user',
    description:
      'A role was taken away from a user. FerrisKey declares this name and sends user.updated instead.',
    ...ofRole,
  }),
  user('user.bulk_deleted', {
    label: 'Users deleted in bulk',
    description: 'Several accounts were removed at once. The data is the list of their ids.',
    data: [data.USER_ID, '01914b3c-5678-7f5a-b456-00000000000a'],
    schema: list(uuid),
  }),
  user('user.credentials.deleted', {
    label: 'User credentials deleted',
    description:
      'A way to sign in was removed from an account. Declared, and sent by no version that was read.',
    ...ofUser,
  }),
  auth('auth.reset_password', {
    label: 'Password reset',
    description: 'A password reset was begun. There is no data: resource_id is the user.',
    data: null,
    schema: { type: 'null' },
    subject: data.USER_ID,
  }),
  client('client.created', {
    label: 'Client created',
    description: 'An application that signs users in was registered. Its secret is masked.',
    ...ofClient,
  }),
  client('client.updated', {
    label: 'Client updated',
    description: 'Settings of a client were changed, such as its flows or token lifetimes.',
    ...ofClient,
  }),
  client('client.deleted', {
    label: 'Client deleted',
    description: 'A client was removed. The data is its id alone.',
    ...onlyId(data.CLIENT_ID),
  }),
  client('client.role.created', {
    label: 'Client role created',
    description:
      'A role of a client was made. FerrisKey declares this name and sends role.created.',
    ...ofRole,
  }),
  client('client.role.updated', {
    label: 'Client role updated',
    description: 'A role of a client was changed. Declared, and sent by no version that was read.',
    ...ofRole,
  }),
  client('redirect_uri.created', {
    label: 'Redirect URI created',
    description: 'A client may send users back to one more address, after sign-in or sign-out.',
    ...ofRedirect,
  }),
  client('redirect_uri.updated', {
    label: 'Redirect URI updated',
    description: 'An address that users are sent back to was changed, or switched on or off.',
    ...ofRedirect,
  }),
  client('redirect_uri.deleted', {
    label: 'Redirect URI deleted',
    description: 'Users are no longer sent back to an address. The data is its id alone.',
    ...onlyId(data.REDIRECT_URI.id),
  }),
  role('role.created', {
    label: 'Role created',
    description: 'A role was made in the realm, or for one of its clients.',
    ...ofRole,
  }),
  role('role.updated', {
    label: 'Role updated',
    description: 'Name or description of a role were changed.',
    ...ofRole,
  }),
  role('role.deleted', {
    label: 'Role deleted',
    description: 'A role was removed; who had it no longer has its permissions.',
    ...ofRole,
  }),
  role('role.permission.updated', {
    label: 'Role permissions updated',
    description: 'What a role permits was changed. The data is the role with its permissions.',
    ...ofRole,
  }),
  realm('realm.created', {
    label: 'Realm created',
    description:
      'A realm was made. The version that was read sends this when a realm is deleted, and nothing when one is made.',
    ...ofRealm,
  }),
  realm('realm.updated', {
    label: 'Realm updated',
    description: 'Name or display name of a realm were changed.',
    ...ofRealm,
  }),
  realm('realm.deleted', {
    label: 'Realm deleted',
    description:
      'A realm was removed with all that was in it. Declared, and sent as realm.created.',
    ...ofRealm,
  }),
  realm('realm.settings.updated', {
    label: 'Realm settings updated',
    description: 'Settings of a realm were changed, such as how it signs tokens.',
    data: data.REALM_SETTINGS,
    schema: null,
  }),
  webhook('webhook.created', {
    label: 'Webhook created',
    description: 'A webhook was added. Its headers and its secret are left out.',
    ...ofWebhook,
  }),
  webhook('webhook.updated', {
    label: 'Webhook updated',
    description: 'A webhook was changed: its address, its texts, what it is told.',
    ...ofWebhook,
  }),
  webhook('webhook.deleted', {
    label: 'Webhook deleted',
    description: 'A webhook was removed. The data is the webhook as it was.',
    ...ofWebhook,
  }),
];

const LATER: readonly PresetEvent[] = [
  user('user.email_verified', {
    label: 'Email verified',
    description: 'A user proved that an email address is theirs.',
    data: { ...data.USER, email_verified: true },
    schema: data.user,
  }),
  auth('auth.device_flow.initiated', {
    label: 'Device sign-in begun',
    description:
      'A device without a browser asked to be signed in. The device code is in the clear.',
    ...ofDeviceFlow,
  }),
  auth('auth.device_flow.denied', {
    label: 'Device sign-in denied',
    description: 'A user refused to sign a device in. The device code is its SHA-256.',
    data: data.endedDeviceFlow('denied', data.USER_ID),
    schema: data.deviceFlow,
  }),
  auth('auth.device_flow.expired', {
    label: 'Device sign-in expired',
    description: 'Nobody signed a device in before its code ended. The device code is its SHA-256.',
    data: data.endedDeviceFlow('expired', null),
    schema: data.deviceFlow,
  }),
  client('web_origin.created', {
    label: 'Web origin created',
    description: 'Pages of one more origin may call the realm from a browser.',
    data: data.WEB_ORIGIN,
    schema: null,
  }),
  client('web_origin.deleted', {
    label: 'Web origin deleted',
    description: 'Pages of an origin may no longer call the realm. The data is its id alone.',
    ...onlyId(data.WEB_ORIGIN.id),
  }),
  client('client.maintenance.enabled', {
    label: 'Client maintenance begun',
    description: 'A client was put into maintenance: nobody signs in, with a reason that is shown.',
    data: {
      ...data.CLIENT,
      maintenance_enabled: true,
      maintenance_reason: 'Database upgrade',
      maintenance_session_strategy: 'terminate',
    },
    schema: data.client,
  }),
  client('client.maintenance.disabled', {
    label: 'Client maintenance ended',
    description: 'Users of a client can sign in again.',
    ...ofClient,
  }),
];

export const ferriskey: Preset = {
  name: 'ferriskey',
  label: 'FerrisKey',
  description:
    'What happens in a realm of FerrisKey: users, clients, roles, settings, webhooks. Five of the names ' +
    'are declared but never sent by the version that was read; their descriptions say so.',
  eventTypes: [...GUIDE, ...LATER],
};
