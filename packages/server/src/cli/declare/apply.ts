import { createClient } from '@posthorn/api';
import { readInput } from '../input.ts';
import { EXIT, type ExitCode, type Output } from '../output.ts';
import { failure, NO_KEY } from '../send.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import { perform } from './perform.ts';
import { makePlan } from './plan.ts';
import { changesToJson, countsOf, doneSummary, planLines, planSummary } from './plan-view.ts';
import type { Variables } from './references.ts';
import { type Plan, type Step, stepsOf } from './steps.ts';
import { FileError } from './yaml-file.ts';

export interface ApplyInput {
  /** `-` = stdin. */
  readonly file: string;
  readonly dryRun: boolean;
  readonly prune: boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly url: string;
  readonly key: string | undefined;
  readonly variables: Variables;
  /** Asks a person; undefined = nobody is there. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
}

/**
 * Makes a server have what a file says: first the plan, then the changes. 1 = refused, not reached, or
 * not confirmed; 2 = the file cannot be used.
 */
export async function apply(input: ApplyInput, output: Output): Promise<ExitCode> {
  const { url, key, prune } = input;
  if (key === undefined) {
    output.note(NO_KEY);
    return EXIT.usage;
  }
  const manifest = await readManifest(input, output);
  if (!manifest) return EXIT.usage;
  const client = createClient({ baseUrl: url, key });
  const done: Step[] = [];
  const report = reporter(input, output);
  let plan: Plan | undefined;
  try {
    plan = await makePlan(manifest, { client, prune });
    report.plan(plan);
    if (input.dryRun || changesOf(plan) === 0) {
      report.end(plan, false);
      return EXIT.ok;
    }
    if (!(await confirmed(input, output))) {
      report.end(plan, false);
      return EXIT.failed;
    }
    const total = changesOf(plan);
    await perform(plan, {
      client,
      manifest,
      done: (steps) => {
        done.push(...steps);
        output.progress({ done: done.length, total, what: 'changes' });
      },
    });
    report.end(plan, true);
    return EXIT.ok;
  } catch (error) {
    for (const line of error instanceof FileError ? error.problems : [failure(error, url)]) {
      output.note(line);
    }
    if (plan) output.note(stopped(done, plan));
    else output.note('Nothing was changed.');
    return EXIT.failed;
  }
}

async function readManifest(
  { file, variables }: ApplyInput,
  output: Output,
): Promise<Manifest | undefined> {
  const name = file === '-' ? 'stdin' : file;
  try {
    return parseManifest((await readInput(file)).toString('utf8'), name, variables);
  } catch (error) {
    const problems =
      error instanceof FileError
        ? error.problems
        : [`${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`];
    for (const line of problems) output.note(line);
    return undefined;
  }
}

function changesOf(plan: Plan): number {
  return stepsOf(plan).filter(({ change }) => change !== 'unchanged').length;
}

async function confirmed({ yes, json, confirm }: ApplyInput, output: Output): Promise<boolean> {
  if (yes) return true;
  if (!confirm || json) {
    output.note('Nothing was changed: nobody is here to ask. Pass --yes to make these changes.');
    return false;
  }
  if (await confirm('Make these changes? [y/N] ')) return true;
  output.note('Nothing was changed.');
  return false;
}

/** What is printed: the plan when it is made and what came of it; for programs both at the end. */
function reporter({ json, dryRun, prune }: ApplyInput, output: Output) {
  const summaryOf = (plan: Plan) => planSummary(countsOf(stepsOf(plan)));
  const leftIn = (plan: Plan) => plan.reduce((sum, { left }) => sum + left, 0);
  return {
    plan(plan: Plan): void {
      if (json) return;
      const { lines, states } = planLines(stepsOf(plan));
      const left = leftIn(plan);
      const rest = left > 0 && !prune ? ` (and ${left} not in the file; --prune deletes them)` : '';
      const gap = lines.length > 0 ? [''] : [];
      output.data(undefined, [...lines, ...gap, `${summaryOf(plan)}${rest}`].join('\n'), states);
    },
    end(plan: Plan, applied: boolean): void {
      const steps = stepsOf(plan);
      const counts = countsOf(steps);
      if (json) {
        const left = leftIn(plan);
        output.data({ dryRun, applied, ...counts, left, changes: changesToJson(steps) }, '');
        return;
      }
      if (!applied) return;
      output.data(undefined, `Done: ${doneSummary(counts)}.`);
      const made = plan.flatMap(({ endpoints }) =>
        endpoints.filter(({ change, value }) => change === 'create' && value.secret === undefined),
      );
      if (made.length === 0) return;
      output.note(
        'Signing secrets were made for new endpoints: `posthorn dump --secrets` shows them.',
      );
    },
  };
}

function stopped(done: readonly Step[], plan: Plan): string {
  if (done.length === 0) return 'Nothing was changed.';
  return `Stopped after ${done.length} of ${changesOf(plan)} changes (${doneSummary(countsOf(done))}); apply again to go on.`;
}
