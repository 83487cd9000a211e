import { useQuery } from '@tanstack/react-query';
import { useApi, useRights, useTenant } from '../../app/context.tsx';
import { queries } from '../../data/queries.ts';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Page } from '../../parts/page.tsx';
import { settings } from '../../strings/settings.ts';
import { PortalLink } from './portal-link.tsx';
import { TenantForm } from './tenant-form.tsx';

export function Settings() {
  const tenant = useTenant();
  const { admin } = useRights();
  const { data, error, refetch } = useQuery(queries.tenant(useApi(), tenant));
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading />;
  return (
    <Page title={settings.title}>
      {admin ? (
        <>
          <TenantForm key={data.version} tenant={data} />
          <PortalLink />
        </>
      ) : (
        <p className="secondary">{settings.adminOnly}</p>
      )}
    </Page>
  );
}
