/** npm run experiment -- <name>: runs the named experiment. */
const EXPERIMENTS: Readonly<Record<string, () => Promise<unknown>>> = {
  blocks: () => import('./blocks.ts'),
  'data-set': () => import('./data-set.ts'),
  hostile: () => import('./hostile.ts'),
  poison: () => import('./poison.ts'),
  sapo: () => import('./sapo.ts'),
  swarm8: () => import('./swarm8.ts'),
};

const name = process.argv[2] ?? '';
const experiment = Object.hasOwn(EXPERIMENTS, name) ? EXPERIMENTS[name] : undefined;
if (experiment === undefined) {
  console.error(`Name an experiment: npm run experiment -- ${Object.keys(EXPERIMENTS).join(' | ')}`);
  process.exitCode = 1;
} else {
  await experiment();
}

export {};
