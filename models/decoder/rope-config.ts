/** Reads and writes the rotary embedding's settings in a config.json. */
import { shownValue } from './shown-value.ts';

/**
 * Scaling of frequencies: all are divided by `factor`, or as in Llama 3.1 only the slow ones, with a ramp
 * between.
 */
export type RopeScaling =
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      /** Number of positions that the model was first trained for. */
      readonly originalContext: number;
    };

export interface RopeSettings {
  readonly theta: number;
  readonly scaling?: RopeScaling;
  readonly interleaved: boolean;
}

type JsonObject = Readonly<Record<string, unknown>>;
type Fail = (problem: string) => never;

function own(json: JsonObject, name: string): unknown {
  return Object.hasOwn(json, name) ? (json[name] ?? undefined) : undefined;
}

/**
 * Reads `rope_theta`, `rope_scaling` and `rope_interleave`. Newer files have `rope_parameters` instead of the
 * first two. Calls `fail`, which throws, for unknown settings.
 */
export function parseRope(json: JsonObject, fail: Fail): RopeSettings {
  const number = (from: JsonObject, name: string, fallback?: number): number => {
    const value = own(from, name) ?? fallback;
    if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value)) {
      return fail(`${name} must be a positive number, got ${shownValue(value)}`);
    }
    return value;
  };
  const block = (name: string): JsonObject => {
    const value = own(json, name) ?? {};
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return fail(`${name} must be an object`);
    return value as JsonObject;
  };
  const interleaved = own(json, 'rope_interleave') ?? own(json, 'rope_interleaved') ?? false;
  if (typeof interleaved !== 'boolean') fail('rope_interleave must be true or false');
  const parameters = block('rope_parameters');
  const source = own(json, 'rope_scaling') === undefined ? parameters : block('rope_scaling');
  const theta = number(parameters, 'rope_theta', number(json, 'rope_theta', 10000));
  const type = own(source, 'rope_type') ?? own(source, 'type') ?? 'default';
  switch (type) {
    case 'default':
      return { theta, interleaved };
    case 'linear':
      return { theta, interleaved, scaling: { type: 'linear', factor: number(source, 'factor') } };
    case 'llama3': {
      const scaling = {
        type: 'llama3',
        factor: number(source, 'factor'),
        lowFrequencyFactor: number(source, 'low_freq_factor'),
        highFrequencyFactor: number(source, 'high_freq_factor'),
        originalContext: number(source, 'original_max_position_embeddings'),
      } as const;
      if (scaling.highFrequencyFactor <= scaling.lowFrequencyFactor) {
        fail('high_freq_factor must be above low_freq_factor');
      }
      return { theta, interleaved, scaling };
    }
    default:
      return fail(`rope_scaling ${shownValue(type)} is not supported; use null, "linear" or "llama3"`);
  }
}

/** The fields of the settings. `parseRope` is the inverse. */
export function ropeJson(config: {
  readonly ropeTheta: number;
  readonly ropeScaling?: RopeScaling;
  readonly ropeInterleaved?: boolean;
}): Record<string, unknown> {
  const { ropeScaling: scaling } = config;
  let json: Record<string, unknown> | null = null;
  if (scaling?.type === 'linear') json = { factor: scaling.factor, rope_type: 'linear' };
  if (scaling?.type === 'llama3') {
    json = {
      factor: scaling.factor,
      high_freq_factor: scaling.highFrequencyFactor,
      low_freq_factor: scaling.lowFrequencyFactor,
      original_max_position_embeddings: scaling.originalContext,
      rope_type: 'llama3',
    };
  }
  return {
    ...(config.ropeInterleaved === true ? { rope_interleave: true } : {}),
    rope_scaling: json,
    rope_theta: config.ropeTheta,
  };
}
