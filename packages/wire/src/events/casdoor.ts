// Written by scripts/events.js from the catalogue beside: change that instead.
import { casdoor } from '../catalogue/casdoor.ts';
import type { Catalogue } from '../catalogue-types.ts';
import { presetEvents } from '../preset-events.ts';

/**
 * User signed up
 *
 * Somebody made an account, or tried to. Failed calls are recorded too: see `response`.
 */
export interface Signup {
  application?: string;
  organization?: string;
  username?: string;
  password?: string;
  name?: string;
  email?: string;
  agreement?: boolean;
}

/**
 * User signed in
 *
 * Somebody signed in, or tried to: a wrong password is a login as well, see `response`.
 */
export interface Login {
  application?: string;
  organization?: string;
  username?: string;
  password?: string;
  autoSignin?: boolean;
  signinMethod?: string;
  type?: string;
}

/**
 * User signed out
 *
 * A user signed out of one application. Recorded also as a GET.
 */
export type Logout = unknown;

/**
 * User signed out everywhere
 *
 * A user signed out of all applications at once. Recorded also as a GET.
 */
export type SsoLogout = unknown;

/**
 * Social account unlinked
 *
 * A user may no longer sign in by an account at another service.
 */
export interface Unlink {
  providerType?: string;
  user?: {
    owner?: string;
    name?: string;
  };
}

/**
 * New user, signed up
 *
 * An account came into being by signing up; told beside signup, with the user as object.
 */
export interface NewUser {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  id?: string;
  type?: string;
  email?: string;
  phone?: string;
  countryCode?: string;
  affiliation?: string;
  tag?: string;
  language?: string;
  score?: number;
  isAdmin?: boolean;
  isForbidden?: boolean;
  signupApplication?: string;
  groups?: string[];
}

/**
 * New user, from LDAP
 *
 * An account came into being by reading a directory. The object is the user.
 */
export interface NewUserLdap {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  id?: string;
  type?: string;
  email?: string;
  phone?: string;
  countryCode?: string;
  affiliation?: string;
  tag?: string;
  language?: string;
  score?: number;
  isAdmin?: boolean;
  isForbidden?: boolean;
  signupApplication?: string;
  groups?: string[];
  ldap?: string;
}

/**
 * New user, from a syncer
 *
 * An account came into being by copying another database. The object is the user.
 */
export interface NewUserSyncer {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  id?: string;
  type?: string;
  email?: string;
  phone?: string;
  countryCode?: string;
  affiliation?: string;
  tag?: string;
  language?: string;
  score?: number;
  isAdmin?: boolean;
  isForbidden?: boolean;
  signupApplication?: string;
  groups?: string[];
  externalId?: string;
}

/**
 * Organization added
 *
 * An organization was added: the unit that users, applications and permissions belong to.
 */
export interface AddOrganization {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  websiteUrl?: string;
  passwordType?: string;
  passwordOptions?: string[];
  countryCodes?: string[];
  defaultApplication?: string;
  enableSoftDeletion?: boolean;
}

/**
 * Organization changed
 *
 * An organization was changed, such as its display name, its password rules or what its users may edit. The object is how it is now.
 */
export interface UpdateOrganization {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  websiteUrl?: string;
  passwordType?: string;
  passwordOptions?: string[];
  countryCodes?: string[];
  defaultApplication?: string;
  enableSoftDeletion?: boolean;
}

/**
 * Organization deleted
 *
 * An organization was deleted: nobody signs in to it any more. The object is how it was.
 */
export interface DeleteOrganization {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  websiteUrl?: string;
  passwordType?: string;
  passwordOptions?: string[];
  countryCodes?: string[];
  defaultApplication?: string;
  enableSoftDeletion?: boolean;
}

/**
 * Group added
 *
 * A group was added: users that are kept together, in a tree of groups.
 */
export interface AddGroup {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  updatedTime?: string;
  manager?: string;
  type?: string;
  parentId?: string;
  isTopGroup?: boolean;
  isEnabled?: boolean;
}

/**
 * Group changed
 *
 * A group was changed, such as its name, its parent or its manager. The object is how it is now.
 */
export interface UpdateGroup {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  updatedTime?: string;
  manager?: string;
  type?: string;
  parentId?: string;
  isTopGroup?: boolean;
  isEnabled?: boolean;
}

/**
 * Group deleted
 *
 * A group was deleted: its users stay, without it. The object is how it was.
 */
export interface DeleteGroup {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  updatedTime?: string;
  manager?: string;
  type?: string;
  parentId?: string;
  isTopGroup?: boolean;
  isEnabled?: boolean;
}

/**
 * Groups uploaded
 *
 * Groups were read from a spreadsheet. The file itself is not part of the record.
 */
export type UploadGroups = unknown;

/**
 * User added
 *
 * A user was added: an account that can sign in.
 */
export interface AddUser {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  id?: string;
  type?: string;
  email?: string;
  phone?: string;
  countryCode?: string;
  affiliation?: string;
  tag?: string;
  language?: string;
  score?: number;
  isAdmin?: boolean;
  isForbidden?: boolean;
  signupApplication?: string;
  groups?: string[];
}

/**
 * User changed
 *
 * A user was changed, such as a profile, a phone number, whether it is an administrator. The object is how it is now.
 */
export interface UpdateUser {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  id?: string;
  type?: string;
  email?: string;
  phone?: string;
  countryCode?: string;
  affiliation?: string;
  tag?: string;
  language?: string;
  score?: number;
  isAdmin?: boolean;
  isForbidden?: boolean;
  signupApplication?: string;
  groups?: string[];
}

/**
 * User deleted
 *
 * A user was deleted: the account cannot sign in any more. The object is how it was.
 */
export interface DeleteUser {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  id?: string;
  type?: string;
  email?: string;
  phone?: string;
  countryCode?: string;
  affiliation?: string;
  tag?: string;
  language?: string;
  score?: number;
  isAdmin?: boolean;
  isForbidden?: boolean;
  signupApplication?: string;
  groups?: string[];
}

/**
 * User removed from group
 *
 * A user no longer belongs to a group.
 */
export interface RemoveUserFromGroup {
  owner?: string;
  name?: string;
  groupName?: string;
}

/**
 * Users uploaded
 *
 * Users were read from a spreadsheet. The file itself is not part of the record.
 */
export type UploadUsers = unknown;

/**
 * Password checked
 *
 * A password was compared with that of a user, without signing in.
 */
export interface CheckUserPassword {
  owner?: string;
  name?: string;
  password?: string;
}

/**
 * Password set
 *
 * A user has another password. Here `user` is whose it is, not who set it.
 */
export interface SetPassword {
  userOwner?: string;
  userName?: string;
  oldPassword?: string;
  newPassword?: string;
}

/**
 * Email or phone changed
 *
 * A user proved another email address or phone number to be theirs.
 */
export interface ResetEmailOrPhone {
  type?: string;
  dest?: string;
  code?: string;
}

/**
 * Identity verified
 *
 * A user's identity card was checked by a provider.
 */
export interface VerifyIdentification {
  owner?: string;
  name?: string;
  provider?: string;
}

/**
 * Application added
 *
 * An application was added: a program whose users sign in through Casdoor.
 */
export interface AddApplication {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  homepageUrl?: string;
  organization?: string;
  cert?: string;
  enablePassword?: boolean;
  enableSignUp?: boolean;
  clientId?: string;
  redirectUris?: string[];
  grantTypes?: string[];
  expireInHours?: number;
}

/**
 * Application changed
 *
 * An application was changed, such as its redirect URLs, its sign-in methods or its token lifetimes. The object is how it is now.
 */
export interface UpdateApplication {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  homepageUrl?: string;
  organization?: string;
  cert?: string;
  enablePassword?: boolean;
  enableSignUp?: boolean;
  clientId?: string;
  redirectUris?: string[];
  grantTypes?: string[];
  expireInHours?: number;
}

/**
 * Application deleted
 *
 * An application was deleted: its users can no longer sign in to it. The object is how it was.
 */
export interface DeleteApplication {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  homepageUrl?: string;
  organization?: string;
  cert?: string;
  enablePassword?: boolean;
  enableSignUp?: boolean;
  clientId?: string;
  redirectUris?: string[];
  grantTypes?: string[];
  expireInHours?: number;
}

/**
 * Provider added
 *
 * A provider was added: a service that Casdoor works with: social sign-in, mail, SMS, storage, payment.
 */
export interface AddProvider {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  category?: string;
  type?: string;
  clientId?: string;
  clientSecret?: string;
}

/**
 * Provider changed
 *
 * A provider was changed, such as its keys, its endpoint or its templates. The object is how it is now.
 */
export interface UpdateProvider {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  category?: string;
  type?: string;
  clientId?: string;
  clientSecret?: string;
}

/**
 * Provider deleted
 *
 * A provider was deleted: what it did is no longer offered. The object is how it was.
 */
export interface DeleteProvider {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  category?: string;
  type?: string;
  clientId?: string;
  clientSecret?: string;
}

/**
 * Resource added
 *
 * A resource was added: a file that was uploaded, such as an avatar.
 */
export interface AddResource {
  owner?: string;
  name?: string;
  createdTime?: string;
  user?: string;
  provider?: string;
  application?: string;
  tag?: string;
  fileName?: string;
  fileType?: string;
  fileFormat?: string;
  fileSize?: number;
  url?: string;
}

/**
 * Resource changed
 *
 * A resource was changed, such as its tag, its description or whose it is. The object is how it is now.
 */
export interface UpdateResource {
  owner?: string;
  name?: string;
  createdTime?: string;
  user?: string;
  provider?: string;
  application?: string;
  tag?: string;
  fileName?: string;
  fileType?: string;
  fileFormat?: string;
  fileSize?: number;
  url?: string;
}

/**
 * Resource deleted
 *
 * A resource was deleted: its file is removed from the storage as well. The object is how it was.
 */
export interface DeleteResource {
  owner?: string;
  name?: string;
  createdTime?: string;
  user?: string;
  provider?: string;
  application?: string;
  tag?: string;
  fileName?: string;
  fileType?: string;
  fileFormat?: string;
  fileSize?: number;
  url?: string;
}

/**
 * Resource uploaded
 *
 * A file was uploaded and kept as a resource. The file is not part of the record.
 */
export type UploadResource = unknown;

/**
 * Certificate added
 *
 * A certificate was added: a key pair that tokens are signed with.
 */
export interface AddCert {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  scope?: string;
  type?: string;
  cryptoAlgorithm?: string;
  bitSize?: number;
  expireInYears?: number;
}

/**
 * Certificate changed
 *
 * A certificate was changed, such as its scope, its algorithm or its lifetime. The object is how it is now.
 */
export interface UpdateCert {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  scope?: string;
  type?: string;
  cryptoAlgorithm?: string;
  bitSize?: number;
  expireInYears?: number;
}

/**
 * Certificate deleted
 *
 * A certificate was deleted: tokens are no longer signed with it. The object is how it was.
 */
export interface DeleteCert {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  scope?: string;
  type?: string;
  cryptoAlgorithm?: string;
  bitSize?: number;
  expireInYears?: number;
}

/**
 * Role added
 *
 * A role was added: users and groups that get permissions together.
 */
export interface AddRole {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  users?: string[];
  groups?: unknown[];
  roles?: unknown[];
  domains?: unknown[];
  isEnabled?: boolean;
}

/**
 * Role changed
 *
 * A role was changed, such as who has it, or which roles it takes in. The object is how it is now.
 */
export interface UpdateRole {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  users?: string[];
  groups?: unknown[];
  roles?: unknown[];
  domains?: unknown[];
  isEnabled?: boolean;
}

/**
 * Role deleted
 *
 * A role was deleted: what was permitted through it no longer is. The object is how it was.
 */
export interface DeleteRole {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  users?: string[];
  groups?: unknown[];
  roles?: unknown[];
  domains?: unknown[];
  isEnabled?: boolean;
}

/**
 * Roles uploaded
 *
 * Roles were read from a spreadsheet. The file itself is not part of the record.
 */
export type UploadRoles = unknown;

/**
 * Permission added
 *
 * A permission was added: what users and roles may do with which resources.
 */
export interface AddPermission {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  users?: string[];
  groups?: unknown[];
  roles?: string[];
  domains?: unknown[];
  model?: string;
  resourceType?: string;
  resources?: string[];
  actions?: string[];
  effect?: string;
  isEnabled?: boolean;
  state?: string;
}

/**
 * Permission changed
 *
 * A permission was changed, such as its users, resources or actions, or whether it is approved. The object is how it is now.
 */
export interface UpdatePermission {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  users?: string[];
  groups?: unknown[];
  roles?: string[];
  domains?: unknown[];
  model?: string;
  resourceType?: string;
  resources?: string[];
  actions?: string[];
  effect?: string;
  isEnabled?: boolean;
  state?: string;
}

/**
 * Permission deleted
 *
 * A permission was deleted: what it allowed or denied is judged without it. The object is how it was.
 */
export interface DeletePermission {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  users?: string[];
  groups?: unknown[];
  roles?: string[];
  domains?: unknown[];
  model?: string;
  resourceType?: string;
  resources?: string[];
  actions?: string[];
  effect?: string;
  isEnabled?: boolean;
  state?: string;
}

/**
 * Permissions uploaded
 *
 * Permissions were read from a spreadsheet. The file is not part of the record.
 */
export type UploadPermissions = unknown;

/**
 * Model added
 *
 * A model was added: the Casbin rules by which permissions are judged.
 */
export interface AddModel {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  modelText?: string;
}

/**
 * Model changed
 *
 * A model was changed, such as its definition of requests, policies and matchers. The object is how it is now.
 */
export interface UpdateModel {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  modelText?: string;
}

/**
 * Model deleted
 *
 * A model was deleted: permissions that used it can no longer be judged by it. The object is how it was.
 */
export interface DeleteModel {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  modelText?: string;
}

/**
 * Adapter added
 *
 * An adapter was added: where the policies of Casbin are kept.
 */
export interface AddAdapter {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  table?: string;
  useSameDb?: boolean;
  type?: string;
  databaseType?: string;
  host?: string;
  port?: number;
  user?: string;
  database?: string;
}

/**
 * Adapter changed
 *
 * An adapter was changed, such as its database or its table. The object is how it is now.
 */
export interface UpdateAdapter {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  table?: string;
  useSameDb?: boolean;
  type?: string;
  databaseType?: string;
  host?: string;
  port?: number;
  user?: string;
  database?: string;
}

/**
 * Adapter deleted
 *
 * An adapter was deleted: policies are no longer read from there. The object is how it was.
 */
export interface DeleteAdapter {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  table?: string;
  useSameDb?: boolean;
  type?: string;
  databaseType?: string;
  host?: string;
  port?: number;
  user?: string;
  database?: string;
}

/**
 * Enforcer added
 *
 * An enforcer was added: a model and an adapter that together answer what is allowed.
 */
export interface AddEnforcer {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  model?: string;
  adapter?: string;
}

/**
 * Enforcer changed
 *
 * An enforcer was changed, such as its model or its adapter. The object is how it is now.
 */
export interface UpdateEnforcer {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  model?: string;
  adapter?: string;
}

/**
 * Enforcer deleted
 *
 * An enforcer was deleted: requests that name it are no longer answered. The object is how it was.
 */
export interface DeleteEnforcer {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  model?: string;
  adapter?: string;
}

/**
 * Permission asked
 *
 * A program asked whether something is allowed.
 */
export type Enforce = string[];

/**
 * Permissions asked
 *
 * A program asked of several things at once whether they are allowed.
 */
export type BatchEnforce = string[][];

/**
 * Session added
 *
 * A session was added: a sign-in of a user to an application, with the ids of its browsers.
 */
export interface AddSession {
  owner?: string;
  name?: string;
  application?: string;
  createdTime?: string;
  sessionId?: string[];
}

/**
 * Session changed
 *
 * A session was changed, such as which of its browsers are still signed in. The object is how it is now.
 */
export interface UpdateSession {
  owner?: string;
  name?: string;
  application?: string;
  createdTime?: string;
  sessionId?: string[];
}

/**
 * Session deleted
 *
 * A session was deleted: its user is signed out there. The object is how it was.
 */
export interface DeleteSession {
  owner?: string;
  name?: string;
  application?: string;
  createdTime?: string;
  sessionId?: string[];
}

/**
 * Session looked for
 *
 * It was asked whether a user is signed in to an application already. A GET, so it is recorded only if logPostOnly is off.
 */
export type IsSessionDuplicated = unknown;

/**
 * Token added
 *
 * A token was added: what an application was given for a user who signed in.
 */
export interface AddToken {
  owner?: string;
  name?: string;
  createdTime?: string;
  application?: string;
  organization?: string;
  user?: string;
  expiresIn?: number;
  scope?: string;
  tokenType?: string;
}

/**
 * Token changed
 *
 * A token was changed, such as its scope or its lifetime. The object is how it is now.
 */
export interface UpdateToken {
  owner?: string;
  name?: string;
  createdTime?: string;
  application?: string;
  organization?: string;
  user?: string;
  expiresIn?: number;
  scope?: string;
  tokenType?: string;
}

/**
 * Token deleted
 *
 * A token was deleted: it is no longer accepted. The object is how it was.
 */
export interface DeleteToken {
  owner?: string;
  name?: string;
  createdTime?: string;
  application?: string;
  organization?: string;
  user?: string;
  expiresIn?: number;
  scope?: string;
  tokenType?: string;
}

/**
 * Product added
 *
 * A product was added: something that users can buy.
 */
export interface AddProduct {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  detail?: string;
  currency?: string;
  price?: number;
  quantity?: number;
  sold?: number;
  isRecharge?: boolean;
  providers?: string[];
  state?: string;
}

/**
 * Product changed
 *
 * A product was changed, such as its price, its stock or whether it is published. The object is how it is now.
 */
export interface UpdateProduct {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  detail?: string;
  currency?: string;
  price?: number;
  quantity?: number;
  sold?: number;
  isRecharge?: boolean;
  providers?: string[];
  state?: string;
}

/**
 * Product deleted
 *
 * A product was deleted: it can no longer be bought. The object is how it was.
 */
export interface DeleteProduct {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  detail?: string;
  currency?: string;
  price?: number;
  quantity?: number;
  sold?: number;
  isRecharge?: boolean;
  providers?: string[];
  state?: string;
}

/**
 * Payment added
 *
 * A payment was added: the payment of a product by a user, with its state at the payment provider.
 */
export interface AddPayment {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  provider?: string;
  type?: string;
  productName?: string;
  currency?: string;
  price?: number;
  user?: string;
  personName?: string;
  personEmail?: string;
  state?: string;
  message?: string;
}

/**
 * Payment changed
 *
 * A payment was changed, such as its state, or the person it names. The object is how it is now.
 */
export interface UpdatePayment {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  provider?: string;
  type?: string;
  productName?: string;
  currency?: string;
  price?: number;
  user?: string;
  personName?: string;
  personEmail?: string;
  state?: string;
  message?: string;
}

/**
 * Payment deleted
 *
 * A payment was deleted: the record of it is lost; no money moves. The object is how it was.
 */
export interface DeletePayment {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  provider?: string;
  type?: string;
  productName?: string;
  currency?: string;
  price?: number;
  user?: string;
  personName?: string;
  personEmail?: string;
  state?: string;
  message?: string;
}

/**
 * Invoice made
 *
 * An invoice was asked for a payment.
 */
export type InvoicePayment = unknown;

/**
 * Payment told by its provider
 *
 * A payment provider reported how a payment stands. `response` has its data.
 */
export interface NotifyPayment {
  orderId?: string;
  status?: string;
}

/**
 * Plan added
 *
 * A plan was added: what a subscription costs in each period.
 */
export interface AddPlan {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  price?: number;
  currency?: string;
  period?: string;
  product?: string;
  paymentProviders?: string[];
  isEnabled?: boolean;
  role?: string;
}

/**
 * Plan changed
 *
 * A plan was changed, such as its price, its period or the role that it gives. The object is how it is now.
 */
export interface UpdatePlan {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  price?: number;
  currency?: string;
  period?: string;
  product?: string;
  paymentProviders?: string[];
  isEnabled?: boolean;
  role?: string;
}

/**
 * Plan deleted
 *
 * A plan was deleted: nobody new can subscribe to it. The object is how it was.
 */
export interface DeletePlan {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  price?: number;
  currency?: string;
  period?: string;
  product?: string;
  paymentProviders?: string[];
  isEnabled?: boolean;
  role?: string;
}

/**
 * Pricing added
 *
 * A pricing was added: the plans that are offered side by side.
 */
export interface AddPricing {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  plans?: string[];
  isEnabled?: boolean;
  trialDuration?: number;
  application?: string;
}

/**
 * Pricing changed
 *
 * A pricing was changed, such as its plans or the length of the trial. The object is how it is now.
 */
export interface UpdatePricing {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  plans?: string[];
  isEnabled?: boolean;
  trialDuration?: number;
  application?: string;
}

/**
 * Pricing deleted
 *
 * A pricing was deleted: its page is no longer offered. The object is how it was.
 */
export interface DeletePricing {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  description?: string;
  plans?: string[];
  isEnabled?: boolean;
  trialDuration?: number;
  application?: string;
}

/**
 * Subscription added
 *
 * A subscription was added: a user who pays for a plan, from one time to another.
 */
export interface AddSubscription {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  user?: string;
  pricing?: string;
  plan?: string;
  payment?: string;
  startTime?: string;
  endTime?: string;
  period?: string;
  state?: string;
}

/**
 * Subscription changed
 *
 * A subscription was changed, such as its state, its plan or its end. The object is how it is now.
 */
export interface UpdateSubscription {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  user?: string;
  pricing?: string;
  plan?: string;
  payment?: string;
  startTime?: string;
  endTime?: string;
  period?: string;
  state?: string;
}

/**
 * Subscription deleted
 *
 * A subscription was deleted: the user no longer has the plan. The object is how it was.
 */
export interface DeleteSubscription {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  user?: string;
  pricing?: string;
  plan?: string;
  payment?: string;
  startTime?: string;
  endTime?: string;
  period?: string;
  state?: string;
}

/**
 * Syncer added
 *
 * A syncer was added: what copies users from another database.
 */
export interface AddSyncer {
  owner?: string;
  name?: string;
  createdTime?: string;
  organization?: string;
  type?: string;
  databaseType?: string;
  host?: string;
  port?: number;
  user?: string;
  password?: string;
  database?: string;
  table?: string;
  tableColumns?: unknown[];
  syncInterval?: number;
  isEnabled?: boolean;
}

/**
 * Syncer changed
 *
 * A syncer was changed, such as its database, its columns or how often it runs. The object is how it is now.
 */
export interface UpdateSyncer {
  owner?: string;
  name?: string;
  createdTime?: string;
  organization?: string;
  type?: string;
  databaseType?: string;
  host?: string;
  port?: number;
  user?: string;
  password?: string;
  database?: string;
  table?: string;
  tableColumns?: unknown[];
  syncInterval?: number;
  isEnabled?: boolean;
}

/**
 * Syncer deleted
 *
 * A syncer was deleted: users are no longer copied from there. The object is how it was.
 */
export interface DeleteSyncer {
  owner?: string;
  name?: string;
  createdTime?: string;
  organization?: string;
  type?: string;
  databaseType?: string;
  host?: string;
  port?: number;
  user?: string;
  password?: string;
  database?: string;
  table?: string;
  tableColumns?: unknown[];
  syncInterval?: number;
  isEnabled?: boolean;
}

/**
 * Syncer run
 *
 * A syncer was told to copy users now. A GET, so it is recorded only if logPostOnly is off.
 */
export type RunSyncer = unknown;

/**
 * Syncer tested
 *
 * A connection to a syncer's database was tried.
 */
export interface TestSyncerDb {
  host?: string;
  port?: number;
  user?: string;
  password?: string;
  database?: string;
}

/**
 * Webhook added
 *
 * A webhook was added: an address that is told of events like this one.
 */
export interface AddWebhook {
  owner?: string;
  name?: string;
  createdTime?: string;
  organization?: string;
  url?: string;
  method?: string;
  contentType?: string;
  headers?: {
    name?: string;
    value?: string;
  }[];
  events?: string[];
  isUserExtended?: boolean;
  singleOrgOnly?: boolean;
  isEnabled?: boolean;
}

/**
 * Webhook changed
 *
 * A webhook was changed, such as its address, its events or its headers. The object is how it is now.
 */
export interface UpdateWebhook {
  owner?: string;
  name?: string;
  createdTime?: string;
  organization?: string;
  url?: string;
  method?: string;
  contentType?: string;
  headers?: {
    name?: string;
    value?: string;
  }[];
  events?: string[];
  isUserExtended?: boolean;
  singleOrgOnly?: boolean;
  isEnabled?: boolean;
}

/**
 * Webhook deleted
 *
 * A webhook was deleted: the address is told of nothing more. The object is how it was.
 */
export interface DeleteWebhook {
  owner?: string;
  name?: string;
  createdTime?: string;
  organization?: string;
  url?: string;
  method?: string;
  contentType?: string;
  headers?: {
    name?: string;
    value?: string;
  }[];
  events?: string[];
  isUserExtended?: boolean;
  singleOrgOnly?: boolean;
  isEnabled?: boolean;
}

/**
 * Form added
 *
 * A form was added: which columns a list of the admin's pages shows.
 */
export interface AddForm {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  type?: string;
  formItems?: {
    name?: string;
    label?: string;
    visible?: boolean;
    width?: string;
  }[];
}

/**
 * Form changed
 *
 * A form was changed, such as its columns, their order or their width. The object is how it is now.
 */
export interface UpdateForm {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  type?: string;
  formItems?: {
    name?: string;
    label?: string;
    visible?: boolean;
    width?: string;
  }[];
}

/**
 * Form deleted
 *
 * A form was deleted: the list shows its usual columns. The object is how it was.
 */
export interface DeleteForm {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  type?: string;
  formItems?: {
    name?: string;
    label?: string;
    visible?: boolean;
    width?: string;
  }[];
}

/**
 * Invitation added
 *
 * An invitation was added: a code with which people may sign up.
 */
export interface AddInvitation {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  code?: string;
  isRegexp?: boolean;
  quota?: number;
  usedCount?: number;
  application?: string;
  email?: string;
  signupGroup?: string;
  state?: string;
}

/**
 * Invitation changed
 *
 * An invitation was changed, such as its quota, its application or its state. The object is how it is now.
 */
export interface UpdateInvitation {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  code?: string;
  isRegexp?: boolean;
  quota?: number;
  usedCount?: number;
  application?: string;
  email?: string;
  signupGroup?: string;
  state?: string;
}

/**
 * Invitation deleted
 *
 * An invitation was deleted: its code is no longer accepted. The object is how it was.
 */
export interface DeleteInvitation {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  code?: string;
  isRegexp?: boolean;
  quota?: number;
  usedCount?: number;
  application?: string;
  email?: string;
  signupGroup?: string;
  state?: string;
}

/**
 * Invitation sent
 *
 * An invitation was mailed to people.
 */
export type SendInvitation = string[];

/**
 * Invitation verified
 *
 * It was asked whether the code of an invitation is still good. A GET, so it is recorded only if logPostOnly is off.
 */
export type VerifyInvitation = unknown;

/**
 * LDAP server added
 *
 * An LDAP server was added: a directory that users are read from.
 */
export interface AddLdap {
  id?: string;
  owner?: string;
  createdTime?: string;
  serverName?: string;
  host?: string;
  port?: number;
  enableSsl?: boolean;
  username?: string;
  password?: string;
  baseDn?: string;
  filter?: string;
  autoSync?: number;
  lastSync?: string;
}

/**
 * LDAP server changed
 *
 * An LDAP server was changed, such as its host, its base or its filter. The object is how it is now.
 */
export interface UpdateLdap {
  id?: string;
  owner?: string;
  createdTime?: string;
  serverName?: string;
  host?: string;
  port?: number;
  enableSsl?: boolean;
  username?: string;
  password?: string;
  baseDn?: string;
  filter?: string;
  autoSync?: number;
  lastSync?: string;
}

/**
 * LDAP server deleted
 *
 * An LDAP server was deleted: users are no longer read from it; those that were stay. The object is how it was.
 */
export interface DeleteLdap {
  id?: string;
  owner?: string;
  createdTime?: string;
  serverName?: string;
  host?: string;
  port?: number;
  enableSsl?: boolean;
  username?: string;
  password?: string;
  baseDn?: string;
  filter?: string;
  autoSync?: number;
  lastSync?: string;
}

/**
 * LDAP users read
 *
 * Users of a directory were made accounts.
 */
export type SyncLdapUsers = {
  uidNumber?: string;
  uid?: string;
  cn?: string;
  email?: string;
}[];

/**
 * Order added
 *
 * An order was added: products that a user wants to buy.
 */
export interface AddOrder {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  products?: string[];
  user?: string;
  payment?: string;
  state?: string;
  message?: string;
}

/**
 * Order changed
 *
 * An order was changed, such as its products or its state. The object is how it is now.
 */
export interface UpdateOrder {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  products?: string[];
  user?: string;
  payment?: string;
  state?: string;
  message?: string;
}

/**
 * Order deleted
 *
 * An order was deleted: it can no longer be paid. The object is how it was.
 */
export interface DeleteOrder {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  products?: string[];
  user?: string;
  payment?: string;
  state?: string;
  message?: string;
}

/**
 * Order placed
 *
 * A user ordered products, to pay for later.
 */
export interface PlaceOrder {
  productInfos?: {
    owner?: string;
    name?: string;
    quantity?: number;
    price?: number;
  }[];
}

/**
 * Order cancelled
 *
 * A user no longer wants what was ordered.
 */
export type CancelOrder = unknown;

/**
 * Order being paid
 *
 * A user went on to pay an order, at a provider that was chosen.
 */
export type PayOrder = unknown;

/**
 * Ticket added
 *
 * A ticket was added: a question of a user to the support.
 */
export interface AddTicket {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  updatedTime?: string;
  user?: string;
  title?: string;
  content?: string;
  state?: string;
  messages?: unknown[];
}

/**
 * Ticket changed
 *
 * A ticket was changed, such as its title, its text or its state. The object is how it is now.
 */
export interface UpdateTicket {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  updatedTime?: string;
  user?: string;
  title?: string;
  content?: string;
  state?: string;
  messages?: unknown[];
}

/**
 * Ticket deleted
 *
 * A ticket was deleted: its messages are gone with it. The object is how it was.
 */
export interface DeleteTicket {
  owner?: string;
  name?: string;
  createdTime?: string;
  displayName?: string;
  updatedTime?: string;
  user?: string;
  title?: string;
  content?: string;
  state?: string;
  messages?: unknown[];
}

/**
 * Message added to ticket
 *
 * The user or the support wrote to a ticket.
 */
export interface AddTicketMessage {
  author?: string;
  text?: string;
  timestamp?: string;
  isAdmin?: boolean;
}

/**
 * Transaction added
 *
 * A transaction was added: a movement of a user's or an organization's balance.
 */
export interface AddTransaction {
  owner?: string;
  name?: string;
  createdTime?: string;
  application?: string;
  category?: string;
  type?: string;
  user?: string;
  tag?: string;
  amount?: number;
  currency?: string;
  payment?: string;
  state?: string;
}

/**
 * Transaction changed
 *
 * A transaction was changed, such as its category, its amount or its state. The object is how it is now.
 */
export interface UpdateTransaction {
  owner?: string;
  name?: string;
  createdTime?: string;
  application?: string;
  category?: string;
  type?: string;
  user?: string;
  tag?: string;
  amount?: number;
  currency?: string;
  payment?: string;
  state?: string;
}

/**
 * Transaction deleted
 *
 * A transaction was deleted: the balance is counted without it. The object is how it was.
 */
export interface DeleteTransaction {
  owner?: string;
  name?: string;
  createdTime?: string;
  application?: string;
  category?: string;
  type?: string;
  user?: string;
  tag?: string;
  amount?: number;
  currency?: string;
  payment?: string;
  state?: string;
}

/**
 * Policy added
 *
 * A line was added to the policies that an adapter keeps.
 */
export interface AddPolicy {
  Ptype?: string;
  V0?: string;
  V1?: string;
  V2?: string;
  V3?: string;
  V4?: string;
  V5?: string;
}

/**
 * Policy changed
 *
 * A line of the policies that an adapter keeps was replaced.
 */
export type UpdatePolicy = {
  Ptype?: string;
  V0?: string;
  V1?: string;
  V2?: string;
  V3?: string;
  V4?: string;
  V5?: string;
}[];

/**
 * Policy removed
 *
 * A line of the policies that an adapter keeps was removed.
 */
export interface RemovePolicy {
  Ptype?: string;
  V0?: string;
  V1?: string;
  V2?: string;
  V3?: string;
  V4?: string;
  V5?: string;
}

/**
 * Record added
 *
 * A program wrote a line of its own into the log that these events are made of.
 */
export interface AddRecord {
  owner?: string;
  organization?: string;
  user?: string;
  action?: string;
}

/**
 * Factor removed
 *
 * A user is no longer asked for a second factor.
 */
export interface DeleteMfa {
  owner?: string;
  name?: string;
}

/**
 * Preferred factor set
 *
 * A user chose which of several factors is asked for first.
 */
export interface SetPreferredMfa {
  owner?: string;
  name?: string;
  mfaType?: string;
}

/**
 * Factor set-up begun
 *
 * A user began to set up a second factor.
 */
export interface MfaSetupInitiate {
  owner?: string;
  name?: string;
  mfaType?: string;
}

/**
 * Factor tried
 *
 * A user entered a first code of a factor that is being set up.
 */
export interface MfaSetupVerify {
  mfaType?: string;
  passcode?: string;
}

/**
 * Factor set up
 *
 * A second factor is asked for from now on.
 */
export interface MfaSetupEnable {
  owner?: string;
  name?: string;
  mfaType?: string;
}

/**
 * Passkey registration begun
 *
 * A browser asked what to sign in order to register a user's passkey. A GET, so it is recorded only if logPostOnly is off.
 */
export type WebauthnSignupBegin = unknown;

/**
 * Passkey registered
 *
 * A user can sign in with a passkey or a security key.
 */
export interface WebauthnSignupFinish {
  id?: string;
  type?: string;
}

/**
 * Passkey sign-in begun
 *
 * A browser asked what a passkey has to sign. A GET, so it is recorded only if logPostOnly is off.
 */
export type WebauthnSigninBegin = unknown;

/**
 * Signed in with a passkey
 *
 * A user signed in with a passkey or a security key, or tried to.
 */
export interface WebauthnSigninFinish {
  id?: string;
  type?: string;
}

/**
 * Token given
 *
 * An application exchanged a code or its own credentials for an access token.
 */
export interface LoginOauthAccessToken {
  grant_type?: string;
  client_id?: string;
  code?: string;
}

/**
 * Token refreshed
 *
 * An application exchanged a refresh token for a new access token.
 */
export interface LoginOauthRefreshToken {
  grant_type?: string;
  client_id?: string;
  scope?: string;
}

/**
 * Token looked into
 *
 * A service asked whether a token is still good, and whose it is.
 */
export interface LoginOauthIntrospect {
  token_type_hint?: string;
}

/**
 * Code sent
 *
 * A code was sent to an email address or a phone number.
 */
export interface SendVerificationCode {
  type?: string;
  dest?: string;
  applicationId?: string;
  method?: string;
}

/**
 * Code checked
 *
 * A code that was sent was entered, right or wrong.
 */
export interface VerifyCode {
  username?: string;
  organization?: string;
  application?: string;
  code?: string;
}

/**
 * Captcha checked
 *
 * Somebody proved to be a person, or did not.
 */
export interface VerifyCaptcha {
  captchaType?: string;
  captchaToken?: string;
}

/**
 * Email sent
 *
 * A program had an email sent to people.
 */
export interface SendEmail {
  title?: string;
  content?: string;
  sender?: string;
  receivers?: string[];
}

/**
 * SMS sent
 *
 * A program had a text message sent.
 */
export interface SendSms {
  content?: string;
  receivers?: string[];
}

/**
 * Notification sent
 *
 * A program had a notification sent, such as to a chat.
 */
export interface SendNotification {
  content?: string;
}

/**
 * SAML answer taken
 *
 * Another identity provider answered a sign-in by SAML.
 */
export interface Acs {
  RelayState?: string;
}

/**
 * SAML metadata read
 *
 * An application read how to sign users in by SAML. A GET, so it is recorded only if logPostOnly is off.
 */
export type SamlMetadata = unknown;

/**
 * Casbin command run
 *
 * A command of Casbin was run through the API. A GET, so it is recorded only if logPostOnly is off.
 */
export type RunCasbinCommand = unknown;

/**
 * Casbin engines refreshed
 *
 * The engines behind the Casbin commands were fetched anew.
 */
export type RefreshEngines = unknown;

/**
 * Health asked
 *
 * A monitor asked whether Casdoor is well. A GET, so it is recorded only if logPostOnly is off.
 */
export type Health = unknown;

/**
 * Metrics read
 *
 * Prometheus, or something like it, read the metrics. A GET, so it is recorded only if logPostOnly is off.
 */
export type Metrics = unknown;

/**
 * Provider answered
 *
 * Another service sent a user back with a code.
 */
export interface Callback {
  code?: string;
  state?: string;
}

/**
 * Device sign-in begun
 *
 * A device without a browser asked for a code to show its user.
 */
export type DeviceAuth = unknown;

/**
 * Face sign-in begun
 *
 * A user is about to sign in by showing their face. A GET, so it is recorded only if logPostOnly is off.
 */
export type FaceidSigninBegin = unknown;

/**
 * User read by token
 *
 * An application asked whose token it holds, in the form of Laravel Socialite. A GET, so it is recorded only if logPostOnly is off.
 */
export type User = unknown;

/**
 * User info read
 *
 * An application asked whose token it holds, in the form of OpenID Connect. A GET, so it is recorded only if logPostOnly is off.
 */
export type Userinfo = unknown;

/** Event types and their payloads. */
export interface Events {
  "signup": Signup;
  "login": Login;
  "logout": Logout;
  "sso-logout": SsoLogout;
  "unlink": Unlink;
  "new-user": NewUser;
  "new-user-ldap": NewUserLdap;
  "new-user-syncer": NewUserSyncer;
  "add-organization": AddOrganization;
  "update-organization": UpdateOrganization;
  "delete-organization": DeleteOrganization;
  "add-group": AddGroup;
  "update-group": UpdateGroup;
  "delete-group": DeleteGroup;
  "upload-groups": UploadGroups;
  "add-user": AddUser;
  "update-user": UpdateUser;
  "delete-user": DeleteUser;
  "remove-user-from-group": RemoveUserFromGroup;
  "upload-users": UploadUsers;
  "check-user-password": CheckUserPassword;
  "set-password": SetPassword;
  "reset-email-or-phone": ResetEmailOrPhone;
  "verify-identification": VerifyIdentification;
  "add-application": AddApplication;
  "update-application": UpdateApplication;
  "delete-application": DeleteApplication;
  "add-provider": AddProvider;
  "update-provider": UpdateProvider;
  "delete-provider": DeleteProvider;
  "add-resource": AddResource;
  "update-resource": UpdateResource;
  "delete-resource": DeleteResource;
  "upload-resource": UploadResource;
  "add-cert": AddCert;
  "update-cert": UpdateCert;
  "delete-cert": DeleteCert;
  "add-role": AddRole;
  "update-role": UpdateRole;
  "delete-role": DeleteRole;
  "upload-roles": UploadRoles;
  "add-permission": AddPermission;
  "update-permission": UpdatePermission;
  "delete-permission": DeletePermission;
  "upload-permissions": UploadPermissions;
  "add-model": AddModel;
  "update-model": UpdateModel;
  "delete-model": DeleteModel;
  "add-adapter": AddAdapter;
  "update-adapter": UpdateAdapter;
  "delete-adapter": DeleteAdapter;
  "add-enforcer": AddEnforcer;
  "update-enforcer": UpdateEnforcer;
  "delete-enforcer": DeleteEnforcer;
  "enforce": Enforce;
  "batch-enforce": BatchEnforce;
  "add-session": AddSession;
  "update-session": UpdateSession;
  "delete-session": DeleteSession;
  "is-session-duplicated": IsSessionDuplicated;
  "add-token": AddToken;
  "update-token": UpdateToken;
  "delete-token": DeleteToken;
  "add-product": AddProduct;
  "update-product": UpdateProduct;
  "delete-product": DeleteProduct;
  "add-payment": AddPayment;
  "update-payment": UpdatePayment;
  "delete-payment": DeletePayment;
  "invoice-payment": InvoicePayment;
  "notify-payment": NotifyPayment;
  "add-plan": AddPlan;
  "update-plan": UpdatePlan;
  "delete-plan": DeletePlan;
  "add-pricing": AddPricing;
  "update-pricing": UpdatePricing;
  "delete-pricing": DeletePricing;
  "add-subscription": AddSubscription;
  "update-subscription": UpdateSubscription;
  "delete-subscription": DeleteSubscription;
  "add-syncer": AddSyncer;
  "update-syncer": UpdateSyncer;
  "delete-syncer": DeleteSyncer;
  "run-syncer": RunSyncer;
  "test-syncer-db": TestSyncerDb;
  "add-webhook": AddWebhook;
  "update-webhook": UpdateWebhook;
  "delete-webhook": DeleteWebhook;
  "add-form": AddForm;
  "update-form": UpdateForm;
  "delete-form": DeleteForm;
  "add-invitation": AddInvitation;
  "update-invitation": UpdateInvitation;
  "delete-invitation": DeleteInvitation;
  "send-invitation": SendInvitation;
  "verify-invitation": VerifyInvitation;
  "add-ldap": AddLdap;
  "update-ldap": UpdateLdap;
  "delete-ldap": DeleteLdap;
  "sync-ldap-users": SyncLdapUsers;
  "add-order": AddOrder;
  "update-order": UpdateOrder;
  "delete-order": DeleteOrder;
  "place-order": PlaceOrder;
  "cancel-order": CancelOrder;
  "pay-order": PayOrder;
  "add-ticket": AddTicket;
  "update-ticket": UpdateTicket;
  "delete-ticket": DeleteTicket;
  "add-ticket-message": AddTicketMessage;
  "add-transaction": AddTransaction;
  "update-transaction": UpdateTransaction;
  "delete-transaction": DeleteTransaction;
  "add-policy": AddPolicy;
  "update-policy": UpdatePolicy;
  "remove-policy": RemovePolicy;
  "add-record": AddRecord;
  "delete-mfa": DeleteMfa;
  "set-preferred-mfa": SetPreferredMfa;
  "mfa/setup/initiate": MfaSetupInitiate;
  "mfa/setup/verify": MfaSetupVerify;
  "mfa/setup/enable": MfaSetupEnable;
  "webauthn/signup/begin": WebauthnSignupBegin;
  "webauthn/signup/finish": WebauthnSignupFinish;
  "webauthn/signin/begin": WebauthnSigninBegin;
  "webauthn/signin/finish": WebauthnSigninFinish;
  "login/oauth/access_token": LoginOauthAccessToken;
  "login/oauth/refresh_token": LoginOauthRefreshToken;
  "login/oauth/introspect": LoginOauthIntrospect;
  "send-verification-code": SendVerificationCode;
  "verify-code": VerifyCode;
  "verify-captcha": VerifyCaptcha;
  "send-email": SendEmail;
  "send-sms": SendSms;
  "send-notification": SendNotification;
  "acs": Acs;
  "saml/metadata": SamlMetadata;
  "run-casbin-command": RunCasbinCommand;
  "refresh-engines": RefreshEngines;
  "health": Health;
  "metrics": Metrics;
  "callback": Callback;
  "device-auth": DeviceAuth;
  "faceid-signin-begin": FaceidSigninBegin;
  "user": User;
  "userinfo": Userinfo;
}

/** The events of Casdoor, for `createReceiver({ events })`. */
export const events: Catalogue<Events> = /* @__PURE__ */ presetEvents(casdoor);
