import type { Benchmark } from './benchmark.ts';

/** Every benchmark, loaded only when it is asked for. Add one with a file of its own and a line here. */
export const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  matmul: async () => (await import('./matmul.ts')).matmul,
  'training-step': async () => (await import('./training-step.ts')).trainingStep,
  gossip: async () => (await import('./gossip.ts')).gossip,
  'first-step': async () => (await import('./first-step.ts')).firstStep,
  'wasm-peers': async () => (await import('./peers/wasm-peers.ts')).wasmPeers,
  'webgpu-peers': async () => (await import('./peers/webgpu-peers.ts')).webgpuPeers,
  'whole-step': async () => (await import('./whole-step.ts')).wholeStep,
  round: async () => (await import('./round.ts')).round,
  hashing: async () => (await import('./hashing.ts')).hashing,
  'duty-cycle': async () => (await import('./duty-cycle.ts')).dutyCycle,
  signatures: async () => (await import('./signatures.ts')).signatures,
  content: async () => (await import('./content.ts')).content,
  connection: async () => (await import('./connection.ts')).connection,
  member: async () => (await import('./member.ts')).member,
  hops: async () => (await import('./hops.ts')).hops,
};
