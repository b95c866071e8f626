import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeRunSpec } from '../../audit/run-spec.ts';
import { publishDescription } from '../../chain/descriptions.ts';
import { anvilWallet, NO_ANVIL } from '../../chain/devnet/anvil.ts';
import { claimOnce } from '../../chain/disputes/agents/claim-once.ts';
import { Defender } from '../../chain/disputes/agents/defender.ts';
import { OnchainDisputes } from '../../chain/disputes/onchain/port.ts';
import { runsOf } from '../../chain/disputes/testing/match.ts';
import { type LocalChain, startLocalChain } from '../../chain/testing/local-chain.ts';
import { TransactionQueue } from '../../chain/transaction-queue.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import { faultyRun } from './testing/faults.ts';
import { nanoStart, supervisedSpec } from './testing/nano.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe.skipIf(NO_ANVIL !== undefined)(
  `npm run audit${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;
    let engine: Engine;
    let folder: string;
    const children: ChildProcess[] = [];

    beforeAll(async () => {
      [local, engine, folder] = await Promise.all([
        startLocalChain(),
        createWasmEngine({ threads: 1 }),
        mkdtemp(join(tmpdir(), 'starling-audit-')),
      ]);
      const { rpc, chainId, contracts, rollup } = local.network;
      const file = { page: 'http://localhost/', rpc, chainId, contracts, rollup, relays: [] };
      await writeFile(join(folder, 'network.json'), JSON.stringify(file));
    });
    afterAll(async () => {
      for (const child of children) child.kill('SIGKILL');
      await engine?.stop();
      await local?.stop();
      if (folder !== undefined)
        await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    });

    async function account(): Promise<`0x${string}`> {
      const key = generatePrivateKey();
      await local.controls.setBalance({ address: privateKeyToAddress(key), value: 10n ** 20n });
      return key;
    }

    /**
     * Runs the command; the result's `printed` resolves with the first event of a kind, or rejects when the
     * process ends.
     */
    function audit(...flags: readonly string[]) {
      const child = spawn(
        process.execPath,
        [
          ...[
            '--import',
            'tsx',
            'node/audit.ts',
            '--json',
            '--poll',
            '100',
            '--network',
            join(folder, 'network.json'),
          ],
          ...['--home', join(folder, 'auditor'), ...flags],
        ],
        { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      children.push(child);
      let complaint = '';
      child.stderr.on('data', (chunk: Buffer) => {
        complaint = (complaint + chunk.toString()).slice(-2000);
      });
      const lines: Record<string, unknown>[] = [];
      const listeners = new Set<() => void>();
      const notify = (): void => {
        for (const listener of listeners) listener();
      };
      createInterface({ input: child.stdout }).on('line', (line) => {
        lines.push(JSON.parse(line));
        notify();
      });
      const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
      return {
        lines,
        ended,
        kill: () => child.kill('SIGKILL'),
        printed: (is: (line: Record<string, unknown>) => boolean) =>
          new Promise<Record<string, unknown>>((resolve, reject) => {
            const look = (): void => {
              const found = lines.find(is);
              if (found !== undefined) resolve(found);
            };
            listeners.add(look);
            look();
            void ended.then((code) => reject(new Error(`The auditor ended with ${code}. ${complaint}`)));
          }),
      };
    }

    it('finds a fault with published data alone, is killed, goes on, and takes the reward', async () => {
      const { client, network } = local;
      const start = await nanoStart();
      const spec = supervisedSpec(start);
      const wallet = anvilWallet(local.anvil, await account());
      const queue = new TransactionQueue({ client, wallet, pollMs: 20 });
      const port = new OnchainDisputes({ queue, address: network.rollup.disputes });
      const key = await account();
      await mkdir(join(folder, 'auditor'));
      await writeFile(join(folder, 'auditor', 'account.key'), `${key}\n`, { mode: 0o600 });
      const slot = 140;
      // Started first: this chain's window of 120 s is real time.
      const first = audit();
      const faulty = await faultyRun({
        ...{ engine, start, spec },
        fault: { kind: 'bit', step: 1, slot, element: 4321, bit: 22 },
      });
      const { descriptions } = network.rollup;
      const description = encodeRunSpec(spec);
      await publishDescription({ queue, descriptions, run: termsHash(faulty.terms), description });
      const made = await claimOnce(port, faulty);
      expect(made).toMatchObject({ kind: 'done', id: 0 });
      const defender = new Defender({ port, runs: runsOf(faulty), pollMs: 50 });
      defender.start();
      try {
        await first.printed(({ kind }) => kind === 'moved');
        first.kill();
        await first.ended;
        const second = audit();
        await second.printed(({ kind }) => kind === 'withdrew');
        expect(await second.printed(({ kind }) => kind === 'over')).toMatchObject({
          claim: 0,
          game: 0,
          won: true,
        });
        second.kill();
        await second.ended;
      } finally {
        await defender.stop();
      }
      expect(await port.claim(0)).toMatchObject({ lost: true, settled: false, liveGames: 0 });
      const transcript = audit('--game', '0');
      expect(await transcript.ended).toBe(0);
      expect(transcript.lines[0]).toMatchObject({
        sections: expect.arrayContaining([
          expect.objectContaining({ kind: 'slot', slot, operator: 'matmul' }),
        ]),
        verdict: { winner: 'challenger', by: 'judge' },
      });
    });
  },
);
