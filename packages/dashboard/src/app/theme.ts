import {
  type CSSVariablesResolver,
  createTheme,
  type MantineColorsTuple,
  type MantineThemeOverride,
  rem,
} from '@mantine/core';
import type { Theme } from '@posthorn/api';
import { contrast, mix, readable } from './colors.ts';

/** Looks, once: sizes for Mantine, colours as CSS variables for it and for us (docs/decisions). */

const ACCENT = '#4f46e5';
const LIGHT = {
  bg: '#ffffff',
  'bg-2': '#f8f8fa',
  'bg-hover': '#f1f1f4',
  'bg-code': '#f8f8fa',
  line: '#e4e4e8',
  edge: '#d0d0d7',
  control: '#8a8a94',
  text: '#18181b',
  'text-2': '#52525b',
  'text-3': '#6b6b75',
  ok: '#15803d',
  'ok-bar': '#5aa878',
  bad: '#b91c1c',
  warn: '#96590a',
  wait: '#0b6a9c',
  'ok-fill': '#dcfce7',
  'bad-fill': '#fee2e2',
  'warn-fill': '#fef3c7',
  'code-key': '#1d4ed8',
  'code-text': '#15703a',
  'code-number': '#a0480c',
  shadow: '0 8px 28px rgb(24 24 27 / 14%), 0 1px 3px rgb(24 24 27 / 12%)',
};
const DARK: typeof LIGHT = {
  bg: '#121214',
  'bg-2': '#19191c',
  'bg-hover': '#232327',
  'bg-code': '#17171a',
  line: '#2c2c31',
  edge: '#3c3c44',
  control: '#74747f',
  text: '#ececee',
  'text-2': '#b5b5bd',
  'text-3': '#92929d',
  ok: '#4ade80',
  'ok-bar': '#3f8f5f',
  bad: '#f87171',
  warn: '#fbbf24',
  wait: '#7dd3fc',
  'ok-fill': '#14301f',
  'bad-fill': '#3b1819',
  'warn-fill': '#352a10',
  'code-key': '#93c5fd',
  'code-text': '#86efac',
  'code-number': '#fdba74',
  shadow: '0 8px 28px rgb(0 0 0 / 55%), 0 1px 3px rgb(0 0 0 / 60%)',
};

/** What a portal's tenant may choose; null = as we look. */
export type Looks = Theme | null;

export function themeOf(looks: Looks): MantineThemeOverride {
  const accent = looks?.color ?? ACCENT;
  const shades = [0.92, 0.84, 0.68, 0.5, 0.3, 0.14].map((share) => mix(accent, '#ffffff', share));
  const deep = [0.14, 0.28, 0.42].map((share) => mix(accent, '#000000', share));
  const radius = looks?.radius ?? 6;
  return createTheme({
    primaryColor: 'accent',
    primaryShade: { light: 6, dark: 6 },
    autoContrast: true,
    colors: { accent: [...shades, accent, ...deep] as unknown as MantineColorsTuple },
    // By name: what Linux calls system-ui is often a wide font.
    fontFamily:
      '-apple-system, BlinkMacSystemFont, "Segoe UI", Inter, Roboto, "Noto Sans", "Liberation Sans", system-ui, sans-serif',
    fontFamilyMonospace:
      'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace',
    fontSizes: { xs: rem(13), sm: rem(13), md: rem(13), lg: rem(14), xl: rem(16) },
    lineHeights: { xs: '1.54', sm: '1.54', md: '1.54', lg: '1.5', xl: '1.5' },
    spacing: { xs: rem(4), sm: rem(8), md: rem(12), lg: rem(16), xl: rem(24) },
    defaultRadius: rem(radius),
    respectReducedMotion: true,
    cursorType: 'pointer',
    components: COMPONENTS,
  });
}

const SMALL = { defaultProps: { size: 'xs' } };
/** At once: what is closed has neither the eye nor the focus any more. */
const QUICK = { transitionProps: { duration: 0 } };
const COMPONENTS: NonNullable<MantineThemeOverride['components']> = {
  Button: { defaultProps: { size: 'xs', variant: 'default' } },
  ActionIcon: { defaultProps: { size: 28, variant: 'subtle', color: 'gray' } },
  TextInput: SMALL,
  PasswordInput: SMALL,
  Textarea: SMALL,
  Select: { defaultProps: { size: 'xs', allowDeselect: false, comboboxProps: QUICK } },
  TagsInput: { defaultProps: { size: 'xs', comboboxProps: QUICK } },
  Checkbox: SMALL,
  Switch: { defaultProps: { size: 'xs', withThumbIndicator: false } },
  SegmentedControl: { defaultProps: { size: 'xs', transitionDuration: 0 } },
  Menu: { defaultProps: { ...QUICK, shadow: 'none', position: 'bottom-end', offset: 4 } },
  Popover: { defaultProps: { ...QUICK, shadow: 'none' } },
  Tooltip: { defaultProps: { openDelay: 400, ...QUICK } },
  Modal: {
    defaultProps: { ...QUICK, centered: false, yOffset: '10vh', shadow: 'none', radius: 'md' },
  },
};

/** Our variables, and Mantine's made of them. */
export function variablesOf(looks: Looks): CSSVariablesResolver {
  const accent = looks?.color ?? ACCENT;
  return () => ({
    variables: {},
    light: variables(LIGHT, accent),
    dark: variables(DARK, accent),
  });
}

function variables(palette: typeof LIGHT, accent: string): Record<string, string> {
  const background = palette.bg;
  const to = palette === LIGHT ? '#000000' : '#ffffff';
  const text = readable(accent, { background, to, ratio: 4.6 });
  const selected = mix(accent, background, palette === LIGHT ? 0.91 : 0.8);
  // What stands in rows is read on a chosen one too.
  const inRows = new Set(['ok', 'bad', 'warn', 'wait', 'text-2']);
  const own = Object.entries(palette).map(([name, value]) => [
    `--${name}`,
    inRows.has(name) ? readable(value, { background: selected, to, ratio: 4.6 }) : value,
  ]);
  return {
    ...Object.fromEntries(own),
    '--accent': text,
    '--accent-fill': accent,
    '--on-accent': contrast(accent, '#ffffff') >= 4.5 ? '#ffffff' : '#000000',
    '--bg-selected': selected,
    '--mantine-color-body': palette.bg,
    '--mantine-color-text': palette.text,
    '--mantine-color-dimmed': palette['text-2'],
    '--mantine-color-placeholder': palette['text-3'],
    '--mantine-color-anchor': text,
    '--mantine-color-error': palette.bad,
    '--mantine-color-default': palette.bg,
    '--mantine-color-default-hover': palette['bg-hover'],
    '--mantine-color-default-color': palette.text,
    '--mantine-color-default-border': palette.edge,
    '--mantine-color-disabled': palette['bg-2'],
    '--mantine-color-disabled-color': palette['text-3'],
    '--mantine-color-disabled-border': palette.line,
    '--mantine-color-gray-light-hover': palette['bg-hover'],
    '--mantine-color-gray-light-color': palette['text-2'],
    '--mantine-color-gray-outline': palette['text-2'],
  };
}
