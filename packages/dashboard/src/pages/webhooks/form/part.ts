import type { Mistakes } from '../../../data/mistakes.ts';
import type { Draft } from '../draft.ts';
import type { SendingDraft } from '../sending-draft.ts';

/** What each section of the form gets. */
export interface Part {
  readonly draft: Draft;
  readonly set: (change: Partial<Draft>) => void;
  /** What the server, or the form itself, said of a field. */
  readonly mistakes: Mistakes;
}

/** The whole form. */
export interface FormPart extends Part {
  /** It is not saved yet. */
  readonly isNew: boolean;
}

/** The part of it that tenants hand down. */
export interface SendingPart {
  /** What stands for a value that is left out. */
  readonly inherited?: string;
  readonly draft: SendingDraft;
  readonly set: (change: Partial<SendingDraft>) => void;
  readonly mistakes: Mistakes;
}
