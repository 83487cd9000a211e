import { AppError } from '../../core/errors.ts';
import type { AttemptId, TenantId } from '../../core/model.ts';
import type { WholeAttempt } from '../../store/store.ts';
import { authorize, type Principal } from '../auth.ts';
import { toCurl } from '../exchange/curl.ts';
import { toHar } from '../exchange/har.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';

interface Address {
  readonly tenant: TenantId;
  readonly attempt: AttemptId;
}

/** One attempt in the forms of other tools. */
export function exchangeRoutes({
  log,
  version,
}: HttpDeps): Pick<Handlers, 'getAttemptCurl' | 'getAttemptHar'> {
  async function read({ tenant, attempt }: Address): Promise<WholeAttempt> {
    const found = await log.attempt(tenant, attempt);
    if (!found) throw new AppError('not_found', 'There is no such attempt.');
    return found;
  }

  /** Whoever may change an endpoint's headers may see them. */
  function reveal(asked: 'true' | 'false', principal: Principal, tenant: TenantId): boolean {
    if (asked === 'true') authorize(principal, 'write', { tenant });
    return asked === 'true';
  }

  return {
    async getAttemptCurl({ params, query, principal }) {
      const shown = reveal(query.secrets, principal, params.tenant);
      const attempt = await read(params);
      if (attempt.requestHead.length === 0) {
        const message = `This attempt sent nothing, so there is no request to repeat: ${attempt.row.detail}`;
        throw new AppError('conflict', message);
      }
      return toCurl(attempt, shown);
    },

    async getAttemptHar({ params, query, principal }) {
      const shown = reveal(query.secrets, principal, params.tenant);
      return toHar(await read(params), { reveal: shown, version });
    },
  };
}
