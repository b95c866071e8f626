import { describe, expect, it } from 'vitest';
import { FalseAcknowledgements } from './false-acknowledgements.ts';

const HOUR_MS = 3_600_000;
const LIAR = '0x01';
const CID = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const version = (block: string, cid = CID) => ({
  block,
  step: 0,
  version: cid,
  root: `0x${'00'.repeat(32)}` as const,
});

function setUp() {
  const clock = { now: 0 };
  return { clock, findings: new FalseAcknowledgements(() => clock.now) };
}

describe('FalseAcknowledgements', () => {
  it('[P-167] passes a device over for the block for an hour, and counts a version once', () => {
    const { clock, findings } = setUp();
    findings.found(LIAR, version('head'));
    findings.found(LIAR, version('head'));
    expect(findings.counted).toBe(1);
    expect(findings.isPassedOver(LIAR, 'head')).toBe(true);
    expect(findings.isPassedOver(LIAR, 'embedding')).toBe(false);
    expect(findings.isPassedOver('0x02', 'head')).toBe(false);
    clock.now = HOUR_MS - 1;
    expect(findings.isPassedOver(LIAR, 'head')).toBe(true);
    clock.now = HOUR_MS;
    expect(findings.isPassedOver(LIAR, 'head')).toBe(false);
  });

  it('[P-167] passes it over for all blocks after three versions', () => {
    const { findings } = setUp();
    for (const n of [0, 1]) findings.found(LIAR, version('head', `${CID} ${n}`));
    expect(findings.isPassedOver(LIAR, 'embedding')).toBe(false);
    findings.found(LIAR, version('head', `${CID} 2`));
    expect(findings.isPassedOver(LIAR, 'embedding')).toBe(true);
  });

  it('[P-167] forgives silence twice in a row', () => {
    const { findings } = setUp();
    for (let times = 0; times < 5; times++) {
      findings.silent(LIAR, version('head'));
      findings.silent(LIAR, version('head'));
      findings.answered(LIAR);
    }
    expect(findings.counted).toBe(0);
    for (let times = 0; times < 3; times++) findings.silent(LIAR, version('head'));
    expect(findings.counted).toBe(1);
    expect(findings.isPassedOver(LIAR, 'head')).toBe(true);
  });
});
