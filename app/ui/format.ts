/** How numbers, addresses and times are written on the page. Pure. */

/** `0x1234…abcd`. Strings of 12 characters or fewer stay whole. */
export function shortHex(value: string): string {
  return value.length <= 12 ? value : `${value.slice(0, 6)}…${value.slice(-4)}`;
}

/** Bytes in decimal units, three significant digits: `4.1 kB`, `398 kB`, `1.25 GB`. */
export function formatBytes(count: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${units[unit]}`;
}

/** A share from 0 to 1 as a percentage with one decimal at most: `41.5 %`. */
export function formatShare(share: number): string {
  return Number.isFinite(share) ? `${Number((share * 100).toFixed(1))} %` : 'not known';
}

/** A change between two shares in percentage points, always signed: `+3.2 points`, `±0 points`. */
export function formatChange(before: number, after: number): string {
  const points = Number(((after - before) * 100).toFixed(1));
  if (points === 0) return '±0 points';
  return `${points > 0 ? '+' : '−'}${Math.abs(points)} points`;
}

/** Whole numbers with thin spaces between thousands, as ISO 80000-1 advises: `16 700`. */
export function formatCount(count: number): string {
  const digits = Math.abs(Math.round(count)).toString();
  const grouped = digits.length <= 4 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, '\u2009');
  return count < 0 ? `−${grouped}` : grouped;
}

/** One noun or its plural with the count before it: `1 peer`, `3 peers`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Remaining time, rounded up to whole seconds, never negative: `6 s`, `2 min 5 s`. */
export function formatWait(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const rest = seconds % 60;
  const minutes = Math.floor(seconds / 60);
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}

/** A span of time in its largest unit, rounded, never negative: `40 s`, `2 min`, `7 days`. */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 100) return `${whole} s`;
  if (whole < 100 * 60) return `${Math.round(whole / 60)} min`;
  if (whole < 48 * 3600) return `${Math.round(whole / 3600)} h`;
  return `${Math.round(whole / 86_400)} days`;
}
