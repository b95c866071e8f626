import { describe, expect, it } from 'vitest';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import { REJECT_REASONS } from '../../swarm/messages/reject-reason.ts';
import type { Member } from '../../swarm/presence.ts';
import { peersEvent, phaseOf, refusalInWords, selfDescription, shownRoundEvent } from './translate.ts';

describe('translating the swarm for the page', () => {
  it('has words for every refusal, and passes on what it does not know', () => {
    const words = REJECT_REASONS.map(refusalInWords);
    expect(new Set(words).size).toBe(REJECT_REASONS.length);
    for (const [index, text] of words.entries()) expect(text).not.toBe(REJECT_REASONS[index]);
    expect(refusalInWords('something new')).toBe('something new');
  });

  it('names peers by their device once they have said hello', () => {
    const view = {
      peers: [
        { peerId: 'A', path: 'direct' as const, route: 'stun' as const, latency: 4 },
        { peerId: 'B', path: 'relayed' as const, route: null, latency: null },
      ],
      relays: [{ peerId: 'R', addresses: [], state: 'unreachable' as const, failures: 2, cause: 'refused' }],
    };
    const member = { peerId: 'A', device: '0x01' } as Pick<Member, 'peerId' | 'device'> as Member;
    expect(peersEvent(view, [member])).toEqual({
      kind: 'peers',
      peers: [
        { peerId: 'A', path: 'direct', route: 'stun', latency: 4, device: '0x01' },
        { peerId: 'B', path: 'relayed', route: null, latency: null, device: null },
      ],
      relays: [{ peerId: 'R', connected: false, cause: 'refused' }],
    });
  });

  it('places a stage on this device’s clock, also when it was joined in the middle', () => {
    const stage = { kind: 'stage', round: 3, stage: 'critique', untilStageEnd: 2_000 } as const;
    expect(shownRoundEvent(stage, 100_000, () => 5_000)).toMatchObject({
      kind: 'stage',
      round: 3,
      stage: 'critique',
      stageStartedAt: 97_000,
      stageEndsAt: 102_000,
    });
    // A length that is not known yet makes no stage of negative length.
    expect(shownRoundEvent(stage, 100_000, () => 0)).toMatchObject({ stageStartedAt: 100_000 });
  });

  it('passes what the rounds say on as it is, with the time of a training', () => {
    const failed = { kind: 'failed', round: 4, cause: 'The GPU went away.', inARow: 1 } as const;
    expect(shownRoundEvent(failed, 0, () => 0)).toBe(failed);
    const trained = {
      kind: 'trained',
      round: 5,
      previousRoot: '0x',
      checkpointRoot: '0xab',
      foreign: 1,
      optimizerSteps: 1,
      meanReward: 0.5,
      heldOutAccuracy: 0.4,
      loss: 0.1,
    } as const;
    expect(shownRoundEvent(trained, 9, () => 0)).toEqual({ ...trained, trainedAt: 9 });
  });

  it('shows a pause with its cause, and leaves the end of a stop to the volunteer', () => {
    expect(phaseOf('paused', 'battery', 'ignored')).toEqual({ kind: 'paused', cause: 'battery' });
    expect(phaseOf('paused', 'failures', 'why')).toEqual({
      kind: 'paused',
      cause: 'failures',
      detail: 'why',
    });
    expect(phaseOf('stopped', 'asked', '')).toBeNull();
  });

  const SUITE = `0x${'5a'.repeat(32)}` as const;

  it('describes the engine to others only as far as it was tried', () => {
    const verdict = { kind: 'wasm', description: 'wasm SIMD', checks: 5, same: 4 } as const;
    const engine = {
      kind: 'wasm',
      description: 'wasm SIMD',
      reason: '',
      verdicts: [verdict],
      suite: SUITE,
    } as const;
    expect(selfDescription(engine).conformance).toEqual({
      verdict: 'failed',
      detail: '4 of 5 checks',
      suite: SUITE,
    });
    expect(selfDescription(null)).toEqual({ engine: '', conformance: UNTESTED });
  });
});
