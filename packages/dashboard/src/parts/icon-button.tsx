import { ActionIcon, Tooltip } from '@mantine/core';
import { Icon, type IconName } from './icon.tsx';

export interface IconButtonProps {
  readonly icon: IconName;
  /** Read aloud, and shown after a moment. */
  readonly label: string;
  readonly onClick: () => void;
  readonly size?: number;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
}

export function IconButton({ icon, label, onClick, size, pressed, disabled }: IconButtonProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon
        aria-label={label}
        aria-pressed={pressed}
        onClick={onClick}
        {...(size === undefined ? {} : { size })}
        {...(disabled === undefined ? {} : { disabled })}
      >
        <Icon name={icon} size={size !== undefined && size < 24 ? 12 : 16} />
      </ActionIcon>
    </Tooltip>
  );
}
