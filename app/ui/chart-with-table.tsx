import type uPlot from 'uplot';
import { Disclosure } from './section.tsx';
import { type PlotLook, usePlot } from './use-plot.ts';

interface ChartWithTableProps {
  readonly data: uPlot.AlignedData;
  /** Read whenever the chart is drawn. Define it outside of the component. */
  readonly options: (look: PlotLook) => Omit<uPlot.Options, 'width' | 'height'>;
  /** What the chart shows, in a sentence for those who do not see it. */
  readonly label: string;
  readonly testId: string;
  readonly table: {
    readonly label: string;
    readonly columns: readonly string[];
    /** The latest first. The first cell of a row is its key. */
    readonly rows: readonly (readonly string[])[];
    readonly narrow?: boolean;
  };
}

/** A chart, with the same numbers as a table below it. */
export function ChartWithTable({ data, options, label, testId, table }: ChartWithTableProps) {
  const host = usePlot(data, options);
  const cell = (index: number) => (index < table.columns.length - 1 ? 'py-1 pr-4' : 'py-1');
  return (
    <>
      <div ref={host} role="img" aria-label={label} className="h-56 w-full" data-testid={testId} />
      <Disclosure summary={<>The same as a table</>}>
        <section
          className="max-h-64 overflow-auto"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard must reach a scrolling region.
          tabIndex={0}
          aria-label={table.label}
        >
          <table className={`w-full text-left ${table.narrow === true ? 'max-w-sm' : ''}`}>
            <thead className="text-quiet">
              <tr>
                {table.columns.map((name, index) => (
                  <th key={name} scope="col" className={`${cell(index)} font-medium`}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody className="figure">
              {table.rows.map((row) => (
                <tr key={row[0]}>
                  {row.map((text, index) => (
                    <td key={table.columns[index]} className={cell(index)}>
                      {text}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </Disclosure>
    </>
  );
}
