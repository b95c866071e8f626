import type { DeviceAddress } from '../../protocol/hex.ts';
import type { CheckpointDifference } from './compare-checkpoints.ts';
import type { RolloutDifference } from './compare-rollouts.ts';
import type { ReplayVerdict } from './replay-record.ts';

const HOW_TO_GET =
  'with --ask the archive of a running network fetches it from members, with --state FILE it comes from a file.';

/** What a replay found, as a few lines for a person. The first line holds the result. */
export function verdictInWords(device: DeviceAddress, verdict: ReplayVerdict): string {
  const { round } = verdict;
  switch (verdict.kind) {
    case 'same':
      return `same bits: round ${round} of ${device} gives root ${verdict.root} (${verdict.steps} optimizer steps)`;
    case 'checkpoint differs':
      return [
        `different: round ${round} of ${device}, ${checkpointPlace(verdict.difference)}`,
        verdict.attestedIsRight
          ? `The attested root ${verdict.recomputedRoot} is right; the published copy is not what was attested.`
          : `Recomputed root: ${verdict.recomputedRoot}. The attestation is of another checkpoint.`,
      ].join('\n');
    case 'own rollouts differ':
      return `different: round ${round} of ${device}, own rollouts, ${rolloutPlace(verdict.difference)}`;
    case 'foreign rollouts differ':
      return `different: round ${round} of ${device}, rollouts of ${verdict.author ?? 'another device'} (${verdict.cid})${
        verdict.difference === null
          ? ': not the bytes that their name says'
          : `, ${rolloutPlace(verdict.difference)}`
      }`;
    case 'attestation differs':
      return [
        `different: round ${round} of ${device}, the attestation names root ${verdict.attested}, what was published gives ${verdict.recomputed}`,
        ...(verdict.wanted === undefined
          ? []
          : [
              `The archive does not keep the checkpoint after round ${round}, which would show the place: ${HOW_TO_GET}`,
            ]),
      ].join('\n');
    case 'impossible':
      return `cannot be replayed: round ${round} of ${device}, ${verdict.cause}.${
        verdict.wanted === undefined
          ? ''
          : ` Get the checkpoint after round ${verdict.wanted.round}: ${HOW_TO_GET}`
      }`;
  }
}

function checkpointPlace(difference: CheckpointDifference): string {
  switch (difference.kind) {
    case 'element': {
      const { tensor, element, published, recomputed, differing } = difference;
      const more = differing === 1 ? '' : ` (and ${differing - 1} more in this tensor)`;
      return `tensor ${tensor}, element ${element}: published ${float(published)}, recomputed ${float(recomputed)}${more}`;
    }
    case 'tensor':
      return `tensor ${difference.tensor}: ${difference.problem}`;
    case 'metadata':
      return `metadata ${difference.key}: published ${difference.published}, recomputed ${difference.recomputed}`;
    case 'layout':
      return 'the layout of the checkpoint file: same tensors, other bytes';
    case 'unreadable':
      return `the header of the checkpoint file: ${difference.cause}`;
  }
}

function rolloutPlace(difference: RolloutDifference): string {
  switch (difference.kind) {
    case 'item':
      return `item ${difference.item}: other answers`;
    case 'author':
      return `made by ${difference.published}, not by ${difference.recomputed}`;
    case 'model root':
      return `sampled by ${difference.published}, not by ${difference.recomputed}`;
    case 'unreadable':
      return `not readable: ${difference.cause}`;
    default: {
      const { kind, item, sample, token, published, recomputed } = difference;
      return `item ${item}, answer ${sample}, token ${token}, ${kind}: published ${published}, recomputed ${recomputed}`;
    }
  }
}

/** 32 bits with the number that they are. */
function float(bits: string): string {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, Number.parseInt(bits, 16));
  return bits.length === 8 ? `0x${bits} (${view.getFloat32(0)})` : `0x${bits}`;
}
