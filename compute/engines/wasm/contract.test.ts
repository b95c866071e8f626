import { describeEngineContract } from '../testing/engine-contract.ts';
import { createWasmEngine } from './engine.ts';

const offers = { hashing: true, pacing: true, measuring: true, prepacking: true };
describeEngineContract('the wasm engine on one thread', () => createWasmEngine(), offers);
describeEngineContract(
  'the wasm engine on three threads',
  () => createWasmEngine({ threads: 3, alwaysAllThreads: true }),
  offers,
);
