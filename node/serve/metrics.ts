/** One figure for Prometheus, with one value or one for each set of labels. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly kind: 'gauge' | 'counter';
  readonly values: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];
}

/**
 * Figures in Prometheus's text format.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4.
 */
export function metricsText(metrics: readonly Metric[]): string {
  return metrics
    .flatMap(({ name, help, kind, values }) => [
      `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
      `# TYPE ${name} ${kind}`,
      ...values.map(({ labels = {}, value }) => `${name}${labelsText(labels)} ${value}`),
      '',
    ])
    .join('\n');
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => {
    const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
    return `${label}="${escaped}"`;
  });
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
