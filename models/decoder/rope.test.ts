import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { HyperSchedule } from './hyper.ts';
import { ropeTables } from './rope.ts';

describe('ropeTables', () => {
  it.each([
    { positions: 64, headDim: 16, theta: 10000 },
    { positions: 2048, headDim: 64, theta: 1e6 },
  ])('are cos and sin of pos * theta^(-2i/d): %o', ({ positions, headDim, theta }) => {
    const { cos, sin } = ropeTables({ positions, headDim, theta });
    const half = headDim / 2;
    let worst = 0;
    for (let at = 0; at < positions * half; at++) {
      const angle = Math.floor(at / half) * theta ** ((-2 * (at % half)) / headDim);
      worst = Math.max(worst, Math.abs(cos[at]! - Math.cos(angle)), Math.abs(sin[at]! - Math.sin(angle)));
    }
    // The frequency carries an f32 rounding error that grows with the position, as in every f32
    // implementation.
    expect(worst).toBeLessThan(positions * 2e-7);
  });

  it('stretches slow frequencies as Llama 3.1 does', () => {
    const scaling = {
      type: 'llama3',
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalContext: 512,
    } as const;
    const [positions, headDim, theta] = [256, 32, 10000];
    const { cos, sin } = ropeTables({ positions, headDim, theta, scaling });
    let worst = 0;
    const kinds = new Set<string>();
    for (let at = 0; at < positions * 16; at++) {
      // The rule as transformers writes it, by wavelengths.
      const frequency = theta ** ((-2 * (at % 16)) / headDim);
      const wavelength = (2 * Math.PI) / frequency;
      let expected = frequency;
      if (wavelength > 512 / 1) expected = frequency / 8;
      else if (wavelength >= 512 / 4) {
        const smooth = (512 / wavelength - 1) / 3;
        expected = (1 - smooth) * (frequency / 8) + smooth * frequency;
        kinds.add('ramp');
      }
      kinds.add(expected === frequency ? 'fast' : 'slow');
      const angle = Math.floor(at / 16) * expected;
      worst = Math.max(worst, Math.abs(cos[at]! - Math.cos(angle)), Math.abs(sin[at]! - Math.sin(angle)));
    }
    expect(kinds).toEqual(new Set(['fast', 'slow', 'ramp']));
    expect(worst).toBeLessThan(positions * 2e-7);
  });

  it('divides all frequencies by a linear factor', () => {
    const one = ropeTables({ positions: 9, headDim: 8, theta: 10000 });
    const half = ropeTables({
      positions: 17,
      headDim: 8,
      theta: 10000,
      scaling: { type: 'linear', factor: 2 },
    });
    for (let i = 0; i < 4; i++) expect(half.cos[16 * 4 + i]).toBeCloseTo(one.cos[8 * 4 + i]!, 5);
  });

  it('have the committed bits', () => {
    const { cos, sin } = ropeTables({ positions: 64, headDim: 16, theta: 10000 });
    const digest = createHash('sha256').update(new Uint8Array(cos.buffer)).update(new Uint8Array(sin.buffer));
    expect(digest.digest('hex')).toBe('4389dde06f5a46210317256eea2e2887a83eefa44060f1b6d5ab14c1a63ba803');
  });
});

describe('HyperSchedule', () => {
  const schedule = () => new HyperSchedule({ beta1: 0.9, beta2: 0.999 });

  it('is the bias correction of AdamW', () => {
    const hyper = schedule();
    for (const t of [1, 2, 15, 16, 100, 3000]) {
      const [rate = 0, first = 0, second = 0] = hyper.at(t, 0.5);
      expect(rate).toBe(0.5);
      expect(first * (1 - 0.9 ** t)).toBeCloseTo(1, 5);
      expect(second * (1 - 0.999 ** t)).toBeCloseTo(1, 4);
    }
  });

  it('does not depend on which steps were asked for before', () => {
    const walked = schedule();
    for (let t = 1; t < 40; t++) walked.at(t, 0.1);
    expect(walked.at(40, 0.1)).toEqual(schedule().at(40, 0.1));
    expect(walked.at(7, 0.1)).toEqual(schedule().at(7, 0.1));
  });
});
