// Written by scripts/events.js from the catalogue beside: change that instead.
import { cand } from '../catalogue/cand.ts';
import type { Catalogue } from '../catalogue-types.ts';
import { presetEvents } from '../preset-events.ts';

/**
 * Member joined
 *
 * Somebody became a member of the community. The payload is their profile.
 */
export interface MOIMMemberJoined {
  id: string;
}

/**
 * Member updated
 *
 * A member changed their profile, or it was changed for them.
 */
export interface MOIMMemberUpdated {
  id: string;
}

/**
 * Member activated
 *
 * A member passed what the community asks of newcomers; `inviter` brought them, if anybody did.
 */
export interface MOIMMemberActivated {
  id: string;
  inviter?: string;
}

/**
 * Product created
 *
 * A product was put on sale. Fetch it with the bot token of the origin community.
 */
export interface MOIMProductCreated {
  id: string;
}

/**
 * Product updated
 *
 * Something about a product changed: its text, its price, whether it is on sale.
 */
export interface MOIMProductUpdated {
  id: string;
}

/**
 * Product voted for
 *
 * Somebody voted for a product, or took the vote back (`voted` is false then).
 */
export interface MOIMProductVoted {
  id: string;
  voted: boolean;
}

/**
 * Payment made
 *
 * A payment went through. It lists the purchases it paid for, and their products.
 */
export interface MOIMPaymentPaid {
  id: string;
  purchases: {
    id: string;
    purchaseItems: {
      id: string;
      productId: string;
    }[];
  }[];
}

/**
 * Payment cancelled
 *
 * A payment was called off or paid back. Its documented payload is not known in full.
 */
export type MOIMPaymentCancelled = unknown;

/**
 * Purchased item confirmed
 *
 * A buyer confirmed that one of the items paid for was received.
 */
export type MOIMPaymentPurchaseItemConfirmed = unknown;

/**
 * Subscription started
 *
 * A subscription to a product began, or went on after a period (`isRenewal`).
 */
export interface MOIMSubscriptionSubscribed {
  isRenewal: boolean;
  productId: string;
  id: string;
}

/**
 * Subscription expired
 *
 * A subscription ended and was not renewed.
 */
export interface MOIMSubscriptionExpired {
  productId: string;
  id: string;
}

/**
 * Message created
 *
 * A message was written in a conversation.
 */
export interface MOIMMessageCreated {
  id: string;
  conversationId: string;
}

/**
 * Content created
 *
 * A post or another piece of content was published in the community.
 */
export type MOIMContentCreated = unknown;

/** Event types and their payloads. */
export interface Events {
  "MOIM:member.joined": MOIMMemberJoined;
  "MOIM:member.updated": MOIMMemberUpdated;
  "MOIM:member.activated": MOIMMemberActivated;
  "MOIM:product.created": MOIMProductCreated;
  "MOIM:product.updated": MOIMProductUpdated;
  "MOIM:product.voted": MOIMProductVoted;
  "MOIM:payment.paid": MOIMPaymentPaid;
  "MOIM:payment.cancelled": MOIMPaymentCancelled;
  "MOIM:payment.purchaseItemConfirmed": MOIMPaymentPurchaseItemConfirmed;
  "MOIM:subscription.subscribed": MOIMSubscriptionSubscribed;
  "MOIM:subscription.expired": MOIMSubscriptionExpired;
  "MOIM:message.created": MOIMMessageCreated;
  "MOIM:content.created": MOIMContentCreated;
}

/** The events of canD, for `createReceiver({ events })`. */
export const events: Catalogue<Events> = /* @__PURE__ */ presetEvents(cand);
