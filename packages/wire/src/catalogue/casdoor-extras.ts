import type { JsonObject } from './preset.ts';

export const ADMIN = { owner: 'built-in', name: 'admin', displayName: 'Admin', isAdmin: true };
export const ALICE = {
  owner: 'acme',
  name: 'alice',
  displayName: 'Alice',
  email: 'alice@example.com',
};

/** An action of the API, and a request as it may look. */
export interface Told {
  readonly label: string;
  readonly description: string;
  /** What the request holds; left out = it has no body. */
  readonly data?: JsonObject | readonly unknown[];
  /** `GET` is not recorded unless `logPostOnly` is off. */
  readonly method?: 'GET';
  readonly query?: string;
  readonly actor?: JsonObject;
}

/** What can be done to single kinds of things, beside adding, changing and deleting them. */
export const EXTRAS: Readonly<Record<string, readonly (readonly [string, Told])[]>> = {
  group: [
    [
      'upload-groups',
      {
        label: 'Groups uploaded',
        description:
          'Groups were read from a spreadsheet. The file itself is not part of the record.',
      },
    ],
  ],
  user: [
    [
      'remove-user-from-group',
      {
        label: 'User removed from group',
        description: 'A user no longer belongs to a group.',
        data: { owner: 'acme', name: 'alice', groupName: 'engineering' },
      },
    ],
    [
      'upload-users',
      {
        label: 'Users uploaded',
        description:
          'Users were read from a spreadsheet. The file itself is not part of the record.',
      },
    ],
    [
      'check-user-password',
      {
        label: 'Password checked',
        description: 'A password was compared with that of a user, without signing in.',
        data: { owner: 'acme', name: 'alice', password: '***' },
      },
    ],
    [
      'set-password',
      {
        label: 'Password set',
        description: 'A user has another password. Here `user` is whose it is, not who set it.',
        data: { userOwner: 'acme', userName: 'alice', oldPassword: '***', newPassword: '***' },
        actor: ALICE,
      },
    ],
    [
      'reset-email-or-phone',
      {
        label: 'Email or phone changed',
        description: 'A user proved another email address or phone number to be theirs.',
        data: { type: 'email', dest: 'alice@example.org', code: '123456' },
        actor: ALICE,
      },
    ],
    [
      'verify-identification',
      {
        label: 'Identity verified',
        description: "A user's identity card was checked by a provider.",
        data: { owner: 'acme', name: 'alice', provider: 'provider_idv' },
      },
    ],
  ],
  resource: [
    [
      'upload-resource',
      {
        label: 'Resource uploaded',
        description:
          'A file was uploaded and kept as a resource. The file is not part of the record.',
        query: '?owner=acme&user=alice&application=app-acme&tag=avatar&fullFilePath=alice.png',
        actor: ALICE,
      },
    ],
  ],
  role: [
    [
      'upload-roles',
      {
        label: 'Roles uploaded',
        description:
          'Roles were read from a spreadsheet. The file itself is not part of the record.',
      },
    ],
  ],
  permission: [
    [
      'upload-permissions',
      {
        label: 'Permissions uploaded',
        description:
          'Permissions were read from a spreadsheet. The file is not part of the record.',
      },
    ],
  ],
  enforcer: [
    [
      'enforce',
      {
        label: 'Permission asked',
        description: 'A program asked whether something is allowed.',
        data: ['acme/alice', 'app-acme', 'read'],
        query: '?enforcerId=acme%2Frbac-enforcer',
      },
    ],
    [
      'batch-enforce',
      {
        label: 'Permissions asked',
        description: 'A program asked of several things at once whether they are allowed.',
        data: [
          ['acme/alice', 'app-acme', 'read'],
          ['acme/alice', 'app-acme', 'write'],
        ],
        query: '?enforcerId=acme%2Frbac-enforcer',
      },
    ],
  ],
  session: [
    [
      'is-session-duplicated',
      {
        label: 'Session looked for',
        description: 'It was asked whether a user is signed in to an application already.',
        method: 'GET',
        query: '?sessionPkId=acme%2Falice%2Fapp-acme&sessionId=3d4a1f0b',
      },
    ],
  ],
  payment: [
    [
      'invoice-payment',
      {
        label: 'Invoice made',
        description: 'An invoice was asked for a payment.',
        query: '?id=acme%2Fpayment_20260822_165336_7c1e',
      },
    ],
    [
      'notify-payment',
      {
        label: 'Payment told by its provider',
        description: 'A payment provider reported how a payment stands. `response` has its data.',
        data: { orderId: '5O190127TN364715T', status: 'COMPLETED' },
      },
    ],
  ],
  syncer: [
    [
      'run-syncer',
      {
        label: 'Syncer run',
        description: 'A syncer was told to copy users now.',
        method: 'GET',
        query: '?id=admin%2Fsyncer_crm',
      },
    ],
    [
      'test-syncer-db',
      {
        label: 'Syncer tested',
        description: "A connection to a syncer's database was tried.",
        data: {
          host: 'db.example.com',
          port: 3306,
          user: 'sync',
          password: '***',
          database: 'crm',
        },
      },
    ],
  ],
  invitation: [
    [
      'send-invitation',
      {
        label: 'Invitation sent',
        description: 'An invitation was mailed to people.',
        data: ['bob@example.com', 'carol@example.com'],
        query: '?id=acme%2Finvitation_spring',
      },
    ],
    [
      'verify-invitation',
      {
        label: 'Invitation verified',
        description: 'It was asked whether the code of an invitation is still good.',
        method: 'GET',
        query: '?id=acme%2Finvitation_spring',
      },
    ],
  ],
  ldap: [
    [
      'sync-ldap-users',
      {
        label: 'LDAP users read',
        description: 'Users of a directory were made accounts.',
        data: [{ uidNumber: '1001', uid: 'bob', cn: 'Bob', email: 'bob@example.com' }],
        query: '?id=acme%2Ff2e1d0c9-b8a7-4655-9443-322110ffeedd',
      },
    ],
  ],
  order: [
    [
      'place-order',
      {
        label: 'Order placed',
        description: 'A user ordered products, to pay for later.',
        data: { productInfos: [{ owner: 'acme', name: 'product_book', quantity: 1, price: 19.9 }] },
        actor: ALICE,
      },
    ],
    [
      'cancel-order',
      {
        label: 'Order cancelled',
        description: 'A user no longer wants what was ordered.',
        query: '?id=acme%2Forder_20260822_165300_51aa',
        actor: ALICE,
      },
    ],
    [
      'pay-order',
      {
        label: 'Order being paid',
        description: 'A user went on to pay an order, at a provider that was chosen.',
        query: '?id=acme%2Forder_20260822_165300_51aa&providerName=provider_payment_paypal',
        actor: ALICE,
      },
    ],
  ],
  ticket: [
    [
      'add-ticket-message',
      {
        label: 'Message added to ticket',
        description: 'The user or the support wrote to a ticket.',
        data: {
          author: 'acme/alice',
          text: 'It works again, thank you.',
          timestamp: '',
          isAdmin: false,
        },
        query: '?id=acme%2Fticket_42',
        actor: ALICE,
      },
    ],
  ],
};
