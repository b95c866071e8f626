/**
 * A false claim stands beside claims that are dear to look at. The command for auditing runs as a process, on
 * a chain whose windows are real time, and has to challenge the false claim within its window of 120 s.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planRun } from '../../audit/run-plan.ts';
import { encodeRunSpec, parseRunSpec, runSpecFields } from '../../audit/run-spec.ts';
import { publishDescription } from '../../chain/descriptions.ts';
import { NO_ANVIL } from '../../chain/devnet/anvil.ts';
import { OnchainDisputes } from '../../chain/disputes/onchain/port.ts';
import { type LocalChain, startLocalChain } from '../../chain/testing/local-chain.ts';
import type { Hex } from '../../protocol/hex.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import { nanoStart, supervisedSpec } from './testing/nano.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe.skipIf(NO_ANVIL !== undefined)(
  `npm run audit beside a bomb${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;
    let folder: string;
    let child: ChildProcess;

    beforeAll(async () => {
      [local, folder] = await Promise.all([
        startLocalChain({ blockTime: 1 }),
        mkdtemp(join(tmpdir(), 'starling-bomb-')),
      ]);
    });
    afterAll(async () => {
      child?.kill('SIGKILL');
      await local?.stop();
      if (folder !== undefined)
        await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    });

    /** Resolves once the auditor watches; `claim` then does with the first claim that it challenges. */
    async function startAuditor(): Promise<{ readonly claim: Promise<number>; readonly said: string[] }> {
      const { rpc, chainId, contracts, rollup } = local.network;
      const network = { page: 'http://localhost/', rpc, chainId, contracts, rollup, relays: [] };
      await writeFile(join(folder, 'network.json'), JSON.stringify(network));
      const key = generatePrivateKey();
      await local.controls.setBalance({ address: privateKeyToAddress(key), value: 10n ** 20n });
      await mkdir(join(folder, 'auditor'));
      await writeFile(join(folder, 'auditor', 'account.key'), `${key}\n`, { mode: 0o600 });
      child = spawn(
        process.execPath,
        ['--import', 'tsx', 'node/audit.ts', '--json', '--poll', '500'].concat([
          '--network',
          join(folder, 'network.json'),
          '--home',
          join(folder, 'auditor'),
        ]),
        { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      const said: string[] = [];
      const { stdout, stderr } = child;
      if (stdout === null || stderr === null) throw new Error('The auditor has no output.');
      // It looks at the chain from when it has tried its engine.
      await new Promise<void>((resolve, reject) => {
        createInterface({ input: stderr }).on('line', (line) => {
          said.push(line);
          if (line.includes('computes here')) resolve();
        });
        child.once('close', () => reject(new Error(`The auditor ended: ${said.join(' ')}`)));
      });
      const lines = createInterface({ input: stdout });
      const claim = new Promise<number>((resolve) => {
        lines.on('line', (line) => {
          said.push(line);
          const event = JSON.parse(line);
          if (event.kind === 'challenged') resolve(event.claim);
        });
      });
      return { claim, said };
    }

    it('challenges a false claim in its window, though huge runs are described under claims made before', async () => {
      const { network, client } = local;
      const { descriptions, disputes } = network.rollup;
      const queue = local.queue(1);
      const port = new OnchainDisputes({ queue, address: disputes });
      const { claim: challenged, said } = await startAuditor();
      const spec = supervisedSpec(await nanoStart());
      const { terms } = planRun(spec);
      const describe = (run: Hex, bytes: Uint8Array): Promise<unknown> =>
        publishDescription({ queue, descriptions, run, description: bytes });
      const claimRoot = async (made: typeof terms, root: Hex): Promise<number> => {
        const { claim: bond } = await port.bonds(made);
        const played = await port.play({ kind: 'claim', terms: made, root, bond });
        if (played.kind !== 'done' || played.id === undefined) throw new Error(`It came to ${played.kind}.`);
        return played.id;
      };
      // Eight of the longest runs there are, and eight within the auditor's --max-steps that take as long.
      const junk = { ...terms, data: `0x${'b0'.repeat(32)}` as const };
      const huge = Array.from({ length: 16 }, (_, i) =>
        parseRunSpec({
          ...runSpecFields(spec),
          seed: `0x${(i + 1).toString(16).padStart(64, '0')}`,
          ...(i % 2 === 0
            ? { steps: 65_536, work: { kind: 'supervised', rows: 4, length: 64 } }
            : { steps: 4_096, work: { kind: 'supervised', rows: 64, length: 64 } }),
        }),
      );
      await Promise.all(huge.map((each) => describe(termsHash(junk), encodeRunSpec(each))));
      await claimRoot(junk, `0x${'aa'.repeat(32)}`);
      // The auditor is busy with the claim, if it lets itself be, when the lie comes.
      await new Promise((resolve) => setTimeout(resolve, 5000));
      await describe(termsHash(terms), encodeRunSpec(spec));
      const lie = await claimRoot(terms, `0x${'bb'.repeat(32)}`);
      const { windowEnd } = await port.claim(lie);
      const window = new Promise<string>((resolve) => {
        const look = setInterval(() => {
          void client.getBlock().then(({ timestamp }) => {
            if (Number(timestamp) <= windowEnd) return;
            clearInterval(look);
            resolve(`The window is over. The auditor said: ${said.join(' ')}`);
          });
        }, 1000);
        void challenged.then(() => clearInterval(look));
      });
      expect(await Promise.race([challenged, window])).toBe(lie);
      expect((await port.claim(lie)).liveGames).toBe(1);
    });
  },
);
