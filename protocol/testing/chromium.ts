/** Chromium on this machine, for tests, benchmarks and drills. */
import { existsSync } from 'node:fs';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const named = process.env.CHROMIUM;

/** The program that `CHROMIUM` names, else the system's own. Undefined where there is none. */
export const CHROMIUM: string | undefined = (named === undefined ? PLACES : [named]).find(existsSync);

/** Says that there is none, and the remedy. */
export const NO_CHROMIUM: string =
  named === undefined
    ? 'no Chromium here; install it, or set CHROMIUM to its path'
    : `no Chromium at ${named}; set CHROMIUM to its path`;

/** The program of Chromium. Throws Error with the remedy where there is none. */
export function requireChromium(): string {
  if (CHROMIUM === undefined) throw new Error(NO_CHROMIUM);
  return CHROMIUM;
}
