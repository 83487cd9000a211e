/** Our own marks: 16 × 16, one stroke width, drawn with the colour of the text around them. */
const PATHS = {
  overview: 'M2.5 13.5v-4M6.2 13.5V6M9.8 13.5V8M13.5 13.5v-11',
  webhook:
    'M5.9 9.6 8 5.9a2.4 2.4 0 1 0-2-1.3M10.3 11.2H6a2.4 2.4 0 1 1-1.5-2.2M8 5.9l2 3.5a2.4 2.4 0 1 1 .5 3.8',
  activity: 'M1.5 8h3l2-5 3 10 2-5h3',
  types: 'M2.5 4h2M2.5 8h2M2.5 12h2M7 4h6.5M7 8h6.5M7 12h6.5',
  inbox:
    'M2 9l1.8-5.2A1 1 0 0 1 4.7 3h6.6a1 1 0 0 1 1 .8L14 9v3.5a.5.5 0 0 1-.5.5h-11a.5.5 0 0 1-.5-.5zM2 9h3.5a2.5 2.5 0 0 0 5 0H14',
  settings:
    'M2 4.5h6M11.5 4.5H14M2 11.5h2.5M8 11.5h6M9.8 6.3a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6M6.2 13.3a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6',
  key: 'M9 7l5-5M12 4l1.5 1.5M6.5 13a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7',
  tenants: 'M2.5 13.5v-11h6v11M8.5 6.5h5v7M1.5 13.5h13M5 5.5h1M5 8h1M5 10.5h1M11 9h.5M11 11h.5',
  people:
    'M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5M1.5 13.5a4.5 4.5 0 0 1 9 0M10.5 2.8a2.5 2.5 0 0 1 0 4.4M12 9.6a4.5 4.5 0 0 1 2.5 3.9',
  apps: 'M2.5 2.5h4.5v4.5h-4.5zM9 2.5h4.5v4.5h-4.5zM2.5 9h4.5v4.5h-4.5zM11.2 9v4.5M9 11.2h4.5',
  node: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01',
  search: 'M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10M10.7 10.7 14 14',
  filter: 'M2 4h12M4.5 8h7M6.5 12h3',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  check: 'M3 8.5 6.5 12 13 4.5',
  cross: 'M4 4l8 8M12 4l-8 8',
  close: 'M4 4l8 8M12 4l-8 8',
  retry: 'M13 8a5 5 0 1 1-1.5-3.5L13.5 6M13.5 2.5V6H10',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 4.5V8l2.5 1.5',
  ban: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M3.8 3.8l8.4 8.4',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3l8 5-8 5z',
  plus: 'M8 3v10M3 8h10',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7',
  auto: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 2v12M8 5l4.2-.8M8 8h5.9M8 11l4.2.8',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  left: 'M10 4 6 8l4 4',
  up: 'M4 10l4-4 4 4',
  send: 'M2.5 8 13.5 2.5 10.5 13.5 7.5 9zM7.5 9l6-6.5',
  trash: 'M2.5 4h11M6 4V2.5h4V4M4 4l.7 9.5h6.6L12 4M6.5 6.5v4.5M9.5 6.5v4.5',
  edit: 'M2.5 13.5l.8-3.2L10.8 2.8l2.4 2.4-7.5 7.5zM9 4.5l2.5 2.5',
  link: 'M6.5 9.5l3-3M7 4.5l1.5-1.5a3.2 3.2 0 0 1 4.5 4.5L11.5 9M9 11.5 7.5 13A3.2 3.2 0 0 1 3 8.5L4.5 7',
  eye: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4',
  help: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M6.2 6.2a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.8.6-.8 1.2M8 11.2h.01',
  warning: 'M8 2.2 14.3 13.3H1.7zM8 6.5v3M8 11.4h.01',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  out: 'M6 2.5H3v11h3M10.5 11l3-3-3-3M13.5 8H6.5',
  dot: 'M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4',
  star: 'M8 2l1.8 3.8 4.2.6-3 2.9.7 4.2L8 11.5l-3.7 2 .7-4.2-3-2.9 4.2-.6z',
  diff: 'M5 2.5v7M1.5 6h7M7.5 12h7',
  qr: 'M2.5 2.5h4v4h-4zM9.5 2.5h4v4h-4zM2.5 9.5h4v4h-4zM9.5 9.5h1M13.5 9.5v1M11.5 11.5h.01M9.5 13.5v-1M12.5 13.5h1',
  bell: 'M4 11V7a4 4 0 0 1 8 0v4l1.2 1.5H2.8zM6.7 14h2.6',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'more' ? 2.2 : 1.4}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
