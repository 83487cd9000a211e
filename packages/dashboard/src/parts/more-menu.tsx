import { Button, Menu } from '@mantine/core';
import type { ReactNode } from 'react';
import { common } from '../strings/common.ts';
import { Icon } from './icon.tsx';

export interface MoreMenuProps {
  /** Named where several stand on one page. */
  readonly label?: string;
  readonly loading?: boolean;
  /** Its items. */
  readonly children: ReactNode;
}

/** What is done less often, behind three dots. */
export function MoreMenu({ label = common.more, loading = false, children }: MoreMenuProps) {
  return (
    <Menu>
      <Menu.Target>
        <Button aria-label={label} px={6} loading={loading}>
          <Icon name="more" />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  );
}
