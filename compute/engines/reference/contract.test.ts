import { createReferenceEngine } from '../reference.ts';
import { describeEngineContract } from '../testing/engine-contract.ts';

describeEngineContract('the reference engine', async () => createReferenceEngine(), {
  hashing: false,
  pacing: false,
  measuring: false,
  prepacking: false,
});
