import { describe, expect, test } from 'vitest';
import { PLAIN } from '../dialects/golden.suite.ts';
import { dialects } from '../dialects/index.ts';
import { parseEvents } from '../event.ts';
import { jsonSchema } from '../json-schema.ts';
import { encodeMeta, type RenderInput } from '../message.ts';
import { presets } from './index.ts';
import type { PresetEvent, PresetName } from './preset.ts';

/** As the systems list them: Casdoor's list is that of its own page, in its order. */
const CASDOOR = [
  'signup login logout sso-logout unlink new-user new-user-ldap new-user-syncer',
  ...'organization group user application provider resource cert role permission model adapter enforcer session token product payment plan pricing subscription syncer webhook form invitation ldap order ticket transaction'
    .split(' ')
    .map((thing) => {
      const extras: Record<string, string> = {
        group: 'upload-groups',
        user: 'remove-user-from-group upload-users check-user-password set-password reset-email-or-phone verify-identification',
        resource: 'upload-resource',
        role: 'upload-roles',
        permission: 'upload-permissions',
        enforcer: 'enforce batch-enforce',
        session: 'is-session-duplicated',
        payment: 'invoice-payment notify-payment',
        syncer: 'run-syncer test-syncer-db',
        invitation: 'send-invitation verify-invitation',
        ldap: 'sync-ldap-users',
        order: 'place-order cancel-order pay-order',
        ticket: 'add-ticket-message',
      };
      return `add-${thing} update-${thing} delete-${thing} ${extras[thing] ?? ''}`.trim();
    }),
  'add-policy update-policy remove-policy add-record delete-mfa set-preferred-mfa mfa/setup/initiate mfa/setup/verify mfa/setup/enable',
  'webauthn/signup/begin webauthn/signup/finish webauthn/signin/begin webauthn/signin/finish',
  'login/oauth/access_token login/oauth/refresh_token login/oauth/introspect send-verification-code verify-code verify-captcha',
  'send-email send-sms send-notification acs saml/metadata run-casbin-command refresh-engines health metrics callback device-auth faceid-signin-begin user userinfo',
]
  .join(' ')
  .split(' ');

const FERRISKEY =
  'user.created user.updated user.deleted user.role.assigned user.role.unassigned user.bulk_deleted user.credentials.deleted auth.reset_password client.created client.updated client.deleted client.role.created client.role.updated redirect_uri.created redirect_uri.updated redirect_uri.deleted role.created role.updated role.deleted role.permission.updated realm.created realm.updated realm.deleted realm.settings.updated webhook.created webhook.updated webhook.deleted user.email_verified auth.device_flow.initiated auth.device_flow.denied auth.device_flow.expired web_origin.created web_origin.deleted client.maintenance.enabled client.maintenance.disabled'.split(
    ' ',
  );

const CAND =
  'member.joined member.updated member.activated product.created product.updated product.voted payment.paid payment.cancelled payment.purchaseItemConfirmed subscription.subscribed subscription.expired message.created content.created'
    .split(' ')
    .map((type) => `MOIM:${type}`);

const LOGTO =
  'PostRegister PostSignIn PostSignInAdaptiveMfaTriggered PostResetPassword User.Created User.Deleted User.Data.Updated User.SuspensionStatus.Updated TrustedDevice.Created TrustedDevice.Deleted Role.Created Role.Deleted Role.Data.Updated Role.Scopes.Updated Scope.Created Scope.Deleted Scope.Data.Updated Organization.Created Organization.Deleted Organization.Data.Updated Organization.Membership.Updated OrganizationRole.Created OrganizationRole.Deleted OrganizationRole.Data.Updated OrganizationRole.Scopes.Updated OrganizationScope.Created OrganizationScope.Deleted OrganizationScope.Data.Updated Identifier.Lockout Message.RateLimited Grant.LimitExceeded'.split(
    ' ',
  );

const CAISY =
  'document_field_update document_create document_update document_delete blueprint_create blueprint_update blueprint_delete project_member_assigned project_member_deassigned'.split(
    ' ',
  );

const EXPECTED: Record<PresetName, readonly string[]> = {
  casdoor: CASDOOR,
  ferriskey: FERRISKEY,
  cand: CAND,
  logto: LOGTO,
  caisy: CAISY,
};
const COUNTS = { casdoor: 146, ferriskey: 35, cand: 13, logto: 31, caisy: 9 };
const names = Object.keys(EXPECTED) as PresetName[];

/** What the dialect makes of an example, posted as it stands. */
function inputOf(type: string, { example }: PresetEvent): RenderInput {
  const [draft] = parseEvents(
    new TextEncoder().encode(JSON.stringify({ type, ...example })),
  ).events;
  if (!draft) throw new Error('must hold: one event');
  const { data } = draft;
  const meta = encodeMeta(draft);
  const event = { id: 'evt_1', type, tenant: 'acme', occurredAt: 1_787_388_816_000, meta, data };
  return {
    event,
    endpoint: { ...PLAIN, id: 'ep_1' },
    tenant: { id: 'acme', alias: null, parent: null },
  };
}

describe.each(names)('%s', (name) => {
  const { label, description, eventTypes } = presets[name];
  const dialect = dialects[name];

  test('has all events, in the order of its system', () => {
    expect(eventTypes.map((one) => one.name)).toEqual(EXPECTED[name]);
    expect(eventTypes).toHaveLength(COUNTS[name]);
    expect(presets[name].name).toBe(name);
    expect(label.length).toBeGreaterThan(3);
    expect(description).toMatch(/\.$/);
  });

  test('tells each apart: label and description are its own', () => {
    expect(new Set(eventTypes.map((one) => one.label)).size).toBe(eventTypes.length);
    expect(new Set(eventTypes.map((one) => one.description)).size).toBe(eventTypes.length);
  });

  test.each(eventTypes.map((one) => [one.name, one] as const))('%s', (type, one) => {
    expect(one.group).not.toBe('');
    expect(one.label.length).toBeLessThanOrEqual(60);
    expect(one.description.length).toBeGreaterThan(30);
    expect(one.description.length).toBeLessThanOrEqual(200);
    expect(one.description).toMatch(/[.]$/);

    if (one.schema) {
      const result = jsonSchema(one.schema)['~standard'].validate(one.example.data);
      expect(result).not.toHaveProperty('issues');
    }

    const input = inputOf(type, one);
    const body = dialect.body(input);
    expect(body.length).toBeLessThan(4096);
    const read = dialect.parse({ method: 'POST', headers: [], body });
    expect(read.type).toBe(type);
    const { subject, actor, context } = read;
    const meta = JSON.stringify({ subject, actor, context });
    const again = dialect.body({ ...input, event: { ...input.event, meta, data: read.data } });
    expect(new TextDecoder().decode(again)).toBe(new TextDecoder().decode(body));
  });
});

describe('examples are what the systems send', () => {
  const rendered = (name: PresetName, type: string) => {
    const one = presets[name].eventTypes.find((event) => event.name === type);
    if (!one) throw new Error(`there is no ${type}`);
    return JSON.parse(new TextDecoder().decode(dialects[name].body(inputOf(type, one))));
  };

  test('casdoor: an object in a text, the path of the action, local time', () => {
    const body = rendered('casdoor', 'update-user');
    expect(JSON.parse(body.object)).toMatchObject({ owner: 'acme', name: 'alice' });
    expect(body).toMatchObject({
      requestUri: '/api/update-user?id=acme%2Falice',
      createdTime: '2026-08-22T16:53:36+08:00',
      user: 'admin',
      method: 'POST',
    });
    expect(rendered('casdoor', 'health')).toMatchObject({ method: 'GET', object: '' });
  });

  test('ferriskey: the realm as resource, but the user of a password reset; data of four kinds', () => {
    const realm = '01914b3c-5678-7f5a-b456-000000000002';
    expect(rendered('ferriskey', 'user.created')).toMatchObject({ resource_id: realm });
    const reset = rendered('ferriskey', 'auth.reset_password');
    expect(reset).toMatchObject({
      resource_id: '01914b3c-5678-7f5a-b456-000000000009',
      data: null,
    });
    expect(rendered('ferriskey', 'client.deleted').data).toBeTypeOf('string');
    expect(rendered('ferriskey', 'user.bulk_deleted').data).toHaveLength(2);
  });

  test('logto: keys of the interaction, of the management API, of an exception', () => {
    const keys = (type: string) => Object.keys(rendered('logto', type)).join(' ');
    expect(keys('PostSignIn')).toBe(
      'event interactionEvent createdAt sessionId userAgent userId userIp user application hookId',
    );
    expect(keys('User.Data.Updated')).toBe(
      'event createdAt userAgent ip data path method status params matchedRoute hookId',
    );
    expect(keys('Organization.Membership.Updated')).toBe(
      'event createdAt userAgent ip path method status params matchedRoute organizationId addedUserIds hookId',
    );
    expect(keys('Identifier.Lockout')).toBe(
      'event createdAt interactionEvent userAgent applicationId sessionId ip application type value hookId',
    );
    expect(rendered('logto', 'User.Deleted').path).toBe('/users/xz7nbya58wb7');
  });

  test('cand: module and type apart', () => {
    expect(rendered('cand', 'MOIM:product.voted')).toMatchObject({
      module: 'MOIM',
      type: 'product.voted',
      context: { userId: 'U2MQ4A6ZP1', profileId: 'UAKDIJ23KD' },
      payload: { voted: true },
    });
  });

  test('caisy: empty texts for what is absent', () => {
    expect(rendered('caisy', 'document_update')).toMatchObject({
      metadata: { blueprint_id: '', document_status_id: 2 },
      webhook: { trigger: 'document_update' },
    });
  });
});
