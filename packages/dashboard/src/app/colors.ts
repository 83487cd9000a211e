/** Contrast by WCAG 2.2, so that a tenant's colour stays readable in both themes. */

type Rgb = readonly [number, number, number];

export function parseHex(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

export function toHex(rgb: Rgb): string {
  return `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;
}

function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(parseHex(a)), luminance(parseHex(b))].sort((x, y) => x - y) as [
    number,
    number,
  ];
  return (light + 0.05) / (dark + 0.05);
}

export function mix(from: string, to: string, share: number): string {
  const [a, b] = [parseHex(from), parseHex(to)];
  return toHex(a.map((part, i) => part + ((b[i] as number) - part) * share) as unknown as Rgb);
}

/** `color`, moved towards `to` in small steps until it has `ratio` on `background`. */
export function readable(
  color: string,
  { background, to, ratio }: { background: string; to: string; ratio: number },
): string {
  for (let share = 0; share < 1; share += 0.05) {
    const candidate = mix(color, to, share);
    if (contrast(candidate, background) >= ratio) return candidate;
  }
  return to;
}
