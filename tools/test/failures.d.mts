/** The parts that are read of vitest's JSON report. */
export interface UnitReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/** The parts that are read of an error that vitest found outside of any test. */
export interface StrayError {
  readonly type?: string;
  readonly message?: string;
  readonly stack?: string;
  readonly cause?: { readonly message?: string };
  readonly VITEST_TEST_PATH?: string;
  readonly VITEST_TEST_NAME?: string;
}

interface JourneyError {
  readonly message?: string;
  readonly location?: { readonly file: string; readonly line: number };
}

/** The parts that are read of a suite in Playwright's JSON report. */
export interface JourneySuite {
  readonly title: string;
  readonly suites?: readonly JourneySuite[];
  readonly specs?: readonly {
    readonly ok: boolean;
    readonly title: string;
    readonly tests: readonly {
      readonly results: readonly {
        readonly error?: JourneyError;
        /** All of them, the first one included. */
        readonly errors?: readonly JourneyError[];
      }[];
    }[];
  }[];
}

export function unitFailures(report: UnitReport, root: string): readonly string[];
export function strayErrors(errors: readonly StrayError[], root: string): readonly string[];
export function journeyFailures(suites: readonly JourneySuite[] | undefined): readonly string[];
export function forgeFailures(output: string): readonly string[];
