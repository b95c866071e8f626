// Runs lists of steps. A step is [opcode, arguments...] in linear memory, 32 bits each; opcodes.ts numbers
// the kernels.
import { argument } from './step';
import { Opcode } from './opcodes';
import { attention, attentionDelta, attentionGradKv, attentionGradQ } from './attention';
import {
  add, addScaled, biasAdd, biasGrad, cacheWrite, cacheWriteRows, embed, embedGrad, rmsApply, rmsGradGain, rmsGradX, rmsRstd,
  rope, ropePairs, swiglu, swigluGrad,
} from './layers';
import { lossWeighted, policyCoefficient, xentGrad, xentLogprob } from './losses';
import { embedBf16 } from './bf16';
import { dequantInt8, quantInt8, roundBf16 } from './boundary';
import { matmulPack, matmulPanels } from './matmul';
import { prepack } from './prepacked';
import { matmulRow } from './row';
import { adamw, clipScale, normBlocks } from './optimizer';
import { sample, sampleFilter, softmaxMaxima, softmaxSums, xentLse } from './softmax';
import { hashMany } from './sha256';
import { barrier, failedStep, reportFailure } from './barrier';

function dispatch(step: usize, thread: i32, threads: i32): i32 {
  switch (argument(step, 0)) {
    case Opcode.Embed: return embed(step, thread, threads);
    case Opcode.EmbedGrad: return embedGrad(step, thread, threads);
    case Opcode.MatmulPack: return matmulPack(step, thread, threads);
    case Opcode.MatmulPanels: return matmulPanels(step, thread, threads);
    case Opcode.MatmulRow: return matmulRow(step, thread, threads);
    case Opcode.BiasAdd: return biasAdd(step, thread, threads);
    case Opcode.BiasGrad: return biasGrad(step, thread, threads);
    case Opcode.Add: return add(step, thread, threads);
    case Opcode.RmsRstd: return rmsRstd(step, thread, threads);
    case Opcode.RmsApply: return rmsApply(step, thread, threads);
    case Opcode.RmsGradX: return rmsGradX(step, thread, threads);
    case Opcode.RmsGradGain: return rmsGradGain(step, thread, threads);
    case Opcode.Rope: return rope(step, thread, threads);
    case Opcode.Swiglu: return swiglu(step, thread, threads);
    case Opcode.SwigluGrad: return swigluGrad(step, thread, threads);
    case Opcode.Attention: return attention(step, thread, threads);
    case Opcode.AttentionDelta: return attentionDelta(step, thread, threads);
    case Opcode.AttentionGradQ: return attentionGradQ(step, thread, threads);
    case Opcode.AttentionGradKv: return attentionGradKv(step, thread, threads);
    case Opcode.CacheWrite: return cacheWrite(step, thread, threads);
    case Opcode.XentLse: return xentLse(step, thread, threads);
    case Opcode.XentLogprob: return xentLogprob(step, thread, threads);
    case Opcode.XentGrad: return xentGrad(step, thread, threads);
    case Opcode.PolicyCoefficient: return policyCoefficient(step, thread, threads);
    case Opcode.LossWeighted: return lossWeighted(step, thread, threads);
    case Opcode.NormBlocks: return normBlocks(step, thread, threads);
    case Opcode.ClipScale: return clipScale(step, thread, threads);
    case Opcode.Adamw: return adamw(step, thread, threads);
    case Opcode.Sample: return sample(step, thread, threads);
    case Opcode.EmbedBf16: return embedBf16(step, thread, threads);
    case Opcode.AddScaled: return addScaled(step, thread, threads);
    case Opcode.RopePairs: return ropePairs(step, thread, threads);
    case Opcode.CacheWriteRows: return cacheWriteRows(step, thread, threads);
    case Opcode.SampleFilter: return sampleFilter(step, thread, threads);
    case Opcode.SoftmaxMaxima: return softmaxMaxima(step, thread, threads);
    case Opcode.SoftmaxSums: return softmaxSums(step, thread, threads);
    case Opcode.RoundBf16: return roundBf16(step, thread, threads);
    case Opcode.QuantInt8: return quantInt8(step, thread, threads);
    case Opcode.DequantInt8: return dequantInt8(step, thread, threads);
    case Opcode.HashMany: return hashMany(step, thread, threads);
    case Opcode.Prepack: return prepack(step, thread, threads);
    default: return 2;
  }
}

/**
 * Runs steps `from` .. `to` - 1 as thread `thread` of `threads`; `offsets` holds each step's address. Gives
 * -1, or the index of the step that met an index out of range. Several threads meet at a barrier after each
 * step, so that a step sees all of what the step before wrote.
 */
export function steps(offsets: usize, from: i32, to: i32, thread: i32, threads: i32): i32 {
  for (let i = from; i < to; i++) {
    const status = dispatch(<usize>load<u32>(offsets + <usize>i * 4), thread, threads);
    if (threads == 1) {
      if (status != 0) return i;
      continue;
    }
    if (status != 0) reportFailure(i);
    barrier(threads);
    const failed = failedStep();
    if (failed >= 0) return failed;
  }
  return -1;
}
