import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPublicClient, type Hex, http } from 'viem';
import { type Network, parseNetworkText } from '../../../protocol/network-file.ts';
import { attestationsOf } from '../../support/attestations.ts';
import { serveFolder } from '../../support/static-host.ts';
import { SERVER, Sites } from '../sites.ts';
import { startTurnServer } from '../turn-server.ts';
import { Checkout } from './checkout.ts';
import { firefoxPath } from './firefox.ts';
import { type PlainChain, startPlainChain } from './plain-chain.ts';
import type { Stages } from './stages.ts';
import { type BrowserName, Visitor } from './visitors.ts';

const RPC_PORT = 8545;
const PAGE_PORT = 8080;
const PAGE = `http://${SERVER}:${PAGE_PORT}/starling/`;
/** What docs/deploy.md names, with an address in the place of a name, and without a proxy. */
const ANNOUNCE = `/ip4/${SERVER}/tcp/9001/ws`;
const HEALTH = `http://${SERVER}:9464`;
/** Rounds that each member must have on the chain. */
const ROUNDS = 2;
/** Rounds until a member has them there, at most. */
const PATIENCE_ROUNDS = 12;
/** Ether for the deployment, and for a day of the submitter's budget. */
const ETHER = '100';

export interface JourneyOptions {
  /** A built checkout. */
  readonly checkout: string;
  /** For temporary files. */
  readonly folder: string;
  readonly roundSeconds: number;
  readonly stages: Stages;
  readonly signal: AbortSignal;
}

/** What the members of the stranger's network came to. */
export interface JourneyResult {
  readonly members: readonly BrowserName[];
  /** Attestations of all members, as a client that is not ours reads them from the chain. */
  readonly attestations: number;
  /** Members that each member is connected to without a server between them, or through TURN. */
  readonly connected: readonly number[];
}

/**
 * From a built checkout to rounds on a chain: chain, deployment, services, static site, and browsers behind
 * routers of their own. Every command is one of docs/deploy.md. Needs a sandbox (`runInSandbox`).
 */
export async function journey(options: JourneyOptions): Promise<JourneyResult> {
  const { folder, roundSeconds, stages, signal } = options;
  const checkout = new Checkout(options.checkout, signal);
  const networkFile = join(checkout.folder, 'network.json');
  const closing: (() => unknown)[] = [];
  try {
    const sites = await Sites.open(folder);
    closing.push(() => sites.stop());
    const chain = await stages.run(
      'chain',
      () => startPlainChain({ host: SERVER, port: RPC_PORT, folder, signal }),
      ({ chainId }) => `chain ${chainId}, which knows no accounts`,
    );
    closing.push(() => chain.stop());
    const link = await stages.run('deploy', () => deploy({ checkout, chain, roundSeconds }), String);
    const secret = randomBytes(16).toString('hex');
    const turn = await stages.run(
      'turn',
      () => startTurnServer({ secret, folder, say: (line) => console.error(line) }),
      () => 'coturn runs',
    );
    closing.push(() => turn.stop());
    await addIceServers(networkFile, turn);
    const secretFile = join(folder, 'turn.secret');
    await writeFile(secretFile, `${secret}\n`);

    const serve = ['npm', 'run', 'serve', '--', 'network.json', '--announce', ANNOUNCE, '--host', SERVER];
    serve.push('--http-host', SERVER, '--turn-secret-file', secretFile);
    await stages.run(
      'serve --dry-run',
      async () => {
        const text = await checkout.run([...serve, '--dry-run'], { code: 1 });
        await chain.pay(found(text, /account (0x[0-9a-fA-F]{40}) has 0 ether/) as Hex, ETHER);
        return text.split('\n').filter((line) => line.startsWith('Missing:')).length;
      },
      (count) => `${count} things are missing; the submitter's account gets ${ETHER} ether`,
    );
    const services = await stages.run(
      'serve',
      () => checkout.start([...serve, '--write'], /^Ready: /m),
      ({ text }) => found(text, /^Ready: (.*)$/m),
    );
    closing.push(() => services.stop());
    await stages.run(
      'site',
      async () => {
        await checkout.run(['npm', 'run', 'build', '--', '--network', 'network.json']);
        const host = await serveFolder(join(checkout.folder, 'dist'), {
          ...{ below: '/starling/', host: SERVER, port: PAGE_PORT },
        });
        closing.push(() => host.stop());
        return host.url;
      },
      String,
    );
    const network = parseNetworkText(await readFile(networkFile, 'utf8'));
    const browsers: BrowserName[] = ['Chromium', 'Chromium'];
    const firefox = firefoxPath();
    // This leaves out a stage of the drill, and no test. A stranger's machine may have no Firefox, which is
    // no package of npm. The path is the same without it, and the last line's `members` says which browsers
    // went it.
    if (firefox === undefined)
      stages.skip(
        'Firefox',
        'there is no Firefox here; run apt-get install firefox-esr, or name it in $FIREFOX',
      );
    else browsers.push('Firefox');
    const visitors: Visitor[] = [];
    for (const [index, browser] of browsers.entries()) {
      const name = `${browser} ${index + 1}`;
      const visitor = await stages.run(`join, ${name}`, async () => {
        const home = await sites.add('cone');
        const opened = await Visitor.open({ browser, firefox, home, link, folder, name, signal });
        closing.push(() => opened.stop());
        await opened.join();
        return opened;
      });
      visitors.push(visitor);
    }
    const patience = PATIENCE_ROUNDS * roundSeconds * 1000;
    const attestations = await stages.run(
      'rounds',
      async () => {
        for (const visitor of visitors) await visitor.expectFigure('ledger-onchain', ROUNDS, patience);
        for (const visitor of visitors) await visitor.expectFigure('ledger-accepted', 1, patience);
        return countOnChain(network, chain, visitors);
      },
      (count) => `${count} attestations on the chain`,
    );
    const connected = await Promise.all(visitors.map((visitor) => visitor.connected()));
    await stages.run('health', async () => {
      const answer = await fetch(`${HEALTH}/healthz`);
      if (!answer.ok) throw new Error(`/healthz says ${answer.status}: ${await answer.text()}`);
    });
    const errors = visitors.flatMap((visitor) => visitor.errors);
    if (errors.length > 0) throw new Error(errors.join('; '));
    return { members: browsers, attestations, connected };
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** Deploys as docs/deploy.md says, and resolves with the link that was printed. */
async function deploy(o: {
  readonly checkout: Checkout;
  readonly chain: PlainChain;
  readonly roundSeconds: number;
}): Promise<string> {
  const { checkout, chain, roundSeconds } = o;
  const command = ['npm', 'run', 'deploy', '--', '--rpc', chain.rpc, '--key-file', 'deploy.key'];
  const price = await checkout.run([...command, '--dry-run']);
  await chain.pay(found(price, /^Account (0x[0-9a-fA-F]{40}) /m) as Hex, ETHER);
  const words = [...command, '--page', PAGE, '--round', String(roundSeconds)];
  return found(await checkout.run(words, { input: 'yes\n' }), /^Link: (.*)$/m);
}

async function addIceServers(
  networkFile: string,
  turn: { readonly stun: string; readonly turn: readonly string[] },
): Promise<void> {
  const file = JSON.parse(await readFile(networkFile, 'utf8')) as object;
  const iceServers = [{ urls: turn.stun }, { urls: turn.turn, credentials: `${HEALTH}/turn-credentials` }];
  await writeFile(networkFile, `${JSON.stringify({ ...file, iceServers }, null, 2)}\n`);
}

/** Reads what each tab's device attested with viem alone. Throws when one has too little. */
async function countOnChain(
  network: Network,
  chain: PlainChain,
  visitors: readonly Visitor[],
): Promise<number> {
  const client = createPublicClient({ transport: http(chain.rpc) });
  let count = 0;
  for (const visitor of visitors) {
    const device = await visitor.device();
    const attestations = await attestationsOf(client, network, device);
    if (attestations.length < ROUNDS)
      throw new Error(`${visitor.name} has ${attestations.length} rounds on the chain, and says ${ROUNDS}.`);
    count += attestations.length;
  }
  return count;
}

/** The first group of a pattern in what a command printed. Throws where it is not there. */
function found(text: string, pattern: RegExp): string {
  const value = pattern.exec(text)?.[1];
  if (value === undefined) throw new Error(`A command did not print ${pattern}: ${text.slice(-800)}`);
  return value;
}
