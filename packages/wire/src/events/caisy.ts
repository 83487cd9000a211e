// Written by scripts/events.js from the catalogue beside: change that instead.
import { caisy } from '../catalogue/caisy.ts';
import type { Catalogue } from '../catalogue-types.ts';
import { presetEvents } from '../preset-events.ts';

/**
 * Document field update
 *
 * A field inside a document, a component or an asset was changed.
 */
export interface DocumentFieldUpdate {
  blueprint_id: string;
  document_id: string;
  document_status_id: number;
  blueprint_field_id?: string;
  document_locale_id?: string;
}

/**
 * Document create
 *
 * A document was created; it is a draft until it is published.
 */
export interface DocumentCreate {
  blueprint_id: string;
  document_id: string;
  document_status_id: number;
}

/**
 * Document update
 *
 * A document's status changed, such as from draft to published. Changed fields are told as document_field_update.
 */
export interface DocumentUpdate {
  blueprint_id: string;
  document_id: string;
  document_status_id: number;
}

/**
 * Document delete
 *
 * A document was deleted. Caches and search indexes should let go of it.
 */
export interface DocumentDelete {
  blueprint_id: string;
  document_id: string;
  document_status_id: number;
}

/**
 * Blueprint create
 *
 * A blueprint was created: the form that documents, components or assets are made by.
 */
export interface BlueprintCreate {
  blueprint_id: string;
  document_id: string;
  document_status_id: number;
}

/**
 * Blueprint update
 *
 * A blueprint was changed; documents made by it may have other fields now.
 */
export interface BlueprintUpdate {
  blueprint_id: string;
  document_id: string;
  document_status_id: number;
}

/**
 * Blueprint delete
 *
 * A blueprint was deleted; no more documents can be made by it.
 */
export interface BlueprintDelete {
  blueprint_id: string;
  document_id: string;
  document_status_id: number;
}

/**
 * Project member assigned
 *
 * Somebody became a member of the project, or their role in it was changed.
 */
export interface ProjectMemberAssigned {
  blueprint_id: string;
  document_id: string;
  document_status_id: number;
  effected_user_id?: string;
  triggered_user_id?: string;
  user_role?: string;
}

/**
 * Project member deassigned
 *
 * Somebody is no longer a member of the project.
 */
export interface ProjectMemberDeassigned {
  blueprint_id: string;
  document_id: string;
  document_status_id: number;
  effected_user_id?: string;
  triggered_user_id?: string;
  user_role?: string;
}

/** Event types and their payloads. */
export interface Events {
  "document_field_update": DocumentFieldUpdate;
  "document_create": DocumentCreate;
  "document_update": DocumentUpdate;
  "document_delete": DocumentDelete;
  "blueprint_create": BlueprintCreate;
  "blueprint_update": BlueprintUpdate;
  "blueprint_delete": BlueprintDelete;
  "project_member_assigned": ProjectMemberAssigned;
  "project_member_deassigned": ProjectMemberDeassigned;
}

/** The events of caisy, for `createReceiver({ events })`. */
export const events: Catalogue<Events> = /* @__PURE__ */ presetEvents(caisy);
