import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            '{protocol,pipeline,compute,models,training,audit,workers,swarm,chain,app,node,tools,bench,e2e,interop,fuzz}/**/*.test.ts',
          ],
        },
      },
      'app/vitest.config.ts',
    ],
    environment: 'node',
    // Processes, not threads: engines and libp2p bring native code and global state.
    pool: 'forks',
    // Tests that start browsers, swarms and teams of threads keep about two cores busy each; more at once
    // starve one another.
    maxWorkers: Math.max(2, Math.floor(availableParallelism() / 2)),
    // No test fails for being slow, because machines are noisy. These limits only end what hangs.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000, interval: 20 } },
    teardownTimeout: 20_000,
  },
});
