import { type Browser, chromium } from '@playwright/test';
import config from '../../playwright.config.ts';
import { requireChromium } from '../../protocol/testing/chromium.ts';
import type { Site } from './sites.ts';

/** Starts Chromium in a home, as the journeys start it. `page` is the address that it is going to open. */
export async function launchAtHome(options: {
  readonly home: Site;
  readonly page: string;
  /** Whether it computes with WebGPU too. */
  readonly hasGpu: boolean;
}): Promise<Browser> {
  const { home, page, hasGpu } = options;
  const { executablePath = requireChromium(), args = [] } = config.use?.launchOptions ?? {};
  return chromium.launch({
    executablePath: await home.wrapper(executablePath),
    args: [
      ...args.filter((each) => hasGpu || !each.includes('webgpu')),
      // The page comes by http from an address that is not this machine's, and needs a secure context.
      `--unsafely-treat-insecure-origin-as-secure=${new URL(page).origin}`,
    ],
  });
}
