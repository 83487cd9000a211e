import { type JsonObject, type Preset, type PresetEvent, presetEvent } from './preset.ts';
import { integer, object, text } from './schema.ts';

/** caisy: nine events. What is absent in their metadata is an empty text or zero, never null. */

const DOCUMENT = 'de0a74d8-e472-4dd1-909c-d233f14f4da5';
const BLUEPRINT = '5f0d9a52-7c1e-4b1f-9d3a-2f1f6f0c8a11';

const metadata = { blueprint_id: text, document_id: text, document_status_id: integer };

interface Told {
  readonly group: string;
  readonly label: string;
  readonly description: string;
  readonly data?: JsonObject;
  readonly more?: JsonObject;
}

/** `more`: members that are probably there, taken from caisy's audit events; none is needed. */
function action(name: string, { data, more = {}, ...about }: Told): PresetEvent {
  const schema = object({ ...metadata, ...more }, Object.keys(more));
  const nothing = { blueprint_id: '', document_id: '', document_status_id: 0 };
  return presetEvent(name, { ...about, schema, example: { data: { ...nothing, ...data } } });
}

const DOCUMENTS: readonly PresetEvent[] = [
  action('document_field_update', {
    group: 'Documents',
    label: 'Document field update',
    description: 'A field inside a document, a component or an asset was changed.',
    data: {
      document_id: DOCUMENT,
      document_status_id: 1,
      blueprint_field_id: '0c2f9e64-6d0b-4d43-8a53-6f7f1f4f5b21',
      document_locale_id: 'b3b1b3a0-4a8c-4a3f-9f35-0c9b5f8de702',
    },
    more: { blueprint_field_id: text, document_locale_id: text },
  }),
  action('document_create', {
    group: 'Documents',
    label: 'Document create',
    description: 'A document was created; it is a draft until it is published.',
    data: { document_id: DOCUMENT, document_status_id: 1 },
  }),
  action('document_update', {
    group: 'Documents',
    label: 'Document update',
    description:
      "A document's status changed, such as from draft to published. Changed fields are told as document_field_update.",
    data: { document_id: DOCUMENT, document_status_id: 2 },
  }),
  action('document_delete', {
    group: 'Documents',
    label: 'Document delete',
    description: 'A document was deleted. Caches and search indexes should let go of it.',
    data: { document_id: DOCUMENT },
  }),
];

const BLUEPRINTS: readonly PresetEvent[] = [
  action('blueprint_create', {
    group: 'Blueprints',
    label: 'Blueprint create',
    description:
      'A blueprint was created: the form that documents, components or assets are made by.',
    data: { blueprint_id: BLUEPRINT },
  }),
  action('blueprint_update', {
    group: 'Blueprints',
    label: 'Blueprint update',
    description: 'A blueprint was changed; documents made by it may have other fields now.',
    data: { blueprint_id: BLUEPRINT },
  }),
  action('blueprint_delete', {
    group: 'Blueprints',
    label: 'Blueprint delete',
    description: 'A blueprint was deleted; no more documents can be made by it.',
    data: { blueprint_id: BLUEPRINT },
  }),
];

const MEMBER = {
  effected_user_id: '3b8c1d1e-5a0e-4d3f-8c62-1b4d5f7a9021',
  triggered_user_id: '9a7d2c44-1e0f-4b6a-9f3d-7c5e2b1a0f63',
};
const member = { effected_user_id: text, triggered_user_id: text, user_role: text };

const MEMBERS: readonly PresetEvent[] = [
  action('project_member_assigned', {
    group: 'Project members',
    label: 'Project member assigned',
    description: 'Somebody became a member of the project, or their role in it was changed.',
    data: { ...MEMBER, user_role: 'editor' },
    more: member,
  }),
  action('project_member_deassigned', {
    group: 'Project members',
    label: 'Project member deassigned',
    description: 'Somebody is no longer a member of the project.',
    data: MEMBER,
    more: member,
  }),
];

export const caisy: Preset = {
  name: 'caisy',
  label: 'caisy',
  description:
    "The actions of a caisy project: documents, blueprints, project members. caisy's API spells two of " +
    'them project_member_assinged and project_member_deassinged; both spellings are read.',
  eventTypes: [...DOCUMENTS, ...BLUEPRINTS, ...MEMBERS],
};
