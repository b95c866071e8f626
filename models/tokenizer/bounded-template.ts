/**
 * A chat template, which is a stranger's program, run without this device's clock and locale and within
 * limits, so that it gives the same text on every device and ends.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';

type Evaluate = Interpreter['evaluate'];
type Node = NonNullable<Parameters<Evaluate>[0]>;
type Value = ReturnType<Evaluate>;

/** Most steps of a run: `EVALUATION_STEPS` an evaluation, and one for each value that it may visit. */
const MAX_STEPS = 1 << 22;
const EVALUATION_STEPS = 8;
/** Steps of each turn of a loop, which makes a scope and the loop's own variables. */
const TURN_STEPS = 64;
/** UTF-16 units of a text that count as one step. */
const UNITS_OF_A_STEP = 64;
/** Most UTF-16 units of a text. */
const MAX_TEXT = 1 << 23;
/** Most values of a range. */
const MAX_RANGE = 1 << 16;

export class BoundedTemplate {
  readonly #program: ReturnType<typeof parse>;
  readonly #nodes: MarkedNodes;

  /** Throws the parser's error for a template that is none. */
  constructor(source: string) {
    this.#program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
    this.#nodes = markedNodes(this.#program);
  }

  /** The text of the template. Throws what the template raises, or an error when it takes too many steps. */
  render(variables: Readonly<Record<string, unknown>>): string {
    const environment = new Environment();
    const globals = { ...GLOBALS, ...variables };
    for (const [name, value] of Object.entries(globals)) environment.set(name, value);
    return String(new BoundedInterpreter(environment, this.#nodes).run(this.#program).value);
  }
}

class BoundedInterpreter extends Interpreter {
  readonly #nodes: MarkedNodes;
  #left = MAX_STEPS;

  constructor(environment: Environment, nodes: MarkedNodes) {
    super(environment);
    this.#nodes = nodes;
  }

  override evaluate(node: Parameters<Evaluate>[0], environment: Environment): Value {
    this.#take(EVALUATION_STEPS);
    const value = super.evaluate(node, environment);
    if (node === undefined) return value;
    if (this.#nodes.iterated.has(node)) this.#take(TURN_STEPS * sizeOf(value.value));
    // What only gives up one of its members is not visited as a whole.
    if (!this.#nodes.lookedInto.has(node)) this.#visit(value);
    return value;
  }

  /** Takes a step for each value inside, as often as it is inside. */
  #visit(value: Value): void {
    this.#take(1);
    const inner: unknown = value.value;
    if (typeof inner === 'string') {
      if (inner.length > MAX_TEXT) throw new Error(`a text is longer than ${MAX_TEXT} characters`);
      this.#take(inner.length / UNITS_OF_A_STEP);
    } else if (Array.isArray(inner)) {
      for (const each of inner as readonly Value[]) this.#visit(each);
    } else if (inner instanceof Map) {
      for (const each of (inner as ReadonlyMap<string, Value>).values()) this.#visit(each);
    }
  }

  #take(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new Error('it takes too many steps');
  }
}

function sizeOf(value: unknown): number {
  return Array.isArray(value) ? value.length : value instanceof Map ? value.size : 0;
}

interface MarkedNodes {
  /** Nodes of which the value is only asked for a member or tested: the object of `messages[0]`. */
  readonly lookedInto: WeakSet<object>;
  /** Nodes of which the values are the turns of a loop. */
  readonly iterated: WeakSet<object>;
}

function markedNodes(program: object): MarkedNodes {
  const marked = { lookedInto: new WeakSet<object>(), iterated: new WeakSet<object>() };
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const each of value as readonly unknown[]) walk(each);
    } else if (value instanceof Map) {
      for (const [key, each] of value) {
        walk(key);
        walk(each);
      }
    } else {
      const { type } = value as Partial<Node>;
      const held: Readonly<Record<string, unknown>> = { ...value };
      const inner =
        type === 'MemberExpression' ? held.object : type === 'TestExpression' ? held.operand : undefined;
      // A slice copies its object.
      const slice = (held.property as Partial<Node> | undefined)?.type === 'SliceExpression';
      if (typeof inner === 'object' && inner !== null && !slice) marked.lookedInto.add(inner);
      if (type === 'For') markIterable(held.iterable, marked.iterated);
      for (const each of Object.values(held)) walk(each);
    }
  };
  walk(program);
  return marked;
}

/** `{% for x in list if test %}` selects from the list, turn by turn. */
function markIterable(node: unknown, iterated: WeakSet<object>): void {
  if (typeof node !== 'object' || node === null) return;
  const { type, lhs } = node as { readonly type?: unknown; readonly lhs?: unknown };
  const iterable = type === 'SelectExpression' ? lhs : node;
  if (typeof iterable === 'object' && iterable !== null) iterated.add(iterable);
}

/** The parts of the date that every template is told: 26 July 2024, a Friday, at midnight. */
const DATE: Readonly<Record<string, string>> = {
  Y: '2024',
  y: '24',
  m: '07',
  d: '26',
  j: '208',
  B: 'July',
  b: 'Jul',
  A: 'Friday',
  a: 'Fri',
  H: '00',
  I: '12',
  M: '00',
  S: '00',
  p: 'AM',
  '%': '%',
};

/**
 * Python's strftime of a fixed date, in English. It is the date that Llama 3's published templates fall back
 * to, so a template with that date gives the same text whether it asks the clock or not.
 */
function strftimeNow(format: unknown): string {
  if (typeof format !== 'string') throw new Error('strftime_now needs a format');
  return format.replace(/%([-#]?)([A-Za-z%])/g, (token, flag: string, part: string) => {
    const text = DATE[part];
    if (text === undefined) return token;
    return flag === '' ? text : text.replace(/^0(?=.)/, '');
  });
}

/** Python's range. */
function boundedRange(...bounds: readonly unknown[]): number[] {
  if (bounds.length < 1 || bounds.length > 3 || !bounds.every((each) => Number.isSafeInteger(each))) {
    throw new Error('range needs one to three whole numbers');
  }
  const [first, second, third] = bounds as readonly [number, number?, number?];
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const step = third ?? 1;
  if (step === 0) throw new Error('range needs a step other than 0');
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (count > MAX_RANGE) throw new Error(`a range has more than ${MAX_RANGE} values`);
  return Array.from({ length: count }, (_, i) => start + i * step);
}

const GLOBALS: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range: boundedRange,
  raise_exception: (message: unknown) => {
    throw new Error(String(message));
  },
  strftime_now: strftimeNow,
};
