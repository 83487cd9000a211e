import { SegmentedControl } from '@mantine/core';
import type { StatsWindow } from '../data/types.ts';
import { common } from '../strings/common.ts';

const WINDOWS = ['24h', '30d'] as const;

export interface WindowSwitchProps {
  readonly value: StatsWindow;
  readonly onChange: (window: StatsWindow) => void;
}

export function WindowSwitch({ value, onChange }: WindowSwitchProps) {
  return (
    <SegmentedControl
      aria-label={common.window}
      data={WINDOWS.map((window) => ({ value: window, label: common.windows[window] }))}
      value={value}
      onChange={(window) => onChange(window as StatsWindow)}
    />
  );
}
