export { headerBag } from '../header-bag.ts';
export type {
  Explained,
  ExplainOptions,
  SignatureReport,
  SignatureState,
} from './explain.ts';
export { explainSignature } from './explain.ts';
export type { SignatureScheme } from './names.ts';
export { SIGNATURE_SCHEMES } from './names.ts';
export type { Recognised } from './recognise.ts';
export { recognise } from './recognise.ts';
