/** Writes a model as an ONNX file. */
import { configJson } from '../decoder/config.ts';
import { checkTensors } from '../decoder/state.ts';
import { type DecoderGraphOptions, decoderGraph } from './decoder-graph.ts';

/** The value of `starling.format` in the file's metadata. */
const ONNX_FORMAT = 'starling-onnx-1';

/**
 * The model's ONNX file, in parts to be written in order (`concatenated` joins them). Equal arguments give
 * equal bytes on every machine, since rotary tables are computed in canonical arithmetic. Throws
 * ModelStateError when the parameters do not fit the configuration, and OnnxExportError for a model of 2 GiB
 * or more.
 */
export function exportDecoder(options: DecoderGraphOptions): readonly Uint8Array[] {
  checkTensors(options.config, options.parameters, 'parameters');
  return decoderGraph(options).finish(
    'decoder',
    new Map([
      ['starling.format', ONNX_FORMAT],
      ['starling.arithmetic', options.arithmetic],
      ['starling.config', JSON.stringify(configJson(options.config))],
    ]),
  );
}
