import { AppError } from '../../core/errors.ts';
import { toIso } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';
import { addressOf, deliveryToApi, isForeign } from './deliveries.ts';

type Ids = 'resendDelivery' | 'cancelDelivery' | 'retryDelivery' | 'resendEvent' | 'erasePayload';

export function mendingRoutes({ mending, erasing }: HttpDeps): Pick<Handlers, Ids> {
  return {
    async resendDelivery({ params, body, principal }) {
      const address = addressOf(params);
      if (isForeign(principal, address.endpoint)) {
        throw new AppError('not_found', 'There is no such delivery.');
      }
      return deliveryToApi(await mending.resend(address, body.newId));
    },

    async cancelDelivery({ params }) {
      return deliveryToApi(await mending.cancel(addressOf(params)));
    },

    async retryDelivery({ params }) {
      return deliveryToApi(await mending.retryNow(addressOf(params)));
    },

    async erasePayload({ params }) {
      const { erasedAt, ...erased } = await erasing.erasePayload(params.tenant, params.event);
      return { ...erased, erasedAt: toIso(erasedAt) };
    },

    async resendEvent({ params, body }) {
      const { tenant, event } = params;
      return mending.resendEvent({ tenant, event, only: body.only, ownId: body.newId });
    },
  };
}
