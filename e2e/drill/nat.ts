import { join } from 'node:path';
import { expect } from '@playwright/test';
import { messageOf } from '../../protocol/message-of.ts';
import { must } from '../../protocol/must.ts';
import { watchConnections } from '../support/connections.ts';
import { Tab } from '../support/tab.ts';
import { launchAtHome } from './home-browser.ts';
import { type MeasuredPath, pathsBetweenHomes } from './paths.ts';
import { type PublicSwarm, startPublicSwarm } from './public-swarm.ts';
import { type RouterKind, Sites } from './sites.ts';

/** Longest time for two tabs to meet, in ms. */
const MEETING_MS = 120_000;

/**
 * A case: two tabs behind routers of a kind, or a third tab that comes when the first two have no relay left
 * and knows one of them.
 */
export type NatCase = RouterKind | 'newcomer';

/** What the routers of a case let through: the path that ICE has to find. */
const EXPECTED: Readonly<Record<RouterKind, (path: MeasuredPath) => boolean>> = {
  cone: ({ kind }) => kind === 'stun',
  symmetric: ({ kind }) => kind === 'turn',
  'no-udp': ({ kind, relayProtocol }) => kind === 'turn' && relayProtocol === 'tcp',
};

export interface NatDrillOptions {
  /** An empty folder for the drill's files. */
  readonly folder: string;
  readonly cases: readonly NatCase[];
  readonly roundSeconds: number;
  /** Whether a case is over when the tabs have met. Else rounds follow, with and without servers. */
  readonly short: boolean;
  /** Called with each case's result as it comes. */
  readonly onResult: (result: CaseResult) => void;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What came of a case. Each tab is behind a router of its own. */
export interface CaseResult {
  readonly case: NatCase;
  /** Why it failed. Undefined where it did not. */
  readonly failure?: string;
  /** From the last click to a connection between the homes, as both tabs see it. */
  readonly seconds?: number;
  /** As each tab sees its first one, at the end. */
  readonly paths?: readonly MeasuredPath[];
  /** What happened when the servers were stopped. Undefined in the short form. */
  readonly alone?: RoundsAlone;
}

/** Rounds of two tabs for which nothing runs any more but their TURN server, where they need one. */
export interface RoundsAlone {
  /** Of each tab: rounds whose result the other acknowledged, before and after the servers were stopped. */
  readonly accepted: readonly { readonly before: number; readonly after: number }[];
  /** Bytes between the homes from then on, as the first tab counts them. */
  readonly bytes: number;
}

/** What a whole drill comes to, in cases. */
export interface NatSummary {
  readonly cases: number;
  /** Cases whose tabs are connected without a server between them. */
  readonly direct: number;
  /** Cases whose tabs are connected by the TURN server. */
  readonly turn: number;
  readonly failed: number;
}

/** Runs the cases one after the other, each with a swarm of its own. Needs a sandbox (`runInSandbox`). */
export async function natDrill(options: NatDrillOptions): Promise<NatSummary> {
  const { folder, cases, onResult, signal } = options;
  const sites = await Sites.open(folder);
  const results: CaseResult[] = [];
  try {
    for (const name of cases) {
      signal.throwIfAborted();
      const result = await runCase(sites, name, options).catch(
        (error: unknown): CaseResult => ({ case: name, failure: messageOf(error) }),
      );
      results.push(result);
      onResult(result);
    }
  } finally {
    sites.stop();
  }
  return summaryOf(results);
}

/** Counts results. A case that failed counts as nothing else. */
export function summaryOf(results: readonly CaseResult[]): NatSummary {
  const good = results.filter(({ failure }) => failure === undefined);
  const turn = good.filter(({ paths = [] }) => paths.some(({ kind }) => kind === 'turn')).length;
  return {
    cases: results.length,
    direct: good.length - turn,
    turn,
    failed: results.length - good.length,
  };
}

function runCase(sites: Sites, name: NatCase, options: NatDrillOptions): Promise<CaseResult> {
  return name === 'newcomer' ? newcomerCase(sites, options) : routerCase(sites, name, options);
}

async function routerCase(sites: Sites, router: RouterKind, options: NatDrillOptions): Promise<CaseResult> {
  const { roundSeconds, signal } = options;
  const world = await World.open(sites, router, options);
  try {
    const { swarm } = world;
    const tabs = [await world.openTab(router), await world.openTab(router)] as const;
    const begun = performance.now();
    for (const tab of tabs) await tab.contribute();
    const paths = await meeting(tabs, router, signal);
    const seconds = secondsSince(begun);
    const [one, other] = await Promise.all(tabs.map((tab) => tab.deviceAddress()));
    const route = router === 'cone' ? 'stun' : 'turn';
    await expectDirect(tabs[0], other, route);
    await expectDirect(tabs[1], one, route);
    world.expectNoErrors();
    if (options.short) return { case: router, seconds, paths };
    const alone = await roundsAlone({ tabs, swarm, roundSeconds, needsTurn: router !== 'cone' });
    world.expectNoErrors();
    return { case: router, seconds, paths: await meeting(tabs, router, signal), alone };
  } finally {
    await world.close();
  }
}

/**
 * Two relays, of which the second is known to the first tab and the newcomer alone. The first relay is gone
 * when the newcomer comes, and the second as soon as it has met the first tab. So only the first tab can
 * bring it and the second tab together.
 */
async function newcomerCase(sites: Sites, options: NatDrillOptions): Promise<CaseResult> {
  const { signal } = options;
  const name = 'newcomer';
  const world = await World.open(sites, name, { ...options, relays: 2 });
  try {
    const { swarm } = world;
    const [first, second] = swarm.relays;
    if (first === undefined || second === undefined) throw new Error('There are two relays.');
    const tabs = [await world.openTab('cone'), await world.openTab('cone', first.addresses)] as const;
    for (const tab of tabs) await tab.contribute();
    await meeting(tabs, 'cone', signal);
    await first.stop();
    await swarm.stopObservers();
    const newcomer = await world.openTab('cone', second.addresses);
    const begun = performance.now();
    await newcomer.contribute();
    const [addressOfFirst, addressOfSecond, own] = await Promise.all(
      [...tabs, newcomer].map((tab) => tab.deviceAddress()),
    );
    await expectDirect(newcomer, addressOfFirst, 'stun');
    await second.stop();
    await expectDirect(newcomer, addressOfSecond, 'stun');
    await expectDirect(tabs[1], own, 'stun');
    const seconds = secondsSince(begun);
    if (!options.short) await newcomer.expectFigure('ledger-accepted', 1, 6 * options.roundSeconds * 1000);
    world.expectNoErrors();
    return { case: name, seconds, paths: await meeting([newcomer, tabs[1]], 'cone', signal) };
  } finally {
    await world.close();
  }
}

/** Waits until a tab lists a device as connected, by this route. */
async function expectDirect(tab: Tab, device: string | undefined, route: 'stun' | 'turn'): Promise<void> {
  const entry = tab.page.locator(`[data-testid="peer"][data-path="direct"][data-peer="${device}" i]`);
  await expect(entry, `${tab.name} lists ${device} by ${route}`).toHaveAttribute('data-route', route, {
    timeout: MEETING_MS,
  });
}

function secondsSince(begun: number): number {
  return Math.round((performance.now() - begun) / 100) / 10;
}

/** A case's swarm, and its tabs in their homes. */
class World {
  readonly swarm: PublicSwarm;
  readonly #sites: Sites;
  readonly #closing: (() => Promise<unknown>)[] = [];
  readonly #tabs: Tab[] = [];

  private constructor(sites: Sites, swarm: PublicSwarm) {
    this.#sites = sites;
    this.swarm = swarm;
  }

  static async open(
    sites: Sites,
    name: NatCase,
    options: NatDrillOptions & { readonly relays?: number },
  ): Promise<World> {
    const { roundSeconds, relays = 1, say, signal } = options;
    const folder = join(options.folder, name);
    return new World(sites, await startPublicSwarm({ folder, roundSeconds, relays, say, signal }));
  }

  /** Opens the page in a home of its own. `relays` are those that it knows. Defaults to all. */
  async openTab(router: RouterKind, relays?: readonly string[]): Promise<Tab> {
    const { page, network } = this.swarm;
    const browser = await launchAtHome({ home: await this.#sites.add(router), page, hasGpu: true });
    this.#closing.push(() => browser.close());
    const context = await browser.newContext({ reducedMotion: 'reduce' });
    await watchConnections(context);
    if (relays !== undefined)
      await context.route('**/network.json', (route) => route.fulfill({ json: { ...network, relays } }));
    const tab = await Tab.open(context, page, { name: `tab ${this.#tabs.length + 1}`, engine: 'wasm' });
    this.#tabs.push(tab);
    return tab;
  }

  /** Throws with what pages threw outside of any promise, if they did. */
  expectNoErrors(): void {
    const errors = this.#tabs.flatMap(({ name, errors }) => errors.map((error) => `${name}: ${error}`));
    if (errors.length > 0) throw new Error(errors.join('; '));
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
    await this.swarm.stop();
  }
}

/** Stops the servers when the tabs have had a round together, and waits for two more. */
async function roundsAlone(o: {
  readonly tabs: readonly Tab[];
  readonly swarm: PublicSwarm;
  readonly roundSeconds: number;
  readonly needsTurn: boolean;
}): Promise<RoundsAlone> {
  const { tabs, swarm, needsTurn } = o;
  const patience = 6 * o.roundSeconds * 1000;
  for (const tab of tabs) await tab.expectFigure('ledger-accepted', 1, patience);
  await swarm.stopIntroductions();
  if (!needsTurn) await swarm.stopTurnServer();
  for (const { page } of tabs)
    await expect(page.getByTestId('relays')).toHaveText(/^0 of/, { timeout: patience });
  const accepted = (): Promise<number[]> => Promise.all(tabs.map((tab) => tab.figure('ledger-accepted')));
  const before = await accepted();
  const bytesBefore = await bytesBetweenHomes(tabs[0]);
  for (const [index, tab] of tabs.entries())
    await tab.expectFigure('ledger-accepted', must(before, index) + 2, patience);
  const after = await accepted();
  return {
    accepted: before.map((count, index) => ({ before: count, after: must(after, index) })),
    bytes: (await bytesBetweenHomes(tabs[0])) - bytesBefore,
  };
}

async function bytesBetweenHomes(tab: Tab | undefined): Promise<number> {
  const paths = tab === undefined ? [] : await pathsBetweenHomes(tab.page);
  return paths.reduce((sum, { sent, received }) => sum + sent + received, 0);
}

/**
 * Waits until each tab has a connection to another home by the path that its router allows. ICE may begin
 * with another one and go on to that. Resolves with a path of each tab.
 */
async function meeting(
  tabs: readonly Tab[],
  router: RouterKind,
  signal: AbortSignal,
): Promise<readonly MeasuredPath[]> {
  const end = performance.now() + MEETING_MS;
  let kinds: readonly string[] = [];
  while (performance.now() < end) {
    signal.throwIfAborted();
    const seen = await Promise.all(tabs.map(({ page }) => pathsBetweenHomes(page)));
    const paths = seen.flatMap((each) => each.find(EXPECTED[router]) ?? []);
    if (paths.length === tabs.length) return paths;
    kinds = seen.map((each) => each.map(({ kind }) => kind).join(' and ') || 'nothing');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`The tabs did not meet within ${MEETING_MS / 1000} s; they have ${kinds.join(', ')}.`);
}
