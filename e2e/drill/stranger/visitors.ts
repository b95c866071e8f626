import { join } from 'node:path';
import type { BrowserContext, Page } from '@playwright/test';
import type { Hex } from 'viem';
import { systemScheduler, wait } from '../../../swarm/scheduler.ts';
import { pageErrorsOf } from '../../support/page-errors.ts';
import { launchAtHome } from '../home-browser.ts';
import type { Site } from '../sites.ts';
import { openFirefox } from './firefox.ts';

/** Time to load the page, to be isolated and to show the swarm, in ms. */
const LOAD_MS = 180_000;
const LOOK_MS = 1_000;

export type BrowserName = 'Chromium' | 'Firefox';

/** A page in a browser, which a person sees and presses. */
interface VisitedPage {
  /** A primitive value of an expression. */
  evaluate(expression: string): Promise<unknown>;
  readonly errors: readonly string[];
  stop(): Promise<void>;
}

/** Somebody who has the link of a swarm, in a browser of their own behind a router of their own. */
export class Visitor {
  readonly name: string;
  readonly #page: VisitedPage;
  readonly #signal: AbortSignal;

  private constructor(name: string, page: VisitedPage, signal: AbortSignal) {
    this.name = name;
    this.#page = page;
    this.#signal = signal;
  }

  /** Opens the link in a fresh profile. */
  static async open(o: {
    readonly browser: BrowserName;
    /** Where Firefox is. Needed for a Firefox alone. */
    readonly firefox: string | undefined;
    readonly home: Site;
    readonly link: string;
    /** For the browser's files. */
    readonly folder: string;
    readonly name: string;
    readonly signal: AbortSignal;
  }): Promise<Visitor> {
    const { browser, firefox, home, link, folder, name, signal } = o;
    if (browser === 'Chromium') return new Visitor(name, await openChromium(home, link), signal);
    if (firefox === undefined) throw new TypeError('A visitor with Firefox needs its program.');
    const settings = { program: firefox, profile: join(folder, name), url: link };
    return new Visitor(name, await openFirefox(home, settings), signal);
  }

  /**
   * Joins with one click. The host sends no headers, so the page loads once more when its service worker is
   * there; it is isolated then.
   */
  async join(): Promise<void> {
    await this.#until('crossOriginIsolated', 'is isolated', LOAD_MS);
    const button = `document.querySelector('[data-testid="swarm-contribute"]')`;
    await this.#until(`${button} !== null && !${button}.disabled`, 'shows the swarm', LOAD_MS);
    await this.#page.evaluate(`${button}.click()`);
  }

  /** Waits until a figure of the page is at least so large. */
  async expectFigure(testId: string, least: number, patienceMs: number): Promise<void> {
    const figure = `Number(/\\d+/.exec(${textOf(testId)}.replaceAll(/[,.\\s\\u202f]/g, ''))?.[0] ?? 0)`;
    await this.#until(`${figure} >= ${least}`, `has ${least} of ${testId}`, patienceMs);
  }

  async device(): Promise<Hex> {
    const shown = `document.querySelector('[data-testid="device-address"]')?.dataset.value ?? ''`;
    return String(await this.#page.evaluate(shown)).toLowerCase() as Hex;
  }

  /** Members that are connected without a server between them, or through TURN. */
  async connected(): Promise<number> {
    const peers = `document.querySelectorAll('[data-testid="peer"][data-path="direct"]').length`;
    return Number(await this.#page.evaluate(peers));
  }

  get errors(): readonly string[] {
    return this.#page.errors.map((error) => `${this.name}: ${error}`);
  }

  stop(): Promise<void> {
    return this.#page.stop();
  }

  async #until(condition: string, what: string, patienceMs: number): Promise<void> {
    for (let waited = 0; waited < patienceMs; waited += LOOK_MS) {
      // A page that loads once more has no answer.
      if ((await this.#page.evaluate(condition).catch(() => false)) === true) return;
      await wait(systemScheduler, LOOK_MS, this.#signal);
    }
    const seen = await this.#page.evaluate('document.body.innerText').catch(String);
    throw new Error(
      `${this.name}: not true after ${patienceMs / 1000} s that the page ${what}. It says: ${String(seen).slice(0, 2000)}`,
    );
  }
}

function textOf(testId: string): string {
  return `(document.querySelector('[data-testid="${testId}"]')?.textContent ?? '')`;
}

async function openChromium(home: Site, link: string): Promise<VisitedPage> {
  // As a person's without a graphics card.
  const browser = await launchAtHome({ home, page: link, hasGpu: false });
  const context: BrowserContext = await browser.newContext({ reducedMotion: 'reduce' });
  const page: Page = await context.newPage();
  const errors = pageErrorsOf(page);
  await page.goto(link);
  return { evaluate: (expression) => page.evaluate(expression), errors, stop: () => browser.close() };
}
