import { Menu, Select, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, type LinkProps, useNavigate, useParams } from '@tanstack/react-router';
import { queries } from '../data/queries.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import { IconButton } from '../parts/icon-button.tsx';
import { common } from '../strings/common.ts';
import { keys } from '../strings/keys.ts';
import { shell } from '../strings/shell.ts';
import { useApi, useApp, useRights } from './context.tsx';
import classes from './nav.module.css';
import { Logo } from './sign-in.tsx';

export interface NavProps {
  readonly onHelp: () => void;
  readonly onPalette: () => void;
}

export function Nav({ onHelp, onPalette }: NavProps) {
  const { who, place } = useApp();
  const { admin } = useRights();
  const { tenant } = useParams({ strict: false });
  const portal = place.portal !== undefined;
  return (
    <nav className={classes.nav} aria-label={shell.navigation}>
      <div className={classes.head}>
        <p className={classes.name}>
          {!portal && <Logo />}
          <span className="cut">{who.title === '' ? common.product : who.title}</span>
        </p>
        <IconButton icon="search" label={keys.palette} onClick={onPalette} />
      </div>
      {admin && <TenantSwitch />}
      {tenant !== undefined && <TenantLinks tenant={tenant} />}
      {admin && <OperatorLinks />}
      <div className={classes.foot}>
        <ThemeMenu />
        <IconButton icon="help" label={shell.keyboard} onClick={onHelp} />
        {!place.embedded && <SignOut />}
      </div>
    </nav>
  );
}

function TenantLinks({ tenant }: { tenant: string }) {
  const { write } = useRights();
  const params = { tenant };
  const { pages } = shell;
  return (
    <ul className={classes.links}>
      <NavLink icon="overview" label={pages.overview} to="/$tenant" params={params} exact />
      <NavLink icon="webhook" label={pages.webhooks} to="/$tenant/webhooks" params={params} />
      <NavLink icon="activity" label={pages.activity} to="/$tenant/activity" params={params} />
      <NavLink icon="types" label={pages.eventTypes} to="/$tenant/event-types" params={params} />
      <NavLink icon="inbox" label={pages.inboxes} to="/$tenant/inboxes" params={params} />
      <NavLink icon="apps" label={pages.apps} to="/$tenant/apps" params={params} />
      <NavLink icon="bell" label={pages.alerts} to="/$tenant/alerts" params={params} />
      {write && (
        <NavLink icon="settings" label={pages.settings} to="/$tenant/settings" params={params} />
      )}
    </ul>
  );
}

function OperatorLinks() {
  const { place } = useApp();
  const { pages } = shell;
  return (
    <>
      <h2 className={classes.group}>{shell.operator}</h2>
      <ul className={classes.links}>
        <NavLink icon="tenants" label={pages.tenants} to="/-/tenants" />
        <NavLink icon="key" label={pages.keys} to="/-/keys" />
        <NavLink icon="people" label={pages.sessions} to="/-/sessions" />
        <NavLink icon="node" label={pages.nodes} to="/-/nodes" />
        <li>
          <a className={classes.link} href={`${place.base}/docs`} target="_blank" rel="noreferrer">
            <Icon name="link" />
            {pages.reference}
          </a>
        </li>
      </ul>
    </>
  );
}

type NavLinkProps = Pick<LinkProps, 'to' | 'params'> & {
  readonly icon: IconName;
  readonly label: string;
  readonly exact?: boolean;
};

function NavLink({ icon, label, exact = false, ...link }: NavLinkProps) {
  return (
    <li>
      <Link
        {...link}
        className={classes.link}
        activeOptions={{ exact, includeSearch: false }}
        activeProps={{ 'data-active': true }}
      >
        <Icon name={icon} />
        {label}
      </Link>
    </li>
  );
}

/** Any tenant can be typed; the first few hundred are offered. */
function TenantSwitch() {
  const { tenant = null } = useParams({ strict: false });
  const { data } = useQuery(queries.tenants(useApi()));
  const navigate = useNavigate();
  const options = (data ?? []).map(({ id, name }) => ({
    value: id,
    label: name === '' || name === id ? id : `${name} (${id})`,
  }));
  if (options.length < 2) return null;
  return (
    <div className={classes.tenant}>
      <Select
        aria-label={shell.tenant}
        placeholder={shell.tenant}
        data={options}
        value={tenant}
        searchable
        limit={100}
        onChange={(to) => {
          if (to !== null) void navigate({ to: '/$tenant', params: { tenant: to } });
        }}
      />
    </div>
  );
}

function ThemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const icons = { auto: 'auto', light: 'sun', dark: 'moon' } as const;
  return (
    <Menu position="top-start">
      <Menu.Target>
        <UnstyledButton
          className={classes.theme}
          aria-label={shell.themeNow(shell.theme[colorScheme])}
        >
          <Icon name={icons[colorScheme]} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {(['auto', 'light', 'dark'] as const).map((scheme) => (
          <Menu.Item
            key={scheme}
            leftSection={<Icon name={icons[scheme]} />}
            onClick={() => setColorScheme(scheme)}
          >
            {shell.theme[scheme]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function SignOut() {
  const { session } = useApp();
  return <IconButton icon="out" label={shell.signOut} onClick={() => void session.leave()} />;
}
